//! Which permissions requests need, and which requests roles allow.

use aws_sdk_dynamodb::error::DisplayErrorContext;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};

use super::*;
use crate::testing;

fn tables() -> BTreeMap<String, String> {
    [("t".to_owned(), "ATable".to_owned())].into()
}

fn needs(operation: &str, body: &Value) -> Vec<(String, String)> {
    let target = format!("DynamoDB_20120810.{operation}");
    let calls = request::read(Some(&target), body.to_string().as_bytes(), &tables()).unwrap();
    calls.into_iter().map(|call| (call.action, call.resource)).collect()
}

#[test]
fn each_operation_needs_its_action_on_its_resource() {
    let need = |action: &str, resource: &str| (format!("dynamodb:{action}"), resource.to_owned());
    let name = json!({ "TableName": "t", "Key": { "pk": { "S": "a" } } });
    for operation in ["GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "DescribeTable"] {
        assert_eq!(needs(operation, &name), [need(operation, "ATable.Arn")]);
    }
    let index = json!({ "TableName": "t", "IndexName": "i" });
    assert_eq!(needs("Query", &index), [need("Query", "ATable.Arn/index/i")]);
    let batch = json!({ "RequestItems": { "t": { "Keys": [{ "pk": { "S": "a" } }] }, "u": { "Keys": [] } } });
    assert_eq!(
        needs("BatchGetItem", &batch),
        [need("BatchGetItem", "ATable.Arn"), need("BatchGetItem", "u")]
    );
    let parts = json!({ "TransactItems": [
        { "Put": { "TableName": "t", "Item": {} } }, { "Update": name }, { "Delete": name }, { "ConditionCheck": name },
    ] });
    let actions = ["PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"];
    assert_eq!(needs("TransactWriteItems", &parts), actions.map(|action| need(action, "ATable.Arn")));
    let statements = [
        (r#"INSERT INTO "t" VALUE {'pk': ?}"#, "PartiQLInsert", "ATable.Arn"),
        (r#"select * from "t" where pk = 'a'"#, "PartiQLSelect", "ATable.Arn"),
        (r#"SELECT * FROM "t"."i" WHERE pk = 'a'"#, "PartiQLSelect", "ATable.Arn/index/i"),
        (r#"UPDATE "t" SET a = 1"#, "PartiQLUpdate", "ATable.Arn"),
        (r#"DELETE FROM "t""#, "PartiQLDelete", "ATable.Arn"),
    ];
    for (statement, action, resource) in statements {
        let one = json!({ "Statement": statement });
        assert_eq!(needs("ExecuteStatement", &one), [need(action, resource)]);
        assert_eq!(needs("BatchExecuteStatement", &json!({ "Statements": [one] })), [need(action, resource)]);
        assert_eq!(
            needs("ExecuteTransaction", &json!({ "TransactStatements": [one] })),
            [need(action, resource)]
        );
    }
}

#[test]
fn an_unknown_request_is_refused() {
    let refused = |target: Option<&str>, body: &Value| {
        request::read(target, body.to_string().as_bytes(), &tables()).unwrap_err()
    };
    let name = json!({ "TableName": "t" });
    assert!(refused(None, &name).contains("does not know the permissions of this service"));
    assert!(
        refused(Some("SomethingElse.Query"), &name)
            .contains("does not know the permissions of SomethingElse.Query")
    );
    let target = |operation: &str| format!("DynamoDB_20120810.{operation}");
    for (operation, body) in [
        ("Query", json!({})),
        ("Query", json!([])),
        ("BatchWriteItem", json!({ "RequestItems": { "t": [{ "PutRequest": {} }] } })),
        ("TransactWriteItems", json!({ "TransactItems": [{ "Other": name }] })),
        ("TransactWriteItems", json!({ "TransactItems": [{ "Put": {} }] })),
        ("ExecuteStatement", json!({ "Statement": "INSERT INTO t VALUE {}" })),
        ("ExecuteStatement", json!({ "Statement": "EXISTS(\"t\")" })),
    ] {
        refused(Some(&target(operation)), &body);
    }
}

const TEMPLATE: &str = "
Resources:
  EventsTable:
    Type: AWS::DynamoDB::Table
    Properties:
      AttributeDefinitions: [{ AttributeName: pk, AttributeType: S }]
      KeySchema: [{ AttributeName: pk, KeyType: HASH }]
  AFunction:
    Type: AWS::Serverless::Function
    Metadata: { BuildProperties: { Binary: a } }
    Properties:
      Policies:
        - Version: '2012-10-17'
          Statement:
            - { Sid: Read, Effect: Allow, Action: ['dynamodb:GetItem', 'dynamodb:Query'], Resource: [!GetAtt EventsTable.Arn] }
            - { Sid: Never, Effect: Allow, Action: 'dynamodb:DeleteItem', Resource: !Sub '${EventsTable.Arn}/index/*' }
            - Sid: Count
              Effect: Allow
              Action: dynamodb:Scan
              Resource: !GetAtt EventsTable.Arn
              Condition: { StringEquals: { 'dynamodb:Select': COUNT } }
            - !If [Unknown, { Sid: Other }, !Ref AWS::NoValue]
";

#[tokio::test]
async fn a_function_may_do_what_its_role_grants() {
    let (engine, client, _folder) = testing::engine();
    let template = Template::read(TEMPLATE).unwrap();
    tables::create(&client, &template.tables).await.unwrap();
    let roles = Roles::of(&template);
    let (granted, without_role) = (roles.client("a", &client), roles.client("b", &client));
    let get = |client: &Client| {
        let get = client.get_item().table_name("fleetledger-events");
        get.key("pk", AttributeValue::S("x".to_owned())).send()
    };
    get(&granted).await.unwrap();
    let refused = get(&without_role).await.unwrap_err();
    let refused = DisplayErrorContext(&refused).to_string();
    assert!(
        refused.contains("role of b in template.yaml allows no dynamodb:GetItem on EventsTable.Arn"),
        "{refused}"
    );
    let delete = granted.delete_item().table_name("fleetledger-events");
    delete.key("pk", AttributeValue::S("x".to_owned())).send().await.unwrap_err();
    // The grant is for another table.
    granted.query().table_name("fleetledger-usage").send().await.unwrap_err();

    let names = |grants: BTreeSet<Grant>| grants.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(names(roles.used()), ["a may dynamodb:GetItem on EventsTable.Arn (Read)"]);
    assert_eq!(
        names(&roles.granted() - &roles.used()),
        [
            "a may dynamodb:Scan on EventsTable.Arn (Count)",
            "a may dynamodb:DeleteItem on EventsTable.Arn/index/* (Never)",
            "a may dynamodb:Query on EventsTable.Arn (Read)",
        ]
    );
    assert_eq!(roles.refused().len(), 2);
    engine.stop().await;
}

#[test]
fn conditions_compare_the_values_of_a_request() {
    let call = |context: &[(&'static str, &[&str])]| Call {
        action: "x".to_owned(),
        resource: "y".to_owned(),
        context: context.iter().map(|(k, v)| (*k, v.iter().map(|v| (*v).to_owned()).collect())).collect(),
    };
    let key = "dynamodb:Attributes";
    let condition =
        |operator| Condition { operator, key: key.to_owned(), allowed: vec!["a".to_owned(), "b".to_owned()] };
    for (operator, absent) in [
        (Operator::StringEquals, false),
        (Operator::StringEqualsIfExists, true),
        (Operator::ForAllValuesStringEquals, true),
    ] {
        assert_eq!(is_met(&condition(operator), &call(&[])), absent, "{operator:?}");
        assert!(is_met(&condition(operator), &call(&[(key, &["a"])])));
        assert!(!is_met(&condition(operator), &call(&[(key, &["c"])])));
        assert!(!is_met(&condition(operator), &call(&[(key, &["a", "c"])])));
    }
    let count = json!({ "TableName": "t", "Select": "COUNT", "ExpressionAttributeNames": { "#p": "pk" } });
    let some =
        json!({ "TableName": "t", "ProjectionExpression": "#p", "ExpressionAttributeNames": { "#p": "pk" } });
    let all = json!({ "TableName": "t", "Key": { "pk": {} } });
    let index = json!({ "TableName": "t", "IndexName": "i" });
    for (operation, body, select) in [
        ("Query", count, "COUNT"),
        ("GetItem", some, "SPECIFIC_ATTRIBUTES"),
        ("GetItem", all, "ALL_ATTRIBUTES"),
        ("Query", index, "ALL_PROJECTED_ATTRIBUTES"),
    ] {
        let target = format!("DynamoDB_20120810.{operation}");
        let calls = request::read(Some(&target), body.to_string().as_bytes(), &tables()).unwrap();
        assert_eq!(calls[0].context["dynamodb:Select"], [select.to_owned()].into());
        let named = if operation == "Query" && select != "COUNT" { vec![] } else { vec!["pk".to_owned()] };
        assert_eq!(calls[0].context[key], named.into_iter().collect());
    }
}
