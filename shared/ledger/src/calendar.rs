//! Calendars: the time zone that an organization's days are cut in, and which generation of rollups is cut so.
//!
//! Raw events know nothing of time zones: their keys have the day of UTC, and rollups by day are cut from them by a
//! calendar. When an organization changes its time zone, or the dimensions that it tracks, a new generation of rollups is
//! built beside the old one, from raw events, and figures are shown by the new one once it is complete. Rollups of
//! different generations share no item, so no figure is ever a mixture.

mod tracked;

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::dimension::Dimension;
use crate::period::{Day, DayRange, oldest_repriced_day};
pub use tracked::TrackedDimensions;

/// The most generations that wait for their deletion. A time zone, or a list of dimensions, that was changed so often cannot
/// be changed again until some of them are gone.
const MAX_RETIRED: usize = 50;

/// Numbers the calendars of an organization, from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(u32);

impl Generation {
    /// The first one.
    pub const FIRST: Self = Self(0);

    /// The generation with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// The one after this.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How days are cut, and the generation of rollups that are cut so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// The generation.
    pub generation: Generation,
    /// The time zone.
    pub zone: Tz,
    /// The first day of which there are raw events, if the organization is older than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<CalendarStart>,
}

/// Where a calendar begins that continues an earlier one: the days before are those of the earlier one, copied, since
/// their raw events have expired. The first day may be longer or shorter than others, by the difference of the zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarStart {
    /// The first day.
    pub day: Day,
    /// When that day begins in the earlier calendar.
    pub instant: DateTime<Utc>,
}

impl Default for Calendar {
    fn default() -> Self {
        Self { generation: Generation::FIRST, zone: Tz::UTC, since: None }
    }
}

impl Calendar {
    /// The day of an instant; none before the calendar begins.
    pub fn day(&self, instant: DateTime<Utc>) -> Option<Day> {
        let day = Day::of(instant, self.zone);
        match self.since {
            Some(since) if instant < since.instant => None,
            Some(since) => Some(day.max(since.day)),
            None => Some(day),
        }
    }

    /// The days of UTC that a day overlaps, unless the calendar begins with it.
    pub fn overlapped(&self, day: Day) -> DayRange {
        let last = day.next().start(self.zone) - TimeDelta::milliseconds(1);
        DayRange { first: Day::of(day.start(self.zone), Tz::UTC), last: Day::of(last, Tz::UTC) }
    }

    /// The days of UTC whose raw events a day's rollups are made of: those that it overlaps, and the one with the same
    /// date, to which the rollups by hour belong.
    pub fn utc_days(&self, day: Day) -> DayRange {
        let DayRange { first, last } = self.overlapped(day);
        let since = self.since.filter(|since| since.day == day);
        let since = since.map_or(first, |since| Day::of(since.instant, Tz::UTC));
        DayRange { first: first.min(since).min(day), last: last.max(day) }
    }

    /// The days whose rollups may contain an event of a day of UTC.
    pub fn days_of_utc(&self, utc: Day) -> DayRange {
        let of = |instant| Day::of(instant, self.zone);
        let last = utc.next().start(Tz::UTC) - TimeDelta::milliseconds(1);
        DayRange { first: of(utc.start(Tz::UTC)).min(utc), last: of(last).max(utc) }
    }
}

/// The calendars of an organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendars {
    /// The calendar that figures are shown by.
    pub active: Calendar,
    /// The dimensions that the rollups of the active calendar tell apart.
    #[serde(default = "TrackedDimensions::none")]
    pub tracked: TrackedDimensions,
    /// Whether every event that was stored before the active calendar was chosen is known to be in its rollups.
    #[serde(default)]
    unproved: bool,
    /// The rollups that are being built.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<CalendarChange>,
    /// Generations whose rollups are to be deleted, each with the time from which nobody needed them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<(Generation, DateTime<Utc>)>,
    /// The last generation that was given out.
    #[serde(default)]
    last: Generation,
}

/// A change of the time zone or of the tracked dimensions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarChange {
    /// The calendar whose rollups are built. It is the active one already if there was no usage when the change was
    /// requested.
    pub to: Calendar,
    /// The dimensions that its rollups tell apart.
    #[serde(default = "TrackedDimensions::none")]
    pub tracked: TrackedDimensions,
    /// When it was requested.
    pub requested: DateTime<Utc>,
    /// How far it is; none before it was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<CalendarBuild>,
}

impl CalendarChange {
    fn has_built(&self, day: Day) -> bool {
        self.build.as_ref().is_some_and(|build| !build.left().contains(day))
    }
}

/// The progress of building a generation of rollups, day by day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarBuild {
    /// When it was begun. Every event that the aggregator has not added to this generation had arrived before.
    pub started: DateTime<Utc>,
    /// The first day to be built.
    pub first: Day,
    /// The last day to be built. Whatever happens later is added by the aggregator.
    pub last: Day,
    /// The last day that is built.
    pub done: Option<Day>,
    /// Until when one run builds exclusively.
    pub leased_until: DateTime<Utc>,
}

