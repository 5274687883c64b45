//! The table engine in memory, called with the name and the JSON of an operation like its HTTP server.

use std::sync::Mutex;

use dynoxide::actions::get_shard_iterator::encode_shard_iterator;
use dynoxide::{Database, Item, streams};
use serde_json::{Value, json};
use store::keys::{Key, PK, SK};

/// Records per page of the engine's stream.
const PAGE: usize = 1000;
/// The most pages of a scan. A run creates hundreds of items.
const PAGES: usize = 100;

/// A table engine.
pub struct Engine {
    database: Database,
    /// The position in the engine's stream.
    read_to: Mutex<Option<String>>,
}

macro_rules! dispatch {
    ($database:expr, $operation:expr, $body:expr, $($name:literal => $method:ident,)+) => {
        match $operation {
            $($name => {
                                let request = serde_json::from_value($body).expect("a request of the SDK");
                $database.$method(request).map(|response| serde_json::to_string(&response).expect("JSON"))
            })+
                        other => panic!("the simulation does not support {other}"),
        }
    };
}

impl Engine {
    pub fn new() -> Self {
        Self::over(Database::memory().unwrap())
    }

    /// An engine with an existing database.
    pub fn over(database: Database) -> Self {
        Self { database, read_to: Mutex::new(None) }
    }

    /// The status and body of the response.
    pub fn execute(&self, operation: &str, body: &Value) -> (u16, String) {
        let response = dispatch!(
            self.database, operation, body.clone(),
            "BatchExecuteStatement" => batch_execute_statement,
            "BatchGetItem" => batch_get_item,
            "CreateTable" => create_table,
            "DeleteItem" => delete_item,
            "DescribeTable" => describe_table,
            "DescribeTimeToLive" => describe_time_to_live,
            "GetItem" => get_item,
            "PutItem" => put_item,
            "Query" => query,
            "TransactWriteItems" => transact_write_items,
            "UpdateItem" => update_item,
            "UpdateTimeToLive" => update_time_to_live,
        );
        response.map_or_else(|error| (error.status_code(), error.to_json()), |body| (200, body))
    }

    /// The stream records of `table` since the last call.
    pub fn changes(&self, table: &str) -> Vec<Value> {
        let mut read_to = self.read_to.lock().unwrap();
        let shard = streams::shard_id(table);
        let iterator = read_to.take().unwrap_or_else(|| encode_shard_iterator(table, &shard, 0));
        let request = json!({ "ShardIterator": iterator, "Limit": PAGE });
        let page = self.database.get_records(serde_json::from_value(request).unwrap()).unwrap();
        *read_to = page.next_shard_iterator;
        page.records.iter().map(|record| serde_json::to_value(record).unwrap()).collect()
    }

    /// All items of a table.
    pub fn all(&self, table: &str) -> Vec<Item> {
        let (mut all, mut start) = (Vec::new(), Value::Null);
        for _ in 0..PAGES {
            let mut request = json!({ "TableName": table, "ConsistentRead": true });
            if !start.is_null() {
                request["ExclusiveStartKey"] = start;
            }
            let page = self.database.scan(serde_json::from_value(request).unwrap()).unwrap();
            all.extend(page.items.unwrap_or_default());
            start = serde_json::to_value(&page.last_evaluated_key).unwrap();
            if start.is_null() {
                return all;
            }
        }
        panic!("{table} has too many items");
    }

    pub fn item(&self, table: &str, key: &Key) -> Option<Item> {
        let key = json!({ PK: { "S": key.pk }, SK: { "S": key.sk } });
        let request = json!({ "TableName": table, "Key": key, "ConsistentRead": true });
        self.database.get_item(serde_json::from_value(request).unwrap()).unwrap().item
    }
}
