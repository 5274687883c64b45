//! The requests sent to SNS, and how its responses are read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use aws_sdk_sns::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_sns::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

use super::*;

const ARN: &str = "arn:aws:sns:eu-west-1:123456789012:alerts";

/// How SNS behaves.
#[derive(Clone, Copy)]
enum Service {
    Responds(u16, &'static str),
    IsDown,
    Hangs,
}

/// An HTTP client for the SDK that records its requests.
#[derive(Clone)]
struct Recorder {
    service: Service,
    requests: Arc<Mutex<Vec<HttpRequest>>>,
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("recorder")
    }
}

impl HttpClient for Recorder {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Recorder {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        self.requests.lock().unwrap().push(request);
        match self.service {
            Service::Responds(status, body) => {
                HttpConnectorFuture::ready(Ok(HttpResponse::new(status.try_into().unwrap(), body.into())))
            }
            Service::IsDown => HttpConnectorFuture::ready(Err(ConnectorError::io("down".into()))),
            Service::Hangs => HttpConnectorFuture::new(std::future::pending()),
        }
    }
}

const ACCEPTED: Service = Service::Responds(
    200,
    "<PublishResponse><PublishResult><MessageId>567910cd</MessageId></PublishResult></PublishResponse>",
);

fn topic(service: Service) -> (Topic, Recorder) {
    let recorder = Recorder { service, requests: Arc::default() };
    let retries = RetryConfig::standard().with_max_attempts(2).with_initial_backoff(Duration::ZERO);
    let config = aws_sdk_sns::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static("eu-west-1"))
        .credentials_provider(Credentials::new("AKIDTEST", "secret", None, None, "test"))
        .retry_config(retries)
        .retry_partition(RetryPartition::custom("topic").build())
        .http_client(recorder.clone())
        .build();
    (Topic::new(Client::from_conf(config), ARN), recorder)
}

async fn publish(service: Service) -> (Result<(), DeliveryFailure>, Vec<HttpRequest>) {
    let (topic, recorder) = topic(service);
    let message = Message {
        subject: "Over budget: \"nova\" at 100 %\nToken: é",
        body: r#"{"type":"budget.threshold","data":{"percent":100}}"#,
        text: "Over budget",
        alert_id: &MessageId::of("x"),
        kind: "budget.threshold",
        organization: "acme",
    };
    let outcome = topic.publish(&message).await;
    let requests = std::mem::take(&mut *recorder.requests.lock().unwrap());
    (outcome, requests)
}

#[tokio::test]
async fn the_request_is_valid_for_sns() {
    let (outcome, requests) = publish(ACCEPTED).await;
    assert_eq!(outcome, Ok(()));
    let [request] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!((request.method(), request.uri()), ("POST", "https://sns.eu-west-1.amazonaws.com/"));
    assert_eq!(request.headers().get("content-type"), Some("application/x-www-form-urlencoded"));
    let signature = request.headers().get("authorization").unwrap();
    assert!(signature.starts_with("AWS4-HMAC-SHA256 Credential=AKIDTEST/"), "{signature}");
    assert!(signature.contains("/eu-west-1/sns/aws4_request"), "{signature}");
    let body = request.body().bytes().unwrap();
    let mut fields: BTreeMap<_, _> = form_urlencoded::parse(body).into_owned().collect();
    // The SDK does not define the order of the attributes.
    let mut attributes = BTreeMap::new();
    for i in 1..=3 {
        let mut field = |name: &str| fields.remove(&format!("MessageAttributes.entry.{i}.{name}")).unwrap();
        assert_eq!(field("Value.DataType"), "String");
        attributes.insert(field("Name"), field("Value.StringValue"));
    }
    let pairs = |all: &BTreeMap<String, String>| all.clone().into_iter().collect::<Vec<_>>();
    let expected =
        |all: &[(&str, &str)]| all.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect::<Vec<_>>();
    assert_eq!(
        pairs(&attributes),
        expected(&[
            ("alert_id", MessageId::of("x").as_str()),
            ("kind", "budget.threshold"),
            ("organization", "acme")
        ])
    );
    assert_eq!(
        pairs(&fields),
        expected(&[
            ("Action", "Publish"),
            (
                "Message",
                r#"{"default":"{\"type\":\"budget.threshold\",\"data\":{\"percent\":100}}","email":"Over budget"}"#
            ),
            ("MessageStructure", "json"),
            ("Subject", "Over budget: \"nova\" at 100 % Token: ?"),
            ("TopicArn", ARN),
            ("Version", "2010-03-31"),
        ])
    );
}

const fn error(status: u16, body: &'static str) -> Service {
    Service::Responds(status, body)
}

#[tokio::test]
async fn invalid_messages_are_given_up() {
    let xml = "<ErrorResponse><Error><Code>InvalidParameter</Code><Message>arn:aws:sns</Message></Error></ErrorResponse>";
    let (outcome, requests) = publish(error(400, xml)).await;
    let failure = outcome.unwrap_err();
    assert_eq!((failure.advice, failure.status, requests.len()), (RetryAdvice::GiveUp, Some(400), 1));
    assert_eq!(failure.detail, "Publishing to the topic failed: InvalidParameter");
}

#[tokio::test]
async fn other_failures_are_retried() {
    let again = RetryAdvice::Retry { after: None };
    for (service, status, attempts, what) in [
        (
            error(403, "<ErrorResponse><Error><Code>AuthorizationError</Code></Error></ErrorResponse>"),
            Some(403),
            1,
            "AuthorizationError",
        ),
        (
            error(404, "<ErrorResponse><Error><Code>NotFound</Code></Error></ErrorResponse>"),
            Some(404),
            1,
            "NotFound",
        ),
        (
            error(400, "<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>"),
            Some(400),
            2,
            "Throttling",
        ),
        (
            error(500, "<ErrorResponse><Error><Code>InternalError</Code></Error></ErrorResponse>"),
            Some(500),
            2,
            "InternalError",
        ),
        (error(503, "nonsense"), Some(503), 2, "an error"),
        (Service::IsDown, None, 2, "no connection"),
    ] {
        let (outcome, requests) = publish(service).await;
        let failure = outcome.unwrap_err();
        assert_eq!((failure.advice, failure.status, requests.len()), (again, status, attempts), "{what}");
        assert_eq!(failure.detail, format!("Publishing to the topic failed: {what}"));
    }
}

/// The paused clock of the runtime jumps ahead to the timeout.
#[tokio::test(start_paused = true)]
async fn a_request_without_response_times_out() {
    let (outcome, _) = publish(Service::Hangs).await;
    let failure = outcome.unwrap_err();
    assert_eq!((failure.advice, failure.status), (RetryAdvice::Retry { after: None }, None));
    assert_eq!(failure.detail, "Publishing to the topic failed: no answer in time");
}

#[test]
fn a_subject_is_one_short_line_of_ascii() {
    let line = |text: &str| subject(text).unwrap_or_default();
    assert_eq!(line("Over budget"), "Over budget");
    assert_eq!(line(" a\r\nb\tc\0d\u{85}e\u{2028}f "), "a b c d e f");
    assert_eq!(line("Grüße 漢"), "Gr??e ?");
    assert_eq!(line(&"x".repeat(99)).len(), 99);
    assert_eq!(line(&"x".repeat(100)).len(), 99);
    assert_eq!(line(&format!("{} y", "x".repeat(98))).len(), 98);
    assert_eq!((subject(""), subject(" \n")), (None, None));
}
