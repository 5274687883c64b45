//! Recommendations for one agent.

use std::collections::BTreeSet;

use ledger::ids::ModelKey;
use ledger::period::{Day, DayRange};
use ledger::pricing::Book;

use super::catalog::Catalog;
use super::choice::{CallCounts, CallsByModel, Current, DAYS, Saving};
use super::history::{History, ModelUsage};
use super::model::Offer;
use super::tier;
use super::token_mix::TokenMix;

/// Why a change is recommended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// Another model costs less.
    Saving,
    /// The current model is retired or retires soon.
    Retiring,
}

/// A recommended change.
#[derive(Clone, Debug)]
pub struct Advice<'h> {
    pub from: &'h ModelKey,
    /// First day of use in the window.
    pub since: Day,
    pub current: Current,
    pub to: Offer,
    /// The agent's calls of the recommended model.
    pub tried: Option<CallCounts>,
    pub reason: Reason,
    /// None if not all of the agent's tokens have a price there.
    pub saving: Option<Saving>,
}

/// The id of a provider in the price book, or its name in lower case.
pub fn provider_id(name: &str) -> String {
    Book::builtin()
        .provider(name)
        .map_or_else(|| name.to_ascii_lowercase(), |provider| provider.id().to_owned())
}

/// The recommendations for one agent. `everywhere` are the providers that may be recommended, if not only the one in
/// use.
pub fn advise<'h>(
    history: &'h History,
    catalog: &Catalog<'_>,
    everywhere: Option<&BTreeSet<String>>,
    today: Day,
) -> Vec<Advice<'h>> {
    let needed = tier::needed(history.calls, &history.calls_by_task_type);
    let tried = tried(history, catalog);
    let advice = |(from, used): (&'h ModelKey, &ModelUsage)| {
        let current = Current {
            model: catalog.in_use(from)?,
            mix: TokenMix::of(&used.sums),
            calls: CallCounts { requests: used.sums.requests, errors: used.sums.errors },
            recorded: used.sums.cost,
            days: days_since(used.first, today),
            needed,
            any_developer: everywhere.is_some(),
        };
        let own = BTreeSet::from([provider_id(&from.provider)]);
        let (to, reason, saving) = change(&current, catalog, everywhere.unwrap_or(&own), &tried)?;
        let tried = Catalog::base_of(&to.id).and_then(|base| tried.get(&base)).copied();
        Some(Advice { from, since: used.first, current, to, tried, reason, saving })
    };
    history.models.iter().filter_map(advice).collect()
}

/// The model to change to: the one that saves most; if none saves enough and the current one retires, its successor.
fn change(
    current: &Current,
    catalog: &Catalog<'_>,
    providers: &BTreeSet<String>,
    tried: &CallsByModel,
) -> Option<(Offer, Reason, Option<Saving>)> {
    let is_retiring = catalog.is_retiring(current.model.retires_on);
    let reason = if is_retiring { Reason::Retiring } else { Reason::Saving };
    if let Some((best, saving)) = current.best(catalog.candidates(providers), tried) {
        return Some((best.offer.clone(), reason, Some(saving)));
    }
    if !is_retiring {
        return None;
    }
    if let Some(successor) = catalog.successor(&current.model) {
        let saving = current.saving(&successor);
        return Some((successor, reason, saving));
    }
    let (next, saving) = current.replacement(catalog.candidates(providers), tried)?;
    Some((next.offer.clone(), reason, Some(saving)))
}

/// The agent's calls of each model that has a price.
fn tried(history: &History, catalog: &Catalog<'_>) -> CallsByModel {
    let mut tried = CallsByModel::new();
    for (key, used) in &history.models {
        if let Some(model) = catalog.in_use(key) {
            let calls = tried.entry(model.base).or_default();
            calls.requests += used.sums.requests;
            calls.errors += used.sums.errors;
        }
    }
    tried
}

/// Number of days from `first` to `today`, both included.
fn days_since(first: Day, today: Day) -> u32 {
    let days = DayRange { first, last: today }.days().count();
    u32::try_from(days).unwrap_or(DAYS).clamp(1, DAYS)
}
