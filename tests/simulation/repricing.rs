//! Own prices, repricing entries, and the costs that they list, read without the code under test.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use dynoxide::{AttributeValue, Item};
use http::Method;
use ledger::calendar::{Calendar, TrackedDimensions};
use ledger::cost::CallCost;
use ledger::event::{Data, Event, LlmCall};
use ledger::ids::OrgId;
use ledger::money::Usd;
use ledger::period::Day;
use ledger::pricing::{Book, OwnPrices};
use ledger::repricing::RepricingSettings;
use ledger::settings::{OrganizationSettings, PriceSettings, Settings};
use rand::RngExt;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use store::keys::{Key, PK, SK};
use store::registry::SETTINGS;

use super::CheckResult;
use super::engine::Engine;
use super::items;
use super::messages::{MODELS, ORGS};
use super::reconciliation::OLDEST;
use super::run::Run;
use super::wire::Process;
use crate::support::tables::names;

/// The own prices of all organizations from some number of stored events on.
#[derive(Default)]
pub struct PriceState {
    pub order: usize,
    settings: BTreeMap<OrgId, Settings>,
}

/// Whether an item of the usage table is about repricing.
pub fn is_of_repricing(key: &Key) -> bool {
    key.pk.split('#').nth(1) == Some("R")
}

impl Run {
    /// Sets a price for a model, or deletes one.
    pub fn change_price(&mut self) {
        let org = self.rng.random_range(0..ORGS.len());
        let (provider, model) = MODELS[self.rng.random_range(0..MODELS.len())];
        // Mostly from before most events, so that it would have been their price.
        let since = if self.rng.random_ratio(1, 4) { 0..2 } else { 2..OLDEST };
        let from = Day::of(self.now, chrono_tz::UTC).minus(self.rng.random_range(since));
        let path = format!("/api/cost-analysis/pricing/{provider}/{model}");
        if self.rng.random_ratio(1, 5) {
            self.request_change(org, Method::DELETE, format!("{path}?effectiveFrom={from}"), |_| None);
        } else {
            self.request_change(org, Method::PUT, path, |process| {
                Some(json!({ "effectiveFrom": from, "inputPricePerMillion": process, "outputPricePerMillion": 1 }))
            });
        }
    }

    /// Requests a repricing of some days.
    pub fn reprice(&mut self) {
        let org = self.rng.random_range(0..ORGS.len());
        let zone = self.calendars(&OrgId::new(ORGS[org].0).unwrap()).active.zone;
        let today = Day::of(self.now, zone);
        let mut days = [(); 2].map(|()| today.minus(self.rng.random_range(0..4_u32).pow(2)));
        days.sort_unstable();
        if self.rng.random_ratio(2, 3) {
            // Most events are of today.
            days[1] = today;
        }
        let model = MODELS.get(self.rng.random_range(0..2 * MODELS.len())).map(|(_, model)| *model);
        let body = json!({ "from": days[0], "to": days[1], "model": model, "dryRun": false });
        self.request_change(org, Method::POST, "/api/cost-analysis/reprice".to_owned(), |_| Some(body));
    }

    /// Deletes one of the repricing entries.
    pub fn withdraw_repricing(&mut self) {
        let all = entries(&self.engine);
        let Some(entry) = all.get(self.rng.random_range(0..all.len().max(1))) else { return };
        let org = ORGS.iter().position(|(org, _)| *org == entry.org.as_str()).unwrap();
        let path = format!("/api/cost-analysis/reprice/{}", entry.id);
        self.request_change(org, Method::DELETE, path, |_| None);
    }

    /// Whether an entry is to be carried out or taken back.
    pub fn has_due_repricings(&self) -> bool {
        let registry = self.engine.all(&names().registry);
        registry.iter().any(|item| items::text(item, PK).as_deref() == Some("#repricings"))
    }

    /// Records the own prices as they are now.
    pub fn note_prices(&mut self) -> CheckResult {
        let mut prices: BTreeMap<OrgId, Vec<PriceSettings>> = BTreeMap::new();
        for item in self.engine.all(&names().registry) {
            let key = |name| items::text(&item, name).unwrap();
            if let Some(settings) = item.get(SETTINGS)
                && key(SK).starts_with("PRICE#")
            {
                let price = serde_json::from_value(json(settings)).map_err(|error| error.to_string())?;
                prices.entry(OrgId::new(key(PK)).unwrap()).or_default().push(price);
            }
        }
        let settings = |(org, prices): (OrgId, Vec<PriceSettings>)| {
            let own_prices = OwnPrices::new(Book::builtin(), prices.into_iter().map(Into::into));
            (org, without_prices(own_prices))
        };
        let settings = prices.into_iter().map(settings).collect();
        self.price_states.push(PriceState { order: self.senders.stored.len(), settings });
        Ok(())
    }

