//! How far each shard has been worked off.

use std::collections::BTreeMap;

use crate::aws::engine::EngineFile;
use crate::error::Result;

/// The sequence number of the last record of each shard that is done with; in the engine's file, so that a restart
/// goes on from there, or else in memory. When it is lost, records come again: what reads a stream has to stand
/// that anyway.
#[derive(Debug, Default)]
pub struct Checkpoints {
    file: Option<EngineFile>,
    /// Whose they are: several functions may read one stream.
    reader: String,
    done: BTreeMap<String, String>,
}

impl Checkpoints {
    /// The checkpoints of the function `reader` that `file` holds.
    pub async fn of(reader: &str, file: Option<&EngineFile>) -> Result<Self> {
        let done = match file {
            Some(file) => file.checkpoints().await?,
            None => BTreeMap::new(),
        };
        Ok(Self { file: file.cloned(), reader: reader.to_owned(), done })
    }

    /// The last sequence number of `shard` that is done with.
    pub fn get(&self, shard: &str) -> Option<&str> {
        self.done.get(&self.key(shard)).map(String::as_str)
    }

    /// Notes that everything of `shard` up to `sequence_number` is done with.
    pub async fn set(&mut self, shard: &str, sequence_number: &str) -> Result<()> {
        let key = self.key(shard);
        if let Some(file) = &self.file {
            file.save_checkpoint(&key, sequence_number).await?;
        }
        self.done.insert(key, sequence_number.to_owned());
        Ok(())
    }

    /// Forgets, in memory, how far every shard is.
    pub fn clear(&mut self) {
        self.done.clear();
    }

    fn key(&self, shard: &str) -> String {
        format!("{} {shard}", self.reader)
    }
}
