//! How long a function takes from the start of its process until it asks for its first event, as a multiple of what a
//! function takes that does nothing. Connections and secrets are part of it: they are made ready before. There is no TLS
//! here, which costs more than all else there is to see.
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

/// Lambda's runtime API, as far as a function that starts needs it: it is told when the first event is asked for.
struct Runtime {
    address: String,
    asked: mpsc::UnboundedReceiver<Instant>,
}

impl Runtime {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (tell, asked) = mpsc::unbounded_channel();
        let router = Router::new().fallback(move || {
            let told = tell.send(Instant::now());
            async move {
                told.unwrap();
                // No event ever comes.
                std::future::pending::<()>().await;
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, asked }
    }

    /// The middle one of all starts.
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
            times.push(self.asked.recv().await.unwrap() - begun);
            process.kill().unwrap();
            process.wait().unwrap();
        }
        times.sort_unstable();
        times[STARTS / 2]
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, of what cargo build --release builds"]
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
