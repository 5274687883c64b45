//! `fleetledger import`: sends what coding agents and gateways left on disk.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use local::demo;
use local::environment;
use local::error::{Error, Result};
use local::import::{Format, Outcome, Reader, Sender, files_of};
use local::token;
use web::auth::Scope;

#[derive(Subcommand)]
pub enum Import {
    /// Sessions of Claude Code; without DIR those in ~/.claude/projects
    ClaudeCode(Folder),
    /// Sessions of Codex; without DIR those in ~/.codex/sessions
    Codex(Folder),
    /// Sessions of Gemini CLI; without DIR those in ~/.gemini/tmp
    Gemini(Folder),
    /// Spend logs of LiteLLM: rows as JSON, in a list or one per line
    LitellmSpendLogs(File),
    /// Usage of OpenAI's completions: pages of its usage API, grouped by model
    OpenaiUsage(File),
}

#[derive(Args)]
pub struct Folder {
    /// Folder of the sessions, or one file
    #[arg(value_name = "DIR")]
    path: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
}

#[derive(Args)]
pub struct File {
    /// The file to import
    #[arg(value_name = "FILE")]
    path: PathBuf,
    #[command(flatten)]
    target: Target,
}

#[derive(Args)]
pub struct Target {
    /// Base URL of the deployment; by default the stack on this machine
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    to: String,
    /// Key or token with the scope events:write, and events:backfill for events older than 35 days
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Organization on the local stack, if there is no key
    #[arg(long, default_value = demo::ORG)]
    org: String,
    /// The local stack's --data folder, if it has one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// How long an import may take, in seconds.
const TOKEN_SECONDS: u32 = 24 * 3600;

/// Sends all events of the files. The exit code is a failure if some were rejected.
pub async fn import(what: &Import) -> Result<ExitCode> {
    let (format, path, target) = match what {
        Import::ClaudeCode(Folder { path, target }) => (Format::ClaudeCode, path.clone(), target),
        Import::Codex(Folder { path, target }) => (Format::Codex, path.clone(), target),
        Import::Gemini(Folder { path, target }) => (Format::Gemini, path.clone(), target),
        Import::LitellmSpendLogs(File { path, target }) => {
            (Format::LiteLlmSpendLogs, Some(path.clone()), target)
        }
        Import::OpenaiUsage(File { path, target }) => (Format::OpenAiUsage, Some(path.clone()), target),
    };
    let home = || environment::home_folder().and_then(|home| format.default_folder(&home));
    let path = path.or_else(home).ok_or_else(|| Error::new("there is no home folder; pass DIR"))?;
    let files = files_of(format, &path)?;
    if files.is_empty() {
        return Err(Error::new(format!("there are no sessions in {}", path.display())));
    }
    let sender = Sender::new(&target.to, &target.key()?)?;
    let bar = progress(files.len());
    let (mut reader, mut outcome, mut malformed) = (Reader::new(format), Outcome::default(), 0);
    for file in &files {
        let read = reader.read(file)?;
        malformed += read.malformed;
        sender.send(format.path(), &read.events, &mut outcome).await?;
        bar.inc(1);
        bar.set_message(format!("{} calls", outcome.accepted + outcome.duplicates));
    }
    bar.finish_and_clear();
    if format.has_ids_of_calls() {
        outcome.take_conflicts_as_duplicates();
    }
    print(&outcome, files.len(), malformed);
    Ok(if outcome.failed() > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

impl Target {
    fn key(&self) -> Result<String> {
        if let Some(key) = &self.key {
            return Ok(key.clone());
        }
        let secret = token::secret(self.data.as_deref())?;
        token::issue(&secret, &self.org, &[Scope::EventsWrite, Scope::EventsBackfill], TOKEN_SECONDS)
    }
}

#[allow(clippy::expect_used, reason = "the template is a constant")]
fn progress(files: usize) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{bar:40} {pos}/{len} files, {msg}, {eta} left").expect("a template");
    ProgressBar::new(files as u64).with_style(style)
}

fn print(outcome: &Outcome, files: usize, malformed: usize) {
    println!(
        "{} calls imported from {files} files, {} were already stored.",
        outcome.accepted, outcome.duplicates
    );
    if malformed > 0 {
        println!("{malformed} lines or rows could not be read.");
    }
    for (code, count) in &outcome.rejected {
        println!("{count} rejected as {code}: {}.", outcome.reasons[code]);
    }
    if outcome.rejected.contains_key("too_old") {
        println!("Events that are older than 35 days need a key with the scope events:backfill.");
    }
}
