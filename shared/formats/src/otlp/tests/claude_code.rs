use super::*;

/// The record of langfuse/claude-observability-plugin#34, with all values as text, as Claude Code sends them.
#[test]
fn writes_that_cost_as_for_an_hour_are_kept_for_an_hour() {
    let data = |cost: &str| {
        let attributes = [
            ("session.id", "s"),
            ("model", "claude-fable-5"),
            ("input_tokens", "0"),
            ("output_tokens", "0"),
            ("cache_read_tokens", "0"),
            ("cache_creation_tokens", "37175"),
            ("cost_usd", cost),
            ("duration_ms", "812"),
            ("request_id", "req_1"),
        ];
        let attributes = attributes.map(|(name, value)| attribute(name, &text(value)));
        let data = data(&log("claude-code", "", "api_request", &attributes)).remove(0);
        ["cache_write_1h_tokens", "cache_write_5m_tokens"].map(|name| data[name].as_u64())
    };
    assert_eq!(data("0.7435"), [Some(37175), None]);
    assert_eq!(data("0.4646875"), [None, Some(37175)]);
}
