//! A second connection to the engine's file, for operations that the engine lacks: an index on stream records, trimming
//! them, and checkpoints.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, params};

use crate::error::{Error, Result};

/// Every write looks up the highest sequence number of its table, and every read of the stream the records after one.
/// The engine has no index for either and would scan all records ever written each time.
const PREPARE: &str = "PRAGMA synchronous = NORMAL;
    CREATE INDEX IF NOT EXISTS fleetledger_stream_order
        ON _stream_records (table_name, CAST(sequence_number AS INTEGER), shard_id);
    CREATE TABLE IF NOT EXISTS fleetledger_checkpoints (
        shard TEXT PRIMARY KEY, sequence_number TEXT NOT NULL) WITHOUT ROWID;";

/// The newest record stays, because the next sequence number is derived from it.
const TRIM: &str = "DELETE FROM _stream_records WHERE id IN (
    SELECT id FROM _stream_records
    WHERE table_name = ?1 AND shard_id = ?2 AND CAST(sequence_number AS INTEGER) <= ?3
      AND CAST(sequence_number AS INTEGER) <
          (SELECT MAX(CAST(sequence_number AS INTEGER)) FROM _stream_records WHERE table_name = ?1)
    ORDER BY CAST(sequence_number AS INTEGER) LIMIT ?4)";

/// Records trimmed in one transaction: few enough that no write waits long for the file's lock.
const TRIM_BATCH: usize = 500;

const SAVE: &str = "INSERT OR REPLACE INTO fleetledger_checkpoints VALUES (?1, ?2)";
const LOAD: &str = "SELECT shard, sequence_number FROM fleetledger_checkpoints";

/// The engine adds this to its stored sequence numbers to give them 21 digits, like DynamoDB's.
const SEQUENCE_OFFSET: u128 = 100_000_000_000_000_000_000;

#[derive(Clone, Debug)]
pub struct EngineFile(Arc<Mutex<Connection>>);

impl EngineFile {
    /// Opens the file, which the engine must have created.
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.execute_batch(PREPARE)?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Deletes the stream records of a shard up to and including the sequence number `through`, but never the newest
    /// one. Returns how many it deleted.
    pub async fn trim_stream(&self, table: &str, shard: &str, through: &str) -> Result<usize> {
        let Some(through) = stored_sequence(through) else {
            return Err(Error::new(format!("{through} is not a sequence number of the table engine")));
        };
        let mut trimmed = 0;
        loop {
            let (table, shard) = (table.to_owned(), shard.to_owned());
            let trim =
                move |file: &Connection| file.execute(TRIM, params![table, shard, through, TRIM_BATCH]);
            let count = self.with("cannot trim the stream", trim).await?;
            trimmed += count;
            if count < TRIM_BATCH {
                return Ok(trimmed);
            }
        }
    }

    /// The saved checkpoints, by reader and shard.
    pub async fn checkpoints(&self) -> Result<BTreeMap<String, String>> {
        let load = |file: &Connection| {
            let mut rows = file.prepare(LOAD)?;
            rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        };
        self.with("cannot read the checkpoints", load).await
    }

    /// Saves a checkpoint. It is written after the data that it covers, to the same file, so that a checkpoint that
    /// survives a power cut never covers lost data.
    pub async fn save_checkpoint(&self, shard: &str, sequence_number: &str) -> Result<()> {
        let (shard, sequence_number) = (shard.to_owned(), sequence_number.to_owned());
        let save = move |file: &Connection| file.execute(SAVE, params![shard, sequence_number]).map(drop);
        self.with("cannot save a checkpoint", save).await
    }

    /// Runs `work` on a thread that may block.
    async fn with<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let file = self.0.clone();
        let done =
            tokio::task::spawn_blocking(move || work(&file.lock().unwrap_or_else(PoisonError::into_inner)));
        done.await.map_err(|error| Error::caused(what, error))?.map_err(|error| Error::caused(what, error))
    }
}

/// The number that the engine stores for a public sequence number.
fn stored_sequence(public: &str) -> Option<i64> {
    public.parse::<u128>().ok()?.checked_sub(SEQUENCE_OFFSET)?.try_into().ok()
}
