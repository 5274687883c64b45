use super::super::testing::{Sketch, files};
use super::*;
use crate::pricing::data::{Date, RateSet, Tier};

#[test]
fn every_model_of_the_files_is_found_by_its_id_and_its_aliases_in_any_case() {
    let book = Book::builtin();
    let mut models = 0;
    for (provider, (lines, _)) in files() {
        let provider = book.provider(&provider).unwrap();
        for line in lines {
            models += 1;
            let found = provider.named(&line.model).unwrap();
            assert_eq!((found.provider(), found.id()), (provider, &*line.model));
            assert_eq!(provider.named(&line.model.to_uppercase()), Some(found));
            for alias in &line.aliases {
                assert_eq!(provider.named(&alias.to_uppercase()), Some(found), "{alias}");
            }
            assert_eq!((found.mode(), found.is_deprecated()), (line.mode, line.deprecated));
            assert!(line.released.is_none() || found.released().is_some(), "{}", line.model);
            assert!(line.retires_on.is_none() || found.retires_on().is_some(), "{}", line.model);
            assert_eq!(found.successor().unwrap_or_default(), line.successor);
            assert_eq!(
                (found.context_tokens(), found.output_tokens()),
                (line.context_tokens, line.output_tokens)
            );
            assert_eq!(found.takes_images(), line.inputs.iter().any(|input| input == "image"));
            assert_eq!(found.takes_audio(), line.inputs.iter().any(|input| input == "audio"));
            if line.priced_as.is_empty() {
                assert_eq!(found.priced_as(), found);
            } else {
                assert!(found.priced_as().id().eq_ignore_ascii_case(&line.priced_as));
            }
        }
    }
    assert_eq!(book.models().count(), models);
    assert!(models > 5_000, "{models}");
}

#[test]
fn every_row_of_the_files_is_in_the_tables_with_its_prices() {
    let book = Book::builtin();
    for (provider, (_, lines)) in files() {
        for line in lines {
            let model = book.provider(&provider).unwrap().named(&line.model).unwrap();
            let row = model.rows().find(|row| {
                row.from() == line.from.unwrap_or(Date::MIN)
                    && row.to() == line.to.unwrap_or(Date::MAX)
                    && row.tier() == line.tier
                    && row.region() == line.region
                    && row.window() == line.window
                    && row.above_input_tokens() == line.above_input_tokens
            });
            let rates = row.unwrap_or_else(|| panic!("{line:?}")).rates();
            assert!(line.rates.agrees_with(&rates), "{line:?} {rates}");
            for (rate, price) in rates.iter() {
                assert_eq!(row.unwrap().rate(rate), Some(price));
            }
        }
    }
}

