//! Configuration. Only this module reads the environment, once at the start of a function.

use std::env;
use std::sync::LazyLock;

use tracing::level_filters::LevelFilter;

use crate::secrets::{self, Secret};
use crate::tables::TableNames;

/// The keys that verify tokens.
#[derive(Clone)]
pub enum TokenKeys {
    /// HS256 with one secret of at least 32 bytes.
    Secret(Secret),
    /// RS256, ES256 and `EdDSA` with the keys of the JWKS document at this URL.
    JwksUrl(String),
}

/// Where a token names its organization and its scopes. Identity providers differ in this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimNames {
    /// The claim with the organization.
    pub org: String,
    /// The claim with the scopes: text with spaces between them, or a list. If none is named it is `scope`, and where a
    /// token has no such claim, `scp`.
    pub scope: Option<String>,
    /// What precedes each scope that is meant for this system, such as `fleetledger/`. It may be empty.
    pub scope_prefix: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self { org: "org".to_owned(), scope: None, scope_prefix: String::new() }
    }
}

/// The requirements on a token.
#[derive(Clone)]
pub struct AuthConfig {
    /// The required `iss`.
    pub issuer: String,
    /// The required `aud`.
    pub audience: String,
    /// The keys that may have signed it.
    pub keys: TokenKeys,
    /// Where it names organization and scopes.
    pub claims: ClaimNames,
}

/// How people sign in to the console at their own identity provider (OpenID Connect).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// The provider's issuer URL, below which its discovery document is.
    pub issuer: String,
    /// The console's client id there. It is a public client, so there is no secret.
    pub client_id: String,
    /// The scopes that it asks for. If there are none, `openid` and all scopes of this system.
    pub scope: Option<String>,
    /// The origin of the provider's token endpoint, if it is not the issuer's.
    pub token_origin: Option<String>,
    /// The required `aud` of access tokens.
    pub audience: String,
    /// Where they name organization and scopes.
    pub claims: ClaimNames,
}

/// The configuration of a function.
#[derive(Clone)]
pub struct Config {
    /// The names of the DynamoDB tables that the function may use.
    pub tables: TableNames,
    /// How callers are authenticated. Absent in functions that are not called over HTTP or that are public.
    pub auth: Option<AuthConfig>,
    /// Days for which a raw event is kept, counted from its arrival.
    pub event_retention_days: u32,
    /// The key that signs pagination cursors, in functions that return cursors.
    pub cursor_secret: Option<Secret>,
    /// Whether webhooks may be sent to loopback addresses, also over plain HTTP. Only the local stack sets this, for a
    /// receiver on the same machine. No environment variable can, because organizations choose the URLs: in an AWS
    /// account it would expose to them what only the functions can reach.
    pub allow_local_webhooks: bool,
    /// The SNS topic that alerts are published to, if there is one, in functions that send alerts.
    pub alerts_topic_arn: Option<String>,
    /// The bucket that files are exported to, if there is one, in the function that does.
    pub export_bucket: Option<String>,
    /// How people sign in to the console, in the function that serves it. Without it, they paste a token.
    pub sign_in: Option<SignIn>,
}

/// The minimum length of a signing secret in bytes (RFC 7518, 3.2: at least as long as the hash).
pub const MIN_SECRET_BYTES: usize = 32;
/// Days for which raw events are kept if `EVENT_RETENTION_DAYS` is not set.
pub const DEFAULT_EVENT_RETENTION_DAYS: u32 = 400;
/// The minimum retention in days: events may arrive up to 35 days late, and as many days remain to reconcile them.
pub const MIN_EVENT_RETENTION_DAYS: u32 = 70;

/// The variable of [`Config::cursor_secret`].
const CURSOR_SECRET: &str = "CURSOR_SECRET";
/// The variable of [`Config::alerts_topic_arn`].
const ALERTS_TOPIC_ARN: &str = "ALERTS_TOPIC_ARN";
/// The variable of [`TokenKeys::Secret`].
const AUTH_SECRET: &str = "AUTH_HS256_SECRET";
/// Secret variables, and the variables that may be set instead of them to the ARN of a secret in Secrets Manager. On
/// Lambda only the ARNs are set, because anyone allowed to view a function sees its environment.
const SECRETS: [(&str, &str); 2] =
    [(AUTH_SECRET, "AUTH_HS256_SECRET_ARN"), (CURSOR_SECRET, "CURSOR_SECRET_ARN")];

/// A missing or invalid environment variable.
#[derive(Debug, thiserror::Error)]
#[error("environment variable {name}: {problem}")]
pub struct ConfigError {
    /// The name of the variable.
    pub name: &'static str,
    /// What is wrong with the variable. Never contains its value.
    pub problem: &'static str,
}

impl Config {
    /// The configuration of a function whose HTTP routes require authentication. Its secrets are being fetched from now on,
    /// if they are in Secrets Manager.
    pub fn from_env() -> Result<Self, ConfigError> {
        let cursor_secret = secret(&variable, CURSOR_SECRET, Secret::fetched)?;
        Ok(Self { auth: Some(auth_from(&variable)?), cursor_secret, ..config_from(&variable)? })
    }

    /// The cursor secret, in a function that requires one.
    pub fn cursor_secret(&self) -> Result<&Secret, ConfigError> {
        let missing = ConfigError { name: CURSOR_SECRET, problem: "is not set; it signs pagination cursors" };
        self.cursor_secret.as_ref().ok_or(missing)
    }

    /// The configuration of a function that is triggered by a stream or a schedule, or whose routes are public.
    pub fn without_auth() -> Result<Self, ConfigError> {
        config_from(&variable)
    }
}