    /// Ingest prices a call by every change that was answered before its request.
    pub fn check_price(&self, process: Process, event: &Event) -> CheckResult {
        let Data::LlmCall(call) = &event.data else { return Ok(()) };
        let before = self.priced_from.get(&process).copied().unwrap_or(1);
        let mut states = self.price_states[before - 1..].iter();
        if states.any(|state| call.cost.is_counted_like(&state.price(&event.org, call, event))) {
            return Ok(());
        }
        Err(format!("p{process} priced {event:?} by former prices"))
    }

    /// Every entry was carried out, no other one holds for any day, and its costs are those of its time.
    pub fn check_costs(&self, costs: &Costs) -> CheckResult {
        let entries = entries(&self.engine);
        for (day, held) in &costs.days {
            if let Some(gone) = held.iter().find(|held| !entries.iter().any(|entry| entry.id == held.id)) {
                return Err(format!("the deleted entry {} still holds for {day:?}", gone.id));
            }
        }
        for entry in &entries {
            let last = entry.applied.ok_or_else(|| format!("{entry:?} was not carried out"))?;
            if entry.status != "applied" || last != entry.settings.utc_days().last {
                return Err(format!("{entry:?} was not carried out"));
            }
            self.check_entry(entry, costs)?;
        }
        Ok(())
    }

