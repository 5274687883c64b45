//! Configuration: read once, from the environment, by this module alone.

use std::collections::BTreeMap;
use std::env;
use std::sync::LazyLock;

use futures::future::try_join_all;
use tracing::level_filters::LevelFilter;

use store::TableNames;

use crate::secrets;

/// How tokens are verified.
#[derive(Clone)]
pub enum TokenKeys {
    /// HS256 with one secret of at least 32 bytes.
    Secret(Vec<u8>),
    /// RS256, ES256 and `EdDSA` with the keys that a JWKS document lists.
    JwksUrl(String),
}

/// Who may have issued a token, for whom, and how to tell.
#[derive(Clone)]
pub struct AuthConfig {
    /// The required `iss`.
    pub issuer: String,
    /// The required `aud`.
    pub audience: String,
    /// The keys.
    pub keys: TokenKeys,
}

/// Everything a function is told from outside.
#[derive(Clone)]
pub struct Config {
    /// Where the data is.
    pub tables: TableNames,
    /// How callers are known; absent in functions that no one calls over HTTP, and where anyone may.
    pub auth: Option<AuthConfig>,
    /// Days that a raw event is kept, counted from its arrival.
    pub event_retention_days: u32,
    /// What signs the cursors of long lists, in the functions that have such lists.
    pub cursor_secret: Option<Vec<u8>>,
    /// Whether webhooks may go to this machine itself, and there in clear text. The environment cannot say so, since
    /// whoever sets a destination chooses its address: in an account that would open to every organisation what only
    /// the functions can reach. Only the local stack sets it, for a receiver on the same machine.
    pub allow_local_webhooks: bool,
    /// The SNS topic that alerts are published to, in the functions that send alerts and where there is one.
    pub alerts_topic_arn: Option<String>,
}

/// The fewest bytes of a secret that signs (RFC 7518, 3.2: at least as long as the hash).
pub const MIN_SECRET_BYTES: usize = 32;
/// Days that raw events are kept unless the environment says otherwise.
pub const DEFAULT_EVENT_RETENTION_DAYS: u32 = 400;
/// The shortest retention: the 35 days in which events may come late, and as long again to prove the sums.
pub const MIN_EVENT_RETENTION_DAYS: u32 = 70;

/// The variable of [`Config::cursor_secret`].
const CURSOR_SECRET: &str = "CURSOR_SECRET";
/// The variable of [`Config::alerts_topic_arn`].
const ALERTS_TOPIC_ARN: &str = "ALERTS_TOPIC_ARN";
/// The variable of [`TokenKeys::Secret`].
const AUTH_SECRET: &str = "AUTH_HS256_SECRET";
/// Variables that are secret, and those that may be set in their place: whoever may look at a function sees its
/// environment, so on Lambda that names only where in Secrets Manager the value is.
const SECRETS: [(&str, &str); 2] =
    [(AUTH_SECRET, "AUTH_HS256_SECRET_ARN"), (CURSOR_SECRET, "CURSOR_SECRET_ARN")];

/// What is wrong with the environment.
#[derive(Debug, thiserror::Error)]
#[error("environment variable {name}: {problem}")]
pub struct ConfigError {
    /// The variable.
    pub name: &'static str,
    /// What is wrong with it. Never its value.
    pub problem: &'static str,
}

impl Config {
    /// The configuration of a function that answers HTTP requests.
    pub async fn from_env() -> Result<Self, ConfigError> {
        let secrets = fetched(&variable, secrets::text).await?;
        let variable = |name: &str| secrets.get(name).cloned().or_else(|| variable(name));
        Ok(Self { auth: Some(auth_from(&variable)?), ..from(&variable)? })
    }

    /// What signs cursors, in a function that cannot do without.
    pub fn cursor_secret(&self) -> Result<&[u8], ConfigError> {
        let missing =
            ConfigError { name: CURSOR_SECRET, problem: "is not set; it signs the cursors of lists" };
        self.cursor_secret.as_deref().ok_or(missing)
    }

    /// The configuration of a function that a stream or a schedule triggers, or that anyone may ask.
    pub fn without_auth() -> Result<Self, ConfigError> {
        from(&variable)
    }
}

/// The least important level of the log: `RUST_LOG`, as `trace`, `debug`, `info`, `warn` or `error`. Where that says
/// something else or nothing it is `info`: who set it wrongly should see that.
pub fn log_level() -> LevelFilter {
    variable("RUST_LOG").and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO)
}

