//! Changes of the events table and the stream records they lead to: insertions, expirations and malformed records.

use aws_sdk_dynamodb::primitives::Blob;
use dynoxide::{AttributeValue as Dynoxide, Item};
use ledger::event::Event;
use rand::RngExt;
use serde_json::{Value, json};
use store::events;
use store::keys::{Key, PK, SK, event as attribute};

use super::CheckResult;
use super::run::Run;
use super::stream::Effect;
use super::wire::{DIRECT, Process};
use crate::support::tables::names;

/// Ways to make a record malformed: a part of it, and its replacement.
fn malformations() -> [(&'static str, Value); 7] {
    [
        ("/eventName", json!("UPSERT")),
        ("/dynamodb/NewImage", json!(null)),
        ("/dynamodb/NewImage/d", json!({ "B": "AQ==" })),
        ("/dynamodb/NewImage/v", json!({ "N": "99" })),
        ("/dynamodb/NewImage/pk", json!({ "S": "acme#2026-99-99#0" })),
        ("/dynamodb/NewImage/d/B", json!("/w==")),
        ("/dynamodb/NewImage", json!("?")),
    ]
}

impl Run {
    /// Adds the changes that a process made in the events table to its stream.
    pub fn publish_changes(&mut self, process: Process) -> CheckResult {
        for raw in self.engine.changes(&names().events) {
            let key = |name: &str| raw["dynamodb"]["Keys"][name]["S"].as_str().unwrap().to_owned();
            let key = Key { pk: key(PK), sk: key(SK) };
            let effect = match raw["eventName"].as_str() {
                Some("INSERT") => {
                    let image: Item = serde_json::from_value(raw["dynamodb"]["NewImage"].clone()).unwrap();
                    let event = event(&image)?;
                    let effect = Effect::Count(Box::new(event.clone()));
                    let is_change = !event.is_usage();
                    self.check_price(process, &event)?;
                    self.senders.insert(process, key.clone(), event)?;
                    if is_change {
                        self.note_prices()?;
                    }
                    effect
                }
                Some("REMOVE") => Effect::Nothing,
                other => return Err(format!("a raw event was changed: {other:?} {key:?}")),
            };
            self.record(&key, raw, effect);
        }
        Ok(())
    }

    fn record(&mut self, key: &Key, mut raw: Value, effect: Effect) {
        if raw["eventName"] == "REMOVE" {
            raw["userIdentity"] = json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" });
        }
        let stream = self.streams.last_mut().unwrap();
        let line = stream.add(&mut self.rng, self.now, &key.pk, raw, effect);
        self.note(|| format!("  stream: {line}"));
    }

    /// Adds a malformed record to the stream.
    pub fn insert_malformed(&mut self) {
        let all = self.streams.iter().flat_map(|stream| &stream.shards).flat_map(|shard| &shard.records);
        let valid: Vec<_> = all.filter(|record| matches!(record.effect, Effect::Count(_))).collect();
        if valid.is_empty() {
            return;
        }
        let mut raw = valid[self.rng.random_range(0..valid.len())].raw.clone();
        let (at, replacement) = malformations()[self.rng.random_range(0..malformations().len())].clone();
        *raw.pointer_mut(at).unwrap() = replacement;
        let partition = format!("poison {}", self.rng.random_range(0..99));
        let stream = self.streams.last_mut().unwrap();
        let line = stream.add(&mut self.rng, self.now, &partition, raw, Effect::Quarantine);
        self.note(|| format!("  malformed: {line}"));
    }

    /// Lets a random event expire.
    pub fn expire(&mut self) -> CheckResult {
        let before = self.expiring();
        let Some(key) = self.senders.expire(&mut self.rng, before) else { return Ok(()) };
        self.count("Expired");
        self.note(|| format!("{} {} expires", key.pk, key.sk));
        let body =
            json!({ "TableName": names().events, "Key": { PK: { "S": key.pk }, SK: { "S": key.sk } } });
        self.execute(DIRECT, "DeleteItem", &body, "").map(drop)
    }
}

/// The event in an item of the events table.
pub fn event(item: &Item) -> CheckResult<Event> {
    use aws_sdk_dynamodb::types::AttributeValue as Sdk;
    let value = |value: &Dynoxide| match value {
        Dynoxide::S(text) => Some(Sdk::S(text.clone())),
        Dynoxide::N(number) => Some(Sdk::N(number.clone())),
        Dynoxide::B(bytes) => Some(Sdk::B(Blob::new(bytes.clone()))),
        _ => None,
    };
    let wanted = [PK, SK, store::keys::VERSION, attribute::DATA, attribute::REVISION];
    let parts = wanted.iter().filter_map(|name| Some(((*name).to_owned(), value(item.get(*name)?)?)));
    events::parse(&parts.collect())
}
