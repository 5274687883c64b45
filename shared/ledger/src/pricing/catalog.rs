//! The book's providers and models.

use super::data::{Date, Mode, Rule};
use super::tables::{BUILTIN, PriceRow, Tables, index, number};

/// A book of prices. It is read in place: a copy costs nothing.
#[derive(Clone, Copy, Debug)]
pub struct Book {
    pub(super) tables: &'static Tables,
}

impl Book {
    /// The book that ships with the program.
    pub const fn builtin() -> Self {
        Self { tables: &BUILTIN }
    }

    /// The provider with this id or other name, in any case. What the AI SDK puts behind a dot is not part of the
    /// name: the kind of model, and at a cloud the developer of the model (`vertex.anthropic.messages`).
    pub fn provider(self, name: &str) -> Option<ProviderEntry> {
        if let Some(place) = self.tables.find_provider(name) {
            return Some(ProviderEntry { tables: self.tables, place });
        }
        let (front, kind) = name.rsplit_once('.')?;
        if KINDS.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
            return self.provider(front);
        }
        self.tables.find_provider(kind)?;
        self.provider(front).filter(|cloud| {
            [Rule::Azure, Rule::Bedrock, Rule::ResourcePath].iter().any(|rule| cloud.has(*rule))
        })
    }

    /// All providers, by id.
    pub fn providers(self) -> impl Iterator<Item = ProviderEntry> {
        let count = u32::try_from(self.tables.providers.len() / 36).unwrap_or(0);
        (0..count).map(move |place| ProviderEntry { tables: self.tables, place })
    }

    /// All models, by provider and id.
    pub fn models(self) -> impl Iterator<Item = ModelEntry> {
        self.providers().flat_map(ProviderEntry::models)
    }
}

/// The kinds of models that the AI SDK names behind a provider.
const KINDS: [&str; 28] = [
    "chat",
    "messages",
    "message",
    "responses",
    "response",
    "completion",
    "completions",
    "generative-ai",
    "language-model",
    "languageModel",
    "embedding",
    "embeddings",
    "text-embedding",
    "textEmbedding",
    "embeddingModel",
    "image",
    "images",
    "imageModel",
    "speech",
    "transcription",
    "transcriptions",
    "video",
    "realtime",
    "rerank",
    "reranking",
    "maas",
    "mantle",
    "object",
];

/// A provider of the book.
#[derive(Clone, Copy, Debug)]
pub struct ProviderEntry {
    tables: &'static Tables,
    place: u32,
}

impl PartialEq for ProviderEntry {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.tables, other.tables) && self.place == other.place
    }
}

impl Eq for ProviderEntry {}

impl ProviderEntry {
    fn number(self, field: usize) -> u32 {
        number(self.tables.providers, index(self.place) * 9 + field)
    }

    /// Its id, which prices and grouping use.
    pub fn id(self) -> &'static str {
        self.tables.text(self.tables.providers, index(self.place) * 9)
    }

    /// Its models, by id.
    pub fn models(self) -> impl Iterator<Item = ModelEntry> {
        let first = self.number(5);
        (first..first + self.number(6)).map(move |place| ModelEntry { tables: self.tables, place })
    }

    /// Whether its model ids are read by `rule`.
    pub(super) fn has(self, rule: Rule) -> bool {
        self.number(2) >> (rule as u32) & 1 == 1
    }

    /// A cache write for 5 minutes and for an hour as multiples of input, in hundredths; 0: not stated.
    pub(super) fn write_multiples(self) -> (u32, u32) {
        (self.number(3), self.number(4))
    }

    /// The model with this id or alias, in any case.
    pub(super) fn named(self, name: &str) -> Option<ModelEntry> {
        let place = self.tables.find_model(self.place, &[name]).or_else(|| self.prefixed(name))?;
        Some(ModelEntry { tables: self.tables, place })
    }

    /// The model whose id or exact alias is made of `parts`.
    pub(super) fn spelled(self, parts: &[&str]) -> Option<ModelEntry> {
        let place = self.tables.find_model(self.place, parts)?;
        Some(ModelEntry { tables: self.tables, place })
    }

    /// The longest prefix alias that catches `name`.
    fn prefixed(self, name: &str) -> Option<u32> {
        let (start, len) = (index(self.number(7)), index(self.number(8)));
        (start..start + len).find_map(|place| {
            let prefix = self.tables.text(self.tables.prefixes, place * 5);
            let rest = strip_prefix(name, prefix)?;
            let first = index(number(self.tables.prefixes, place * 5 + 3));
            let exceptions = first..first + index(number(self.tables.prefixes, place * 5 + 4));
            let excepted = exceptions
                .map(|at| self.tables.text(self.tables.exceptions, at * 2))
                .any(|exception| strip_prefix(rest, exception).is_some());
            (!excepted).then(|| number(self.tables.prefixes, place * 5 + 2))
        })
    }
}

