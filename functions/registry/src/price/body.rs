//! The request body of an own price.

use chrono::NaiveDate;
use ledger::ids::Name;
use ledger::money::Quantity;
use ledger::period::Day;
use ledger::settings::{LongContextSettings, PriceTerms};
use runtime::config::Config;
use serde_json::value::RawValue;
use web::body::FromBody;
use web::fields::{self, FieldReader, Invalid, integer, quantity};
use web::rates;

/// The highest threshold of a long-context price: the maximum input of a call.
const MAX_ABOVE: u64 = 4_000_000_000;
const MAX_MULTIPLIER: u64 = 1000;
pub const DATE: &str = "Input should be a date, yyyy-mm-dd";

pub struct PriceBody {
    pub effective_from: Option<NaiveDate>,
    pub price: PriceTerms,
}

impl FromBody for PriceBody {
    fn from_body(fields: &mut FieldReader<'_>, _: &Config) -> Option<Self> {
        read(fields)
    }
}

pub fn read(fields: &mut FieldReader<'_>) -> Option<PriceBody> {
    let effective_from = fields.optional("effectiveFrom", date);
    let price = terms(fields);
    // A client may send back these fields of a response, which the path and the price book determine.
    fields.ignore(&["provider", "model", "effective"]);
    Some(PriceBody { effective_from, price: price? })
}

fn terms(fields: &mut FieldReader<'_>) -> Option<PriceTerms> {
    let given = [
        rates::are_given(fields) || fields.is_given("longContext"),
        fields.is_given("multiplier"),
        fields.is_given("alias"),
    ];
    if given.iter().filter(|given| **given).count() > 1 {
        let msg = "Price should have exactly one of rates, a multiplier and an alias";
        fields.fault(if given[1] { "multiplier" } else { "alias" }, Invalid::new("exclusive", msg));
    }
    let multiplier = fields.optional("multiplier", multiplier).map(PriceTerms::Multiplier);
    let alias = fields.optional("alias", fields::id::<Name>).map(|alias| PriceTerms::Alias(alias.into()));
    if given[1] || given[2] {
        // Faults in the rates do not matter if there must not be rates.
        let names = rates::TOKEN_RATES.map(|(_, name)| name);
        fields.ignore(&names);
        fields.ignore(&[rates::UNITS, "longContext"]);
        return multiplier.or(alias);
    }
    let rates = rates::read(fields);
    let long_context = fields.object("longContext", |fields| {
        let above_input_tokens = fields.required("aboveInputTokens", integer(1..=MAX_ABOVE));
        let rates = rates::read(fields);
        Some(LongContextSettings { above_input_tokens: above_input_tokens?, rates: rates? })
    });
    Some(PriceTerms::Rates { rates: rates?, long_context })
}

fn multiplier(raw: &RawValue) -> Result<Quantity, Invalid> {
    let factor = quantity(MAX_MULTIPLIER)(raw)?;
    if factor.is_zero() {
        return Err(Invalid::new("greater_than", "Input should be greater than 0"));
    }
    Ok(Quantity(factor))
}

fn date(raw: &RawValue) -> Result<NaiveDate, Invalid> {
    let date = Day::parse(&fields::string(raw)?).map(Day::date);
    date.ok_or_else(|| Invalid::new("date_parsing", DATE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::tests::reading_required;

    fn faults(text: &str) -> Vec<String> {
        reading_required(text, read).err().unwrap_or_default()
    }

    #[test]
    fn every_fault_is_listed() {
        let bad = r#"{"effectiveFrom":"20.11.2026","inputPricePerMillion":-1,"cacheReadPricePerMillion":1000001,
            "longContext":{"aboveInputTokens":0,"outputPricePerMillion":0.0000001,"x":1},"units":{"y":1}}"#;
        assert_eq!(
            faults(bad),
            [
                r#"["body","effectiveFrom"] date_parsing"#,
                r#"["body","inputPricePerMillion"] greater_than_equal"#,
                r#"["body","outputPricePerMillion"] missing"#,
                r#"["body","cacheReadPricePerMillion"] less_than_equal"#,
                r#"["body","units","y"] extra_forbidden"#,
                r#"["body","longContext","aboveInputTokens"] greater_than_equal"#,
                r#"["body","longContext","inputPricePerMillion"] missing"#,
                r#"["body","longContext","outputPricePerMillion"] decimal_max_places"#,
                r#"["body","longContext","x"] extra_forbidden"#,
            ]
        );
    }

    #[test]
    fn a_price_is_rates_or_a_multiplier_or_an_alias() {
        let rates = r#""inputPricePerMillion":1,"outputPricePerMillion":1"#;
        for good in [
            format!("{{{rates}}}"),
            format!(r#"{{{rates},"multiplier":null,"alias":null}}"#),
            r#"{"units":{"web_search":"0.008"}}"#.to_owned(),
            r#"{"multiplier":0.85}"#.to_owned(),
            r#"{"multiplier":"1000","inputPricePerMillion":null,"longContext":null}"#.to_owned(),
            r#"{"alias":"gpt-5"}"#.to_owned(),
        ] {
            assert_eq!(faults(&good), [""; 0], "{good}");
        }
        let missing =
            [r#"["body","inputPricePerMillion"] missing"#, r#"["body","outputPricePerMillion"] missing"#];
        for nothing in ["{}", r#"{"multiplier":null}"#] {
            assert_eq!(faults(nothing), missing, "{nothing}");
        }
        for (both, at) in [
            (format!(r#"{{{rates},"multiplier":1}}"#), "multiplier"),
            (format!(r#"{{{rates},"alias":"m"}}"#), "alias"),
            (r#"{"units":{"pages":1},"alias":"m"}"#.to_owned(), "alias"),
            (r#"{"multiplier":1,"alias":"m"}"#.to_owned(), "multiplier"),
            (r#"{"multiplier":1,"longContext":{}}"#.to_owned(), "multiplier"),
        ] {
            assert_eq!(faults(&both), [format!(r#"["body","{at}"] exclusive"#)], "{both}");
        }
    }

    #[test]
    fn a_multiplier_is_positive_and_has_six_decimals() {
        for (factor, fault) in [
            ("0.000001", None),
            ("1000", None),
            ("0", Some("greater_than")),
            ("\"0.0\"", Some("greater_than")),
            ("-1", Some("greater_than_equal")),
            ("1000.000001", Some("less_than_equal")),
            ("0.0000001", Some("decimal_max_places")),
            ("true", Some("decimal_parsing")),
        ] {
            let fault: Vec<_> = fault.iter().map(|kind| format!(r#"["body","multiplier"] {kind}"#)).collect();
            assert_eq!(faults(&format!(r#"{{"multiplier":{factor}}}"#)), fault, "{factor}");
        }
    }

    #[test]
    fn long_context_thresholds_are_limited() {
        let read = |above: &str| {
            let rates = r#""inputPricePerMillion":1,"outputPricePerMillion":1"#;
            faults(&format!(r#"{{{rates},"longContext":{{"aboveInputTokens":{above},{rates}}}}}"#)).is_empty()
        };
        assert!(read("1") && read("4000000000"));
        assert!(!read("0") && !read("4000000001") && !read("1.5"));
    }
}
