//! Many organisations: one that fails or is not reached holds up no other.

use std::time::Duration;

use futures::future::join_all;
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup::Target;
use local::tables::table_name;
use serde_json::json;
use store::keys::Keyed;

use super::{RUNS, TIME, Watch, call};
use crate::api::registry::string;
use crate::support::noon;

/// Organisations that have all spent too much.
async fn fill(watch: &Watch, orgs: &[&str]) {
    join_all(orgs.iter().map(async |org| {
        let caller = watch.world.caller(org);
        caller.put("/api/budget", &json!({ "monthly": 1 })).await;
        caller.put("/api/alerts/destinations/ops", &json!({ "url": watch.receiver.url() })).await;
        caller.post(&json!([call("1", noon(), "nova", "1")])).await;
    }))
    .await;
    watch.world.stack.drain().await;
}

fn told(watch: &Watch) -> Vec<String> {
    let org = |one: &crate::support::receiver::Received| {
        one.json()["data"]["organization"]["id"].as_str().unwrap().to_owned()
    };
    let mut orgs: Vec<_> = watch.receiver.received().iter().map(org).collect();
    orgs.sort();
    orgs
}

#[tokio::test]
async fn one_whose_data_is_broken_holds_up_no_other_and_is_named_in_the_error() {
    let watch = Watch::new().await;
    fill(&watch, &["a", "b", "c"]).await;
    let key = Target::OrgDay(OrgId::new("b").unwrap(), Day::of(noon(), chrono_tz::UTC)).key();
    let client = watch.world.stack.client();
    let broken = client.update_item().table_name(table_name("UsageTable")).key("pk", string(&key.pk));
    let broken = broken.key("sk", string(&key.sk)).update_expression("SET #b = :b");
    let values = aws_sdk_dynamodb::types::AttributeValue::Bool(true);
    broken
        .expression_attribute_names("#b", "b")
        .expression_attribute_values(":b", values)
        .send()
        .await
        .unwrap();
    for _ in 0..2 {
        let error = watch.function().handle(json!({}), TIME).await.unwrap_err().to_string();
        assert!(
            error.starts_with("1 organisations failed: b (internal: a usage item has an odd column b)"),
            "{error}"
        );
        assert_eq!(told(&watch), ["a", "c"]);
        watch.wait(RUNS);
    }
}

#[tokio::test]
async fn one_that_makes_the_code_panic_holds_up_no_other() {
    let watch = Watch::new().await;
    fill(&watch, &["a", "b", "c"]).await;
    // A sum that no exact decimal can hold.
    let client = watch.world.stack.client();
    for (day, cost) in [("2026-09-14", "9999999999999999999999999999"), ("2026-09-13", "0.01")] {
        let key = Target::OrgDay(OrgId::new("b").unwrap(), Day::parse(day).unwrap()).key();
        let put = client.put_item().table_name(table_name("UsageTable")).item("pk", string(&key.pk));
        let number = |text: &str| aws_sdk_dynamodb::types::AttributeValue::N(text.to_owned());
        put.item("sk", string(&key.sk))
            .item("abcdefghx", number(cost))
            .item("abcdefghr", number("1"))
            .item("abcdefghn", string("p#m"))
            .item("v", number("1"))
            .send()
            .await
            .unwrap();
    }
    let error = watch.function().handle(json!({}), TIME).await.unwrap_err().to_string();
    assert!(error.starts_with("1 organisations failed: b (internal: task"), "{error}");
    assert_eq!(told(&watch), ["a", "c"]);
}

#[tokio::test]
async fn an_entry_that_cannot_be_read_is_named_too() {
    let watch = Watch::new().await;
    fill(&watch, &["a"]).await;
    let client = watch.world.stack.client();
    for name in ["b", "not an id"] {
        let put = client.put_item().table_name(table_name("RegistryTable"));
        let put = put.item("pk", string("#organizations")).item("sk", string(name));
        put.item("seen_first", string("yesterday")).send().await.unwrap();
    }
    let error = watch.function().handle(json!({}), TIME).await.unwrap_err().to_string();
    assert!(error.starts_with("2 organisations failed: b (internal: "), "{error}");
    assert_eq!(told(&watch), ["a"]);
}

#[tokio::test]
async fn the_next_run_begins_with_those_that_were_not_reached() {
    let watch = Watch::new().await;
    fill(&watch, &["a", "b", "c"]).await;
    // "acme" has a destination, and no budget.
    let error = watch.function().handle(json!({}), Duration::ZERO).await.unwrap_err().to_string();
    assert_eq!(error, "the time did not suffice for 4 organisations");
    assert!(told(&watch).is_empty());
    watch.world.stack.store().begin_with("b").await.unwrap();
    let error = watch.function().handle(json!({}), Duration::ZERO).await.unwrap_err().to_string();
    assert_eq!(error, "the time did not suffice for 4 organisations");
    assert_eq!(watch.world.stack.store().first_organization().await.unwrap().as_deref(), Some("b"));
    let counts = watch.run().await;
    assert_eq!((&counts["organizations"], &counts["left"]), (&json!(4), &json!(0)));
    assert_eq!(told(&watch), ["a", "b", "c"]);
    // One that is there no more is passed over.
    watch.world.stack.store().begin_with("bb").await.unwrap();
    assert_eq!(watch.run().await["organizations"], 4);
}

#[tokio::test]
async fn an_organisation_without_a_budget_costs_one_small_read() {
    let watch = Watch::new().await;
    let caller = watch.world.caller("busy");
    for agent in 0..60 {
        caller.put(&format!("/api/agents/a{agent}"), &json!({ "name": "x".repeat(200) })).await;
    }
    let calls: Vec<_> =
        (0..60).map(|agent| call(&agent.to_string(), noon(), &format!("a{agent}"), "1")).collect();
    caller.record(&calls).await;
    watch.run().await;
    let meter = watch.world.stack.store().meter();
    let before = meter.reading();
    watch.run().await;
    let used = meter.reading().since(before);
    // Where to begin, the list, and one for each of "acme" and "busy".
    assert_eq!((used.reads, used.half_read_units, used.writes), (4, 4, 0), "{used:?}");
}
