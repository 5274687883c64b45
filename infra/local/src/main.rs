//! `fleetledger`: the whole system with one command.

mod cli;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use cli::{invoke, run, token};
use local::error::Result;

/// Fleetledger on this machine: every function, table and stream that template.yaml describes.
#[derive(Parser)]
#[command(name = "fleetledger", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    run: run::Run,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Print a token for a stack on this machine
    #[command(after_help = token::SECRET_HELP)]
    Token(token::Token),
    /// Compute a day anew from its raw events and compare it with the sums; fails where they differ
    Reconcile(invoke::Reconcile),
    /// Look after records that could not be understood
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Look after budgets
    #[command(subcommand)]
    Alerts(Alerts),
}

#[derive(Subcommand)]
enum Quarantine {
    /// Try the records that were put aside once more
    Replay(invoke::Running),
}

#[derive(Subcommand)]
enum Alerts {
    /// Compare budgets with costs now, and tell who is to know
    Run(invoke::Running),
}

#[tokio::main]
async fn main() -> ExitCode {
    // The engine warns of every condition that fails; here that is how an event is known to be there already.
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,dynoxide=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    answer(&Cli::parse()).await.unwrap_or_else(|error| {
        eprintln!("fleetledger: {error}");
        ExitCode::FAILURE
    })
}

async fn answer(cli: &Cli) -> Result<ExitCode> {
    match &cli.command {
        None => run::run(&cli.run).await?,
        Some(Command::Token(asked)) => token::print(asked)?,
        Some(Command::Reconcile(asked)) => return invoke::reconcile(asked).await,
        Some(Command::Quarantine(Quarantine::Replay(stack))) => invoke::replay(stack).await?,
        Some(Command::Alerts(Alerts::Run(stack))) => invoke::alerts(stack).await?,
    }
    Ok(ExitCode::SUCCESS)
}
