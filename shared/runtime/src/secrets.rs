//! Secrets: given as they are, or fetched from AWS Secrets Manager while a function starts.
//!
//! A function does not wait for the fetch before it asks for its first request: the request waits for it, if it has to.
//! Between the two, Lambda may freeze the process for minutes. A response that was on its way is then lost, so whoever
//! needs the secret does not rely on the first fetch alone.

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::DisplayErrorContext;
use futures::FutureExt;
use futures::future::{BoxFuture, select_ok};
use store::aws;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::config::{ConfigError, MIN_SECRET_BYTES};

/// How long a request waits for the fetch that began with the process, before it begins another: several times what a
/// fetch takes.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long a request waits in all. Functions that answer requests have ten seconds or more.
const LIMIT: Duration = Duration::from_secs(5);

/// The outcome of a fetch: the text of the secret, or why it cannot be read.
type Fetched = Result<String, String>;

/// A secret. Clones share what was fetched, which is kept as long as the process: a new version only reaches functions that
/// start later.
#[derive(Clone)]
pub struct Secret(Arc<Inner>);

struct Inner {
    /// The variable that it comes from.
    variable: &'static str,
    value: OnceCell<Arc<[u8]>>,
    /// Absent where the secret was given.
    fetch: Option<Box<dyn Fn() -> BoxFuture<'static, Fetched> + Send + Sync>>,
    /// The fetch that began with the process, until someone waits for it.
    begun: Mutex<Option<JoinHandle<Fetched>>>,
}

/// Why a secret is not known.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It could not be fetched. The next request tries again.
    #[error("environment variable {variable} refers to a secret that cannot be read: {why}")]
    Unreadable {
        /// The variable with its ARN.
        variable: &'static str,
        /// The reason, for the log.
        why: String,
    },
    /// It was fetched, and is none.
    #[error(transparent)]
    Invalid(#[from] ConfigError),
}

impl Secret {
    /// A secret that is known.
    pub fn given(variable: &'static str, value: &[u8]) -> Self {
        let value = OnceCell::new_with(Some(value.into()));
        Self(Arc::new(Inner { variable, value, fetch: None, begun: Mutex::default() }))
    }

    /// The secret with this ARN, which is being fetched from now on.
    pub fn fetched(variable: &'static str, arn: String) -> Self {
        Self::fetched_by(variable, move || text(arn.clone()).boxed())
    }

    /// The secret that `fetch` fetches, from now on.
    pub fn fetched_by(
        variable: &'static str,
        fetch: impl Fn() -> BoxFuture<'static, Fetched> + Send + Sync + 'static,
    ) -> Self {
        let begun = Mutex::new(Some(tokio::spawn(fetch())));
        Self(Arc::new(Inner { variable, value: OnceCell::new(), fetch: Some(Box::new(fetch)), begun }))
    }

    /// The secret, as soon as it is known.
    ///
    /// # Errors
    ///
    /// If it cannot be fetched now, or is too short.
    pub async fn get(&self) -> Result<Arc<[u8]>, SecretError> {
        self.0.value.get_or_try_init(|| self.0.read()).await.cloned()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the secret of {}", self.0.variable)
    }
}

impl Inner {
    async fn read(&self) -> Result<Arc<[u8]>, SecretError> {
        let found = timeout(LIMIT, self.text()).await;
        let text = found.unwrap_or_else(|_| Err("it takes too long".to_owned())).map_err(|why| {
            tracing::error!(variable = self.variable, why, "failed to read a secret");
            SecretError::Unreadable { variable: self.variable, why }
        })?;
        check(self.variable, text.as_bytes())?;
        Ok(text.into_bytes().into())
    }

    async fn text(&self) -> Fetched {
        let again = || self.fetch.as_ref().map_or_else(|| pending().boxed(), |fetch| fetch());
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(begun) = begun else { return again().await };
        let mut begun = begun.map(|ended| ended.unwrap_or_else(|error| Err(error.to_string()))).boxed();
        match timeout(PATIENCE, &mut begun).await {
            Ok(Ok(text)) => Ok(text),
            Ok(Err(why)) => {
                tracing::warn!(variable = self.variable, why, "a secret is fetched again");
                again().await
            }
            Err(_) => select_ok([begun, again()]).await.map(|(text, _)| text),
        }
    }
}

