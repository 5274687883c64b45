//! The data folder of a stack, locked while the stack runs.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::error::{Error, Result};

/// A locked data folder. Dropping it releases the lock and then deletes a temporary folder.
pub struct DataFolder {
    path: PathBuf,
    // The order matters: fields are dropped in the order of their declaration.
    _lock: File,
    _temporary: Option<TempDir>,
}

impl DataFolder {
    /// Creates and locks the folder `data`, or a temporary one.
    pub fn open(data: Option<&Path>) -> Result<Self> {
        let (path, temporary) = create(data)?;
        let lock = lock(&path)?;
        Ok(Self { path, _lock: lock, _temporary: temporary })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn create(data: Option<&Path>) -> Result<(PathBuf, Option<TempDir>)> {
    if let Some(data) = data {
        fs::create_dir_all(data)
            .map_err(|error| Error::caused(format_args!("the data folder {}", data.display()), error))?;
        return Ok((data.to_owned(), None));
    }
    let temporary = tempfile::Builder::new().prefix("fleetledger-").tempdir();
    let temporary =
        temporary.map_err(|error| Error::caused("cannot create a temporary folder for the tables", error))?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}

/// Locks the folder, because two stacks on one folder would both process the stream.
fn lock(folder: &Path) -> Result<File> {
    let failed = |error| Error::caused(format_args!("the data folder {}", folder.display()), error);
    let file = File::create(folder.join("lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Error::new(format!("the data folder {} is in use by another fleetledger", folder.display())))
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}
