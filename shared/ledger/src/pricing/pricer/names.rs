//! Names that SDKs and gateways send, with the cost of a call by the book that ships with the program.

use proptest::prelude::*;

use super::super::data::RateSet;
use super::super::usage::TokenUsage;
use super::*;

fn call<'c>(provider: &'c str, model: &'c str, input: u64, output: u64) -> Call<'c> {
    let at = "2026-11-28T10:00:00Z".parse().unwrap();
    let tokens = TokenUsage { input, output, ..TokenUsage::default() };
    Call { provider, model, at, service_tier: "", region: "", tokens, units: &[] }
}

fn cost(own: &OwnPrices, call: &Call<'_>) -> Result<i128, Unpriced> {
    let price = Pricer::new(Book::builtin(), own).price(call);
    price.unpriced.map_or(Ok(price.parts.total()), Err)
}

/// Calls of 10,000 tokens in and 1,000 out, in picodollars.
fn assert_costs(calls: &[(&str, &str, Result<i128, Unpriced>)]) {
    let own = OwnPrices::default();
    for (provider, model, expected) in calls {
        let expected = expected.map(|micro| micro * 1_000_000);
        assert_eq!(cost(&own, &call(provider, model, 10_000, 1_000)), expected, "{provider}/{model}");
    }
}

#[test]
fn retired_models_stay_priced_under_the_names_of_their_snapshots() {
    let own = OwnPrices::default();
    let of = |provider, model| cost(&own, &call(provider, model, 10_000, 1_000));
    for (provider, model, names) in [
        ("google", "gemini-2.0-flash", &["gemini-2.0-flash-001", "gemini-2.0-flash-thinking-exp-01-21"][..]),
        ("google", "gemini-2.0-flash-lite", &["gemini-2.0-flash-lite-001"]),
        ("google", "gemini-1.5-pro", &["gemini-1.5-pro-001", "gemini-1.5-pro-002"]),
        ("google", "gemini-1.5-flash", &["gemini-1.5-flash-001", "gemini-1.5-flash-002"]),
        ("google", "gemini-flash-1.5-8b", &["gemini-1.5-flash-8b", "gemini-1.5-flash-8b-001"]),
        (
            "google",
            "gemini-2.5-pro",
            &[
                "gemini-2.5-pro-preview-03-25",
                "gemini-2.5-pro-preview-05-06",
                "gemini-2.5-pro-preview-06-05",
                "gemini-2.5-pro-exp-03-25",
            ],
        ),
        ("google", "gemini-2.5-flash-lite", &["gemini-2.5-flash-lite-preview-06-17"]),
        ("google", "claude-3-5-sonnet", &["claude-3-5-sonnet-v2@20241022", "claude-3-5-sonnet-v2"]),
        ("anthropic", "claude-2", &["claude-2.0", "claude-2.1"]),
    ] {
        let expected = of(provider, model);
        assert!(expected.is_ok(), "{model}");
        for name in names {
            assert_eq!(of(provider, name), expected, "{name}");
        }
    }
    // Speech is another model.
    assert_ne!(of("google", "gemini-2.5-pro-preview-tts"), of("google", "gemini-2.5-pro"));
}

#[test]
fn routes_of_openrouter_have_the_price_of_their_model_and_free_ones_none() {
    let base = 10_000 * 5 / 2 + 10_000;
    assert_costs(&[
        ("openrouter", "openai/gpt-4o", Ok(base)),
        ("openrouter", "openai/gpt-4o:nitro", Ok(base)),
        ("openrouter", "openai/gpt-4o:floor", Ok(base)),
        ("openrouter", "openai/gpt-4o:online", Ok(base)),
        ("openrouter", "openai/gpt-4o:Exacto", Ok(base)),
        ("openrouter", "openrouter/openai/gpt-4o:nitro", Ok(base)),
        ("openrouter", "openai/gpt-4o:free", Ok(0)),
        ("openrouter", "openai/gpt-4o:free:online", Ok(0)),
        ("openrouter", "meta-llama/llama-3.3-70b-instruct:free", Ok(0)),
        ("openrouter", "google/gemini-2.0-flash-exp:free", Ok(0)),
        ("openrouter", "nobody/nothing:free", Err(Unpriced::UnknownModel)),
        ("openrouter", "openai/gpt-4o:unheard", Err(Unpriced::UnknownModel)),
        // A model with a row of its own keeps it.
        ("openrouter", "openai/gpt-4o:extended", Ok(10_000 * 6 + 18_000)),
        ("openai", "gpt-4o:free", Err(Unpriced::UnknownModel)),
    ]);
}

