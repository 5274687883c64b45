//! Delivering one organisation's alerts: each outlet takes them one after the other, all outlets at the same time.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures::future::join_all;
use ledger::alert::Verdict;
use ledger::alert::{AlertKey, DeliveryState, Outlet, Status};
use ledger::ids::OrgId;
use runtime::clock::Clock;
use store::Store;
use store::alerts::{Alert, Change};
use store::error::{Error, Result};
use tokio::sync::Mutex;

use crate::metrics::Counts;
use crate::outlets::{Destinations, Outlets, Undelivered, host};
use crate::time::Time;

/// Attempts at storing what became of a delivery; each further one is made since somebody else wrote the alert.
const ATTEMPTS: u32 = 5;

/// Delivers one organisation's alerts.
pub struct Deliverer<'a> {
    /// The tables.
    pub store: &'a Store,
    /// Where they go.
    pub outlets: &'a Outlets,
    /// What signatures are stamped by.
    pub clock: &'a Clock,
    /// Whose alerts.
    pub org: &'a OrgId,
    /// Its webhooks.
    pub destinations: &'a Destinations,
    /// The run's time.
    pub time: Time,
    /// The same, by the clock.
    pub lease: DateTime<Utc>,
}

/// An alert that several outlets work on.
struct Shared {
    alert: Alert,
    /// Outlets of this run that have not been tried yet.
    open: usize,
}

impl Deliverer<'_> {
    /// Delivers what was decided just now, and what is left of earlier runs: what it came to, also where something of it
    /// failed, and why that did.
    pub async fn deliver(&self, fresh: Vec<Alert>, due: &[AlertKey]) -> (Counts, Option<Error>) {
        let (mut alerts, mut faults) = self.claim(due).await;
        alerts.extend(fresh);
        let now = self.clock.now();
        let mut lanes: BTreeMap<Outlet, Vec<usize>> = BTreeMap::new();
        let mut shared = Vec::with_capacity(alerts.len());
        for (nth, alert) in alerts.into_iter().enumerate() {
            let outlets = alert.deliveries.iter().filter(|delivery| delivery.is_due(now));
            let outlets: Vec<_> = outlets.map(|delivery| delivery.outlet.clone()).collect();
            let open = outlets.len();
            for outlet in outlets {
                lanes.entry(outlet).or_default().push(nth);
            }
            shared.push(Mutex::new(Shared { alert, open }));
        }
        let lanes = lanes.iter().map(|(outlet, alerts)| self.lane(outlet, alerts, &shared));
        let mut counts = Counts::default();
        // All lanes end before a fault is told: nothing that can be delivered is cut off by what cannot.
        for (of_lane, fault) in join_all(lanes).await {
            counts += of_lane;
            faults.extend(fault);
        }
        (counts, faults.into_iter().next())
    }

    /// What is left of earlier runs and due now, and is nobody else's until this run is over.
    async fn claim(&self, due: &[AlertKey]) -> (Vec<Alert>, Vec<Error>) {
        let (known, mut faults) = match self.store.alerts_under(self.org, due).await {
            Ok(known) => known,
            Err(fault) => return (Vec::new(), vec![fault]),
        };
        let mut claimed = Vec::new();
        for alert in known {
            match self.claim_one(alert).await {
                Ok(alert) => claimed.extend(alert),
                Err(fault) => faults.push(fault),
            }
        }
        (claimed, faults)
    }

    async fn claim_one(&self, mut alert: Alert) -> Result<Option<Alert>> {
        let now = self.clock.now();
        if Status::of(&alert.deliveries) != Status::Pending {
            // Nothing is left of it, however it came to be listed.
            return self.store.write_alert(&mut alert, Change::Done).await.map(|_| None);
        }
        if alert.is_leased(now) || alert.deliveries.iter().all(|delivery| !delivery.is_due(now)) {
            return Ok(None);
        }
        alert.lease = Some(self.lease);
        Ok(self.store.write_alert(&mut alert, Change::Kept).await?.then_some(alert))
    }

    /// One outlet's alerts, oldest first. When it does not answer, it is left alone for the rest of the run.
    async fn lane(
        &self,
        outlet: &Outlet,
        alerts: &[usize],
        shared: &[Mutex<Shared>],
    ) -> (Counts, Option<Error>) {
        let mut counts = Counts::default();
        for nth in alerts {
            if !self.time.is_left() {
                break;
            }
            let (alert, now) = (shared[*nth].lock().await.alert.clone(), self.clock.now());
            let result = self.outlets.deliver(&alert, outlet, self.destinations, now).await;
            match self.record(&mut *shared[*nth].lock().await, outlet, &result, now).await {
                Ok(noted) => counts += noted,
                Err(fault) => return (counts, Some(fault)),
            }
            if is_silent(&result) {
                break;
            }
        }
        (counts, None)
    }

    /// Stores what became of one delivery.
    async fn record(
        &self,
        shared: &mut Shared,
        outlet: &Outlet,
        result: &Result<(), Undelivered>,
        now: DateTime<Utc>,
    ) -> Result<Counts> {
        shared.open = shared.open.saturating_sub(1);
        let of_outlet = |alert: &Alert| alert.deliveries.iter().find(|one| one.outlet == *outlet).cloned();
        for _ in 0..ATTEMPTS {
            let alert = &mut shared.alert;
            let counts = self.note(alert, outlet, result, now);
            let (done, noted) = (Status::of(&alert.deliveries) != Status::Pending, of_outlet(alert));
            alert.lease = alert.lease.filter(|_| shared.open > 0);
            if self.store.write_alert(alert, if done { Change::Done } else { Change::Kept }).await? {
                return Ok(counts);
            }
            let Some(read) = self.store.alert_now(self.org, &alert.key).await? else { return Ok(counts) };
            *alert = read;
            // It was this very write whose answer was lost.
            if of_outlet(alert) == noted {
                return Ok(counts);
            }
        }
        Err(Error::Unavailable("others keep changing the same alert".to_owned()))
    }

    /// Notes in the alert what became of one delivery.
    fn note(
        &self,
        alert: &mut Alert,
        outlet: &Outlet,
        result: &Result<(), Undelivered>,
        now: DateTime<Utc>,
    ) -> Counts {
        let (id, mut counts) = (alert.id(), Counts::default());
        let Some(delivery) = alert.deliveries.iter_mut().find(|delivery| delivery.outlet == *outlet) else {
            return counts;
        };
        if let Outlet::Webhook(name) = outlet {
            delivery.host = self.destinations.get(name).map(|destination| host(&destination.url));
        }
        match result {
            Ok(()) => delivery.attempted(&id, now, Ok(())),
            Err(Undelivered::Failed(failure)) => {
                tracing::warn!(org = %self.org, %id, ?outlet, failure = failure.detail, "an alert was not delivered");
                delivery.attempted(&id, now, Err(failure));
            }
            Err(Undelivered::Nobody(why)) => delivery.abandoned(why),
        }
        match delivery.state {
            DeliveryState::Pending => counts.retried = 1,
            DeliveryState::Delivered => counts.sent = 1,
            DeliveryState::DeadLettered => counts.dead_lettered = 1,
            DeliveryState::Gone => counts.gone = 1,
        }
        counts
    }
}

/// Whether nobody answered at all.
fn is_silent(result: &Result<(), Undelivered>) -> bool {
    let Err(Undelivered::Failed(failure)) = result else { return false };
    failure.status.is_none() && matches!(failure.verdict, Verdict::Again { .. })
}
