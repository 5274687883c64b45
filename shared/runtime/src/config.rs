//! The configuration. Only this module reads the environment, once.

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

/// How to verify tokens.
#[derive(Clone)]
pub struct AuthConfig {
    /// The required `iss`.
    pub issuer: String,
    /// The required `aud`.
    pub audience: String,
    /// The keys that tokens are signed with.
    pub keys: TokenKeys,
}

/// The configuration of a function.
#[derive(Clone)]
pub struct Config {
    /// The names of the DynamoDB tables.
    pub tables: TableNames,
    /// How callers are authenticated; none for functions without HTTP routes or with public routes only.
    pub auth: Option<AuthConfig>,
    /// Days that a raw event is kept after its arrival.
    pub event_retention_days: u32,
    /// The key that signs list cursors, for functions with long lists.
    pub cursor_secret: Option<Vec<u8>>,
    /// Whether webhooks may be sent to this machine, without TLS. It cannot be set by the environment: organizations
    /// choose the addresses of webhooks, so in an AWS account it would open whatever only the functions can reach.
    /// Only the local stack sets it, for a receiver on the same machine.
    pub allow_local_webhooks: bool,
    /// The SNS topic that alerts are published to, if there is one, for functions that send alerts.
    pub alerts_topic_arn: Option<String>,
}

/// Minimum length of a signing secret (RFC 7518, section 3.2: at least as long as the hash).
pub const MIN_SECRET_BYTES: usize = 32;
/// Default number of days that raw events are kept.
pub const DEFAULT_EVENT_RETENTION_DAYS: u32 = 400;
/// Minimum retention: events may arrive for 35 days, and reconcile needs as many again to recompute rollups.
pub const MIN_EVENT_RETENTION_DAYS: u32 = 70;

const CURSOR_SECRET: &str = "CURSOR_SECRET";
const ALERTS_TOPIC_ARN: &str = "ALERTS_TOPIC_ARN";
const AUTH_SECRET: &str = "AUTH_HS256_SECRET";
/// Secret variables, and the variables that name their ARNs instead. Anyone who may view a function sees its
/// environment, so on Lambda it only says where in Secrets Manager the value is.
const SECRETS: [(&str, &str); 2] =
    [(AUTH_SECRET, "AUTH_HS256_SECRET_ARN"), (CURSOR_SECRET, "CURSOR_SECRET_ARN")];

/// An invalid environment variable.
#[derive(Debug, thiserror::Error)]
#[error("environment variable {name}: {problem}")]
pub struct ConfigError {
    /// The name of the variable.
    pub name: &'static str,
    /// What is wrong with it. Never contains its value.
    pub problem: &'static str,
}

impl Config {
    /// The configuration of a function with HTTP routes.
    pub async fn from_env() -> Result<Self, ConfigError> {
        let secrets = fetched(&variable, secrets::text).await?;
        let variable = |name: &str| secrets.get(name).cloned().or_else(|| variable(name));
        Ok(Self { auth: Some(auth_from(&variable)?), ..from(&variable)? })
    }

    /// The key that signs cursors, for functions that require it.
    pub fn cursor_secret(&self) -> Result<&[u8], ConfigError> {
        let missing =
            ConfigError { name: CURSOR_SECRET, problem: "is not set; it signs the cursors of lists" };
        self.cursor_secret.as_deref().ok_or(missing)
    }

    /// The configuration of a function triggered by a stream or a schedule, or with public routes only.
    pub fn without_auth() -> Result<Self, ConfigError> {
        from(&variable)
    }
}

/// The log level: `RUST_LOG` as `trace`, `debug`, `info`, `warn` or `error`. Any other value means `info`.
pub fn log_level() -> LevelFilter {
    variable("RUST_LOG").and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO)
}

/// The CloudWatch namespace of all metrics: `METRICS_NAMESPACE`, which separates two deployments in one account.
pub fn metrics_namespace() -> &'static str {
    static NAMESPACE: LazyLock<String> =
        LazyLock::new(|| variable("METRICS_NAMESPACE").unwrap_or_else(|| "Fleetledger".to_owned()));
    &NAMESPACE
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The values of secrets whose ARNs are in the environment, read with `fetch`.
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
            tracing::error!(variable_of_arn, why, "could not read a secret");
            ConfigError { name: variable_of_arn, problem: "names a secret that cannot be read" }
        })?;
        Ok((name, value))
    });
    Ok(try_join_all(values).await?.into_iter().collect())
}

fn from(variable: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    // A function has the names of only those tables that it may use; other names are empty, and using them fails.
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
    // A FIFO topic requires a message group and cannot send email.
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
    fn each_error_names_its_variable() {
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
    async fn a_secret_is_a_value_or_an_arn() {
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
    fn retention_has_a_minimum() {
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
    fn a_cursor_secret_is_optional_but_has_a_minimum_length() {
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
    fn the_topic_must_be_a_standard_one_and_local_webhooks_are_off() {
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
