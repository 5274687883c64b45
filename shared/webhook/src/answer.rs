//! What a receiver's answer means, or that there is none.

use std::error::Error as StdError;
use std::time::Duration;

use chrono::{DateTime, Utc};
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use reqwest::Response;

use super::resolver::Nowhere;
use super::{Failure, Sent, Verdict};

/// The most bytes that are read of an answer's body. No more is read of it, whatever it holds: the status says all.
pub const MAX_ANSWER: usize = 64 << 10;
/// The longest time that a receiver can ask to be left alone for.
pub const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);
/// The longest piece of an answer's body, or of the reason why a connection failed, in characters.
const QUOTE: usize = 200;

/// What the answer means to the message that was sent at `at`.
///
/// By Standard Webhooks ("Delivery success and failure") 200 to 299 is success, 410 the wish for no more messages, and
/// all else a failure that is tried again. That holds for a redirection, too, and for 4xx in general: nothing else is
/// done about them than to show them to somebody, and while the message is tried again there is time to mend the
/// destination or the receiver. An alert that is given up at the first 401 or 404 of a receiver that is being deployed
/// would be lost.
pub(super) async fn read(mut response: Response, at: DateTime<Utc>) -> Result<Sent, Failure> {
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    // A receiver is let finish, within bounds. If it does not, what it has said holds nevertheless.
    while body.len() < MAX_ANSWER {
        let Ok(Some(chunk)) = response.chunk().await else { break };
        body.extend_from_slice(&chunk);
    }
    body.truncate(MAX_ANSWER);
    judge(status, &headers, &body, at)
}

fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8], at: DateTime<Utc>) -> Result<Sent, Failure> {
    if status.is_success() {
        return Ok(Sent { status: status.as_u16() });
    }
    let verdict = match status {
        StatusCode::GONE => Verdict::Gone,
        _ => Verdict::Again { after: retry_after(headers, at) },
    };
    let note = if status.is_redirection() { " (redirections are not followed)" } else { "" };
    let said = clean(&String::from_utf8_lossy(body));
    let said = if said.is_empty() { said } else { format!(": {said}") };
    let detail = format!("The receiver answered {}{note}{said}", status.as_u16());
    Err(Failure { verdict, status: Some(status.as_u16()), detail })
}

/// The time after which the receiver wants to be tried again (RFC 9110, 10.2.3): seconds, or an instant.
fn retry_after(headers: &HeaderMap, at: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let asked = match text.parse().map(Duration::from_secs) {
        Ok(seconds) => seconds,
        // Nothing to wait for, where the instant has passed.
        Err(_) => (DateTime::parse_from_rfc2822(text).ok()?.to_utc() - at).to_std().unwrap_or_default(),
    };
    Some(asked.min(MAX_RETRY_AFTER))
}

/// One short line of what others wrote: letters, digits and what ASCII can print. Control characters and those that
/// change the direction of writing could make a log or a table say something else.
fn clean(text: &str) -> String {
    let harmless = |c: &char| c.is_alphanumeric() || c.is_ascii_graphic() || *c == ' ';
    let spaced = text.split_whitespace().collect::<Vec<_>>().join(" ");
    spaced.chars().filter(harmless).take(QUOTE).collect()
}

/// What it means that there is no answer.
pub(super) fn none(error: &reqwest::Error, limit: Duration) -> Failure {
    let causes = || std::iter::successors(error.source(), |error| (*error).source());
    let again = Verdict::Again { after: None };
    let failed = |verdict, detail| Failure { verdict, status: None, detail };
    if let Some(nowhere) = causes().find_map(|cause| cause.downcast_ref::<Nowhere>()) {
        let verdict = if *nowhere == Nowhere::NotPublic { Verdict::GiveUp } else { again };
        return failed(verdict, nowhere.to_string());
    }
    if error.is_builder() {
        return failed(Verdict::GiveUp, "The message cannot be put into a request.".to_owned());
    }
    if error.is_timeout() {
        return failed(again, format!("The receiver did not answer within {limit:?}."));
    }
    // The innermost cause says most, and does not name the URL, whose path and query may hold tokens.
    let cause = clean(&causes().last().map(ToString::to_string).unwrap_or_default());
    let what = if error.is_connect() { "No connection to the receiver" } else { "The connection broke" };
    failed(again, format!("{what}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp(784_111_777, 0).unwrap()
    }

    fn judged(status: u16, retry_after: &str, body: &str) -> Result<Sent, Failure> {
        let headers = HeaderMap::from_iter([(RETRY_AFTER, retry_after.parse().unwrap())]);
        judge(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes(), at())
    }

    #[test]
    fn what_each_status_means() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(judged(status, "", "x"), Ok(Sent { status }));
        }
        let again = Verdict::Again { after: None };
        for status in
            [101, 199, 300, 301, 302, 307, 308, 400, 401, 404, 408, 409, 411, 425, 429, 500, 503, 599]
        {
            let failure = judged(status, "", "").unwrap_err();
            assert_eq!((failure.verdict, failure.status), (again, Some(status)));
        }
        let gone = judged(410, "60", "no more").unwrap_err();
        assert_eq!(gone.verdict, Verdict::Gone);
        assert_eq!(gone.detail, "The receiver answered 410: no more");
        let moved = judged(302, "", "").unwrap_err();
        assert_eq!(moved.detail, "The receiver answered 302 (redirections are not followed)");
    }

    #[test]
    fn a_time_to_wait_is_seconds_or_an_instant() {
        let after = |text: &str| match judged(503, text, "").unwrap_err().verdict {
            Verdict::Again { after } => after.map(|after| after.as_secs()),
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
    fn what_the_receiver_says_is_cut_and_cleaned() {
        let said = |body: &str| judged(500, "", body).unwrap_err().detail;
        assert_eq!(said(""), "The receiver answered 500");
        assert_eq!(
            said(" \r\n down\tfor\n\nmaintenance "),
            "The receiver answered 500: down for maintenance"
        );
        assert_eq!(said("a\u{202e}b\u{1b}[31mc\0d\u{feff}é漢"), "The receiver answered 500: ab[31mcdé漢");
        assert_eq!(said(&"é".repeat(1_000)).chars().count(), "The receiver answered 500: ".len() + QUOTE);
    }
}
