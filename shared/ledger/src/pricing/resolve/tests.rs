use super::super::data::Rate;
use super::super::testing::Sketch;
use super::*;

fn id(provider: &str, model: &str) -> Option<&'static str> {
    Book::builtin().identify(provider, model).1.map(|found| found.model.id())
}

#[test]
fn what_is_not_part_of_a_name_is_taken_off() {
    for (provider, sent, model) in [
        // Context marks.
        ("anthropic", "claude-opus-4-7[1m]", Some("claude-opus-4-7")),
        ("anthropic", "claude-opus-4-7:1m", Some("claude-opus-4-7")),
        ("anthropic", "claude-opus-4-7[x]", None),
        // Dates and -latest.
        ("anthropic", "claude-haiku-4-5-20991001", Some("claude-haiku-4-5")),
        ("anthropic", "claude-haiku-4-5@20991001", Some("claude-haiku-4-5")),
        ("anthropic", "claude-haiku-4-5-2099-10-01", Some("claude-haiku-4-5")),
        ("anthropic", "claude-haiku-4-5-20991301", None),
        ("anthropic", "claude-haiku-4-5-latest", Some("claude-haiku-4-5")),
        ("openai", "gpt-4o-20240513", Some("gpt-4o-2024-05-13")),
        // The provider's own name in front.
        ("anthropic", "anthropic/claude-haiku-4-5", Some("claude-haiku-4-5")),
        ("openai", "azure/gpt-4o", None),
        ("azure", "azure/gpt-4o-2024-08-06", Some("gpt-4o-2024-08-06")),
        ("azure", "azure_ai/gpt-4o-2024-08-06", Some("gpt-4o-2024-08-06")),
        // Paths.
        ("google", "models/gemini-2.5-pro", Some("gemini-2.5-pro")),
        ("google", "publishers/google/models/gemini-2.5-pro", Some("gemini-2.5-pro")),
        (
            "vertex_ai",
            "projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-6@default",
            Some("claude-sonnet-4-6@default"),
        ),
        ("vertex_ai", "claude-haiku-4-5@20991001", Some("claude-haiku-4-5")),
        // Fine-tuned models are the fine-tuned row of their base.
        ("openai", "ft:gpt-4o-2024-08-06:acme::AbC123", Some("ft:gpt-4o-2024-08-06")),
        ("openai", "ft:gpt-4o-mini-2024-07-18:acme:suffix:AbC123", Some("ft:gpt-4o-mini-2024-07-18")),
        ("openai", "ft:gpt-9:acme::AbC123", None),
        // A router's model starts with the provider that it called.
        ("litellm", "anthropic/claude-haiku-4-5", Some("claude-haiku-4-5")),
        ("litellm_proxy", "litellm_proxy/anthropic/claude-haiku-4-5", Some("claude-haiku-4-5")),
        ("litellm", "claude-haiku-4-5", None),
        // Gateways have rows of their own, and nobody else's.
        ("openrouter", "anthropic/claude-sonnet-4.5", Some("anthropic/claude-sonnet-4.5")),
        ("openrouter", "openrouter/anthropic/claude-sonnet-4.5", Some("anthropic/claude-sonnet-4.5")),
        ("openrouter", "claude-sonnet-4-5", None),
        ("openai", "claude-sonnet-4-5", None),
        // Never a guess.
        ("openai", "gpt-4o-super", None),
        ("openai", "", None),
        ("mistral", "mistral-medium-9", None),
        ("anthropic", "é-20251001", None),
        ("anthropic", "-20251001", None),
    ] {
        assert_eq!(id(provider, sent), model, "{provider}/{sent}");
    }
}

