use std::str::FromStr as _;

use rust_decimal::Decimal;

use super::super::catalog::ModelEntry;
use super::super::data::{Rate, RateSet};
use super::super::testing::Sketch;
use super::super::usage::TokenUsage;
use super::cost::units_cost;
use super::*;

const NO_TOKENS: TokenUsage = TokenUsage {
    input: 0,
    cache_read: 0,
    cache_write_5m: 0,
    cache_write_30m: 0,
    cache_write_1h: 0,
    cache_write_12h: 0,
    output: 0,
    input_audio: 0,
    input_image: 0,
    cache_read_audio: 0,
    output_audio: 0,
    output_image: 0,
};

fn call(model: &str, tokens: TokenUsage) -> Call<'_> {
    let at = "2026-11-27T10:00:00Z".parse().unwrap();
    Call { provider: "p", model, at, service_tier: "", region: "", tokens, units: &[] }
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn decimal(text: &str) -> Decimal {
    Decimal::from_str(text).unwrap()
}

/// The total in picodollars, or why the call has no price.
fn total(pricer: Pricer<'_>, call: &Call<'_>) -> Result<i128, Unpriced> {
    let price = pricer.price(call);
    price.unpriced.map_or(Ok(price.parts.total()), Err)
}

#[test]
fn each_bucket_has_its_rate_and_its_part_of_the_cost() {
    let rates = "input=1 output=2 cache_read=0.1 cache_write_5m=1.25 cache_write_30m=1.5 cache_write_1h=2 \
                 cache_write_12h=3 input_audio=10 input_image=5 cache_read_audio=0.5 output_audio=20 output_image=30";
    let book = Sketch::new().price("p", &format!("m,,,,,,,{rates}")).book();
    let own = OwnPrices::default();
    let tokens = TokenUsage {
        input: 100,
        cache_read: 100,
        cache_write_5m: 4,
        cache_write_30m: 2,
        cache_write_1h: 1,
        cache_write_12h: 1,
        output: 100,
        input_audio: 10,
        input_image: 20,
        cache_read_audio: 10,
        output_audio: 10,
        output_image: 20,
    };
    let parts = Pricer::new(book, &own).price(&call("m", tokens)).parts;
    assert_eq!(
        parts,
        CostParts {
            input: 70_000_000 + 100_000_000 + 100_000_000,
            cache_read: 9_000_000 + 5_000_000,
            cache_write: 5_000_000 + 3_000_000 + 2_000_000 + 3_000_000,
            output: 140_000_000 + 200_000_000 + 600_000_000,
            units: 0,
        }
    );
    assert_eq!(parts.total(), 1_237_000_000);
}

