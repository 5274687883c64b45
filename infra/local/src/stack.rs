//! The system that `template.yaml` describes, running in this process.

mod parts;

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use http::{Request, Response, Uri};
use runtime::clock::Clock;
use serde_json::Value;
use store::Store;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use web::auth::Scope;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::gateway::Gateway;
use crate::lambda::{self, Lambda};
use crate::pump::Pump;
use crate::role::Roles;
use crate::schedule::{LONGEST_RATE, Timer};
use crate::template::Template;
use crate::{housekeeping, sdk, tables, token};
use parts::Parts;

/// Seconds for which a token of [`Stack::token`] holds.
const TOKEN_SECONDS: u32 = 24 * 60 * 60;

/// How a stack is to run.
pub struct Options {
    /// Where its data is kept; without a folder it goes with the stack.
    pub data: Option<PathBuf>,
    /// The business clock: dates in answers follow it, tokens do not.
    pub clock: Clock,
    /// A DynamoDB-compatible endpoint to use in place of the embedded engine.
    pub dynamodb: Option<String>,
    /// The access key that it is reached with.
    pub access_key: String,
    /// What tokens are signed with.
    pub secret: Vec<u8>,
    /// Whether the stream is worked off as events come and the clock calls what it should; else the one is done by
    /// [`Stack::drain`] alone, the other by [`Stack::invoke`].
    pub background: bool,
    /// How often at the least a function with a rate is called.
    pub longest_rate: Duration,
    /// Whether webhooks may go to this machine.
    pub allow_local_webhooks: bool,
}

impl Default for Options {
    /// A stack that leaves nothing behind, with a secret of its own.
    fn default() -> Self {
        Self {
            data: None,
            clock: Clock::system(),
            dynamodb: None,
            access_key: sdk::ACCESS_KEY.to_owned(),
            secret: rand::random::<[u8; 32]>().to_vec(),
            background: true,
            longest_rate: LONGEST_RATE,
            allow_local_webhooks: false,
        }
    }
}

/// A running stack. Dropping it stops it too, without waiting.
pub struct Stack {
    gateway: Arc<Gateway>,
    lambdas: Vec<Lambda>,
    timers: Arc<Vec<Timer>>,
    pumps: Arc<Vec<Pump>>,
    engine: Option<Arc<Engine>>,
    endpoint: String,
    client: aws_sdk_dynamodb::Client,
    store: Store,
    clock: Clock,
    secret: Vec<u8>,
    allow_local_webhooks: bool,
    roles: Roles,
    is_new: bool,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    // Last, and in this order: the lock is given back, then a temporary folder removed.
    _lock: File,
    _temporary: Option<TempDir>,
}

impl Stack {
    /// Starts a stack and returns when it answers.
    pub async fn start(options: Options) -> Result<Self> {
        let template = Template::built_in()?;
        let (folder, temporary) = folder(options.data.as_deref())?;
        let lock = lock(&folder)?;
        let engine = match &options.dynamodb {
            Some(url) => check_url(url).map(|()| None)?,
            None => Some(Arc::new(Engine::start(&folder.join("tables.db"))?)),
        };
        let endpoint = options.dynamodb.as_deref().or(engine.as_deref().map(Engine::endpoint));
        let endpoint = endpoint.unwrap_or_default().to_owned();
        let client = sdk::dynamodb(&endpoint, &options.access_key);
        let streams = sdk::streams(&endpoint, &options.access_key);
        let is_new = tables::create(&client, &template.tables).await?;
        let roles = Roles::of(&template);
        let parts = Parts {
            template: &template,
            client: &client,
            clock: &options.clock,
            secret: &options.secret,
            allow_local_webhooks: options.allow_local_webhooks,
            roles: &roles,
        };
        let lambdas = parts.lambdas()?;
        let timers = Arc::new(parts.timers(&lambdas, options.longest_rate)?);
        let pumps = Arc::new(parts.pumps(&lambdas, &streams, engine.as_deref()).await?);
        let gateway = Arc::new(parts.gateway()?.with_lambdas(lambdas.clone()));
        let store = Store::new(client.clone(), &parts::all_tables());
        let (stop, stopped) = watch::channel(false);
        let mut stack = Self {
            gateway,
            lambdas,
            timers,
            pumps,
            engine,
            endpoint,
            client,
            store,
            clock: options.clock,
            secret: options.secret,
            allow_local_webhooks: options.allow_local_webhooks,
            roles,
            is_new,
            stop,
            tasks: Vec::new(),
            _lock: lock,
            _temporary: temporary,
        };
        if options.background {
            stack.work_in_background(&stopped);
        }
        Ok(stack)
    }

