//! `fleetledger` without a command: runs the stack until it is told to stop.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use http::Uri;
use local::browser;
use local::demo;
use local::error::{Error, Result};
use local::open_files;
use local::stack::{Options, Stack};
use local::token;
use runtime::clock::Clock;
use runtime::config::{ClaimNames, SignIn};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;
use web::auth::Scope;

use super::tokens::Tokens;

/// How long requests and batches in flight may take once the stack is stopping.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Args)]
pub struct Run {
    /// Port on 127.0.0.1; 0 picks a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Folder for the tables; without one they are deleted when the stack stops
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Do not load the demo organization
    #[arg(long)]
    empty: bool,
    /// Freeze the business clock, which decides what day it is; tokens are always checked by the real clock
    #[arg(long, value_name = "RFC3339", value_parser = instant)]
    clock: Option<DateTime<Utc>>,
    /// DynamoDB-compatible endpoint to use instead of the embedded engine
    #[arg(long, value_name = "URL")]
    dynamodb: Option<String>,
    /// Allow webhooks to this machine and its network, also without TLS
    #[arg(long)]
    allow_local_webhooks: bool,
    /// OpenID provider at which the console offers to sign in
    #[arg(long, value_name = "URL", hide = true, requires = "console_client_id")]
    console_issuer: Option<String>,
    /// The console's client id there
    #[arg(long, value_name = "ID", hide = true, requires = "console_issuer")]
    console_client_id: Option<String>,
    /// Let web pages of this origin call the API from a browser; may be repeated
    #[arg(long, value_name = "http://localhost:3000", value_parser = origin)]
    cors: Vec<String>,
    #[command(flatten)]
    tokens: Tokens,
}

impl Run {
    /// How to sign in with an OpenID provider. Its tokens must be signed with the stack's own secret: this is for
    /// trying out the console's part.
    fn sign_in(&self) -> Option<SignIn> {
        let (issuer, client_id) = self.console_issuer.clone().zip(self.console_client_id.clone())?;
        let audience = token::AUDIENCE.to_owned();
        Some(SignIn {
            issuer,
            client_id,
            audience,
            scope: None,
            token_origin: None,
            claims: ClaimNames::default(),
        })
    }
}

fn origin(text: &str) -> Result<String, String> {
    let parsed = text.parse::<Uri>().ok().filter(|url| matches!(url.scheme_str(), Some("http" | "https")));
    let is_origin =
        parsed.and_then(|url| Some(format!("{}://{}", url.scheme_str()?, url.authority()?) == text));
    is_origin
        .unwrap_or(false)
        .then(|| text.to_owned())
        .ok_or_else(|| "should be an origin without a path, such as http://localhost:3000".to_owned())
}

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let wrong = "should be a time such as 2026-01-31T12:00:00Z";
    DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).map_err(|_| wrong.to_owned())
}

/// Runs a stack and returns when it has stopped.
pub async fn run(arguments: &Run) -> Result<()> {
    open_files::raise_limit();
    let mut stopped = signalled()?;
    // Listens first, so that a port in use is reported at once. Early connections are served once the stack is ready.
    let listener = listen(arguments.port).await?;
    let address = listener.local_addr().map_err(|error| Error::caused("the port", error))?;
    let stack = tokio::select! {
        stack = start(arguments) => stack?,
        _ = stopped.changed() => return Ok(()),
    };
    let access = Access::new(arguments, &stack).await?;
    greet(arguments, &stack, &access, address);
    let mut stop_requested = stopped.clone();
    let serving = stack.serve(listener, async move { drop(stop_requested.changed().await) });
    let served = tokio::select! {
        served = serving => served,
        // A connection that never goes idle must not keep the stack from stopping.
        () = async { drop(stopped.changed().await); tokio::time::sleep(GRACE).await } => Ok(()),
    };
    eprintln!("Stopping.");
    if timeout(GRACE, stack.stop()).await.is_err() {
        eprintln!("Some work was still in flight; the next start repeats it.");
    }
    served
}

async fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => Error::new(format!("port {port} is in use; choose another one with --port")),
        _ => Error::caused(format_args!("cannot listen on 127.0.0.1:{port}"), error),
    })
}

