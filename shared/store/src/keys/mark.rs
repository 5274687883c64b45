//! Names of the marks of stream shards on rollup items.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sha2::{Digest, Sha256};

/// The column in which an item remembers how far one shard of one stream has been added to it.
///
/// The stream's ARN holds its label, so a stream that was made anew has marks of its own.
pub fn mark_column(stream_arn: &str, shard_id: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(stream_arn);
    hash.update([0]);
    hash.update(shard_id);
    format!("@{}", BASE64.encode(&hash.finalize()[..8]))
}

/// Whether a column of the usage table is a shard's mark.
pub fn is_mark(name: &str) -> bool {
    name.starts_with('@')
}
