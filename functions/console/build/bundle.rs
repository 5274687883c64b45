//! Joins the modules of the page into one script, so that a browser makes one request instead of forty, and so that
//! they compress together. Each module becomes a function that returns its exports. Comments are removed.
//!
//! The modules use a subset of the language: imports are either `import { a, b } from "…";` or `import * as a from
//! "…";`, and exports are declarations with `export`. Anything else fails the build.

use std::collections::BTreeMap;
use std::fmt::Write;

type Result<T> = std::result::Result<T, String>;

/// Joins the module `entry` and all modules that it imports. `modules` has the text of each by its path.
pub fn bundle(entry: &str, modules: &BTreeMap<String, String>) -> Result<String> {
    let mut joined = Joined { modules, script: String::from("\"use strict\";\n"), done: Vec::new() };
    joined.add(entry, &mut Vec::new())?;
    Ok(joined.script)
}

struct Joined<'a> {
    modules: &'a BTreeMap<String, String>,
    script: String,
    done: Vec<String>,
}

impl Joined<'_> {
    /// Adds the modules that a module imports, then the module. `open` are the modules that are being added, to detect
    /// circular imports.
    fn add(&mut self, path: &str, open: &mut Vec<String>) -> Result<()> {
        if self.done.iter().any(|done| done == path) {
            return Ok(());
        }
        if open.iter().any(|one| one == path) {
            return Err(format!("{path} imports itself by way of {}", open.join(", ")));
        }
        let text = self.modules.get(path).ok_or_else(|| format!("{path} is imported and does not exist"))?;
        open.push(path.to_owned());
        let (mut body, mut exports) = (String::new(), Vec::new());
        for line in statements(text) {
            let line = line.as_str();
            if let Some(import) = line.strip_prefix("import ") {
                let (names, from) = import.split_once(" from ").ok_or_else(|| format!("{path}: {line}"))?;
                let names = names.trim_start_matches("* as ");
                if names.contains(" as ") || names.contains(" from ") {
                    return Err(format!("{path}: {line}"));
                }
                let from = resolved(path, from.trim_matches(['"', ';']))?;
                self.add(&from, open)?;
                writeln!(body, "const {names} = {};", variable(&from)).map_err(fault)?;
            } else if let Some((declared, name)) = line.strip_prefix("export ").and_then(declaration) {
                exports.push(name.to_owned());
                writeln!(body, "{declared}").map_err(fault)?;
            } else if ["export {", "export *", "export default"].iter().any(|other| line.starts_with(other)) {
                return Err(format!("{path}: {line}"));
            } else {
                writeln!(body, "{line}").map_err(fault)?;
            }
        }
        open.pop();
        let exports = exports.join(", ");
        write!(self.script, "const {} = (() => {{\n{body}return {{ {exports} }};\n}})();\n", variable(path))
            .map_err(fault)?;
        self.done.push(path.to_owned());
        Ok(())
    }
}

fn fault(error: std::fmt::Error) -> String {
    error.to_string()
}

/// The lines of a module without those that are comments. An import is one line, however it is written.
fn statements(text: &str) -> Vec<String> {
    let (mut lines, mut in_comment): (Vec<String>, _) = (Vec::new(), false);
    for line in text.lines() {
        let trimmed = line.trim();
        let is_comment = in_comment || trimmed.starts_with("/**") || trimmed.starts_with("// ");
        in_comment = (in_comment || trimmed.starts_with("/**")) && !trimmed.ends_with("*/");
        match lines.last_mut() {
            _ if is_comment => {}
            Some(import) if import.starts_with("import ") && !import.ends_with(';') => {
                import.push(' ');
                import.push_str(trimmed);
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// Resolves the relative path `from`, as imported by the module `path`.
fn resolved(path: &str, from: &str) -> Result<String> {
    let mut parts: Vec<_> = path.split('/').collect();
    parts.pop();
    for part in from.split('/') {
        match part {
            "." => {}
            ".." => drop(
                parts.pop().ok_or_else(|| format!("{path} imports {from}, which is outside of the page"))?,
            ),
            _ => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// The variable that holds a module's exports.
fn variable(path: &str) -> String {
    format!("${}", path.trim_end_matches(".js").replace('/', "_"))
}

/// A declaration and the name that it declares. `None` for other lines that begin with `export`, such as in a string.
fn declaration(text: &str) -> Option<(&str, &str)> {
    let kinds = ["async function ", "function ", "const ", "class "];
    let rest = kinds.iter().find_map(|kind| text.strip_prefix(kind))?;
    let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    Some((text, name))
}
