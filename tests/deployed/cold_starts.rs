//! The time from the start of a function's process to its first request for an event, as a percentage of that of a
//! function that does nothing. It includes connections and secrets, which are prepared in the init phase, but no TLS
//! handshake, which costs more than everything else.
//!
//! ```text
//! cargo build --release --bins && cargo build --release -p system-tests --example hello
//! cargo test -p system-tests -- --ignored --nocapture cold_starts
//! ```

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::bootstraps::Cloud;
use crate::support::emulator::root;

/// Starts of each function.
const STARTS: usize = 21;

/// The part of Lambda's runtime API that a starting function needs. Reports when the first event is requested.
struct Runtime {
    address: String,
    requests: mpsc::UnboundedReceiver<Instant>,
}

impl Runtime {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (reporter, requests) = mpsc::unbounded_channel();
        let router = Router::new().fallback(move || {
            let reported = reporter.send(Instant::now());
            async move {
                reported.unwrap();
                // No event is ever returned.
                std::future::pending::<()>().await;
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, requests }
    }

    /// The median duration of all starts.
    async fn starts(&mut self, program: &Path, variables: &BTreeMap<String, String>) -> Duration {
        let mut times = Vec::new();
        for _ in 0..STARTS {
            let begun = Instant::now();
            let mut process = Command::new(program)
                .env_clear()
                .envs(variables)
                .env("AWS_LAMBDA_RUNTIME_API", &self.address)
                .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
                .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
                .env("AWS_LAMBDA_LOG_GROUP_NAME", "-")
                .env("AWS_LAMBDA_LOG_STREAM_NAME", "-")
                .stdout(Stdio::null())
                .spawn()
                .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
            times.push(self.requests.recv().await.unwrap() - begun);
            process.kill().unwrap();
            process.wait().unwrap();
        }
        times.sort_unstable();
        times[STARTS / 2]
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement of release builds"]
async fn cold_starts() {
    let (cloud, mut runtime) = (Cloud::new().await, Runtime::start().await);
    let release = root().join("target/release");
    let named = [("AWS_LAMBDA_FUNCTION_NAME".to_owned(), "hello".to_owned())].into();
    let hello = runtime.starts(&release.join("examples/hello"), &named).await;
    println!("hello: {} µs", hello.as_micros());
    for function in &cloud.template.functions {
        let took = runtime.starts(&release.join(&function.binary), &cloud.variables(function)).await;
        let percent = took.as_micros() * 100 / hello.as_micros();
        println!("{}: {} µs, {percent} % of that", function.binary, took.as_micros());
    }
}
