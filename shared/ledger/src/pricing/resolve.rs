//! Which model of the book an event means.
//!
//! The id as it was sent comes first, and the book's aliases of it. Then what is not part of a name is taken off, step
//! by step: a context mark, a path or the provider's own name in front, a geography, a version, a date, `-latest`.
//! Each step is tried only where the one before found nothing, and no step leaves the provider.

use std::borrow::Cow;

use super::catalog::{Book, ModelEntry, ProviderEntry, strip_prefix};
use super::data::{Date, Rule};

/// A model that was found, and where its id says that the call ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'i> {
    /// The model.
    pub model: ModelEntry,
    /// The region that was part of the id: it counts where the event names none.
    pub region: Option<&'i str>,
}

impl Book {
    /// The model that `id` means at the provider called `provider`, and the provider, which may be known alone.
    pub fn identify<'i>(self, provider: &str, id: &'i str) -> (Option<ProviderEntry>, Option<Found<'i>>) {
        let Some(provider) = self.provider(provider) else { return (None, None) };
        if let Some(model) = provider.named(id) {
            return (Some(provider), Some(Found { model, region: None }));
        }
        if provider.has(Rule::Router)
            && let Some((called, id)) = id.split_once('/')
            && let Some(called) = self.provider(called).filter(|called| !called.has(Rule::Router))
        {
            return self.identify(called.id(), id);
        }
        (Some(provider), Search { book: self, provider }.cleaned(id))
    }
}

/// The search for an id that the book does not have as it was sent.
#[derive(Clone, Copy)]
struct Search {
    book: Book,
    provider: ProviderEntry,
}

/// Where Bedrock's inference profiles run.
const GEOGRAPHIES: [&str; 9] = ["us", "eu", "apac", "au", "jp", "ca", "in", "global", "us-gov"];

impl Search {
    fn cleaned(self, id: &str) -> Option<Found<'_>> {
        let id = without_context_mark(id);
        let (mut id, mut region) = (id, None);
        // Names may be nested: `bedrock/us-east-1/…`, `azure/eu/…`, `models/publishers/…`.
        for _ in 0..4 {
            if let Some(model) = self.by_name(id) {
                return Some(Found { model, region });
            }
            let (rest, named) = self.without_front(id)?;
            region = region.or(named);
            if rest == id {
                break;
            }
            id = rest;
        }
        if self.provider.has(Rule::Bedrock) {
            return self.bedrock(id, region);
        }
        None
    }

    /// The model of an id without a front, with or without a date, a version or `-latest` at its end.
    fn by_name(self, id: &str) -> Option<ModelEntry> {
        let named = |id: &str| self.provider.named(id);
        named(id).or_else(|| self.fine_tuned(id)).or_else(|| self.other_spelling(id)).or_else(|| {
            let bare = without_at(id);
            let undated = without_date(bare);
            (bare != id)
                .then(|| named(bare))
                .flatten()
                .or_else(|| other_date(id).and_then(|id| named(&id)))
                .or_else(|| undated.and_then(named))
                .or_else(|| id.strip_suffix("-latest").and_then(named))
        })
    }

    /// The fine-tuned row of the base of `ft:base:organization:suffix:id`.
    fn fine_tuned(self, id: &str) -> Option<ModelEntry> {
        let (base, _) =
            id.strip_prefix("ft:").filter(|_| self.provider.has(Rule::FineTuned))?.split_once(':')?;
        let tuned = format!("ft:{base}");
        let undated = without_date(&tuned).and_then(|tuned| self.provider.named(tuned));
        self.provider.named(&tuned).or(undated)
    }

    /// Ids that a provider takes in two spellings.
    fn other_spelling(self, id: &str) -> Option<ModelEntry> {
        if self.provider.has(Rule::Fireworks) {
            let model = strip_prefix(id, "accounts/fireworks/models/");
            let model =
                model.map_or_else(|| Cow::Owned(format!("accounts/fireworks/models/{id}")), Cow::Borrowed);
            return self.provider.named(&model);
        }
        if self.provider.has(Rule::Databricks) {
            let model = strip_prefix(id, "system.ai.")?;
            return self.provider.named(&format!("databricks-{model}"));
        }
        None
    }

    /// The id without the next thing that may stand in front of a name, and the region that this was.
    fn without_front(self, id: &str) -> Option<(&str, Option<&str>)> {
        if let Some(path) = strip_prefix(id, "arn:").filter(|_| self.provider.has(Rule::Bedrock)) {
            // arn:aws:bedrock:REGION:ACCOUNT:inference-profile/NAME
            let (front, name) = path.rsplit_once('/')?;
            let region = front.split(':').nth(2).filter(|region| !region.is_empty());
            return Some((name, region));
        }
        if let Some(model) = strip_prefix(id, "models/") {
            return Some((model, None));
        }
        if self.provider.has(Rule::ResourcePath)
            && let Some(at) = id.find("/models/")
        {
            let mut parts = id.split('/');
            let region = parts.find(|part| *part == "locations").and_then(|_| parts.next());
            return Some((&id[at + "/models/".len()..], region));
        }
        let Some((front, rest)) = id.split_once('/') else { return Some((id, None)) };
        let is_own_name = self.book.provider(front) == Some(self.provider);
        if is_own_name || (self.provider.has(Rule::Bedrock) && ["converse", "invoke"].contains(&front)) {
            return Some((rest, None));
        }
        if self.provider.has(Rule::Azure) && front == "global-standard" {
            return Some((rest, Some("global")));
        }
        let is_region = (self.provider.has(Rule::Azure)
            && ["us", "eu", "global", "apac", "us-gov"].contains(&front))
            || (self.provider.has(Rule::Bedrock) && front.ends_with(|c: char| c.is_ascii_digit()));
        Some(if is_region { (rest, Some(front)) } else { (id, None) })
    }

    /// `us.anthropic.claude-sonnet-4-5-20250929-v1:0`: a geography in front, a date and a version at the end.
    fn bedrock<'i>(self, id: &'i str, region: Option<&'i str>) -> Option<Found<'i>> {
        let (geography, base) = match id.split_once('.') {
            Some((front, base)) if GEOGRAPHIES.iter().any(|known| front.eq_ignore_ascii_case(known)) => {
                (Some(front), base)
            }
            _ => (None, id),
        };
        let unversioned = without_version(base);
        let mut names = vec![base, unversioned];
        names.extend(without_date(unversioned));
        for name in names {
            if let Some(geography) = geography
                && let Some(model) = self.versioned(&format!("{geography}."), name)
            {
                return Some(Found { model, region });
            }
            // The book has one row for all geographies, or the region decides.
            if !geography.is_some_and(|geography| geography.eq_ignore_ascii_case("global"))
                && let Some(model) = self.versioned("regional.", name)
            {
                return Some(Found { model, region: region.or(geography) });
            }
            if let Some(model) = self.versioned("", name) {
                return Some(Found { model, region: region.or(geography) });
            }
        }
        None
    }

    /// An id of Bedrock with or without the version `-v1:0`.
    fn versioned(self, geography: &str, name: &str) -> Option<ModelEntry> {
        ["", "-v1:0", "-v1"]
            .iter()
            .find_map(|version| self.provider.named(&format!("{geography}{name}{version}")))
    }
}

