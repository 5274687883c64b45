//! `fleetledger`: the whole system with one command.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, Parser, Subcommand};
use local::demo;
use local::error::{Error, Result};
use local::stack::{Options, Stack};
use local::token;
use shared::app::Clock;
use shared::auth::Scope;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

/// How long requests and batches under way may take once the stack is to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Fleetledger on this machine: every function, table and stream that template.yaml describes.
#[derive(Parser)]
#[command(name = "fleetledger", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    run: Run,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Args)]
struct Run {
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
}

#[derive(Subcommand)]
enum Command {
    /// Print a token for a stack on this machine
    #[command(after_help = SECRET_HELP)]
    Token(Token),
}

#[derive(Args)]
struct Token {
    /// Organisation whose data the token opens
    #[arg(long)]
    org: String,
    /// Scopes, separated by spaces; all of them unless said otherwise
    #[arg(long, value_parser = scopes)]
    scope: Option<Scopes>,
    /// Seconds for which the token holds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..))]
    expires_in: u32,
    /// Folder that the stack keeps its tables in, if it was given one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Where the secret is kept.
const SECRET_HELP: &str = "\
Tokens are signed with AUTH_HS256_SECRET where it is set, else with the secret in the folder that --data names,
else with the secret in ~/.local/state/fleetledger. A stack and a token need the same one.";

#[derive(Clone)]
struct Scopes(Vec<Scope>);

fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let wrong = "should be a time such as 2026-01-31T12:00:00Z";
    DateTime::parse_from_rfc3339(text).map(|time| time.to_utc()).map_err(|_| wrong.to_owned())
}

fn scopes(text: &str) -> Result<Scopes, String> {
    let known = || Scope::ALL.map(Scope::as_str).join(" ");
    let scope = |word| Scope::parse(word).ok_or_else(|| format!("no scope {word:?}; there are: {}", known()));
    text.split_whitespace().map(scope).collect::<Result<_, _>>().map(Scopes)
}

#[tokio::main]
async fn main() -> ExitCode {
    // The engine warns of every condition that fails; here that is how an event is known to be there already.
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,dynoxide=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let cli = Cli::parse();
    let done = match &cli.command {
        None => run(&cli.run).await,
        Some(Command::Token(asked)) => print_token(asked),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fleetledger: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print_token(asked: &Token) -> Result<()> {
    let scopes = asked.scope.as_ref().map_or(&Scope::ALL[..], |scopes| &scopes.0);
    let secret = token::secret(asked.data.as_deref())?;
    println!("{}", token::issue(&secret, &asked.org, scopes, asked.expires_in)?);
    Ok(())
}

async fn run(asked: &Run) -> Result<()> {
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
    let command = std::env::args().next().unwrap_or_else(|| "fleetledger".to_owned());
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
