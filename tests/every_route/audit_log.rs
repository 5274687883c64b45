//! Changes of settings are recorded as events.

use ledger::calendar::Generation;
use ledger::event::Data;
use ledger::ids::{AgentId, OrgId};
use ledger::period::{Day, DayRange};
use serde_json::{Value, json};

use crate::support::noon;
use crate::support::registry::{Registry, details};

#[tokio::test]
async fn each_change_is_recorded_once_with_the_previous_settings() {
    let registry = Registry::new().await;
    registry.put("/api/agents/nova", &json!({ "name": "Nova" })).await;
    registry.put("/api/agents/nova", &json!({ "name": "Nova II", "cost_budget_monthly": 5 })).await;
    registry.put("/api/agents/nova", &json!({ "name": "Nova II", "cost_budget_monthly": "5.0" })).await;
    registry.delete("/api/agents/nova").await;
    registry.put("/api/projects/site", &json!({ "name": "Site" })).await;
    registry.delete("/api/projects/site").await;
    let mut entries = registry.changes().await;
    entries.sort_by_key(ToString::to_string);
    let entry = |what: &str, before: Value, after: Value| json!({ "who": "local", "what": what, "before": before, "after": after });
    let nova = |name: &str| json!({ "name": name, "status": "online" });
    let second = json!({ "name": "Nova II", "status": "online", "cost_budget_monthly": "5.00" });
    let archived = json!({ "name": "Nova II", "status": "archived", "cost_budget_monthly": "5.00" });
    let mut expected = vec![
        entry("agent nova", Value::Null, nova("Nova")),
        entry("agent nova", nova("Nova"), second.clone()),
        entry("agent nova", second, archived),
        entry("project site", Value::Null, json!({ "name": "Site" })),
        entry("project site", json!({ "name": "Site" }), Value::Null),
    ];
    expected.sort_by_key(ToString::to_string);
    assert_eq!(entries, expected);
    for event in registry.entries("acme").await {
        assert_eq!((event.time, event.utc_day().to_string()), (noon(), "2026-09-15".to_owned()));
        let Data::AgentActivity(activity) = &event.data else { panic!() };
        let is_agent = details(&event)["what"] == "agent nova";
        assert_eq!(activity.agent_id.as_ref().map(AgentId::as_str), is_agent.then_some("nova"));
    }
}

#[tokio::test]
async fn audit_entries_count_as_activity_only() {
    let registry = Registry::new().await;
    registry.put("/api/agents/nova", &json!({ "name": "Nova" })).await;
    registry.put("/api/budget", &json!({ "monthly": 1 })).await;
    registry.world.stack.drain().await;
    let org = OrgId::new("acme").unwrap();
    let day = Day::of(noon(), chrono_tz::UTC);
    let days = DayRange { first: day, last: day };
    let days = registry.world.stack.tables().usage.org_days(&org, Generation::FIRST, days).await.unwrap();
    let day = &days[&day];
    assert_eq!(day.total().requests, 0);
    assert_eq!(day.activity.get("config_change"), Some(&2));
    // An agent that was registered but never used has not been seen.
    let agents = registry.world.stack.tables().registry.agents(&org).await.unwrap();
    assert_eq!(agents[0].seen, None);
}

#[tokio::test]
async fn an_entry_is_truncated_to_8_kib() {
    let registry = Registry::new().await;
    let long = "\u{1f404}\"".repeat(100);
    for name in ["a", "b"] {
        let body = json!({
            "name": long, "hostname": long, "category": long, "department": long, "role_title": long,
            "model_provider": long, "model_name": format!("{name}{}", &long[5..]),
        });
        assert_eq!(registry.put("/api/agents/nova", &body).await["name"], long);
    }
    let entries = registry.changes().await;
    assert_eq!(entries.len(), 2);
    assert!(entries.iter().all(|entry| entry.to_string().len() <= 8 << 10));
    assert_eq!(entries.iter().filter(|entry| entry["truncated"] == true).count(), 1);
}
