//! What a request asks to be allowed, read from the request as it goes over the wire.

#![allow(clippy::zero_sized_map_values, reason = "serde reads an object into a map only")]

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Something that a request does: one request may do many things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// What it does, by the name that policies have for it.
    pub action: String,
    /// What it does it to, as the template refers to it.
    pub resource: String,
    /// What it says for the keys that conditions speak of.
    pub context: BTreeMap<&'static str, BTreeSet<String>>,
}

/// The names of attributes, whatever their values.
type Names = BTreeMap<String, IgnoredAny>;

/// The parts of DynamoDB's requests that say what a request asks for, whichever it is.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Body {
    table_name: Option<String>,
    index_name: Option<String>,
    select: Option<String>,
    projection_expression: Option<IgnoredAny>,
    expression_attribute_names: BTreeMap<String, String>,
    key: Names,
    keys: Vec<Names>,
    item: Names,
    request_items: BTreeMap<String, Self>,
    transact_items: Vec<BTreeMap<String, Self>>,
    statement: Option<String>,
    statements: Vec<Self>,
    transact_statements: Vec<Self>,
}

const DYNAMODB: &str = "DynamoDB_20120810.";

/// What a request to `target` asks for.
pub fn read(
    target: Option<&str>,
    body: &[u8],
    tables: &BTreeMap<String, String>,
) -> Result<Vec<Call>, String> {
    let unknown = || format!("the local stack knows no rights to {}", target.unwrap_or("this service"));
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
    /// A table or an index as the template refers to it. A name that is not the template's is left as it is, which
    /// no role knows.
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

    /// Reads of several tables by one right of its own.
    fn batch(&self, operation: &str, body: &Body) -> Result<Vec<Call>, String> {
        let calls = body.request_items.iter().map(|(table, body)| self.one(operation, Some(table), body));
        calls.collect::<Option<_>>().ok_or_else(|| format!("{operation} names no table"))
    }

    /// A transaction needs the rights that its parts would need by themselves, and none of its own.
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
        calls.collect::<Option<_>>().ok_or_else(|| "a transaction has a part of no known kind".to_owned())
    }

    /// A statement of PartiQL needs the right that is named after its verb.
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
        read().ok_or_else(|| "a statement of PartiQL names no table in quotes".to_owned())
    }
}

/// The values of the condition keys, by "Using IAM policy conditions for fine-grained access control" of the DynamoDB
/// Developer Guide.
fn context(operation: &str, body: &Body) -> BTreeMap<&'static str, BTreeSet<String>> {
    let names = body.expression_attribute_names.values();
    let keys = body.key.keys().chain(body.keys.iter().flat_map(|key| key.keys()));
    let attributes: BTreeSet<_> = names.chain(keys).chain(body.item.keys()).cloned().collect();
    let mut context = BTreeMap::from([("dynamodb:Attributes", attributes)]);
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
