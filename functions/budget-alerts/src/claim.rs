//! Claims the alerts that earlier runs could not deliver.

use chrono::{DateTime, Utc};
use ledger::alert::{AlertKey, Status};
use ledger::ids::OrgId;
use store::alerts::{Alert, DueChange};
use store::error::{Error, Result};

use crate::services::Services;

/// Leases the alerts of earlier runs that are due now to this run, until `lease`. Those that another run is working on
/// are left out.
pub async fn claim(
    services: &Services,
    org: &OrgId,
    due: &[AlertKey],
    lease: DateTime<Utc>,
) -> (Vec<Alert>, Vec<Error>) {
    let (alerts, mut faults) = match services.store.alerts_by_key(org, due).await {
        Ok(found) => found,
        Err(fault) => return (Vec::new(), vec![fault]),
    };
    let mut claimed = Vec::new();
    for alert in alerts {
        match claim_one(services, alert, lease).await {
            Ok(alert) => claimed.extend(alert),
            Err(fault) => faults.push(fault),
        }
    }
    (claimed, faults)
}

async fn claim_one(services: &Services, mut alert: Alert, lease: DateTime<Utc>) -> Result<Option<Alert>> {
    let now = services.clock.now();
    if Status::of(&alert.deliveries) != Status::Pending {
        // Nothing of it is left to be delivered, for whatever reason it is still listed as due.
        return services.store.write_alert(&mut alert, DueChange::Remove).await.map(|_| None);
    }
    if alert.is_leased(now) || alert.deliveries.iter().all(|delivery| !delivery.is_due(now)) {
        return Ok(None);
    }
    alert.lease = Some(lease);
    Ok(services.store.write_alert(&mut alert, DueChange::Keep).await?.then_some(alert))
}
