//! `/api/cost-analysis/pricing/{provider}/{model}`: own prices are added, never overwritten, and used by ingest.

use http::StatusCode;
use ledger::cost::price_call;
use ledger::event::Data;
use ledger::ids::OrgId;
use ledger::pricing::data::Rate;
use ledger::pricing::{Call, TokenUsage};
use ledger::settings::MAX_OWN_PRICES;
use serde_json::{Value, json};
use store::{events, keys};

use crate::support::registry::{Registry, call, string};
use crate::support::{faults, noon};

const PATH: &str = "/api/cost-analysis/pricing/anthropic/claude-haiku-3.5";

fn price(from: &str, input: &str) -> Value {
    json!({ "effectiveFrom": from, "inputPricePerMillion": input, "outputPricePerMillion": 4 })
}

#[tokio::test]
async fn a_price_is_added_and_none_is_overwritten() {
    let registry = Registry::new().await;
    let set = registry.put(PATH, &price("2026-09-01", "0.50")).await;
    let expected = json!({
        "provider": "anthropic", "model": "claude-haiku-3.5", "effectiveFrom": "2026-09-01",
        "inputPricePerMillion": 0.5, "outputPricePerMillion": 4, "cacheReadPricePerMillion": null,
        "cacheWrite5mPricePerMillion": null, "cacheWrite1hPricePerMillion": null, "longContext": null,
        "multiplier": null, "alias": null,
        // 0.5 of 0.8, the list's input price.
        "effective": [{
            "inputPricePerMillion": 0.5, "outputPricePerMillion": 4, "cacheReadPricePerMillion": 0.05,
            "cacheWrite5mPricePerMillion": 0.625, "cacheWrite1hPricePerMillion": 1,
            "units": { "web_search": 0.01, "web_fetch": 0, "code_execution_hours": 0.05 },
        }],
    });
    let mut shown = set.clone();
    shown.as_object_mut().unwrap().remove("etag");
    assert_eq!(shown, expected);
    // The same price again, in any spelling, changes nothing; a different one is rejected.
    assert_eq!(registry.put(&PATH.replace("haiku", "Haiku"), &price("2026-09-01", "0.5")).await, set);
    assert_eq!(registry.put(PATH, &set).await, set);
    let response = registry.try_put(PATH, &price("2026-09-01", "0.6")).await;
    assert_eq!(response.status, StatusCode::CONFLICT);
    registry.put(PATH, &price("2026-09-02", "0.6")).await;
    assert_eq!(registry.changes().await.len(), 2);

    let org = OrgId::new("acme").unwrap();
    let settings = registry.world.stack.tables().registry.settings(&org).await.unwrap();
    let cost = |day: &str| {
        let tokens = TokenUsage { input: 1_000_000, ..Default::default() };
        let at = ledger::period::parse_instant(&format!("{day}T00:00:00Z")).unwrap();
        let (provider, model) = ("anthropic", "claude-haiku-3.5");
        let call = Call { provider, model, at, service_tier: "", region: "", tokens, units: &[] };
        price_call(settings.pricer(), &call, None).total().to_string()
    };
    assert_eq!([cost("2026-08-31"), cost("2026-09-01"), cost("2026-09-02")], ["0.80", "0.50", "0.60"]);

    registry.delete(&format!("{PATH}?effectiveFrom=2026-09-02")).await;
    let again = registry.try_delete(&format!("{PATH}?effectiveFrom=2026-09-02")).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    let response = registry.try_delete(PATH).await;
    assert_eq!(faults(&response.body["detail"]), ["query.effectiveFrom missing"]);
}

#[tokio::test]
async fn provider_and_model_may_contain_slashes_and_colons() {
    let registry = Registry::new().await;
    for (path, provider, model) in [
        ("bedrock/us.anthropic.claude%3A0", "bedrock", "us.anthropic.claude:0"),
        ("openrouter/meta/llama-4", "openrouter", "meta/llama-4"),
        ("openrouter/meta%2Fllama-5", "openrouter", "meta/llama-5"),
        ("a%2Fb/c", "a/b", "c"),
    ] {
        let path = format!("/api/cost-analysis/pricing/{path}");
        let set = registry.put(&path, &price("2026-09-01", "1")).await;
        assert_eq!((&set["provider"], &set["model"]), (&json!(provider), &json!(model)));
        registry.delete(&format!("{path}?effectiveFrom=2026-09-01")).await;
    }
}

/// What a million input tokens of a model cost on a day, in picodollars per token.
async fn input_price(registry: &Registry, provider: &str, model: &str, day: &str) -> Option<u64> {
    let org = OrgId::new("acme").unwrap();
    let settings = registry.world.stack.tables().registry.settings(&org).await.unwrap();
    let call = Call {
        provider,
        model,
        at: ledger::period::parse_instant(&format!("{day}T12:00:00Z")).unwrap(),
        service_tier: "",
        region: "",
        tokens: TokenUsage::default(),
        units: &[],
    };
    settings.pricer().row(&call).ok().and_then(|row| row.rates.get(Rate::Input))
}

