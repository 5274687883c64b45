//! Prices as requests and responses spell them: US dollars per million tokens by kind of token, and per unit.

use ledger::money::Number;
use ledger::pricing::EffectiveRow;
use ledger::pricing::data::{Rate, RateSet, Tier};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::fields::{FieldReader, decimal};

/// The fields of the rates of tokens.
pub const TOKEN_RATES: [(Rate, &str); Rate::TOKENS] = [
    (Rate::Input, "inputPricePerMillion"),
    (Rate::Output, "outputPricePerMillion"),
    (Rate::CacheRead, "cacheReadPricePerMillion"),
    (Rate::CacheWrite5m, "cacheWrite5mPricePerMillion"),
    (Rate::CacheWrite30m, "cacheWrite30mPricePerMillion"),
    (Rate::CacheWrite1h, "cacheWrite1hPricePerMillion"),
    (Rate::CacheWrite12h, "cacheWrite12hPricePerMillion"),
    (Rate::InputAudio, "inputAudioPricePerMillion"),
    (Rate::InputImage, "inputImagePricePerMillion"),
    (Rate::CacheReadAudio, "cacheReadAudioPricePerMillion"),
    (Rate::OutputAudio, "outputAudioPricePerMillion"),
    (Rate::OutputImage, "outputImagePricePerMillion"),
];
/// The field of the rates of units, an object by unit.
pub const UNITS: &str = "units";

/// The highest price, in dollars per million tokens or per unit.
const MAX_PRICE: u64 = 1_000_000;

/// The fields of a set of rates, for `#[serde(flatten)]`. A rate without a price has no field.
#[derive(Clone, Copy, Debug)]
pub struct RateFields {
    /// The rates.
    pub rates: RateSet,
    /// Rates that always have a field, null if they have no price.
    pub nullable: &'static [Rate],
}

impl From<RateSet> for RateFields {
    fn from(rates: RateSet) -> Self {
        Self { rates, nullable: &[] }
    }
}

impl Serialize for RateFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (rate, name) in TOKEN_RATES {
            match self.rates.get(rate) {
                Some(pico) => map.serialize_entry(name, &Number(rate.dollars(pico)))?,
                None if self.nullable.contains(&rate) => map.serialize_entry(name, &None::<Number>)?,
                None => {}
            }
        }
        if Rate::UNITS.iter().any(|unit| self.rates.get(*unit).is_some()) {
            map.serialize_entry(UNITS, &Units(&self.rates))?;
        }
        map.end()
    }
}

struct Units<'r>(&'r RateSet);

impl Serialize for Units<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let units = self.0.iter().filter(|(rate, _)| rate.is_unit());
        serializer.collect_map(units.map(|(unit, pico)| (unit.name(), Number(unit.dollars(pico)))))
    }
}

/// Prices and their conditions. A condition that is not given does not restrict them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RateRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    above_input_tokens: Option<u64>,
    #[serde(flatten)]
    rates: RateFields,
}

impl RateRow {
    /// The conditions of `row` with `rates`.
    pub fn new(row: &EffectiveRow<'_>, rates: RateSet) -> Self {
        Self {
            tier: Some(row.tier()).filter(|tier| *tier != Tier::Standard).map(Tier::name),
            region: Some(row.region()).filter(|region| !region.is_empty()),
            hours: row.window().map(|window| window.to_string()),
            above_input_tokens: Some(row.above_input_tokens).filter(|above| *above > 0),
            rates: rates.into(),
        }
    }
}

/// Whether any rate is given.
pub fn are_given(fields: &FieldReader<'_>) -> bool {
    TOKEN_RATES.iter().any(|(_, name)| fields.is_given(name)) || fields.is_given(UNITS)
}

/// Reads the rates from the fields of an object. Input and output are required, unless units alone are given.
pub fn read(fields: &mut FieldReader<'_>) -> Option<RateSet> {
    let units_alone = fields.is_given(UNITS) && !TOKEN_RATES.iter().any(|(_, name)| fields.is_given(name));
    let mut rates = RateSet::default();
    let mut is_complete = true;
    for (rate, name) in TOKEN_RATES {
        let read = decimal(MAX_PRICE, rate.decimals());
        let price = if [Rate::Input, Rate::Output].contains(&rate) && !units_alone {
            let price = fields.required(name, read);
            is_complete &= price.is_some();
            price
        } else {
            fields.optional(name, read)
        };
        rates.set(rate, price.and_then(|dollars| rate.pico(dollars)));
    }
    fields.object(UNITS, |units| {
        for unit in Rate::UNITS {
            let price = units.optional(unit.name(), decimal(MAX_PRICE, unit.decimals()));
            rates.set(*unit, price.and_then(|dollars| unit.pico(dollars)));
        }
        Some(())
    });
    is_complete.then_some(rates)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use serde_json::value::RawValue;

    use super::*;

    fn read_text(text: &str) -> Result<RateSet, Vec<String>> {
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        let mut fields = FieldReader::of(&raw, vec!["body".into()]).unwrap();
        let rates = read(&mut fields);
        let faults = fields.finish();
        if faults.is_empty() {
            Ok(rates.unwrap())
        } else {
            Err(faults.iter().map(ToString::to_string).collect())
        }
    }

    #[test]
    fn rates_are_written_as_they_are_read() {
        let all: Vec<_> =
            TOKEN_RATES.iter().map(|(rate, _)| *rate).chain(Rate::UNITS.iter().copied()).collect();
        assert_eq!(all.len(), Rate::ALL.len());
        let mut rates = RateSet::default();
        for (place, rate) in (0..).zip(all) {
            rates.set(rate, Some(place));
            let text = serde_json::to_string(&RateFields::from(rates)).unwrap();
            if rates.get(Rate::Output).is_some() {
                assert_eq!(read_text(&text), Ok(rates), "{text}");
            }
        }
        let units = RateSet::parse("web_search=0.01 characters=0.0000165").unwrap();
        let text = serde_json::to_string(&RateFields::from(units)).unwrap();
        assert_eq!(text, r#"{"units":{"web_search":0.01,"characters":0.0000165}}"#);
        assert_eq!(read_text(&text), Ok(units));
    }

    #[test]
    fn a_rate_without_a_price_has_no_field_or_null() {
        let rates = RateSet::parse("input=1").unwrap();
        let fields = RateFields { rates, nullable: &[Rate::Input, Rate::Output] };
        let expected = json!({ "inputPricePerMillion": 1, "outputPricePerMillion": null });
        assert_eq!(serde_json::to_value(fields).unwrap(), expected);
    }

    #[test]
    fn every_fault_is_listed() {
        let text = r#"{"inputPricePerMillion":null,"outputAudioPricePerMillion":0.0000001,
            "units":{"web_search":-1,"pages":1e-13,"widgets":1}}"#;
        assert_eq!(
            read_text(text).unwrap_err(),
            [
                r#"["body","inputPricePerMillion"] decimal_parsing"#,
                r#"["body","outputPricePerMillion"] missing"#,
                r#"["body","outputAudioPricePerMillion"] decimal_max_places"#,
                r#"["body","units","web_search"] greater_than_equal"#,
                r#"["body","units","pages"] decimal_max_places"#,
                r#"["body","units","widgets"] extra_forbidden"#,
            ]
        );
    }
}
