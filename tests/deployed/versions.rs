//! Upgrades and rollbacks: items written by earlier releases are read, and items of later releases are neither read nor
//! overwritten.
//!
//! `fixtures/items-v1.json` has an item of each kind as written in version 1, and the responses of all endpoints about
//! them. It represents the data of existing installations, so it does not change once version 1 has been released. A
//! change that gives an attribute another meaning takes a new version:
//!
//! 1. Raise `LAYOUT` in the store's `version.rs`, and let `known` accept the versions that can still be read. Readers
//!    learn the version of an item, and each write leaves an item in the new version as a whole.
//! 2. Add the file of the new version to [`FIXTURES`] and write it with `cargo test -p system-tests -- --ignored
//!    versions::write`. The older files stay; responses in them change only on purpose.
//! 3. Deploy what reads both versions before what writes the new one, so that a rollback can read everything.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use aws_sdk_dynamodb::types::AttributeValue;
use http::{Method, StatusCode};
use ledger::calendar::{Generation, TrackedDimensions};
use ledger::chain::{Chunks, PackId, Span};
use ledger::pack::Table;
use local::tables::table_name;
use local::template::Template;
use serde_json::{Value, json};
use store::Item;
use store::keys::{Owner, VERSION};

use super::policies::{MALFORMED, insert_malformed};
use crate::every_route::walk::{MARK, fill, path, put, routes, settings};
use crate::support::attributes::{item_of, json_of};
use crate::support::tables::{AGENT_VIEWS, aggregator_at_noon, call, delivery, open, record};
use crate::support::{World, noon, tables};

/// The files of all readable versions, the one currently written last.
const FIXTURES: [&str; 1] = ["items-v1.json"];
/// The organization that owns the items.
const ORG: &str = "owner";

fn place(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(file)
}

fn fixture(file: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(place(file)).unwrap()).unwrap()
}

/// All items, by table.
#[allow(clippy::disallowed_methods, reason = "the tables are small, and scanned on purpose")]
async fn dump(world: &World) -> BTreeMap<String, Vec<Value>> {
    let mut all = BTreeMap::new();
    for table in Template::built_in().unwrap().tables {
        let items = world.stack.client().scan().table_name(table_name(&table.id)).send().await.unwrap();
        assert!(items.last_evaluated_key().is_none());
        let json = |item: &Item| json_of(&AttributeValue::M(item.clone()))["M"].clone();
        let mut items: Vec<_> = items.items().iter().map(json).collect();
        items.sort_by_key(|item| (item["pk"].to_string(), item["sk"].to_string()));
        all.insert(table.id, items);
    }
    all
}

/// Loads the items of a fixture into a new system, each changed by `change`.
async fn load(fixture: &Value, change: impl Fn(&mut Item)) -> World {
    let world = World::new().await;
    for (table, items) in fixture["items"].as_object().unwrap() {
        for item in items.as_array().unwrap() {
            let mut item = item_of(item);
            change(&mut item);
            let put = world.stack.client().put_item().table_name(table_name(table));
            put.set_item(Some(item)).send().await.unwrap();
        }
    }
    world
}

/// The responses of all GET routes about the items of the fixture.
async fn responses(world: &World, org: &str) -> BTreeMap<String, (u16, Value)> {
    let caller = world.caller(org);
    let mut all = BTreeMap::new();
    // Public routes do not depend on items.
    for route in routes(&Method::GET).into_iter().filter(|route| route.scope.is_some()) {
        let path = path(route.path, MARK);
        let mut response = caller.try_get(&path).await;
        // The default prices are part of the code and change with it.
        if route.path == "/api/cost-analysis/pricing"
            && let Some(prices) = response.body["models"].as_array_mut()
        {
            prices.retain(|price| price["provider"] == MARK);
        }
        all.insert(path, (response.status.as_u16(), response.body));
    }
    all
}

