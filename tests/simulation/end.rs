//! What has to hold in the end: every figure is the fold over the raw events.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use http::{Method, StatusCode};
use ledger::event::Event;
use ledger::ids::OrgId;
use ledger::period;
use ledger::period::Day;
use ledger::rollup;
use ledger::rollup::{Latest, OrgDay, Seen, Subject, Sums, Target};
use runtime::clock::Clock;
use serde_json::{Value, json};
use store::keys::Keyed;
use store::keys::status::parse_quarantine_time;
use store::keys::{Key, PK, SK};

use super::Held;
use super::check::{differ, hour};
use super::feed::event;
use super::items::{self, Usage};
use super::messages::ORGS;
use super::run::Run;
use super::service;
use super::stream::Matter;
use super::wire::EXAMINER;
use crate::support::tables::names;

/// Days that the metrics are asked for: all in which an event can have happened.
const DAYS: u32 = 90;

/// What all raw events together come to.
#[derive(Default)]
struct Fold {
    sums: BTreeMap<Key, Sums>,
    days: BTreeMap<(OrgId, Day), Sums>,
    users: BTreeMap<Key, BTreeSet<[u8; 8]>>,
    seen: BTreeMap<(OrgId, Subject), Seen>,
    /// Every host that was ever named, and when.
    hosts: BTreeMap<(OrgId, Subject), BTreeSet<(DateTime<Utc>, String)>>,
}

