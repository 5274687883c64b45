//! Token counts by bucket, as columns name them.

use std::ops::AddAssign;

use super::TokenBucket;
use crate::cost::TokenCounts;

impl TokenCounts {
    /// Every bucket with its tokens.
    pub const fn buckets(&self) -> [(TokenBucket, u64); 5] {
        [
            (TokenBucket::Input, self.input),
            (TokenBucket::Output, self.output),
            (TokenBucket::CacheRead, self.cache_read),
            (TokenBucket::CacheWrite5m, self.cache_write_5m),
            (TokenBucket::CacheWrite1h, self.cache_write_1h),
        ]
    }

    /// The tokens of a bucket.
    pub const fn bucket_mut(&mut self, bucket: TokenBucket) -> &mut u64 {
        match bucket {
            TokenBucket::Input => &mut self.input,
            TokenBucket::Output => &mut self.output,
            TokenBucket::CacheRead => &mut self.cache_read,
            TokenBucket::CacheWrite5m => &mut self.cache_write_5m,
            TokenBucket::CacheWrite1h => &mut self.cache_write_1h,
        }
    }
}

impl AddAssign for TokenCounts {
    fn add_assign(&mut self, other: Self) {
        for (bucket, tokens) in other.buckets() {
            *self.bucket_mut(bucket) += tokens;
        }
    }
}
