//! Repricing entries and figures as responses show them.

use chrono_tz::Tz;
use ledger::money::Number;
use ledger::period::{Day, rfc3339};
use ledger::repricing::RepricingFigures;
use serde::Serialize;
use store::repricing::{Repricing, RepricingStatus};

use crate::response::Versioned;

/// The costs before and after repricing.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    requests: u64,
    stamped_unpriced_requests: u64,
    unpriced_requests: u64,
    stamped_cost: Number,
    repriced_cost: Number,
    difference: Number,
}

impl Figures {
    pub fn of(figures: &RepricingFigures) -> Self {
        Self {
            requests: figures.requests,
            stamped_unpriced_requests: figures.stamped_unpriced,
            unpriced_requests: figures.unpriced,
            stamped_cost: Number::usd(figures.stamped_cost),
            repriced_cost: Number::usd(figures.cost),
            difference: Number::usd(figures.difference()),
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    id: String,
    dry_run: bool,
    status: RepricingStatus,
    who: String,
    requested_at: String,
    why: Option<String>,
    from: Day,
    to: Day,
    timezone: Tz,
    provider: Option<String>,
    model: Option<String>,
    applied_through: Option<Day>,
    withdrawn_through: Option<Day>,
    /// Figures of the days up to `applied_through`.
    result: Figures,
}

pub fn entry(repricing: Repricing) -> Versioned<Entry> {
    let through = |utc_day: Option<Day>| utc_day.and_then(|utc_day| repricing.settings.done(utc_day));
    let (applied_through, withdrawn_through) = (through(repricing.applied), through(repricing.withdrawn));
    let entry = Entry {
        id: repricing.id,
        dry_run: false,
        status: repricing.status,
        who: repricing.settings.who,
        requested_at: rfc3339(repricing.settings.at),
        why: repricing.settings.why,
        from: repricing.settings.from,
        to: repricing.settings.to,
        timezone: repricing.settings.zone,
        provider: repricing.settings.provider,
        model: repricing.settings.model,
        applied_through,
        withdrawn_through,
        result: Figures::of(&repricing.figures),
    };
    Versioned::with_etag(entry, repricing.etag)
}
