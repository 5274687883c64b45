//! Which model of the book an event means.
//!
//! The id as it was sent comes first, and the book's aliases of it. Then what is not part of a name is taken off, step
//! by step: a context mark, a path or the provider's own name in front, a geography, a version, a date, `-latest`.
//! Each step is tried only where the one before found nothing, and no step leaves the provider.

use std::borrow::Cow;

use super::catalog::{Book, ModelEntry, ProviderEntry, strip_prefix};
use super::data::{BedrockId, Date, Rule, without_revision};

/// A model that was found, and where its id says that the call ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'i> {
    /// The model.
    pub model: ModelEntry,
    /// The region that was part of the id: it counts where the event names none.
    pub region: Option<&'i str>,
}

impl Book {
    /// The first that `find` knows of `id` and of what remains of it when a context mark and then, one by one, the
    /// things are taken off that may stand in front of a name; and the region that was among them.
    pub(super) fn find_front<'i, T>(
        self,
        provider: ProviderEntry,
        id: &'i str,
        find: impl Fn(&'i str) -> Option<T>,
    ) -> Option<(T, Option<&'i str>)> {
        if let Some(found) = find(id) {
            return Some((found, None));
        }
        let search = Search { book: self, provider, host: "" };
        let (mut id, mut region) = (without_context_mark(id), None);
        for _ in 0..5 {
            if let Some(found) = find(id) {
                return Some((found, region));
            }
            let (rest, named) = search.without_front(id)?;
            region = region.or(named);
            if rest == id {
                break;
            }
            id = rest;
        }
        None
    }

    /// `id` without a context mark and without what may stand in front of a name.
    pub(super) fn without_fronts(self, provider: ProviderEntry, id: &str) -> &str {
        let search = Search { book: self, provider, host: "" };
        let mut id = without_context_mark(id);
        for _ in 0..4 {
            match search.without_front(id) {
                Some((rest, _)) if rest != id && strip_prefix(id, "arn:").is_none() => id = rest,
                _ => break,
            }
        }
        id
    }

    /// The model that `id` means at the provider called `provider`, and the provider, which may be known alone.
    pub fn identify<'i>(self, provider: &str, id: &'i str) -> (Option<ProviderEntry>, Option<Found<'i>>) {
        let host = if names_vertex(provider) { VERTEX } else { "" };
        let Some(provider) = self.provider(provider) else { return (None, None) };
        let search = Search { book: self, provider, host };
        // The provider's own name in front comes off first: `perplexity/sonar` is `sonar`, although it is an id as well.
        // A path is left as it is: it names the API.
        if let Some((front, rest)) = id.split_once('/')
            && !provider.has(Rule::ResourcePath)
            && self.provider(front) == Some(provider)
            && let Some(model) = search.named(rest)
        {
            return (Some(provider), Some(Found { model, region: None }));
        }
        if let Some(model) = search.named(id) {
            return (Some(provider), Some(Found { model, region: None }));
        }
        if provider.has(Rule::Router)
            && let Some((front, rest)) = id.split_once('/')
            && let Some(called) = self.provider(front)
            && (called == provider || !called.has(Rule::Router))
        {
            return self.identify(front, rest);
        }
        (Some(provider), search.cleaned(id))
    }

    /// The model whose price holds for a call of `id` whose event says that it ran in `region`. Bedrock bills a Claude model
    /// that is named without a geography at the regional price, unless the call went to the global endpoint.
    pub(super) fn in_region<'i>(self, id: &str, found: Found<'i>, region: &str) -> Found<'i> {
        let (provider, bare) = (found.model.provider(), found.model.id());
        let bare = bare.strip_prefix("regional.").unwrap_or(bare);
        let is_bare = found.region.is_none() && BedrockId::read(bare).geography.is_empty();
        let is_claude = provider.has(Rule::Bedrock) && BedrockId::read(bare).is_claude();
        if !(region.eq_ignore_ascii_case("global") && is_bare && is_claude) || id.starts_with("regional.") {
            return found;
        }
        let name = format!("global.{bare}");
        let global = self.identify(provider.id(), &name).1.map(|found| found.model);
        global.map_or(found, |model| Found { model, region: None })
    }
}

/// The search for an id that the book does not have as it was sent.
#[derive(Clone, Copy)]
struct Search {
    book: Book,
    provider: ProviderEntry,
    /// What stands in front of the ids whose prices are for the API that was called alone; empty: nothing.
    host: &'static str,
}

/// In front of the ids of Google's models that Vertex AI bills at another price than the Gemini API.
const VERTEX: &str = "vertex_ai/";

