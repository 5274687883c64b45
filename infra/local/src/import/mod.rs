//! Reads what coding agents and gateways leave on disk, and turns it into events.
//!
//! An event's id is derived from the file, so importing again is safe: the events are duplicates. Prompts and
//! completions are skipped while a file is parsed.

mod claude_code;
mod codex;
mod files;
mod gemini;
mod litellm;
mod openai;
mod send;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

pub use files::files_of;
pub use send::{Outcome, Sender};

use crate::error::{Error, Result};

/// What can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    ClaudeCode,
    Codex,
    Gemini,
    LiteLlmSpendLogs,
    OpenAiUsage,
}

/// The events of one file, and the number of lines that could not be parsed.
#[derive(Debug, Default)]
pub struct Read {
    pub events: Vec<Value>,
    pub malformed: usize,
}

impl Format {
    /// The endpoint that its events are sent to.
    pub const fn path(self) -> &'static str {
        match self {
            Self::LiteLlmSpendLogs => "/v1/intake/litellm",
            _ => "/v1/events",
        }
    }

    /// The folder below the home folder in which the tool leaves its files, if it has one.
    pub fn default_folder(self, home: &Path) -> Option<PathBuf> {
        match self {
            Self::ClaudeCode => Some(home.join(".claude/projects")),
            Self::Codex => Some(home.join(".codex/sessions")),
            Self::Gemini => Some(home.join(".gemini/tmp")),
            Self::LiteLlmSpendLogs | Self::OpenAiUsage => None,
        }
    }

    /// Whether a file with this name is imported.
    pub fn is_file(self, path: &Path) -> bool {
        let text = |part: Option<&'_ std::ffi::OsStr>| {
            part.and_then(|part| part.to_str()).unwrap_or_default().to_owned()
        };
        let (name, extension) = (text(path.file_stem()), text(path.extension()));
        match self {
            Self::ClaudeCode => extension == "jsonl",
            Self::Codex => name.starts_with("rollout-") && extension == "jsonl",
            Self::Gemini => name.starts_with("session-") && extension == "json",
            Self::LiteLlmSpendLogs | Self::OpenAiUsage => true,
        }
    }

    /// Whether an event's id is the provider's or the gateway's own id of the call. A stored event with that id is then
    /// another report of the same call, such as the telemetry's, that differs in labels and in its time.
    pub const fn has_ids_of_calls(self) -> bool {
        matches!(self, Self::ClaudeCode | Self::LiteLlmSpendLogs)
    }
}

/// Reads the files of an import, in their order. What a file repeats of those before it counts once.
pub struct Reader {
    format: Format,
    messages: claude_code::Messages,
    sessions: codex::Sessions,
}

impl Reader {
    pub fn new(format: Format) -> Self {
        Self { format, messages: claude_code::Messages::default(), sessions: codex::Sessions::default() }
    }

    /// Reads a file.
    pub fn read(&mut self, path: &Path) -> Result<Read> {
        let bytes = std::fs::read(path).map_err(|error| Error::caused(path.display(), error))?;
        let text = String::from_utf8_lossy(&bytes);
        match self.format {
            Format::ClaudeCode => Ok(self.messages.read(&text)),
            Format::Codex => Ok(self.sessions.read(&text)),
            Format::Gemini => gemini::read(&text),
            Format::LiteLlmSpendLogs => litellm::read(&text),
            Format::OpenAiUsage => openai::read(&text),
        }
        .map_err(|error| Error::new(format!("{}: {error}", path.display())))
    }
}

/// A call as an event.
fn call(source: &str, id: &str, time: &str, data: &Value) -> Value {
    json!({ "specversion": "1.0", "type": "llm.call", "source": source, "id": id, "time": time, "data": data })
}

/// The project that an agent worked on: the last part of a path, in the notation of any system.
fn project(folder: &str) -> Option<&str> {
    folder.rsplit(['/', '\\']).find(|part| !part.is_empty())
}

#[cfg(test)]
mod tests;
