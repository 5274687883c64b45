//! The routes of `cargo lambda watch` in Cargo.toml are those of the template.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use local::template::Template;
use serde_json::{Value, json};

/// A path as written in that table. A greedy last parameter must not stand where another route continues: there it takes
/// one segment.
fn written(path: &str, all: &BTreeSet<&str>) -> String {
    let Some(front) = path.strip_suffix("+}") else { return path.to_owned() };
    let (before, name) = front.rsplit_once('{').unwrap();
    let goes_on = all.iter().any(|other| other.starts_with(&format!("{before}{{{name}}}/")));
    if goes_on { format!("{before}{{{name}}}") } else { format!("{before}{{*{name}}}") }
}

#[test]
fn every_route_is_watched() {
    let template = Template::built_in().unwrap();
    let all = || template.functions.iter().flat_map(|f| f.routes.iter().map(move |r| (r, f)));
    let routes = || all().filter(|(r, _)| !r.is_default()).map(|(r, f)| (r.path.as_str(), f));
    let paths: BTreeSet<_> = routes().map(|(path, _)| path).collect();
    let mut table: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (path, function) in routes() {
        table.entry(written(path, &paths)).or_default().insert(&function.binary);
    }
    let one = |(path, mut functions): (_, BTreeSet<&str>)| {
        let function = functions.pop_first().unwrap();
        assert!(functions.is_empty(), "{path}: by method, that table would have to say which");
        (path, json!(function))
    };
    let expected: Value = table.into_iter().map(one).collect();

    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version=1"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let lines = |table: &Value| {
        let lines =
            table.as_object().unwrap().iter().map(|(path, function)| format!("{path:?} = {function}"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let watched = &metadata["metadata"]["lambda"]["watch"]["router"];
    assert_eq!(lines(watched), lines(&expected), "Cargo.toml should say:\n{}", lines(&expected));
}