#[test]
fn vertex_has_its_own_price_where_it_differs_from_the_gemini_api() {
    assert_costs(&[
        ("vertex_ai", "gemma-4-26b-a4b-it", Ok(2_100)),
        ("gemini", "gemma-4-26b-a4b-it", Ok(0)),
        ("vertex_ai", "gemini-2.0-flash", Ok(2_100)),
        ("google.vertex.chat", "models/gemini-2.0-flash", Ok(2_100)),
        ("gcp.vertex_ai", "vertex_ai/gemini-2.0-flash", Ok(2_100)),
        ("vertex_ai", "gemini-2.0-flash-001", Ok(2_100)),
        ("google", "vertex_ai/gemini-2.0-flash-001", Ok(2_100)),
        ("google", "projects/p/locations/us-east5/publishers/google/models/gemini-2.0-flash", Ok(2_100)),
        ("google", "models/gemini-2.0-flash", Ok(1_400)),
        ("google", "gemini-2.0-flash", Ok(1_400)),
        ("gcp.gemini", "gemini-2.0-flash", Ok(1_400)),
        ("litellm", "vertex_ai/gemini-2.0-flash", Ok(2_100)),
        ("litellm", "gemini/gemini-2.0-flash", Ok(1_400)),
        ("vertex_ai", "gemini-2.5-pro", Ok(22_500)),
        ("gemini", "gemini-2.5-pro", Ok(22_500)),
    ]);
}

#[test]
fn a_search_of_perplexity_has_the_fee_of_the_default_context() {
    assert_costs(&[
        ("perplexity", "sonar", Ok(11_000 + 5_000)),
        ("perplexity", "perplexity/sonar", Ok(11_000 + 5_000)),
        ("litellm", "perplexity/sonar", Ok(11_000 + 5_000)),
        ("perplexity", "sonar-pro", Ok(45_000 + 6_000)),
        ("perplexity", "perplexity/sonar-pro", Ok(45_000 + 6_000)),
        // The model of the agents' API.
        ("perplexity", "perplexity/perplexity/sonar", Ok(5_000)),
    ]);
}

#[test]
fn a_long_input_costs_more_only_where_a_list_says_so() {
    let own = OwnPrices::default();
    let of = |provider, model| cost(&own, &call(provider, model, 200_001, 0)).unwrap();
    assert_eq!(of("google", "claude-opus-4-6"), 200_001 * 5_000_000);
    assert_eq!(of("vertex_ai", "claude-opus-4-6@default"), 200_001 * 5_000_000);
    assert_eq!(of("x-ai", "grok-code-fast-1"), 200_001 * 200_000);
    assert_eq!(of("bedrock", "ca.anthropic.claude-sonnet-4-5"), 200_001 * 6_600_000);
    assert_eq!(of("bedrock", "global.anthropic.claude-sonnet-4-5"), 200_001 * 6_000_000);
}

