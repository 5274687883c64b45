//! The alarms and the dashboard cover everything that is deployed, and each alarm tells operators what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use local::template::Template;
use runtime::metrics as ours;
use serde_json::{Value, json};
use serde_norway::Value as Yaml;

use crate::support::emulator::root;

/// The parameter with the namespace of our own metrics.
const NAMESPACE: &str = "MetricsNamespace";

/// A metric in an alarm: namespace, name, and the values of its dimensions.
type Metric = (String, String, Vec<String>);

/// YAML as JSON, with tags dropped: `!Ref X` becomes `X`.
fn plain(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Tagged(tagged) => plain(tagged.value),
        Yaml::Sequence(items) => items.into_iter().map(plain).collect(),
        Yaml::Mapping(fields) => {
            let name = |name: Yaml| name.as_str().unwrap().to_owned();
            Value::Object(fields.into_iter().map(|(key, value)| (name(key), plain(value))).collect())
        }
        scalar => serde_json::to_value(scalar).unwrap(),
    }
}

/// A template of the project, with tags dropped.
pub fn read(path: &str) -> Value {
    let text = fs::read_to_string(root().join(path)).unwrap();
    plain(serde_norway::from_str(&text).unwrap())
}

/// The properties of all resources of a type, by logical id.
pub fn all(template: &Value, kind: &str) -> BTreeMap<String, Value> {
    let resources = template["Resources"].as_object().unwrap().iter();
    let these = resources.filter(|(_, resource)| resource["Type"] == kind);
    these.map(|(id, resource)| (id.clone(), resource["Properties"].clone())).collect()
}

fn alarms() -> BTreeMap<String, Value> {
    all(&read("infra/monitoring.yaml"), "AWS::CloudWatch::Alarm")
}

/// The metrics of an alarm.
fn metrics(alarm: &Value) -> Vec<Metric> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let one = |metric: &Value| {
        let dimensions = metric["Dimensions"].as_array().unwrap().iter().map(|d| text(&d["Value"])).collect();
        (text(&metric["Namespace"]), text(&metric["MetricName"]), dimensions)
    };
    match alarm["Metrics"].as_array() {
        None => vec![one(alarm)],
        Some(many) => {
            many.iter().filter_map(|m| m.get("MetricStat")).map(|stat| one(&stat["Metric"])).collect()
        }
    }
}

fn watched() -> BTreeSet<Metric> {
    alarms().values().flat_map(metrics).collect()
}

fn expect(watched: &BTreeSet<Metric>, namespace: &str, name: &str, dimensions: &[&str]) {
    let dimensions = dimensions.iter().map(|value| (*value).to_owned()).collect();
    let metric = (namespace.to_owned(), name.to_owned(), dimensions);
    assert!(watched.contains(&metric), "no alarm watches {metric:?}");
}

#[test]
fn every_alarm_tells_operators_what_to_do() {
    let alarms = alarms();
    assert!(alarms.len() > 10);
    for (id, alarm) in &alarms {
        assert!(alarm["AlarmDescription"].as_str().unwrap().len() > 80, "{id}");
        for actions in ["AlarmActions", "OKActions"] {
            assert_eq!(alarm[actions], json!(["Operations"]), "{id}");
        }
        assert!(alarm["TreatMissingData"].is_string(), "{id}");
        // CloudWatch accepts no more.
        assert!(metrics(alarm).len() <= 10, "{id}");
    }
}