#[test]
fn bedrock_ids_keep_their_geography_where_it_has_a_price() {
    for (sent, model) in [
        ("eu.anthropic.claude-sonnet-4-6", "eu.anthropic.claude-sonnet-4-6"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("global.anthropic.claude-opus-4-8-v1:0", "global.anthropic.claude-opus-4-8-v1:0"),
        (
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        ("arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("bedrock/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("bedrock/us-east-1/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("amazon.nova-pro-v1", "amazon.nova-pro-v1:0"),
        ("converse/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
    ] {
        assert_eq!(id("bedrock", sent), Some(model), "{sent}");
    }
    let profile = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123";
    assert_eq!(id("aws", profile), None);
}

#[test]
fn a_region_in_an_id_counts_where_the_event_names_none() {
    let book = Sketch::new()
        .provider("aws,bedrock,bedrock,,,")
        .provider("azure,,azure,,,")
        .provider("google,vertex_ai,resource_path,,,")
        .price("aws", "anthropic.m,,,,,,,input=1")
        .price("aws", "regional.anthropic.n-v1:0,,,,,,,input=1")
        .price("azure", "m,,,,,,,input=1")
        .price("google", "m,,,,,,,input=1")
        .book();
    for (provider, sent, model, region) in [
        ("aws", "eu.anthropic.m", "anthropic.m", Some("eu")),
        ("aws", "eu.anthropic.m-20250101-v1:0", "anthropic.m", Some("eu")),
        ("aws", "bedrock/us-gov-west-1/anthropic.m", "anthropic.m", Some("us-gov-west-1")),
        (
            "aws",
            "arn:aws:bedrock:us-east-2:1:inference-profile/us.anthropic.m",
            "anthropic.m",
            Some("us-east-2"),
        ),
        ("aws", "jp.anthropic.n", "regional.anthropic.n-v1:0", Some("jp")),
        ("aws", "anthropic.n", "regional.anthropic.n-v1:0", None),
        ("azure", "azure/eu/m", "m", Some("eu")),
        ("azure", "azure/global-standard/m", "m", Some("global")),
        ("google", "projects/p/locations/europe-west1/publishers/x/models/m", "m", Some("europe-west1")),
    ] {
        let found = book.identify(provider, sent).1.unwrap();
        assert_eq!((found.model.id(), found.region), (model, region), "{sent}");
    }
    // The global price of a model is not that of its regions.
    assert_eq!(book.identify("aws", "global.anthropic.n").1, None);
}

#[test]
fn an_exact_id_comes_before_an_alias_and_both_before_cleaning() {
    let book = Sketch::new()
        .model("p", "a,,x-latest|y")
        .price("p", "a,,,,,,,input=1")
        .price("p", "x,,,,,,,input=1")
        .price("p", "x-20250101,,,,,,,input=1")
        .book();
    let id = |sent| book.identify("p", sent).1.map(|found| found.model.id());
    assert_eq!(id("x"), Some("x"));
    assert_eq!(id("x-latest"), Some("a"));
    assert_eq!(id("x-20250101"), Some("x-20250101"));
    assert_eq!(id("x-2025-01-01"), Some("x-20250101"));
    assert_eq!(id("x-20250102"), Some("x"));
    assert_eq!(id("p/Y"), Some("a"));
    assert_eq!(id("models/p/y"), Some("a"));
}

/// The tiers, steps and prices of a model in any region, in the order of the book.
fn plain_rows(model: ModelEntry) -> Vec<(String, u64, String)> {
    let rows = model.rows().filter(|row| row.region().is_empty());
    rows.map(|row| (row.tier().to_string(), row.above_input_tokens(), row.rates().to_string())).collect()
}

#[test]
fn one_claude_model_has_one_price_at_bedrock_in_all_spellings() {
    let rows = |id: &str| {
        let found = Book::builtin().identify("bedrock", id).1.unwrap_or_else(|| panic!("{id} is unknown"));
        plain_rows(found.model)
    };
    for (name, date) in [
        ("claude-sonnet-4-5", "-20250929"),
        ("claude-haiku-4-5", "-20251001"),
        ("claude-sonnet-4", "-20250514"),
        ("claude-opus-4-5", "-20251101"),
        ("claude-opus-4-6", ""),
        ("claude-sonnet-5", ""),
    ] {
        let regional = rows(&format!("us.anthropic.{name}{date}-v1:0"));
        for front in ["us.anthropic.", "eu.anthropic.", "apac.anthropic.", "ca.anthropic.", "anthropic.", ""]
        {
            for end in [format!("{date}-v1:0"), format!("{date}-v1"), date.to_owned(), String::new()] {
                let id = format!("{front}{name}{end}");
                assert_eq!(rows(&id), regional, "{id}");
            }
        }
        assert_eq!(rows(&format!("anthropic.{name}{}", date.replace('-', "@"))), regional);
        let global = rows(&format!("global.anthropic.{name}"));
        let conditions = |rows: &[(String, u64, String)]| -> Vec<(String, u64)> {
            rows.iter().map(|(tier, above, _)| (tier.clone(), *above)).collect()
        };
        assert_eq!(conditions(&global), conditions(&regional), "global.{name}");
        assert_eq!(global, rows(&format!("global.anthropic.{name}{date}-v1:0")));
    }
}

#[test]
fn every_bedrock_model_is_found_without_its_date_and_version() {
    let book = Book::builtin();
    for model in book.provider("aws").unwrap().models() {
        let id = BedrockId::read(model.id());
        if !id.is_claude() || id.geography == "regional" {
            continue;
        }
        for name in [id.base, id.unversioned, id.name] {
            let front = if id.geography.is_empty() { "" } else { "." };
            let spelled = format!("{}{front}{name}", id.geography);
            assert!(book.identify("aws", &spelled).1.is_some(), "{spelled}");
        }
    }
    // The versions of other vendors are models of their own.
    assert_eq!(id("aws", "amazon.titan-embed-text-v2"), Some("amazon.titan-embed-text-v2:0"));
    assert_eq!(id("aws", "amazon.titan-embed-text-v3:0"), None);
    assert_eq!(id("aws", "amazon.titan-embed-text"), Some("amazon.titan-embed-text-v1"));
}

#[test]
fn a_government_profile_has_the_price_of_its_regions() {
    let found = Book::builtin().identify("aws", "us-gov.anthropic.claude-haiku-4-5-20251001-v1:0").1.unwrap();
    assert_eq!(found.region, Some("us-gov-west-1"));
    assert_eq!(
        id("aws", "us-gov.anthropic.claude-sonnet-4-5"),
        Some("us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0")
    );
}

#[test]
fn a_call_to_the_global_endpoint_of_bedrock_has_the_global_price() {
    let book = Book::builtin();
    let price = |id: &str, region: &str| {
        let found = book.in_region(id, book.identify("bedrock", id).1.unwrap(), region);
        found.model.base_row("2026-11-28".parse().unwrap()).unwrap().rates().get(Rate::Input)
    };
    let bare = "anthropic.claude-sonnet-4-5-20250929-v1:0";
    assert_eq!(price(bare, ""), Some(3_300_000));
    assert_eq!(price(bare, "us-east-1"), Some(3_300_000));
    assert_eq!(price(bare, "Global"), Some(3_000_000));
    assert_eq!(price(&format!("global.{bare}"), ""), Some(3_000_000));
    assert_eq!(price(&format!("us.{bare}"), "global"), Some(3_300_000));
}
