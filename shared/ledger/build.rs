//! Compiles the price book's data files into tables that the program reads in place.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

#[path = "src/pricing/compile/mod.rs"]
mod compile;
#[path = "src/pricing/data/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the program uses what the build does not")]
mod data;
#[path = "src/pricing/hash.rs"]
mod hash;

#[expect(clippy::disallowed_methods, reason = "Cargo tells a build script where to write in the environment")]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=data");
    println!("cargo::rerun-if-changed=src/pricing/compile");
    println!("cargo::rerun-if-changed=src/pricing/data");
    println!("cargo::rerun-if-changed=src/pricing/hash.rs");
    let read = |name: &str| fs::read_to_string(Path::new("data").join(name));
    let texts = compile::Texts {
        providers: read("providers.csv")?,
        aliases: read("aliases.csv")?,
        overrides: read("overrides.csv")?,
        families: read("families.csv")?,
        lifecycle: read("lifecycle.csv")?,
        models: folder("data/models")?,
        prices: folder("data/prices")?,
    };
    let tables = compile::compile(&texts).map_err(|problem| format!("data/{problem}"))?;
    let target = Path::new(&std::env::var("OUT_DIR")?).join("book");
    fs::create_dir_all(&target)?;
    fs::write(target.join("strings"), tables.strings)?;
    for (name, table) in [
        ("providers", tables.providers),
        ("provider_names", tables.provider_names),
        ("models", tables.models),
        ("model_names", tables.model_names),
        ("prefixes", tables.prefixes),
        ("exceptions", tables.exceptions),
        ("rows", tables.rows),
        ("rates", tables.rates),
        ("prices", tables.prices),
        ("regions", tables.regions),
        ("windows", tables.windows),
        ("catalog", tables.catalog),
        ("aliases", tables.aliases),
    ] {
        fs::write(target.join(name), table)?;
    }
    Ok(())
}

/// The texts of the files in a folder, by name without the extension.
fn folder(path: &str) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(path)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a file name is not UTF-8")?;
        texts.insert(name.to_owned(), fs::read_to_string(&path)?);
    }
    Ok(texts)
}
