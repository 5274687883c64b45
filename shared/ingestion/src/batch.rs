//! The events of a request: validates, stamps and stores each, and collects the outcomes.

use std::time::Duration;

use chrono::{DateTime, Utc};
use http::StatusCode;
use lambda_http::Context as LambdaContext;
use ledger::event::{Data, Event};
use ledger::ids::{ModelKey, Name, OrgId};
use ledger::money::Usd;
use ledger::settings::Settings;
use ledger::tags::Tags;
use runtime::metrics::Metric;
use serde::Serialize;
use serde_json::value::RawValue;
use store::Events;
use store::events::RawEvent;
use tokio::time::Instant;
use web::error::{Error, Fault, Loc, Result};

use crate::amend::{Arrival, MAX_AMENDMENTS};
use crate::envelope;
use crate::insert::{self, InsertOutcome, Insertion};
use crate::rejection::{Rejected, Rejection, RejectionCode, Warning};
use crate::stamp::{MAX_AGE, Stamp, backfill_age, stamp};
use crate::work::{MAX_PROJECT_HOURS, Work};

/// Time to store the events of a request when the Lambda context sets no deadline.
const TIME_TO_STORE: Duration = Duration::from_secs(8);
/// Time reserved for the response.
const TIME_TO_RESPOND: Duration = Duration::from_secs(1);
/// Warnings listed in a response.
const MAX_WARNINGS: usize = 1_000;
/// Faults listed in a response, except that each event keeps at least one. All the faults of 500 events would not fit
/// into a Lambda response.
const MAX_FAULTS: usize = 1_000;

/// The context that all events of a request share.
pub struct Batch<'a> {
    pub table: &'a Events,
    pub org: &'a OrgId,
    pub settings: &'a Settings,
    /// Tags of the API key that the request was made with.
    pub tags: &'a Tags,
    /// When the request arrived.
    pub now: DateTime<Utc>,
    pub retention_days: u32,
    /// Whether events may be as old as the oldest that are kept.
    pub is_backfill: bool,
    /// Events that are not stored by then are unavailable.
    pub deadline: Instant,
}

/// An event of a request.
pub struct Entry<'a> {
    /// Position in the request, from 0.
    pub index: usize,
    pub json: &'a RawValue,
    /// The prefix of its faults' locations.
    pub loc: Vec<Loc>,
    /// The cost of its call in US dollars, used if the event itself states none.
    pub cost: Option<Usd>,
}

/// The outcome of each event.
#[derive(Debug, Default, Serialize)]
pub struct Results {
    /// Stored by this request.
    pub accepted: usize,
    /// Already stored with the same content.
    pub duplicates: usize,
    /// Not stored, each with its reasons.
    pub rejected: Vec<Rejected>,
    /// What was left out of accepted events, and what looks wrong in them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// The outcome of each event, for statistics.
    #[serde(skip)]
    pub outcomes: Vec<EntryOutcome>,
}

/// The outcome of one event.
#[derive(Debug)]
pub struct EntryOutcome {
    /// Position in the request, from 0.
    pub index: usize,
    /// The event's `source`, if it has a valid one.
    pub source: Option<Name>,
    pub kind: OutcomeKind,
    pub warnings: u64,
    /// Its call, if it was accepted and has a price.
    pub priced: Option<PricedCall>,
}

/// The cost of a call, by the price book or the organization's own prices.
#[derive(Debug)]
pub struct PricedCall {
    pub model: ModelKey,
    pub cost: Usd,
}

/// The kind of an outcome, and for accepted events whether they are calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutcomeKind {
    Accepted {
        is_call: bool,
        is_unpriced: bool,
    },
    Duplicate,
    /// Refused, for this reason.
    Refused(&'static str),
}