#[test]
fn only_a_missing_read_price_is_the_input_price() {
    let book = Sketch::new()
        .provider("anthropic,,,1.25,2,")
        .price("p", "m,,,,,,,input=1 output=2")
        .price("p", "audio,,,,,,,input=1 input_audio=10")
        .price("anthropic", "claude-x,,,,,,,input=4 output=2")
        .price("anthropic", "other,,,,,,,input=4 output=2")
        .book();
    let own = OwnPrices::default();
    let pricer = Pricer::new(book, &own);
    let of = |provider, model, tokens| total(pricer, &Call { provider, ..call(model, tokens) });
    assert_eq!(of("p", "m", TokenUsage { cache_read: 3, ..NO_TOKENS }), Ok(3_000_000));
    assert_eq!(
        of("p", "audio", TokenUsage { cache_read: 3, cache_read_audio: 3, ..NO_TOKENS }),
        Ok(30_000_000)
    );
    // A cache write is the stated multiple of input, for the models of Anthropic, or has no price.
    let lifetime = Err(Unpriced::NoPriceForCacheWrite);
    assert_eq!(of("p", "m", TokenUsage { cache_write_5m: 1, ..NO_TOKENS }), lifetime);
    assert_eq!(of("anthropic", "claude-x", TokenUsage { cache_write_5m: 1, ..NO_TOKENS }), Ok(5_000_000));
    assert_eq!(of("anthropic", "claude-x", TokenUsage { cache_write_1h: 1, ..NO_TOKENS }), Ok(8_000_000));
    assert_eq!(of("anthropic", "claude-x", TokenUsage { cache_write_30m: 1, ..NO_TOKENS }), lifetime);
    assert_eq!(of("anthropic", "claude-x", TokenUsage { cache_write_12h: 1, ..NO_TOKENS }), lifetime);
    assert_eq!(of("anthropic", "other", TokenUsage { cache_write_1h: 1, ..NO_TOKENS }), lifetime);
    // Audio and images without a rate make the call unpriced; so does output of a model that has none.
    let modality = Err(Unpriced::NoPriceForModality);
    assert_eq!(of("p", "m", TokenUsage { input: 5, input_audio: 1, ..NO_TOKENS }), modality);
    assert_eq!(of("p", "m", TokenUsage { input: 5, input_image: 1, ..NO_TOKENS }), modality);
    assert_eq!(of("p", "m", TokenUsage { cache_read: 5, cache_read_audio: 1, ..NO_TOKENS }), modality);
    assert_eq!(of("p", "m", TokenUsage { output: 5, output_audio: 1, ..NO_TOKENS }), modality);
    assert_eq!(of("p", "audio", TokenUsage { output: 1, ..NO_TOKENS }), modality);
}

#[test]
fn units_are_billed_by_count_and_a_call_is_a_request() {
    let book = Sketch::new()
        .price("p", "m,,,,,,,input=1 web_search=0.01 code_execution_hours=0.05")
        .price("p", "sonar,,,,,,,input=1 requests=0.005")
        .book();
    let own = OwnPrices::default();
    let pricer = Pricer::new(book, &own);
    let price = |model, units: &[(Rate, Decimal)]| {
        let price = pricer.price(&Call { units, ..call(model, TokenUsage { input: 1, ..NO_TOKENS }) });
        (price.parts.input, price.parts.units, price.unpriced)
    };
    let two_searches = [(Rate::WebSearch, decimal("2"))];
    assert_eq!(price("m", &two_searches), (1_000_000, 20_000_000_000, None));
    let part_of_an_hour = [(Rate::CodeExecutionHours, decimal("0.0000000000001"))];
    assert_eq!(price("m", &part_of_an_hour), (1_000_000, 0, None));
    assert_eq!(price("m", &[(Rate::CodeExecutionHours, decimal("0.25"))]), (1_000_000, 12_500_000_000, None));
    // A unit without a price leaves the tokens priced.
    let unpriced = Some(Unpriced::NoPriceForUnit);
    assert_eq!(
        price("m", &[(Rate::Images, decimal("1")), two_searches[0]]),
        (1_000_000, 20_000_000_000, unpriced)
    );
    assert_eq!(price("m", &[(Rate::Images, decimal("0"))]), (1_000_000, 0, None));
    assert_eq!(price("sonar", &[]), (1_000_000, 5_000_000_000, None));
    assert_eq!(price("sonar", &[(Rate::Requests, decimal("3"))]), (1_000_000, 15_000_000_000, None));
    assert_eq!(price("sonar", &[(Rate::Requests, decimal("0"))]), (1_000_000, 0, None));
}

#[test]
fn costs_of_units_are_rounded_half_even() {
    for (price, count, cost) in [(5, "0.1", 0), (15, "0.1", 2), (25, "0.1", 2), (26, "0.1", 3), (7, "3", 21)]
    {
        assert_eq!(units_cost(price, decimal(count)), cost, "{price} x {count}");
    }
    let digits = decimal("0.1234567890123456789012345678");
    assert_eq!(units_cost(1_000_000_000_000_000_000, digits), 123_457_000_000_000_000);
}