#[tokio::test]
async fn a_multiplier_of_a_provider_holds_for_models_without_a_price_of_their_own() {
    let registry = Registry::new().await;
    let all = "/api/cost-analysis/pricing/anthropic/*";
    let set = registry.put(all, &json!({ "effectiveFrom": "2026-09-01", "multiplier": "0.85" })).await;
    assert_eq!(
        (&set["model"], &set["multiplier"], &set["effective"]),
        (&json!("*"), &json!(0.85), &json!([]))
    );
    assert_eq!(registry.put(&all.replace('*', "%2A"), &set).await, set);
    let own = "/api/cost-analysis/pricing/Anthropic/claude-haiku-4-5";
    let set = registry.put(own, &json!({ "effectiveFrom": "2026-09-02", "multiplier": 0.5 })).await;
    assert_eq!(set["effective"][0]["inputPricePerMillion"], 0.5);
    for (model, day, price) in [
        ("claude-haiku-4-5", "2026-08-31", 1_000_000),
        ("claude-haiku-4-5", "2026-09-01", 850_000),
        ("claude-haiku-4-5", "2026-09-02", 500_000),
        ("claude-haiku-4-5-20251001", "2026-09-02", 500_000),
        ("claude-sonnet-4-5", "2026-09-02", 2_550_000),
    ] {
        assert_eq!(input_price(&registry, "anthropic", model, day).await, Some(price), "{model} {day}");
    }
    registry.delete(&format!("{all}?effectiveFrom=2026-09-01")).await;
    assert_eq!(input_price(&registry, "anthropic", "claude-sonnet-4-5", "2026-09-02").await, Some(3_000_000));
}

#[tokio::test]
async fn an_alias_gives_a_deployment_the_price_of_its_model() {
    let registry = Registry::new().await;
    let path = "/api/cost-analysis/pricing/azure/my-deployment";
    let set = registry.put(path, &json!({ "effectiveFrom": "2026-09-01", "alias": "gpt-4o" })).await;
    assert_eq!((&set["alias"], &set["inputPricePerMillion"]), (&json!("gpt-4o"), &Value::Null));
    assert_eq!(set["effective"][0]["inputPricePerMillion"], 2.5);
    let list = registry.world.caller("acme").get("/api/cost-analysis/pricing?q=my-deployment").await;
    assert_eq!(list["models"][0]["id"], "my-deployment");
    assert_eq!(input_price(&registry, "azure", "My-Deployment", "2026-09-01").await, Some(2_500_000));
    assert_eq!(input_price(&registry, "azure", "my-deployment", "2026-08-31").await, None);
    // The model's own price holds for its alias as well.
    registry
        .put(
            "/api/cost-analysis/pricing/azure/gpt-4o",
            &json!({ "effectiveFrom": "2026-09-01", "multiplier": "0.8" }),
        )
        .await;
    assert_eq!(input_price(&registry, "azure", "my-deployment", "2026-09-01").await, Some(2_000_000));
}

#[tokio::test]
async fn prices_of_unknown_models_need_rates() {
    let registry = Registry::new().await;
    for (path, body, fault) in [
        ("anthropic/claude-hiaku", json!({ "multiplier": 1 }), "path.model unknown_model"),
        ("azure/mine", json!({ "alias": "gtp-4o" }), "body.alias unknown_model"),
        ("nobody/*", json!({ "multiplier": 1 }), "path.provider unknown_provider"),
        ("anthropic/*", json!({ "alias": "claude-haiku-4-5" }), "body.multiplier missing"),
        ("anthropic/*", price("2026-09-01", "1"), "body.multiplier missing"),
    ] {
        let response = registry.try_put(&format!("/api/cost-analysis/pricing/{path}"), &body).await;
        assert_eq!(faults(&response.body["detail"]), [fault], "{path}");
    }
    let response =
        registry.try_put("/api/cost-analysis/pricing/azure/mine", &json!({ "alias": "gtp-4o" })).await;
    let msg = response.body["detail"][0]["msg"].as_str().unwrap();
    assert!(msg.contains("gpt-4o"), "{msg}");
}

#[tokio::test]
async fn a_price_without_a_date_takes_effect_today() {
    let registry = Registry::new().await;
    let body = json!({ "inputPricePerMillion": 1, "outputPricePerMillion": 1 });
    assert_eq!(registry.put(PATH, &body).await["effectiveFrom"], "2026-09-15");
}

#[tokio::test]
async fn ingest_uses_the_own_price() {
    let registry = Registry::new().await;
    registry.put(PATH, &price("2026-09-01", "0.123456")).await;
    registry.world.caller("acme").post(&json!([call("1", "nova")])).await;
    let org = OrgId::new("acme").unwrap();
    let day = ledger::period::Day::of(noon(), chrono_tz::UTC);
    let key = keys::event_key(&org, day, "test", "1");
    let client = registry.world.stack.client().get_item();
    let found = client.table_name(local::tables::table_name("EventsTable"));
    let item =
        found.key("pk", string(&key.pk)).key("sk", string(&key.sk)).send().await.unwrap().item.unwrap();
    let Data::LlmCall(call) = events::parse(&item).unwrap().data else { panic!() };
    assert_eq!(call.cost.total().to_string(), "0.123456");
}

#[tokio::test]
async fn the_number_of_versions_has_a_maximum() {
    let registry = Registry::new().await;
    let path = |model: usize| format!("/api/cost-analysis/pricing/acme/model-{}", model % 250);
    let price = |number: usize| price(&format!("2026-0{}-01", 1 + number / 250), "1");
    for number in 0..MAX_OWN_PRICES {
        registry.put(&path(number), &price(number)).await;
    }
    let beyond = registry.try_put(&path(MAX_OWN_PRICES), &price(MAX_OWN_PRICES)).await;
    assert_eq!(beyond.status, StatusCode::CONFLICT, "{:?}", beyond.body);
    // What is there can still be repeated, and deleting makes room.
    registry.put(&path(0), &price(0)).await;
    registry.delete(&format!("{}?effectiveFrom=2026-01-01", path(0))).await;
    registry.put(&path(MAX_OWN_PRICES), &price(MAX_OWN_PRICES)).await;
}