#[test]
fn every_model_that_is_served_has_a_price_row_now() {
    let day = Date::new(2026, 11, 27);
    let without = Book::builtin().models().filter(|model| !model.rows().any(|row| row.holds_on(day)));
    assert_eq!(without.map(ModelEntry::id).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn names_of_providers_mean_one_id() {
    for (name, id) in [
        ("vertex_ai", "google"),
        ("vertex_ai_beta", "google"),
        ("gemini", "google"),
        ("gcp.gemini", "google"),
        ("gcp.vertex_ai", "google"),
        ("gcp.gen_ai", "google"),
        ("google.generative-ai", "google"),
        ("bedrock", "aws"),
        ("bedrock_converse", "aws"),
        ("aws.bedrock", "aws"),
        ("amazon-bedrock", "aws"),
        ("azure_ai", "azure"),
        ("azure_text", "azure"),
        ("azure.ai.openai", "azure"),
        ("azure.ai.inference", "azure"),
        ("xai", "x-ai"),
        ("x_ai", "x-ai"),
        ("together_ai", "together"),
        ("fireworks_ai", "fireworks"),
        ("mistral_ai", "mistral"),
        ("moonshot", "moonshotai"),
        ("moonshot_ai", "moonshotai"),
        ("ibm.watsonx.ai", "ibm"),
        ("text-completion-openai", "openai"),
        ("openai.responses", "openai"),
        ("Anthropic.Messages", "anthropic"),
        ("ANTHROPIC", "anthropic"),
        ("deepinfra", "deepinfra"),
        ("vertex.anthropic.messages", "google"),
        ("vertex.anthropic", "google"),
        ("google.vertex.embedding", "google"),
        ("google.vertex.anthropic.messages", "google"),
        ("google_ai_studio", "google"),
        ("bedrock.anthropic.messages", "aws"),
        ("amazon-bedrock.chat", "aws"),
        ("azure.embeddings", "azure"),
        ("azure.completion", "azure"),
        ("azure.anthropic.messages", "azure"),
        ("azure-ai", "azure"),
        ("mistral.embedding", "mistral"),
        ("moonshotai.chat", "moonshotai"),
        ("alibaba.chat", "dashscope"),
        ("baseten.chat", "baseten"),
        ("cohere.textEmbedding", "cohere"),
        ("openai.image", "openai"),
        ("Groq.Transcription", "groq"),
    ] {
        assert_eq!(Book::builtin().provider(name).map(ProviderEntry::id), Some(id), "{name}");
    }
    for unknown in
        ["nobody", "", ".", ".chat", "nobody.chat", "chat", "openai.anthropic", "vertex.nobody", "openai."]
    {
        assert!(Book::builtin().provider(unknown).is_none(), "{unknown}");
    }
}

#[test]
fn every_provider_is_known_by_every_kind_of_its_models() {
    let book = Book::builtin();
    for provider in book.providers() {
        for kind in KINDS {
            let name = format!("{}.{kind}", provider.id());
            assert_eq!(book.provider(&name), Some(provider), "{name}");
        }
    }
}

#[test]
fn a_prefix_alias_catches_the_longest_and_no_exception() {
    let book = Sketch::new()
        .price("p", "medium,,,,,,,input=1")
        .price("p", "medium-3.5,,,,,,,input=2")
        .price("p", "large,,,,,,,input=3")
        .alias("p,^medium!-3!-4,medium")
        .alias("p,^medium-3.5,medium-3.5")
        .alias("p,=big,large")
        .book();
    let provider = book.provider("p").unwrap();
    for (name, model) in [
        ("medium", Some("medium")),
        ("medium-2505", Some("medium")),
        ("MEDIUM-2505", Some("medium")),
        ("medium-3", None),
        ("medium-3.5-x", Some("medium-3.5")),
        ("medium-4", None),
        ("big", Some("large")),
        ("bigger", None),
        ("largest", None),
        ("", None),
    ] {
        assert_eq!(provider.named(name).map(ModelEntry::id), model, "{name}");
    }
    let aliases: Vec<_> = provider.named("medium").unwrap().aliases().collect();
    assert_eq!(aliases, ["^medium"]);
}

#[test]
fn decided_prices_stand_above_those_of_the_lists() {
    let book = Sketch::new()
        .price("p", "m-1,,,,,,,input=1 output=2 web_search=0.01")
        .price("p", "m-1,,,batch,,,,input=0.5 output=1")
        .price("p", "n,,,,,,,input=1")
        .decided("p,m-*,,web_fetch=0")
        .decided("p,m-1,batch,output=0.9")
        .book();
    let rates = |model: &str, tier: Tier| {
        let row = book.provider("p").unwrap().named(model).unwrap().rows().find(|row| row.tier() == tier);
        row.unwrap().rates()
    };
    let parse = |text: &str| RateSet::parse(text).unwrap();
    assert_eq!(rates("m-1", Tier::Standard), parse("input=1 output=2 web_search=0.01 web_fetch=0"));
    // A row has the prices of units of the base row.
    assert_eq!(rates("m-1", Tier::Batch), parse("input=0.5 output=0.9 web_search=0.01 web_fetch=0"));
    assert_eq!(rates("n", Tier::Standard), parse("input=1"));
}

#[test]
fn files_that_contradict_themselves_are_refused() {
    let base = || Sketch::new().price("p", "m,,,,,,,input=1").price("p", "n,,,,,,,input=1");
    for (sketch, problem) in [
        (base().price("p", "m,2026-01-01,,,,,,input=2"), "m has two rows for the same days and conditions"),
        (base().model("p", "a,b,"), "b is no model"),
        (base().model("p", "a,,").model("p", "A,,"), "A is listed twice"),
        (base().model("p", "a,,N"), "the alias N of a is the id of a model"),
        (base().model("p", "a,,x").model("p", "b,,X"), "the alias X of b already means another model"),
        (base().alias("p,=x,y"), "the alias x means no model"),
        (base().provider("p,,magic,,,"), "magic is no rule"),
        (base().provider("p,q,,,,").provider("q,,,,,"), "the name q has two meanings"),
        (base().alias("q,=x,m"), "no provider is called q"),
        (base().price("p", "z,2026-02-01,2026-01-01,,,,,input=1"), "z has a row that ends before it starts"),
    ] {
        match sketch.compile() {
            Ok(_) => assert_eq!(problem, ""),
            Err(error) => assert!(error.problem.contains(problem), "{error} / {problem}"),
        }
    }
}

#[test]
fn families_follow_the_model_wherever_it_is_served() {
    let book = Book::builtin();
    for (provider, model, family) in [
        ("anthropic", "claude-haiku-4-5", Some(("anthropic", "haiku", FamilyTier::Economy))),
        (
            "aws",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            Some(("anthropic", "sonnet", FamilyTier::Standard)),
        ),
        ("google", "claude-opus-4-5", Some(("anthropic", "opus", FamilyTier::Flagship))),
        ("openai", "gpt-5-nano", Some(("openai", "nano", FamilyTier::Economy))),
        ("azure", "gpt-4o", Some(("openai", "gpt", FamilyTier::Standard))),
        ("google", "gemini-2.5-flash-lite", Some(("google", "flash-lite", FamilyTier::Economy))),
        ("google", "gemini-2.5-pro", Some(("google", "pro", FamilyTier::Flagship))),
        ("openai", "gpt-audio-mini", None),
        ("aws", "amazon.nova-sonic-v1:0", None),
        ("groq", "openai/gpt-oss-120b", None),
    ] {
        let model = book.identify(provider, model).1.unwrap().model;
        let found =
            model.family_tier().map(|tier| (model.developer().unwrap(), model.family().unwrap(), tier));
        assert_eq!(found, family, "{provider}/{}", model.id());
    }
}

#[test]
fn days_that_people_know_complete_those_of_the_lists() {
    let book = Sketch::new()
        .price("p", "m-1,,,,,,,input=1")
        .price("p", "n,,,,,,,input=1")
        .lifecycle("p,m-*,2024-01-02,2025-01-02")
        .book();
    let of = |model: &str| {
        let model = book.provider("p").unwrap().named(model).unwrap();
        (model.released(), model.retires_on())
    };
    assert_eq!(of("m-1"), (Some(Date::new(2024, 1, 2)), Some(Date::new(2025, 1, 2))));
    assert_eq!(of("n"), (None, None));
    let known = Book::builtin().provider("anthropic").unwrap();
    assert!(known.named("claude-sonnet-4-6").unwrap().has_lifecycle());
    assert!(!known.named("claude-2").unwrap().has_lifecycle());
    assert!(known.named("claude-3-sonnet").unwrap().retires_on().is_some());
}
