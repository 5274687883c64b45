//! The forms that values are stored in. Each takes only values that it gives back exactly.

use std::sync::LazyLock;

use rust_decimal::Decimal;
use serde_json::Value;

use super::super::words::{MODELS, PROVIDERS, Words};
use crate::money::{Quantity, Usd, parse_exact};
use crate::pack::Malformed;
use crate::pack::bytes::{Reader, put, put_len, unzigzag, zigzag};
use crate::period::Day;

/// How a value is stored.
#[derive(Clone, Copy)]
pub enum Form {
    /// A whole number.
    Count,
    /// True or false.
    Flag,
    /// An amount of dollars, as text.
    Dollars,
    /// Any other decimal number, as text.
    Decimal,
    /// A text, shorter where it is a UUID.
    Text,
    /// The same for an agent, which may be the last part of the event's source.
    Agent,
    /// The same for a host, whose name may begin with that of the agent.
    Host,
    /// A text that may be in a list.
    Word(&'static LazyLock<Words>),
    /// A model, which may be in a list.
    Model,
    /// The price book's row: `{provider}/{model}@{day}`.
    Row,
}

/// What values may be derived from.
pub struct Context<'s> {
    source: &'s str,
    agent: Option<String>,
}

impl<'s> Context<'s> {
    pub const fn new(source: &'s str) -> Self {
        Self { source, agent: None }
    }

    /// The agent that the source names.
    fn named(&self) -> &'s str {
        self.source.rsplit('/').next().unwrap_or_default()
    }
}

/// A text that is a UUID begins with this; other texts with their length, which is 1 at least.
const UUID: u128 = 0;
/// A text that is derived from another. Lengths are one greater where this may occur.
const DERIVED: u128 = 1;
/// A word begins with its position and this; other texts with 1.
const WORD: usize = 2;
const NO_WORD: u128 = 1;

impl Form {
    /// Appends a value. False if this form cannot express it; nothing is appended then.
    pub fn put(self, out: &mut Vec<u8>, value: &Value, context: &mut Context<'_>) -> bool {
        let text = value.as_str().filter(|text| !text.is_empty());
        match (self, text) {
            (Self::Count, _) => {
                let Some(count) = value.as_u64() else { return false };
                put(out, count.into());
            }
            (Self::Flag, _) => {
                let Some(flag) = value.as_bool() else { return false };
                out.push(flag.into());
            }
            (_, None) => return false,
            (Self::Dollars, Some(text)) => return put_decimal(out, text, dollars),
            (Self::Decimal, Some(text)) => return put_decimal(out, text, plain),
            (Self::Text, Some(text)) => put_text(out, text, 0),
            (Self::Agent, Some(text)) => put_agent(out, text, context),
            (Self::Host, Some(text)) => put_host(out, text, context),
            (Self::Word(words), Some(text)) => put_word(out, text, words),
            (Self::Model, Some(text)) => put_word(out, text, &MODELS),
            (Self::Row, Some(text)) => put_row(out, text),
        }
        true
    }

    pub fn read(self, bytes: &mut Reader<'_>, context: &mut Context<'_>) -> Result<Value, Malformed> {
        Ok(match self {
            Self::Count => u64::try_from(bytes.varint()?).map_err(|_| Malformed::Invalid("count"))?.into(),
            Self::Flag => (bytes.byte()? == 1).into(),
            Self::Dollars => dollars(read_decimal(bytes)?).into(),
            Self::Decimal => plain(read_decimal(bytes)?).into(),
            Self::Text => read_text(bytes, 0)?.unwrap_or_default().into(),
            Self::Agent => {
                let agent = read_text(bytes, DERIVED)?.unwrap_or_else(|| context.named().to_owned());
                context.agent = Some(agent.clone());
                agent.into()
            }
            Self::Host => read_host(bytes, context)?.into(),
            Self::Word(words) => read_word(bytes, words)?.into(),
            Self::Model => read_word(bytes, &MODELS)?.into(),
            Self::Row => read_row(bytes)?.into(),
        })
    }
}

fn put_text(out: &mut Vec<u8>, text: &str, reserved: u128) {
    if let Some(uuid) = uuid(text) {
        put(out, UUID);
        out.extend(uuid);
    } else {
        put(out, text.len() as u128 + reserved);
        out.extend(text.as_bytes());
    }
}

/// None if it is derived.
fn read_text(bytes: &mut Reader<'_>, reserved: u128) -> Result<Option<String>, Malformed> {
    let first = bytes.varint()?;
    if first == UUID {
        return Ok(Some(uuid_text(bytes.take(16)?)));
    }
    if first <= reserved {
        return Ok(None);
    }
    let length = usize::try_from(first - reserved).map_err(|_| Malformed::Length)?;
    Ok(Some(utf8(bytes.take(length)?)?.to_owned()))
}

fn utf8(bytes: &[u8]) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes).map_err(|_| Malformed::Invalid("text"))
}

/// The bytes of a UUID, if it is spelled in the usual way.
fn uuid(text: &str) -> Option<[u8; 16]> {
    if text.len() != 36 {
        return None;
    }
    let digits: String = text.split('-').collect();
    let value = u128::from_str_radix(&digits, 16).ok()?.to_be_bytes();
    (uuid_text(&value) == text).then_some(value)
}

