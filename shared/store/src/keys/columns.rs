//! How the columns of a rollup item are spelled as attribute names.
//!
//! | form | what |
//! |---|---|
//! | two letters | one of `FIXED` |
//! | `u` | end users |
//! | code, letter | a measure of a model |
//! | code, digit, letter | tokens of calls above a long-context step |
//! | code, `l`, letter | calls whose input exceeds a length |
//! | code, `n` | the model's name |
//! | code, `U`, letter | units that are billed by count |
//! | `k:` type | calls by task type |
//! | `a:` type | activity by type |
//! | `A:` to `X:`, type | activity in the first to the last hour of the day, by type |
//! | any of these, `~`, a number | the same, of events that happened that many days after the item's day |
//!
//! A code is eight characters of base64. In a type, `~` is escaped. Names are short because each of an item's hundreds of columns repeats its
//! name, and every started 1,024 bytes of an item cost a write unit.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ledger::pricing::Rate;
use ledger::rollup::{Column, Measure, ModelCode, ModelMeasure, TokenBucket};

use super::END_USERS;
use super::escape::{escape, unescape};

/// Stands before the number of days in a column of other days' events.
const OFFSET: char = '~';
/// The characters that are escaped in a type. No other part of a name contains them.
const IN_TYPE: &[char] = &['$', OFFSET];
/// Characters of a model's code.
const CODE: usize = 8;

/// Characters of the longest name in [`FIXED`].
const LONGEST_FIXED: usize = 2;
const FIXED: [(&str, Measure); 14] = [
    ("lc", Measure::LatencyCount),
    ("ls", Measure::LatencySum),
    ("tk", Measure::Tasks),
    ("tf", Measure::TasksFailed),
    ("tm", Measure::TasksWithMinutes),
    ("ms", Measure::MinutesSaved),
    ("cs", Measure::CpuCoreSeconds),
    ("rs", Measure::RamGbSeconds),
    ("ds", Measure::DiskGbSeconds),
    ("is", Measure::InstanceSeconds),
    ("bi", Measure::BytesIn),
    ("bo", Measure::BytesOut),
    ("in", Measure::Instances),
    (END_USERS, Measure::EndUsers),
];

const OF_MODEL: [(char, ModelMeasure); 22] = [
    ('r', ModelMeasure::Requests),
    ('e', ModelMeasure::Errors),
    ('u', ModelMeasure::Unpriced),
    ('i', ModelMeasure::Tokens(TokenBucket::Input)),
    ('o', ModelMeasure::Tokens(TokenBucket::Output)),
    ('c', ModelMeasure::Tokens(TokenBucket::CacheRead)),
    ('w', ModelMeasure::Tokens(TokenBucket::CacheWrite5m)),
    ('m', ModelMeasure::Tokens(TokenBucket::CacheWrite30m)),
    ('h', ModelMeasure::Tokens(TokenBucket::CacheWrite1h)),
    ('d', ModelMeasure::Tokens(TokenBucket::CacheWrite12h)),
    ('A', ModelMeasure::Tokens(TokenBucket::InputAudio)),
    ('I', ModelMeasure::Tokens(TokenBucket::InputImage)),
    ('C', ModelMeasure::Tokens(TokenBucket::CacheReadAudio)),
    ('O', ModelMeasure::Tokens(TokenBucket::OutputAudio)),
    ('P', ModelMeasure::Tokens(TokenBucket::OutputImage)),
    ('x', ModelMeasure::InputCost),
    ('j', ModelMeasure::CacheReadCost),
    ('k', ModelMeasure::CacheWriteCost),
    ('y', ModelMeasure::OutputCost),
    ('z', ModelMeasure::UnitsCost),
    ('b', ModelMeasure::ByokCost),
    ('t', ModelMeasure::Cost),
];

/// Letters of units, in the order of [`Rate::ALL`] from its first unit on.
const FIRST_UNIT: u8 = b'a';

