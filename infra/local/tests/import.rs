//! `fleetledger import` against a running stack: a month of a coding agent, imported twice.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Stack, run, token};

/// A session of Claude Code on each of 28 days, with 5 messages on 3 lines each.
fn write_sessions(folder: &std::path::Path) {
    for day in 1..=28 {
        let session = format!("session-{day}");
        let project = folder.join("-home-ada-shop");
        fs::create_dir_all(&project).unwrap();
        let mut lines = vec![json!({ "type": "summary", "summary": "a secret title" }).to_string()];
        for message in 0..5 {
            for line in 0..3_u64 {
                let output = if line == 2 { 1000 } else { 1 };
                lines.push(
                    json!({
                        "type": "assistant", "sessionId": session, "cwd": "/home/ada/shop", "version": "2.1.4",
                        "requestId": format!("req_{day}_{message}"), "isSidechain": false,
                        "timestamp": format!("2026-02-{day:02}T10:0{message}:0{line}.000Z"),
                        "message": {
                            "id": format!("msg_{day}_{message}"), "role": "assistant", "model": "claude-sonnet-4-5-20250929",
                            "content": [{ "type": "text", "text": "a secret answer" }],
                            "usage": { "input_tokens": 100, "cache_creation_input_tokens": 2000,
                                "cache_read_input_tokens": 10000, "output_tokens": output, "service_tier": "standard" },
                        },
                    })
                    .to_string(),
                );
            }
        }
        fs::write(project.join(format!("{session}.jsonl")), lines.join("\n")).unwrap();
    }
}

async fn get(stack: &Stack, path: &str) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.get(format!("{}{path}", stack.url)).bearer_auth(token("demo"));
    serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_claude_code_is_imported_and_importing_again_changes_nothing() {
    let (data, sessions) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_sessions(sessions.path());
    let stack = Stack::start_with(data.path(), &["--clock", "2026-03-01T12:00:00Z"]);
    let import = || {
        let output = run(&["import", "claude-code", sessions.path().to_str().unwrap(), "--to", &stack.url]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(import(), "140 calls imported from 28 files, 0 were already stored.\n");
    assert_eq!(import(), "0 calls imported from 28 files, 140 were already stored.\n");
    let path = "/api/cost-analysis/summary?month=2026-02";
    let mut summary = Value::Null;
    for _ in 0..100 {
        summary = get(&stack, path).await;
        if summary["totalSpend"] == json!(3.612) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    // 140 × (100 × 3 + 2,000 × 3.75 + 10,000 × 0.30 + 1,000 × 15) / 1,000,000
    assert_eq!(summary["totalSpend"], json!(3.612), "{summary}");
}
