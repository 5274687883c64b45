use chrono::NaiveDate;
use ledger::pricing::{Book, OwnPrices};
use serde_json::{Value, json};
use web::query::{FromQuery, QueryReader};

use super::*;

const TODAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 11, 27).unwrap();

fn list(query: &str) -> Value {
    let own = OwnPrices::default();
    let params = Params::from_query(&mut QueryReader::parse(query));
    let response = respond(Pricer::new(Book::builtin(), &own), &params, TODAY).unwrap();
    serde_json::to_value(response).unwrap()
}

fn names(response: &Value) -> Vec<(String, String)> {
    let text = |model: &Value, name: &str| model[name].as_str().unwrap().to_owned();
    let models = response["models"].as_array().unwrap();
    models.iter().map(|model| (text(model, "provider"), text(model, "id"))).collect()
}

#[test]
fn pages_join_to_the_whole_list() {
    let whole = list("");
    assert_eq!(whole["nextCursor"], Value::Null);
    let names_of_all = names(&whole);
    assert!(names_of_all.len() > 5_000 && names_of_all.is_sorted());
    let bytes = whole.to_string().len();
    assert!(bytes < 2_000_000, "{bytes} bytes");
    let mut joined = Vec::new();
    let mut query = "limit=701".to_owned();
    loop {
        let page = list(&query);
        joined.extend(page["models"].as_array().unwrap().clone());
        let Some(cursor) = page["nextCursor"].as_str() else { break };
        assert_eq!(page["models"].as_array().unwrap().len(), 701);
        query = format!("limit=701&cursor={cursor}");
    }
    assert_eq!(Value::Array(joined), whole["models"]);
    // The last page is recognized even if it is full.
    assert_eq!(list(&format!("limit={}", names_of_all.len()))["nextCursor"], Value::Null);
}

#[test]
fn filters_combine() {
    let haiku = names(&list("provider=vertex_ai&q=HAIKU&mode=chat"));
    assert!(!haiku.is_empty());
    assert!(haiku.iter().all(|(provider, id)| provider == "google" && id.contains("haiku")));
    let embeddings = list("mode=embedding");
    assert!(embeddings["models"].as_array().unwrap().iter().all(|model| model["mode"] == "embedding"));
    // An alias is found too.
    let found = names(&list("provider=anthropic&q=claude-haiku-3.5"));
    assert_eq!(found, [("anthropic".to_owned(), "claude-3-5-haiku-latest".to_owned())]);
    assert_eq!(list("provider=nobody"), json!({ "models": [], "nextCursor": null }));
}

#[test]
fn every_model_has_the_documented_fields() {
    for model in list("")["models"].as_array().unwrap() {
        assert!(model["inputPricePerMillion"].is_number() && model["outputPricePerMillion"].is_number());
        assert!(
            ["economy", "standard", "flagship"].contains(&model["category"].as_str().unwrap()),
            "{model}"
        );
        assert_eq!(model["overridden"], false, "{model}");
        let is_retired = model["retiresOn"].as_str().is_some_and(|day| day <= "2026-11-27");
        assert_eq!(model["retired"] == true, is_retired, "{model}");
    }
}
