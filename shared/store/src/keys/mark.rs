//! Names of the marks of stream shards on rollup items.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sha2::{Digest, Sha256};

/// The attribute of a rollup item that holds the mark of one shard of one stream: the sequence number up to which the
/// shard's records are contained in the item.
///
/// The stream's ARN contains its label, so that a stream that was created again has marks of its own.
pub fn mark_column(stream_arn: &str, shard_id: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(stream_arn);
    hash.update([0]);
    hash.update(shard_id);
    format!("@{}", BASE64.encode(&hash.finalize()[..8]))
}

/// Whether an attribute of a rollup item is a mark.
pub fn is_mark(name: &str) -> bool {
    name.starts_with('@')
}
