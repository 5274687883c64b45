//! The roles in the template allow their functions exactly what they do.
//!
//! The local stack enforces every role, so each test fails where a right is missing. This test shows that no right is
//! superfluous: [`drive`] takes every function through everything it does. A right unused by then is either not needed,
//! or used on a path that should be added.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use chrono::TimeDelta;
use chrono_tz::Tz;
use http::{Method, StatusCode};
use ledger::calendar::Generation;
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::rollup::EndUser;
use local::role::Grant;
use local::template::{Function, Template};
use serde_json::json;
use store::keys::{Keyed, PK, SK, VERSION};
use web::auth::Scope;
use web::route::Endpoint;

use crate::every_route::routes::functions;
use crate::every_route::walk::{MARK, fill, path, post_reprice, put, routes, settings};
use crate::support::attributes::item_of;
use crate::support::events::{call, event};
use crate::support::{Caller, World, noon, tables};

/// Queries for all GET routes: each route takes the parameters it knows.
const QUERIES: [&str; 6] = [
    "?instance_id=zebra&project_id=zebra&agentId=zebra&days=90",
    "?eventType=zebra&limit=1&period=daily&months=24",
    "?agentId=zebra&eventType=zebra&offset=1&period=monthly",
    "?month=2026-08",
    "?filter[agent]=zebra",
    "?groupBy=task_type",
];

const JSON: (&str, &str) = ("content-type", "application/json");

/// More time than this takes: an aggregator that lacks a right would be invoked forever.
const PATIENCE: Duration = Duration::from_mins(5);

async fn drive(world: &World) {
    let owner = world.caller("owner");
    fill(&owner).await;
    // A conflict, which is detected by reading the stored event.
    let again = event(
        MARK,
        "llm.call",
        noon(),
        json!({ "agent_id": MARK, "provider": MARK, "model": MARK,
        "input_tokens": 1, "output_tokens": 1 }),
    );
    assert_eq!(owner.post(&json!([again])).await["rejected"][0]["code"], "conflict");
    // The same for what another tool reports.
    let message = json!({ "id": MARK, "model": MARK, "usage": { "input_tokens": 1 } }).to_string();
    for outcome in ["accepted", "duplicates"] {
        let json = [("content-type", "application/json")];
        let sent = owner.send(Method::POST, "/v1/intake/anthropic", &json, message.clone()).await;
        assert_eq!(sent.body[outcome], 1);
    }
    let void = event("by-key", "llm.call", noon(), json!({ "revision": 1, "void": true }));
    owner.post(&json!([call("by-key", noon())])).await;
    assert_eq!(owner.post(&json!([void])).await["accepted"], 1);
    for finalized in [false, true] {
        let payload = json!({ "litellm_call_id": "final", "model": MARK, "prompt_tokens": 1,
            "startTime": noon().timestamp(), "endTime": noon().timestamp(), "cost_finalized": finalized });
        let sent = owner.send(Method::POST, "/v1/intake/litellm", &[JSON], payload.to_string()).await;
        assert_eq!(sent.body["accepted"], 1, "{}", sent.body);
    }
    insert_malformed(world).await;
    let late = json!({ "agent_id": MARK, "minutes_saved": 1 });
    owner.post(&json!([event("late", "task.completed", noon() - TimeDelta::days(30), late)])).await;
    world.stack.drain().await;
    for route in routes(&Method::GET) {
        for query in QUERIES.into_iter().chain([""]) {
            for name in [MARK, "nobody"] {
                let path = format!("{}{query}", path(route.path, name));
                let status = owner.try_get(&path).await.status;
                assert!(!status.is_server_error(), "{path}: {status}");
            }
        }
    }
    // Each function records the use of a key that it is the first to see.
    for route in routes(&Method::GET).iter().filter(|route| route.scope.is_some()) {
        let key = key(&owner).await;
        world.bearer(&key).try_get(&path(route.path, MARK)).await;
    }
    world.bearer(&key(&owner).await).post(&json!([call("by-key", noon())])).await;
    let usage =
        json!({ "id": "by-key", "model": MARK, "usage": { "prompt_tokens": 1, "completion_tokens": 1 } });
    let by_key = key(&owner).await;
    let intake = format!("/v1/intake/openai?agent_id={MARK}");
    let sent = world.bearer(&by_key).send(Method::POST, &intake, &[JSON], usage.to_string()).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.body);
    world.anonymous().get("/v1/health").await;
    reprice_and_withdraw(world).await;
    invoke_scheduled_functions(world).await;
    // Without usage the zone may still change, which takes a query.
    let newcomer = world.caller("newcomer");
    let status = put(&newcomer, "/api/organization", &json!({ "timezone": "Europe/Paris" })).await;
    assert_eq!(status, StatusCode::OK);
    for caller in [&owner, &newcomer] {
        for route in routes(&Method::PUT) {
            put(caller, &path(route.path, "spare"), &settings(route.path)).await;
        }
        for (route, name) in
            routes(&Method::DELETE).iter().flat_map(|route| [(route, MARK), (route, "spare")])
        {
            let path = format!("{}?effectiveFrom=2026-09-01", path(route.path, name));
            let status = caller.send(Method::DELETE, &path, &[], "").await.status;
            assert!(!status.is_server_error(), "{path}: {status}");
        }
    }
}

