//! Upgrades and rollbacks: items that an earlier release wrote are read by this one, and those of a later one are not
//! guessed at.
//!
//! `fixtures/items-v1.json` holds an item of each kind as version 1 writes it, and what every endpoint answers about
//! them. It is the memory of what lies in people's tables, so once version 1 has been released it stays as it is. A
//! change that gives an attribute another meaning takes a new version:
//!
//! 1. Raise `LAYOUT` in `shared/store/src/version.rs` and let `known` there take the versions that are still read. What
//!    reads an item of an older one is told so, and each write leaves an item in the new version as a whole.
//! 2. Add the new version's file to [`FIXTURES`] and write it by `cargo test -p system-tests -- --ignored
//!    versions::write`. The older files stay; the answers in them may change only where that is meant.
//! 3. Deploy what reads both before what writes the new one, so that a rollback finds nothing that it cannot read.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use aggregator::Aggregator;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{Method, StatusCode};
use local::tables::table_name;
use local::template::Template;
use serde_json::{Value, json};
use store::Item;
use store::keys::VERSION;

use crate::policies::{ODD, not_understood};
use crate::strangers::{MARK, fill, path, put, routes, settings};
use crate::support::tables::{Tables, call, delivery, record};
use crate::support::{World, noon, tables};

/// The versions that are read, the one that is written last.
const FIXTURES: [&str; 1] = ["items-v1.json"];
/// Whose items they are.
const ORG: &str = "owner";

fn place(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(file)
}

fn fixture(file: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(place(file)).unwrap()).unwrap()
}

/// A value as DynamoDB's JSON has it.
fn json_of(value: &AttributeValue) -> Value {
    let bytes = |blob: &Blob| BASE64.encode(blob.as_ref());
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Null(flag) => json!({ "NULL": flag }),
        AttributeValue::B(blob) => json!({ "B": bytes(blob) }),
        AttributeValue::Ss(texts) => json!({ "SS": texts.iter().collect::<BTreeSet<_>>() }),
        AttributeValue::Bs(blobs) => json!({ "BS": blobs.iter().map(bytes).collect::<BTreeSet<_>>() }),
        AttributeValue::L(values) => json!({ "L": values.iter().map(json_of).collect::<Vec<_>>() }),
        AttributeValue::M(fields) => {
            json!({ "M": fields.iter().map(|(k, v)| (k, json_of(v))).collect::<BTreeMap<_, _>>() })
        }
        other => panic!("{other:?}"),
    }
}

fn value_of(json: &Value) -> AttributeValue {
    let (kind, value) = json.as_object().unwrap().iter().next().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let blob = |value: &Value| BASE64.decode(value.as_str().unwrap()).unwrap().into();
    let many = || value.as_array().unwrap().iter();
    match kind.as_str() {
        "S" => AttributeValue::S(text(value)),
        "N" => AttributeValue::N(text(value)),
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
        "NULL" => AttributeValue::Null(value.as_bool().unwrap()),
        "B" => AttributeValue::B(blob(value)),
        "SS" => AttributeValue::Ss(many().map(text).collect()),
        "BS" => AttributeValue::Bs(many().map(blob).collect()),
        "L" => AttributeValue::L(many().map(value_of).collect()),
        "M" => AttributeValue::M(item_of(value)),
        other => panic!("{other}"),
    }
}

/// An item as its JSON says.
pub fn item_of(json: &Value) -> Item {
    json.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value_of(value))).collect()
}

/// Everything in all tables, by table.
#[allow(clippy::disallowed_methods, reason = "the tables are small, and looked at as a whole")]
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

/// Puts the items of a fixture into the tables of a new system, each as `change` leaves it.
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

/// What every route that reads answers about what the fixture holds.
async fn answers(world: &World, org: &str) -> BTreeMap<String, (u16, Value)> {
    let caller = world.caller(org);
    let mut all = BTreeMap::new();
    // What is open to all tells of no items.
    for route in routes(&Method::GET).into_iter().filter(|route| route.scope.is_some()) {
        let path = path(route.path, MARK);
        let mut answer = caller.try_get(&path).await;
        // The default prices come with the code, and change.
        if route.path == "/api/cost-analysis/pricing"
            && let Some(prices) = answer.body["models"].as_array_mut()
        {
            prices.retain(|price| price["provider"] == MARK);
        }
        all.insert(path, (answer.status.as_u16(), answer.body));
    }
    all
}

/// An organisation with an item of each kind.
async fn example() -> World {
    let world = World::new().await;
    fill(&world.caller(ORG)).await;
    not_understood(&world).await;
    world.stack.drain().await;
    // That record stays in the quarantine; what it told of was no item of ours.
    let odd = world.stack.client().delete_item().table_name(tables::names().events);
    odd.set_key(Some(ODD.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned()))).into()))
        .send()
        .await
        .unwrap();
    // Alerts, and what reconcile notes: a day that was proved, and one to be computed anew.
    world.stack.invoke("budget-alerts", json!({})).await.unwrap();
    world.stack.invoke("reconcile", json!({ "do": "nightly" })).await.unwrap();
    let org = ledger::ids::OrgId::new(ORG).unwrap();
    let day = ledger::period::Day::of(noon(), chrono_tz::UTC);
    world.stack.store().mark_dirty(&org, day, "token").await.unwrap();
    world
}

