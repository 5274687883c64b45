//! The final state: every figure is the fold over the raw events.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use ledger::calendar::{Calendar, TrackedDimensions};
use ledger::event::{Data, Event};
use ledger::ids::OrgId;
use ledger::pack::{Table, View};
use ledger::period::{self, Day, DayRange};
use ledger::rollup::{self, Latest, OrgDay, Rollup, RollupId, Seen, Subject};
use runtime::clock::Clock;
use serde_json::{Value, json};
use store::keys::status::parse_quarantine_time;
use store::keys::{Key, Keyed, Owner, PK, SK, amended_sk};

use super::CheckResult;
use super::chains::{Chains, rows};
use super::invariants::{compare, hour};
use super::items::{self, RollupItem, Usage};
use super::messages::ORGS;
use super::repricing::Costs;
use super::run::Run;
use super::service;
use super::stream::Effect;
use super::table_changes::event;
use super::wire::DIRECT;
use crate::support::tables::{AGENT_VIEWS, names};

/// The window for metrics, with all possible event times.
const DAYS: u32 = 90;

/// The expected rollups and sightings.
#[derive(Default)]
struct Fold {
    sums: BTreeMap<Key, Rollup>,
    days: BTreeMap<(OrgId, Day), Rollup>,
    agents: BTreeMap<(Owner, Day), Table>,
    users: BTreeMap<Key, BTreeSet<[u8; 8]>>,
    /// End users that amendments took out.
    former_users: BTreeMap<Key, BTreeSet<[u8; 8]>>,
    seen: BTreeMap<(OrgId, Subject), Seen>,
    /// All hosts ever named, with their times.
    hosts: BTreeMap<(OrgId, Subject), BTreeSet<(DateTime<Utc>, String)>>,
}

impl Fold {
    /// Adds all raw events, by key. An amendment replaces its predecessor at the cost that holds for that.
    fn of(events: BTreeMap<Key, Event>, calendar: impl Fn(&Event) -> (Calendar, TrackedDimensions)) -> Self {
        let mut fold = Self::default();
        let mut events = events.into_iter().peekable();
        let mut before: Option<(String, Data)> = None;
        while let Some((key, mut event)) = events.next() {
            let base = format!("{} {}", key.pk, amended_sk(&key.sk));
            if let Data::Amendment(amendment) = &mut event.data
                && let Some((_, data)) = before.take_if(|(of, _)| *of == base)
            {
                amendment.replaces = data.in_force().cloned().map(Box::new);
            }
            let next = events.peek().map(|(key, _)| format!("{} {}", key.pk, amended_sk(&key.sk)));
            fold.add(&event, next.as_ref() == Some(&base), &calendar(&event));
            before = Some((base, event.data));
        }
        fold
    }

    fn add(&mut self, event: &Event, is_replaced: bool, (calendar, tracked): &(Calendar, TrackedDimensions)) {
        if let (Some(day), Some(rows)) = (calendar.day(event.time), rows(event, tracked)) {
            let owner = Owner::new(&event.org, calendar.generation);
            self.agents.entry((owner, day)).or_default().merge(&rows);
        }
        let (brings, replaced) = rollup::resolved(event, is_replaced, &[*calendar]);
        for user in replaced.end_users {
            self.former_users.entry(user.key()).or_default().insert(user.hash);
        }
        for (target, sums) in brings.sums {
            if let RollupId::OrgDay(org, _, day) = &target {
                self.days.entry((org.clone(), *day)).or_default().merge(&sums);
            }
            self.sums.entry(target.key()).or_default().merge(&sums);
        }
        for user in brings.end_users {
            self.users.entry(user.key()).or_default().insert(user.hash);
        }
        for sighting in brings.sightings {
            let subject = (sighting.org, sighting.subject);
            if let Some(Latest { at, value }) = sighting.seen.host.clone() {
                self.hosts.entry(subject.clone()).or_default().insert((at, value));
            }
            self.seen.entry(subject).or_insert_with(|| sighting.seen.clone()).merge(&sighting.seen);
        }
    }

