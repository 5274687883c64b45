//! The expected responses of the three endpoints, in integer millionths.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::random::{Case, DEPARTMENTS, Done, STATUSES, Settings, Sum, What};

/// `part / whole` rounded half-even to `places` decimals; 0 for a `whole` of 0.
pub fn rounded(part: i128, whole: i128, places: usize) -> Value {
    if whole == 0 {
        return json!(0);
    }
    let scale = 10_i128.pow(u32::try_from(places).unwrap());
    let (sign, part) = (if part < 0 { "-" } else { "" }, part.abs() * scale);
    let (floor, rest) = (part / whole, part % whole);
    let units = floor + i128::from(rest * 2 > whole || (rest * 2 == whole && floor % 2 == 1));
    let mut text = format!("{units:0width$}", width = places + 1);
    if places > 0 {
        text.insert(text.len() - places, '.');
        text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    if units == 0 { json!(0) } else { serde_json::from_str(&format!("{sign}{text}")).unwrap() }
}

/// The inputs of all ratios: salary, cost, and time saved.
#[derive(Clone, Copy, Debug, Default)]
struct Worth {
    salary: i128,
    cost: i128,
    minutes: i128,
}

impl Worth {
    fn of(settings: &Settings, sum: &Sum) -> Self {
        let estimated = settings.hours.unwrap_or(0) * 60;
        Self {
            salary: settings.salary.unwrap_or(0),
            cost: sum.cost,
            minutes: sum.reported.unwrap_or(estimated),
        }
    }

    fn sum(all: impl Iterator<Item = Self>) -> Self {
        all.fold(Self::default(), |a, b| Self {
            salary: a.salary + b.salary,
            cost: a.cost + b.cost,
            minutes: a.minutes + b.minutes,
        })
    }

    fn savings(self) -> Value {
        rounded(self.salary - 12 * self.cost, 12_000_000, 6)
    }

    fn roi(self) -> Value {
        rounded((self.salary - 12 * self.cost) * 100, self.cost * 12, 1)
    }

    fn hours(self) -> Value {
        rounded(self.minutes, 60_000_000, 6)
    }

    fn month(self) -> Value {
        rounded(self.salary, 12_000_000, 6)
    }

    fn to_date(self, (days, of): (i128, i128)) -> [Value; 2] {
        let human = self.salary * days;
        let of = 12 * of;
        [rounded(human, of * 1_000_000, 6), rounded(human - of * self.cost, of * 1_000_000, 6)]
    }
}

fn dollars(amount: i128) -> Value {
    rounded(amount, 1_000_000, 6)
}

/// `/agents`.
pub fn rows(case: &Case) -> Value {
    let row = |(i, (settings, sum)): (&usize, &(Settings, Sum))| {
        let worth = Worth::of(settings, sum);
        let [human_to_date, savings_to_date] = worth.to_date(case.days_so_far());
        let [provider, model] = if sum.calls > 0 { ["acme", "in-house"] } else { ["", ""] };
        json!({
            "id": format!("agent-{i}"), "name": format!("agent-{i}"), "status": STATUSES[settings.status],
            "category": "", "department": DEPARTMENTS[settings.department].unwrap_or("Unassigned"),
            "role_title": "", "model_provider": provider, "model_name": model,
            "human_equivalent_salary": dollars(worth.salary),
            "estimated_hours_saved": dollars(settings.hours.unwrap_or(0)), "hours_saved": worth.hours(),
            "hours_saved_basis": if sum.reported.is_some() { "reported" } else { "estimated" },
            "human_equivalent_to_date": human_to_date, "savings_to_date": savings_to_date,
            "actual_cost_monthly": dollars(worth.cost),
            "cost_budget_monthly": dollars(settings.budget.unwrap_or(0)), "tasks_completed": sum.tasks,
            "invocation_count": sum.calls, "error_count": sum.failed, "avg_response_ms": sum.mean(),
            "monthly_human_equivalent": worth.month(), "monthly_savings": worth.savings(),
            "roi_percent": worth.roi(),
            "cost_per_task": rounded(worth.cost, i128::from(sum.tasks) * 1_000_000, 6),
            "unpriced_requests": sum.unpriced,
        })
    };
    case.members().iter().map(row).collect()
}

/// `/summary`.
pub fn summary(case: &Case) -> Value {
    let members = case.members();
    let of = |wanted: &dyn Fn(&Settings) -> bool| {
        let chosen = members.values().filter(|(settings, _)| wanted(settings));
        Worth::sum(chosen.map(|(settings, sum)| Worth::of(settings, sum)))
    };
    let count = |status: &str| members.values().filter(|(s, _)| STATUSES[s.status] == status).count();
    let sum = |of: fn(&Sum) -> u64| members.values().map(|(_, sum)| of(sum)).sum::<u64>();
    let all = of(&|_| true);
    let used: BTreeSet<usize> = members.values().map(|(settings, _)| settings.department).collect();
    let mut departments: Vec<_> = used
        .into_iter()
        .map(|d| (of(&|s| s.department == d), DEPARTMENTS[d].unwrap_or("Unassigned"), d))
        .collect();
    departments.sort_by_key(|(worth, name, _)| (12 * worth.cost - worth.salary, *name));
    let departments: Vec<_> = departments
        .into_iter()
        .map(|(worth, name, d)| {
            let agents = members.values().filter(|(settings, _)| settings.department == d).count();
            json!({ "department": name, "agent_count": agents, "monthly_savings": worth.savings() })
        })
        .collect();
    let [human_to_date, savings_to_date] = all.to_date(case.days_so_far());
    let working = members.values().filter(|(_, sum)| sum.calls + sum.tasks + sum.failed > 0).count();
    json!({
        "human_equivalent_to_date": human_to_date, "savings_to_date": savings_to_date, "working_agents": working,
        "total_agents": members.len(), "active_agents": count("online"), "paused_agents": count("paused"),
        "draft_agents": count("draft"), "total_human_salary": dollars(all.salary),
        "total_agent_cost_monthly": dollars(all.cost),
        "total_budget_monthly": dollars(members.values().filter_map(|(settings, _)| settings.budget).sum()),
        "total_hours_saved_monthly": all.hours(), "total_tasks_completed": sum(|sum| sum.tasks),
        "total_invocations": sum(|sum| sum.calls), "total_errors": sum(|sum| sum.failed),
        "monthly_human_equivalent": all.month(), "monthly_savings": all.savings(), "roi_percent": all.roi(),
        "departments": departments, "unpriced_requests": sum(|sum| sum.unpriced),
    })
}

/// `/trends`.
pub fn trends(case: &Case, months: i32) -> Value {
    let (year, month) = case.this_month();
    let now = year * 12 + i32::try_from(month).unwrap() - 1;
    let trend = |at: i32| {
        let month = (at.div_euclid(12), u32::try_from(at.rem_euclid(12)).unwrap() + 1);
        let sum = case.sum(|done| case.month(done) == month);
        let works = |done: &&Done| case.month(done) == month && !matches!(done.what, What::Entry);
        let active: BTreeSet<_> = case.done.iter().filter(works).map(|done| done.agent).collect();
        json!({
            "period": format!("{:04}-{:02}", month.0, month.1), "tasks_completed": sum.tasks,
            "invocations": sum.calls, "total_tokens": sum.tokens, "total_cost": dollars(sum.cost),
            "errors": sum.failed, "avg_response_ms": sum.mean(), "active_agents": active.len(),
            "unpriced_requests": sum.unpriced,
        })
    };
    json!({ "months": months, "trends": (now - months + 1..=now).map(trend).collect::<Vec<_>>() })
}