/// `text` without `prefix`, which may differ in case.
pub(super) fn strip_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let start = text.get(..prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then(|| &text[prefix.len()..])
}

/// A model of the book.
#[derive(Clone, Copy, Debug)]
pub struct ModelEntry {
    tables: &'static Tables,
    place: u32,
}

impl PartialEq for ModelEntry {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.tables, other.tables) && self.place == other.place
    }
}

impl Eq for ModelEntry {}

impl ModelEntry {
    fn number(self, field: usize) -> u32 {
        number(self.tables.models, index(self.place) * 6 + field)
    }

    fn catalog(self, field: usize) -> u32 {
        number(self.tables.catalog, index(self.place) * 13 + field)
    }

    fn text(self, field: usize) -> Option<&'static str> {
        let text = self.tables.text(self.tables.catalog, index(self.place) * 13 + field);
        (!text.is_empty()).then_some(text)
    }

    /// Its provider.
    pub fn provider(self) -> ProviderEntry {
        ProviderEntry { tables: self.tables, place: self.number(0) }
    }

    /// Its id, as the provider spells it.
    pub fn id(self) -> &'static str {
        self.tables.text(self.tables.models, index(self.place) * 6 + 1)
    }

    /// Its price rows, oldest first.
    pub fn rows(self) -> impl Iterator<Item = PriceRow> {
        let (start, len) = (index(self.number(3)), index(self.number(4)));
        (start..start + len).map(move |place| PriceRow::new(self.tables, place))
    }

    /// The model whose prices these are: itself, or the model that it is a snapshot of.
    #[must_use]
    pub fn priced_as(self) -> Self {
        Self { tables: self.tables, place: self.number(5) }
    }

    /// Other ids that mean it: `=exact`, or `^prefix` without its exceptions.
    pub fn aliases(self) -> impl Iterator<Item = &'static str> {
        let (start, len) = (index(self.catalog(11)), index(self.catalog(12)));
        (start..start + len).map(move |place| self.tables.text(self.tables.aliases, place * 2))
    }

    /// What it does.
    pub fn mode(self) -> Mode {
        Mode::ALL.get(index(self.catalog(0) & 0xff)).copied().unwrap_or_default()
    }

    /// Whether its provider advises against new use.
    pub fn is_deprecated(self) -> bool {
        self.catalog(0) >> 8 & 1 == 1
    }

    /// Whether a list that names retirement days has the model: only then does the lack of such a day mean that none
    /// is set. Models that are long gone are in the other list alone.
    pub fn has_lifecycle(self) -> bool {
        self.catalog(0) >> 9 & 1 == 1
    }

    /// The tier of its family, for recommendations.
    pub fn family_tier(self) -> Option<FamilyTier> {
        match self.catalog(0) >> 16 & 0xff {
            1 => Some(FamilyTier::Economy),
            2 => Some(FamilyTier::Standard),
            3 => Some(FamilyTier::Flagship),
            _ => None,
        }
    }

    /// Whether it takes images.
    pub fn takes_images(self) -> bool {
        self.catalog(0) >> 24 & 1 == 1
    }

    /// Whether it takes audio.
    pub fn takes_audio(self) -> bool {
        self.catalog(0) >> 25 & 1 == 1
    }

    /// The day of its release, where known.
    pub fn released(self) -> Option<Date> {
        Some(Date(self.catalog(1))).filter(|day| *day > Date::MIN)
    }

    /// The day from which it is no longer served, where one is set.
    pub fn retires_on(self) -> Option<Date> {
        Some(Date(self.catalog(2))).filter(|day| *day > Date::MIN)
    }

    /// The id of the model that its provider names as its successor.
    pub fn successor(self) -> Option<&'static str> {
        self.text(3)
    }

    /// Who made it, whoever serves it.
    pub fn developer(self) -> Option<&'static str> {
        self.text(5)
    }

    /// The line of models that it belongs to.
    pub fn family(self) -> Option<&'static str> {
        self.text(7)
    }

    /// The longest input, in tokens.
    pub fn context_tokens(self) -> Option<u64> {
        Some(self.catalog(9).into()).filter(|tokens| *tokens > 0)
    }

    /// The longest output, in tokens.
    pub fn output_tokens(self) -> Option<u64> {
        Some(self.catalog(10).into()).filter(|tokens| *tokens > 0)
    }
}

/// The work that a family of models is for, from the least to the most demanding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FamilyTier {
    /// Routing, extraction, summaries.
    Economy,
    /// Most work.
    Standard,
    /// Planning and research.
    Flagship,
}

#[cfg(test)]
mod tests;