    fn check_entry(&self, entry: &Entry, costs: &Costs) -> CheckResult {
        let what = format!("repricing {}", entry.id);
        let audit = self.senders.stored.values().find(|stored| match &stored.event.data {
            Data::AgentActivity(activity) => {
                let details: Value = serde_json::from_str(&activity.details).unwrap();
                details["what"] == what && details["before"].is_null()
            }
            _ => false,
        });
        let order = audit.ok_or_else(|| format!("{entry:?} has no audit entry"))?.order;
        // Carried out by prices of any time after the request.
        let first = self.price_states.iter().rposition(|state| state.order <= order).unwrap_or(0);
        let states = &self.price_states[first..];
        for (key, stored) in &self.senders.stored {
            let Some(Data::LlmCall(call)) = stored.event.data.in_force() else { continue };
            let event = &stored.event;
            if event.org != entry.org || !entry.settings.covers(call, event.time) {
                continue;
            }
            let held =
                costs.days.get(&(event.org.clone(), event.utc_day())).map(Vec::as_slice).unwrap_or_default();
            let place = held.iter().position(|held| held.id == entry.id).unwrap_or(held.len());
            let listed = held.get(place).and_then(|held| held.costs.get(&event_hash(&key.sk)));
            let is_right = |cost: &CallCost| {
                states.iter().any(|state| cost.is_counted_like(&state.price(&event.org, call, event)))
            };
            match listed {
                Some(cost) if !is_right(cost) => {
                    return Err(format!("{entry:?} lists {cost:?} for {event:?}"));
                }
                // What is amended need not be listed.
                None if stored.order < order && !is_right(&call.cost) && !self.senders.is_amended(key) => {
                    return Err(format!("{entry:?} does not list {event:?}"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl PriceState {
    fn price(&self, org: &OrgId, call: &LlmCall, event: &Event) -> CallCost {
        let none = without_prices(OwnPrices::default());
        self.settings.get(org).unwrap_or(&none).price_call(call, event.time)
    }
}

fn without_prices(own_prices: OwnPrices) -> Settings {
    Settings {
        calendar: Calendar::default(),
        tracked: TrackedDimensions::default(),
        own_prices,
        organization: OrganizationSettings::default(),
        plan: None,
    }
}

/// A repricing entry in the registry.
#[derive(Debug)]
struct Entry {
    org: OrgId,
    id: String,
    settings: RepricingSettings,
    status: String,
    applied: Option<Day>,
}

/// All entries, by the time of the request.
fn entries(engine: &Engine) -> Vec<Entry> {
    let entry = |item: Item| {
        let key = |name| items::text(&item, name);
        let id = key(SK)?.strip_prefix("REPRICE#")?.to_owned();
        let settings = serde_json::from_value(json(item.get(SETTINGS)?)).unwrap();
        let applied = key("applied").and_then(|day| Day::parse(&day));
        Some(Entry { org: OrgId::new(key(PK)?).unwrap(), id, settings, status: key("status")?, applied })
    };
    let mut all: Vec<_> = engine.all(&names().registry).into_iter().filter_map(entry).collect();
    all.sort_by_key(|entry| (entry.settings.at, entry.settings.from, entry.settings.to));
    all
}

fn json(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!(text),
        AttributeValue::N(number) => serde_json::from_str(number).unwrap(),
        AttributeValue::M(fields) => {
            fields.iter().map(|(name, value)| (name.clone(), json(value))).collect::<Map<_, _>>().into()
        }
        other => panic!("unexpected {other:?}"),
    }
}

fn event_hash(sk: &str) -> String {
    BASE64.encode(&Sha256::digest(sk)[..12])
}

/// An entry that holds for a day.
#[derive(Debug)]
struct HeldEntry {
    id: String,
    /// The listed costs, by event.
    costs: BTreeMap<String, CallCost>,
}

/// The costs that entries list, by day, in the order in which the entries were carried out.
pub struct Costs {
    days: BTreeMap<(OrgId, Day), Vec<HeldEntry>>,
}

impl Costs {
    pub fn read(engine: &Engine) -> CheckResult<Self> {
        let items: Vec<_> = engine.all(&names().usage).into_iter().collect();
        let key =
            |item: &Item| Key { pk: items::text(item, PK).unwrap(), sk: items::text(item, SK).unwrap() };
        let mut days = BTreeMap::new();
        for item in &items {
            let Key { pk, sk } = key(item);
            let Some(org) = pk.strip_suffix("#R") else { continue };
            if items::text(item, "changes") != items::text(item, "recomputed") {
                return Err(format!("{sk} of {org} was not recomputed after its entries changed"));
            }
            let held: Vec<Value> = serde_json::from_str(&items::text(item, "entries").unwrap()).unwrap();
            let held = held.iter().map(|entry| {
                let (id, attempt) = (entry["id"].as_str().unwrap(), entry["attempt"].as_str().unwrap());
                let (pk, sk) = (format!("{org}#R#{id}"), format!("{sk}#{attempt}#"));
                let pages = items.iter().filter(|item| key(item).pk == pk && key(item).sk.starts_with(&sk));
                HeldEntry { id: id.to_owned(), costs: pages.flat_map(costs_of_page).collect() }
            });
            days.insert((OrgId::new(org).unwrap(), Day::parse(&sk).unwrap()), held.collect());
        }
        Ok(Self { days })
    }

    /// The event with the cost that holds for it.
    pub fn priced(&self, mut event: Event, sk: &str) -> Event {
        let day = (event.org.clone(), event.utc_day());
        let held = self.days.get(&day).map(Vec::as_slice).unwrap_or_default();
        let cost = held.iter().rev().find_map(|entry| entry.costs.get(&event_hash(sk)));
        if let (Some(call), Some(cost)) = (call_in_force(&mut event.data), cost) {
            call.cost = cost.clone();
        }
        event
    }
}

fn call_in_force(data: &mut Data) -> Option<&mut LlmCall> {
    match data {
        Data::LlmCall(call) => Some(call),
        Data::Amendment(amendment) => call_in_force(amendment.with.as_mut()?),
        _ => None,
    }
}

fn costs_of_page(page: &Item) -> Vec<(String, CallCost)> {
    let costs: Value = serde_json::from_str(&items::text(page, "costs").unwrap()).unwrap();
    let cost = |call: &Value| {
        let mut cost: CallCost = serde_json::from_value(
            costs["kinds"][usize::try_from(call[1].as_u64().unwrap()).unwrap()].clone(),
        )
        .unwrap();
        let [input, cache_read, cache_write, output, units]: [Usd; 5] =
            serde_json::from_value(call[2].clone()).unwrap();
        (cost.input, cost.cache_read, cost.cache_write) = (input, cache_read, cache_write);
        (cost.output, cost.units) = (output, units);
        (call[0].as_str().unwrap().to_owned(), cost)
    };
    costs["calls"].as_array().unwrap().iter().map(cost).collect()
}
