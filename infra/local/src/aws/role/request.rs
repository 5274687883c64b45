//! Determines which permissions a DynamoDB request needs, from the request as it is sent.

#![allow(clippy::zero_sized_map_values, reason = "serde reads an object only into a map")]

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use store::keys::PK;

/// One action on one resource. A request may consist of several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The action as policies name it.
    pub action: String,
    /// In the template's notation, such as `UsageTable.Arn`.
    pub resource: String,
    /// The request's values of condition keys.
    pub context: BTreeMap<&'static str, BTreeSet<String>>,
}

/// Attribute names; the values are not needed.
type Names = BTreeMap<String, IgnoredAny>;

/// The fields, of all DynamoDB operations together, that decide which permissions a request needs.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Body {
    table_name: Option<String>,
    index_name: Option<String>,
    select: Option<String>,
    key_condition_expression: Option<String>,
    projection_expression: Option<IgnoredAny>,
    expression_attribute_names: BTreeMap<String, String>,
    key: BTreeMap<String, Value>,
    expression_attribute_values: BTreeMap<String, Value>,
    keys: Vec<Names>,
    item: Names,
    request_items: BTreeMap<String, Self>,
    transact_items: Vec<BTreeMap<String, Self>>,
    statement: Option<String>,
    statements: Vec<Self>,
    transact_statements: Vec<Self>,
}

const DYNAMODB: &str = "DynamoDB_20120810.";

/// The permissions that a request needs. `target` is its `X-Amz-Target` header.
pub fn read(
    target: Option<&str>,
    body: &[u8],
    tables: &BTreeMap<String, String>,
) -> Result<Vec<Call>, String> {
    let unknown =
        || format!("the local stack does not know the permissions of {}", target.unwrap_or("this service"));
    let operation = target.and_then(|target| target.strip_prefix(DYNAMODB)).ok_or_else(unknown)?;
    let body: Body = serde_json::from_slice(body).map_err(|error| format!("{}: {error}", unknown()))?;
    let reader = Reader { tables };
    match operation {
        "BatchGetItem" => reader.batch(operation, &body),
        "TransactGetItems" | "TransactWriteItems" => reader.transaction(&body),
        "BatchExecuteStatement" => body.statements.iter().map(|one| reader.statement(one)).collect(),
        "ExecuteTransaction" => body.transact_statements.iter().map(|one| reader.statement(one)).collect(),
        "ExecuteStatement" => Ok(vec![reader.statement(&body)?]),
        _ => Ok(vec![reader.one(operation, body.table_name.as_deref(), &body).ok_or_else(unknown)?]),
    }
}

struct Reader<'a> {
    tables: &'a BTreeMap<String, String>,
}

impl Reader<'_> {
    /// A table or an index in the template's notation. A name that is not from the template stays as it is, so no role
    /// grants it.
    fn resource(&self, table: &str, index: Option<&str>) -> String {
        let table = self.tables.get(table).map_or_else(|| table.to_owned(), |id| format!("{id}.Arn"));
        index.map_or_else(|| table.clone(), |index| format!("{table}/index/{index}"))
    }

    fn one(&self, operation: &str, table: Option<&str>, body: &Body) -> Option<Call> {
        Some(Call {
            action: format!("dynamodb:{operation}"),
            resource: self.resource(table?, body.index_name.as_deref()),
            context: context(operation, body),
        })
    }

    /// A batch reads several tables with the same action.
    fn batch(&self, operation: &str, body: &Body) -> Result<Vec<Call>, String> {
        let calls = body.request_items.iter().map(|(table, body)| self.one(operation, Some(table), body));
        calls.collect::<Option<_>>().ok_or_else(|| format!("{operation} names no table"))
    }

    /// A transaction needs the permissions that its parts would need separately, and no others.
    fn transaction(&self, body: &Body) -> Result<Vec<Call>, String> {
        let calls = body.transact_items.iter().flatten().map(|(kind, part)| {
            let operation = match kind.as_str() {
                "Get" => "GetItem",
                "Put" => "PutItem",
                "Update" => "UpdateItem",
                "Delete" => "DeleteItem",
                "ConditionCheck" => "ConditionCheckItem",
                _ => return None,
            };
            self.one(operation, part.table_name.as_deref(), part)
        });
        calls.collect::<Option<_>>().ok_or_else(|| "a transaction has a part of unknown kind".to_owned())
    }

    /// A PartiQL statement needs the action that is named after its verb.
    fn statement(&self, body: &Body) -> Result<Call, String> {
        let statement = body.statement.as_deref().unwrap_or_default();
        let read = || {
            let verb = statement.split_whitespace().next()?.to_ascii_uppercase();
            let action = match verb.as_str() {
                "SELECT" => "PartiQLSelect",
                "INSERT" => "PartiQLInsert",
                "UPDATE" => "PartiQLUpdate",
                "DELETE" => "PartiQLDelete",
                _ => return None,
            };
            let mut quoted = statement.split('"');
            let (table, after) = (quoted.nth(1)?, quoted.next()?);
            let index = if after == "." { quoted.next() } else { None };
            let resource = self.resource(table, index);
            Some(Call { action: format!("dynamodb:{action}"), resource, context: BTreeMap::new() })
        };
        read().ok_or_else(|| "a PartiQL statement names no table in quotes".to_owned())
    }
}

/// The partition key of an operation on one item or one partition.
fn leading_key(operation: &str, body: &Body) -> Option<String> {
    let text = |value: &Value| Some(value["S"].as_str()?.to_owned());
    if operation != "Query" {
        return body.key.get(PK).and_then(text);
    }
    // Queries compare the partition key first, and with one value.
    let condition = body.key_condition_expression.as_deref()?;
    let (name, value) = condition.split(" AND ").next()?.split_once('=')?;
    let is_pk = body.expression_attribute_names.get(name.trim()).is_some_and(|name| name == PK);
    is_pk.then(|| body.expression_attribute_values.get(value.trim()).and_then(text)).flatten()
}

/// The values of condition keys, as described in "Using IAM policy conditions for fine-grained access control" in the
/// DynamoDB Developer Guide.
fn context(operation: &str, body: &Body) -> BTreeMap<&'static str, BTreeSet<String>> {
    let names = body.expression_attribute_names.values();
    let keys = body.key.keys().chain(body.keys.iter().flat_map(|key| key.keys()));
    let attributes: BTreeSet<_> = names.chain(keys).chain(body.item.keys()).cloned().collect();
    let mut context = BTreeMap::from([("dynamodb:Attributes", attributes)]);
    if let Some(key) = leading_key(operation, body) {
        context.insert("dynamodb:LeadingKeys", BTreeSet::from([key]));
    }
    if ["Query", "GetItem", "BatchGetItem"].contains(&operation) {
        let default = match (&body.projection_expression, &body.index_name) {
            (Some(_), _) => "SPECIFIC_ATTRIBUTES",
            (None, Some(_)) => "ALL_PROJECTED_ATTRIBUTES",
            (None, None) => "ALL_ATTRIBUTES",
        };
        let select = body.select.clone().unwrap_or_else(|| default.to_owned());
        context.insert("dynamodb:Select", BTreeSet::from([select]));
    }
    context
}
