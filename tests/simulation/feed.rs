//! From the table to its stream: what was inserted, what was removed, and what nobody understands.

use dynoxide::{AttributeValue as Dynoxide, Item};
use ledger::event::Event;
use ledger::rollup;
use rand::RngExt;
use serde_json::{Value, json};
use store::events;
use store::keys::Keyed;
use store::keys::{Key, PK, SK, event as attribute};

use super::Held;
use super::run::Run;
use super::stream::{Counted, Matter};
use super::wire::{EXAMINER, Process};
use crate::support::tables::names;

/// What makes a record odd: a part of it, and what stands there instead.
fn oddities() -> [(&'static str, Value); 7] {
    [
        ("/eventName", json!("UPSERT")),
        ("/dynamodb/NewImage", json!(null)),
        ("/dynamodb/NewImage/d", json!({ "S": "{\"type\":\"llm.call\"" })),
        ("/dynamodb/NewImage/v", json!({ "N": "99" })),
        ("/dynamodb/NewImage/pk", json!({ "S": "acme#2026-99-99#0" })),
        ("/dynamodb/NewImage/t", json!({ "S": "noon" })),
        ("/dynamodb/NewImage", json!("?")),
    ]
}

impl Run {
    /// Takes what a process has changed in the events table into its stream.
    pub fn feed(&mut self, process: Process) -> Held {
        for raw in self.engine.changes(&names().events) {
            let key = |name: &str| raw["dynamodb"]["Keys"][name]["S"].as_str().unwrap().to_owned();
            let key = Key { pk: key(PK), sk: key(SK) };
            let matter = match raw["eventName"].as_str() {
                Some("INSERT") => {
                    let image: Item = serde_json::from_value(raw["dynamodb"]["NewImage"].clone()).unwrap();
                    let event = event(&image)?;
                    let matter = Matter::Count(Box::new(counted(&event)));
                    self.senders.insert(process, key.clone(), event)?;
                    matter
                }
                Some("REMOVE") => Matter::Nothing,
                other => return Err(format!("a raw event was changed: {other:?} {key:?}")),
            };
            self.record(&key, raw, matter);
        }
        Ok(())
    }

    fn record(&mut self, key: &Key, mut raw: Value, matter: Matter) {
        if raw["eventName"] == "REMOVE" {
            raw["userIdentity"] = json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" });
        }
        let stream = self.streams.last_mut().unwrap();
        let line = stream.add(&mut self.rng, &key.pk, raw, matter);
        self.note(|| format!("  stream: {line}"));
    }

    /// A record that nobody understands gets into the stream.
    pub fn poison(&mut self) {
        let all = self.streams.iter().flat_map(|stream| &stream.shards).flat_map(|shard| &shard.records);
        let sound: Vec<_> = all.filter(|record| matches!(record.matter, Matter::Count(_))).collect();
        if sound.is_empty() {
            return;
        }
        let mut raw = sound[self.rng.random_range(0..sound.len())].raw.clone();
        let (at, odd) = oddities()[self.rng.random_range(0..oddities().len())].clone();
        *raw.pointer_mut(at).unwrap() = odd;
        let partition = format!("poison {}", self.rng.random_range(0..99));
        let stream = self.streams.last_mut().unwrap();
        let line = stream.add(&mut self.rng, &partition, raw, Matter::Poison);
        self.note(|| format!("  poison: {line}"));
    }

    /// The time to live of an event passes.
    pub fn expire(&mut self) -> Held {
        let before = self.expiring();
        let Some(key) = self.senders.expire(&mut self.rng, before) else { return Ok(()) };
        self.count("Expired");
        self.note(|| format!("{} {} expires", key.pk, key.sk));
        let body =
            json!({ "TableName": names().events, "Key": { PK: { "S": key.pk }, SK: { "S": key.sk } } });
        self.carry_out(EXAMINER, "DeleteItem", &body, "").map(drop)
    }
}

/// The event that an item of the events table holds.
pub fn event(item: &Item) -> Held<Event> {
    use aws_sdk_dynamodb::types::AttributeValue as Sdk;
    let value = |value: &Dynoxide| match value {
        Dynoxide::S(text) => Some(Sdk::S(text.clone())),
        Dynoxide::N(number) => Some(Sdk::N(number.clone())),
        _ => None,
    };
    let wanted = [PK, SK, store::keys::VERSION, attribute::TIME, attribute::DATA];
    let parts = wanted.iter().filter_map(|name| Some(((*name).to_owned(), value(item.get(*name)?)?)));
    events::parse(&parts.collect())
}

fn counted(event: &Event) -> Counted {
    let brings = rollup::contribution(event);
    let sums = brings.sums.into_iter().map(|(target, sums)| (target.key(), sums)).collect();
    Counted { sums, sightings: brings.sightings, user: brings.end_user }
}