/// The attribute name of a column.
pub fn spell(column: &Column) -> String {
    let name = spell_measure(&column.measure);
    if column.days_after == 0 { name } else { format!("{name}{OFFSET}{}", column.days_after) }
}

fn spell_measure(measure: &Measure) -> String {
    match measure {
        Measure::Model(code, ModelMeasure::Units(unit)) => {
            format!("{}U{}", spell_code(*code), unit_letter(*unit))
        }
        Measure::Model(code, of) => format!("{}{}", spell_code(*code), letter_of(*of)),
        Measure::LongContext(code, step, bucket) => {
            format!("{}{step}{}", spell_code(*code), letter_of(ModelMeasure::Tokens(*bucket)))
        }
        Measure::LongerInput(code, length) => {
            format!("{}l{}", spell_code(*code), char::from(b'a' + length % 26))
        }
        Measure::ModelName(code) => format!("{}n", spell_code(*code)),
        Measure::CallsOfTaskType(kind) => format!("k:{}", escape(kind, IN_TYPE)),
        Measure::Activity(kind) => format!("a:{}", escape(kind, IN_TYPE)),
        Measure::ActivityInHour(hour, kind) => {
            format!("{}:{}", char::from(b'A' + hour % 24), escape(kind, IN_TYPE))
        }
        fixed => {
            let found = FIXED.iter().find(|(_, measure)| measure == fixed);
            found.map_or("", |(name, _)| name).to_owned()
        }
    }
}

/// The column that an attribute name spells, if it is one.
pub fn parse(name: &str) -> Option<Column> {
    let (name, days_after) = match name.rsplit_once(OFFSET) {
        Some((name, days)) => (name, days.parse().ok()?),
        None => (name, 0),
    };
    Some(Column { measure: parse_measure(name)?, days_after })
}

fn parse_measure(name: &str) -> Option<Measure> {
    // Most names are longer: those of models.
    if name.len() <= LONGEST_FIXED
        && let Some((_, measure)) = FIXED.iter().find(|(fixed, _)| *fixed == name)
    {
        return Some(measure.clone());
    }
    if let Some((front, kind)) = name.split_once(':') {
        let kind = unescape(kind, IN_TYPE)?.into_owned();
        return match front.as_bytes() {
            b"k" => Some(Measure::CallsOfTaskType(kind)),
            b"a" => Some(Measure::Activity(kind)),
            [hour @ b'A'..=b'X'] => Some(Measure::ActivityInHour(hour - b'A', kind)),
            _ => None,
        };
    }
    let code = parse_code(name.get(..CODE)?)?;
    match name.as_bytes().get(CODE..)? {
        [b'n'] => Some(Measure::ModelName(code)),
        [letter] => Some(Measure::Model(code, of_letter(*letter)?)),
        [b'U', letter] => Some(Measure::Model(code, ModelMeasure::Units(unit_of(*letter)?))),
        [b'l', length @ b'a'..=b'z'] => Some(Measure::LongerInput(code, length - b'a')),
        [step @ b'0'..=b'9', letter] => match of_letter(*letter)? {
            ModelMeasure::Tokens(bucket) => Some(Measure::LongContext(code, step - b'0', bucket)),
            _ => None,
        },
        _ => None,
    }
}

fn unit_letter(unit: Rate) -> char {
    let nth = units().position(|one| one == unit).and_then(|nth| u8::try_from(nth).ok());
    nth.map_or('?', |nth| char::from(FIRST_UNIT + nth))
}

fn unit_of(letter: u8) -> Option<Rate> {
    units().nth(letter.checked_sub(FIRST_UNIT)?.into())
}

fn units() -> impl Iterator<Item = Rate> {
    Rate::ALL.into_iter().filter(|rate| rate.is_unit())
}

fn letter_of(measure: ModelMeasure) -> char {
    OF_MODEL.iter().find(|(_, of)| *of == measure).map_or('?', |(letter, _)| *letter)
}