#[test]
fn an_own_price_holds_for_every_spelling_of_its_name() {
    let entry = |provider: &str, model: &str, price| OwnEntry {
        provider: provider.into(),
        model: Some(model.into()),
        from: "2026-01-01".parse().unwrap(),
        price,
    };
    let arn = "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc";
    let own = OwnPrices::new(
        Book::builtin(),
        [
            entry("azure", "my-deploy", OwnPrice::Alias("gpt-4o".into())),
            entry("azure", "azure/other", OwnPrice::Alias("gpt-4o".into())),
            entry("aws", arn, OwnPrice::Alias("global.anthropic.claude-sonnet-4-6".into())),
            entry("aws", "global.anthropic.claude-sonnet-4-6", OwnPrice::Multiplier(500_000)),
            entry("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", OwnPrice::Multiplier(500_000)),
        ],
    );
    let of = |provider, model| cost(&own, &call(provider, model, 1_000_000, 0));
    for (provider, model, tenths) in [
        ("azure", "my-deploy", 25),
        ("azure", "azure/my-deploy", 25),
        ("azure", "azure/global-standard/My-Deploy", 25),
        ("azure", "other", 25),
        ("azure.chat", "my-deploy-2026-01-01", 25),
        ("bedrock", arn, 15),
        ("bedrock", "bedrock/arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", 15),
        ("aws", "global.anthropic.claude-sonnet-4-6", 15),
        ("aws", "global.anthropic.claude-sonnet-4-6-v1:0", 15),
        ("aws", "bedrock/global.anthropic.claude-sonnet-4-6-v1", 15),
        ("aws", "us.anthropic.claude-sonnet-4-6", 33),
    ] {
        assert_eq!(of(provider, model), Ok(tenths * 100_000_000_000), "{provider}/{model}");
    }
    let discounted = of("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0").unwrap();
    for spelling in ["us.anthropic.claude-sonnet-4-5-20250929", "us.anthropic.claude-sonnet-4-5"] {
        assert_eq!(of("aws", spelling), Ok(discounted), "{spelling}");
    }
    assert_eq!(of("aws", "eu.anthropic.claude-sonnet-4-5"), Ok(discounted * 2));
}

#[test]
fn an_own_price_that_holds_later_is_named_as_the_reason() {
    let entry = |provider: &str| OwnEntry {
        provider: provider.into(),
        model: Some("m".into()),
        from: "2027-01-01".parse().unwrap(),
        price: OwnPrice::Rates { rates: RateSet::default(), long_context: None },
    };
    let own = OwnPrices::new(Book::builtin(), [entry("in-house"), entry("openai")]);
    for (provider, model, reason) in [
        ("in-house", "m", Unpriced::NoPriceAtThatTime),
        ("openai", "m", Unpriced::NoPriceAtThatTime),
        ("openai", "openai/m", Unpriced::NoPriceAtThatTime),
        ("in-house", "n", Unpriced::UnknownProvider),
        ("openai", "n", Unpriced::UnknownModel),
    ] {
        assert_eq!(cost(&own, &call(provider, model, 1, 1)), Err(reason), "{provider}/{model}");
    }
}

proptest! {
    #[test]
    fn an_unknown_tier_is_never_standard(tier in "[a-z0-9_ -]{1,12}", own in any::<bool>()) {
        let known = ["default", "auto", "on_demand", "on-demand", "batches"];
        prop_assume!(Tier::ALL.iter().all(|known| known.name() != tier) && !known.contains(&&*tier));
        let rates = RateSet::parse("input=1 output=1").unwrap();
        let entry = OwnEntry {
            provider: "openai".into(),
            model: Some(if own { "gpt-4o" } else { "house" }.into()),
            from: Date::MIN,
            price: OwnPrice::Rates { rates, long_context: None },
        };
        let own = OwnPrices::new(Book::builtin(), [entry]);
        for model in ["gpt-4o", "house", "gpt-4o-mini"] {
            let call = Call { service_tier: &tier, ..call("openai", model, 10, 10) };
            let expected = if model == "house" && own.named("openai", "house", Date::MAX).is_none() {
                Unpriced::UnknownModel
            } else {
                Unpriced::NoPriceForTier
            };
            prop_assert_eq!(cost(&own, &call), Err(expected));
        }
    }
}