/// Rejects the secret of a variable if it is too short.
pub(crate) const fn check(name: &'static str, value: &[u8]) -> Result<(), ConfigError> {
    if value.len() < MIN_SECRET_BYTES {
        return Err(ConfigError { name, problem: "must have 32 bytes or more" });
    }
    Ok(())
}

/// Fetches the current text of a secret.
async fn text(arn: String) -> Fetched {
    let client = Client::new(aws::config().await);
    let found = client.get_secret_value().secret_id(arn).send().await;
    let found = found.map_err(|error| format!("GetSecretValue: {}", DisplayErrorContext(&error)))?;
    found.secret_string.ok_or_else(|| "the secret has no text value".to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::time::{Instant, sleep};

    use super::*;

    const LONG: &str = "a secret for tests, of 32 bytes or more";

    /// A secret whose fetches come to these outcomes after so many milliseconds, and how many have begun.
    fn secret(outcomes: &'static [(u64, Result<&str, &str>)]) -> (Secret, Arc<AtomicUsize>) {
        let begun = Arc::new(AtomicUsize::new(0));
        let count = begun.clone();
        let fetch = move || {
            let (delay, outcome) = outcomes[count.fetch_add(1, Ordering::Relaxed)];
            async move {
                sleep(Duration::from_millis(delay)).await;
                outcome.map(str::to_owned).map_err(str::to_owned)
            }
            .boxed()
        };
        (Secret::fetched_by("AUTH_HS256_SECRET_ARN", fetch), begun)
    }

    #[tokio::test(start_paused = true)]
    async fn a_secret_is_fetched_once_and_before_it_is_needed() {
        let (secret, begun) = secret(&[(300, Ok(LONG))]);
        sleep(Duration::from_millis(200)).await;
        let asked = Instant::now();
        let (one, other) = futures::join!(secret.get(), secret.get());
        assert_eq!((&*one.unwrap(), &*other.unwrap()), (LONG.as_bytes(), LONG.as_bytes()));
        assert_eq!(secret.get().await.unwrap().len(), LONG.len());
        assert_eq!((asked.elapsed().as_millis(), begun.load(Ordering::Relaxed)), (100, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn a_response_that_never_comes_is_not_waited_for() {
        // The process was frozen while the response was on its way.
        let (secret, begun) = secret(&[(600_000, Ok(LONG)), (100, Ok(LONG))]);
        sleep(Duration::from_mins(1)).await;
        let asked = Instant::now();
        assert!(secret.get().await.is_ok());
        assert_eq!((asked.elapsed().as_millis(), begun.load(Ordering::Relaxed)), (600, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_response_is_taken_if_it_comes_first() {
        let (secret, _) = secret(&[(700, Ok(LONG)), (600_000, Ok(LONG))]);
        let asked = Instant::now();
        assert!(secret.get().await.is_ok());
        assert_eq!(asked.elapsed().as_millis(), 700);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fetch_that_fails_is_repeated_by_whoever_needs_the_secret() {
        let (secret, begun) = secret(&[
            (10, Err("first")),
            (10, Err("second")),
            (600_000, Ok(LONG)),
            (10, Ok("short")),
            (10, Ok(LONG)),
        ]);
        let text = async || secret.get().await.map_err(|error| error.to_string());
        let unreadable =
            "environment variable AUTH_HS256_SECRET_ARN refers to a secret that cannot be read: ";
        assert_eq!(text().await, Err(format!("{unreadable}second")));
        let asked = Instant::now();
        assert_eq!(text().await, Err(format!("{unreadable}it takes too long")));
        assert_eq!(asked.elapsed(), LIMIT);
        let short = "environment variable AUTH_HS256_SECRET_ARN: must have 32 bytes or more";
        assert_eq!(text().await, Err(short.to_owned()));
        assert_eq!(text().await.as_deref(), Ok(LONG.as_bytes()));
        assert_eq!(begun.load(Ordering::Relaxed), 5);
    }

    #[tokio::test]
    async fn a_secret_that_is_given_is_known() {
        assert_eq!(&*Secret::given("x", b"known").get().await.unwrap(), b"known");
    }
}