/// A new key with every scope that keys may have.
async fn key(caller: &Caller<'_>) -> String {
    let scopes: Vec<_> =
        Scope::ALL.into_iter().filter(|scope| scope.is_for_keys()).map(Scope::as_str).collect();
    let body = json!({ "name": MARK, "scopes": scopes }).to_string();
    let response = caller.send(Method::POST, "/api/keys", &[JSON], body).await;
    response.body["key"].as_str().unwrap().to_owned()
}

/// A dry run, an entry that changes costs, and its withdrawal.
async fn reprice_and_withdraw(world: &World) {
    let owner = world.caller("owner");
    let path = "/api/cost-analysis/reprice";
    owner.record(&[call("unpriced", noon())]).await;
    let call = json!({ "agent_id": MARK, "provider": MARK, "model": "to-be-priced", "input_tokens": 1, "output_tokens": 1 });
    owner.record(&[event("to-be-priced", "llm.call", noon(), call)]).await;
    let price =
        json!({ "effectiveFrom": "2026-09-01", "inputPricePerMillion": 1, "outputPricePerMillion": 2 });
    owner.put(&format!("/api/cost-analysis/pricing/{MARK}/to-be-priced"), &price).await;
    for dry_run in [true, false] {
        let body = json!({ "from": "2026-09-14", "to": "2026-09-15", "dryRun": dry_run });
        assert_eq!(post_reprice(&owner, &body).await, StatusCode::OK);
    }
    world.stack.invoke("reconcile", json!({ "do": "reprice" })).await.unwrap();
    let entry = owner.get(path).await["items"][0].clone();
    assert_eq!(entry["status"], "applied");
    assert!(entry["result"]["difference"].as_f64() > Some(0.0), "{entry}");
    let path = format!("{path}/{}", entry["id"].as_str().unwrap());
    assert_eq!(owner.send(Method::DELETE, &path, &[], "").await.status, StatusCode::NO_CONTENT);
    world.stack.invoke("reconcile", json!({ "do": "reprice" })).await.unwrap();
}