impl Batch<'_> {
    /// The time until which a request that started at `started` may store events.
    pub fn deadline(started: Instant, context: Option<&LambdaContext>) -> Instant {
        started + context.map_or(TIME_TO_STORE, time_to_store)
    }

    /// Stores the valid events. An error means that none was stored, and that a retry may help.
    pub async fn store(&self, entries: impl IntoIterator<Item = Entry<'_>>) -> Result<Results> {
        let max_age = if self.is_backfill { backfill_age(self.retention_days) } else { MAX_AGE };
        let Self { org, settings, now, tags, .. } = *self;
        let stamps = Stamp { org, settings, now, max_age, tags };
        let request = rand::random();
        let mut results = Results::default();
        let (mut insertions, mut places) = (Vec::new(), Vec::new());
        for Entry { index, json, loc, cost } in entries {
            let parsed = envelope::parse(json, &loc).and_then(|(mut draft, warned)| {
                if let Data::LlmCall(call) = &mut draft.data {
                    call.cost_usd = call.cost_usd.or(cost);
                }
                Ok((stamp(draft, &loc, &stamps)?, warned))
            });
            match parsed {
                Ok((event, warned)) => {
                    let warnings = warned.len() as u64;
                    results.warnings.extend(warned.into_iter().map(|fault| Warning { index, fault }));
                    let raw = RawEvent::new(&event, request, self.now, self.retention_days)?;
                    places.push(Place { index, warnings, loc });
                    insertions.push(Insertion { event, raw });
                }
                Err(rejection) => {
                    let (source, kind) = (source_of(json), OutcomeKind::Refused(reason(&rejection)));
                    results.outcomes.push(EntryOutcome { index, source, kind, warnings: 0, priced: None });
                    results.rejected.push(Rejected::new(index, rejection));
                }
            }
        }
        let arrival = Arrival { now: self.now, retention_days: self.retention_days };
        let outcomes = self.insert(&insertions, arrival).await;
        let unavailable = results.count(&outcomes);
        if results.accepted + results.duplicates == 0 && unavailable > 0 {
            return Err(Error::Unavailable("no event could be stored".to_owned()));
        }
        for ((Place { index, warnings, loc }, outcome), insertion) in
            places.into_iter().zip(outcomes).zip(insertions)
        {
            let Event { id, source, data, .. } = insertion.event;
            let kind = outcome_kind(outcome, &data);
            let priced = outcome.is_accepted().then(|| priced_call(data)).flatten();
            if outcome == InsertOutcome::TimeKept {
                results.warnings.push(Warning { index, fault: time_kept(&loc) });
            }
            results.outcomes.push(EntryOutcome { index, source: Some(source), kind, warnings, priced });
            results.rejected.extend(refusal(index, id.to_string(), loc, outcome));
        }
        results.rejected.sort_by_key(|rejected| rejected.index);
        results.warnings.truncate(MAX_WARNINGS);
        limit_faults(&mut results.rejected);
        Ok(results)
    }

    /// Stores events up to the work that one request may cause. Events that were stored before cause none, so that a
    /// sender that repeats the whole request gets further each time.
    async fn insert(&self, insertions: &[Insertion], arrival: Arrival) -> Vec<InsertOutcome> {
        let mut outcomes = vec![InsertOutcome::TooMuchWork; insertions.len()];
        let (mut work, mut pending) = (Work::default(), (0..insertions.len()).collect::<Vec<_>>());
        loop {
            let mut planned = work.clone();
            let (now, later): (Vec<_>, Vec<_>) =
                pending.into_iter().partition(|i| planned.take(&insertions[*i].event));
            if now.is_empty() {
                return outcomes;
            }
            let some: Vec<_> = now.iter().map(|i| &insertions[*i]).collect();
            let inserted = insert::insert(self.table, &some, arrival, self.deadline).await;
            for (i, outcome) in now.into_iter().zip(inserted) {
                outcomes[i] = outcome;
                if outcome.is_accepted() || outcome == InsertOutcome::Unavailable {
                    work.take(&insertions[i].event);
                }
            }
            pending = later;
        }
    }
}

impl Results {
    /// The status of the response. If nothing was accepted and an event is malformed, it is an error, for senders that
    /// only look at the status.
    pub fn status(&self) -> StatusCode {
        let is_malformed =
            |rejected: &Rejected| matches!(rejected.code, RejectionCode::Invalid | RejectionCode::Reserved);
        if self.accepted + self.duplicates == 0 && self.rejected.iter().any(is_malformed) {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::OK
        }
    }

    /// Counts accepted and duplicate events, here and in the metrics. Returns the number of unavailable ones.
    fn count(&mut self, outcomes: &[InsertOutcome]) -> usize {
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        self.accepted = outcomes.iter().filter(|outcome| outcome.is_accepted()).count();
        self.duplicates = count(InsertOutcome::Duplicate);
        let unavailable = count(InsertOutcome::Unavailable);
        Metric::Accepted.count(self.accepted);
        Metric::Duplicates.count(self.duplicates);
        Metric::Unavailable.count(unavailable);
        let taken = self.accepted + self.duplicates + unavailable;
        Metric::Rejected.count(self.rejected.len() + outcomes.len() - taken);
        unavailable
    }
}

/// The position of an event in its request.
struct Place {
    index: usize,
    warnings: u64,
    loc: Vec<Loc>,
}

/// The source of an event that is malformed in other places.
fn source_of(json: &RawValue) -> Option<Name> {
    #[derive(serde::Deserialize)]
    struct Envelope {
        source: Name,
    }
    serde_json::from_str::<Envelope>(json.get()).ok().map(|envelope| envelope.source)
}

/// The reason for the statistics: the code, or the first fault of a malformed event.
fn reason(rejection: &Rejection) -> &'static str {
    let first = rejection.detail.first().map_or("invalid", |fault| fault.kind);
    if rejection.code == RejectionCode::Reserved { "reserved" } else { first }
}

