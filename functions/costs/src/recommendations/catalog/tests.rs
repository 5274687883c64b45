use ledger::pricing::{OwnPrices, ProviderEntry};

use super::*;

const TODAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 11, 27).unwrap();

fn with_catalog<T>(allow_list: &[&str], read: impl FnOnce(&Catalog<'_>, &BTreeSet<String>) -> T) -> T {
    let own = OwnPrices::default();
    let allow_list: Vec<_> = allow_list.iter().map(|&model| model.to_owned()).collect();
    let providers = Book::builtin().providers().map(|provider| provider.id().to_owned()).collect();
    let pricer = Pricer::new(Book::builtin(), &own);
    read(&Catalog::new(pricer, &allow_list, TODAY, &providers), &providers)
}

fn names(allow_list: &[&str]) -> Vec<String> {
    with_catalog(allow_list, |catalog, providers| {
        let name = |one: &Candidate| format!("{}/{}", one.offer.id.provider, one.offer.id.model);
        catalog.candidates(providers).map(name).collect()
    })
}

#[test]
fn candidates_are_current_chat_models_of_listed_families() {
    let (soon, old) = ("2027-02-25".parse().unwrap(), "2024-11-27".parse().unwrap());
    with_catalog(&[], |catalog, providers| {
        let mut found = BTreeSet::new();
        for one in catalog.candidates(providers) {
            let ModelId { provider, model } = &one.offer.id;
            let entry = Book::builtin().identify(provider, model).1.unwrap().model;
            assert_eq!(entry.mode(), Mode::Chat, "{model}");
            assert!(entry.family().is_some() && entry.developer().is_some(), "{model}");
            assert!(entry.retires_on().is_none_or(|day| day > soon), "{model}");
            assert!(entry.released().is_none_or(|day| day >= old), "{model}");
            found.insert(provider.as_str());
        }
        assert!(
            ["anthropic", "aws", "azure", "google", "openai", "x-ai"].iter().all(|id| found.contains(id))
        );
    });
}

#[test]
fn models_that_nobody_would_change_to_are_no_candidates() {
    let names: BTreeSet<_> = names(&[]).into_iter().collect();
    for absent in [
        // A speech model of 3B parameters, a retired one, one that retires in days, another mode, a preview.
        "aws/amazon.nova-sonic-v1:0",
        "anthropic/claude-3-5-sonnet",
        "anthropic/claude-sonnet-4-5",
        "openai/gpt-4o-mini-tts",
        "aws/amazon.nova-2-pro-preview-20251202-v1:0",
        "x-ai/grok-4.20-beta",
    ] {
        assert!(!names.contains(absent), "{absent}");
    }
    for present in ["anthropic/claude-haiku-5-5", "aws/us.anthropic.claude-haiku-5-5", "x-ai/grok-4.5"] {
        assert!(names.contains(present), "{present}");
    }
}

#[test]
fn an_allow_list_restricts_candidates() {
    let allowed = names(&["anthropic/claude-haiku-5.5", "grok-4.5"]);
    assert!(allowed.contains(&"anthropic/claude-haiku-5-5".to_owned()));
    assert!(allowed.contains(&"x-ai/grok-4.5".to_owned()));
    assert!(
        allowed.iter().all(|name| name.contains("haiku-5-5") || name.contains("grok-4.5")),
        "{allowed:?}"
    );
    assert!(names(&["nothing"]).is_empty());
}

#[test]
fn a_successor_that_retires_soon_is_passed_over_for_its_own() {
    with_catalog(&[], |catalog, _| {
        let successor = |provider: &str, model: &str| {
            let in_use =
                catalog.in_use(&ModelKey { provider: provider.into(), model: model.into() }).unwrap();
            catalog.successor(&in_use).map(|offer| offer.id.model)
        };
        assert_eq!(
            successor("anthropic", "claude-sonnet-4-5-20250929").as_deref(),
            Some("claude-sonnet-5-5")
        );
        assert_eq!(
            successor("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0").as_deref(),
            Some("us.anthropic.claude-sonnet-5-5")
        );
        assert_eq!(successor("anthropic", "claude-haiku-5-5"), None);
        // No successor that the book knows retires soon.
        for entry in Book::builtin().providers().flat_map(ProviderEntry::models) {
            let key = ModelKey { provider: entry.provider().id().into(), model: entry.id().into() };
            let Some(offer) = catalog.in_use(&key).and_then(|in_use| catalog.successor(&in_use)) else {
                continue;
            };
            let known = Book::builtin().identify(&offer.id.provider, &offer.id.model).1.unwrap().model;
            assert!(!catalog.is_retiring(retires_on(known)), "{}", entry.id());
        }
    });
}

#[test]
fn a_model_in_use_is_known_by_any_of_its_names() {
    with_catalog(&[], |catalog, _| {
        let base = |provider: &str, model: &str| {
            let key = ModelKey { provider: provider.into(), model: model.into() };
            catalog.in_use(&key).map(|model| (model.base.model, model.developer))
        };
        let haiku = Some(("claude-haiku-4-5".to_owned(), Some("anthropic")));
        assert_eq!(base("Anthropic", "Claude-Haiku-4-5"), haiku);
        assert_eq!(base("anthropic", "claude-haiku-4-5-20251001"), haiku);
        assert_eq!(base("acme", "in-house"), None);
    });
}
