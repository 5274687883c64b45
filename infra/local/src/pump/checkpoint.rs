//! How far each shard has been worked off, kept in a file so that a restart goes on from there.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The sequence number of the last record of each shard that is done with.
///
/// The file is replaced in one step after the records were handled. When it is lost, records come again: what reads
/// a stream has to stand that anyway.
#[derive(Debug, Default)]
pub struct Checkpoints {
    path: Option<PathBuf>,
    done: BTreeMap<String, String>,
}

impl Checkpoints {
    /// Checkpoints that end with the process.
    pub fn in_memory() -> Self {
        Self::default()
    }

    /// The checkpoints in the file at `path`, which need not be there yet.
    pub fn in_file(path: &Path) -> Result<Self> {
        let done = match fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
                // A power cut can leave any file half written.
                tracing::warn!(path = %path.display(), %error, "checkpoints unreadable, streams are read from the start");
                BTreeMap::new()
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(Error::caused(format_args!("cannot read {}", path.display()), error)),
        };
        Ok(Self { path: Some(path.to_owned()), done })
    }

    /// The last sequence number of `shard` that is done with.
    pub fn get(&self, shard: &str) -> Option<&str> {
        self.done.get(shard).map(String::as_str)
    }

    /// Forgets how far every shard is.
    pub fn clear(&mut self) {
        self.done.clear();
    }

    /// Notes that everything of `shard` up to `sequence_number` is done with.
    pub fn set(&mut self, shard: &str, sequence_number: &str) -> io::Result<()> {
        self.done.insert(shard.to_owned(), sequence_number.to_owned());
        let Some(path) = &self.path else { return Ok(()) };
        let next = path.with_extension("next");
        fs::write(&next, serde_json::to_vec(&self.done)?)?;
        fs::rename(next, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_there_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint.json");
        let mut checkpoints = Checkpoints::in_file(&path).unwrap();
        assert_eq!(checkpoints.get("a"), None);
        checkpoints.set("a", "100000000000000000001").unwrap();
        checkpoints.set("a", "100000000000000000002").unwrap();
        assert_eq!(Checkpoints::in_file(&path).unwrap().get("a"), Some("100000000000000000002"));
        fs::write(&path, "{").unwrap();
        assert_eq!(Checkpoints::in_file(&path).unwrap().get("a"), None);
    }
}