    /// Whether these are the end users, but for some that amendments took out.
    fn has_users(&self, users: &BTreeMap<Key, BTreeSet<[u8; 8]>>) -> bool {
        let none = BTreeSet::new();
        let of = |users: &'_ BTreeMap<Key, BTreeSet<[u8; 8]>>, key| users.get(key).unwrap_or(&none).clone();
        users.keys().chain(self.users.keys()).all(|key| {
            let (stored, wanted) = (of(users, key), of(&self.users, key));
            wanted.is_subset(&stored) && (&stored - &wanted).is_subset(&of(&self.former_users, key))
        })
    }
}

impl Run {
    /// Compares everything with the fold over all raw events.
    pub async fn check_final_state(&mut self) -> CheckResult {
        self.senders.check()?;
        let mut fold = self.fold()?;
        let usage = Usage::read(&self.engine)?;
        // Reconcile seals items that the repriced calls of a day no longer count in, and processes that were given up may
        // have added to a generation after its rollups were deleted.
        let is_extra = |(key, item): &(&Key, &items::RollupItem)| {
            let is_empty = item.sealed && item.sums.is_empty();
            !is_empty && !fold.sums.contains_key(*key) && self.is_proved(key)
        };
        if let Some((extra, _)) = usage.rollups.iter().find(is_extra) {
            return Err(format!("no event contributes to {extra:?}"));
        }
        for (key, wanted) in &fold.sums {
            let none = RollupItem::default();
            let stored = usage.rollups.get(key).unwrap_or(&none);
            compare(key, &stored.sums, &stored.holding(wanted))?;
        }
        self.check_agents(&fold, &usage.chains)?;
        for ((org, day), sums) in &mut fold.days {
            let generation = self.calendars(org).active.generation;
            let item = usage.rollups.get(&RollupId::OrgDay(org.clone(), generation, *day).key());
            *sums = item.map_or_else(|| sums.clone(), |item| item.holding(sums));
        }
        let mut users = self.proved_users(usage.users.clone());
        if self.has_stragglers && users != fold.users && fold.has_users(&users) {
            // A delivery that was given up brought them back after their day was recomputed: nothing tells whether a set
            // has had a member before. The next comparison of the day removes them.
            self.repair_days().await?;
            users = self.proved_users(Usage::read(&self.engine)?.users);
        }
        if users != fold.users {
            return Err(format!("end users are {users:?}, but should be {:?}", fold.users));
        }
        self.check_quarantine(&usage)?;
        self.check_seen(&fold)?;
        self.check_rollups()?;
        self.check_metrics(&fold).await?;
        self.check_reconciliation().await
    }

    /// Chains hold the fold, in each of their views.
    fn check_agents(&self, fold: &Fold, chains: &Chains) -> CheckResult {
        let of_active = |owner: &Owner| self.calendars(&owner.org).active.generation == owner.generation;
        let stored = chains.days().filter(|(owner, _)| of_active(owner));
        for (owner, day) in fold.agents.keys().cloned().chain(stored).collect::<BTreeSet<_>>() {
            let none = Table::default();
            let expected = fold.agents.get(&(owner.clone(), day)).unwrap_or(&none);
            for view in AGENT_VIEWS {
                let (stored, expected) = (chains.view(&owner, day, view)?, expected.view(view));
                if stored != expected {
                    return Err(format!(
                        "{view:?} of {owner} on {day} is {stored:?}, but should be {expected:?}"
                    ));
                }
            }
        }
        Ok(())
    }

    fn proved_users(&self, mut users: BTreeMap<Key, BTreeSet<[u8; 8]>>) -> BTreeMap<Key, BTreeSet<[u8; 8]>> {
        users.retain(|key, _| self.is_proved(key));
        users
    }

