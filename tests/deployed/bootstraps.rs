//! Every function as deployed: the binary built by `sam build`, invoked through Amazon's runtime interface emulator with
//! its file in `events/` and the environment from the template, over the embedded tables.
//!
//! The binaries are not built by `cargo test`. `.ci/run` builds them:
//!
//! ```text
//! SAM_BUILD_MODE=debug sam build --parameter-overrides Architecture=x86_64
//! cargo test -p system-tests -- --ignored bootstraps
//! ```

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use chrono::{Days, NaiveDate};
use jsonwebtoken::{EncodingKey, Header, encode};
use ledger::calendar::Generation;
use local::tables::table_name;
use local::template::{Function, Template};
use runtime::clock::Clock;
use serde_json::{Value, json};
use store::keys::{Owner, PK, SK};
use tokio::net::TcpListener;
use web::auth::Scope;

use super::events::{event_of_the_aggregator, file, response};
use crate::every_route::routes::functions;
use crate::support::World;
use crate::support::emulator::{Emulator, root};
use crate::support::tables::{folded, held, names};

/// The day of the events in `events/`. They can be sent for 35 days.
const DAY: &str = "2026-11-20";

/// The environment of the functions: tables and secrets.
pub struct Cloud {
    world: World,
    pub template: Template,
    secrets: String,
}

impl Cloud {
    pub async fn new() -> Self {
        let world = World::at(Clock::system()).await;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let secrets = format!("http://{}", listener.local_addr().unwrap());
        let secret = String::from_utf8(world.secret().to_vec()).unwrap();
        // Every secret in Secrets Manager is the same here.
        let keeper = move |body: Bytes| async move {
            let asked: Value = serde_json::from_slice(&body).unwrap();
            let arn = &asked["SecretId"];
            json!({ "ARN": arn, "Name": arn, "VersionId": "1", "SecretString": secret }).to_string()
        };
        let keeper = Router::new().route("/", post(keeper));
        tokio::spawn(async move { axum::serve(listener, keeper).await.unwrap() });
        Self { world, template: Template::built_in().unwrap(), secrets }
    }

