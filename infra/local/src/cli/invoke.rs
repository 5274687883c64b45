//! `fleetledger reconcile`, `quarantine` and `alerts`: invoke a function of a stack that runs on this machine, as
//! `aws lambda invoke` does in an account, and print its response.

use std::process::ExitCode;

use clap::Args;
use ledger::period::Day;
use local::client::{self, InvokeError};
use local::error::{Error, Result};
use serde_json::{Value, json};

#[derive(Args)]
pub struct Running {
    /// Port of the stack on 127.0.0.1
    #[arg(long, default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
}

#[derive(Args)]
pub struct Reconcile {
    /// Id of the organization
    #[arg(long)]
    org: String,
    /// Day in the organization's time zone
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    day: Day,
    /// Overwrite rollups that differ from the recomputed ones
    #[arg(long)]
    repair: bool,
    #[command(flatten)]
    stack: Running,
}

fn day(text: &str) -> Result<Day, String> {
    Day::parse(text).ok_or_else(|| "should be a day such as 2026-01-31".to_owned())
}

/// Reconciles a day. The exit code is a failure if there is drift.
pub async fn reconcile(arguments: &Reconcile) -> Result<ExitCode> {
    let (org, day, repair) = (&arguments.org, arguments.day.to_string(), arguments.repair);
    let event = json!({ "do": "day", "org": org, "day": day, "repair": repair });
    let response = arguments.stack.invoke("reconcile", &event).await?;
    print(&response);
    Ok(if client::has_drifted(&response) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

pub async fn replay(stack: &Running) -> Result<()> {
    print(&stack.invoke("reconcile", &json!({ "do": "replay" })).await?);
    Ok(())
}

pub async fn alerts(stack: &Running) -> Result<()> {
    print(&stack.invoke("budget-alerts", &json!({})).await?);
    Ok(())
}

fn print(response: &Value) {
    println!("{response:#}");
}

impl Running {
    async fn invoke(&self, name: &str, event: &Value) -> Result<Value> {
        let stack = format!("http://127.0.0.1:{}", self.port);
        client::invoke(&stack, name, event).await.map_err(|error| match error {
            InvokeError::NotRunning => Error::new(format!(
                "no stack answers at {stack}; start one with `{}`, or pass its port with --port",
                super::command()
            )),
            InvokeError::Other(error) => error,
        })
    }
}
