//! Alert destinations: webhooks and the secrets that sign their messages.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The maximum number of destinations per organization. An alert and all its deliveries are one DynamoDB item of at most
/// 400 KB, and the list of alerts returns up to 500 alerts.
pub const MAX_DESTINATIONS: usize = 50;

/// How long a replaced secret keeps signing beside its successor, so that the receiver can be switched over.
pub const ROTATION_OVERLAP: TimeDelta = TimeDelta::hours(24);

/// The settings of a destination.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestinationSettings {
    /// The `https` URL of the webhook.
    pub url: String,
    /// The secrets that sign its messages, newest first.
    pub secrets: Vec<Secret>,
    /// The format of its messages.
    #[serde(default, skip_serializing_if = "MessageFormat::is_json")]
    pub format: MessageFormat,
}

/// The format of a destination's messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageFormat {
    /// Our own, with every figure.
    #[default]
    Json,
    /// For an incoming webhook of Slack.
    Slack,
    /// For a workflow of Teams that posts what it receives.
    Teams,
}

impl MessageFormat {
    /// Whether it is [`Self::Json`], which stored destinations leave out.
    pub const fn is_json(&self) -> bool {
        matches!(self, Self::Json)
    }
}

/// A signing secret and its expiry.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// The secret in the format of Standard Webhooks: `whsec_` and base64.
    pub secret: String,
    /// When the secret stops signing (exclusive). The newest secret has no expiry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

impl DestinationSettings {
    /// The secrets that sign a message sent at `now`, newest first.
    pub fn secrets_at(&self, now: DateTime<Utc>) -> impl Iterator<Item = &str> {
        let signs = move |secret: &&Secret| secret.until.is_none_or(|until| now < until);
        self.secrets.iter().filter(signs).map(|secret| secret.secret.as_str())
    }

    /// The settings that replace `previous` at `now`, with messages in the default format. If `secret` is new, the secret that it replaces keeps signing
    /// for [`ROTATION_OVERLAP`]; older ones stop.
    #[must_use]
    pub fn replacing(url: String, secret: String, previous: Option<&Self>, now: DateTime<Utc>) -> Self {
        let newest = previous.and_then(|previous| previous.secrets.first());
        let secrets = match newest {
            Some(newest) if newest.secret != secret => vec![
                Secret { secret, until: None },
                Secret { secret: newest.secret.clone(), until: Some(now + ROTATION_OVERLAP) },
            ],
            Some(_) => previous.map(|previous| previous.secrets.clone()).unwrap_or_default(),
            None => vec![Secret { secret, until: None }],
        };
        Self { url, secrets, format: MessageFormat::default() }
    }
}

/// Omits the secrets, so that they cannot be logged.
impl std::fmt::Debug for DestinationSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DestinationSettings").field("url", &self.url).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(hours * 3600, 0).unwrap()
    }

    fn signing(settings: &DestinationSettings, hours: i64) -> Vec<&str> {
        settings.secrets_at(at(hours)).collect()
    }

    #[test]
    fn only_the_last_replaced_secret_keeps_signing_and_only_for_a_day() {
        let next = |secret: &str, previous, hours| {
            DestinationSettings::replacing("u".into(), secret.into(), previous, at(hours))
        };
        let first = next("a", None, 0);
        assert_eq!(signing(&first, 1_000), ["a"]);
        let second = next("b", Some(&first), 10);
        assert_eq!(signing(&second, 33), ["b", "a"]);
        assert_eq!(signing(&second, 34), ["b"]);
        assert_eq!(next("b", Some(&second), 20), second, "setting the same secret again changes nothing");
        let third = next("c", Some(&second), 20);
        assert_eq!(signing(&third, 20), ["c", "b"]);
        assert_eq!(format!("{third:?}"), r#"DestinationSettings { url: "u", .. }"#);
    }
}
