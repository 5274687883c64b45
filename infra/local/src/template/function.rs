//! A function of the template, and what invokes it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_norway::Value;

use super::decode::{decode, invalid};
use super::intrinsic::Resolver;
use super::schedule::{self, Schedule};
use crate::error::Result;

#[derive(Clone, Debug)]
pub struct Function {
    /// The logical id.
    pub id: String,
    pub binary: String,
    /// The limit of one invocation.
    pub timeout: Duration,
    /// The environment, including `Globals`. A reference to a resource is its logical id.
    pub variables: BTreeMap<String, String>,
    pub routes: Vec<Route>,
    pub schedules: Vec<Schedule>,
}

/// An HTTP API route.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Route {
    /// In capitals, or `ANY`.
    pub method: String,
    /// With parameters in braces, or `$default`.
    pub path: String,
}

impl Route {
    /// Whether it is the route of all paths that no other route matches.
    pub fn is_default(&self) -> bool {
        self.path == "$default"
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Properties {
    timeout: Option<u64>,
    #[serde(default)]
    environment: Environment,
    #[serde(default)]
    events: BTreeMap<String, Event>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Environment {
    #[serde(default)]
    variables: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    r#type: String,
    #[serde(default)]
    properties: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Build {
    build_properties: BuildProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BuildProperties {
    binary: String,
}

impl Function {
    /// Removes the variables that the function itself sets to `AWS::NoValue`, which also hides those of `Globals`.
    pub(super) fn unset(&mut self, properties: &Value, resolver: &Resolver) {
        let variables = properties.get("Environment").and_then(|environment| environment.get("Variables"));
        for (name, value) in variables.and_then(Value::as_mapping).into_iter().flatten() {
            if let Some(name) = name.as_str()
                && resolver.resolve(value.clone()).is_null()
            {
                self.variables.remove(name);
            }
        }
    }
}

/// Lambda's default.
const DEFAULT_TIMEOUT_SECONDS: u64 = 3;

/// Combines a function's properties with `Globals`.
pub(super) fn function(
    id: String,
    build: Build,
    globals: &Properties,
    properties: Value,
) -> Result<Function> {
    let own: Properties = decode(&id, properties)?;
    let variables = globals.environment.variables.iter().chain(&own.environment.variables);
    let timeout = own.timeout.or(globals.timeout).unwrap_or(DEFAULT_TIMEOUT_SECONDS);
    let mut function = Function {
        binary: build.build_properties.binary,
        timeout: Duration::from_secs(timeout),
        variables: variables.filter_map(|(name, value)| Some((name.clone(), text(value)?))).collect(),
        routes: Vec::new(),
        schedules: Vec::new(),
        id,
    };
    for (name, event) in own.events {
        let place = format!("{}.Events.{name}", function.id);
        match event.r#type.as_str() {
            "HttpApi" => {
                let route: Route = decode(&place, event.properties)?;
                function.routes.push(Route { method: route.method.to_uppercase(), ..route });
            }
            "Schedule" | "ScheduleV2" => {
                let schedule: schedule::Properties = decode(&place, event.properties)?;
                function.schedules.push(schedule.checked(name).map_err(|what| invalid(&place, what))?);
            }
            other => {
                return Err(invalid(
                    &place,
                    format_args!("the local stack does not support events of type {other}"),
                ));
            }
        }
    }
    Ok(function)
}

/// The text of a scalar. A variable with any other value is not set.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