impl Fold {
    fn add(&mut self, event: &Event) {
        let brings = rollup::contribution(event);
        for (target, sums) in brings.sums {
            if let Target::OrgDay(org, day) = &target {
                self.days.entry((org.clone(), *day)).or_default().merge(&sums);
            }
            self.sums.entry(target.key()).or_default().merge(&sums);
        }
        if let Some(user) = brings.end_user {
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
}

impl Run {
    /// Checks everything.
    pub async fn check_the_end(&mut self) -> Held {
        self.senders.check()?;
        let fold = self.fold()?;
        let usage = Usage::read(&self.engine)?;
        let extra = usage.sums.keys().find(|key| !fold.sums.contains_key(*key));
        if let Some(extra) = extra {
            return Err(format!("nothing adds to {extra:?}"));
        }
        for (key, wanted) in &fold.sums {
            let held = usage.sums.get(key).map(|item| &item.sums);
            differ(key, held.unwrap_or(&Sums::default()), wanted)?;
        }
        if usage.users != fold.users {
            return Err(format!("end users are {:?}, which should be {:?}", usage.users, fold.users));
        }
        self.check_aside(&usage)?;
        self.check_seen(&fold)?;
        self.check_parts()?;
        self.check_metrics(&fold).await?;
        self.check_proofs().await
    }

    /// The fold over the table and what was removed from it; and the table holds what was stored, and nothing else.
    fn fold(&self) -> Held<Fold> {
        let mut fold = Fold::default();
        let mut there = BTreeSet::new();
        for item in self.engine.all(&names().events) {
            fold.add(&event(&item)?);
            let key = |name| items::text(&item, name).unwrap();
            there.insert(Key { pk: key(PK), sk: key(SK) });
        }
        for (key, stored) in &self.senders.stored {
            if there.remove(key) == stored.removed {
                return Err(format!("{key:?} should be stored, until it is removed"));
            }
            if stored.removed {
                fold.add(&stored.event);
            }
        }
        if there.is_empty() { Ok(fold) } else { Err(format!("nobody stored {there:?}")) }
    }

    /// Every odd record is put aside, once, as it came, and no other is.
    fn check_aside(&self, usage: &Usage) -> Held {
        let shards = self.streams.iter().flat_map(|stream| &stream.shards);
        let poison = shards.flat_map(|shard| {
            let odd = shard.records.iter().filter(|record| matches!(record.matter, Matter::Poison));
            odd.map(|record| (shard.place_aside(record), record.raw.to_string()))
        });
        let poison: BTreeMap<_, _> = poison.collect();
        let read = |text: &String| serde_json::from_str::<Value>(text).ok();
        let same = usage.aside.len() == poison.len()
            && usage
                .aside
                .iter()
                .all(|(key, text)| poison.get(key).is_some_and(|raw| read(raw) == read(text)));
        if !same {
            return Err(format!("put aside: {:?}, of {:?}", usage.aside.keys(), poison.keys()));
        }
        let oldest = poison.keys().filter_map(|key| parse_quarantine_time(&key.sk)).min();
        if usage.summary == (poison.len(), oldest.map(period::sortable)) {
            Ok(())
        } else {
            Err(format!("the summary of {:?} is {:?}", poison.keys(), usage.summary))
        }
    }

    /// Who was seen, and when. The host named last may lag behind by less than an hour.
    fn check_seen(&self, fold: &Fold) -> Held {
        for (subject, wanted) in &fold.seen {
            let item = self.engine.item(&names().registry, &store::keys::subject(&subject.0, &subject.1));
            let held =
                item.as_ref().and_then(items::seen).ok_or_else(|| format!("{subject:?} was not seen"))?;
            if (Seen { host: None, ..held.clone() }) != (Seen { host: None, ..wanted.clone() }) {
                return Err(format!("{subject:?} was seen {held:?}, which should be {wanted:?}"));
            }
            let right = match (&held.host, &wanted.host) {
                (None, None) => true,
                (Some(held), Some(wanted)) => {
                    let named = fold.hosts[subject].contains(&(held.at, held.value.clone()));
                    let only = fold.hosts[subject].iter().all(|(_, host)| *host == wanted.value);
                    named && hour(held.at) == hour(wanted.at) && (!only || held.value == wanted.value)
                }
                _ => false,
            };
            if !right {
                return Err(format!("{subject:?} ran on {:?}, which should be {:?}", held.host, wanted.host));
            }
        }
        let seen = self.engine.all(&names().registry).iter().filter_map(items::seen).count();
        if seen == fold.seen.len() {
            Ok(())
        } else {
            Err(format!("{seen} were seen, not {}", fold.seen.len()))
        }
    }

    /// The metrics agree with the fold and with each other.
    async fn check_metrics(&self, fold: &Fold) -> Held {
        let metrics = service::metrics(EXAMINER, self.wire.client(EXAMINER), Clock::fixed(self.now));
        for ((org, zone), token) in ORGS.iter().zip(&self.tokens) {
            let (mut all, today) = (OrgDay::default(), Day::of(self.now, *zone));
            let past = fold.days.iter().filter(|((of, day), _)| of.as_str() == *org && *day <= today);
            past.for_each(|(_, sums)| all.merge(OrgDay::from(sums)));
            let get = async |what: &str| {
                let path = format!("/v1/metrics/{what}?days={DAYS}");
                let (status, body) = metrics.send(Method::GET, &path, token, None).await;
                if status == StatusCode::OK {
                    Ok(body)
                } else {
                    Err(format!("{path} answers {status}: {body}"))
                }
            };
            let (summary, models, usage) = (get("summary").await?, get("models").await?, get("usage").await?);
            agree(&all, &summary, &models["models"], &usage["points"])
                .map_err(|why| format!("the metrics of {org}: {why}"))?;
        }
        Ok(())
    }
}

/// Compares what the metrics say of an organisation with what they should say.
fn agree(all: &OrgDay, summary: &Value, models: &Value, points: &Value) -> Held {
    let total = all.total();
    let (tokens_in, tokens_out) = (total.tokens.whole_input(), total.tokens.output);
    let wanted =
        json!([total.requests, tokens_in, tokens_out, total.unpriced, total.cost(), all.models.len()]);
    let names = ["requests", "tokens_in", "tokens_out"].map(|name| format!("total_{name}"));
    let others = ["unpriced_requests", "estimated_cost_usd", "unique_models"];
    let held: Value =
        names.iter().map(String::as_str).chain(others).map(|name| summary[name].clone()).collect();
    if held != wanted {
        return Err(format!("the summary is {held}, which should be {wanted}"));
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
