//! A demo organisation.

use crate::error::Result;
use crate::stack::Stack;

/// The organisation.
pub const ORG: &str = "demo";

/// Sends the demo organisation's events through the stack's own front door.
#[allow(clippy::unused_async, reason = "to be written")]
pub async fn load(_stack: &Stack) -> Result<()> {
    Ok(())
}