/// Whether a provider's name is one of Vertex AI, which shares its provider with the Gemini API.
fn names_vertex(provider: &str) -> bool {
    provider.as_bytes().windows(6).any(|part| part.eq_ignore_ascii_case(b"vertex"))
}

/// Whether an id is the path of a model at Vertex AI, or has one of its names in front.
fn is_path_of_vertex(id: &str) -> bool {
    let front = id.split_once('/').map_or("", |(front, _)| front);
    names_vertex(front) || ["projects", "publishers"].iter().any(|path| front.eq_ignore_ascii_case(path))
}

/// The model of a gateway's `vendor/model:free`, which costs nothing.
const FREE: &str = "openrouter/free";

/// How a gateway's model is to be routed, or what is to be added to it: its tokens have the price of the model.
const ROUTES: [&str; 7] = ["nitro", "floor", "online", "exacto", "thinking", "extended", "beta"];

impl Search {
    /// The model with this id or alias, with the price of the API that was called where it has one.
    fn named(self, id: &str) -> Option<ModelEntry> {
        let model = self.provider.named(id)?;
        if self.host.is_empty() {
            return Some(model);
        }
        Some(self.provider.spelled(&[self.host, model.id()]).unwrap_or(model))
    }

    /// The base of `vendor/model:free` or of a route such as `vendor/model:nitro`.
    fn routed(self, id: &str) -> Option<ModelEntry> {
        let (base, route) = id.rsplit_once(':').filter(|_| self.provider.has(Rule::Routes))?;
        let model = || self.named(base).or_else(|| self.routed(base));
        if route.eq_ignore_ascii_case("free") {
            return model().and_then(|_| self.provider.spelled(&[FREE]));
        }
        ROUTES.iter().any(|known| route.eq_ignore_ascii_case(known)).then(model)?
    }

    fn cleaned(mut self, id: &str) -> Option<Found<'_>> {
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
            if self.provider.has(Rule::ResourcePath) && is_path_of_vertex(id) {
                self.host = VERTEX;
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
        let named = |id: &str| self.named(id);
        let other = |id| self.fine_tuned(id).or_else(|| self.other_spelling(id)).or_else(|| self.routed(id));
        named(id).or_else(|| other(id)).or_else(|| {
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
        let parts = BedrockId::read(id);
        let names = [parts.base, without_revision(parts.base), parts.unversioned, parts.name];
        let names = if parts.has_first_version() { &names[..] } else { &names[..2] };
        let vendors =
            if strip_prefix(parts.base, "claude-").is_some() { &["", "anthropic."][..] } else { &[""] };
        names.iter().find_map(|name| {
            vendors.iter().find_map(|vendor| self.in_geography(parts, [vendor, name], region))
        })
    }

    /// The model with this vendor and name, without a geography, where `id` says that it runs.
    fn in_geography<'i>(
        self,
        id: BedrockId<'i>,
        name: [&str; 2],
        region: Option<&'i str>,
    ) -> Option<Found<'i>> {
        let is = |geography: &str| id.geography.eq_ignore_ascii_case(geography);
        let found = |model, region| Some(Found { model, region });
        if !id.geography.is_empty()
            && let Some(model) = self.versioned(id, [id.geography, "."], name)
        {
            return found(model, region);
        }
        let region = region.or(match id.geography {
            "" => None,
            // Rows are for one of the two regions, which have the same prices.
            _ if is("us-gov") => Some("us-gov-west-1"),
            geography => Some(geography),
        });
        // The book has one row for all geographies, or the region decides.
        if !is("global")
            && let Some(model) = self.versioned(id, ["regional", "."], name)
        {
            return found(model, region);
        }
        found(self.versioned(id, ["", ""], name)?, region)
    }

    /// The model `name` with or without the version `-v1:0`.
    fn versioned(self, id: BedrockId<'_>, geography: [&str; 2], name: [&str; 2]) -> Option<ModelEntry> {
        let versions = if id.has_first_version() { &["", "-v1:0", "-v1"][..] } else { &[""] };
        let [(geography, dot), (vendor, name)] = [geography, name].map(|[first, second]| (first, second));
        versions.iter().find_map(|version| self.provider.spelled(&[geography, dot, vendor, name, version]))
    }
}

/// The other spellings of the same name that are tried where a provider does not have `id` itself: without the version
/// behind an `@`, without a date, with the date written in another way, without `-latest`.
pub(super) fn other_names(id: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let bare = Some(without_at(id)).filter(|bare| *bare != id);
    let undated = without_date(without_at(id));
    let latest = id.strip_suffix("-latest");
    let borrowed = [bare, undated, latest].into_iter().flatten().map(Cow::Borrowed);
    other_date(id).map(Cow::Owned).into_iter().chain(borrowed)
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