    fn work_in_background(&mut self, stopped: &watch::Receiver<bool>) {
        for at in 0..self.pumps.len() {
            let (pumps, stopped) = (self.pumps.clone(), stopped.clone());
            self.tasks.push(tokio::spawn(async move { pumps[at].run(stopped).await }));
        }
        for at in 0..self.timers.len() {
            let (timers, stopped) = (self.timers.clone(), stopped.clone());
            // The business clock may stand still; what is due by it would never come.
            let calling = async move { timers[at].run(&Clock::system(), stopped).await };
            self.tasks.push(tokio::spawn(calling));
        }
        if let Some(engine) = self.engine.clone() {
            let keeping = housekeeping::run(engine, self.pumps.clone(), self.clock.clone(), stopped.clone());
            self.tasks.push(tokio::spawn(keeping));
        }
    }

    /// Another front door to the same functions and tables, by another business clock.
    pub fn gateway_at(&self, clock: &Clock) -> Result<Gateway> {
        let template = Template::built_in()?;
        let parts = Parts {
            template: &template,
            client: &self.client,
            clock,
            secret: &self.secret,
            allow_local_webhooks: self.allow_local_webhooks,
            roles: &self.roles,
        };
        parts.gateway()
    }

    /// Calls a function that is not called over HTTP, by its binary's name or its logical id, and answers what it
    /// answers.
    pub async fn invoke(&self, function: &str, payload: Value) -> Result<Value> {
        let lambda = lambda::find(&self.lambdas, function).ok_or_else(|| {
            let known: Vec<_> = self.lambdas.iter().map(Lambda::name).collect();
            Error::new(format!(
                "no function {function:?} is called with JSON; there are: {}",
                known.join(" ")
            ))
        })?;
        let answer = lambda.invoke(payload).await;
        answer.map_err(|error| Error::new(format!("{function} failed: {}", error.error_message)))
    }

    /// Answers one HTTP request, without a connection.
    pub async fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.gateway.call(request).await
    }

    /// Answers the connections to `listener` until `stop` resolves.
    pub async fn serve(
        &self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        self.gateway.clone().serve(listener, stop).await
    }

    /// Returns when every event that has been answered for is in the sums.
    pub async fn drain(&self) {
        for pump in self.pumps.iter() {
            pump.drain().await;
        }
    }

    /// Delivers all stream records that are still kept once more, as Lambda may at any time.
    pub async fn redeliver(&self) {
        for pump in self.pumps.iter() {
            pump.rewind().await;
        }
        self.drain().await;
    }

    /// A token for `org` that holds for a day.
    pub fn token(&self, org: &str, scopes: &[Scope]) -> Result<String> {
        token::issue(&self.secret, org, scopes, TOKEN_SECONDS)
    }

    /// The tables, with every right.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The URL at which the tables are.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The client behind the tables; their names are those of [`tables::table_name`].
    pub const fn client(&self) -> &aws_sdk_dynamodb::Client {
        &self.client
    }

    /// What each function may do, and what of that it has done.
    pub const fn roles(&self) -> &Roles {
        &self.roles
    }

    /// The business clock.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether it had to make its tables, so that they are empty.
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Finishes the batches under way, closes the tables and returns.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        for task in self.tasks.drain(..) {
            let _ = task.await;
        }
        if let Some(engine) = self.engine.take().and_then(Arc::into_inner) {
            engine.stop().await;
        }
    }
}

fn check_url(url: &str) -> Result<()> {
    let parsed = url.parse::<Uri>().ok();
    let good =
        parsed.is_some_and(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some());
    let wrong =
        || Error::new(format!("{url:?} is no endpoint; it should be a URL such as http://127.0.0.1:8000"));
    good.then_some(()).ok_or_else(wrong)
}

/// The data folder, or a temporary one with what removes it.
fn folder(data: Option<&Path>) -> Result<(PathBuf, Option<TempDir>)> {
    if let Some(data) = data {
        fs::create_dir_all(data)
            .map_err(|error| Error::caused(format_args!("the data folder {}", data.display()), error))?;
        return Ok((data.to_owned(), None));
    }
    let temporary = tempfile::Builder::new().prefix("fleetledger-").tempdir();
    let temporary = temporary.map_err(|error| Error::caused("a temporary folder for the tables", error))?;
    Ok((temporary.path().to_owned(), Some(temporary)))
}

/// Two stacks on one folder would each work off the stream.
fn lock(folder: &Path) -> Result<File> {
    let failed = |error| Error::caused(format_args!("the data folder {}", folder.display()), error);
    let file = File::create(folder.join("lock")).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Error::new(format!("the data folder {} is in use by another fleetledger", folder.display())))
        }
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests;