/// What kind of item one is: its table, and its key without names and numbers.
fn kinds(items: &BTreeMap<String, Vec<Value>>) -> BTreeSet<String> {
    let any = |part: &str| {
        part.contains(MARK)
            || part == ORG
            || part.starts_with(|c: char| c.is_ascii_digit() || "@/".contains(c))
            || part.len() == 32 && part.chars().all(|c| c.is_ascii_hexdigit())
            // The version of a budget.
            || part.len() == 16
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
    // An item and an answer a line, so that it shows what a change to the file is.
    let list = |(table, items): (String, Vec<Value>)| {
        let lines = items.iter().map(|item| format!("    {item}")).collect::<Vec<_>>().join(",\n");
        format!("  \"{table}\": [\n{lines}\n  ]")
    };
    let items = dump(&world).await.into_iter().map(list).collect::<Vec<_>>().join(",\n");
    let answer = |(path, answer)| format!("  \"{path}\": {}", json!(answer));
    let answers = answers(&world, ORG).await.into_iter().map(answer).collect::<Vec<_>>().join(",\n");
    let text = format!("{{\n\"items\": {{\n{items}\n}},\n\"answers\": {{\n{answers}\n}}\n}}\n");
    fs::write(place(FIXTURES.last().unwrap()), text).unwrap();
}

#[tokio::test]
async fn the_fixture_holds_every_kind_of_item_and_each_says_its_version() {
    let items = dump(&example().await).await;
    for item in items.values().flatten() {
        assert!(item[VERSION]["N"].is_string(), "an item without a version is written: {item}");
    }
    let stored: BTreeMap<String, Vec<Value>> =
        serde_json::from_value(fixture(FIXTURES.last().unwrap())["items"].clone()).unwrap();
    assert_eq!(kinds(&items), kinds(&stored), "see `write`");
}

/// Expects that an answer says what it said before; it may say more, in fields that were added since.
fn says(now: &Value, before: &Value, place: &str) {
    match (now, before) {
        (Value::Object(now), Value::Object(before)) => {
            for (name, before) in before {
                says(now.get(name).unwrap_or(&Value::Null), before, &format!("{place}.{name}"));
            }
        }
        (Value::Array(now), Value::Array(before)) if now.len() == before.len() => {
            for (i, (now, before)) in now.iter().zip(before).enumerate() {
                says(now, before, &format!("{place}.{i}"));
            }
        }
        _ => assert_eq!(now, before, "{place}"),
    }
}

#[tokio::test]
async fn every_endpoint_reads_what_earlier_versions_wrote() {
    for file in FIXTURES {
        let fixture = fixture(file);
        let world = load(&fixture, |_| {}).await;
        let expected: BTreeMap<String, (u16, Value)> =
            serde_json::from_value(fixture["answers"].clone()).unwrap();
        let now = answers(&world, ORG).await;
        for (path, (status, body)) in &expected {
            assert_eq!(now[path].0, *status, "{file} {path}");
            says(&now[path].1, body, &format!("{file} {path}"));
        }
        // And goes on from there.
        let before = world.caller(ORG).get("/v1/metrics/summary").await["total_requests"].as_u64().unwrap();
        let mut event = call(1, MARK, "m", "0.01", noon());
        event.org = ledger::ids::OrgId::new(ORG).unwrap();
        let more = delivery(tables::STREAM, "another", &[record(&event, "100000000000000000000000001")]);
        let answer =
            Aggregator::new(Tables::store_by(world.stack.client().clone())).handle(more).await.unwrap();
        assert_eq!(answer["batchItemFailures"], json!([]), "{file}");
        assert_eq!(world.caller(ORG).get("/v1/metrics/summary").await["total_requests"], before + 1);
        for route in routes(&Method::PUT) {
            let status = put(&world.caller(ORG), &path(route.path, MARK), &settings(route.path)).await;
            assert_eq!(status, StatusCode::OK, "{file}: {}", route.path);
        }
    }
}

#[tokio::test]
async fn what_a_later_version_wrote_is_neither_guessed_at_nor_written_over() {
    let later = |item: &mut Item| drop(item.insert(VERSION.to_owned(), AttributeValue::N("9".to_owned())));
    let world = load(&fixture(FIXTURES.last().unwrap()), later).await;
    let (before, nobody) = (dump(&world).await, answers(&world, "nobody").await);
    let mut failed = 0;
    for (path, (status, body)) in answers(&world, ORG).await {
        // What has nothing of this organisation in it stays what it is.
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
    let answer = Aggregator::new(Tables::store_by(world.stack.client().clone())).handle(more).await.unwrap();
    assert_eq!(answer["batchItemFailures"], json!([{ "itemIdentifier": number }]));
    let after = dump(&world).await;
    for (table, items) in &before {
        for item in items {
            assert!(after[table].contains(item), "{table}: {item} was written over");
        }
    }
}
