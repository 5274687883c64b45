//! What this crate's own tests share.

use tempfile::TempDir;

use crate::engine::Engine;
use crate::sdk;

/// An empty engine with a client, in a folder that goes when it is dropped.
pub fn engine() -> (Engine, aws_sdk_dynamodb::Client, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start(&folder.path().join("tables.db")).unwrap();
    let client = sdk::dynamodb(engine.endpoint());
    (engine, client, folder)
}
