//! Stores later revisions of stored events.
//!
//! A revision becomes an amendment of the revision before it, at its own position after the event. As for events, one
//! write both claims the position and stores the amendment. So amendments form a chain in which each knows its
//! predecessor, and their differences always add up to the highest revision, in whatever order they arrive.

use std::mem::discriminant;

use chrono::{DateTime, Utc};
use ledger::event::Data;
use store::Events;
use store::error::Result;
use store::events::{Fingerprint, Inserted, RawEvent, StoredRevision};
use tokio::time::{Instant, sleep};

use crate::insert::{BACK_OFF, InsertOutcome, Insertion, jittered};

/// How often an event may be amended. Bounded because every revision reads all earlier ones.
pub const MAX_AMENDMENTS: usize = 100;

/// The time at which a request arrived, and how long its events are kept.
#[derive(Clone, Copy)]
pub struct Arrival {
    pub now: DateTime<Utc>,
    pub retention_days: u32,
}

/// Stores amendments until a deadline.
pub struct Amending<'a> {
    pub table: &'a Events,
    pub arrival: Arrival,
    pub deadline: Instant,
}

impl Amending<'_> {
    /// Stores a revision that is higher than that of the event stored under its key.
    pub async fn amend(&self, insertion: &Insertion) -> InsertOutcome {
        let (mut pause, mut tried) = (BACK_OFF, false);
        loop {
            match self.try_once(insertion, tried).await {
                Ok(Some(outcome)) => return outcome,
                // Another revision took the position: read the chain again.
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "could not store an amendment"),
            }
            tried = true;
            let wait = jittered(pause);
            if Instant::now() + wait >= self.deadline {
                return InsertOutcome::Unavailable;
            }
            sleep(wait).await;
            pause *= 2;
        }
    }

    async fn try_once(&self, insertion: &Insertion, tried: bool) -> Result<Option<InsertOutcome>> {
        let chain = self.table.revisions(&insertion.raw.key).await?;
        let own = insertion.raw.fingerprint;
        if let Some(same) = chain.iter().find(|stored| stored.fingerprint.revision == own.revision) {
            return Ok(Some(outcome_of_equal(same.fingerprint, own, tried)));
        }
        // The chain begins with the stored event, which this revision was compared with.
        let Some(StoredRevision { fingerprint, time, data }) = chain.last() else { return Ok(None) };
        if !chain.iter().all(|stored| is_amendable(&stored.data, &insertion.event.data)) {
            return Ok(Some(InsertOutcome::Conflict));
        }
        if fingerprint.revision > own.revision {
            return Ok(Some(InsertOutcome::Superseded));
        }
        if chain.len() > MAX_AMENDMENTS {
            return Ok(Some(InsertOutcome::AmendedTooOften));
        }
        let Arrival { now, retention_days } = self.arrival;
        let accepted =
            if insertion.event.time == *time { InsertOutcome::Accepted } else { InsertOutcome::TimeKept };
        let amendment = insertion.event.clone().amending(data, *time);
        let raw = RawEvent::new(&amendment, own.request, now, retention_days)?.at_position(chain.len(), own);
        let inserted = self.table.insert_events(&[&raw]).await?;
        Ok((inserted.first() == Some(&Inserted::Stored)).then_some(accepted))
    }
}

/// Whether `revision` may amend `stored`. Activities are listed and only the latest host report counts, so neither has
/// a contribution that could be subtracted. A revision of another type would be another event under the same id.
fn is_amendable(stored: &Data, revision: &Data) -> bool {
    let listed = matches!(stored, Data::AgentActivity(_) | Data::HostReport(_));
    let both = stored.in_force().zip(revision.in_force());
    !listed && both.is_none_or(|(stored, revision)| discriminant(stored) == discriminant(revision))
}

/// The outcome for a revision that is stored already, possibly by an attempt of this request whose response was lost.
fn outcome_of_equal(stored: Fingerprint, own: Fingerprint, tried: bool) -> InsertOutcome {
    match stored.hash == own.hash {
        false => InsertOutcome::Conflict,
        true if tried && stored.request == own.request => InsertOutcome::Accepted,
        true => InsertOutcome::Duplicate,
    }
}
