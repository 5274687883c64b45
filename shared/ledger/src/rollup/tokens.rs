//! Token counts by bucket, as columns name them.

use std::ops::AddAssign;

use super::TokenBucket;
use crate::pricing::TokenUsage;

impl TokenUsage {
    /// Every bucket, and every part of one, with its tokens.
    pub const fn buckets(&self) -> [(TokenBucket, u64); 12] {
        [
            (TokenBucket::Input, self.input),
            (TokenBucket::Output, self.output),
            (TokenBucket::CacheRead, self.cache_read),
            (TokenBucket::CacheWrite5m, self.cache_write_5m),
            (TokenBucket::CacheWrite30m, self.cache_write_30m),
            (TokenBucket::CacheWrite1h, self.cache_write_1h),
            (TokenBucket::CacheWrite12h, self.cache_write_12h),
            (TokenBucket::InputAudio, self.input_audio),
            (TokenBucket::InputImage, self.input_image),
            (TokenBucket::CacheReadAudio, self.cache_read_audio),
            (TokenBucket::OutputAudio, self.output_audio),
            (TokenBucket::OutputImage, self.output_image),
        ]
    }

    /// The tokens of a bucket, or of a part of one.
    pub const fn bucket_mut(&mut self, bucket: TokenBucket) -> &mut u64 {
        match bucket {
            TokenBucket::Input => &mut self.input,
            TokenBucket::Output => &mut self.output,
            TokenBucket::CacheRead => &mut self.cache_read,
            TokenBucket::CacheWrite5m => &mut self.cache_write_5m,
            TokenBucket::CacheWrite30m => &mut self.cache_write_30m,
            TokenBucket::CacheWrite1h => &mut self.cache_write_1h,
            TokenBucket::CacheWrite12h => &mut self.cache_write_12h,
            TokenBucket::InputAudio => &mut self.input_audio,
            TokenBucket::InputImage => &mut self.input_image,
            TokenBucket::CacheReadAudio => &mut self.cache_read_audio,
            TokenBucket::OutputAudio => &mut self.output_audio,
            TokenBucket::OutputImage => &mut self.output_image,
        }
    }
}

impl AddAssign for TokenUsage {
    fn add_assign(&mut self, other: Self) {
        for (bucket, tokens) in other.buckets() {
            *self.bucket_mut(bucket) += tokens;
        }
    }
}
