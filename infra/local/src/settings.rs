//! What the environment says; nothing else here reads it.

use std::env;
use std::path::PathBuf;

use runtime::config::MIN_SECRET_BYTES;

use crate::error::{Error, Result};

/// The variable that gives the secret which signs and verifies tokens.
const SECRET: &str = "AUTH_HS256_SECRET";

#[allow(clippy::disallowed_methods, reason = "the local stack's one place that reads the environment")]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The secret that tokens are signed with, where the environment gives one.
pub fn secret() -> Result<Option<Vec<u8>>> {
    let Some(secret) = variable(SECRET) else { return Ok(None) };
    let secret = secret.into_string().map_err(|_| Error::new(format!("{SECRET} is not valid Unicode")))?;
    if secret.len() < MIN_SECRET_BYTES {
        return Err(Error::new(format!("{SECRET} should have {MIN_SECRET_BYTES} bytes or more")));
    }
    Ok(Some(secret.into_bytes()))
}

/// Where this user's programs keep what should outlive them (XDG Base Directory Specification).
pub fn state_folder() -> Option<PathBuf> {
    let named = variable("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || env::home_dir().filter(|home| home.is_absolute());
    Some(named.or_else(|| Some(home()?.join(".local/state")))?.join("fleetledger"))
}
