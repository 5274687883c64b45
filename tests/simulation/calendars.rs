//! Changes of the time zone and the tracked dimensions of one organization, whose days are then recomputed in the
//! background.

use chrono_tz::Tz;
use http::Method;
use ledger::calendar::{Calendar, Calendars};
use ledger::ids::OrgId;
use rand::RngExt;
use serde_json::json;
use store::keys::{self, Key, SEPARATOR};
use store::registry::SETTINGS;

use super::items::{self, RollupKind};
use super::messages::{CHANGING, ORGS, TRACKED};
use super::run::Run;
use crate::support::tables::names;

const ZONES: [Tz; 4] = [Tz::UTC, Tz::Asia__Kathmandu, Tz::America__Santiago, Tz::Pacific__Kiritimati];

const DIMENSIONS: [&[&str]; 2] = [&TRACKED, &["tag.customer", "region"]];

impl Run {
    /// The calendars of an organization as they are stored.
    pub fn calendars(&self, org: &OrgId) -> Calendars {
        let item = self.engine.item(&names().registry, &keys::calendar(org)).unwrap_or_default();
        let Some(stored) = item.get(SETTINGS) else { return Calendars::default() };
        let stored: serde_dynamo::AttributeValue =
            serde_json::from_value(serde_json::to_value(stored).unwrap()).unwrap();
        serde_dynamo::from_attribute_value(stored).unwrap()
    }

    /// The calendars by which an organization's rollups contain every event that the marks say they do.
    pub fn proved(&self, org: &OrgId) -> Vec<Calendar> {
        let calendars = self.calendars(org);
        let unproved = calendars.change.as_ref().map(|change| change.to.generation);
        [calendars.active].into_iter().filter(|active| Some(active.generation) != unproved).collect()
    }

    /// Whether a rollup is by UTC, or belongs to a calendar by which rollups are proved.
    pub fn is_proved(&self, key: &Key) -> bool {
        match items::kind(key) {
            RollupKind::ByUtc => true,
            RollupKind::ByDay(generation) => {
                let org = OrgId::new(key.pk.split(SEPARATOR).next().unwrap()).unwrap();
                self.proved(&org).iter().any(|calendar| calendar.generation == generation)
            }
        }
    }

    /// Whether the days of the organization have been recomputed as often as was asked for.
    pub fn is_settled(&self) -> bool {
        self.calendars(&changing()).is_settled()
    }

    /// Whether the aggregator has noted usage. Until then a change would take hundreds of queries.
    pub fn has_usage(&self) -> bool {
        let item = self.engine.item(&names().registry, &keys::organization(&changing()));
        item.as_ref().and_then(items::seen).is_some_and(|seen| !seen.months.is_empty())
    }

    pub fn change_zone(&mut self) {
        let zone = ZONES[self.rng.random_range(0..ZONES.len())];
        self.request_change(CHANGING, Method::PUT, "/api/organization".to_owned(), |process| {
            let dimensions = DIMENSIONS[usize::from(process.is_multiple_of(3))];
            Some(json!({ "name": format!("name {process}"), "timezone": zone.name(), "dimensions": dimensions }))
        });
    }

    /// Recomputes days, and deletes what is no longer used.
    pub fn settle_calendars(&mut self) {
        self.count("Rezoned");
        self.invoke_reconcile(json!({ "do": "calendars" }));
    }
}

/// The organization whose time zone changes.
fn changing() -> OrgId {
    OrgId::new(ORGS[CHANGING].0).unwrap()
}
