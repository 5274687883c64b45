//! Every list and series is also a table: as CSV and as ndjson.

use std::collections::BTreeSet;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use web::table::NO_ROWS;

use super::walk::{MARK, fill, path, routes};
use crate::support::contract::{DOCUMENT, resolved};
use crate::support::events::event;
use crate::support::{Caller, World, is_file, noon};

/// What a spreadsheet would run.
const FORMULAS: [&str; 4] = ["=1+1", "+cmd|x", "-2+3", "@SUM(A1)"];

/// Usage and settings whose names are formulas.
async fn fill_with_formulas(caller: &Caller<'_>) {
    let mut events = Vec::new();
    for (number, name) in FORMULAS.iter().enumerate() {
        let call = json!({ "agent_id": name, "provider": name, "model": name, "input_tokens": 1, "output_tokens": 1,
            "cost_usd": "0.25", "end_user": name, "task_type": name, "hostname": name, "session_id": name });
        let compute = json!({ "project_id": name, "instance_id": name, "from": "2026-09-15T09:00:00Z",
            "to": "2026-09-15T11:00:00Z", "cpu_cores": 3, "ram_gb": 5, "disk_gb": 7, "bandwidth_in_bytes": 11,
            "bandwidth_out_bytes": 13 });
        let entry = json!({ "agent_id": name, "event_type": name, "details": { "text": name } });
        events.push(event(&format!("c{number}"), "llm.call", noon(), call));
        events.push(event(&format!("u{number}"), "compute.usage", noon(), compute));
        events.push(event(&format!("a{number}"), "agent.activity", noon(), entry));
    }
    caller.record(&events).await;
    for (path, body) in [
        ("/api/organization", json!({ "name": "=1+1" })),
        ("/api/agents/zebra", json!({ "name": "=1+1", "department": "@dep", "cost_budget_monthly": "0.01" })),
        ("/api/projects/zebra", json!({ "name": "+1" })),
        ("/api/alerts/rules/zebra", json!({ "type": "unpriced", "name": "=1+1" })),
    ] {
        caller.put(path, &body).await;
    }
}

async fn table(caller: &Caller<'_>, path: &str, format: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    let response = caller.send_raw(Method::GET, &format!("{path}{separator}format={format}")).await;
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path} {format}: {text}");
    let kind = response.headers()["content-type"].to_str().unwrap();
    let expected = match format {
        "csv" if text.is_empty() => "text/csv; charset=utf-8; header=absent",
        "csv" => "text/csv; charset=utf-8; header=present",
        _ => "application/x-ndjson",
    };
    assert_eq!(kind, expected, "{path}");
    text
}

#[tokio::test]
async fn every_response_is_a_table_and_no_cell_a_formula() {
    let world = World::new().await;
    let owner = world.caller("owner");
    fill(&owner).await;
    fill_with_formulas(&owner).await;
    let (mut harmless, mut walked) = (0, 0);
    for route in routes(&Method::GET) {
        let path = path(route.path, MARK);
        if is_file(&path) || owner.try_get(&path).await.status != StatusCode::OK {
            continue;
        }
        walked += 1;
        let csv = table(&owner, &path, "csv").await;
        let mut reader = csv::Reader::from_reader(csv.as_bytes());
        let records: Vec<_> = reader.records().map(|record| record.unwrap()).collect();
        for cell in records.iter().flatten() {
            let is_number = cell.parse::<rust_decimal::Decimal>().is_ok();
            assert!(is_number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{path}: {cell}");
            harmless += usize::from(FORMULAS.iter().any(|formula| cell == format!("'{formula}")));
        }
        let lines = table(&owner, &path, "ndjson").await;
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(lines.iter().all(Value::is_object), "{path}");
        assert_eq!(records.len(), lines.len(), "{path}");
    }
    assert!(walked > 30 && harmless > 30, "{walked} {harmless}");
}

/// The first list of objects, by the document, is what the table consists of.
#[test]
fn lists_that_are_no_rows_are_named() {
    let mut without_rows = BTreeSet::new();
    for methods in DOCUMENT["paths"].as_object().unwrap().values() {
        let schema = &resolved(&methods["get"]["responses"]["200"])["content"]["application/json"]["schema"];
        let Some(fields) = resolved(schema)["properties"].as_object() else { continue };
        for (name, field) in fields {
            let field = resolved(field);
            let items = resolved(&field["items"]);
            let is_list = field["type"] == "array";
            if is_list && items["type"] != "object" && field["minItems"].is_null() {
                without_rows.insert(name.as_str());
            }
        }
    }
    assert_eq!(without_rows, NO_ROWS.into_iter().collect());
}
