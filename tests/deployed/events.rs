//! The files in `events/` are real payloads of their functions.

use std::fs;

use aws_sdk_dynamodb::types::AttributeValue;
use http::StatusCode;
use lambda_http::request::LambdaRequest;
use ledger::event::Event;
use ledger::period;
use local::template::Template;
use runtime::clock::Clock;
use serde_json::{Value, json};
use store::Connection;
use store::events::{self, RawEvent};
use web::auth::Scope;

use super::monitoring;
use crate::every_route::routes::{functions, router};
use crate::support::attributes::{item_of, json_of};
use crate::support::tables::{Tables, aggregator_at_noon, folded};
use crate::support::{World, response_of};

/// The content of a function's file.
pub fn file(binary: &str) -> String {
    let path = format!("{}/../events/{binary}.json", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_function_has_an_event_file() {
    for function in Template::built_in().unwrap().functions {
        serde_json::from_str::<Value>(&file(&function.binary)).unwrap();
    }
}

#[test]
fn every_event_matches_a_route_or_schedule_of_the_template() {
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
        // Without an input, EventBridge Scheduler sends its own notification.
        let sends = |event: &Value| match event["Properties"]["Input"].as_str() {
            Some(input) => sent == serde_json::from_str::<Value>(input).unwrap(),
            None => sent["source"] == "aws.scheduler",
        };
        assert!(schedules.is_empty() || schedules.iter().any(|(_, event)| sends(event)), "{id}");
    }
}

/// The response of a function to its file, for a caller with every scope.
pub async fn response(world: &World, binary: &str) -> (StatusCode, Value) {
    let token = world.stack.token("acme", &Scope::ALL).unwrap();
    let event: LambdaRequest = serde_json::from_str(&file(binary).replace("<token>", &token)).unwrap();
    let request = lambda_http::Request::from(event);
    let connection = Connection::new(world.stack.client().clone());
    response_of(router(world, binary, &connection), request).await
}

#[tokio::test]
async fn every_function_behind_the_api_handles_its_event() {
    let world = World::at(Clock::fixed(period::parse_instant("2026-11-20T10:00:00Z").unwrap())).await;
    // The other functions query the event sent to ingest.
    response(&world, "ingest").await;
    world.stack.drain().await;
    for (binary, _) in functions() {
        let (status, body) = response(&world, binary).await;
        assert_eq!(status, StatusCode::OK, "{binary}: {body}");
    }
}

#[tokio::test]
async fn ingest_accepts_its_event() {
    let world = World::at(Clock::fixed(period::parse_instant("2026-11-20T10:00:00Z").unwrap())).await;
    let (_, body) = response(&world, "ingest").await;
    assert_eq!(body, json!({ "accepted": 1, "duplicates": 0, "rejected": [] }));
}

/// The event inserted by the record in the aggregator's file.
pub fn event_of_the_aggregator() -> Event {
    let delivery: Value = serde_json::from_str(&file("aggregator")).unwrap();
    let image = &delivery["Records"][0]["dynamodb"]["NewImage"];
    let item = item_of(image);
    let (event, received) = events::parse_arrived(&item).unwrap();
    // The item is the one that ingest would store.
    let raw = RawEvent::new(&event, [0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89], received, 400).unwrap();
    assert_eq!(&json_of(&AttributeValue::M(raw.item().clone()))["M"], image);
    event
}

#[tokio::test]
async fn the_aggregator_counts_its_event() {
    let tables = Tables::new().await;
    let delivery: Value = serde_json::from_str(&file("aggregator")).unwrap();
    let response = aggregator_at_noon(tables.of()).handle(delivery).await.unwrap();
    assert_eq!(response, json!({ "state": {}, "batchItemFailures": [] }));
    let events = [event_of_the_aggregator()];
    assert_eq!(tables.held(&events).await, folded(&events));
}
