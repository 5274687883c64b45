//! Finds the files to import in a folder.

use std::path::{Path, PathBuf};

use super::Format;
use crate::error::{Error, Result};

/// The files below `path`, or `path` itself if it is a file, in order.
pub fn files_of(format: Format, path: &Path) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut folders = vec![path.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).map_err(|error| Error::caused(folder.display(), error))?;
        for entry in entries {
            let entry = entry.map_err(|error| Error::caused(folder.display(), error))?;
            let (path, kind) = (entry.path(), entry.file_type());
            // Symbolic links are not followed, because they may form a loop.
            match kind {
                Ok(kind) if kind.is_dir() => folders.push(path),
                Ok(kind) if kind.is_file() && format.is_file(&path) => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    Ok(found)
}
