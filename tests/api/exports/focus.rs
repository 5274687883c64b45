//! `/api/exports/focus`.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use axum::body::Bytes;
use chrono::TimeDelta;
use http::StatusCode;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rust_decimal::Decimal;
use serde_json::json;

use super::{file, get};
use crate::api::cost_analysis::{call, oracle};
use crate::support::events::{RandomCall, event, random_call};
use crate::support::{World, faults, noon};

const PATH: &str = "/api/exports/focus";

pub type Row = BTreeMap<String, String>;

pub fn rows(text: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let row = |record: csv::StringRecord| {
        header.iter().zip(record.iter()).map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect()
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

fn number(row: &Row, column: &str) -> Decimal {
    Decimal::from_str_exact(&row[column]).unwrap_or_else(|_| panic!("{column}: {row:?}"))
}

fn random_calls(count: usize) -> Vec<RandomCall> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| random_call().new_tree(&mut runner).unwrap().current()).collect()
}

async fn world_with(calls: &[RandomCall]) -> World {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller.put("/api/organization", &json!({ "name": "Acme", "timezone": "Asia/Kathmandu" })).await;
    caller.put("/api/agents/agent-1", &json!({ "name": "=cmd|Nova", "department": "Sales" })).await;
    let events: Vec<_> =
        calls.iter().enumerate().map(|(id, call)| call.event(&id.to_string(), noon())).collect();
    caller.record(&events).await;
    world
}

#[tokio::test]
async fn the_sum_of_a_file_is_the_cost_to_the_last_digit() {
    let calls = random_calls(300);
    let world = world_with(&calls).await;
    let rows = rows(&file(&world, &format!("{PATH}?from=2026-08-01")).await);
    let all = oracle::add_up(
        &calls.iter().map(|call| oracle::of_call(call, call.time(noon()))).collect::<Vec<_>>(),
    );
    let sum = |column: &str| rows.iter().map(|row| number(row, column)).sum::<Decimal>();
    assert_eq!(sum("BilledCost"), Decimal::from_i128_with_scale(all.cost(), 12).normalize());
    let tokens = |meter: &str| -> Decimal {
        rows.iter().filter(|row| row["SkuMeter"] == meter).map(|row| number(row, "x_Quantity")).sum()
    };
    let expected = |part: fn(&RandomCall) -> u64| Decimal::from(calls.iter().map(part).sum::<u64>());
    assert_eq!(tokens("Input Tokens"), expected(|call| call.input[0]));
    assert_eq!(tokens("Cache Read Input Tokens"), expected(|call| call.input[1]));
    assert_eq!(tokens("Cache Write Input Tokens"), expected(|call| call.input[2] + call.input[3]));
    assert_eq!(tokens("Output Tokens"), expected(|call| call.output));
    // Every row with a price is exact, and many rows have one.
    let priced: Vec<_> = rows.iter().filter(|row| !row["SkuPriceId"].is_empty()).collect();
    assert!(priced.len() * 3 > rows.len(), "{} of {}", priced.len(), rows.len());
    for row in priced {
        let quantity = number(row, "PricingQuantity");
        assert_eq!(number(row, "ListUnitPrice") * quantity, number(row, "ListCost"), "{row:?}");
        assert_eq!(number(row, "ContractedUnitPrice") * quantity, number(row, "ContractedCost"), "{row:?}");
    }
    // Days are those of the organization, and names are harmless to spreadsheets.
    assert!(rows.iter().all(|row| row["ChargePeriodStart"].ends_with("T18:15:00Z")));
    let of_nova = rows.iter().find(|row| row["ResourceId"] == "agent-1").unwrap();
    assert_eq!((of_nova["ResourceName"].as_str(), of_nova["SubAccountId"].as_str()), ("'=cmd|Nova", "Sales"));
}

#[tokio::test]
async fn an_own_price_is_contracted_and_that_of_the_book_is_listed() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let discount = json!({ "effectiveFrom": "2026-09-01", "multiplier": "0.5" });
    caller.put("/api/cost-analysis/pricing/anthropic/claude-haiku-3.5", &discount).await;
    caller.record(&[call("1", "nova", "anthropic/claude-haiku-3.5", noon(), &json!({}))]).await;
    let rows = rows(&file(&world, PATH).await);
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row["ListUnitPrice"].as_str(), row["ContractedUnitPrice"].as_str()), ("0.8", "0.4"));
    assert_eq!((row["ListCost"].as_str(), row["BilledCost"].as_str()), ("0.8", "0.4"));
    assert_eq!(row["SkuPriceId"], "anthropic/claude-haiku-3.5/Input Tokens@0.4");
}

