//! The binary's commands against a running stack.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

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
