//! Reads what the local stack runs from `template.yaml`: functions with their routes, schedules and roles, tables, and
//! the mappings from streams to functions. So the local stack runs what is deployed.

mod decode;
mod expression;
mod function;
mod intrinsic;
mod mapping;
mod policy;
mod schedule;
mod table;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_norway::Value;

use crate::error::{Error, Result};
use decode::{decode, invalid};
use intrinsic::Resolver;

pub use expression::Expression;
pub use function::{Function, Route};
pub use mapping::StreamMapping;
pub use policy::{Condition, Operator, Statement, matches};
pub use schedule::Schedule;
pub use table::{AttributeDefinition, Index, KeyElement, Projection, StreamSpecification, Table, TimeToLive};

/// The project's template, compiled in so that the binary needs no file beside it.
pub const TEMPLATE: &str = include_str!("../../../../template.yaml");

#[derive(Debug, Default)]
pub struct Template {
    pub functions: Vec<Function>,
    pub tables: Vec<Table>,
    pub mappings: Vec<StreamMapping>,
    /// What each function's role grants, by the name of the function's binary.
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
    /// The project's own template.
    pub fn built_in() -> Result<Self> {
        Self::read(TEMPLATE)
    }

    pub fn read(text: &str) -> Result<Self> {
        let document: Document = serde_norway::from_str(text)
            .map_err(|error| Error::caused("cannot read template.yaml", error))?;
        let defaults = document.parameters.into_iter().filter_map(|(name, p)| Some((name, p.default?)));
        let resolver = Resolver::new(defaults.collect(), document.conditions);
        let globals: function::Properties =
            decode("Globals.Function", resolver.resolve(document.globals.function))?;
        let mut template = Self::default();
        for (id, resource) in document.resources {
            let raw = resource.properties.clone();
            let properties = resolver.resolve(resource.properties);
            match resource.r#type.as_str() {
                "AWS::Serverless::Function" => {
                    let build = decode(&id, resolver.resolve(resource.metadata))?;
                    let role = decode::<policy::Role>(&id, properties.clone())?.checked();
                    let role = role.map_err(|what| invalid(&id, what))?;
                    let mut function = function::function(id, build, &globals, properties)?;
                    function.unset(&raw, &resolver);
                    template.roles.insert(function.binary.clone(), role);
                    template.functions.push(function);
                }
                "AWS::DynamoDB::Table" => template.tables.push(table(id, properties)?),
                "AWS::Lambda::EventSourceMapping" => {
                    let mapping = decode::<StreamMapping>(&id, properties)?;
                    template.mappings.push(mapping.checked().map_err(|what| invalid(&id, what))?);
                }
                // Log groups, topics and other resources that the local stack does not have.
                _ => {}
            }
        }
        template.check()
    }

    pub fn function(&self, id: &str) -> Option<&Function> {
        self.functions.iter().find(|function| function.id == id)
    }

    fn check(self) -> Result<Self> {
        for mapping in &self.mappings {
            if self.function(&mapping.function_name).is_none() {
                return Err(invalid(
                    &mapping.function_name,
                    "a stream invokes it, but there is no such function",
                ));
            }
            let table = self.tables.iter().find(|table| table.id == mapping.table);
            if table.is_none_or(|table| table.stream_specification.is_none()) {
                return Err(invalid(
                    &mapping.table,
                    "its stream invokes a function, but the table has no stream",
                ));
            }
        }
        Ok(self)
    }
}

fn table(id: String, properties: Value) -> Result<Table> {
    let table: Table = decode(&id, properties)?;
    if table.local_secondary_indexes.is_some() {
        return Err(invalid(&id, "the local stack does not support local secondary indexes"));
    }
    Ok(Table { id, ..table })
}

#[cfg(test)]
mod tests;
