//! Turns a draft into an event: checks its times against the clock, assigns its day, and prices it.

use chrono::{DateTime, TimeDelta, Utc};
use ledger::draft::Draft;
use ledger::event::{Data, Event};
use ledger::ids::OrgId;
use ledger::settings::Settings;
use ledger::tags::Tags;
use web::error::{Fault, Loc};

use crate::data;
use crate::rejection::{Rejection, RejectionCode};

/// How far a sender's clock may run ahead.
pub const MAX_AHEAD: TimeDelta = TimeDelta::minutes(10);
/// Maximum age of an event, unless its sender may send older ones.
pub const MAX_AGE: TimeDelta = TimeDelta::days(35);
/// Days between the oldest event that may be backfilled and the oldest raw events. A late event has its day recomputed
/// from raw events, which must not expire before that is done.
const BEFORE_EXPIRY: u32 = 5;

/// Maximum age of an event whose sender has the scope `events:backfill`.
pub fn backfill_age(retention_days: u32) -> TimeDelta {
    TimeDelta::days(retention_days.saturating_sub(BEFORE_EXPIRY).into()).max(MAX_AGE)
}

/// The values that all events of a request are stamped with.
pub struct Stamp<'a> {
    pub org: &'a OrgId,
    pub settings: &'a Settings,
    /// When the request arrived.
    pub now: DateTime<Utc>,
    /// Maximum age of an event.
    pub max_age: TimeDelta,
    /// Tags of the API key, for events that do not set them themselves.
    pub tags: &'a Tags,
}

/// Stamps a draft, unless one of its times is outside the accepted window. `loc` is the prefix of its faults'
/// locations.
pub fn stamp(mut draft: Draft, loc: &[Loc], with: &Stamp<'_>) -> Result<Event, Rejection> {
    check_times(&draft, loc, with).map_err(|(code, fault)| Rejection {
        id: Some(draft.id.to_string()),
        code,
        detail: vec![fault],
    })?;
    if let Some(attribution) = draft.data.attribution_mut() {
        attribution.add_key_tags(with.tags);
    }
    Ok(draft.stamp(with.org, with.settings))
}

/// Checks that the event's time, and both ends of a compute sample, are recent enough to be accepted.
fn check_times(draft: &Draft, loc: &[Loc], with: &Stamp<'_>) -> Result<(), (RejectionCode, Fault)> {
    let Stamp { now, max_age, .. } = *with;
    let at =
        |path: &[&'static str]| loc.iter().cloned().chain(path.iter().map(|name| Loc::from(*name))).collect();
    check_time(now, draft.time, max_age, || at(&["time"]))?;
    if let Data::ComputeUsage(sample) = &draft.data {
        // A sample may begin up to its maximum length before it is reported.
        check_time(now, sample.from, max_age + data::MAX_SAMPLE, || at(&["data", "from"]))?;
        check_time(now, sample.end(), max_age, || at(&["data", "to"]))?;
    }
    Ok(())
}

fn check_time(
    now: DateTime<Utc>,
    time: DateTime<Utc>,
    max_age: TimeDelta,
    loc: impl FnOnce() -> Vec<Loc>,
) -> Result<(), (RejectionCode, Fault)> {
    if time > now + MAX_AHEAD {
        return Err((
            RejectionCode::InFuture,
            Fault::new(loc(), "in_future", "Time should be at most 10 minutes ahead"),
        ));
    }
    if time < now - max_age {
        let msg = format!("Time should be at most {} days back", max_age.num_days());
        return Err((RejectionCode::TooOld, Fault::new(loc(), "too_old", msg)));
    }
    Ok(())
}
