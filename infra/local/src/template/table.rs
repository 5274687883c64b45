//! A table's description: the same words in the template and in the API that makes tables.

use serde::Deserialize;
use serde_norway::Value;

/// A table.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Table {
    /// Its logical id.
    #[serde(skip)]
    pub id: String,
    /// The types of the key attributes.
    pub attribute_definitions: Vec<AttributeDefinition>,
    /// The primary key.
    pub key_schema: Vec<KeyElement>,
    /// The global secondary indexes.
    #[serde(default)]
    pub global_secondary_indexes: Vec<Index>,
    /// The stream, where it has one.
    pub stream_specification: Option<StreamSpecification>,
    /// When items expire, where they do.
    pub time_to_live_specification: Option<TimeToLive>,
    /// Nothing here makes one.
    pub(super) local_secondary_indexes: Option<Value>,
}

/// The type of one key attribute.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AttributeDefinition {
    /// The attribute.
    pub attribute_name: String,
    /// `S`, `N` or `B`.
    pub attribute_type: String,
}

/// One part of a key.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyElement {
    /// The attribute.
    pub attribute_name: String,
    /// `HASH` or `RANGE`.
    pub key_type: String,
}

/// A global secondary index.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Index {
    /// Its name.
    pub index_name: String,
    /// Its key.
    pub key_schema: Vec<KeyElement>,
    /// What it carries of each item.
    pub projection: Projection,
}

/// What an index carries of each item.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Projection {
    /// `ALL`, `KEYS_ONLY` or `INCLUDE`.
    pub projection_type: String,
    /// What `INCLUDE` includes.
    #[serde(default)]
    pub non_key_attributes: Vec<String>,
}

/// A table's stream.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StreamSpecification {
    /// What a record shows of the item.
    pub stream_view_type: String,
}

/// When a table's items expire.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TimeToLive {
    /// The attribute that holds the time, in seconds.
    pub attribute_name: String,
    /// Whether it is in force.
    pub enabled: bool,
}