#[test]
fn the_row_follows_day_tier_region_hours_and_length() {
    let book = Sketch::new()
        .price("p", "m,,2026-06-01,,,,,input=1")
        .price("p", "m,2026-06-01,2027-01-01,,,,,input=2")
        .price("p", "m,2026-06-01,2027-01-01,,,,1000,input=20")
        .price("p", "m,2026-06-01,2027-01-01,,,,5000,input=50")
        .price("p", "m,2026-06-01,2027-01-01,,,sat+sun 00:00-24:00,,input=3")
        .price("p", "m,2026-06-01,2027-01-01,batch,,,,input=4")
        .price("p", "m,2026-06-01,2027-01-01,,us,,,input=5")
        .price("p", "m,2026-06-01,2027-01-01,,regional,,,input=6")
        .price("p", "tied,,,,eu,,,input=7")
        .price("p", "tied,,,,global,,,input=8")
        .price("p", "eu-only,,,,eu,,,input=7")
        .book();
    let own = OwnPrices::default();
    let pricer = Pricer::new(book, &own);
    let price = |model, at: &str, service_tier, region, input| {
        let tokens = TokenUsage { input, ..NO_TOKENS };
        let at = format!("{at}:00Z").parse().unwrap();
        total(pricer, &Call { at, service_tier, region, ..call(model, tokens) })
            .map(|pico| pico / i128::from(input) / 1_000_000)
    };
    // Friday noon.
    let now = "2026-11-27T12:00";
    for (at, tier, region, input, rate) in [
        ("2026-05-31T23:59", "", "", 1, Ok(1)),
        ("2026-06-01T00:00", "", "", 1, Ok(2)),
        ("2026-12-31T23:59", "", "", 1, Ok(2)),
        ("2027-01-01T00:00", "", "", 1, Err(Unpriced::NoPriceAtThatTime)),
        (now, "", "", 1000, Ok(2)),
        (now, "", "", 1001, Ok(20)),
        (now, "", "", 5000, Ok(20)),
        (now, "", "", 5001, Ok(50)),
        ("2026-11-28T00:00", "", "", 1, Ok(3)),
        ("2026-11-29T23:59", "", "", 1, Ok(3)),
        ("2026-11-30T00:00", "", "", 1, Ok(2)),
        (now, "batch", "", 1, Ok(4)),
        (now, "BATCH", "", 1, Ok(4)),
        (now, "flex", "", 1, Err(Unpriced::NoPriceForTier)),
        (now, "gold", "", 1, Err(Unpriced::NoPriceForTier)),
        ("2026-05-31T23:59", "batch", "", 1, Err(Unpriced::NoPriceForTier)),
        (now, "", "us", 1, Ok(5)),
        (now, "", "US", 1, Ok(5)),
        (now, "", "europe-west1", 1, Ok(6)),
        (now, "", "global", 1, Ok(2)),
        (now, "", "not_available", 1, Ok(2)),
        // The region has a price, but none for this tier: the price of everywhere is not it.
        (now, "batch", "us", 1, Err(Unpriced::NoPriceForTier)),
    ] {
        assert_eq!(price("m", at, tier, region, input), rate, "{at} {tier} {region} {input}");
    }
    assert_eq!(price("tied", now, "", "eu", 1), Ok(7));
    assert_eq!(price("tied", now, "", "", 1), Ok(8));
    assert_eq!(price("tied", now, "", "us", 1), Err(Unpriced::NoPriceForRegion));
    assert_eq!(price("eu-only", now, "", "", 1), Err(Unpriced::NoPriceForRegion));
    assert_eq!(price("nobody", now, "", "", 1), Err(Unpriced::UnknownModel));
    assert_eq!(
        total(pricer, &Call { provider: "q", ..call("m", NO_TOKENS) }),
        Err(Unpriced::UnknownProvider)
    );
}

