//! Checkpoints: how far each shard has been processed.

use std::collections::BTreeMap;

use crate::aws::engine::EngineFile;
use crate::error::Result;

/// The sequence number of the last processed record of each shard. Kept in the engine's file, so that a restart
/// continues from there, or else in memory. If a checkpoint is lost, records are delivered again, which every stream
/// consumer has to tolerate anyway.
#[derive(Debug, Default)]
pub struct Checkpoints {
    file: Option<EngineFile>,
    /// The function that the checkpoints belong to. Several functions may read one stream.
    reader: String,
    by_key: BTreeMap<String, String>,
}

impl Checkpoints {
    /// Loads the checkpoints of the function `reader` from `file`.
    pub async fn of(reader: &str, file: Option<&EngineFile>) -> Result<Self> {
        let by_key = match file {
            Some(file) => file.checkpoints().await?,
            None => BTreeMap::new(),
        };
        Ok(Self { file: file.cloned(), reader: reader.to_owned(), by_key })
    }

    pub fn get(&self, shard: &str) -> Option<&str> {
        self.by_key.get(&self.key(shard)).map(String::as_str)
    }

    /// Records that `shard` has been processed up to and including `sequence_number`.
    pub async fn set(&mut self, shard: &str, sequence_number: &str) -> Result<()> {
        let key = self.key(shard);
        if let Some(file) = &self.file {
            file.save_checkpoint(&key, sequence_number).await?;
        }
        self.by_key.insert(key, sequence_number.to_owned());
        Ok(())
    }

    /// Clears all checkpoints in memory; the file keeps them.
    pub fn clear(&mut self) {
        self.by_key.clear();
    }

    fn key(&self, shard: &str) -> String {
        format!("{} {shard}", self.reader)
    }
}
