//! Lists the crates of the workspace that run in functions, whose log lines may be shown in full.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

#[allow(clippy::disallowed_methods, reason = "Cargo passes the output folder in the environment")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut crates = Vec::new();
    for folder in ["..", "../../functions"] {
        // At run time: a target folder may be copied, and this program with it.
        let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join(folder);
        for entry in fs::read_dir(folder)? {
            let manifest = entry?.path().join("Cargo.toml");
            if let Some(name) = manifest.exists().then(|| manifest.parent()?.file_name()).flatten() {
                // A crate is named like its folder.
                crates.push(name.to_string_lossy().replace('-', "_"));
            }
        }
    }
    crates.sort();
    // A new crate is also a new dependency of the workspace.
    println!("cargo::rerun-if-changed=../../Cargo.toml");
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("crates.rs"), format!("&{crates:?}"))?;
    Ok(())
}