fn of_letter(letter: u8) -> Option<ModelMeasure> {
    OF_MODEL.iter().find(|(known, _)| *known == char::from(letter)).map(|(_, measure)| *measure)
}

fn spell_code(code: ModelCode) -> String {
    BASE64.encode(code.as_bytes())
}

fn parse_code(text: &str) -> Option<ModelCode> {
    let bytes = BASE64.decode(text).ok()?;
    bytes.try_into().ok().map(ModelCode::from_bytes)
}

#[cfg(test)]
mod tests {
    use ledger::ids::ModelKey;
    use proptest::prelude::*;

    use super::super::mark_column;
    use super::*;

    fn bucket() -> impl Strategy<Value = TokenBucket> {
        use TokenBucket::{CacheRead, CacheWrite1h, CacheWrite5m, Input, Output};
        prop::sample::select(vec![Input, Output, CacheRead, CacheWrite5m, CacheWrite1h])
    }

    fn measure() -> impl Strategy<Value = Measure> {
        let code = any::<[u8; 6]>().prop_map(ModelCode::from_bytes);
        let of_model = prop::sample::select(OF_MODEL.map(|(_, measure)| measure).to_vec());
        let kind = prop_oneof!["[A-Za-z0-9_./@:~$-]{1,20}", "\\PC{1,20}"];
        prop_oneof![
            prop::sample::select(FIXED.map(|(_, measure)| measure).to_vec()),
            (code.clone(), prop::sample::select(units().collect::<Vec<_>>()))
                .prop_map(|(code, unit)| Measure::Model(code, ModelMeasure::Units(unit))),
            (code.clone(), of_model).prop_map(|(code, of)| Measure::Model(code, of)),
            (code.clone(), 0..4_u8, bucket())
                .prop_map(|(code, step, of)| Measure::LongContext(code, step, of)),
            (code.clone(), 0..14_u8).prop_map(|(code, length)| Measure::LongerInput(code, length)),
            code.prop_map(Measure::ModelName),
            kind.clone().prop_map(Measure::CallsOfTaskType),
            kind.clone().prop_map(Measure::Activity),
            (0..24_u8, kind).prop_map(|(hour, kind)| Measure::ActivityInHour(hour, kind)),
        ]
    }

    proptest! {
        #[test]
        fn every_column_is_read_back(measure in measure(), days_after in -40..=40_i64) {
            let column = Column { measure, days_after };
            prop_assert_eq!(parse(&spell(&column)), Some(column));
        }

        #[test]
        fn a_name_is_a_column_only_if_it_is_spelled_so(name in "[a-zA-Z0-9~:@_-]{0,12}") {
            if let Some(column) = parse(&name) {
                // `x~0` and `x~+1` are spelled otherwise, and are never written.
                prop_assert!(spell(&column) == name || name.contains(OFFSET), "{}", name);
            }
        }
    }

    #[test]
    fn no_fixed_name_is_longer_than_the_longest() {
        assert_eq!(FIXED.iter().map(|(name, _)| name.len()).max(), Some(LONGEST_FIXED));
    }

    #[test]
    fn a_mark_is_not_a_column() {
        assert_eq!(parse(&mark_column("arn:a", "shard")), None);
    }

    #[test]
    fn columns_are_spelled_as_always() {
        let key = ModelKey { provider: "anthropic".to_owned(), model: "claude-haiku-3.5".to_owned() };
        let code = ModelCode::of(&key);
        for (measure, name) in [
            (Measure::Model(code, ModelMeasure::Requests), "oVyaEpuLr"),
            (Measure::LongContext(code, 3, TokenBucket::CacheWrite1h), "oVyaEpuL3h"),
            (Measure::LongerInput(code, 13), "oVyaEpuLln"),
            (Measure::ModelName(code), "oVyaEpuLn"),
            (Measure::ActivityInHour(23, "a:b".to_owned()), "X:a:b"),
            (Measure::EndUsers, "u"),
            (Measure::LatencySum, "ls"),
        ] {
            assert_eq!(spell(&measure.into()), name);
        }
    }
}
