//! The binary's commands against a running stack.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Output;

use serde_json::{Value, json};
use support::{Stack, run};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn printed(output: &Output) -> Value {
    let printed = text(&output.stdout);
    let response: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed, format!("{response:#}\n"), "{}", text(&output.stderr));
    response
}

#[test]
fn commands_invoke_functions_of_a_running_stack() {
    let data = tempfile::tempdir().unwrap();
    let stack = Stack::start(data.path());
    let port = stack.port();
    for command in [["alerts", "run"], ["quarantine", "replay"]] {
        let output = run(&[command[0], command[1], "--port", port]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(printed(&output).is_object());
    }
    let today = runtime::clock::Clock::system().now().date_naive().to_string();
    for more in [&[][..], &["--repair"]] {
        let output = run(&[&["reconcile", "--org", "acme", "--day", &today, "--port", port], more].concat());
        let matches = printed(&output)["drift"] == json!(0);
        assert_eq!(output.status.code(), Some(i32::from(!matches)));
    }
}

#[test]
fn a_whole_export_is_verified_and_a_changed_one_is_not() {
    let mut chain = exports::ocsf::chain::Chain::new("acme", "2026-09-14", 2);
    let mut line = |details: &str| {
        chain
            .line(json!({ "metadata": { "tenant_uid": "acme" }, "unmapped": { "details": details } }))
            .unwrap()
    };
    let whole = format!("{}\n{}\n", line("one"), line("two"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log.ndjson");
    let verify = |content: &str| {
        std::fs::write(&file, content).unwrap();
        run(&["verify", file.to_str().unwrap()])
    };
    let proved = verify(&whole);
    assert!(proved.status.success(), "{}", text(&proved.stderr));
    assert!(text(&proved.stdout).ends_with("each day whole and unchanged\n"));
    let changed = verify(&whole.replace("two", "2"));
    assert_eq!(changed.status.code(), Some(1));
    assert!(
        text(&changed.stderr).ends_with("line 2: the hash does not match\n"),
        "{}",
        text(&changed.stderr)
    );
}

#[test]
fn without_a_stack_the_error_says_how_to_start_one() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    for command in [
        &["alerts", "run"][..],
        &["quarantine", "replay"],
        &["reconcile", "--org", "acme", "--day", "2026-01-31"],
    ] {
        let output = run(&[command, &["--port", &port]].concat());
        assert_eq!(output.status.code(), Some(1));
        let error = text(&output.stderr);
        assert!(error.contains("no stack answers at http://127.0.0.1:"), "{error}");
        assert!(error.contains("start one with `") && error.contains("fleetledger`"), "{error}");
    }
}

#[test]
fn invalid_arguments_are_refused_before_any_request() {
    for wrong in [
        &["reconcile", "--org", "acme"][..],
        &["reconcile", "--day", "2026-01-31"],
        &["reconcile", "--org", "acme", "--day", "2026-02-30"],
        &["reconcile", "--org", "acme", "--day", "today"],
        &["alerts", "run", "--port", "0"],
        &["alerts"],
        &["quarantine"],
    ] {
        assert_eq!(run(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

/// Serves one HTTP response and returns its URL.
fn serve(status: &'static str, body: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/list.json", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().unwrap();
        let _ = connection.read(&mut [0; 4096]).unwrap();
        let head =
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        connection.write_all((head + &body).as_bytes()).unwrap();
    });
    url
}

/// A folder with the book's files that people keep, and no prices.
fn empty_book() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["providers.csv", "preferences.csv"] {
        let source = format!("{}/../../shared/ledger/data/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::copy(source, folder.path().join(name)).unwrap();
    }
    folder
}

#[test]
fn a_refresh_reads_lists_from_files_and_urls() {
    let folder = empty_book();
    let data = folder.path().to_str().unwrap();
    let litellm = r#"{"openai/m": {"litellm_provider": "openai", "input_cost_per_token": 1e-06}}"#;
    let genai = folder.path().join("data.json");
    std::fs::write(&genai, "[]").unwrap();
    let refresh = |litellm: &str, more: &[&str]| {
        let genai = genai.to_str().unwrap();
        let lists = ["--genai-prices", genai, "--litellm", litellm, "--today", "2026-11-27", "--data", data];
        run(&[&["prices", "refresh"], &lists[..], more].concat())
    };
    let file = folder.path().join("prices/openai.csv");
    let output = refresh(&serve("200 OK", litellm.to_owned()), &["--dry-run"]);
    assert_eq!(text(&output.stderr), "");
    assert!(text(&output.stdout).starts_with("new: 1\n  openai/m\n"), "{}", text(&output.stdout));
    assert!(!file.exists());
    assert!(refresh(&serve("200 OK", litellm.to_owned()), &[]).status.success());
    assert!(std::fs::read_to_string(&file).unwrap().contains("input=1,litellm,2026-11-27"));
    assert!(text(&refresh(&serve("200 OK", litellm.to_owned()), &[]).stdout).starts_with("new: 0\n"));

    for (source, expected) in [
        (serve("404 Not Found", String::new()), "/list.json: the server answers 404 Not Found"),
        ("http://127.0.0.1:1/list.json".to_owned(), "cannot download http://127.0.0.1:1/list.json: "),
        ("nowhere.json".to_owned(), "cannot read nowhere.json: "),
        (serve("200 OK", "<html>".to_owned()), "nothing was written: "),
    ] {
        let output = refresh(&source, &[]);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    }
    let output = run(&["prices", "refresh", "--genai-prices", "x", "--litellm", "x", "--data", "nowhere"]);
    assert!(text(&output.stderr).contains("is not the folder of the price book"), "{}", text(&output.stderr));
    assert_eq!(run(&["prices", "refresh", "--genai-prices", "x"]).status.code(), Some(2));
}