#[tokio::test]
async fn usage_without_a_price_has_a_quantity_and_no_price() {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller.record(&[call("1", "nova", "acme/in-house-1", noon(), &json!({}))]).await;
    let rows = rows(&file(&world, PATH).await);
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!((row["BilledCost"].as_str(), row["x_Quantity"].as_str()), ("0", "1000000"));
    assert_eq!((row["SkuPriceId"].as_str(), row["PricingQuantity"].as_str()), ("", ""));
    assert_eq!(row["x_UnpricedRequests"], "1");
}

#[tokio::test]
async fn the_default_range_is_this_month_and_longer_ones_have_limits() {
    let world = World::new().await;
    let calls = [("1", 0), ("2", 14), ("3", 15)];
    let calls: Vec<_> = calls
        .iter()
        .map(|(id, days)| {
            call(id, "nova", "anthropic/claude-haiku-3.5", noon() - TimeDelta::days(*days), &json!({}))
        })
        .collect();
    world.caller("acme").record(&calls).await;
    let days: Vec<_> =
        rows(&file(&world, PATH).await).iter().map(|row| row["ChargePeriodStart"].clone()).collect();
    assert_eq!(days, ["2026-09-01T00:00:00Z", "2026-09-15T00:00:00Z"]);
    for (query, fault) in [
        ("from=2026-09-31", "query.from date_parsing"),
        ("from=2026-09-02&to=2026-09-02", "query.to range"),
        ("from=2026-09-01&to=2028-09-01", "query.from range_too_long"),
        ("from=2025-01-01&to=2025-02-01", "query.from expired"),
        ("version=1.0", "query.version enum"),
        ("cursor=x", "query.cursor cursor"),
    ] {
        let response = get(&world, &format!("{PATH}?{query}")).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{query}");
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(faults(&body["detail"]), [fault], "{query}");
    }
    let older = file(&world, &format!("{PATH}?version=1.2")).await;
    let header = older.lines().next().unwrap();
    assert!(header.contains(",ProviderName,") && header.contains(",PublisherName,"), "{header}");
}

/// All files of a range in Parquet: one for each page.
async fn parquet_files(world: &World, query: &str) -> Vec<Bytes> {
    let (mut files, mut cursor) = (Vec::new(), String::new());
    loop {
        let response = get(world, &format!("{PATH}?format=parquet&{query}{cursor}")).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "application/vnd.apache.parquet");
        files.push(response.body().clone());
        let Some(next) = response.headers().get("x-next-cursor") else { return files };
        cursor = format!("&cursor={}", next.to_str().unwrap());
    }
}

/// The rows of a file, with every cell as the CSV file has it.
pub fn parquet_rows(file: Bytes) -> Vec<Row> {
    let reader = SerializedFileReader::new(file).unwrap();
    let cell = |field: &Field| match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::TimestampMillis(at) => {
            ledger::period::rfc3339(chrono::DateTime::from_timestamp_millis(*at).unwrap())
        }
        Field::Decimal(number) => {
            let number_of = i128::from_be_bytes(number.data().try_into().unwrap());
            let scale = u32::try_from(number.scale()).unwrap();
            Decimal::from_i128_with_scale(number_of, scale).normalize().to_string()
        }
        other => panic!("{other:?}"),
    };
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        row.get_column_iter().map(|(name, field)| (name.clone(), cell(field))).collect()
    });
    rows.collect()
}

