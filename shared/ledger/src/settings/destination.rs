//! Where alerts are sent to.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The most destinations of one organisation. An alert is one item with all of its deliveries, of at most 400 KB, and
/// the list of alerts shows up to 500 alerts.
pub const MAX_DESTINATIONS: usize = 50;

/// How long a secret still signs beside the one that replaced it, so that the receiver can be switched over.
pub const ROTATION: TimeDelta = TimeDelta::hours(24);

/// What is set of a destination.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DestinationSettings {
    /// The `https` address of a webhook.
    pub url: String,
    /// What its messages are signed with (`whsec_` and base64), newest first.
    pub secrets: Vec<Secret>,
}

/// A secret, and how long it signs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// The secret, as Standard Webhooks writes it.
    pub secret: String,
    /// When it signs no more; the newest has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
}

impl DestinationSettings {
    /// The secrets that sign a message sent at `now`, newest first.
    pub fn secrets_at(&self, now: DateTime<Utc>) -> impl Iterator<Item = &str> {
        let signs = move |secret: &&Secret| secret.until.is_none_or(|until| now < until);
        self.secrets.iter().filter(signs).map(|secret| secret.secret.as_str())
    }

    /// The settings that follow upon `previous` at `now`, with the one secret `secret`: another one that has signed
    /// so far goes on beside it for [`ROTATION`].
    #[must_use]
    pub fn following(url: String, secret: String, previous: Option<&Self>, now: DateTime<Utc>) -> Self {
        let newest = previous.and_then(|previous| previous.secrets.first());
        let secrets = match newest {
            Some(newest) if newest.secret != secret => vec![
                Secret { secret, until: None },
                Secret { secret: newest.secret.clone(), until: Some(now + ROTATION) },
            ],
            Some(_) => previous.map(|previous| previous.secrets.clone()).unwrap_or_default(),
            None => vec![Secret { secret, until: None }],
        };
        Self { url, secrets }
    }
}

/// Secrets go into no log.
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
    fn a_replaced_secret_signs_for_a_day_and_only_the_last_one_does() {
        let next = |secret: &str, previous, hours| {
            DestinationSettings::following("u".into(), secret.into(), previous, at(hours))
        };
        let first = next("a", None, 0);
        assert_eq!(signing(&first, 1_000), ["a"]);
        let second = next("b", Some(&first), 10);
        assert_eq!(signing(&second, 33), ["b", "a"]);
        assert_eq!(signing(&second, 34), ["b"]);
        assert_eq!(next("b", Some(&second), 20), second, "the same again changes nothing");
        let third = next("c", Some(&second), 20);
        assert_eq!(signing(&third, 20), ["c", "b"]);
        assert_eq!(format!("{third:?}"), r#"DestinationSettings { url: "u", .. }"#);
    }
}
