//! The files in `events/`: each is what Lambda really sends, and what its function really takes.

use std::fs;

use aggregator::Aggregator;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::StatusCode;
use lambda_http::request::LambdaRequest;
use ledger::event::Event;
use ledger::ids::OrgId;
use ledger::period;
use local::template::Template;
use runtime::clock::Clock;
use serde_json::{Value, json};
use store::keys;
use web::auth::Scope;
use web::route::Route;

use crate::monitoring;
use crate::routes::functions;
use crate::support::tables::{Tables, folded};
use crate::support::{World, answered};

/// The file of a function.
pub fn file(binary: &str) -> String {
    let path = format!("{}/../events/{binary}.json", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_function_has_its_event() {
    for function in Template::built_in().unwrap().functions {
        serde_json::from_str::<Value>(&file(&function.binary)).unwrap();
    }
}

#[test]
fn every_event_is_one_that_the_template_leads_to() {
    for function in Template::built_in().unwrap().functions {
        let sent: Value = serde_json::from_str(&file(&function.binary)).unwrap();
        let routes: Vec<_> = function.routes.iter().map(|r| format!("{} {}", r.method, r.path)).collect();
        let asked = sent["routeKey"].as_str().map(str::to_owned);
        assert!(
            asked.is_some_and(|asked| routes.contains(&asked)) || routes.is_empty(),
            "{}",
            function.binary
        );
    }
    let template = monitoring::read("template.yaml");
    for (id, properties) in monitoring::all(&template, "AWS::Serverless::Function") {
        let binary = &template["Resources"][&id]["Metadata"]["BuildProperties"]["Binary"];
        let sent: Value = serde_json::from_str(&file(binary.as_str().unwrap())).unwrap();
        let events = properties["Events"].as_object().into_iter().flatten();
        let schedules: Vec<_> = events.filter(|(_, event)| event["Type"] == "ScheduleV2").collect();
        // Without an input EventBridge Scheduler sends a notification of its own.
        let sends = |event: &Value| match event["Properties"]["Input"].as_str() {
            Some(input) => sent == serde_json::from_str::<Value>(input).unwrap(),
            None => sent["source"] == "aws.scheduler",
        };
        assert!(schedules.is_empty() || schedules.iter().any(|(_, event)| sends(event)), "{id}");
    }
}

/// What a function answers to its file, as someone who may do everything.
pub async fn answer(world: &World, binary: &str, routes: Vec<Route>) -> (StatusCode, Value) {
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let event: LambdaRequest = serde_json::from_str(&file(binary).replace("<token>", &token)).unwrap();
    let request = lambda_http::Request::from(event);
    answered(world.app(world.stack.client().clone()).router(routes), request).await
}

#[tokio::test]
async fn every_function_behind_the_api_answers_its_event() {
    let world = World::at(Clock::fixed(period::parse_instant("2026-11-20T10:00:00Z").unwrap())).await;
    // The others ask about what ingest is sent.
    answer(&world, "ingest", ingest::routes()).await;
    world.stack.drain().await;
    for (binary, routes) in functions() {
        let (status, body) = answer(&world, binary, routes).await;
        assert_eq!(status, StatusCode::OK, "{binary}: {body}");
    }
}

#[tokio::test]
async fn what_ingest_is_sent_is_taken() {
    let world = World::at(Clock::fixed(period::parse_instant("2026-11-20T10:00:00Z").unwrap())).await;
    let (_, body) = answer(&world, "ingest", ingest::routes()).await;
    assert_eq!(body, json!({ "accepted": 1, "duplicates": 0, "rejected": [] }));
}

/// The event whose insertion the aggregator's file tells of.
pub fn event_of_the_aggregator() -> Event {
    let delivery: Value = serde_json::from_str(&file("aggregator")).unwrap();
    let image = &delivery["Records"][0]["dynamodb"]["NewImage"];
    let text = |name: &str| image[name]["S"].as_str().unwrap();
    let (org, day, source, id) = keys::parse_event_key(text("pk"), text("sk")).unwrap();
    let event = Event {
        org: OrgId::new(org.as_str()).unwrap(),
        source: ledger::ids::Name::new(source).unwrap(),
        id: ledger::ids::Name::new(id).unwrap(),
        time: period::parse_instant(text("t")).unwrap(),
        day,
        data: serde_json::from_str(text("d")).unwrap(),
    };
    // Its key is the one that ingest would give it.
    assert_eq!(keys::event_key(&event.org, event.day, source, id).pk, text("pk"));
    assert_eq!(BASE64.encode(event.content_hash()), image["h"]["B"].as_str().unwrap());
    event
}

#[tokio::test]
async fn the_aggregator_counts_its_event() {
    let tables = Tables::new().await;
    let delivery: Value = serde_json::from_str(&file("aggregator")).unwrap();
    let answer = Aggregator::new(tables.store()).handle(delivery).await.unwrap();
    assert_eq!(answer, json!({ "state": {}, "batchItemFailures": [] }));
    let events = [event_of_the_aggregator()];
    assert_eq!(tables.held(&events).await, folded(&events));
}
