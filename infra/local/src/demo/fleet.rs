//! The agents and projects of the demo organization.

/// A model, and the share of an agent's calls that go to it.
pub struct ModelShare {
    pub provider: &'static str,
    pub model: &'static str,
    pub percent: u32,
}

pub struct Agent {
    pub id: &'static str,
    pub name: &'static str,
    pub status: &'static str,
    pub category: &'static str,
    pub department: &'static str,
    pub role: &'static str,
    /// What a person in its role earns, in dollars a year.
    pub salary: u32,
    /// Estimated hours that it saves a month.
    pub hours: u32,
    /// Dollars a month.
    pub budget: Option<u32>,
    pub models: &'static [ModelShare],
    pub task_types: &'static [&'static str],
    /// Whether its calls have an end user.
    pub serves_people: bool,
    /// Calls on a working day.
    pub calls: u32,
    /// Input tokens of a usual call, about a third of them read from the cache.
    pub input: u64,
    /// Output tokens of a usual call.
    pub output: u64,
    /// The agent that calls this one, in the same sessions.
    pub works_for: Option<&'static str>,
}

const fn share(provider: &'static str, model: &'static str, percent: u32) -> ModelShare {
    ModelShare { provider, model, percent }
}

/// One agent is over its budget, one could use a smaller model, and one uses a model that has no price.
pub const AGENTS: [Agent; 6] = [
    Agent {
        id: "nova",
        name: "Nova",
        status: "online",
        category: "Research",
        department: "Strategy",
        role: "Research Analyst",
        salary: 75_000,
        hours: 80,
        budget: Some(100),
        models: &[share("anthropic", "claude-sonnet-4-5", 70), share("anthropic", "claude-haiku-3.5", 30)],
        task_types: &["research", "analysis", "summarization"],
        serves_people: false,
        calls: 7,
        input: 80_000,
        output: 3_000,
        works_for: None,
    },
    Agent {
        id: "atlas",
        name: "Atlas",
        status: "online",
        category: "Operations",
        department: "Operations",
        role: "Operations Planner",
        salary: 68_000,
        hours: 60,
        budget: Some(40),
        models: &[share("anthropic", "claude-opus-4-5", 100)],
        task_types: &["planning", "reasoning"],
        serves_people: false,
        calls: 6,
        input: 100_000,
        output: 5_000,
        works_for: None,
    },
    Agent {
        id: "pulse",
        name: "Pulse",
        status: "online",
        category: "Support",
        department: "Operations",
        role: "Support Agent",
        salary: 42_000,
        hours: 120,
        budget: Some(150),
        models: &[share("anthropic", "claude-sonnet-4-20250514", 100)],
        task_types: &["classification", "chat", "routing"],
        serves_people: true,
        calls: 11,
        input: 44_000,
        output: 900,
        works_for: None,
    },
    Agent {
        id: "orion",
        name: "Orion",
        status: "online",
        category: "Engineering",
        department: "Product",
        role: "Software Engineer",
        salary: 98_000,
        hours: 70,
        budget: Some(200),
        models: &[share("openai", "gpt-5", 60), share("google", "gemini-2.5-pro", 40)],
        task_types: &["coding", "analysis"],
        serves_people: false,
        calls: 8,
        input: 200_000,
        output: 6_000,
        works_for: None,
    },
    Agent {
        id: "echo",
        name: "Echo",
        status: "online",
        category: "Sales",
        department: "Operations",
        role: "Sales Assistant",
        salary: 52_000,
        hours: 50,
        budget: Some(60),
        models: &[share("openai", "gpt-4o", 55), share("openai", "gpt-4o-mini", 45)],
        task_types: &["drafting", "chat", "extraction"],
        serves_people: true,
        calls: 8,
        input: 25_000,
        output: 1_200,
        works_for: Some("pulse"),
    },
    Agent {
        id: "lyra",
        name: "Lyra",
        status: "paused",
        category: "Content",
        department: "Marketing",
        role: "Copywriter",
        salary: 55_000,
        hours: 40,
        budget: None,
        models: &[share("google", "gemini-2.5-flash", 85), share("in-house", "lyra-7b", 15)],
        task_types: &["drafting", "translation"],
        serves_people: false,
        calls: 5,
        input: 16_000,
        output: 2_500,
        works_for: Some("nova"),
    },
];

pub struct Project {
    pub id: &'static str,
    pub name: &'static str,
    pub cores: u32,
    pub ram_gb: u32,
    pub disk_gb: u32,
}

pub const PROJECTS: [Project; 3] = [
    Project { id: "website", name: "Website", cores: 2, ram_gb: 4, disk_gb: 40 },
    Project { id: "pipeline", name: "Data pipeline", cores: 8, ram_gb: 32, disk_gb: 500 },
    Project { id: "chat", name: "Chat widget", cores: 1, ram_gb: 2, disk_gb: 20 },
];

/// The customers that agents work for, one at a time. They are a tag of the events.
pub const CUSTOMERS: [&str; 5] = ["globex", "initech", "umbrella", "hooli", "stark"];
