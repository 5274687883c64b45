//! What `template.yaml` describes, as far as it runs here: functions with their routes and schedules, tables, and
//! the mappings from streams to functions. What runs locally is thereby what is deployed.

mod function;
mod intrinsic;
mod mapping;
mod policy;
mod schedule;
mod table;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_norway::Value;

use crate::error::{Error, Result};
use intrinsic::Resolver;

pub use function::{Function, Route};
pub use mapping::StreamMapping;
pub use policy::{Condition, Operator, Statement, matches};
pub use schedule::Schedule;
pub use table::{AttributeDefinition, Index, KeyElement, Projection, StreamSpecification, Table, TimeToLive};

/// The project's template, compiled in so that the binary needs no file beside it.
pub const TEMPLATE: &str = include_str!("../../../../template.yaml");

/// The parts of a template that run.
#[derive(Debug, Default)]
pub struct Template {
    /// Its functions.
    pub functions: Vec<Function>,
    /// Its tables.
    pub tables: Vec<Table>,
    /// Which stream calls which function.
    pub mappings: Vec<StreamMapping>,
    /// What each function's role lets it do, by the name of the function's binary.
    pub roles: BTreeMap<String, Vec<Statement>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Document {
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
    #[serde(default)]
    conditions: BTreeMap<String, Value>,
    #[serde(default)]
    globals: Globals,
    resources: BTreeMap<String, Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    default: Option<Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Globals {
    #[serde(default)]
    function: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    r#type: String,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    properties: Value,
}

impl Template {
    /// The template that this binary was built with.
    pub fn built_in() -> Result<Self> {
        Self::read(TEMPLATE)
    }

    /// Reads a template.
    pub fn read(text: &str) -> Result<Self> {
        let document: Document = serde_norway::from_str(text)
            .map_err(|error| Error::caused("template.yaml cannot be read", error))?;
        let defaults = document.parameters.into_iter().filter_map(|(name, p)| Some((name, p.default?)));
        let resolver = Resolver::new(defaults.collect(), document.conditions);
        let globals: function::Properties =
            typed("Globals.Function", resolver.resolve(document.globals.function))?;
        let mut template = Self::default();
        for (id, resource) in document.resources {
            let written = resource.properties.clone();
            let properties = resolver.resolve(resource.properties);
            match resource.r#type.as_str() {
                "AWS::Serverless::Function" => {
                    let build = typed(&id, resolver.resolve(resource.metadata))?;
                    let role = typed::<policy::Role>(&id, properties.clone())?.checked();
                    let role = role.map_err(|what| fault(&id, what))?;
                    let mut function = function::function(id, build, &globals, properties)?;
                    function.unset(&written, &resolver);
                    template.roles.insert(function.binary.clone(), role);
                    template.functions.push(function);
                }
                "AWS::DynamoDB::Table" => template.tables.push(table(id, properties)?),
                "AWS::Lambda::EventSourceMapping" => {
                    let mapping = typed::<StreamMapping>(&id, properties)?;
                    template.mappings.push(mapping.checked().map_err(|what| fault(&id, what))?);
                }
                // Roles, logs, topics: nothing that runs.
                _ => {}
            }
        }
        template.check()
    }

    /// The function with the logical id `id`.
    pub fn function(&self, id: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.id == id)
    }

    fn check(self) -> Result<Self> {
        for mapping in &self.mappings {
            if self.function(&mapping.function_name).is_none() {
                return Err(fault(
                    &mapping.function_name,
                    "a stream calls it, but there is no such function",
                ));
            }
            let table = self.tables.iter().find(|table| table.id == mapping.table);
            if table.is_none_or(|table| table.stream_specification.is_none()) {
                return Err(fault(
                    &mapping.table,
                    "its stream calls a function, but there is no such stream",
                ));
            }
        }
        Ok(self)
    }
}

fn fault(id: &str, what: impl std::fmt::Display) -> Error {
    Error::new(format!("template.yaml, {id}: {what}"))
}

/// `value` as a `T`; nothing at all is a `T` without properties.
fn typed<T: DeserializeOwned>(id: &str, value: Value) -> Result<T> {
    let value = if value.is_null() { Value::Mapping(serde_norway::Mapping::default()) } else { value };
    serde_norway::from_value(value).map_err(|error| fault(id, error))
}

fn table(id: String, properties: Value) -> Result<Table> {
    let table: Table = typed(&id, properties)?;
    if table.local_secondary_indexes.is_some() {
        return Err(fault(&id, "the local stack makes no local secondary indexes"));
    }
    Ok(Table { id, ..table })
}

#[cfg(test)]
mod tests {
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
    fn the_projects_own_template_is_understood() {
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
        let daily =
            Schedule { name: "Daily".into(), expression: "rate(1 day)".parse().unwrap(), input: None };
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
    fn a_fault_says_where_it_is() {
        assert!(error("  T: { Type: AWS::DynamoDB::Table }").starts_with("template.yaml, T: missing field"));
        let function = |events: &str| {
            error(&format!(
                "  F: {{ Type: AWS::Serverless::Function, Metadata: {{ BuildProperties: {{ Binary: f }} }},
                     Properties: {{ Events: {{ E: {events} }} }} }}"
            ))
        };
        assert!(function("{ Type: SQS }").contains("F.Events.E: the local stack knows no event of type SQS"));
        assert!(
            function("{ Type: HttpApi, Properties: { Path: /x } }")
                .contains("F.Events.E: missing field `Method`")
        );
        let schedule = |more: &str| {
            function(&format!("{{ Type: ScheduleV2, Properties: {{ ScheduleExpression: {more} }} }}"))
        };
        assert!(schedule("rate(1 days)").contains("F.Events.E: rate(1 days): should be a rate"));
        assert!(schedule("rate(1 day), Input: '{'").contains("F.Events.E: Input is no JSON"));
        assert!(
            schedule("rate(1 day), Input: '\"<aws.scheduler.execution-id>\"'")
                .contains("F.Events.E: the local")
        );
        assert!(schedule("rate(1 day), State: DISABLED").contains("F.Events.E: the local stack knows no"));
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
            mapping("BFunction", "").contains("BFunction: a stream calls it, but there is no such function")
        );
        assert!(mapping("AFunction", ", ParallelizationFactor: 2").contains("M: the local stack knows only"));
        assert!(mapping("AFunction", ", FilterCriteria: {}").contains("M: the local stack knows no"));
    }
}
