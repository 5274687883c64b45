//! Reads environment variables, which no other module of this crate does.

use std::env;
use std::path::PathBuf;

use runtime::config::MIN_SECRET_BYTES;

use crate::error::{Error, Result};

const SECRET: &str = "AUTH_HS256_SECRET";

#[allow(clippy::disallowed_methods, reason = "the local stack reads the environment only here")]
fn variable(name: &str) -> Option<std::ffi::OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The secret for signing tokens, if the environment has one.
pub fn secret() -> Result<Option<Vec<u8>>> {
    let Some(secret) = variable(SECRET) else { return Ok(None) };
    let secret = secret.into_string().map_err(|_| Error::new(format!("{SECRET} is not valid Unicode")))?;
    if secret.len() < MIN_SECRET_BYTES {
        return Err(Error::new(format!("{SECRET} should have at least {MIN_SECRET_BYTES} bytes")));
    }
    Ok(Some(secret.into_bytes()))
}

/// The user's folder for persistent state (XDG Base Directory Specification).
pub fn state_folder() -> Option<PathBuf> {
    let configured = variable("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || env::home_dir().filter(|home| home.is_absolute());
    Some(configured.or_else(|| Some(home()?.join(".local/state")))?.join("fleetledger"))
}

/// The user's home folder.
pub fn home_folder() -> Option<PathBuf> {
    env::home_dir().filter(|home| home.is_absolute())
}

/// Whether this process runs on a desktop and can open windows.
pub fn has_desktop() -> bool {
    ["WAYLAND_DISPLAY", "DISPLAY"].into_iter().any(|name| variable(name).is_some())
}