/// An organization with an item of each kind.
async fn example() -> World {
    let world = World::new().await;
    fill(&world.caller(ORG)).await;
    insert_malformed(&world).await;
    world.stack.drain().await;
    // Its record stays in the quarantine; the item itself is none of ours.
    let odd = world.stack.client().delete_item().table_name(tables::names().events);
    odd.set_key(Some(
        MALFORMED.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned()))).into(),
    ))
    .send()
    .await
    .unwrap();
    // A change of the time zone that is not complete.
    world.caller(ORG).put("/api/organization", &json!({ "name": MARK, "timezone": "Europe/Paris" })).await;
    // Alerts, and the state of reconcile: a reconciled day and a dirty one.
    world.stack.invoke("budget-alerts", json!({})).await.unwrap();
    world.stack.invoke("reconcile", json!({ "do": "nightly" })).await.unwrap();
    let org = ledger::ids::OrgId::new(ORG).unwrap();
    let day = ledger::period::Day::of(noon(), chrono_tz::UTC);
    let usage = &world.stack.tables().usage;
    usage.mark_dirty(&org, day, "token").await.unwrap();
    // The packs of an earlier day.
    let mut rows = Table::default();
    let event = call(1, MARK, "m", "0.01", noon());
    rows.add_chained(&event, &TrackedDimensions::default()).unwrap();
    let (owner, day) = (Owner::new(&org, Generation::FIRST), day.minus(1));
    for kind in AGENT_VIEWS {
        let pack = PackId { kind, span: Span::Day(day) };
        let none = Chunks::<Table>::new();
        assert!(usage.seal_pack(&owner, pack, &none, &rows.view(kind), noon().timestamp()).await.unwrap());
    }
    world
}

/// The kinds of items: table and key, with names and numbers replaced by `*`.
fn kinds(items: &BTreeMap<String, Vec<Value>>) -> BTreeSet<String> {
    let any = |part: &str| {
        part.contains(MARK)
            || part == ORG
            || part.starts_with(|c: char| c.is_ascii_digit() || "@/".contains(c))
            || part.len() == 32 && part.chars().all(|c| c.is_ascii_hexdigit())
            // The version of a budget, and a shard in the key of a page.
            || part.len() == 16
            || part.len() == 11
    };
    let shape = |key: &Value| {
        let parts = key["S"].as_str().unwrap().split('#');
        parts.map(|part| if any(part) { "*" } else { part }).collect::<Vec<_>>().join("#")
    };
    let of = |table: &String, item: &Value| format!("{table} {} {}", shape(&item["pk"]), shape(&item["sk"]));
    items.iter().flat_map(|(table, items)| items.iter().map(move |item| of(table, item))).collect()
}

#[tokio::test]
#[ignore = "writes the fixture of the current version"]
async fn write() {
    let world = example().await;
    // One item or response per line, for readable diffs.
    let list = |(table, items): (String, Vec<Value>)| {
        let lines = items.iter().map(|item| format!("    {item}")).collect::<Vec<_>>().join(",\n");
        format!("  \"{table}\": [\n{lines}\n  ]")
    };
    let items = dump(&world).await.into_iter().map(list).collect::<Vec<_>>().join(",\n");
    let response = |(path, response)| format!("  \"{path}\": {}", json!(response));
    let responses = responses(&world, ORG).await.into_iter().map(response).collect::<Vec<_>>().join(",\n");
    let text = format!("{{\n\"items\": {{\n{items}\n}},\n\"answers\": {{\n{responses}\n}}\n}}\n");
    fs::write(place(FIXTURES.last().unwrap()), text).unwrap();
}

#[tokio::test]
async fn the_fixture_has_every_kind_of_item_each_with_its_version() {
    let items = dump(&example().await).await;
    for item in items.values().flatten() {
        assert!(item[VERSION]["N"].is_string(), "an item was written without a version: {item}");
    }
    let stored: BTreeMap<String, Vec<Value>> =
        serde_json::from_value(fixture(FIXTURES.last().unwrap())["items"].clone()).unwrap();
    assert_eq!(kinds(&items), kinds(&stored), "see `write`");
}