/// The minimum log level, from `RUST_LOG`: `trace`, `debug`, `info`, `warn` or `error`. It is `info` if the variable is
/// not set or invalid, so that a misspelled level is noticed.
pub fn log_level() -> LevelFilter {
    variable("RUST_LOG").and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO)
}

/// The CloudWatch namespace of all metrics, from `METRICS_NAMESPACE`. It distinguishes two deployments in one account.
pub fn metrics_namespace() -> &'static str {
    static NAMESPACE: LazyLock<String> =
        LazyLock::new(|| variable("METRICS_NAMESPACE").unwrap_or_else(|| "Fleetledger".to_owned()));
    &NAMESPACE
}

#[allow(clippy::disallowed_methods, reason = "the only place that reads the environment")]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The secret of a variable, or of the variable with its ARN; none if neither is set.
fn secret(
    variable: &dyn Fn(&str) -> Option<String>,
    name: &'static str,
    fetched: impl FnOnce(&'static str, String) -> Secret,
) -> Result<Option<Secret>, ConfigError> {
    let arn_variable = SECRETS.iter().find(|(of, _)| *of == name).map(|(_, arn)| *arn);
    let arn = arn_variable.and_then(|arn_variable| Some((arn_variable, variable(arn_variable)?)));
    match (variable(name), arn) {
        (Some(_), Some(_)) => {
            Err(ConfigError { name, problem: "is set, and so is the variable with its ARN" })
        }
        (Some(text), None) => {
            secrets::check(name, text.as_bytes())?;
            Ok(Some(Secret::given(name, text.as_bytes())))
        }
        (None, Some((arn_variable, arn))) => Ok(Some(fetched(arn_variable, arn))),
        (None, None) => Ok(None),
    }
}

fn config_from(variable: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let event_retention_days = match variable("EVENT_RETENTION_DAYS") {
        None => DEFAULT_EVENT_RETENTION_DAYS,
        Some(days) => {
            days.parse().ok().filter(|days| *days >= MIN_EVENT_RETENTION_DAYS).ok_or(ConfigError {
                name: "EVENT_RETENTION_DAYS",
                problem: "must be a whole number of days, 70 or more",
            })?
        }
    };
    let alerts_topic_arn = variable(ALERTS_TOPIC_ARN);
    // A FIFO topic would require a message group id, and cannot deliver by email.
    let is_topic = |arn: &String| arn.starts_with("arn:") && arn.contains(":sns:") && !arn.contains(".fifo");
    if alerts_topic_arn.as_ref().is_some_and(|arn| !is_topic(arn)) {
        return Err(ConfigError {
            name: ALERTS_TOPIC_ARN,
            problem: "must be the ARN of a standard SNS topic",
        });
    }
    Ok(Config {
        tables: TableNames {
            events: variable("EVENTS_TABLE"),
            usage: variable("USAGE_TABLE"),
            registry: variable("REGISTRY_TABLE"),
        },
        auth: None,
        event_retention_days,
        cursor_secret: None,
        allow_local_webhooks: false,
        alerts_topic_arn,
        export_bucket: variable("EXPORT_BUCKET"),
        sign_in: sign_in_from(variable)?,
    })
}

fn sign_in_from(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<SignIn>, ConfigError> {
    let Some(client_id) = variable("CONSOLE_CLIENT_ID") else { return Ok(None) };
    let issuer =
        variable("AUTH_ISSUER").filter(|issuer| issuer.starts_with("https://")).ok_or(ConfigError {
            name: "AUTH_ISSUER",
            problem: "must be an https URL, since CONSOLE_CLIENT_ID is set",
        })?;
    let audience = variable("AUTH_AUDIENCE")
        .ok_or(ConfigError { name: "AUTH_AUDIENCE", problem: "is not set; it is the audience of tokens" })?;
    Ok(Some(SignIn {
        issuer,
        client_id,
        scope: variable("CONSOLE_SCOPE"),
        token_origin: variable("CONSOLE_TOKEN_ORIGIN"),
        audience,
        claims: claims_from(variable),
    }))
}

fn auth_from(variable: &dyn Fn(&str) -> Option<String>) -> Result<AuthConfig, ConfigError> {
    let required = |name, problem| variable(name).ok_or(ConfigError { name, problem });
    let keys = match (secret(variable, AUTH_SECRET, Secret::fetched)?, variable("AUTH_JWKS_URL")) {
        (Some(secret), None) => TokenKeys::Secret(secret),
        (None, Some(url)) if url.starts_with("https://") => TokenKeys::JwksUrl(url),
        (None, Some(_)) => {
            return Err(ConfigError { name: "AUTH_JWKS_URL", problem: "must be an https URL" });
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
        issuer: required("AUTH_ISSUER", "is not set; it is the issuer of tokens")?,
        audience: required("AUTH_AUDIENCE", "is not set; it is the audience of tokens")?,
        keys,
        claims: claims_from(variable),
    })
}

/// An empty variable is one that is not set: a parameter of the template cannot be absent.
fn claims_from(variable: &dyn Fn(&str) -> Option<String>) -> ClaimNames {
    let given = |name| variable(name).filter(|text| !text.is_empty());
    let default = ClaimNames::default();
    ClaimNames {
        org: given("AUTH_ORG_CLAIM").unwrap_or(default.org),
        scope: given("AUTH_SCOPE_CLAIM"),
        scope_prefix: given("AUTH_SCOPE_PREFIX").unwrap_or(default.scope_prefix),
    }
}

#[cfg(test)]
mod tests;
