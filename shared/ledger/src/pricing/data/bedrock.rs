//! How Bedrock spells the ids of its models.

/// Where Bedrock's inference profiles run.
pub const GEOGRAPHIES: [&str; 9] = ["us", "eu", "apac", "au", "jp", "ca", "in", "global", "us-gov"];

/// A model id of Bedrock, taken apart: `us.anthropic.claude-sonnet-4-5-20250929-v1:0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BedrockId<'i> {
    /// The geography in front, or `regional` in the ids of the book; empty: none.
    pub geography: &'i str,
    /// The rest, version and date included.
    pub base: &'i str,
    /// The rest without the version.
    pub unversioned: &'i str,
    /// The rest without version and date.
    pub name: &'i str,
    /// The eight digits of the date; empty: none.
    pub date: &'i str,
}

impl<'i> BedrockId<'i> {
    /// Takes an id apart.
    pub fn read(id: &'i str) -> Self {
        let is_geography = |front: &str| {
            GEOGRAPHIES.iter().chain(&["regional"]).any(|known| front.eq_ignore_ascii_case(known))
        };
        let (geography, base) =
            id.split_once('.').filter(|(front, _)| is_geography(front)).unwrap_or(("", id));
        let unversioned = without_version(base);
        let (name, date) = split_date(unversioned).unwrap_or((unversioned, ""));
        Self { geography, base, unversioned, name, date }
    }

    /// Whether the version is not part of the name. Versions of models other than Claude are models of their own, so the
    /// first is never taken for another one.
    pub fn has_first_version(self) -> bool {
        let version = self.base.get(self.unversioned.len()..).unwrap_or_default();
        self.is_claude() || ["", "-v1:0", "-v1", ":0"].contains(&version)
    }

    /// Whether Anthropic made the model: it then has one price in all spellings, times the geography's factor.
    pub fn is_claude(self) -> bool {
        let starts =
            |start: &str| self.base.get(..start.len()).is_some_and(|s| s.eq_ignore_ascii_case(start));
        starts("anthropic.claude-") || starts("claude-")
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Without Bedrock's version: `-v1:0`, `-v1`, `:0`.
fn without_version(id: &str) -> &str {
    let name = without_revision(id);
    match name.rsplit_once("-v") {
        Some((base, version)) if is_number(version) => base,
        _ => name,
    }
}

/// Without `:0` at the end.
pub fn without_revision(id: &str) -> &str {
    match id.rsplit_once(':') {
        Some((name, revision)) if is_number(revision) => name,
        _ => id,
    }
}

/// The date at the end: `-20250929` or `@20250929`.
fn split_date(id: &str) -> Option<(&str, &str)> {
    let (name, date) = id.rsplit_once(['-', '@'])?;
    (date.len() == 8 && is_number(date) && !name.is_empty()).then_some((name, date))
}
