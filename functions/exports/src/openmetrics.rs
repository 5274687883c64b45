//! `GET /v1/openmetrics`: this month's usage and cost in the text format of OpenMetrics, for Prometheus with a key.
//!
//! Counters start at the beginning of the month in the organization's time zone, as `_created` states.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures::try_join;
use http::header::CONTENT_TYPE;
use ledger::ids::ModelKey;
use ledger::money::{Usd, ratio};
use ledger::period::{Day, DayRange};
use ledger::rollup::{ModelFigures, OTHER, OrgDay};
use ledger::settings::BudgetSettings;
use rust_decimal::Decimal;
use web::auth::Scope;
use web::caller::Caller;
use web::error::Result;

use crate::{App, Route};

const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub fn route() -> Route {
    Route::get("/v1/openmetrics", Scope::MetricsRead, handle).with_figures()
}

async fn handle(State(app): State<App>, caller: Caller) -> Result<Response> {
    let (org, now) = (&caller.org, app.clock.now());
    // Read before the rollups, so that it never claims more than they contain.
    let complete_through = app.freshness.complete_through(org, now).await;
    let fetch = |of, days| app.tables.usage.org_days(org, of, days);
    let month = |today: Day| DayRange::of_month(today.month());
    let days = app.tables.registry.fetch_days(org, now, month, fetch);
    let ((window, days), budget) = try_join!(days, app.tables.registry.budget(org))?;
    let zone = app.tables.registry.settings_cached(org).await?.calendar.zone;
    let mut used = OrgDay::default();
    for (_, day) in days.into_iter().filter(|(day, _)| window.contains(*day)) {
        used.merge(day);
    }
    used.models = bounded(used.models);
    let text = exposition(&used, &budget, window.first.start(zone), complete_through);
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}

/// The most bytes of labels, which are repeated on each of the [`LINES`] of a model.
const MAX_LABELS: usize = (3 << 20) / LINES;
/// Lines of a model, and the bytes of one beside its labels.
const LINES: usize = 17;
const LINE: usize = 80;

/// The models that cost most, and all others as `(other)`: a scrape has no pages, and Lambda limits a response.
fn bounded(models: BTreeMap<ModelKey, ModelFigures>) -> BTreeMap<ModelKey, ModelFigures> {
    let mut by_cost: Vec<_> = models.into_iter().collect();
    by_cost.sort_by_key(|(_, figures)| Reverse(figures.cost()));
    let other = ModelKey { provider: OTHER.to_owned(), model: OTHER.to_owned() };
    let (mut kept, mut bytes) = (BTreeMap::<ModelKey, ModelFigures>::new(), 0);
    for (key, figures) in by_cost {
        bytes += labels(&key).len() + LINE;
        let key = if bytes > MAX_LABELS { other.clone() } else { key };
        *kept.entry(key).or_default() += figures;
    }
    kept
}

