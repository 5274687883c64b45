//! Helpers for this crate's tests.

use std::time::Duration;

use tempfile::TempDir;

use crate::aws::engine::Engine;
use crate::aws::invoke::{Handler, Lambda};
use crate::aws::sdk;
use crate::template::Function;

/// An empty engine with a client, in a folder that is deleted when dropped.
pub fn engine() -> (Engine, aws_sdk_dynamodb::Client, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start(&folder.path().join("tables.db")).unwrap();
    let client = sdk::dynamodb(engine.endpoint(), sdk::ACCESS_KEY);
    (engine, client, folder)
}

/// A function without routes or schedules.
pub fn function(id: &str, binary: &str, timeout: Duration) -> Function {
    Function {
        id: id.to_owned(),
        binary: binary.to_owned(),
        timeout,
        variables: [].into(),
        routes: Vec::new(),
        schedules: Vec::new(),
    }
}

/// The same, handled by `handler`.
pub fn lambda(id: &str, binary: &str, timeout: Duration, handler: Handler) -> Lambda {
    Lambda::new(&function(id, binary, timeout), handler)
}
