//! The cost of a page, at any depth.

use axum::body::Body;
use chrono::{TimeDelta, Timelike};
use http::{Request, StatusCode};
use ledger::event::{AgentActivity, Attribution, Data, Event};
use ledger::ids::{AgentId, Name};
use serde_json::{Value, json};
use store::Reading;
use store::events::{Inserted, RawEvent};
use tower::ServiceExt;
use web::auth::Scope;

use super::{entry, path};
use crate::support::tables::{Tables, call};
use crate::support::{World, noon};

/// Entries, one every five minutes for a little over 30 days.
const ENTRIES: i64 = 9_000;

/// The log of an organization and the cost of reading it.
struct Log {
    world: World,
}

impl Log {
    async fn new() -> Self {
        let world = World::new().await;
        let caller = world.caller("acme");
        let entries: Vec<_> = (0..ENTRIES)
            .map(|i| {
                // Only a few are of one kind.
                let kind = if i % 300 == 299 { "cron_execution" } else { "tool_call" };
                let time = noon() - TimeDelta::seconds(i * 290);
                let mut entry = entry(&i.to_string(), ["nova", "pulse"][usize::from(i % 2 == 0)], kind, time);
                entry["data"]["details"] = json!({ "tool": "web_search", "success": true, "durationMs": i });
                entry
            })
            .collect();
        caller.record(&entries).await;
        Self { world }
    }

    async fn get(&self, path: &str) -> (Value, Reading) {
        let app = self.world.app(self.world.stack.client().clone());
        let token = self.world.stack.token("acme", &Scope::ALL).unwrap();
        let request = Request::builder().uri(path).header("authorization", format!("Bearer {token}"));
        let response =
            app.router(activity::routes()).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (serde_json::from_slice(&body).unwrap(), app.tables.usage.meter().reading())
    }
}

/// A kind with only a few entries.
const RARE: (&str, &str) = ("eventType", "cron_execution");

/// A request: its parameters, and the most round trips and half read units it may take.
type Case = (&'static str, &'static [(&'static str, &'static str)], u64, u64);

#[tokio::test]
async fn whole_hours_are_read_from_rollups() {
    let log = Log::new().await;
    assert_eq!(noon().minute(), 0);
    let cases: [Case; 7] = [
        ("first page", &[], 5, 20),
        ("one of 500", &[("limit", "500")], 5, 45),
        ("a deep page", &[("offset", "8700")], 5, 20),
        ("a deep page of an agent", &[("offset", "4000"), ("agentId", "nova")], 5, 20),
        ("a rare type", &[RARE], 5, 15),
        ("a deep page of a rare type", &[RARE, ("offset", "20")], 5, 15),
        ("a rare type with an agent", &[RARE, ("agentId", "nova")], 40, 60),
    ];
    for (name, params, trips, half_units) in cases {
        let (page, used) = log.get(&path(params)).await;
        println!("{name}: {} round trips, {} half read units", used.reads, used.half_read_units);
        assert!(!page["data"].as_array().unwrap().is_empty(), "{name}");
        assert!(used.reads <= trips, "{name}: {used:?}");
        assert!(used.half_read_units <= half_units, "{name}: {used:?}");
    }
}

#[tokio::test]
async fn the_last_page_by_cursor_costs_no_more_than_the_first() {
    let log = Log::new().await;
    let mut cursor: Option<String> = None;
    let mut costs = Vec::new();
    loop {
        let page = match &cursor {
            None => path(&[("limit", "500")]),
            Some(cursor) => path(&[("limit", "500"), ("cursor", cursor)]),
        };
        let (page, used) = log.get(&page).await;
        costs.push(used.half_read_units);
        match page["pagination"]["nextCursor"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => break,
        }
    }
    assert_eq!(costs.len(), 18);
    assert!(costs.iter().all(|cost| *cost <= costs[0] + 5), "{costs:?}");
}

#[tokio::test]
async fn only_activity_entries_are_indexed() {
    let tables = Tables::new().await;
    let store = tables.store();
    let units = async |event: Event| {
        let before = store.usage.meter().reading();
        let raw = RawEvent::new(&event, [0; 8], noon(), 400).unwrap();
        assert_eq!(store.events.insert_events(&[&raw]).await.unwrap(), [Inserted::Stored]);
        store.usage.meter().reading().since(before).half_write_units
    };
    let plain = call(1, "nova", "m", "0.5", noon());
    let entry = |id, agent| {
        let details = format!(r#"{{"tool":"web_search","note":"{}"}}"#, "x".repeat(300));
        let event_type = Name::new("tool_call").unwrap();
        let data = Data::AgentActivity(AgentActivity {
            agent_id: agent,
            event_type,
            details,
            attribution: Attribution::default(),
        });
        Event { data, ..call(id, "nova", "m", "0.5", noon()) }
    };
    assert_eq!(units(plain).await, 2);
    assert_eq!(units(entry(2, AgentId::new("nova").ok())).await, 8);
    assert_eq!(units(entry(3, None)).await, 6);
}
