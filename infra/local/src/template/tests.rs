use std::time::Duration;

use super::*;

const HEAD: &str = r#"
Parameters:
  Days: { Type: Number, Default: 400 }
Globals:
  Function:
    Environment: { Variables: { REGISTRY_TABLE: !Ref EventsTable, SECRET: !If [A, !Ref B, !Ref AWS::NoValue] } }
Resources:
  EventsTable:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{ AttributeName: pk, AttributeType: S }]
      KeySchema: [{ AttributeName: pk, KeyType: HASH }]
      StreamSpecification: { StreamViewType: NEW_IMAGE }
  AFunction:
    Type: AWS::Serverless::Function
    Metadata: { BuildMethod: rust-cargolambda, BuildProperties: { Binary: a } }
    Properties:
      Environment: { Variables: { DAYS: !Ref Days } }
      Events:
        Get: { Type: HttpApi, Properties: { ApiId: !Ref Api, Method: get, Path: '/a/{id}' } }
        Daily: { Type: Schedule, Properties: { Schedule: rate(1 day) } }
        Nightly: { Type: ScheduleV2, Properties: { ScheduleExpression: cron(0 2 * * ? *), Input: '{"a":[1]}' } }
"#;

fn error(more: &str) -> String {
    Template::read(&format!("{HEAD}{more}")).expect_err("should be refused").to_string()
}

#[test]
fn the_projects_own_template_is_readable() {
    let template = Template::built_in().expect("the project's template");
    assert!(template.functions.iter().any(|function| !function.routes.is_empty()));
    assert!(template.mappings.iter().all(|mapping| mapping.tumbling_window_in_seconds.is_some()));
    assert!(template.mappings.iter().all(StreamMapping::reports_item_failures));
}

#[test]
fn a_function_has_its_routes_schedules_and_variables() {
    let template = Template::read(HEAD).expect("a good template");
    let function = template.function("AFunction").expect("the function");
    assert_eq!(function.binary, "a");
    assert_eq!(function.timeout, Duration::from_secs(3));
    assert_eq!(function.routes, [Route { method: "GET".to_owned(), path: "/a/{id}".to_owned() }]);
    let daily = Schedule { name: "Daily".into(), expression: "rate(1 day)".parse().unwrap(), input: None };
    let nightly = Schedule {
        name: "Nightly".to_owned(),
        expression: "cron(0 2 * * ? *)".parse().unwrap(),
        input: Some(serde_json::json!({ "a": [1] })),
    };
    assert_eq!(function.schedules, [daily, nightly]);
    let variables: Vec<_> = function.variables.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(variables, [("DAYS", "400"), ("REGISTRY_TABLE", "EventsTable")]);
}

#[test]
fn an_error_names_its_place() {
    assert!(error("  T: { Type: AWS::DynamoDB::Table }").starts_with("template.yaml, T: missing field"));
    let function = |events: &str| {
        error(&format!(
            "  F: {{ Type: AWS::Serverless::Function, Metadata: {{ BuildProperties: {{ Binary: f }} }},
                 Properties: {{ Events: {{ E: {events} }} }} }}"
        ))
    };
    assert!(
        function("{ Type: SQS }").contains("F.Events.E: the local stack does not support events of type SQS")
    );
    assert!(
        function("{ Type: HttpApi, Properties: { Path: /x } }")
            .contains("F.Events.E: missing field `Method`")
    );
    let schedule = |more: &str| {
        function(&format!("{{ Type: ScheduleV2, Properties: {{ ScheduleExpression: {more} }} }}"))
    };
    assert!(schedule("rate(1 days)").contains("F.Events.E: rate(1 days): should be a rate"));
    assert!(schedule("rate(1 day), Input: '{'").contains("F.Events.E: Input is not JSON"));
    assert!(
        schedule("rate(1 day), Input: '\"<aws.scheduler.execution-id>\"'").contains("F.Events.E: the local")
    );
    assert!(
        schedule("rate(1 day), State: DISABLED").contains("F.Events.E: the local stack does not support")
    );
    assert!(
        schedule("rate(1 day), ScheduleExpressionTimezone: Asia/Tokyo")
            .contains("F.Events.E: the local stack")
    );
    let mapping = |function: &str, more: &str| {
        error(&format!(
            "  M: {{ Type: AWS::Lambda::EventSourceMapping, Properties: {{ FunctionName: !Ref {function},
                 EventSourceArn: !GetAtt EventsTable.StreamArn, StartingPosition: TRIM_HORIZON{more} }} }}"
        ))
    };
    assert!(
        mapping("BFunction", "").contains("BFunction: a stream invokes it, but there is no such function")
    );
    assert!(mapping("AFunction", ", ParallelizationFactor: 2").contains("M: the local stack supports only"));
    assert!(mapping("AFunction", ", FilterCriteria: {}").contains("M: the local stack does not support"));
}