#[test]
fn the_stamp_names_what_decided() {
    let book = Sketch::new()
        .price("p", "m,,,,,,,input=2")
        .price("p", "m,,,flex,us,,1000,input=1")
        .price("p", "n,2026-01-02,,,,fri 00:00-24:00,,input=1")
        .book();
    let own = OwnPrices::default();
    let pricer = Pricer::new(book, &own);
    let stamp = |call: &Call<'_>| pricer.row(call).unwrap().stamp();
    let long = TokenUsage { input: 1001, ..NO_TOKENS };
    assert_eq!(stamp(&call("m", NO_TOKENS)), "p/m@-");
    assert_eq!(
        stamp(&Call { service_tier: "flex", region: "us", ..call("m", long) }),
        "p/m@-+flex+us+long1000"
    );
    assert_eq!(stamp(&call("n", NO_TOKENS)), "p/n@2026-01-02+hours");
}

fn rates(text: &str) -> RateSet {
    RateSet::parse(text).unwrap()
}

fn own_entry(model: Option<&str>, from: &str, price: OwnPrice) -> OwnEntry {
    OwnEntry { provider: "P".into(), model: model.map(str::to_owned), from: day(from), price }
}

fn own_rates(text: &str) -> OwnPrice {
    OwnPrice::Rates { rates: rates(text), long_context: None }
}

fn list_book() -> Book {
    Sketch::new()
        .model("p", "snapshot,m,")
        .model("p", "m,,other-name")
        .price("p", "m,,,,,,,input=2 output=10 cache_read=0.2 cache_write_5m=2.5 web_search=0.01")
        .price("p", "m,,,,,,1000,input=4 output=15 cache_read=0.4 cache_write_5m=5")
        .price("p", "m,,,batch,,,,input=1 output=5 cache_read=0.1 cache_write_5m=1.25")
        .book()
}

#[test]
fn what_an_own_price_leaves_out_follows_the_list_in_proportion_to_input() {
    let book = list_book();
    let own = OwnPrices::new(book, [own_entry(Some("m"), "2026-01-01", own_rates("input=1.6 output=9"))]);
    let pricer = Pricer::new(book, &own);
    let of = |tier, input| {
        let tokens = TokenUsage { input, ..NO_TOKENS };
        pricer.row(&Call { service_tier: tier, ..call("m", tokens) }).unwrap()
    };
    // 1.6 of 2 is 0.8.
    assert_eq!(of("", 1).rates, rates("input=1.6 output=9 cache_read=0.16 cache_write_5m=2 web_search=0.01"));
    assert_eq!(of("", 1).stamp(), "p/m@2026-01-01+org");
    // 9 of 10 is 0.9: the output of other rows follows the own output.
    let long = "input=3.2 output=13.5 cache_read=0.32 cache_write_5m=4 web_search=0.01";
    assert_eq!(
        (of("", 1001).rates, of("", 1001).stamp()),
        (rates(long), "p/m@2026-01-01+org+long1000".into())
    );
    let batch = "input=0.8 output=4.5 cache_read=0.08 cache_write_5m=1 web_search=0.01";
    assert_eq!(of("batch", 1).rates, rates(batch));
    // What is given stands.
    let own = OwnPrices::new(
        book,
        [own_entry(Some("m"), "2026-01-01", own_rates("input=1 output=9 cache_read=0.5"))],
    );
    let row = Pricer::new(book, &own).row(&call("m", NO_TOKENS)).unwrap();
    assert_eq!(row.rates, rates("input=1 output=9 cache_read=0.5 cache_write_5m=1.25 web_search=0.01"));
}

#[test]
fn own_long_context_rates_replace_the_steps_of_the_list() {
    let book = list_book();
    let price = OwnPrice::Rates {
        rates: rates("input=1 output=9"),
        long_context: Some((500, rates("input=3 output=20"))),
    };
    let own = OwnPrices::new(book, [own_entry(Some("m"), "2026-01-01", price)]);
    let of = |input| Pricer::new(book, &own).row(&call("m", TokenUsage { input, ..NO_TOKENS })).unwrap();
    assert_eq!(of(500).rates.get(Rate::Input), Some(1_000_000));
    assert_eq!(of(501).rates, rates("input=3 output=20 cache_read=0.3 cache_write_5m=3.75 web_search=0.01"));
    assert_eq!(of(501).stamp(), "p/m@2026-01-01+org+long500");
    assert_eq!(of(1001).rates, rates("input=3 output=20 cache_read=0.3 cache_write_5m=3.75 web_search=0.01"));
}

