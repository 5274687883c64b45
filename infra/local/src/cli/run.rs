//! `fleetledger`: runs the stack until it is told to stop.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use local::demo;
use local::error::{Error, Result};
use local::stack::{Options, Stack};
use local::token;
use runtime::clock::Clock;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use web::auth::Scope;

/// How long requests and batches under way may take once the stack is to stop.
const GRACE: Duration = Duration::from_secs(5);

/// How it is to run.
#[derive(Args)]
pub struct Run {
    /// Port on 127.0.0.1; 0 takes any that is free
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Folder to keep the tables in; without one they are gone when the stack stops
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Load no demo organisation
    #[arg(long)]
    empty: bool,
    /// Freeze the business clock, by which days are cut; tokens are always checked against the real time
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    clock: Option<DateTime<Utc>>,
    /// DynamoDB-compatible endpoint to use in place of the embedded engine
    #[arg(long, value_name = "URL")]
    dynamodb: Option<String>,
    /// Let webhooks go to this machine and its network, in clear text too
    #[arg(long)]
    allow_local_webhooks: bool,
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let wrong = "should be a time such as 2026-01-31T12:00:00Z";
    DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).map_err(|_| wrong.to_owned())
}

/// Runs a stack and returns when it has stopped.
pub async fn run(asked: &Run) -> Result<()> {
    let mut stopped = signalled()?;
    // First of all, so that a port in use is known at once; who connects early is answered when all is ready.
    let listener = listen(asked.port).await?;
    let address = listener.local_addr().map_err(|error| Error::caused("the port", error))?;
    let stack = tokio::select! {
        stack = start(asked) => stack?,
        _ = stopped.changed() => return Ok(()),
    };
    greet(asked, &stack, address)?;
    let mut asked_to_stop = stopped.clone();
    let serving = stack.serve(listener, async move { drop(asked_to_stop.changed().await) });
    let served = tokio::select! {
        served = serving => served,
        // A connection that never falls silent must not keep the stack from stopping.
        () = async { drop(stopped.changed().await); tokio::time::sleep(GRACE).await } => Ok(()),
    };
    eprintln!("Stopping.");
    if timeout(GRACE, stack.stop()).await.is_err() {
        eprintln!("Something is still at work; it is done again after the next start.");
    }
    served
}

async fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => Error::new(format!("port {port} is in use; choose another one with --port")),
        _ => Error::caused(format_args!("cannot listen on 127.0.0.1:{port}"), error),
    })
}

/// Starts the stack and, where the tables are new, fills them.
async fn start(asked: &Run) -> Result<Stack> {
    let options = Options {
        data: asked.data.clone(),
        clock: asked.clock.map_or_else(Clock::system, Clock::fixed),
        dynamodb: asked.dynamodb.clone(),
        secret: token::secret(asked.data.as_deref())?,
        allow_local_webhooks: asked.allow_local_webhooks,
        ..Options::default()
    };
    let stack = Stack::start(options).await?;
    if asked.empty || !stack.is_new() {
        return Ok(stack);
    }
    demo::load(&stack).await?;
    stack.drain().await;
    Ok(stack)
}

/// Resolves when the process is asked to stop.
fn signalled() -> Result<watch::Receiver<bool>> {
    let (stop, stopped) = watch::channel(false);
    let terminated = terminated().map_err(|error| Error::caused("cannot listen for signals", error))?;
    tokio::spawn(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = terminated => {}
        }
        stop.send_replace(true);
        // Kept, since a sender that is gone says the same again and again.
        std::future::pending::<()>().await;
    });
    Ok(stopped)
}

#[cfg(unix)]
fn terminated() -> std::io::Result<impl Future<Output = ()>> {
    let mut signals = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    Ok(async move {
        signals.recv().await;
    })
}

#[cfg(not(unix))]
fn terminated() -> std::io::Result<impl Future<Output = ()>> {
    Ok(std::future::pending())
}

fn greet(asked: &Run, stack: &Stack, address: SocketAddr) -> Result<()> {
    let token = stack.token(demo::ORG, &Scope::ALL)?;
    let command = super::command();
    let (data, with_data) = match asked.data.as_deref().map(Path::display) {
        Some(data) => (data.to_string(), format!(" --data {data}")),
        None => ("gone when it stops".to_owned(), String::new()),
    };
    let now = stack.clock().now().to_rfc3339_opts(SecondsFormat::Millis, true);
    let frozen = asked.clock.map_or_else(String::new, |_| format!("\n  clock  stands at {now}"));
    println!(
        r#"
Fleetledger answers at http://{address} until Ctrl-C.

  data   {data}{frozen}
  org    {org}; a token for another one: {command} token --org ORG{with_data}

Paste this:

TOKEN={token}
curl -s -H "Authorization: Bearer $TOKEN" 'http://{address}/v1/metrics/summary?days=30'

And this, to add an event to it:

curl -s -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' http://{address}/v1/events -d '[{{
  "specversion": "1.0", "id": "my-first", "source": "shell", "type": "llm.call", "time": "{now}",
  "data": {{"agent_id": "me", "provider": "anthropic", "model": "claude-haiku-4-5", "input_tokens": 1000, "output_tokens": 500}}}}]'
"#,
        org = demo::ORG,
    );
    Ok(())
}
