//! From the stream to the sums, exactly once.
