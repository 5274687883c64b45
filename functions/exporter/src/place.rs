//! The bucket or folder that files are written to.

use std::io;
use std::path::PathBuf;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::bucket::{Bucket, PutFailed};

/// The characters that are escaped in the parts of a name: all except those unreserved by RFC 3986, and the equals sign
/// of `dt=`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'=');

/// The place that files are written to.
#[derive(Debug)]
pub enum Place {
    /// An S3 bucket.
    Bucket(Bucket),
    /// A folder on this machine.
    Folder(PathBuf),
    /// No place is configured.
    Nowhere,
}

/// The reason why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// The bucket refused it.
    #[error(transparent)]
    Bucket(#[from] PutFailed),
    /// The folder cannot be written.
    #[error("cannot write a file: {0}")]
    Folder(#[from] io::Error),
}

impl Place {
    /// Writes a file, replacing one of the same name.
    pub async fn put(&self, name: &[&str], media_type: &str, file: Vec<u8>) -> Result<(), PlaceError> {
        let parts: Vec<_> = name.iter().map(|part| escaped(part)).collect();
        match self {
            Self::Nowhere => {}
            Self::Bucket(bucket) => bucket.put(&parts.join("/"), media_type, file).await?,
            Self::Folder(folder) => {
                let path = parts.iter().fold(folder.clone(), |path, part| path.join(part));
                if let Some(parent) = path.parent() {
                    tokio::fs::create_dir_all(parent).await?;
                }
                // Written under another name first, so that no reader sees a part of it.
                let new = path.with_extension("new");
                tokio::fs::write(&new, file).await?;
                tokio::fs::rename(&new, &path).await?;
            }
        }
        Ok(())
    }
}

/// Escapes a part of a name. A name of dots only would be another folder.
fn escaped(part: &str) -> String {
    match part {
        "." | ".." => part.replace('.', "%2E"),
        _ => utf8_percent_encode(part, ESCAPED).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leaves_its_folder() {
        assert_eq!(escaped("../a b"), "..%2Fa%20b");
        assert_eq!(escaped(".."), "%2E%2E");
        assert_eq!(escaped("dt=2026-09-14"), "dt=2026-09-14");
    }
}