    /// The fold over stored and expired events. Expects that the table has the events that were stored and no others.
    fn fold(&self) -> CheckResult<Fold> {
        let mut all = BTreeMap::new();
        let mut there = BTreeSet::new();
        let costs = Costs::read(&self.engine)?;
        self.check_costs(&costs)?;
        let calendar = |event: &Event| {
            let all = self.calendars(&event.org);
            (all.active, all.tracked)
        };
        for item in self.engine.all(&names().events) {
            let key = |name| items::text(&item, name).unwrap();
            let key = Key { pk: key(PK), sk: key(SK) };
            all.insert(key.clone(), costs.priced(event(&item)?, &key.sk));
            there.insert(key);
        }
        for (key, stored) in &self.senders.stored {
            if there.remove(key) == stored.removed {
                return Err(format!("{key:?} should be stored unless it has expired"));
            }
            if stored.removed {
                all.insert(key.clone(), stored.event.clone());
            }
        }
        if there.is_empty() {
            Ok(Fold::of(all, calendar))
        } else {
            Err(format!("stored by no request: {there:?}"))
        }
    }

    /// Every malformed record is quarantined once, unchanged, and no other record is.
    fn check_quarantine(&self, usage: &Usage) -> CheckResult {
        let shards = self.streams.iter().flat_map(|stream| &stream.shards);
        let malformed = shards.flat_map(|shard| {
            let of_shard = shard.records.iter().filter(|record| matches!(record.effect, Effect::Quarantine));
            of_shard.map(|record| (shard.quarantine_key(record), record.raw.to_string()))
        });
        let malformed: BTreeMap<_, _> = malformed.collect();
        let read = |text: &String| serde_json::from_str::<Value>(text).ok();
        let same = usage.quarantined.len() == malformed.len()
            && usage
                .quarantined
                .iter()
                .all(|(key, text)| malformed.get(key).is_some_and(|raw| read(raw) == read(text)));
        if !same {
            return Err(format!(
                "quarantined are {:?}, but should be {:?}",
                usage.quarantined.keys(),
                malformed.keys()
            ));
        }
        let oldest = malformed.keys().filter_map(|key| parse_quarantine_time(&key.sk)).min();
        if usage.summary == (malformed.len(), oldest.map(period::sortable)) {
            Ok(())
        } else {
            Err(format!("the summary of {:?} is {:?}", malformed.keys(), usage.summary))
        }
    }

    /// All sightings are recorded. The host may be up to an hour older than the latest one.
    fn check_seen(&self, fold: &Fold) -> CheckResult {
        for (subject, wanted) in &fold.seen {
            let item = self.engine.item(&names().registry, &store::keys::subject(&subject.0, &subject.1));
            let stored =
                item.as_ref().and_then(items::seen).ok_or_else(|| format!("{subject:?} was not seen"))?;
            let zone = self.calendars(&subject.0).active.zone;
            if stored.sites != wanted.sites || !stored.covers(wanted, zone) {
                return Err(format!("{subject:?} was seen {stored:?}, but should be {wanted:?}"));
            }
            let right = match (&stored.host, &wanted.host) {
                (None, None) => true,
                (Some(stored), Some(wanted)) => {
                    let named = fold.hosts[subject].contains(&(stored.at, stored.value.clone()));
                    let only = fold.hosts[subject].iter().all(|(_, host)| *host == wanted.value);
                    named && hour(stored.at) == hour(wanted.at) && (!only || stored.value == wanted.value)
                }
                _ => false,
            };
            if !right {
                return Err(format!(
                    "the host of {subject:?} is {:?}, but should be {:?}",
                    stored.host, wanted.host
                ));
            }
        }
        let seen = self.engine.all(&names().registry).iter().filter_map(items::seen).count();
        if seen == fold.seen.len() {
            Ok(())
        } else {
            Err(format!("{seen} subjects were seen, but should be {}", fold.seen.len()))
        }
    }

