//! `fleetledger`: runs the whole system on this machine with one command.

#![allow(missing_docs, reason = "this crate is not published; comments here say why, not what")]

mod cli;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use cli::{event, import, invoke, prices, run, token, verify};
use local::error::Result;

/// Runs Fleetledger on this machine: every function, table and stream that template.yaml describes.
#[derive(Parser)]
#[command(name = "fleetledger", version, args_conflicts_with_subcommands = true)]
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
    /// Print stored events in a readable form
    #[command(after_help = event::HELP)]
    Event,
    /// Recompute a day from its raw events and compare it with the rollups; fails if they differ
    Reconcile(invoke::Reconcile),
    /// Manage quarantined records
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Manage budget alerts
    #[command(subcommand)]
    Alerts(Alerts),
    /// Import what coding agents and gateways left on disk; safe to repeat
    #[command(subcommand)]
    Import(import::Import),
    /// Maintain the price book
    #[command(subcommand)]
    Prices(Prices),
    /// Prove that an export of the activity log is complete and unchanged
    Verify(verify::Verify),
}

#[derive(Subcommand)]
enum Quarantine {
    /// Retry quarantined records
    Replay(invoke::Running),
}

#[derive(Subcommand)]
enum Alerts {
    /// Compare budgets with costs now and send the alerts that are due
    Run(invoke::Running),
}

#[derive(Subcommand)]
enum Prices {
    /// Read two public price lists, write the data files, and print what is new, gone, dearer and cheaper
    #[command(after_help = prices::REFRESH_HELP)]
    Refresh(prices::Refresh),
}

#[tokio::main]
async fn main() -> ExitCode {
    // The engine warns about every failed condition, but here a failed condition is how a duplicate event is detected.
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,dynoxide=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    execute(&Cli::parse()).await.unwrap_or_else(|error| {
        eprintln!("fleetledger: {error}");
        ExitCode::FAILURE
    })
}

async fn execute(cli: &Cli) -> Result<ExitCode> {
    match &cli.command {
        None => run::run(&cli.run).await?,
        Some(Command::Token(arguments)) => token::print(arguments)?,
        Some(Command::Event) => event::print()?,
        Some(Command::Reconcile(arguments)) => return invoke::reconcile(arguments).await,
        Some(Command::Quarantine(Quarantine::Replay(stack))) => invoke::replay(stack).await?,
        Some(Command::Alerts(Alerts::Run(stack))) => invoke::alerts(stack).await?,
        Some(Command::Import(what)) => return import::import(what).await,
        Some(Command::Prices(Prices::Refresh(arguments))) => prices::refresh(arguments).await?,
        Some(Command::Verify(arguments)) => verify::verify(arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}
