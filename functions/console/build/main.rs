//! Embeds the page's files: uncompressed, compressed in two ways, and with the hash of their content.

mod bundle;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// The module that imports all others.
const ENTRY: &str = "main.js";
/// Brotli's buffer, its best quality, and a window that is larger than any file.
const BROTLI: (usize, u32, u32) = (4096, 11, 22);

#[allow(clippy::disallowed_methods, reason = "Cargo passes the output folder in the environment")]
fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=assets");
    println!("cargo::rerun-if-changed=build");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let files = files()?;
    let contents: Vec<_> = files.values().map(Vec::as_slice).collect();
    let release = hash(&contents);
    let mut code = format!("pub const RELEASE: &str = {release:?};\npub const FILES: &[File] = &[\n");
    for (at, (name, content)) in files.into_iter().enumerate() {
        // The paths contain the release, so that the files may be cached forever.
        let content = if name == "index.html" { replaced(content, &release)? } else { content };
        let stored = |suffix: &str, bytes: &[u8]| -> Result<String> {
            let path = out.join(format!("{at}.{suffix}"));
            fs::write(&path, bytes)?;
            Ok(format!("include_bytes!(r\"{}\")", path.display()))
        };
        writeln!(
            code,
            "File {{ name: {name:?}, hash: {:?}, plain: {}, gzip: {}, brotli: {} }},",
            hash(&[&content]),
            stored("plain", &content)?,
            stored("gz", &gzip(&content)?)?,
            stored("br", &brotli(&content)?)?,
        )?;
    }
    code.push_str("];\n");
    fs::write(out.join("files.rs"), code)?;
    Ok(())
}

/// The files to serve, by path: all modules as one file, and the other files unchanged.
fn files() -> Result<BTreeMap<String, Vec<u8>>> {
    let mut paths = Vec::new();
    collect(Path::new("assets"), &mut paths)?;
    let (mut files, mut modules) = (BTreeMap::new(), BTreeMap::new());
    for path in paths {
        let name = name(&path)?;
        let is_module = path.extension().is_some_and(|extension| extension == "js");
        if is_module && !name.starts_with("vendor/") {
            modules.insert(name, fs::read_to_string(path)?);
        } else {
            files.insert(name, fs::read(path)?);
        }
    }
    files.insert(ENTRY.to_owned(), bundle::bundle(ENTRY, &modules)?.into_bytes());
    Ok(files)
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// The path below `assets`, with slashes on every system.
fn name(path: &Path) -> Result<String> {
    let parts =
        path.strip_prefix("assets")?.iter().map(|part| part.to_str().ok_or("a name that is not UTF-8"));
    Ok(parts.collect::<Result<Vec<_>, _>>()?.join("/"))
}

fn replaced(content: Vec<u8>, release: &str) -> Result<Vec<u8>> {
    Ok(String::from_utf8(content)?.replace("{release}", release).into_bytes())
}

fn hash(contents: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for content in contents {
        digest.update(content);
    }
    digest.finalize().iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

fn gzip(content: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?)
}

fn brotli(content: &[u8]) -> Result<Vec<u8>> {
    let (buffer, quality, window) = BROTLI;
    let mut compressed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut compressed, buffer, quality, window);
    writer.write_all(content)?;
    drop(writer);
    Ok(compressed)
}
