//! Creates the template's tables through the SDK, at the embedded engine or any other endpoint.

use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::operation::describe_table::DescribeTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, Projection,
    StreamSpecification, TableDescription, TableStatus, TimeToLiveSpecification,
};

use crate::error::{Error, Result};
use crate::template::{Index, KeyElement, Table};

/// How often and at what interval a new table is polled until it is active: a minute in all.
const ATTEMPTS: u32 = 600;
const PAUSE: Duration = Duration::from_millis(100);

/// The name of a table: `EventsTable` becomes `fleetledger-events`. The engine's shard ids need at least 11 characters.
pub fn table_name(logical_id: &str) -> String {
    format!("fleetledger-{}", logical_id.strip_suffix("Table").unwrap_or(logical_id).to_lowercase())
}

/// Creates missing tables and waits until all are active. Returns whether it created any.
pub async fn create(client: &Client, tables: &[Table]) -> Result<bool> {
    let created = futures::future::try_join_all(tables.iter().map(|table| create_one(client, table))).await?;
    Ok(created.contains(&true))
}

pub async fn stream_arn(client: &Client, logical_id: &str) -> Result<String> {
    let name = table_name(logical_id);
    let table = describe(client, &name).await?;
    let arn = table.and_then(|table| table.latest_stream_arn);
    arn.ok_or_else(|| {
        Error::new(format!("the table {name} has no stream; was it created by another program?"))
    })
}

async fn create_one(client: &Client, table: &Table) -> Result<bool> {
    let name = table_name(&table.id);
    let missing = describe(client, &name).await?.is_none();
    if missing {
        let request = request(client, &name, table).map_err(|error| Error::caused(&name, error))?;
        match request.send().await {
            // Another process created it in the meantime.
            Err(error)
                if error.as_service_error().is_some_and(CreateTableError::is_resource_in_use_exception) => {}
            other => drop(other.map_err(|error| refused("cannot create", &name, &error))?),
        }
    }
    wait_until_active(client, &name).await?;
    enable_expiry(client, &name, table).await?;
    Ok(missing)
}

fn request(client: &Client, name: &str, table: &Table) -> Result<CreateTableFluentBuilder, BuildError> {
    let mut request = client.create_table().table_name(name).billing_mode(BillingMode::PayPerRequest);
    for attribute in &table.attribute_definitions {
        let definition = AttributeDefinition::builder()
            .attribute_name(&attribute.attribute_name)
            .attribute_type(attribute.attribute_type.as_str().into());
        request = request.attribute_definitions(definition.build()?);
    }
    request = request.set_key_schema(Some(key_schema(&table.key_schema)?));
    for index in &table.global_secondary_indexes {
        request = request.global_secondary_indexes(global_index(index)?);
    }
    if let Some(stream) = &table.stream_specification {
        let specification = StreamSpecification::builder()
            .stream_enabled(true)
            .stream_view_type(stream.stream_view_type.as_str().into());
        request = request.stream_specification(specification.build()?);
    }
    Ok(request)
}

fn key_schema(elements: &[KeyElement]) -> Result<Vec<KeySchemaElement>, BuildError> {
    let element = |element: &KeyElement| {
        KeySchemaElement::builder()
            .attribute_name(&element.attribute_name)
            .key_type(element.key_type.as_str().into())
            .build()
    };
    elements.iter().map(element).collect()
}

fn global_index(index: &Index) -> Result<GlobalSecondaryIndex, BuildError> {
    let others = &index.projection.non_key_attributes;
    let projection = Projection::builder()
        .projection_type(index.projection.projection_type.as_str().into())
        .set_non_key_attributes((!others.is_empty()).then(|| others.clone()));
    GlobalSecondaryIndex::builder()
        .index_name(&index.index_name)
        .set_key_schema(Some(key_schema(&index.key_schema)?))
        .projection(projection.build())
        .build()
}

async fn wait_until_active(client: &Client, name: &str) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let table = describe(client, name).await?;
        if table.is_some_and(|table| table.table_status == Some(TableStatus::Active)) {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Error::new(format!("the table {name} is still not active after a minute")))
}

async fn enable_expiry(client: &Client, name: &str, table: &Table) -> Result<()> {
    let Some(expiry) = table.time_to_live_specification.as_ref().filter(|expiry| expiry.enabled) else {
        return Ok(());
    };
    let now = client.describe_time_to_live().table_name(name).send().await;
    let now = now.map_err(|error| refused("cannot read the time to live of", name, &error))?;
    // Enabling an enabled time to live is an error.
    let attribute = now.time_to_live_description.and_then(|description| description.attribute_name);
    if attribute.as_deref() == Some(&expiry.attribute_name) {
        return Ok(());
    }
    let specification =
        TimeToLiveSpecification::builder().attribute_name(&expiry.attribute_name).enabled(true);
    let specification = specification.build().map_err(|error| Error::caused(name, error))?;
    let request = client.update_time_to_live().table_name(name).time_to_live_specification(specification);
    request.send().await.map(drop).map_err(|error| refused("cannot set the time to live of", name, &error))
}

async fn describe(client: &Client, name: &str) -> Result<Option<TableDescription>> {
    match client.describe_table().table_name(name).send().await {
        Ok(output) => Ok(output.table),
        Err(error)
            if error.as_service_error().is_some_and(DescribeTableError::is_resource_not_found_exception) =>
        {
            Ok(None)
        }
        Err(error) => Err(refused("cannot read the state of", name, &error)),
    }
}

/// The endpoint's message if it sent one, or else what prevented the request.
fn refused<E, R>(what: &str, table: &str, error: &SdkError<E, R>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
    R: std::fmt::Debug + 'static,
{
    let what = format!("{what} the table {table}");
    match error.message() {
        Some(message) => Error::new(format!("{what}: {message}")),
        None => Error::caused(what, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::Template;
    use crate::testing::engine;

    #[test]
    fn a_table_is_named_after_its_logical_id() {
        assert_eq!(table_name("EventsTable"), "fleetledger-events");
        assert_eq!(table_name("Usage"), "fleetledger-usage");
    }

    #[tokio::test]
    async fn creating_existing_tables_changes_nothing() {
        let (engine, client, _folder) = engine();
        let template = Template::built_in().unwrap();
        assert!(create(&client, &template.tables).await.unwrap());
        let arn = stream_arn(&client, "EventsTable").await.unwrap();
        assert!(!create(&client, &template.tables).await.unwrap());
        assert_eq!(stream_arn(&client, "EventsTable").await.unwrap(), arn);
        let expiry = client.describe_time_to_live().table_name("fleetledger-events").send().await.unwrap();
        assert_eq!(expiry.time_to_live_description.unwrap().attribute_name.as_deref(), Some("x"));
        assert!(stream_arn(&client, "UsageTable").await.unwrap_err().to_string().contains("has no stream"));
        engine.stop().await;
    }
}
