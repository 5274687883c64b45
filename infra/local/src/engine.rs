//! The embedded DynamoDB engine: dynoxide on a file, served over HTTP on a port of its own, so that the functions
//! reach it through the same SDK, wire format and retries as the real tables.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use dynoxide::Database;
use rusqlite::{Connection, params};
use tokio::sync::oneshot;

use crate::error::{Error, Result};

/// Whether what was written has to outlive the machine's power, or only the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Each write reaches the disk before it is answered.
    Disk,
    /// Writes reach the file system: they survive kill -9, and are several times faster.
    Process,
}

/// A running engine. Dropping it stops it too, without waiting.
pub struct Engine {
    endpoint: String,
    database: Database,
    /// A second connection to the same file, for what the engine has no operation for.
    file: Arc<Mutex<Connection>>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

/// Every write asks for the highest sequence number of its table, and every read of the stream for the records
/// after one; the engine has no index for either, and would go through all records ever written each time.
const STREAM_INDEX: &str = "CREATE INDEX IF NOT EXISTS fleetledger_stream_order
    ON _stream_records (table_name, CAST(sequence_number AS INTEGER), shard_id)";

/// The newest record stays: the next sequence number is counted from it.
const TRIM: &str = "DELETE FROM _stream_records WHERE id IN (
    SELECT id FROM _stream_records
    WHERE table_name = ?1 AND shard_id = ?2 AND CAST(sequence_number AS INTEGER) <= ?3
      AND CAST(sequence_number AS INTEGER) <
          (SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1)
    ORDER BY CAST(sequence_number AS INTEGER) LIMIT ?4)";

/// Records trimmed in one transaction: few enough that no write waits long for the file's lock.
const TRIM_AT_ONCE: usize = 500;

/// What the engine adds to the sequence numbers that it stores, to give them the 21 digits of DynamoDB's own.
const SEQUENCE_OFFSET: u128 = 100_000_000_000_000_000_000;

impl Engine {
    /// Opens or creates the database file at `path` and serves it on a free port of the loopback interface.
    pub fn start(path: &Path, durability: Durability) -> Result<Self> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::new(format!("the table engine cannot open {}: {error}", path.display()))
        };
        let text = path.to_str().ok_or_else(|| failed(&"the path is not valid Unicode"))?;
        let database = Database::new(text).map_err(|error| failed(&error))?;
        if durability == Durability::Process {
            database.enable_bulk_loading().map_err(|error| failed(&error))?;
        }
        let file = Connection::open(path).map_err(|error| failed(&error))?;
        file.execute_batch(STREAM_INDEX).map_err(|error| failed(&error))?;
        if durability == Durability::Process {
            file.pragma_update(None, "synchronous", "OFF").map_err(|error| failed(&error))?;
        }
        let (endpoint, stop, server) = serve(database.clone())?;
        Ok(Self {
            endpoint,
            database,
            file: Arc::new(Mutex::new(file)),
            stop: Some(stop),
            server: Some(server),
        })
    }

    /// The URL at which it answers.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Forgets the stream records of a shard up to the sequence number `through`, but never the newest one.
    pub async fn trim_stream(&self, table: &str, shard: &str, through: &str) -> Result<usize> {
        let Some(through) = stored_sequence(through) else {
            return Err(Error::new(format!("{through} is no sequence number of the table engine")));
        };
        let (table, shard) = (table.to_owned(), shard.to_owned());
        let mut trimmed = 0;
        loop {
            let (file, table, shard) = (self.file.clone(), table.clone(), shard.clone());
            let some = blocking(move || {
                let file = file.lock().unwrap_or_else(PoisonError::into_inner);
                file.execute(TRIM, params![table, shard, through, TRIM_AT_ONCE])
                    .map_err(|error| Error::caused("trimming the stream", error))
            });
            let some = some.await?;
            trimmed += some;
            if some < TRIM_AT_ONCE {
                return Ok(trimmed);
            }
        }
    }

    /// Deletes the items whose time to live has passed by the real clock; DynamoDB does so by itself.
    pub async fn sweep_expired(&self) -> Result<usize> {
        let database = self.database.clone();
        blocking(move || database.sweep_ttl().map_err(|error| Error::caused("deleting expired items", error)))
            .await
    }

    /// Answers what is under way, closes the file and returns.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            let _ = tokio::task::spawn_blocking(move || server.join()).await;
        }
    }
}

/// The number that the engine stores for a public sequence number.
fn stored_sequence(public: &str) -> Option<i64> {
    public.parse::<u128>().ok()?.checked_sub(SEQUENCE_OFFSET)?.try_into().ok()
}

/// Runs `work` where it may block.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::caused("the table engine", error))?
}

/// Starts the server on a thread of its own: the engine works while it holds a lock, and would else block threads
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
            // A dropped sender ends the wait as well.
            dynoxide::server::serve_with_shutdown(listener, database, async { drop(stopped.await) }).await
        });
        if let Err(error) = served {
            tracing::error!(error, "the table engine has stopped");
        }
    });
    Ok((endpoint, stop, server.map_err(failed)?))
}
