//! Ids that cannot be registered, because their path would be another endpoint's.
//!
//! Events may use them: their usage is counted and listed like any other.

use web::error::{Fault, Result};

/// The rest of other endpoints' paths after `/api/agents/`.
const OF_AGENTS: [&str; 3] = ["workforce/agents", "workforce/summary", "workforce/trends"];
/// The path segment after the id in the path of a project's usage.
const AFTER_PROJECT: &str = "/usage";
/// The path segment after the id in the path of a destination's test.
const AFTER_DESTINATION: &str = "/test";

/// Rejects ids of agents whose path, after API Gateway decoded its slashes, is another endpoint's.
pub fn check_agent(id: &str) -> Result<()> {
    refuse_if(OF_AGENTS.contains(&id) || is_dots(id), "id")
}

/// The same for projects.
pub fn check_project(id: &str) -> Result<()> {
    refuse_if(id.ends_with(AFTER_PROJECT) || is_dots(id), "id")
}

/// The same for destinations.
pub fn check_destination(id: &str) -> Result<()> {
    refuse_if(id.ends_with(AFTER_DESTINATION) || is_dots(id), "id")
}

/// Rejects dot segments, which clients remove from a path even if they are escaped (WHATWG URL, "path state").
pub fn check_dots(id: &str, parameter: &'static str) -> Result<()> {
    refuse_if(is_dots(id), parameter)
}

fn is_dots(id: &str) -> bool {
    [".", ".."].contains(&id)
}

fn refuse_if(is_reserved: bool, parameter: &'static str) -> Result<()> {
    if is_reserved {
        let msg = "Id is reserved, because a path with it means something else";
        return Err(Fault::new(vec!["path".into(), parameter.into()], "reserved", msg).into());
    }
    Ok(())
}
