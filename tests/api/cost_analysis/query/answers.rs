//! Answers by example, and questions without an answer.

use chrono::TimeDelta;
use http::StatusCode;
use serde_json::{Value, json};
use web::auth::Scope;

use crate::api::cost_analysis::{PATH, at, call};
use crate::support::{World, encoded, faults, noon};

const HAIKU: &str = "anthropic/claude-haiku-3.5";

fn groups<'a>(answer: &'a Value, dimension: &str) -> Vec<&'a str> {
    let rows = answer["rows"].as_array().unwrap();
    rows.iter().map(|row| row["group"][dimension].as_str().unwrap()).collect()
}

#[tokio::test]
async fn last_week_is_compared_with_the_week_before() {
    let world = World::new().await;
    let caller = world.caller("acme");
    // Monday to Sunday of last week, and the week before; a call costs 0.80.
    let days = [
        ("1", "2026-09-07", "a"),
        ("2", "2026-09-13", "a"),
        ("3", "2026-08-31", "a"),
        ("4", "2026-09-06", "b"),
    ];
    let calls: Vec<_> = days
        .iter()
        .map(|(id, day, task)| {
            call(id, "nova", HAIKU, at(&format!("{day}T10:00:00Z")), &json!({ "hostname": task }))
        })
        .collect();
    caller.record(&calls).await;
    let query = "from=2026-09-07&to=2026-09-14&groupBy=hostname&compare=previous";
    let answer = caller.get(&format!("{PATH}/query?{query}")).await;
    assert_eq!(groups(&answer, "hostname"), ["a", "b"]);
    let row = |i: usize| {
        let row = &answer["rows"][i];
        (row["cost"].clone(), row["previous"]["cost"].clone(), row["previous"]["costChangePct"].clone())
    };
    assert_eq!(row(0), (json!(1.6), json!(0.8), json!(100)));
    assert_eq!(row(1), (json!(0), json!(0.8), json!(-100)));
    assert_eq!(
        (&answer["totals"]["cost"], &answer["totals"]["previous"]["cost"]),
        (&json!(1.6), &json!(1.6))
    );
    assert_eq!(answer["asOf"], answer["completeThrough"]);
}

#[tokio::test]
async fn end_users_are_named_only_to_those_who_manage_the_organization() {
    let world = World::new().await;
    let event = call("1", "nova", HAIKU, noon(), &json!({ "end_user": "ada@example.com" }));
    world.caller("acme").record(&[event]).await;
    let query = format!("{PATH}/query?groupBy=end_user");
    assert_eq!(groups(&world.caller("acme").get(&query).await, "end_user"), ["ada@example.com"]);
    let token = world.stack.token("acme", &[Scope::CostsRead]).unwrap();
    let reader = world.bearer(&token);
    let answer = reader.get(&query).await;
    let name = groups(&answer, "end_user")[0].to_owned();
    assert!(name.starts_with("user-") && name.len() == 21, "{name}");
    assert_eq!(reader.get(&format!("{query}&filter[end_user]={name}")).await["totals"], answer["totals"]);
    let guess = format!("{query}&filter[end_user]={}", encoded("ada@example.com"));
    assert_eq!(reader.get(&guess).await["rows"], json!([]));
}

#[tokio::test]
async fn a_repriced_call_has_the_same_cost_in_every_answer() {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller.record(&[call("1", "nova", "acme/in-house-1", noon(), &json!({ "task_type": "chat" }))]).await;
    let price =
        json!({ "effectiveFrom": "2026-09-01", "inputPricePerMillion": 3, "outputPricePerMillion": 2 });
    caller.put(&format!("{PATH}/pricing/acme/in-house-1"), &price).await;
    let entry = json!({ "from": "2026-09-15", "to": "2026-09-15", "dryRun": false });
    assert_eq!(crate::every_route::walk::post_reprice(&caller, &entry).await, StatusCode::OK);
    for step in [json!({ "do": "reprice" }), json!({ "do": "dirty" })] {
        world.stack.invoke("reconcile", step).await.unwrap();
    }
    for by in ["model", "agent", "task_type"] {
        let answer = caller.get(&format!("{PATH}/query?groupBy={by}")).await;
        assert_eq!(
            (&answer["totals"]["cost"], &answer["totals"]["unpricedRequests"]),
            (&json!(3), &json!(0)),
            "{by}"
        );
    }
}

#[tokio::test]
async fn questions_without_an_answer_say_why() {
    let world = World::new().await;
    let caller = world.caller("acme");
    for (query, fault) in [
        ("groupBy=customer", "query.groupBy enum"),
        ("groupBy=tag.Customer", "query.groupBy enum"),
        ("filter[customer]=x", "query.filter[customer] enum"),
        ("from=2026-09-01&to=2026-09-01", "query.to range"),
        ("from=2025-08-01&to=2026-09-15", "query.from range_too_long"),
        ("from=2026-09-01&groupBy=hostname", "query.from range_too_long"),
        ("from=2025-01-01&to=2025-01-02&groupBy=hostname", "query.from expired"),
        ("cursor=x", "query.cursor cursor"),
    ] {
        let response = caller.try_get(&format!("{PATH}/query?{query}")).await;
        assert_eq!(response.status, StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        assert_eq!(faults(&response.body["detail"]), [fault], "{query}");
    }
    let unknown = caller.try_get(&format!("{PATH}/query?groupBy=customer")).await;
    let text = unknown.body["detail"][0]["msg"].as_str().unwrap();
    assert!(["'agent'", "'session_id'", "'tag.'"].iter().all(|known| text.contains(known)), "{text}");
}

#[tokio::test]
async fn a_cursor_keeps_the_range_of_its_first_page() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let agents = ["a", "b", "c"];
    let calls: Vec<_> = agents.iter().map(|agent| call(agent, agent, HAIKU, noon(), &json!({}))).collect();
    caller.record(&calls).await;
    let first = caller.get(&format!("{PATH}/query?groupBy=agent&limit=2")).await;
    world.stack.clock().set(noon() + TimeDelta::days(30));
    let cursor = first["pagination"]["nextCursor"].as_str().unwrap();
    let second = caller.get(&format!("{PATH}/query?groupBy=agent&limit=2&cursor={cursor}")).await;
    assert_eq!((groups(&first, "agent"), groups(&second, "agent")), (vec!["a", "b"], vec!["c"]));
    assert_eq!((&first["from"], &first["to"]), (&second["from"], &second["to"]));
    let other = caller.try_get(&format!("{PATH}/query?groupBy=model&limit=2&cursor={cursor}")).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
}