impl CalendarBuild {
    /// The days that are still to be built.
    pub fn left(&self) -> DayRange {
        DayRange { first: self.done.map_or(self.first, Day::next), last: self.last }
    }

    /// How many days are built, and how many there are.
    pub fn days(&self) -> (usize, usize) {
        let all = DayRange { first: self.first, last: self.last }.days().count();
        (all - self.left().days().count(), all)
    }
}

/// Why the time zone or the dimensions cannot be changed just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("The time zone or the dimensions were changed too often within the hour; try again later.")]
pub struct TooManyChanges;

impl Calendars {
    /// The calendars whose rollups the aggregator adds to.
    pub fn live(&self) -> Vec<Calendar> {
        let next = self.change.as_ref().map(|change| change.to);
        let next = next.filter(|next| next.generation != self.active.generation);
        [self.active].into_iter().chain(next).collect()
    }

    /// The live calendars by which the rollups of a day contain every event and can be recomputed, and whether no other
    /// rollups of the day are being built.
    pub fn complete(&self, day: Day) -> (Vec<Calendar>, bool) {
        let unbuilt = self.change.as_ref().filter(|change| !change.has_built(day)).map(|change| change.to);
        let live = self.live();
        let mut complete = live.clone();
        complete.retain(|calendar| Some(calendar.generation) != unbuilt.map(|unbuilt| unbuilt.generation));
        let all = complete.len() == live.len();
        // Earlier days are copies, and the aggregator adds nothing to them.
        complete.retain(|calendar| calendar.since.is_none_or(|since| since.day <= day));
        (complete, all)
    }

    /// The oldest day of UTC whose events can be repriced: neither they, nor others of the days that contain them, may
    /// have expired, and no such day may be a copy.
    pub fn oldest_repriced_day(&self, today: Day, retention_days: u32) -> Day {
        let since = self.live().into_iter().filter_map(|calendar| calendar.since);
        since.map(|since| since.day.next()).fold(oldest_repriced_day(today, retention_days), Day::max)
    }

    /// The time zone that was asked for.
    pub fn wanted_zone(&self) -> Tz {
        self.change.as_ref().map_or(self.active.zone, |change| change.to.zone)
    }

    /// The dimensions that were asked for.
    pub fn wanted_dimensions(&self) -> &TrackedDimensions {
        self.change.as_ref().map_or(&self.tracked, |change| &change.tracked)
    }

    /// The dimensions that the rollups of a live generation tell apart; none of any other.
    pub fn tracked_in(&self, generation: Generation) -> TrackedDimensions {
        let building = self.change.as_ref().filter(|change| change.to.generation == generation);
        match building {
            Some(change) => change.tracked.clone(),
            None if generation == self.active.generation => self.tracked.clone(),
            None => TrackedDimensions::none(),
        }
    }

    /// Whether a time zone and dimensions are those that were asked for last.
    pub fn are_wanted(&self, zone: Tz, dimensions: &[Dimension]) -> bool {
        zone == self.wanted_zone() && self.wanted_dimensions().are(dimensions)
    }

    /// Requests another time zone or other dimensions. If there is no usage, figures are shown by them at once; events that
    /// arrive at this very moment are added by the build.
    pub fn request(
        &mut self,
        zone: Tz,
        dimensions: &[Dimension],
        now: DateTime<Utc>,
        unused: bool,
    ) -> Result<(), TooManyChanges> {
        if self.are_wanted(zone, dimensions) {
            return Ok(());
        }
        if self.retired.len() >= MAX_RETIRED {
            return Err(TooManyChanges);
        }
        if let Some(canceled) =
            self.change.take().filter(|change| change.to.generation != self.active.generation)
        {
            self.retired.push((canceled.to.generation, now));
        }
        let (to, tracked) = if zone == self.active.zone && self.tracked.are(dimensions) {
            (self.active, self.tracked.clone())
        } else {
            self.last = self.last.next();
            let to = Calendar { generation: self.last, zone, since: None };
            (to, TrackedDimensions::new(dimensions))
        };
        if to.generation == self.active.generation && !self.unproved {
            return Ok(());
        }
        if unused && to.generation != self.active.generation {
            self.retired.push((self.active.generation, now));
            (self.active, self.tracked, self.unproved) = (to, tracked.clone(), true);
        }
        self.change = Some(CalendarChange { to, tracked, requested: now, build: None });
        Ok(())
    }

    /// Shows figures by the calendar whose rollups are complete.
    pub fn finish(&mut self, now: DateTime<Utc>) {
        let Some(change) = self.change.take() else { return };
        if change.to.generation != self.active.generation {
            self.retired.push((self.active.generation, now));
        }
        (self.active, self.tracked, self.unproved) = (change.to, change.tracked, false);
    }

    /// Whether nothing is left to be done.
    pub fn is_settled(&self) -> bool {
        self.change.is_none() && self.retired.is_empty()
    }
}

#[cfg(test)]
mod tests;