/// The CloudWatch namespace of all metrics: `METRICS_NAMESPACE`, which tells two deployments in one account apart.
pub fn metrics_namespace() -> &'static str {
    static NAMESPACE: LazyLock<String> =
        LazyLock::new(|| variable("METRICS_NAMESPACE").unwrap_or_else(|| "Fleetledger".to_owned()));
    &NAMESPACE
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The values of secrets that the environment names the ARN of, each fetched by `fetch`.
async fn fetched(
    variable: &dyn Fn(&str) -> Option<String>,
    fetch: impl AsyncFn(&str) -> Result<String, String>,
) -> Result<BTreeMap<&'static str, String>, ConfigError> {
    let named = SECRETS.into_iter().filter_map(|(name, arn)| Some((name, arn, variable(arn)?)));
    let values = named.map(async |(name, variable_of_arn, arn)| {
        if variable(name).is_some() {
            return Err(ConfigError { name, problem: "is set, and so is its ARN" });
        }
        let value = fetch(&arn).await.map_err(|why| {
            tracing::error!(variable_of_arn, why, "a secret cannot be read");
            ConfigError { name: variable_of_arn, problem: "names a secret that cannot be read" }
        })?;
        Ok((name, value))
    });
    Ok(try_join_all(values).await?.into_iter().collect())
}

fn from(variable: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    // A function is told only the tables that it may use; the name of another is empty, and using it fails.
    let table = |name| variable(name).unwrap_or_default();
    let event_retention_days = match variable("EVENT_RETENTION_DAYS") {
        None => DEFAULT_EVENT_RETENTION_DAYS,
        Some(days) => {
            days.parse().ok().filter(|days| *days >= MIN_EVENT_RETENTION_DAYS).ok_or(ConfigError {
                name: "EVENT_RETENTION_DAYS",
                problem: "should be a whole number of days, 70 or more",
            })?
        }
    };
    let cursor_secret = variable(CURSOR_SECRET).map(String::into_bytes);
    if cursor_secret.as_ref().is_some_and(|secret| secret.len() < MIN_SECRET_BYTES) {
        return Err(ConfigError { name: CURSOR_SECRET, problem: "should have 32 bytes or more" });
    }
    let alerts_topic_arn = variable(ALERTS_TOPIC_ARN);
    // A FIFO topic would want a group for each message, and tells nobody by mail.
    let is_topic = |arn: &String| arn.starts_with("arn:") && arn.contains(":sns:") && !arn.contains(".fifo");
    if alerts_topic_arn.as_ref().is_some_and(|arn| !is_topic(arn)) {
        return Err(ConfigError {
            name: ALERTS_TOPIC_ARN,
            problem: "should be the ARN of a standard SNS topic",
        });
    }
    let registry = variable("REGISTRY_TABLE")
        .ok_or(ConfigError { name: "REGISTRY_TABLE", problem: "is not set; it names the registry table" })?;
    Ok(Config {
        tables: TableNames { events: table("EVENTS_TABLE"), usage: table("USAGE_TABLE"), registry },
        auth: None,
        event_retention_days,
        cursor_secret,
        allow_local_webhooks: false,
        alerts_topic_arn,
    })
}