/// Scheduled runs and manual invocations.
async fn invoke_scheduled_functions(world: &World) {
    let invoke = async |function: &str, event| world.stack.invoke(function, event).await;
    let day_request = |how: &str| json!({ "do": "day", "org": "owner", "day": "2026-09-15", how: true });
    // An organization without a webhook, whose alerts need no delivery.
    let frugal = world.caller("frugal");
    frugal.record(&[call("dear", noon())]).await;
    frugal.put("/api/budget", &json!({ "monthly": "0.000001" })).await;
    invoke("budget-alerts", json!({})).await.unwrap();
    invoke("completeness", json!({})).await.unwrap();
    // The activity log of a day is exported when it is over.
    world.stack.clock().set(noon() + TimeDelta::days(1));
    invoke("exporter", json!({})).await.unwrap();
    world.stack.clock().set(noon());
    erase(world).await;
    for event in [
        json!({ "do": "nightly" }),
        json!({ "do": "replay" }),
        json!({ "do": "compact" }),
        day_request("repair"),
        day_request("seal"),
    ] {
        invoke("reconcile", event).await.unwrap();
    }
    // An event by an unknown agent that was malformed on arrival and can be parsed now.
    let image =
        tables::record(&tables::call(7, "ghost", MARK, "1", noon()), "1")["dynamodb"]["NewImage"].clone();
    for version in ["99", "1"] {
        let mut image = image.clone();
        image[VERSION] = json!({ "N": version });
        image[PK]["S"] = json!(image[PK]["S"].as_str().unwrap().replace("acme", "owner"));
        let put = world.stack.client().put_item().table_name(tables::names().events);
        put.set_item(Some(item_of(&image))).send().await.unwrap();
        world.stack.drain().await;
    }
    invoke("reconcile", day_request("repair")).await.unwrap();
    // A changed time zone, and what is left of the old one.
    world.caller("owner").put("/api/organization", &json!({ "timezone": "Europe/Paris" })).await;
    invoke("reconcile", json!({ "do": "calendars" })).await.unwrap();
    world.stack.clock().set(noon() + TimeDelta::hours(2));
    invoke("reconcile", json!({ "do": "calendars" })).await.unwrap();
    // A made-up end user, which makes the day dirty, and a quarantined record that is released by hand.
    let store = world.stack.tables();
    let (owner, day) = (OrgId::new("owner").unwrap(), Day::of(noon(), Tz::UTC));
    let users = EndUser { org: owner, generation: Generation::new(1), day, hash: [7; 8] };
    store.usage.add_end_users(&users.key(), &[users.hash].into()).await.unwrap();
    invoke("reconcile", day_request("repair")).await.unwrap();
    invoke("reconcile", json!({ "do": "dirty" })).await.unwrap();
    let places = store.usage.quarantined(None, 1).await.unwrap().entries;
    let places: Vec<_> = places.into_iter().map(|entry| entry.place).collect();
    assert_eq!(
        invoke("reconcile", json!({ "do": "forget", "places": places })).await.unwrap()["released"],
        1
    );
}

/// Forgets an end user.
async fn erase(world: &World) {
    let owner = world.caller("owner");
    let requested = owner.send(Method::DELETE, &format!("/api/end-users/{MARK}"), &[], "").await;
    assert_eq!(requested.status, StatusCode::ACCEPTED);
    for _ in 0..2 {
        world.stack.invoke("reconcile", json!({ "do": "erase" })).await.unwrap();
        world.stack.clock().set(world.stack.clock().now() + TimeDelta::hours(2));
    }
    world.stack.clock().set(noon());
    let erasures = owner.get("/api/erasures").await;
    assert_eq!(erasures["items"][0]["status"], "done");
}

/// The key of an item that is not an event.
pub const MALFORMED: [(&str, &str); 2] = [(PK, "odd"), (SK, "odd")];

/// Inserts an item whose record the aggregator has to quarantine.
pub async fn insert_malformed(world: &World) {
    let odd = world.stack.client().put_item().table_name(tables::names().events);
    let item = MALFORMED.map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())));
    odd.set_item(Some(item.into())).send().await.unwrap();
}

/// What a function may do: binary, action, resource.
type Right = (String, String, String);

fn rights(grants: BTreeSet<Grant>) -> BTreeSet<Right> {
    grants.into_iter().map(|grant| (grant.binary, grant.action, grant.resource)).collect()
}

