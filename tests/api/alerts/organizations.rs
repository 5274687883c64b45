//! Many organizations: one that fails or is not reached does not delay the others.

use std::time::Duration;

use futures::future::join_all;
use ledger::calendar::Generation;
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup::RollupId;
use local::tables::table_name;
use serde_json::json;
use store::keys::Keyed;

use super::{RUNS, TIME, Watch, call};
use crate::support::noon;
use crate::support::registry::string;

/// Lets each organization cross its budget.
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

fn notified(watch: &Watch) -> Vec<String> {
    let org = |one: &crate::support::receiver::Received| {
        one.json()["data"]["organization"]["id"].as_str().unwrap().to_owned()
    };
    let mut orgs: Vec<_> = watch.receiver.received().iter().map(org).collect();
    orgs.sort();
    orgs
}

#[tokio::test]
async fn an_organization_with_broken_data_delays_no_other_and_is_named_in_the_error() {
    let watch = Watch::new().await;
    fill(&watch, &["a", "b", "c"]).await;
    let key =
        RollupId::OrgDay(OrgId::new("b").unwrap(), Generation::FIRST, Day::of(noon(), chrono_tz::UTC)).key();
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
            error.starts_with("1 organizations failed: b (internal: a rollup item has a malformed column b)"),
            "{error}"
        );
        assert_eq!(notified(&watch), ["a", "c"]);
        watch.wait(RUNS);
    }
}

#[tokio::test]
async fn an_organization_that_causes_a_panic_delays_no_other() {
    let watch = Watch::new().await;
    fill(&watch, &["a", "b", "c"]).await;
    // Together these exceed the range of exact decimals.
    let client = watch.world.stack.client();
    for (day, cost) in [("2026-09-14", "9999999999999999999999999999"), ("2026-09-13", "0.01")] {
        let key =
            RollupId::OrgDay(OrgId::new("b").unwrap(), Generation::FIRST, Day::parse(day).unwrap()).key();
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
    assert!(error.starts_with("1 organizations failed: b (internal: task"), "{error}");
    assert_eq!(notified(&watch), ["a", "c"]);
}

#[tokio::test]
async fn an_unreadable_organization_is_named_in_the_error() {
    let watch = Watch::new().await;
    fill(&watch, &["a"]).await;
    let client = watch.world.stack.client();
    for name in ["b", "not an id"] {
        let put = client.put_item().table_name(table_name("RegistryTable"));
        let put = put.item("pk", string("#organizations")).item("sk", string(name));
        put.item("seen_first", string("yesterday")).send().await.unwrap();
    }
    let error = watch.function().handle(json!({}), TIME).await.unwrap_err().to_string();
    assert!(error.starts_with("2 organizations failed: b (internal: "), "{error}");
    assert_eq!(notified(&watch), ["a"]);
}

#[tokio::test]
async fn the_next_run_begins_with_the_organizations_that_were_not_reached() {
    let watch = Watch::new().await;
    fill(&watch, &["a", "b", "c"]).await;
    // "acme" has a destination but no budget.
    let error = watch.function().handle(json!({}), Duration::ZERO).await.unwrap_err().to_string();
    assert_eq!(error, "no time was left for 4 organizations");
    assert!(notified(&watch).is_empty());
    watch.world.stack.tables().registry.set_next_organization("b").await.unwrap();
    let error = watch.function().handle(json!({}), Duration::ZERO).await.unwrap_err().to_string();
    assert_eq!(error, "no time was left for 4 organizations");
    assert_eq!(watch.world.stack.tables().registry.next_organization().await.unwrap().as_deref(), Some("b"));
    let counts = watch.run().await;
    assert_eq!((&counts["organizations"], &counts["left"]), (&json!(4), &json!(0)));
    assert_eq!(notified(&watch), ["a", "b", "c"]);
    // An organization that no longer exists is skipped.
    watch.world.stack.tables().registry.set_next_organization("bb").await.unwrap();
    assert_eq!(watch.run().await["organizations"], 4);
}

#[tokio::test]
async fn an_organization_without_a_budget_costs_one_small_read() {
    let watch = Watch::new().await;
    let caller = watch.world.caller("busy");
    for agent in 0..60 {
        caller.put(&format!("/api/agents/a{agent}"), &json!({ "name": "x".repeat(200) })).await;
    }
    let calls: Vec<_> =
        (0..60).map(|agent| call(&agent.to_string(), noon(), &format!("a{agent}"), "1")).collect();
    caller.record(&calls).await;
    watch.run().await;
    let meter = watch.world.stack.tables().usage.meter();
    let before = meter.reading();
    watch.run().await;
    let used = meter.reading().since(before);
    // The start of the rotation, the list of organizations, and one read for each of "acme" and "busy".
    assert_eq!((used.reads, used.half_read_units, used.writes), (4, 4, 0), "{used:?}");
}