#[test]
fn an_own_price_holds_for_names_and_snapshots_of_its_model() {
    let book = list_book();
    let own = OwnPrices::new(
        book,
        [
            own_entry(Some("m"), "2026-03-01", own_rates("input=1 output=1")),
            own_entry(Some("OTHER-name"), "2026-04-01", own_rates("input=3 output=1")),
            own_entry(Some("m"), "2026-05-01", own_rates("input=5 output=1")),
            own_entry(Some("m"), "2026-05-01", own_rates("input=6 output=1")),
            own_entry(Some("house"), "2026-04-01", own_rates("input=7 output=1")),
        ],
    );
    let pricer = Pricer::new(book, &own);
    let input = |model, at: &str| {
        let at = format!("{at}T00:00:00Z").parse().unwrap();
        let row = pricer.row(&Call { at, ..call(model, NO_TOKENS) });
        row.map(|row| row.rates.get(Rate::Input).unwrap() / 1_000_000)
    };
    for (model, at, price) in [
        ("m", "2026-02-28", Ok(2)),
        ("m", "2026-03-01", Ok(1)),
        ("M", "2026-03-01", Ok(1)),
        ("snapshot", "2026-03-01", Ok(1)),
        ("other-name", "2026-03-31", Ok(1)),
        ("other-name", "2026-04-01", Ok(3)),
        ("m", "2026-04-30", Ok(1)),
        // Of two for one day the later in the list wins.
        ("m", "2026-05-01", Ok(6)),
        ("house", "2026-03-31", Err(Unpriced::NoPriceAtThatTime)),
        ("houses", "2026-03-31", Err(Unpriced::UnknownModel)),
        ("House", "2026-04-01", Ok(7)),
    ] {
        assert_eq!(input(model, at), price, "{model} {at}");
    }
    // The price of a model that the list does not know is for the standard tier alone.
    let batch = Call { service_tier: "batch", ..call("house", NO_TOKENS) };
    assert_eq!(pricer.row(&batch).map(|row| row.stamp()), Err(Unpriced::NoPriceForTier));
}

#[test]
fn a_multiplier_is_for_a_model_or_a_provider() {
    let book = list_book();
    let own = OwnPrices::new(
        book,
        [
            own_entry(None, "2026-01-01", OwnPrice::Multiplier(850_000)),
            own_entry(Some("m"), "2026-06-01", OwnPrice::Multiplier(500_000)),
            own_entry(Some("m"), "2026-12-01", own_rates("input=1 output=1")),
        ],
    );
    let pricer = Pricer::new(book, &own);
    let row = |at: &str| {
        let at = format!("{at}T00:00:00Z").parse().unwrap();
        pricer.row(&Call { at, ..call("m", NO_TOKENS) }).unwrap().rates
    };
    let discounted = "input=1.7 output=8.5 cache_read=0.17 cache_write_5m=2.125 web_search=0.0085";
    assert_eq!(row("2026-05-31"), rates(discounted));
    assert_eq!(row("2026-06-01").get(Rate::Input), Some(1_000_000));
    assert_eq!(row("2026-12-01").get(Rate::Output), Some(1_000_000));
    assert_eq!(row("2025-12-31").get(Rate::Input), Some(2_000_000));
}