/// Rights that are used where this test does not see it: Lambda reads the stream and stores the batches it gives up on, a
/// starting function fetches the secrets in its environment, and the local stack has no topic. (SAM itself adds the
/// rights to write logs and to send failed asynchronous invocations to the dead-letter queue.)
fn used_elsewhere(template: &Template) -> BTreeSet<Right> {
    let mut rights = BTreeSet::new();
    let mut right = |function: &Function, action: &str, resource: String| {
        rights.insert((function.binary.clone(), action.to_owned(), resource));
    };
    for mapping in &template.mappings {
        let function = template.function(&mapping.function_name).unwrap();
        for action in ["DescribeStream", "GetRecords", "GetShardIterator"] {
            right(function, &format!("dynamodb:{action}"), format!("{}.StreamArn", mapping.table));
        }
        right(function, "dynamodb:ListStreams", "*".to_owned());
        if let Some(bucket) = mapping.on_failure() {
            right(function, "s3:ListBucket", bucket.to_owned());
            right(function, "s3:PutObject", format!("{bucket}/*"));
        }
    }
    for function in &template.functions {
        if let Some(topic) = function.variables.get("ALERTS_TOPIC_ARN") {
            right(function, "sns:Publish", topic.clone());
        }
        // The streams and the bucket are no tables, whose roles the local stack enforces.
        if function.binary == "completeness" {
            for action in ["DescribeStream", "GetRecords", "GetShardIterator"] {
                right(function, &format!("dynamodb:{action}"), "EventsTable.Arn/stream/*".to_owned());
            }
            right(function, "dynamodb:ListStreams", "*".to_owned());
        }
        let secrets = function.variables.iter().filter(|(name, _)| name.ends_with("_SECRET_ARN"));
        for (_, secret) in secrets {
            right(function, "secretsmanager:GetSecretValue", secret.clone());
        }
    }
    rights
}

#[tokio::test]
async fn every_role_allows_exactly_what_its_function_does() {
    let world = World::new().await;
    let driven = tokio::time::timeout(PATIENCE, drive(&world)).await;
    let roles = world.stack.roles();
    assert!(roles.refused().is_empty(), "{:#?}", roles.refused());
    driven.unwrap();
    let template = Template::built_in().unwrap();
    let needed = &rights(roles.used()) | &used_elsewhere(&template);
    let granted = rights(roles.granted());
    let (unused, missing) = (&granted - &needed, &needed - &granted);
    assert!(unused.is_empty(), "granted, and never used: {unused:#?}");
    assert!(missing.is_empty(), "needed, and not granted: {missing:#?}");

    let asked = roles.asked();
    let asked: BTreeSet<_> = asked.iter().map(|operation| operation.rsplit_once('.').unwrap().1).collect();
    let written = written();
    assert_eq!(
        asked,
        written.iter().map(String::as_str).collect(),
        "operations that this test does not reach"
    );
}

#[test]
fn a_function_that_warms_its_connection_may_run_the_query_it_uses_for_that() {
    let template = Template::built_in().unwrap();
    for function in &template.functions {
        let main = format!("{}/../functions/{}/src/main.rs", env!("CARGO_MANIFEST_DIR"), function.binary);
        let main = fs::read_to_string(main).unwrap();
        let is_public = |(binary, routes): &(&str, Vec<Endpoint>)| {
            *binary == function.binary && routes.iter().all(|route| route.scope.is_none())
        };
        let public = functions().iter().any(is_public);
        let warms = main.contains(".warm()") || (main.contains("app::serve") && !public);
        let may = template.roles[&function.binary].iter().any(|statement| {
            statement.covers("RegistryTable.Arn") && statement.actions.iter().any(|a| a == "dynamodb:Query")
        });
        assert!(may || !warms, "{}", function.binary);
    }
}

/// The operations in the source of the store.
fn written() -> BTreeSet<String> {
    let mut operations = BTreeSet::new();
    visit(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/store/src")), &mut |source| {
        let source: String = source.chars().filter(|c| !c.is_whitespace()).collect();
        for call in source.split("client.").skip(1) {
            let (name, _) = call.split_once("()").unwrap();
            let words = name.split('_').map(|word| word[..1].to_uppercase() + &word[1..]);
            operations.insert(words.collect());
        }
    });
    operations
}

fn visit(folder: &Path, read: &mut impl FnMut(&str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, read);
        } else {
            read(&fs::read_to_string(&path).unwrap());
        }
    }
}