fn auth_from(variable: &dyn Fn(&str) -> Option<String>) -> Result<AuthConfig, ConfigError> {
    let required = |name, problem| variable(name).ok_or(ConfigError { name, problem });
    let keys = match (variable(AUTH_SECRET), variable("AUTH_JWKS_URL")) {
        (Some(secret), None) if secret.len() >= MIN_SECRET_BYTES => TokenKeys::Secret(secret.into_bytes()),
        (Some(_), None) => {
            return Err(ConfigError { name: AUTH_SECRET, problem: "should have 32 bytes or more" });
        }
        (None, Some(url)) if url.starts_with("https://") => TokenKeys::JwksUrl(url),
        (None, Some(_)) => {
            return Err(ConfigError { name: "AUTH_JWKS_URL", problem: "should be an https URL" });
        }
        (None, None) => {
            return Err(ConfigError {
                name: "AUTH_JWKS_URL",
                problem: "is not set, nor is AUTH_HS256_SECRET",
            });
        }
        (Some(_), Some(_)) => {
            return Err(ConfigError {
                name: "AUTH_JWKS_URL",
                problem: "is set, and so is AUTH_HS256_SECRET",
            });
        }
    };
    Ok(AuthConfig {
        issuer: required("AUTH_ISSUER", "is not set; it names the issuer of tokens")?,
        audience: required("AUTH_AUDIENCE", "is not set; it names the audience of tokens")?,
        keys,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<AuthConfig, ConfigError> {
        let given: BTreeMap<_, _> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        auth_from(&|name| given.get(name).cloned())
    }

    #[test]
    fn each_fault_names_its_variable() {
        let base = [("AUTH_ISSUER", "i"), ("AUTH_AUDIENCE", "a")];
        let name = |more: &[(&str, &str)]| {
            let all: Vec<_> = base.iter().chain(more).copied().collect();
            read(&all).err().map(|fault| fault.name)
        };
        assert_eq!(name(&[]), Some("AUTH_JWKS_URL"));
        assert_eq!(name(&[("AUTH_HS256_SECRET", &"x".repeat(31))]), Some("AUTH_HS256_SECRET"));
        assert_eq!(name(&[("AUTH_HS256_SECRET", &"x".repeat(32))]), None);
        assert_eq!(name(&[("AUTH_JWKS_URL", "http://id.example/jwks")]), Some("AUTH_JWKS_URL"));
        assert_eq!(name(&[("AUTH_JWKS_URL", "https://id.example/jwks")]), None);
        assert_eq!(
            read(&[("AUTH_HS256_SECRET", &"x".repeat(32)), ("AUTH_ISSUER", "i")])
                .err()
                .map(|fault| fault.name),
            Some("AUTH_AUDIENCE")
        );
    }

    #[tokio::test]
    async fn a_secret_is_given_or_named() {
        let variables = |pairs: &'static [(&str, &str)]| {
            move |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
        };
        let fetch =
            async |arn: &str| if arn == "here" { Ok("value".to_owned()) } else { Err("gone".to_owned()) };
        let none = fetched(&variables(&[("CURSOR_SECRET", "given")]), fetch).await.unwrap();
        assert_eq!(none, [].into());
        let both = variables(&[("CURSOR_SECRET_ARN", "here"), ("AUTH_HS256_SECRET_ARN", "here")]);
        let both = fetched(&both, fetch).await.unwrap();
        let value = "value".to_owned();
        assert_eq!(both, [("AUTH_HS256_SECRET", value.clone()), ("CURSOR_SECRET", value)].into());
        let fault = |pairs| async move { fetched(&variables(pairs), fetch).await.unwrap_err().name };
        assert_eq!(fault(&[("CURSOR_SECRET_ARN", "gone")]).await, "CURSOR_SECRET_ARN");
        assert_eq!(fault(&[("CURSOR_SECRET_ARN", "here"), ("CURSOR_SECRET", "x")]).await, "CURSOR_SECRET");
    }

    #[test]
    fn retention_has_a_floor() {
        let days = |text: &str| {
            let text = text.to_owned();
            from(&move |name| match name {
                "EVENT_RETENTION_DAYS" => Some(text.clone()),
                "REGISTRY_TABLE" => Some("registry".to_owned()),
                _ => None,
            })
            .map(|config| config.event_retention_days)
            .ok()
        };
        assert_eq!(days("69"), None);
        assert_eq!(days("70"), Some(70));
        assert_eq!(days("x"), None);
    }

    #[test]
    fn a_cursor_secret_is_long_or_absent_and_missed_by_who_needs_it() {
        let config = |secret: &str| {
            let secret = secret.to_owned();
            from(&move |name| match name {
                "CURSOR_SECRET" => Some(secret.clone()).filter(|secret| !secret.is_empty()),
                "REGISTRY_TABLE" => Some("registry".to_owned()),
                _ => None,
            })
        };
        assert_eq!(config(&"x".repeat(31)).err().map(|fault| fault.name), Some("CURSOR_SECRET"));
        assert_eq!(config(&"x".repeat(32)).unwrap().cursor_secret().unwrap(), [b'x'; 32]);
        assert_eq!(config("").unwrap().cursor_secret().unwrap_err().name, "CURSOR_SECRET");
    }
    #[test]
    fn a_topic_is_a_standard_one_or_absent_and_webhooks_keep_off_this_machine() {
        let config = |arn: &str| {
            let arn = arn.to_owned();
            from(&move |name| match name {
                "ALERTS_TOPIC_ARN" => Some(arn.clone()).filter(|arn| !arn.is_empty()),
                "REGISTRY_TABLE" => Some("registry".to_owned()),
                _ => Some("true".to_owned()).filter(|_| name.contains("LOCAL")),
            })
        };
        let topic = "arn:aws:sns:eu-west-1:123456789012:alerts";
        assert_eq!(config(topic).unwrap().alerts_topic_arn.as_deref(), Some(topic));
        assert_eq!(config("").unwrap().alerts_topic_arn, None);
        for bad in ["alerts", "arn:aws:sqs:eu-west-1:123456789012:alerts", &format!("{topic}.fifo")] {
            assert_eq!(config(bad).err().map(|fault| fault.name), Some("ALERTS_TOPIC_ARN"), "{bad}");
        }
        assert!(!config("").unwrap().allow_local_webhooks);
    }
}