/// The values of a counter for one model, each with its labels besides the model's.
type Values = Vec<(&'static str, Decimal)>;

struct Counter {
    name: &'static str,
    unit: &'static str,
    help: &'static str,
    values: fn(&ModelFigures) -> Values,
}

const COUNTERS: [Counter; 5] = [
    Counter {
        name: "fleetledger_cost_usd",
        unit: "usd",
        help: "Cost of calls in US dollars.",
        values: |model| vec![("", model.cost().dollars())],
    },
    Counter {
        name: "fleetledger_tokens",
        unit: "",
        help: "Tokens of calls, each in one class.",
        values: |model| {
            let tokens = &model.tokens;
            let written = tokens.whole_input() - tokens.input - tokens.cache_read;
            vec![
                (",class=\"input\"", tokens.input.into()),
                (",class=\"cache_read\"", tokens.cache_read.into()),
                (",class=\"cache_write\"", written.into()),
                (",class=\"output\"", tokens.output.into()),
            ]
        },
    },
    Counter {
        name: "fleetledger_requests",
        unit: "",
        help: "Calls.",
        values: |model| vec![("", model.requests.into())],
    },
    Counter {
        name: "fleetledger_errors",
        unit: "",
        help: "Failed calls.",
        values: |model| vec![("", model.errors.into())],
    },
    Counter {
        name: "fleetledger_unpriced_requests",
        unit: "",
        help: "Calls without a price. If there are any, the cost is a lower bound.",
        values: |model| vec![("", model.unpriced.into())],
    },
];

fn exposition(
    used: &OrgDay,
    budget: &BudgetSettings,
    since: DateTime<Utc>,
    complete_through: Option<DateTime<Utc>>,
) -> String {
    let mut text = String::new();
    for counter in &COUNTERS {
        metadata(&mut text, counter.name, "counter", counter.unit, counter.help);
        for (key, figures) in &used.models {
            for (label, value) in (counter.values)(figures) {
                let labels = format!("{{{}{label}}}", labels(key));
                let _ = writeln!(text, "{}_total{labels} {}", counter.name, value.normalize());
                let _ = writeln!(text, "{}_created{labels} {}", counter.name, since.timestamp());
            }
        }
    }
    let cost = "fleetledger_month_cost_usd";
    metadata(&mut text, cost, "gauge", "usd", "Cost of this month in US dollars, corrections included.");
    for (key, figures) in &used.models {
        let _ = writeln!(text, "{cost}{{{}}} {}", labels(key), figures.cost().dollars().normalize());
    }
    if let Some(monthly) = budget.monthly {
        gauges(&mut text, monthly, used.total().cost());
    }
    if let Some(through) = complete_through {
        let name = "fleetledger_complete_through_timestamp_seconds";
        metadata(&mut text, name, "gauge", "seconds", "Every event accepted before is counted.");
        let _ = writeln!(text, "{name} {}", Decimal::new(through.timestamp_millis(), 3).normalize());
    }
    text + "# EOF\n"
}

fn gauges(text: &mut String, budget: Usd, cost: Usd) {
    let used = ratio(cost.dollars(), budget.dollars(), 1, 6);
    for (name, unit, help, value) in [
        (
            "fleetledger_budget_usd",
            "usd",
            "Monthly budget of the organization in US dollars.",
            budget.dollars(),
        ),
        ("fleetledger_budget_used_ratio", "ratio", "Cost of this month divided by the budget.", used),
    ] {
        metadata(text, name, "gauge", unit, help);
        let _ = writeln!(text, "{name} {}", value.normalize());
    }
}

fn metadata(text: &mut String, name: &str, kind: &str, unit: &str, help: &str) {
    let _ = writeln!(text, "# TYPE {name} {kind}");
    if !unit.is_empty() {
        let _ = writeln!(text, "# UNIT {name} {unit}");
    }
    let _ = writeln!(text, "# HELP {name} {help}");
}

fn labels(key: &ModelKey) -> String {
    format!("provider=\"{}\",model=\"{}\"", escaped(&key.provider), escaped(&key.model))
}

/// Escapes a label's value, which stands between quotes.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_exact_and_labels_are_escaped() {
        let mut used = OrgDay::default();
        let key = ModelKey { provider: "p\\".to_owned(), model: "m\"1".to_owned() };
        let cost = Usd::new(Decimal::new(1_000_000_000_001, 12));
        used.models.insert(key, ModelFigures { requests: 3, output_cost: cost, ..ModelFigures::default() });
        let budget = BudgetSettings { monthly: Some(Usd::new(Decimal::TEN)), ..BudgetSettings::default() };
        used.models = bounded(used.models);
        let text = exposition(&used, &budget, DateTime::UNIX_EPOCH, DateTime::from_timestamp_millis(1_500));
        for line in [
            "# TYPE fleetledger_cost_usd counter",
            r#"fleetledger_cost_usd_total{provider="p\\",model="m\"1"} 1.000000000001"#,
            r#"fleetledger_requests_total{provider="p\\",model="m\"1"} 3"#,
            r#"fleetledger_tokens_total{provider="p\\",model="m\"1",class="cache_read"} 0"#,
            r#"fleetledger_month_cost_usd{provider="p\\",model="m\"1"} 1.000000000001"#,
            "fleetledger_budget_used_ratio 0.1",
            "fleetledger_complete_through_timestamp_seconds 1.5",
        ] {
            assert!(text.lines().any(|one| one == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
    }

    #[test]
    fn made_up_names_do_not_make_a_scrape_too_large() {
        let figures = |requests: u64| ModelFigures {
            requests,
            output_cost: Usd::new(requests.into()),
            ..ModelFigures::default()
        };
        let key = |nth: u64| ModelKey { provider: "\"".repeat(256), model: format!("{nth:0256}") };
        let models = bounded((1..=5_000).map(|nth| (key(nth), figures(nth))).collect());
        let used = OrgDay { models, ..OrgDay::default() };
        let text = exposition(&used, &BudgetSettings::default(), DateTime::UNIX_EPOCH, None);
        assert!(text.len() < 6_291_556 && used.models.contains_key(&key(5_000)), "{}", text.len());
        let requests: u64 = used.models.values().map(|figures| figures.requests).sum();
        assert_eq!(requests, 5_000 * 5_001 / 2);
    }
}