fn uuid_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (position, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&position) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
        }
    }
    text
}

fn put_agent(out: &mut Vec<u8>, agent: &str, context: &mut Context<'_>) {
    context.agent = Some(agent.to_owned());
    if agent == context.named() {
        put(out, DERIVED);
    } else {
        put_text(out, agent, DERIVED);
    }
}

fn put_host(out: &mut Vec<u8>, host: &str, context: &Context<'_>) {
    if let Some(rest) = context.agent.as_deref().and_then(|agent| host.strip_prefix(agent)) {
        put(out, DERIVED);
        put_spelled(out, rest);
    } else {
        put_text(out, host, DERIVED);
    }
}

fn read_host(bytes: &mut Reader<'_>, context: &Context<'_>) -> Result<String, Malformed> {
    if let Some(host) = read_text(bytes, DERIVED)? {
        return Ok(host);
    }
    Ok([context.agent.as_deref().unwrap_or_default(), read_spelled(bytes)?].concat())
}

/// A text as it is, after its length.
fn put_spelled(out: &mut Vec<u8>, text: &str) {
    put_len(out, text.len());
    out.extend(text.as_bytes());
}

fn read_spelled<'b>(bytes: &mut Reader<'b>) -> Result<&'b str, Malformed> {
    let length = bytes.count(usize::MAX)?;
    utf8(bytes.take(length)?)
}

fn put_word(out: &mut Vec<u8>, text: &str, words: &Words) {
    if let Some(position) = words.position(text) {
        return put_len(out, position + WORD);
    }
    // A UUID says so itself.
    if uuid(text).is_none() {
        put(out, NO_WORD);
    }
    put_text(out, text, 0);
}

fn read_word(bytes: &mut Reader<'_>, words: &Words) -> Result<String, Malformed> {
    let first = bytes.varint()?;
    if first == UUID {
        return Ok(uuid_text(bytes.take(16)?));
    }
    if first == NO_WORD {
        return read_spelled(bytes).map(str::to_owned);
    }
    let word = usize::try_from(first).ok().and_then(|first| words.at(first.checked_sub(WORD)?));
    word.map(str::to_owned).ok_or(Malformed::Invalid("word"))
}

fn dollars(value: Decimal) -> String {
    Usd::new(value).to_string()
}

fn plain(value: Decimal) -> String {
    Quantity(value).0.normalize().to_string()
}

/// Bits of the scale, which is at most 28.
const SCALE: u32 = 5;

/// False if the text is not how `spell` spells the number.
fn put_decimal(out: &mut Vec<u8>, text: &str, spell: impl Fn(Decimal) -> String) -> bool {
    let value = parse_exact(text).filter(|value| spell(*value) == text);
    let Some(value) = value.map(|value| value.normalize()) else { return false };
    put(out, zigzag(value.mantissa()) << SCALE | u128::from(value.scale()));
    true
}

fn read_decimal(bytes: &mut Reader<'_>) -> Result<Decimal, Malformed> {
    let value = bytes.varint()?;
    let scale = u32::try_from(value & ((1 << SCALE) - 1)).unwrap_or_default();
    Decimal::try_from_i128_with_scale(unzigzag(value >> SCALE), scale)
        .map_err(|_| Malformed::Invalid("decimal"))
}

/// In place of the day of a row that always held.
const EVER: &str = "-";

fn put_row(out: &mut Vec<u8>, row: &str) {
    if let Some((provider, model, day)) = parts(row) {
        put_len(out, provider + 1);
        put_len(out, model);
        put(out, day);
    } else {
        put(out, 0);
        put_spelled(out, row);
    }
}

/// The positions of provider and model, and the days since 1970 plus 1, or 0; none if the row has to be spelled out.
fn parts(row: &str) -> Option<(usize, usize, u128)> {
    let (name, day) = row.rsplit_once('@')?;
    let (provider, model) = name.split_once('/')?;
    let (provider, model) = (PROVIDERS.position(provider)?, MODELS.position(model)?);
    let day = match day {
        EVER => 0,
        day => u128::try_from(Day::parse(day)?.date().to_epoch_days()).ok()? + 1,
    };
    (row_of(provider, model, day).as_deref() == Some(row)).then_some((provider, model, day))
}

fn row_of(provider: usize, model: usize, day: u128) -> Option<String> {
    let day = match day.checked_sub(1) {
        None => EVER.to_owned(),
        Some(days) => {
            let date = chrono::NaiveDate::from_epoch_days(i32::try_from(days).ok()?)?;
            Day::new(date).to_string()
        }
    };
    Some(format!("{}/{}@{day}", PROVIDERS.at(provider)?, MODELS.at(model)?))
}

fn read_row(bytes: &mut Reader<'_>) -> Result<String, Malformed> {
    let position = |value: u128| usize::try_from(value).map_err(|_| Malformed::Invalid("word"));
    match bytes.varint()? {
        0 => read_spelled(bytes).map(str::to_owned),
        provider => {
            let (provider, model) = (position(provider - 1)?, position(bytes.varint()?)?);
            row_of(provider, model, bytes.varint()?).ok_or(Malformed::Invalid("row"))
        }
    }
}