    /// The metrics agree with the fold and with one another.
    async fn check_metrics(&self, fold: &Fold) -> CheckResult {
        let metrics = service::metrics(DIRECT, self.wire.client(DIRECT), Clock::fixed(self.now));
        for ((org, _), token) in ORGS.iter().zip(&self.tokens) {
            let zone = self.calendars(&OrgId::new(*org).unwrap()).active.zone;
            let (mut all, today) = (OrgDay::default(), Day::of(self.now, zone));
            let past = fold.days.iter().filter(|((of, day), _)| of.as_str() == *org && *day <= today);
            past.for_each(|(_, sums)| all.merge(OrgDay::from(sums)));
            let get = async |what: &str| {
                let path = format!("/v1/metrics/{what}?days={DAYS}");
                let (status, body) = metrics.send(Method::GET, &path, token, None).await;
                if status == StatusCode::OK {
                    Ok(body)
                } else {
                    Err(format!("{path} returned {status}: {body}"))
                }
            };
            self.check_instances(fold, org, today, &get("instances").await?)?;
            let (summary, models, usage) = (get("summary").await?, get("models").await?, get("usage").await?);
            agree(&all, &summary, &models["models"], &usage["points"])
                .map_err(|why| format!("metrics of {org}: {why}"))?;
        }
        Ok(())
    }
}

/// The calls and the costs of agents.
type CallsAndCosts = BTreeMap<String, (u64, String)>;

impl Run {
    /// Compares the agents of an organization in the window for metrics with the fold.
    fn check_instances(&self, fold: &Fold, org: &str, today: Day, instances: &Value) -> CheckResult {
        let owner =
            |of: &Owner| of.org.as_str() == org && of.generation == self.calendars(&of.org).active.generation;
        let window = DayRange::ending(today, DAYS);
        let mut rows = Table::default();
        let days = fold.agents.iter().filter(|((of, day), _)| owner(of) && window.contains(*day));
        days.for_each(|(_, of_day)| rows.merge(&of_day.view(View::Agents)));
        let totals = rows.agent_totals().into_iter().filter(|(_, (calls, _))| calls.requests > 0);
        let wanted: CallsAndCosts = totals
            .map(|(agent, (calls, _))| (agent.to_string(), (calls.requests, json!(calls.cost).to_string())))
            .collect();
        let of_instance = |instance: &Value| {
            let calls = instance["request_count"].as_u64()?;
            let cost = instance["estimated_cost_usd"].to_string();
            (calls > 0).then(|| (instance["instance_id"].as_str().unwrap().to_owned(), (calls, cost)))
        };
        let rows = instances["instances"].as_array().into_iter().flatten();
        let stored: CallsAndCosts = rows.filter_map(of_instance).collect();
        if stored == wanted {
            Ok(())
        } else {
            Err(format!("instances of {org} are {stored:?}, but should be {wanted:?}"))
        }
    }
}

/// Compares the metrics of an organization with the expected ones.
fn agree(all: &OrgDay, summary: &Value, models: &Value, points: &Value) -> CheckResult {
    let total = all.total();
    let (tokens_in, tokens_out) = (total.tokens.whole_input(), total.tokens.output);
    let wanted =
        json!([total.requests, tokens_in, tokens_out, total.unpriced, total.cost(), all.models.len()]);
    let names = ["requests", "tokens_in", "tokens_out"].map(|name| format!("total_{name}"));
    let others = ["unpriced_requests", "estimated_cost_usd", "unique_models"];
    let stored: Value =
        names.iter().map(String::as_str).chain(others).map(|name| summary[name].clone()).collect();
    if stored != wanted {
        return Err(format!("the summary is {stored}, but should be {wanted}"));
    }
    let sum = |list: &Value, name: &str| -> u64 {
        list.as_array().unwrap().iter().map(|row| row[name].as_u64().unwrap()).sum()
    };
    let sums = |list: &Value, calls| [sum(list, calls), sum(list, "tokens_in"), sum(list, "tokens_out")];
    let wanted = [total.requests, tokens_in, tokens_out];
    if sums(models, "request_count") != wanted || sums(points, "requests") != wanted {
        return Err(format!("{summary}, {models} and {points} disagree"));
    }
    Ok(())
}
