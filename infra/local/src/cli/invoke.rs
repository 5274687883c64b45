//! `fleetledger reconcile`, `quarantine` and `alerts`: call a function of a stack that runs on this machine, as
//! `aws lambda invoke` calls it in an account, and print its answer.

use std::process::ExitCode;

use clap::Args;
use ledger::period::Day;
use local::client::{self, Failure};
use local::error::{Error, Result};
use serde_json::{Value, json};

/// Where the stack is.
#[derive(Args)]
pub struct Running {
    /// Port of the stack on 127.0.0.1
    #[arg(long, default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
}

/// The day that is asked for.
#[derive(Args)]
pub struct Reconcile {
    /// Organisation whose day it is
    #[arg(long)]
    org: String,
    /// Day in the organisation's time zone
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    day: Day,
    /// Write what was computed where the sums differ
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    stack: Running,
}

fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "should be a day such as 2026-01-31".to_owned())
}

/// Reconciles a day; a failure where it had drifted.
pub async fn reconcile(asked: &Reconcile) -> Result<ExitCode> {
    let (org, day, repair) = (&asked.org, asked.day.to_string(), asked.repair);
    let event = json!({ "do": "day", "org": org, "day": day, "repair": repair });
    let answer = asked.stack.invoke("reconcile", &event).await?;
    print(&answer);
    Ok(if client::has_drifted(&answer) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Tries the records in the quarantine once more.
pub async fn replay(stack: &Running) -> Result<()> {
    print(&stack.invoke("reconcile", &json!({ "do": "replay" })).await?);
    Ok(())
}

/// Looks at the budgets now.
pub async fn alerts(stack: &Running) -> Result<()> {
    print(&stack.invoke("budget-alerts", &json!({})).await?);
    Ok(())
}

fn print(answer: &Value) {
    println!("{answer:#}");
}

impl Running {
    /// What the function `name` answers to `event`.
    async fn invoke(&self, name: &str, event: &Value) -> Result<Value> {
        let stack = format!("http://127.0.0.1:{}", self.port);
        client::invoke(&stack, name, event).await.map_err(|error| match error {
            Failure::NotRunning => Error::new(format!(
                "no stack answers at {stack}; start one with `{}`, or say with --port where it is",
                super::command()
            )),
            Failure::Other(error) => error,
        })
    }
}