/// Without `[1m]` or `:1m` at the end.
fn without_context_mark(id: &str) -> &str {
    let is_mark = |mark: &str| {
        let size = mark.strip_suffix(['m', 'M', 'k', 'K']);
        size.is_some_and(|size| !size.is_empty() && size.bytes().all(|b| b.is_ascii_digit()))
    };
    if let Some((name, mark)) = id.strip_suffix(']').and_then(|id| id.rsplit_once('['))
        && is_mark(mark)
    {
        return name;
    }
    match id.rsplit_once(':') {
        Some((name, mark)) if is_mark(mark) => name,
        _ => id,
    }
}

/// Without Vertex's version after `@`: `@20250929`, `@default`, `@001`.
fn without_at(id: &str) -> &str {
    id.rsplit_once('@').map_or(id, |(name, _)| name)
}

/// Without Bedrock's version: `-v1:0`, `-v1`, `:0`.
fn without_version(id: &str) -> &str {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let name = match id.rsplit_once(':') {
        Some((name, revision)) if digits(revision) => name,
        _ => id,
    };
    match name.rsplit_once("-v") {
        Some((base, version)) if digits(version) => base,
        _ => name,
    }
}

/// The date at the end of an id, and what stands before it: `-20251001`, `@20251001` or `-2025-10-01`.
fn split_date(id: &str) -> Option<(&str, Date, bool)> {
    let parse = |at: usize, dashed: bool| -> Option<(&str, Date, bool)> {
        let (name, date) = (id.get(..at)?, id.get(at + 1..)?);
        let front = id.as_bytes()[at];
        if !(front == b'-' || front == b'@') || name.is_empty() {
            return None;
        }
        let text = if dashed {
            date.to_owned()
        } else {
            format!("{}-{}-{}", &date[..4], date.get(4..6)?, &date[6..])
        };
        text.parse().ok().map(|date| (name, date, dashed))
    };
    let dashed = id.len().checked_sub(11).and_then(|at| parse(at, true));
    dashed.or_else(|| {
        id.len()
            .checked_sub(9)
            .filter(|at| id.get(at + 1..).is_some_and(str::is_ascii))
            .and_then(|at| parse(at, false))
    })
}

fn without_date(id: &str) -> Option<&str> {
    split_date(id).map(|(name, ..)| name)
}

/// The same id with its date in the other spelling.
fn other_date(id: &str) -> Option<String> {
    let (name, date, dashed) = split_date(id)?;
    Some(if dashed || id.as_bytes().get(name.len()) == Some(&b'@') {
        format!("{name}-{}", date.0)
    } else {
        format!("{name}-{date}")
    })
}

#[cfg(test)]
mod tests;
