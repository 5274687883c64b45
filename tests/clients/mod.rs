//! What public tools make of `/openapi.json` calls a stack, over HTTP: generated clients, and schemathesis.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;

use local::stack::{Options, Stack};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;
use web::auth::Scope;

use crate::support::contract::DOCUMENT;

/// Runs a script of this folder with the address of a stack and a token.
async fn run(script: &str) {
    let stack = Stack::start(Options::default()).await.unwrap();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let token = stack.token("clients", &Scope::ALL).unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = stack.serve(listener, async move { drop(stopped.await) });
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("../target/clients");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("openapi.json"), DOCUMENT.to_string()).unwrap();
    let mut command = Command::new(root.join("clients").join(script));
    command.arg(&folder).env("API_URL", url).env("TOKEN", token);
    let calling = async {
        let status = spawn_blocking(move || command.status().unwrap()).await;
        drop(stop);
        status.unwrap()
    };
    let (served, status) = tokio::join!(serving, calling);
    served.unwrap();
    assert!(status.success(), "{status}");
}

#[tokio::test]
#[ignore = "installs generators from PyPI and npm into target/clients; .ci/run runs it"]
async fn generated_clients_call_the_api() {
    run("run.sh").await;
}

#[tokio::test]
#[ignore = "installs schemathesis from PyPI into target/clients; .ci/run runs it"]
async fn schemathesis_finds_no_difference_between_document_and_responses() {
    run("schemathesis.sh").await;
}