/// Starts the stack and loads the demo into new tables.
async fn start(arguments: &Run) -> Result<Stack> {
    let options = Options {
        data: arguments.data.clone(),
        clock: arguments.clock.map_or_else(Clock::system, Clock::fixed),
        dynamodb: arguments.dynamodb.clone(),
        secret: token::secret(arguments.data.as_deref())?,
        allow_local_webhooks: arguments.allow_local_webhooks,
        sign_in: arguments.sign_in(),
        cors_origins: arguments.cors.clone(),
        auth: arguments.tokens.auth(),
        ..Options::default()
    };
    let stack = Stack::start(options).await?;
    // An interrupted load is repeated: what is stored already is a duplicate.
    let is_loaded = !arguments.empty && (stack.is_new() || demo::is_incomplete(&stack));
    if is_loaded {
        demo::load(&stack).await?;
    }
    // Aggregates what an earlier run did not.
    stack.drain().await;
    if is_loaded {
        // The schedule only begins in a minute. Until then the demo would show an agent over its budget without an
        // alert.
        stack.invoke("budget-alerts", json!({})).await?;
    }
    Ok(stack)
}

/// Resolves when the process is told to stop.
fn signalled() -> Result<watch::Receiver<bool>> {
    let (stop, stopped) = watch::channel(false);
    let terminated = terminated().map_err(|error| Error::caused("cannot listen for signals", error))?;
    tokio::spawn(async move {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            () = terminated => {}
        }
        stop.send_replace(true);
        // Keeps the sender alive. With a dropped sender, `changed` would always return at once.
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

/// What the greeting shows for pasting.
struct Access {
    token: String,
    key: String,
    /// The part of the console's link that signs in.
    fragment: String,
}

impl Access {
    async fn new(arguments: &Run, stack: &Stack) -> Result<Self> {
        if let Some(issuer) = arguments.tokens.source() {
            // Only the provider's tokens are accepted, so a key has to be created with one of them.
            let token = format!("# one that {issuer} issued");
            return Ok(Self { token, key: "<key>".to_owned(), fragment: String::new() });
        }
        let token = stack.token(demo::ORG, &Scope::ALL)?;
        let key = local::exporter_key::create(stack, demo::ORG).await?;
        let fragment = format!("#token={token}");
        Ok(Self { token, key, fragment })
    }
}

fn greet(arguments: &Run, stack: &Stack, access: &Access, address: SocketAddr) {
    let Access { token, key, fragment } = access;
    let command = super::command();
    let (data, with_data) = match (arguments.data.as_deref().map(Path::display), &arguments.dynamodb) {
        (Some(data), None) => (data.to_string(), format!(" --data {data}")),
        (Some(data), Some(url)) => (format!("in the tables at {url}"), format!(" --data {data}")),
        (None, Some(url)) => (format!("in the tables at {url}"), String::new()),
        (None, None) => ("deleted when it stops".to_owned(), String::new()),
    };
    let now = stack.clock().now().to_rfc3339_opts(SecondsFormat::Millis, true);
    let frozen = arguments.clock.map_or_else(String::new, |_| format!("\n  clock  frozen at {now}"));
    let link = format!("http://{address}/console{fragment}");
    println!(
        r#"
Fleetledger answers at http://{address} until Ctrl-C.

  data   {data}{frozen}
  org    {org}; token for another organization: {command} token --org ORG{with_data}

Open the console, signed in for a day:

{link}

Or paste this:

TOKEN={token}
curl -s -H "Authorization: Bearer $TOKEN" 'http://{address}/v1/metrics/summary?days=30'

To let exporters report calls, with a key that does not expire (see README.md, "Connect"):

export OTEL_EXPORTER_OTLP_ENDPOINT=http://{address}/otlp OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_HEADERS=Authorization=Bearer%20{key}

To see what your coding agent has cost (codex and gemini work, too):

{command} import claude-code{to}{with_data}

To add an event:

curl -s -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' http://{address}/v1/events -d '[{{
  "specversion": "1.0", "id": "'$(date +%s%N)'", "source": "shell", "type": "llm.call", "time": "{now}",
  "data": {{"agent_id": "me", "provider": "anthropic", "model": "claude-haiku-4-5", "input_tokens": 1000, "output_tokens": 500}}}}]'
"#,
        org = demo::ORG,
        to = if address.port() == 8080 { String::new() } else { format!(" --to http://{address}") },
    );
    browser::offer(&link, stack.folder());
}
