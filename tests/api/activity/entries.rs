//! The content of an entry.

use axum::body::Bytes;
use http::Request;
use serde_json::{Value, json};
use web::auth::Scope;

use super::{entry, put};
use crate::support::{World, noon};

#[tokio::test]
async fn the_documented_example() {
    let world = World::new().await;
    let caller = world.caller("acme");
    world.stack.clock().set(ledger::period::parse_instant("2026-03-17T08:30:00Z").unwrap());
    put(&caller, "/api/agents/550e8400-", json!({ "name": "Nova" })).await;
    let time = ledger::period::parse_instant("2026-03-17T08:01:44Z").unwrap();
    let mut event = entry("evt-uuid-", "550e8400-", "tool_call", time);
    event["data"]["details"] = json!({ "tool": "web_search", "success": true, "durationMs": 1240 });
    caller.record(&[event]).await;
    assert_eq!(
        caller.get("/api/activity?eventType=tool_call").await,
        json!({
            "data": [{
                "id": "evt-uuid-",
                "eventType": "tool_call",
                "agentId": "550e8400-",
                "agentName": "Nova",
                "details": { "tool": "web_search", "success": true, "durationMs": 1240 },
                "createdAt": "2026-03-17T08:01:44Z",
            }],
            "pagination": { "total": 1, "limit": 100, "offset": 0, "hasMore": false, "nextCursor": null },
        })
    );
}

#[tokio::test]
async fn an_empty_organization_has_an_empty_log() {
    let world = World::new().await;
    let pagination = json!({ "total": 0, "limit": 7, "offset": 3, "hasMore": false, "nextCursor": null });
    let empty = json!({ "data": [], "pagination": pagination });
    for filter in ["", "&agentId=nova", "&eventType=x", "&agentId=nova&eventType=x"] {
        let path = format!("/api/activity?limit=7&offset=3{filter}");
        assert_eq!(world.caller("acme").get(&path).await, empty);
    }
}

#[tokio::test]
async fn details_are_returned_as_they_were_sent() {
    let world = World::new().await;
    let details = r#"{ "b": 1.10, "a": [1e2, 123456789012345678901234567890], "b2":"é\u00e9\n" }"#;
    let event = entry("1", "nova", "x", noon()).to_string();
    let body = event.replace(r#""event_type":"x""#, &format!(r#""event_type":"x","details":{details}"#));
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let request = |method: &str, path: &str, body: String| {
        Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {token}"))
            .header("content-type", "application/json")
            .body(Bytes::from(body))
            .unwrap()
    };
    assert_eq!(world.stack.call(request("POST", "/v1/events", body)).await.status(), 200);
    let response = world.stack.call(request("GET", "/api/activity", String::new())).await;
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    assert!(text.contains(&format!(r#""details":{details},"#)), "{text}");
}

#[tokio::test]
async fn setting_changes_are_entries_with_the_agent_they_concern() {
    let world = World::new().await;
    let caller = world.caller("acme");
    put(&caller, "/api/organization", json!({ "timezone": "Asia/Kathmandu" })).await;
    put(&caller, "/api/agents/nova", json!({ "name": "Nova" })).await;
    put(&caller, "/api/agents/a%2Fb", json!({ "status": "paused" })).await;
    // Not aggregated yet, but already part of the total.
    let page = caller.get("/api/activity").await;
    assert_eq!(page["pagination"]["total"], 3);
    let mut listed: Vec<_> = page["data"].as_array().unwrap().iter().map(fields).collect();
    listed.sort();
    assert_eq!(
        listed,
        [[" ", "", "organization"], ["a/b ", "a/b", "agent a/b"], ["nova ", "Nova", "agent nova"],]
    );
    let of_nova = caller.get("/api/activity?agentId=nova&eventType=config_change").await;
    assert_eq!(of_nova["pagination"]["total"], 1);
    assert_eq!(of_nova["data"][0]["details"]["what"], "agent nova");
    assert_eq!(of_nova["data"][0]["createdAt"], "2026-09-15T12:00:00Z");
}

fn fields(row: &Value) -> [String; 3] {
    assert_eq!(row["eventType"], "config_change");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    [format!("{} ", text(&row["agentId"])), text(&row["agentName"]), text(&row["details"]["what"])]
}

#[tokio::test]
async fn no_organization_sees_another() {
    let world = World::new().await;
    world.caller("acme").record(&[entry("1", "nova", "x", noon())]).await;
    for other in ["acm", "acme2", "acme/x"] {
        let caller = world.caller(other);
        for filter in ["", "?agentId=nova", "?eventType=x", "?agentId=nova&eventType=x"] {
            let page = caller.get(&format!("/api/activity{filter}")).await;
            assert_eq!((&page["data"], &page["pagination"]["total"]), (&json!([]), &json!(0)));
        }
    }
}
