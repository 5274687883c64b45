//! Trial arithmetic.

use chrono::{DateTime, TimeDelta, Utc};
use ledger::settings::{PlanSettings, PlanStatus};

/// Days left at `now`, counting a day that has begun; 0 without a trial.
pub fn days_remaining(plan: &PlanSettings, now: DateTime<Utc>) -> i64 {
    let Some(left) = plan.trial_ends_at.map(|end| end - now).filter(|left| *left > TimeDelta::zero()) else {
        return 0;
    };
    let whole = left.num_days();
    if left > TimeDelta::days(whole) { whole + 1 } else { whole }
}

/// Whether the organization is still on trial after the trial has ended.
pub fn is_expired(plan: &PlanSettings, now: DateTime<Utc>) -> bool {
    plan.status == PlanStatus::Trialing && plan.trial_ends_at.is_some_and(|end| end <= now)
}

#[cfg(test)]
mod tests {
    use ledger::period::parse_instant;

    use super::*;

    fn plan(status: PlanStatus, trial_ends_at: Option<&str>) -> PlanSettings {
        let trial_ends_at = trial_ends_at.map(|text| parse_instant(text).unwrap());
        PlanSettings { status, trial_ends_at, ..PlanSettings::default() }
    }

    #[test]
    fn a_day_that_has_begun_counts_and_the_trial_ends_at_its_instant() {
        let now = parse_instant("2026-09-15T12:00:00Z").unwrap();
        for (end, days, expired) in [
            (Some("2026-09-15T11:59:59.999Z"), 0, true),
            (Some("2026-09-15T12:00:00Z"), 0, true),
            (Some("2026-09-15T12:00:00.000000001Z"), 1, false),
            (Some("2026-09-16T12:00:00Z"), 1, false),
            (Some("2026-09-16T12:00:00.001Z"), 2, false),
            (Some("2026-09-29T12:00:00Z"), 14, false),
            (Some("2026-10-01T00:00:00+14:00"), 15, false),
            (Some("9998-12-31T23:59:59Z"), 2_911_821, false),
            (Some("1970-01-01T00:00:00Z"), 0, true),
            (None, 0, false),
        ] {
            let trial = plan(PlanStatus::Trialing, end);
            assert_eq!((days_remaining(&trial, now), is_expired(&trial, now)), (days, expired), "{end:?}");
            // Only a plan with the status trialing can have an expired trial.
            for status in [PlanStatus::Active, PlanStatus::None, PlanStatus::Canceled] {
                let other = plan(status, end);
                assert_eq!((days_remaining(&other, now), is_expired(&other, now)), (days, false));
            }
        }
    }
}
