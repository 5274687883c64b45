use super::*;
use crate::money::parse_exact;
use crate::pricing::{Book, OwnPrices, TokenUsage};

const EVERY_BUCKET: TokenUsage = TokenUsage {
    input: 1_000_000,
    output: 1_000_000,
    cache_read: 1_000_000,
    cache_write_5m: 1_000_000,
    cache_write_30m: 0,
    cache_write_1h: 0,
    cache_write_12h: 0,
    input_audio: 0,
    input_image: 0,
    cache_read_audio: 0,
    output_audio: 0,
    output_image: 0,
};

fn dollars(text: &str) -> Usd {
    Usd::new(parse_exact(text).unwrap())
}

fn cost(provider: &str, model: &str, tokens: TokenUsage, reported: Option<&str>) -> CallCost {
    let own = OwnPrices::default();
    let at = "2026-11-27T10:00:00Z".parse().unwrap();
    let call = Call { provider, model, at, service_tier: "", region: "", tokens, units: &[] };
    price_call(Pricer::new(Book::builtin(), &own), &call, reported.map(dollars))
}

#[test]
fn a_call_is_split_into_its_parts() {
    let cost = cost("anthropic", "claude-sonnet-4-6", EVERY_BUCKET, None);
    let parts = [cost.input, cost.cache_read, cost.cache_write, cost.output, cost.units];
    assert_eq!(parts, ["3", "0.3", "3.75", "15", "0"].map(dollars));
    assert_eq!(cost.total(), dollars("22.05"));
    assert!(cost.row.unwrap().starts_with("anthropic/claude-sonnet-4-6@"));
    assert_eq!((cost.unpriced, cost.provider_id), (None, None));
}

#[test]
fn another_name_of_a_provider_is_stamped_with_its_id() {
    let cost = cost("vertex_ai", "gemini-2.5-pro", EVERY_BUCKET, None);
    assert_eq!(cost.provider_id.as_deref(), Some("google"));
}

#[test]
fn an_unknown_model_is_unpriced_with_a_reason() {
    let unpriced = cost("anthropic", "no-such-model", EVERY_BUCKET, None);
    assert_eq!((unpriced.total(), unpriced.unpriced), (Usd::ZERO, Some(Unpriced::UnknownModel)));
    let unpriced = cost("nobody", "claude-sonnet-4-6", EVERY_BUCKET, None);
    assert_eq!(unpriced.unpriced, Some(Unpriced::UnknownProvider));
}

#[test]
fn a_reported_cost_is_kept_to_the_last_digit_and_split_by_the_book() {
    for figure in ["22.05", "1", "0.000000000001", "0.000000000003", "79228162514"] {
        let cost = cost("anthropic", "claude-sonnet-4-6", EVERY_BUCKET, Some(figure));
        assert_eq!(cost.total(), dollars(figure), "{figure}");
        assert!(cost.row.unwrap().starts_with("cost_usd:anthropic/claude-sonnet-4-6@"));
    }
    let halves = TokenUsage { input: 1_000_000, output: 200_000, ..TokenUsage::default() };
    let cost_of = |model, tokens| cost("anthropic", model, tokens, Some("12"));
    let cost = cost_of("claude-sonnet-4-6", halves);
    assert_eq!((cost.input, cost.output), (dollars("6"), dollars("6")));
    // The book knows nothing, or nothing was used: all of it is output.
    for cost in [cost_of("no-such-model", halves), cost_of("claude-sonnet-4-6", TokenUsage::default())] {
        assert_eq!(
            (cost.output, cost.row.as_deref(), cost.unpriced),
            (dollars("12"), Some("cost_usd"), None)
        );
    }
}

#[test]
fn the_stored_form_is_short_and_is_read_back() {
    let cost = cost("bedrock", "no-such-model", EVERY_BUCKET, None);
    let text = serde_json::to_string(&cost).unwrap();
    assert_eq!(text, r#"{"unpriced":"unknown_model","provider_id":"aws"}"#);
    assert_eq!(serde_json::from_str::<CallCost>(&text).unwrap(), cost);
}
