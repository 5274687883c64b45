//! Counts the outcomes of a request's events by source.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ledger::ids::OrgId;
use store::Sources;
use store::sources::{OTHER, SourceCounter, SourceReport};

use crate::{EntryOutcome, OutcomeKind};

/// The sources of a request that are counted separately, because each costs a write. The others are counted together.
const MAX_SOURCES: usize = 8;

/// The reports of a request, by source.
#[derive(Debug, Default)]
pub struct SourceReports {
    kind: &'static str,
    by_source: BTreeMap<String, SourceReport>,
}

impl SourceReports {
    /// Empty reports, for senders of one format.
    pub fn new(kind: &'static str) -> Self {
        Self { kind, by_source: BTreeMap::new() }
    }

    /// The report of a source.
    pub fn of(&mut self, source: &str) -> &mut SourceReport {
        let is_known = self.by_source.contains_key(source);
        let source = if is_known || self.by_source.len() < MAX_SOURCES { source } else { OTHER };
        let new = || SourceReport { kind: self.kind.to_owned(), ..SourceReport::default() };
        self.by_source.entry(source.to_owned()).or_insert_with(new)
    }

    /// Counts the outcome of an event of `source`.
    pub fn add(&mut self, source: &str, outcome: &EntryOutcome) {
        let report = self.of(source);
        match outcome.kind {
            OutcomeKind::Accepted { is_call, is_unpriced } => {
                report.count(SourceCounter::Accepted, 1);
                report.count(SourceCounter::Calls, is_call.into());
                report.count(SourceCounter::Unpriced, is_unpriced.into());
                report.count(SourceCounter::Warnings, outcome.warnings);
            }
            OutcomeKind::Duplicate => report.count(SourceCounter::Duplicates, 1),
            OutcomeKind::Refused(reason) => report.refuse(reason),
        }
    }

    /// Stores the reports. A failure loses counts but no event, so it is only logged.
    pub async fn store(self, sources: &Sources, org: &OrgId, now: DateTime<Utc>) {
        let writes = self.by_source.into_iter().map(async |(source, report)| {
            if let Err(error) = sources.record(org, &source, report, now).await {
                tracing::warn!(%error, "could not store the counts of a source");
            }
        });
        futures::future::join_all(writes).await;
    }
}