#[tokio::test]
async fn parquet_files_have_the_rows_of_the_csv_file() {
    let world = world_with(&random_calls(300)).await;
    let mut csv = rows(&file(&world, &format!("{PATH}?from=2026-08-01")).await);
    // Only spreadsheets run formulas.
    for cell in csv.iter_mut().flat_map(BTreeMap::values_mut) {
        *cell = cell.replace("'=cmd|Nova", "=cmd|Nova");
    }
    let files = parquet_files(&world, "from=2026-08-01").await;
    let parquet: Vec<_> = files.into_iter().flat_map(parquet_rows).collect();
    assert!(parquet.len() > 300);
    assert_eq!(parquet, csv);
    let empty = parquet_files(&World::new().await, "").await;
    assert_eq!(empty.into_iter().flat_map(parquet_rows).count(), 0);
    let elsewhere = get(&world, "/api/cost-analysis/summary?format=parquet").await;
    assert_eq!(elsewhere.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn compute_is_beside_the_charges_without_a_cost_if_asked_for() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let sample = json!({ "project_id": "=site", "instance_id": "i-1", "cpu_cores": 2, "ram_gb": 4, "disk_gb": 0,
        "from": "2026-09-14T23:00:00Z", "to": "2026-09-15T00:20:00Z",
        "bandwidth_in_bytes": 0, "bandwidth_out_bytes": 0 });
    caller
        .record(&[
            event("s", "compute.usage", noon(), sample),
            call("1", "nova", "openai/gpt-4o", noon(), &json!({})),
        ])
        .await;
    let without = rows(&file(&world, PATH).await);
    let with = rows(&file(&world, &format!("{PATH}?compute=true")).await);
    let (compute, charges): (Vec<_>, Vec<_>) =
        with.into_iter().partition(|row| row["ServiceCategory"] == "Compute");
    assert_eq!(charges, without);
    let brief = |row: &Row| {
        assert_eq!((row["BilledCost"].as_str(), row["ResourceId"].as_str()), ("", "'=site"));
        let day = row["ChargePeriodStart"].split('T').next().unwrap();
        format!("{day} {} {} {}", row["SkuMeter"], row["ConsumedQuantity"], row["ConsumedUnit"])
    };
    assert_eq!(
        compute.iter().map(brief).collect::<Vec<_>>(),
        [
            "2026-09-14 CPU Core Hours 2 Hours",
            "2026-09-14 Instance Hours 1 Hours",
            "2026-09-14 Memory GB-Hours 4 GB-Hours",
            "2026-09-15 CPU Core Hours 0.666666666667 Hours",
            "2026-09-15 Instance Hours 0.333333333333 Hours",
            "2026-09-15 Memory GB-Hours 1.333333333333 GB-Hours",
        ]
    );
    let files = parquet_files(&world, "compute=true").await;
    let nulls = files.into_iter().flat_map(parquet_rows).filter(|row| row["BilledCost"].is_empty());
    assert_eq!(nulls.count(), compute.len());
}

#[tokio::test]
async fn rows_have_the_tracked_dimensions_as_tags() {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller
        .put("/api/organization", &json!({ "dimensions": ["tag.customer", "task_type", "end_user"] }))
        .await;
    let of = |id, customer: &str| {
        let more =
            json!({ "tags": { "customer": customer, "other": "x" }, "task_type": "chat", "end_user": "ada" });
        call(id, "nova", "openai/gpt-4o", noon(), &more)
    };
    caller.record(&[of("1", "globex"), of("2", "initech"), of("3", "globex")]).await;
    let rows = rows(&file(&world, PATH).await);
    let tags: Vec<_> = rows.iter().map(|row| (row["Tags"].as_str(), row["x_Quantity"].as_str())).collect();
    assert_eq!(
        tags,
        [
            (r#"{"customer":"globex","task_type":"chat"}"#, "2000000"),
            (r#"{"customer":"initech","task_type":"chat"}"#, "1000000"),
        ]
    );
}

/// Prints the exact sum of a column, as pyarrow reads it.
const PYARROW: &str = r"
import sys
import pyarrow.compute as pc
import pyarrow.parquet as pq
table = pq.read_table(sys.argv[1])
assert str(table.schema.field('ChargePeriodStart').type) == 'timestamp[ms, tz=UTC]', table.schema
print(table.num_rows, pc.sum(table['BilledCost']).as_py().normalize().__format__('f'))
";

#[tokio::test]
#[ignore = "needs Python with pyarrow, named by PYTHON"]
async fn pyarrow_reads_parquet_files() {
    let world = world_with(&random_calls(300)).await;
    let [parquet] = &parquet_files(&world, "from=2026-08-01").await[..] else { panic!("several pages") };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("focus.parquet");
    std::fs::write(&path, parquet).unwrap();
    let output = Command::new(python()).args(["-c", PYARROW]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows = rows(&file(&world, &format!("{PATH}?from=2026-08-01")).await);
    let sum: Decimal = rows.iter().map(|row| number(row, "BilledCost")).sum();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap().trim(),
        format!("{} {}", rows.len(), sum.normalize())
    );
}

/// The Python that has the packages of `PyPI`.
fn python() -> String {
    #[allow(clippy::disallowed_methods, reason = "a test run by hand or by .ci/run")]
    std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned())
}

/// The linter of `focus-data-toolkit`, which knows every column of FOCUS 1.4.
const LINTER: &str = r"
import csv, sys
from focus_data_toolkit.model.validator import lint_focus_1_4_structure
rows = list(csv.DictReader(sys.stdin))
report = lint_focus_1_4_structure('Cost and Usage', rows, supported_conditions=[])
print(len(rows), *report.messages()[:20], sep='\n')
sys.exit(not report.ok)
";

#[tokio::test]
#[ignore = "needs Python with focus-data-toolkit 0.14.1, named by PYTHON"]
async fn focus_files_pass_the_linter() {
    let world = world_with(&random_calls(300)).await;
    let text = file(&world, &format!("{PATH}?from=2026-08-01")).await;
    let mut linter = Command::new(python());
    linter.args(["-c", LINTER]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut running = linter.spawn().unwrap();
    running.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = running.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