#[test]
fn an_own_name_means_a_model_and_its_own_price() {
    let book = list_book();
    let own = OwnPrices::new(
        book,
        [
            own_entry(Some("my-deployment"), "2026-01-01", OwnPrice::Alias("snapshot".into())),
            own_entry(Some("dangling"), "2026-01-01", OwnPrice::Alias("nothing".into())),
            own_entry(None, "2026-06-01", OwnPrice::Multiplier(500_000)),
        ],
    );
    let pricer = Pricer::new(book, &own);
    let row = pricer.row(&call("My-Deployment", NO_TOKENS)).unwrap();
    assert_eq!((row.model.as_ref(), row.rates.get(Rate::Input)), ("snapshot", Some(1_000_000)));
    assert_eq!(total(pricer, &call("dangling", NO_TOKENS)), Err(Unpriced::UnknownModel));
}

#[test]
fn the_list_has_every_model_of_the_day_and_own_models() {
    let book = list_book();
    let own = OwnPrices::new(
        book,
        [
            own_entry(Some("house"), "2026-01-01", own_rates("input=1 output=1")),
            own_entry(Some("m"), "2026-01-01", own_rates("input=1 output=1")),
            own_entry(Some("my-deployment"), "2026-01-01", OwnPrice::Alias("m".into())),
        ],
    );
    let pricer = Pricer::new(book, &own);
    let list = pricer.list(day("2026-11-27"));
    let ids: Vec<_> =
        list.iter().map(|model| (&*model.id, model.entry.map(ModelEntry::id), model.own.is_some())).collect();
    let expected = [
        ("house", None, true),
        ("m", Some("m"), true),
        ("my-deployment", Some("m"), true),
        ("snapshot", Some("snapshot"), true),
    ];
    assert_eq!(ids, expected);
    assert!(list.iter().all(|model| model.provider == "p"));
    assert!(pricer.list(day("2025-12-31")).iter().all(|model| model.own.is_none()));
    let stamps =
        |name| pricer.rows("p", name, day("2026-11-27")).iter().map(EffectiveRow::stamp).collect::<Vec<_>>();
    let of_m = ["p/m@2026-01-01+org", "p/m@2026-01-01+org+long1000", "p/m@2026-01-01+org+batch"];
    assert_eq!(stamps("m"), of_m);
    assert_eq!(stamps("my-deployment"), of_m);
    assert_eq!(stamps("House"), ["p/house@2026-01-01+org"]);
    assert!(stamps("nothing").is_empty());
}

#[test]
fn rows_are_what_calls_are_priced_by() {
    let book = list_book();
    for price in [
        own_rates("input=1 output=9"),
        OwnPrice::Multiplier(850_000),
        OwnPrice::Alias("m".into()),
        OwnPrice::Rates {
            rates: rates("input=1 output=9"),
            long_context: Some((500, rates("input=3 output=20"))),
        },
        OwnPrice::Rates {
            rates: rates("input=1 output=9"),
            long_context: Some((1000, rates("input=3 output=20"))),
        },
        OwnPrice::Rates {
            rates: rates("input=1 output=9"),
            long_context: Some((2000, rates("input=3 output=20"))),
        },
    ] {
        let own = OwnPrices::new(
            book,
            ["m", "other-name", "house"].map(|name| own_entry(Some(name), "2026-01-01", price.clone())),
        );
        let pricer = Pricer::new(book, &own);
        for (name, tier) in [("m", ""), ("other-name", ""), ("house", ""), ("m", "batch")] {
            for input in [0, 1, 500, 501, 1000, 1001, 2000, 2001] {
                let tokens = TokenUsage { input, ..NO_TOKENS };
                let expected = pricer.row(&Call { service_tier: tier, ..call(name, tokens) });
                let rows = pricer.rows("p", name, day("2026-11-27"));
                let mut matching = rows
                    .iter()
                    .filter(|row| row.tier().name() == if tier.is_empty() { "standard" } else { tier });
                let last =
                    matching.rfind(|row| row.above_input_tokens == 0 || row.above_input_tokens < input);
                assert_eq!(
                    last.map(|row| row.rates),
                    expected.ok().map(|row| row.rates),
                    "{name} {tier} {input} {price:?}"
                );
            }
        }
    }
}
