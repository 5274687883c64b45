//! The meaning of a receiver's response, or of the lack of one.

use std::error::Error as StdError;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use reqwest::Response;

use super::resolver::ResolveError;
use super::{DeliveryFailure, RetryAdvice, Sent};

/// The most bytes read from the body of a response. The status alone decides, so the rest does not matter.
pub const MAX_RESPONSE_BYTES: usize = 64 << 10;
/// The longest `Retry-After` that is honored.
pub const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);
/// The most characters quoted from the body of a response or from the cause of a connection failure.
const MAX_QUOTED_CHARS: usize = 200;

/// The result of a message sent at `at`, from its response.
///
/// Per Standard Webhooks ("Delivery success and failure"), 200 to 299 is success, 410 means to stop sending, and
/// everything else is a failure to retry. That includes redirects and 4xx: the failure is shown to the customer, and
/// retrying leaves time to fix the destination or the receiver. Giving up at the first 401 or 404 would lose the alerts
/// sent while a receiver is being deployed.
pub(super) async fn read(mut response: Response, at: DateTime<Utc>) -> Result<Sent, DeliveryFailure> {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    // The receiver may finish its response, within bounds. If it does not, its status counts anyway.
    while body.len() < MAX_RESPONSE_BYTES {
        let Ok(Some(chunk)) = response.chunk().await else { break };
        body.extend_from_slice(&chunk);
    }
    body.truncate(MAX_RESPONSE_BYTES);
    interpret(status, &headers, &body, at)
}

fn interpret(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    at: DateTime<Utc>,
) -> Result<Sent, DeliveryFailure> {
    if status.is_success() {
        return Ok(Sent { status: status.as_u16() });
    }
    let advice = match status {
        StatusCode::GONE => RetryAdvice::Gone,
        _ => RetryAdvice::Retry { after: retry_after(headers, at) },
    };
    let note = if status.is_redirection() { " (redirects are not followed)" } else { "" };
    let quoted = sanitize(&String::from_utf8_lossy(body));
    let quoted = if quoted.is_empty() { quoted } else { format!(": {quoted}") };
    let detail = format!("The receiver answered {}{note}{quoted}", status.as_u16());
    Err(DeliveryFailure { advice, status: Some(status.as_u16()), detail })
}

/// The wait that `Retry-After` requests (RFC 9110, 10.2.3), which is given in seconds or as a date. At most
/// [`MAX_RETRY_AFTER`].
fn retry_after(headers: &HeaderMap, at: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let requested = match text.parse().map(Duration::from_secs) {
        Ok(seconds) => seconds,
        // A date in the past means no wait.
        Err(_) => (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - at).to_std().unwrap_or_default(),
    };
    Some(requested.min(MAX_RETRY_AFTER))
}

/// Reduces text from a third party to one short line of letters, digits and printable ASCII. Control and bidirectional
/// characters could otherwise falsify how a log or a table is displayed.
fn sanitize(text: &str) -> String {
    let harmless = |c: &char| c.is_alphanumeric() || c.is_ascii_graphic() || *c == ' ';
    let spaced = text.split_whitespace().collect::<Vec<_>>().join(" ");
    spaced.chars().filter(harmless).take(MAX_QUOTED_CHARS).collect()
}

/// The failure of a request that got no response within `timeout`.
pub(super) fn failure_without_response(error: &reqwest::Error, timeout: Duration) -> DeliveryFailure {
    let causes = || std::iter::successors(error.source(), |error| (*error).source());
    let again = RetryAdvice::Retry { after: None };
    let failed = |advice, detail| DeliveryFailure { advice, status: None, detail };
    if let Some(error) = causes().find_map(|cause| cause.downcast_ref::<ResolveError>()) {
        let advice = if *error == ResolveError::NotPublic { RetryAdvice::GiveUp } else { again };
        return failed(advice, error.to_string());
    }
    if error.is_builder() {
        return failed(RetryAdvice::GiveUp, "The request could not be built.".to_owned());
    }
    if error.is_timeout() {
        return failed(again, format!("The receiver did not answer within {timeout:?}."));
    }
    // The innermost cause is the most specific, and omits the URL, whose path and query may contain tokens.
    let cause = sanitize(&causes().last().map(ToString::to_string).unwrap_or_default());
    let what = if error.is_connect() { "No connection to the receiver" } else { "The connection broke" };
    failed(again, format!("{what}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp(784_111_777, 0).unwrap()
    }

    fn response_to(status: u16, retry_after: &str, body: &str) -> Result<Sent, DeliveryFailure> {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, retry_after.parse().unwrap())]);
        interpret(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes(), at())
    }

    #[test]
    fn the_status_decides_between_success_retry_and_gone() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(response_to(status, "", "x"), Ok(Sent { status }));
        }
        let again = RetryAdvice::Retry { after: None };
        for status in
            [101, 199, 300, 301, 302, 307, 308, 400, 401, 404, 408, 409, 411, 425, 429, 500, 503, 599]
        {
            let failure = response_to(status, "", "").unwrap_err();
            assert_eq!((failure.advice, failure.status), (again, Some(status)));
        }
        let gone = response_to(410, "60", "no more").unwrap_err();
        assert_eq!(gone.advice, RetryAdvice::Gone);
        assert_eq!(gone.detail, "The receiver answered 410: no more");
        let moved = response_to(302, "", "").unwrap_err();
        assert_eq!(moved.detail, "The receiver answered 302 (redirects are not followed)");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let after = |text: &str| match response_to(503, text, "").unwrap_err().advice {
            RetryAdvice::Retry { after } => after.map(|after| after.as_secs()),
            _ => panic!(),
        };
        assert_eq!(after("0"), Some(0));
        assert_eq!(after(" 120 "), Some(120));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:38 GMT"), Some(1));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(0));
        assert_eq!(after("Sun, 06 Nov 1994 08:48:00 GMT"), Some(0));
        assert_eq!(after("86400"), Some(86_400));
        for long in ["86401", "18446744073709551615", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            assert_eq!(after(long), Some(86_400), "{long}");
        }
        for none in ["", "-1", "1.5", "soon", "18446744073709551616"] {
            assert_eq!(after(none), None, "{none}");
        }
    }

    #[test]
    fn the_quoted_body_is_truncated_and_sanitized() {
        let detail = |body: &str| response_to(500, "", body).unwrap_err().detail;
        assert_eq!(detail(""), "The receiver answered 500");
        assert_eq!(
            detail(" \r\n down\tfor\n\nmaintenance "),
            "The receiver answered 500: down for maintenance"
        );
        assert_eq!(detail("a\u{202e}b\u{1b}[31mc\0d\u{feff}é漢"), "The receiver answered 500: ab[31mcdé漢");
        assert_eq!(
            detail(&"é".repeat(1_000)).chars().count(),
            "The receiver answered 500: ".len() + MAX_QUOTED_CHARS
        );
    }
}
