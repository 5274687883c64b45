//! Stands in for DynamoDB: the embedded engine dynoxide, on a file. It is served over HTTP on its own port, so that
//! functions use it through the same SDK, wire format and retries as the real tables.

mod file;

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::thread::{self, JoinHandle};

use dynoxide::Database;
use tokio::sync::oneshot;

use crate::error::{Error, Result};

pub use file::EngineFile;

/// A running engine. Dropping it stops it without waiting.
pub struct Engine {
    endpoint: String,
    database: Database,
    file: EngineFile,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Engine {
    /// Opens or creates the database file at `path` and serves it on a free port of the loopback interface.
    ///
    /// Writes survive the end of the process, even `kill -9`. A power cut may lose the last moments but leaves the
    /// file intact.
    pub fn start(path: &Path) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::new(format!("the table engine cannot open {}: {error}", path.display()))
        };
        let text = path.to_str().ok_or_else(|| failed(&"the path is not valid Unicode"))?;
        let database = Database::new(text).map_err(|error| failed(&error))?;
        // Despite its name, this is the only way to stop the engine from waiting for the disk at every write.
        database.disable_bulk_loading().map_err(|error| failed(&error))?;
        let file = EngineFile::open(path).map_err(|error| failed(&error))?;
        let (endpoint, stop, server) = serve(database.clone())?;
        Ok(Self { endpoint, database, file, stop: Some(stop), server: Some(server) })
    }

    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The file behind the tables.
    pub const fn file(&self) -> &EngineFile {
        &self.file
    }

    /// Deletes items whose time to live has passed by the real clock. DynamoDB does this by itself.
    pub async fn sweep_expired(&self) -> Result<usize> {
        let failed =
            |error: &dyn std::fmt::Display| Error::new(format!("cannot delete expired items: {error}"));
        let database = self.database.clone();
        let swept = tokio::task::spawn_blocking(move || database.sweep_ttl()).await;
        swept.map_err(|error| failed(&error))?.map_err(|error| failed(&error))
    }

    /// Finishes the requests in flight and closes the file.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            let _ = tokio::task::spawn_blocking(move || server.join()).await;
        }
    }
}

/// Starts the server on its own thread: the engine holds a lock while it works and would otherwise block the threads
/// that the functions run on.
fn serve(database: Database) -> Result<(String, oneshot::Sender<()>, JoinHandle<()>)> {
    let failed = |error| Error::caused("the table engine cannot listen on 127.0.0.1", error);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    let endpoint = format!("http://{}", listener.local_addr().map_err(failed)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = thread::Builder::new().name("dynoxide".to_owned()).spawn(move || {
        let served = runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).map_err(|error| error.to_string())?;
            // A dropped sender also means stop.
            dynoxide::server::serve_with_shutdown(listener, database, async { drop(stopped.await) }).await
        });
        if let Err(error) = served {
            tracing::error!(error, "the table engine has stopped");
        }
    });
    Ok((endpoint, stop, server.map_err(failed)?))
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::types::AttributeValue;

    use crate::aws::tables;
    use crate::template::Template;
    use crate::testing;

    #[tokio::test]
    async fn expired_items_are_deleted() {
        let (engine, client, _folder) = testing::engine();
        tables::create(&client, &Template::built_in().unwrap().tables).await.unwrap();
        for (key, expires) in [("past", "1"), ("future", "99999999999")] {
            let put = client
                .put_item()
                .table_name("fleetledger-events")
                .item("pk", AttributeValue::S(key.to_owned()));
            let put = put.item("sk", AttributeValue::S("s".to_owned()));
            put.item("x", AttributeValue::N(expires.to_owned())).send().await.unwrap();
        }
        assert_eq!(engine.sweep_expired().await.unwrap(), 1);
        assert_eq!(engine.sweep_expired().await.unwrap(), 0);
    }

    #[tokio::test]
    async fn checkpoints_survive_a_restart() {
        let (engine, _, folder) = testing::engine();
        engine.file().save_checkpoint("a", "1").await.unwrap();
        engine.file().save_checkpoint("a", "2").await.unwrap();
        engine.stop().await;
        let engine = super::Engine::start(&folder.path().join("tables.db")).unwrap();
        assert_eq!(engine.file().checkpoints().await.unwrap(), [("a".to_owned(), "2".to_owned())].into());
    }
}