    /// The environment variables of `function`: those of the template, and where AWS is.
    pub fn variables(&self, function: &Function) -> BTreeMap<String, String> {
        let mut variables: BTreeMap<_, _> = function.variables.clone();
        for (name, value) in &mut variables {
            if name.ends_with("_TABLE") {
                *value = table_name(value);
            }
        }
        let given = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.world.stack.endpoint()),
            ("AWS_ENDPOINT_URL_DYNAMODB_STREAMS", self.world.stack.endpoint()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &self.secrets),
            ("AWS_LAMBDA_FUNCTION_NAME", &function.binary),
        ];
        // The topic's name is the last part of its ARN. Nothing is published to it here.
        if let Some(topic) = variables.get_mut("ALERTS_TOPIC_ARN") {
            *topic = format!("arn:aws:sns:us-east-1:123456789012:{topic}");
        }
        variables.extend(given.map(|(name, value)| (name.to_owned(), value.to_owned())));
        variables.insert("AWS_LAMBDA_FUNCTION_TIMEOUT".to_owned(), function.timeout.as_secs().to_string());
        variables
    }

    /// The event of a function, with a valid token.
    fn event(&self, function: &Function) -> String {
        let now = Clock::system().now();
        let scopes = Scope::ALL.map(Scope::as_str).join(" ");
        let claims = json!({
            "iss": function.variables.get("AUTH_ISSUER"), "aud": function.variables.get("AUTH_AUDIENCE"),
            "sub": "test", "org": "acme", "scope": scopes, "exp": now.timestamp() + 600,
        });
        let key = EncodingKey::from_secret(self.world.secret());
        let event =
            file(&function.binary).replace("<token>", &encode(&Header::default(), &claims, &key).unwrap());
        // The event was sent yesterday.
        let mut event: Value = serde_json::from_str(&event).unwrap();
        if let Some(body) = event["body"].as_str() {
            let yesterday = now.date_naive() - Days::new(1);
            event["body"] = json!(body.replace(DAY, &yesterday.to_string()));
        }
        event.to_string()
    }

    /// Invokes the deployed function and returns its response.
    async fn invoke(&self, function: &Function) -> Value {
        let bootstrap = root().join(".aws-sam/build").join(&function.id).join("bootstrap");
        assert!(bootstrap.exists(), "sam build did not create {}", bootstrap.display());
        let emulator = Emulator::start(&bootstrap, &self.variables(function));
        let response = emulator.invoke(&self.event(function)).await;
        assert!(response.get("errorType").is_none(), "{}: {response}\n{}", function.binary, emulator.log());
        response
    }

    /// The status and body with which the deployed function responds to its request.
    async fn request(&self, function: &Function) -> (u16, Value) {
        let response = self.invoke(function).await;
        let status = response["statusCode"].as_u64().unwrap().try_into().unwrap();
        let mut body = response["body"].as_str().unwrap().as_bytes().to_vec();
        if response["isBase64Encoded"] == true {
            body = BASE64.decode(body).unwrap();
        }
        let text = || Value::String(String::from_utf8(body.clone()).unwrap());
        (status, serde_json::from_slice(&body).unwrap_or_else(|_| text()))
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the binaries of sam build, see .ci/run"]
async fn every_deployed_function_handles_its_event() {
    assert!(DAY.parse::<NaiveDate>().is_ok() && file("ingest").contains(DAY));
    let cloud = Cloud::new().await;
    let function = |binary: &str| cloud.template.functions.iter().find(|f| f.binary == binary).unwrap();

    let taken = cloud.invoke(function("aggregator")).await;
    assert_eq!(taken, json!({ "state": {}, "batchItemFailures": [] }));
    let counted = [event_of_the_aggregator()];
    // It arrived more than 30 hours ago, so it is not added to its agent's day, which is marked as dirty instead.
    assert_eq!(held(cloud.world.stack.tables(), &counted).await.items, folded(&counted).items);
    // That event is in no table, so reconcile must not find its rollups.
    let usage = &cloud.world.stack.tables().usage;
    for (org, day) in folded(&counted).agents.into_keys() {
        let owner = Owner::new(&org, Generation::FIRST);
        let pages = usage.page_sizes(&owner, day).await.unwrap();
        usage.delete_pages(&owner, pages.into_keys()).await.unwrap();
    }
    for key in folded(&counted).items.into_keys() {
        let delete = cloud.world.stack.client().delete_item().table_name(names().usage);
        let key = [(PK, key.pk), (SK, key.sk)].map(|(name, text)| (name.to_owned(), AttributeValue::S(text)));
        delete.set_key(Some(key.into())).send().await.unwrap();
    }

    let (status, stored) = cloud.request(function("ingest")).await;
    assert_eq!((status, stored), (200, json!({ "accepted": 1, "duplicates": 0, "rejected": [] })));
    // The other functions query the stored event.
    cloud.world.stack.drain().await;

    for (binary, _) in functions().into_iter().filter(|(binary, _)| *binary != "ingest") {
        let deployed = function(binary);
        // The response of the same code within this process. A day may end in between.
        let here = async || without_ages(response(&cloud.world, binary).await.1);
        let before = here().await;
        let (status, body) = cloud.request(deployed).await;
        let body = without_ages(body);
        assert_eq!(status, 200, "{binary}: {body}");
        assert!(body == before || body == here().await, "{binary}: {body}");
    }
    cloud.world.stack.drain().await;
    let others = cloud.template.functions.iter().filter(|function| function.routes.is_empty());
    for function in others.filter(|function| function.binary != "aggregator") {
        let response = cloud.invoke(function).await;
        match function.binary.as_str() {
            "reconcile" => assert_eq!((&response["drift"], &response["failures"]), (&json!(0), &json!([]))),
            // No bucket is configured.
            "exporter" => assert_eq!(response["written"], 0),
            "completeness" => assert_eq!(response["waiting"], 0),
            "budget-alerts" => assert_eq!((&response["failed"], &response["left"]), (&json!(0), &json!(0))),
            other => panic!("what should {other} return?"),
        }
    }
}

/// A response without the ages, which grow between two requests.
fn without_ages(mut response: Value) -> Value {
    for lane in response.get_mut("lanes").and_then(Value::as_array_mut).into_iter().flatten() {
        lane.as_object_mut().unwrap().remove("age_seconds");
    }
    if let Some(fields) = response.as_object_mut() {
        fields.retain(|name, _| !["asOf", "as_of"].contains(&name.as_str()));
    }
    response
}
