//! A dry run: compares what calls cost when they were ingested with what they cost by current prices.

use std::collections::BTreeMap;

use ledger::event::Data;
use ledger::ids::{ModelKey, OrgId};
use ledger::period::{Day, DayRange};
use ledger::repricing::{RepricingFigures, RepricingSettings};
use ledger::settings::Settings;
use serde::Serialize;
use store::Events;
use store::keys::amended_sk;
use store::raw_events::StoredEvent;
use web::error::Result;

use super::cursor::Cursor;
use super::view::Figures;

/// The most events of one read: up to a megabyte.
const PAGE: u64 = 1_000;
/// The size of names at which a response ends, in bytes. Senders choose names, and a page may add two megabytes of
/// them; Lambda limits responses to six.
const MAX_TEXT: usize = 1 << 20;
/// The most reads of a request. A day without events takes one for each lane.
const MAX_READS: usize = 400;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DryRun {
    dry_run: bool,
    from: Day,
    to: Day,
    provider: Option<String>,
    model: Option<String>,
    /// By day, provider and model.
    days: Vec<Row>,
    /// The figures of all rows.
    total: Figures,
    next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    day: Day,
    provider: String,
    model: String,
    #[serde(flatten)]
    figures: Figures,
}

/// What to compare.
pub struct DryRunRequest<'a> {
    pub org: &'a OrgId,
    pub wanted: &'a RepricingSettings,
    /// The current prices.
    pub settings: &'a Settings,
}

type FiguresByModel = BTreeMap<(Day, ModelKey), RepricingFigures>;

impl DryRunRequest<'_> {
    /// Reads up to `limit` events from `cursor` on.
    pub async fn run(&self, events: &Events, limit: u64, cursor: Option<Cursor>) -> Result<DryRun> {
        let mut rows = FiguresByModel::new();
        let DayRange { first, last } = self.wanted.utc_days();
        let mut place = cursor.unwrap_or_else(|| Cursor::start(first));
        let (mut left, mut reads, mut text) = (limit, 0, 0);
        while place.day <= last && left > 0 && reads < MAX_READS && text < MAX_TEXT {
            // An event may be amended by the next one, so two have to be read to count one.
            let most = usize::try_from(left.clamp(2, PAGE)).unwrap_or(2);
            let after = place.after.as_deref();
            let (mut page, has_more) =
                events.raw_events_after(self.org, place.day, place.lane, after, most).await?;
            if has_more && page.len() > 1 {
                page.pop();
            }
            for (i, stored) in page.iter().enumerate() {
                let is_replaced =
                    page.get(i + 1).is_some_and(|next| amended_sk(&next.sk) == amended_sk(&stored.sk));
                if !is_replaced {
                    self.count(stored, &mut rows);
                }
            }
            text = rows.keys().map(|(_, key)| key.provider.len() + key.model.len()).sum();
            left = left.saturating_sub(page.len() as u64);
            reads += 1;
            place = match page.into_iter().next_back() {
                Some(last) if has_more => Cursor { after: Some(last.sk), ..place },
                _ => place.next_lane(),
            };
        }
        let next = (place.day <= last).then(|| place.to_string());
        Ok(self.response(rows, next))
    }

    fn count(&self, stored: &StoredEvent, rows: &mut FiguresByModel) {
        let Ok(event) = &stored.event else { return };
        let Some(Data::LlmCall(call)) = event.data.in_force() else { return };
        if self.wanted.covers(call, event.time) {
            let cost = self.settings.price_call(call, event.time);
            let day = Day::of(event.time, self.wanted.zone);
            rows.entry((day, call.model_key())).or_default().count(&call.cost, &cost);
        }
    }

    fn response(&self, rows: FiguresByModel, next_cursor: Option<String>) -> DryRun {
        let RepricingSettings { from, to, provider, model, .. } = self.wanted.clone();
        let mut total = RepricingFigures::default();
        for figures in rows.values() {
            total.merge(*figures);
        }
        let row = |((day, key), figures): ((Day, ModelKey), RepricingFigures)| Row {
            day,
            provider: key.provider,
            model: key.model,
            figures: Figures::of(&figures),
        };
        let days = rows.into_iter().map(row).collect();
        DryRun { dry_run: true, from, to, provider, model, days, total: Figures::of(&total), next_cursor }
    }
}
