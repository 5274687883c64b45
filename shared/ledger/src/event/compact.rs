//! The stored form of a payload: a third of its JSON.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | the schema: 0 for JSON, which is all that follows; else its number |
//! | varint | the lowest bit: fields that the schema lacks follow at the end, as a JSON object; then a bit for each field of the schema that may be absent, or that has another value than usual |
//! | | the fields, in the order of the schema, each in its `Form` |
//!
//! A schema only saves bytes. A field that is not in it, or whose value its form cannot express exactly, is stored as
//! JSON, so a payload may get new fields without regard to this. Schemas and forms are append only: a field that is added
//! takes the bit after those of the fields before.

mod form;

use serde_json::{Map, Value};

use super::Data;
use super::words::{PROVIDERS, STATES, TASKS};
use crate::pack::bytes::{Reader, put};
use form::{Context, Form};

type Fields = Map<String, Value>;

/// Bytes that are no payload.
#[derive(Debug, thiserror::Error)]
pub enum MalformedPayload {
    /// They are no schema's, end too early, or go on after the end.
    #[error("the payload is malformed")]
    Encoding(#[from] crate::pack::Malformed),
    /// The fields are not those of an event.
    #[error("{0}")]
    Fields(#[from] serde_json::Error),
}

/// How a field may be absent.
#[derive(Clone, Copy)]
enum Presence {
    /// It never is.
    Always,
    /// A bit says whether it is there.
    Optional,
    /// It never is, and a bit says whether it has another value than this.
    Usually(&'static str),
}

type Field = (&'static str, Presence, Form);

struct Schema {
    number: u8,
    event_type: &'static str,
    fields: &'static [Field],
}

/// The object whose fields are stored like those of the payload.
const COST: &str = "cost";

use Presence::{Always, Optional, Usually};

const CALL: Schema = Schema {
    number: 1,
    event_type: "llm.call",
    fields: &[
        ("agent_id", Always, Form::Agent),
        ("provider", Always, Form::Word(&PROVIDERS)),
        ("model", Always, Form::Model),
        ("input_tokens", Always, Form::Count),
        ("output_tokens", Always, Form::Count),
        ("latency_ms", Optional, Form::Count),
        ("end_user", Optional, Form::Text),
        ("conversation_id", Optional, Form::Text),
        ("task_type", Optional, Form::Word(&TASKS)),
        ("hostname", Optional, Form::Host),
        ("cost.input", Optional, Form::Dollars),
        ("cost.output", Optional, Form::Dollars),
        ("cost.row", Optional, Form::Row),
        ("cache_read_tokens", Optional, Form::Count),
        ("cost.cache_read", Optional, Form::Dollars),
        ("cache_write_5m_tokens", Optional, Form::Count),
        ("cost.cache_write", Optional, Form::Dollars),
        ("status", Usually("ok"), Form::Word(&STATES)),
        ("key_source", Usually("platform"), Form::Word(&STATES)),
        ("reasoning_tokens", Optional, Form::Count),
        ("cache_write_1h_tokens", Optional, Form::Count),
        ("service_tier", Optional, Form::Word(&STATES)),
        ("region", Optional, Form::Text),
        ("cost_usd", Optional, Form::Dollars),
        ("cost.units", Optional, Form::Dollars),
        ("cost.unpriced", Optional, Form::Word(&STATES)),
        ("cost.provider_id", Optional, Form::Word(&PROVIDERS)),
    ],
};

const TASK: Schema = Schema {
    number: 2,
    event_type: "task.completed",
    fields: &[
        ("agent_id", Always, Form::Agent),
        ("success", Always, Form::Flag),
        ("task_type", Optional, Form::Word(&TASKS)),
        ("minutes_saved", Optional, Form::Decimal),
        ("duration_ms", Optional, Form::Count),
    ],
};

const SCHEMAS: [Schema; 2] = [CALL, TASK];
/// Stands for no schema.
const JSON: u8 = 0;

/// The stored form of the payload of an event with this `source`.
///
/// # Errors
///
/// If the payload cannot be serialized, which no payload does.
pub fn encode(data: &Data, source: &str) -> Result<Vec<u8>, serde_json::Error> {
    if let Value::Object(fields) = serde_json::to_value(data)?
        && let Some(schema) =
            SCHEMAS.iter().find(|schema| fields.get("type") == Some(&schema.event_type.into()))
        && let Some(bytes) = schema.encode(fields, source)
    {
        return Ok(bytes);
    }
    let mut bytes = vec![JSON];
    serde_json::to_writer(&mut bytes, data)?;
    Ok(bytes)
}

/// The payload that [`encode`] stored.
///
/// # Errors
///
/// Bytes that it did not write.
pub fn decode(bytes: &[u8], source: &str) -> Result<Data, MalformedPayload> {
    let mut reader = Reader(bytes);
    let number = reader.byte()?;
    if number == JSON {
        return Ok(serde_json::from_slice(reader.0)?);
    }
    let schema = SCHEMAS.iter().find(|schema| schema.number == number);
    let schema = schema.ok_or(crate::pack::Malformed::Invalid("schema"))?;
    Ok(serde_json::from_value(Value::Object(schema.decode(&mut reader, source)?))?)
}

impl Schema {
    /// None if a field is missing that always is there.
    fn encode(&self, mut fields: Fields, source: &str) -> Option<Vec<u8>> {
        fields.remove("type");
        let mut context = Context::new(source);
        // The lowest bit is that of other fields.
        let (mut bits, mut bit) = (0_u128, 1);
        let mut body = Vec::new();
        for (name, presence, form) in self.fields {
            let value = take(&mut fields, name);
            let usual = matches!((presence, &value), (Usually(usual), Some(value)) if value == usual);
            let is_put = match &value {
                Some(value) if !usual => form.put(&mut body, value, &mut context),
                _ => false,
            };
            match presence {
                Always if !is_put => return None,
                Always => {}
                Usually(_) if !is_put && !usual => return None,
                Optional | Usually(_) => {
                    bits |= u128::from(is_put) << bit;
                    bit += 1;
                }
            }
            if let (Some(value), false, false) = (value, is_put, usual) {
                restore(&mut fields, name, value);
            }
        }
        if fields.get(COST).and_then(Value::as_object).is_some_and(Map::is_empty) {
            fields.remove(COST);
        }
        let mut bytes = vec![self.number];
        bits |= u128::from(!fields.is_empty());
        put(&mut bytes, bits);
        bytes.extend(body);
        if !fields.is_empty() {
            serde_json::to_writer(&mut bytes, &fields).ok()?;
        }
        Some(bytes)
    }

    fn decode(&self, reader: &mut Reader<'_>, source: &str) -> Result<Fields, MalformedPayload> {
        let bits = reader.varint()?;
        let mut context = Context::new(source);
        let mut fields = Fields::from_iter([("type".to_owned(), self.event_type.into())]);
        if self.fields.iter().any(|(name, ..)| name.starts_with(COST)) {
            fields.insert(COST.to_owned(), Fields::new().into());
        }
        let mut bit = 1;
        for (name, presence, form) in self.fields {
            let is_set = bits >> bit & 1 == 1;
            bit += u32::from(!matches!(presence, Always));
            let value = match presence {
                Optional if !is_set => continue,
                Usually(usual) if !is_set => (*usual).into(),
                Always | Optional | Usually(_) => form.read(reader, &mut context)?,
            };
            restore(&mut fields, name, value);
        }
        if bits >> bit != 0 {
            return Err(crate::pack::Malformed::Invalid("field").into());
        }
        if bits & 1 == 1 {
            add_others(&mut fields, serde_json::from_slice(reader.0)?);
        } else if !reader.0.is_empty() {
            return Err(crate::pack::Malformed::Length.into());
        }
        Ok(fields)
    }
}

/// Adds the fields that were stored as JSON.
fn add_others(fields: &mut Fields, others: Fields) {
    for (name, value) in others {
        match (fields.get_mut(&name), value) {
            (Some(Value::Object(cost)), Value::Object(others)) => cost.extend(others),
            (_, value) => drop(fields.insert(name, value)),
        }
    }
}

/// The object that a field is in, and its name there.
fn place<'f, 'n>(fields: &'f mut Fields, name: &'n str) -> Option<(&'f mut Fields, &'n str)> {
    match name.split_once('.') {
        Some((outer, inner)) => Some((fields.get_mut(outer)?.as_object_mut()?, inner)),
        None => Some((fields, name)),
    }
}

fn take(fields: &mut Fields, name: &str) -> Option<Value> {
    let (fields, name) = place(fields, name)?;
    fields.remove(name)
}

fn restore(fields: &mut Fields, name: &str, value: Value) {
    if let Some((fields, name)) = place(fields, name) {
        fields.insert(name.to_owned(), value);
    }
}

#[cfg(test)]
mod tests;