fn outcome_kind(outcome: InsertOutcome, data: &Data) -> OutcomeKind {
    match outcome {
        InsertOutcome::Accepted | InsertOutcome::TimeKept => {
            let call = match data {
                Data::LlmCall(call) => Some(call),
                _ => None,
            };
            let is_unpriced = call.is_some_and(|call| call.cost.is_unpriced());
            OutcomeKind::Accepted { is_call: call.is_some(), is_unpriced }
        }
        InsertOutcome::Duplicate => OutcomeKind::Duplicate,
        InsertOutcome::Conflict => OutcomeKind::Refused("conflict"),
        InsertOutcome::Superseded => OutcomeKind::Refused("superseded"),
        InsertOutcome::AmendedTooOften => OutcomeKind::Refused("too_many_revisions"),
        InsertOutcome::Unavailable => OutcomeKind::Refused("unavailable"),
        InsertOutcome::TooMuchWork => OutcomeKind::Refused("too_much_compute"),
    }
}

fn time_kept(loc: &[Loc]) -> Fault {
    let loc = [loc, &["time".into()]].concat();
    Fault::new(
        loc,
        "time_kept",
        "A revision does not change an event's time, which stays that of the first stored revision",
    )
}

fn priced_call(data: Data) -> Option<PricedCall> {
    let Data::LlmCall(call) = data else { return None };
    let is_compared = call.cost_usd.is_none() && !call.cost.is_unpriced();
    is_compared.then(|| PricedCall {
        model: ModelKey { provider: call.provider.into(), model: call.model.into() },
        cost: call.cost.total(),
    })
}

fn limit_faults(rejected: &mut [Rejected]) {
    let mut left = MAX_FAULTS.saturating_sub(rejected.len());
    for Rejected { detail, .. } in rejected {
        let more = detail.len().saturating_sub(1).min(left);
        detail.truncate(1 + more);
        left -= more;
    }
}

fn time_to_store(context: &LambdaContext) -> Duration {
    let left = context.deadline().duration_since(std::time::SystemTime::now()).unwrap_or_default();
    left.saturating_sub(TIME_TO_RESPOND).min(TIME_TO_STORE)
}

fn refusal(index: usize, id: String, mut loc: Vec<Loc>, outcome: InsertOutcome) -> Option<Rejected> {
    let (code, kind, msg) = match outcome {
        InsertOutcome::Accepted | InsertOutcome::TimeKept | InsertOutcome::Duplicate => return None,
        InsertOutcome::Conflict => {
            let msg = "An event with this source, id, day and revision is stored with other content";
            (RejectionCode::Conflict, "conflict", msg.to_owned())
        }
        InsertOutcome::Superseded => {
            let msg = "A higher revision of this event is stored";
            (RejectionCode::Superseded, "superseded", msg.to_owned())
        }
        InsertOutcome::AmendedTooOften => {
            let msg = format!("An event should be amended at most {MAX_AMENDMENTS} times");
            (RejectionCode::Conflict, "too_many_revisions", msg)
        }
        InsertOutcome::Unavailable => (
            RejectionCode::Unavailable,
            "unavailable",
            "The event could not be stored at this time".to_owned(),
        ),
        InsertOutcome::TooMuchWork => {
            let msg = format!(
                "The compute samples of a request should touch at most {MAX_PROJECT_HOURS} hours of projects; send this one in \
                 another request"
            );
            (RejectionCode::Unavailable, "too_much_compute", msg)
        }
    };
    loc.push("id".into());
    let detail = vec![Fault::new(loc, kind, msg)];
    Some(Rejected::new(index, Rejection { id: Some(id), code, detail }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_keeps_a_fault_and_a_response_has_a_thousand() {
        let fault = || Fault::new(vec!["body".into()], "extra_forbidden", "Field is not known");
        let rejected = |faults: usize| {
            let detail = (0..faults).map(|_| fault()).collect();
            Rejected::new(0, Rejection { id: None, code: RejectionCode::Invalid, detail })
        };
        for (given, kept) in [
            (vec![50; 10], vec![50; 10]),
            (vec![50; 21], [vec![50; 19], vec![50, 0]].concat()),
            (vec![3; 500], [vec![3; 250], vec![1; 250]].concat()),
            (vec![1; 500], vec![1; 500]),
        ] {
            let mut all: Vec<_> = given.iter().map(|faults| rejected(*faults)).collect();
            limit_faults(&mut all);
            let lengths: Vec<_> = all.iter().map(|rejected| rejected.detail.len()).collect();
            assert_eq!(
                lengths.iter().sum::<usize>(),
                kept.iter().sum::<usize>().min(MAX_FAULTS),
                "{lengths:?}"
            );
            assert!(lengths.iter().all(|length| *length > 0));
        }
    }
}
