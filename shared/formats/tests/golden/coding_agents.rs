//! Coding agents: their log records are counted, and their spans and metrics repeat them.

use formats::{Signal, Translation};

use super::recorded::{lines, otlp};

fn uncounted(translation: &Translation, source: &str, signal: Signal) -> usize {
    translation.sources[source].uncounted[&signal]
}

/// `session` and `user` differ in each recording.
fn anonymous(translation: &Translation) -> Vec<String> {
    let words = |line: String| {
        let words = line.split(' ').enumerate().filter(|(i, word)| *i != 1 && !word.starts_with("end_user="));
        words.map(|(_, word)| word).collect::<Vec<_>>().join(" ")
    };
    lines(translation).into_iter().map(words).collect()
}

/// Two calls, for the session's title and for the prompt: each 25 in, 2,048 read, 768 written, 150 out and two searches.
/// Only the cost shows the searches, and that 512 of the written tokens are kept for an hour.
#[test]
fn claude_code_is_counted_by_its_log() {
    let call = "claude-code anthropic claude-opus-4-5 cache_read=2048 cache_write_1h=512 cache_write_5m=256 input=25 \
                output=150 tags={\"team\":\"growth\"} units={\"web_search\":2} reported=0.031619";
    let logs = otlp("claude-code", "logs.pb");
    assert_eq!(anonymous(&logs), [call; 2]);
    let metrics = otlp("claude-code", "metrics.pb");
    assert!(metrics.events.is_empty() && uncounted(&metrics, "claude-code", Signal::Metrics) > 0);
    let spans = otlp("claude-code", "traces.pb");
    assert!(spans.events.is_empty() && uncounted(&spans, "claude-code", Signal::Spans) > 0);
}

/// Codex reports the completion twice under one name. Only one of the two has counts.
#[test]
fn codex_is_counted_by_its_log() {
    let logs = otlp("codex", "logs.pb");
    let call = "codex_exec openai gpt-5-mini cache_read=1536 hostname=vm input=464 output=400 reasoning=256 \
                tags={\"team\":\"growth\"}";
    assert_eq!(anonymous(&logs), [call]);
    let metrics = otlp("codex", "metrics.pb");
    assert!(metrics.events.is_empty() && uncounted(&metrics, "codex_exec", Signal::Metrics) > 0);
}

/// 400 in and 50 for the prompt of tool use, 60 out.
#[test]
fn gemini_cli_is_counted_by_its_log() {
    let logs = otlp("gemini-cli", "logs.json");
    let call =
        "gemini-cli google gemini-2.5-flash hostname=vm input=450 output=60 tags={\"team\":\"growth\"}";
    assert_eq!(anonymous(&logs), [call]);
    assert_eq!(uncounted(&logs, "gemini-cli", Signal::Logs), 2);
    let metrics = otlp("gemini-cli", "metrics.json");
    assert!(metrics.events.is_empty() && uncounted(&metrics, "gemini-cli", Signal::Metrics) > 0);
    let spans = otlp("gemini-cli", "traces.json");
    assert!(spans.events.is_empty() && uncounted(&spans, "gemini-cli", Signal::Spans) > 0);
}
