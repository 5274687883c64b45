//! Collects the `openapi.yaml` of every function, so that a new function need not be added to a list.

use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;
use std::{env, fs};

#[allow(clippy::disallowed_methods, reason = "Cargo passes the output folder in the environment")]
fn main() -> Result<(), Box<dyn Error>> {
    // Read at run time, because this program may be copied together with its target folder.
    let functions = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..").canonicalize()?;
    // A new function changes the workspace's dependencies.
    println!("cargo::rerun-if-changed=../../Cargo.toml");
    let mut parts = Vec::new();
    for folder in fs::read_dir(&functions)? {
        let part = folder?.path().join("openapi.yaml");
        if part.exists() {
            parts.push(part);
        }
    }
    parts.sort();
    let mut list = String::from("&[");
    for part in parts {
        write!(list, "include_str!(r\"{}\"), ", part.display())?;
    }
    list.push(']');
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("parts.rs"), list)?;
    Ok(())
}
