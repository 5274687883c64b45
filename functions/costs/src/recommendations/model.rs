//! Models in use and models that may be recommended.

use std::cmp::Reverse;

use ledger::pricing::data::Date;
use ledger::pricing::{FamilyTier, ModelEntry};

use super::prices::Prices;

/// A model of a provider, by the provider's id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModelId {
    pub provider: String,
    pub model: String,
}

impl ModelId {
    pub fn new(provider: &str, model: &str) -> Self {
        Self { provider: provider.to_owned(), model: model.to_owned() }
    }

    /// The model that `entry` is a snapshot of, or `entry` itself.
    pub fn base(entry: ModelEntry) -> Self {
        Self::new(entry.provider().id(), entry.priced_as().id())
    }
}

/// A model and its prices.
#[derive(Clone, Debug)]
pub struct Offer {
    pub id: ModelId,
    pub prices: Prices,
}

/// A model that agents use.
#[derive(Clone, Debug)]
pub struct InUse {
    /// The same for all snapshots and names of a model.
    pub base: ModelId,
    pub prices: Prices,
    /// Who made it; none: not known.
    pub developer: Option<&'static str>,
    pub family: Option<&'static str>,
    pub spelling: Spelling,
    pub takes_images: bool,
    /// The day from which it is no longer served, if one is set.
    pub retires_on: Option<Date>,
    /// The model of the book; none where only the organization knows it.
    pub entry: Option<ModelEntry>,
}

/// A model that may be recommended, whatever for.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub offer: Offer,
    /// The same for all snapshots of a model.
    pub base: ModelId,
    pub developer: Option<&'static str>,
    pub family: Option<&'static str>,
    pub tier: FamilyTier,
    pub spelling: Spelling,
    /// Maximum number of input tokens.
    pub max_input: u64,
    pub takes_images: bool,
    pub takes_audio: bool,
}

impl Candidate {
    /// Of candidates that cost the same the least is recommended: the model rather than a snapshot of it, the newest
    /// version, the shortest id.
    pub fn rank(&self) -> (bool, Reverse<Vec<u32>>, usize, &ModelId) {
        let id = &self.offer.id;
        (self.base != *id, Reverse(version(&id.model)), id.model.len(), id)
    }
}

/// The numbers in an id that make up its version. Dates are longer, and the `2` of `gv2` is no part of it.
fn version(id: &str) -> Vec<u32> {
    let parts = id.split(['-', '.', '@', ':']);
    let digits = |part: &str| part.chars().take_while(char::is_ascii_digit).count();
    let numbers = parts.filter_map(|part| part[..digits(part)].parse().ok());
    numbers.filter(|number| *number < 100).collect()
}

/// How the id of a model is spelled, apart from its name. A candidate is spelled like the model that it replaces, so that
/// an agent keeps the region and the kind of endpoint that it uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spelling {
    /// The geography in the id, such as `us` in `us.anthropic.claude-sonnet-5` or `eu` in `eu/gpt-4o`.
    geography: Option<String>,
    /// Whether the id has a path in front.
    has_path: bool,
}

const GEOGRAPHIES: [&str; 10] = ["us", "eu", "apac", "au", "jp", "ca", "in", "global", "us-gov", "regional"];

impl Spelling {
    /// The spelling of `id`, an id of the book. `sent` is the id that events have.
    pub fn of(id: &str, sent: &str) -> Self {
        Self { geography: geography(sent), has_path: id.contains('/') }
    }

    /// Whether a provider takes ids of this spelling: `regional` is the book's word for several geographies.
    pub fn can_be_called(&self) -> bool {
        self.geography.as_deref() != Some("regional")
    }
}

fn geography(id: &str) -> Option<String> {
    let parts = id.rsplit('/').map(|part| part.split('.').next().unwrap_or(part).to_ascii_lowercase());
    parts.into_iter().find(|part| GEOGRAPHIES.contains(&part.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        for (id, expected) in [
            ("claude-sonnet-5-5", &[5, 5][..]),
            ("anthropic.claude-haiku-4-5-20251001-v1:0", &[4, 5, 0]),
            ("grok-4.20-0309-reasoning-gv2", &[4, 20]),
            ("gpt-4o-2024-08-06", &[4, 8, 6]),
            ("o3", &[]),
        ] {
            assert_eq!(version(id), expected, "{id}");
        }
    }

    #[test]
    fn geographies_stand_in_front() {
        for (id, expected) in [
            ("us.anthropic.claude-sonnet-5", Some("us")),
            ("bedrock/US.anthropic.claude-sonnet-5", Some("us")),
            ("arn:aws:bedrock:us-east-1:1:inference-profile/eu.anthropic.claude-sonnet-5", Some("eu")),
            ("eu/gpt-4o", Some("eu")),
            ("anthropic.claude-sonnet-5", None),
            ("gpt-4.1", None),
            ("regional.anthropic.claude-sonnet-5", Some("regional")),
        ] {
            assert_eq!(geography(id).as_deref(), expected, "{id}");
        }
    }
}
