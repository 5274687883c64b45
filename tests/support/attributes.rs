//! Items in DynamoDB's JSON.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use store::Item;

/// A value in DynamoDB's JSON.
pub fn json_of(value: &AttributeValue) -> Value {
    let bytes = |blob: &Blob| BASE64.encode(blob.as_ref());
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
        AttributeValue::Null(flag) => json!({ "NULL": flag }),
        AttributeValue::B(blob) => json!({ "B": bytes(blob) }),
        AttributeValue::Ss(texts) => json!({ "SS": texts.iter().collect::<BTreeSet<_>>() }),
        AttributeValue::Bs(blobs) => json!({ "BS": blobs.iter().map(bytes).collect::<BTreeSet<_>>() }),
        AttributeValue::L(values) => json!({ "L": values.iter().map(json_of).collect::<Vec<_>>() }),
        AttributeValue::M(fields) => {
            json!({ "M": fields.iter().map(|(k, v)| (k, json_of(v))).collect::<BTreeMap<_, _>>() })
        }
        other => panic!("{other:?}"),
    }
}

fn value_of(json: &Value) -> AttributeValue {
    let (kind, value) = json.as_object().unwrap().iter().next().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let blob = |value: &Value| BASE64.decode(value.as_str().unwrap()).unwrap().into();
    let many = || value.as_array().unwrap().iter();
    match kind.as_str() {
        "S" => AttributeValue::S(text(value)),
        "N" => AttributeValue::N(text(value)),
        "BOOL" => AttributeValue::Bool(value.as_bool().unwrap()),
        "NULL" => AttributeValue::Null(value.as_bool().unwrap()),
        "B" => AttributeValue::B(blob(value)),
        "SS" => AttributeValue::Ss(many().map(text).collect()),
        "BS" => AttributeValue::Bs(many().map(blob).collect()),
        "L" => AttributeValue::L(many().map(value_of).collect()),
        "M" => AttributeValue::M(item_of(value)),
        other => panic!("{other}"),
    }
}

/// An item from DynamoDB's JSON.
pub fn item_of(json: &Value) -> Item {
    json.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value_of(value))).collect()
}