#[test]
fn every_function_is_watched() {
    let (template, watched) = (Template::built_in().unwrap(), watched());
    for function in &template.functions {
        let id = function.id.as_str();
        expect(&watched, "AWS/Lambda", "Throttles", &[id]);
        // Failures of functions behind the API are counted by the API.
        if function.routes.is_empty() {
            expect(&watched, "AWS/Lambda", "Errors", &[id]);
        }
        if !function.schedules.is_empty() {
            expect(&watched, "AWS/Lambda", "Invocations", &[id]);
            let silent = |alarm: &Value| {
                metrics(alarm).iter().any(|(_, name, of)| name == "Invocations" && of == &[id])
            };
            let alarms = alarms();
            let alarm = alarms.values().find(|alarm| silent(alarm)).unwrap();
            assert_eq!(alarm["TreatMissingData"], "breaching", "{id}");
        }
    }
    for mapping in &template.mappings {
        // IteratorAge is only reported when records were read.
        expect(&watched, "AWS/Lambda", "IteratorAge", &[&mapping.function_name]);
        expect(&watched, "AWS/Lambda", "DestinationDeliveryFailures", &[&mapping.function_name]);
    }
    for count in ["5xx", "Count"] {
        expect(&watched, "AWS/ApiGateway", count, &["Api"]);
    }
    for queue in all(&read("template.yaml"), "AWS::SQS::Queue").keys() {
        expect(&watched, "AWS/SQS", "ApproximateNumberOfMessagesVisible", &[queue]);
    }
    for mapping in all(&read("template.yaml"), "AWS::Lambda::EventSourceMapping").keys() {
        for count in ["PolledEventCount", "OnFailureDestinationDeliveredEventCount", "DroppedEventCount"] {
            expect(&watched, "AWS/Lambda", count, &[mapping]);
        }
    }
}

#[test]
fn every_table_and_index_is_watched() {
    let (template, watched) = (Template::built_in().unwrap(), watched());
    for table in &template.tables {
        for kind in ["ReadThrottleEvents", "WriteThrottleEvents"] {
            expect(&watched, "AWS/DynamoDB", kind, &[&table.id]);
            for index in &table.global_secondary_indexes {
                expect(&watched, "AWS/DynamoDB", kind, &[&table.id, &index.index_name]);
            }
        }
    }
}

#[test]
fn the_dashboard_shows_every_alarm_and_gets_its_parameters() {
    let monitoring = read("infra/monitoring.yaml");
    let dashboards = all(&monitoring, "AWS::CloudWatch::Dashboard");
    let body = dashboards["Dashboard"]["DashboardBody"].as_str().unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    let shown = body["widgets"][0]["properties"]["alarms"].as_array().unwrap();
    let shown: BTreeSet<_> = shown.iter().map(|alarm| alarm.as_str().unwrap().to_owned()).collect();
    assert_eq!(shown, alarms().keys().map(|id| format!("${{{id}.Arn}}")).collect());

    let given = all(&read("template.yaml"), "AWS::CloudFormation::Stack");
    let names = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&given["Monitoring"]["Parameters"]), names(&monitoring["Parameters"]));
    // Each parameter gets the resource of its name, except for the namespace, which is that of the functions.
    let namespace =
        &read("template.yaml")["Globals"]["Function"]["Environment"]["Variables"]["METRICS_NAMESPACE"];
    for (name, value) in given["Monitoring"]["Parameters"].as_object().unwrap() {
        match name.as_str() {
            NAMESPACE => assert_eq!(value, namespace),
            _ => assert_eq!(value.as_str().unwrap().split('.').next().unwrap(), name),
        }
    }
}

#[test]
fn every_watched_metric_is_emitted_by_its_function() {
    let monitoring = read("infra/monitoring.yaml");
    let body = all(&monitoring, "AWS::CloudWatch::Dashboard")["Dashboard"]["DashboardBody"].clone();
    let body: Value = serde_json::from_str(body.as_str().unwrap()).unwrap();
    let counted = |name: &str, function: &str| {
        let is = |metric: &&ours::Metric| metric.name() == name && metric.functions().contains(&function);
        assert!(ours::Metric::ALL.iter().any(|metric| is(&metric)), "{function} does not count {name}");
    };
    let ours: Vec<_> = watched().into_iter().filter(|(namespace, ..)| namespace == NAMESPACE).collect();
    assert!(ours.len() > 5);
    for (_, name, dimensions) in ours {
        counted(&name, &dimensions[0]);
    }
    // In a list of metrics, a dot repeats the value of the previous one.
    let mut shown = 0;
    for widget in body["widgets"].as_array().unwrap() {
        let mut before: Vec<String> = Vec::new();
        for metric in widget["properties"]["metrics"].as_array().into_iter().flatten() {
            let said = metric.as_array().unwrap().iter().filter_map(Value::as_str).enumerate();
            let said = said.map(|(i, word)| if word == "." { before[i].clone() } else { word.to_owned() });
            before = said.collect();
            if before[0] == format!("${{{NAMESPACE}}}") {
                counted(&before[1], &before[3]);
                shown += 1;
            }
        }
    }
    assert!(shown > 5);
}
