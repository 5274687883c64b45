//! A function of the template, and what calls it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_norway::Value;

use super::intrinsic::Resolver;
use super::schedule::{self, Schedule};
use super::{fault, typed};
use crate::error::Result;

/// A function, and what calls it.
#[derive(Clone, Debug)]
pub struct Function {
    /// Its logical id.
    pub id: String,
    /// The binary that is built for it.
    pub binary: String,
    /// How long one invocation may take.
    pub timeout: Duration,
    /// Its environment, globals included; a resource is named by its logical id.
    pub variables: BTreeMap<String, String>,
    /// The HTTP requests that it answers.
    pub routes: Vec<Route>,
    /// When the clock calls it.
    pub schedules: Vec<Schedule>,
}

/// A method and a path that API Gateway passes on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Route {
    /// The HTTP method in capitals, or `ANY`.
    pub method: String,
    /// The path, with parameters in braces.
    pub path: String,
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
    /// Takes away the variables that are written down as having no value, which hides those of the globals.
    pub(super) fn unset(&mut self, written: &Value, resolver: &Resolver) {
        let variables = written.get("Environment").and_then(|environment| environment.get("Variables"));
        for (name, value) in variables.and_then(Value::as_mapping).into_iter().flatten() {
            if let Some(name) = name.as_str()
                && resolver.resolve(value.clone()).is_null()
            {
                self.variables.remove(name);
            }
        }
    }
}

/// Lambda's own default.
const DEFAULT_TIMEOUT_SECONDS: u64 = 3;

/// Puts together what the template says of a function.
pub(super) fn function(
    id: String,
    build: Build,
    globals: &Properties,
    properties: Value,
) -> Result<Function> {
    let own: Properties = typed(&id, properties)?;
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
                let route: Route = typed(&place, event.properties)?;
                function.routes.push(Route { method: route.method.to_uppercase(), ..route });
            }
            "Schedule" | "ScheduleV2" => {
                let schedule: schedule::Properties = typed(&place, event.properties)?;
                function.schedules.push(schedule.checked(name).map_err(|what| fault(&place, what))?);
            }
            other => {
                return Err(fault(&place, format_args!("the local stack knows no event of type {other}")));
            }
        }
    }
    Ok(function)
}

/// A scalar's text; a variable without one is not set.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}