/// Expects the same response as before, possibly with additional fields.
fn assert_includes(now: &Value, before: &Value, place: &str) {
    match (now, before) {
        (Value::Object(now), Value::Object(before)) => {
            for (name, before) in before {
                assert_includes(now.get(name).unwrap_or(&Value::Null), before, &format!("{place}.{name}"));
            }
        }
        (Value::Array(now), Value::Array(before)) if now.len() == before.len() => {
            for (i, (now, before)) in now.iter().zip(before).enumerate() {
                assert_includes(now, before, &format!("{place}.{i}"));
            }
        }
        _ => assert_eq!(now, before, "{place}"),
    }
}

#[tokio::test]
async fn every_endpoint_reads_the_items_of_earlier_versions() {
    for file in FIXTURES {
        let fixture = fixture(file);
        let world = load(&fixture, |_| {}).await;
        let expected: BTreeMap<String, (u16, Value)> =
            serde_json::from_value(fixture["answers"].clone()).unwrap();
        let now = responses(&world, ORG).await;
        for (path, (status, body)) in &expected {
            assert_eq!(now[path].0, *status, "{file} {path}");
            assert_includes(&now[path].1, body, &format!("{file} {path}"));
        }
        // Aggregation and settings continue on these items.
        let before = world.caller(ORG).get("/v1/metrics/summary").await["total_requests"].as_u64().unwrap();
        let mut event = call(1, MARK, "m", "0.01", noon());
        event.org = ledger::ids::OrgId::new(ORG).unwrap();
        let more = delivery(tables::STREAM, "another", &[record(&event, "100000000000000000000000001")]);
        let response = aggregator_at_noon(open(world.stack.client().clone())).handle(more).await.unwrap();
        assert_eq!(response["batchItemFailures"], json!([]), "{file}");
        assert_eq!(world.caller(ORG).get("/v1/metrics/summary").await["total_requests"], before + 1);
        for route in routes(&Method::PUT) {
            let status = put(&world.caller(ORG), &path(route.path, MARK), &settings(route.path)).await;
            assert_eq!(status, StatusCode::OK, "{file}: {}", route.path);
        }
    }
}

#[tokio::test]
async fn items_of_a_later_version_are_neither_read_nor_overwritten() {
    let later = |item: &mut Item| drop(item.insert(VERSION.to_owned(), AttributeValue::N("9".to_owned())));
    let world = load(&fixture(FIXTURES.last().unwrap()), later).await;
    let (before, nobody) = (dump(&world).await, responses(&world, "nobody").await);
    let mut failed = 0;
    for (path, (status, body)) in responses(&world, ORG).await {
        // Responses that do not depend on items of this organization stay as they are.
        if (status, &body) != (nobody[&path].0, &nobody[&path].1) {
            assert_eq!(status, 500, "{path}: {body}");
            failed += 1;
        }
    }
    assert!(failed > 15, "{failed}");
    for route in routes(&Method::PUT) {
        let status = put(&world.caller(ORG), &path(route.path, MARK), &settings(route.path)).await;
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR, "{}", route.path);
    }
    let mut event = call(1, MARK, "m", "0.01", noon());
    event.org = ledger::ids::OrgId::new(ORG).unwrap();
    let number = "100000000000000000000000001";
    let more = delivery(tables::STREAM, "another", &[record(&event, number)]);
    let response = aggregator_at_noon(open(world.stack.client().clone())).handle(more).await.unwrap();
    assert_eq!(response["batchItemFailures"], json!([{ "itemIdentifier": number }]));
    let after = dump(&world).await;
    for (table, items) in &before {
        for item in items {
            assert!(after[table].contains(item), "{table}: {item} was written over");
        }
    }
}
