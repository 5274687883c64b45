use std::fmt;

/// A line of a data file that breaks a rule of the format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The file, as it was named to the reader.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.problem)
    }
}

impl std::error::Error for Malformed {}

/// Reads the lines of a file under the header `columns`. Fields are separated by commas and never quoted: only the
/// last one may contain commas. Blank lines and lines that start with `#` are skipped.
///
/// # Errors
///
/// The first line that has the wrong number of fields, or that `parse` refuses.
pub fn split<'t, T>(
    file: &str,
    text: &'t str,
    columns: &[&str],
    mut parse: impl FnMut(&[&'t str]) -> Result<T, String>,
) -> Result<Vec<T>, Malformed> {
    let at = |line: usize, problem: String| Malformed { file: file.to_owned(), line: line + 1, problem };
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let header = columns.join(",");
    match lines.next() {
        Some((_, line)) if line == header => {}
        Some((place, _)) => return Err(at(place, format!("the header should be {header}"))),
        None => return Err(at(0, format!("the header {header} is missing"))),
    }
    let mut rows = Vec::new();
    for (place, line) in lines {
        let fields: Vec<_> = line.splitn(columns.len(), ',').collect();
        if fields.len() != columns.len() {
            return Err(at(place, format!("expected {} fields, found {}", columns.len(), fields.len())));
        }
        rows.push(parse(&fields).map_err(|problem| at(place, problem))?);
    }
    Ok(rows)
}

/// A field that may be empty.
pub(super) fn optional<T: std::str::FromStr>(field: &str) -> Result<Option<T>, String>
where
    T::Err: fmt::Display,
{
    if field.is_empty() {
        return Ok(None);
    }
    field.parse().map(Some).map_err(|e: T::Err| format!("{field:?}: {e}"))
}

/// The parts of a field that holds a list.
pub(super) fn list(field: &str, separator: char) -> Vec<String> {
    field.split(separator).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The text of a field that may be empty.
pub(super) fn text<T: fmt::Display>(value: Option<&T>) -> String {
    value.map_or_else(String::new, ToString::to_string)
}
