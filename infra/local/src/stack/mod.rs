//! The system that `template.yaml` describes, running in this process.

mod all_tables;
mod folder;
mod options;
mod wiring;

use std::path::Path;
use std::sync::Arc;

use axum::body::Bytes;
use http::{Request, Response, Uri};
use runtime::clock::Clock;
use runtime::config::SignIn;
use runtime::tables::{Database, Tables};
use serde_json::Value;
use store::Connection;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use web::auth::Scope;

use crate::aws::engine::Engine;
use crate::aws::gateway::Gateway;
use crate::aws::gateway::cors::Cors;
use crate::aws::invoke::{self, Lambda};
use crate::aws::role::Roles;
use crate::aws::scheduler::Timer;
use crate::aws::stream::StreamPoller;
use crate::aws::{housekeeping, sdk, tables};
use crate::error::{Error, Result};
use crate::template::Template;
use crate::token;
use folder::DataFolder;
use wiring::Wiring;

pub use all_tables::{AllTables, all_names};
pub use options::Options;

/// How long a token of [`Stack::token`] is valid.
const TOKEN_SECONDS: u32 = 24 * 60 * 60;

/// The folder of exported files, in the data folder.
const EXPORTS: &str = "exports";

/// A running stack. Dropping it stops it without waiting.
pub struct Stack {
    gateway: Arc<Gateway>,
    lambdas: Vec<Lambda>,
    timers: Arc<Vec<Timer>>,
    pollers: Arc<Vec<StreamPoller>>,
    engine: Option<Arc<Engine>>,
    endpoint: String,
    client: aws_sdk_dynamodb::Client,
    streams: aws_sdk_dynamodbstreams::Client,
    tables: AllTables,
    clock: Clock,
    secret: Vec<u8>,
    allow_local_webhooks: bool,
    sign_in: Option<SignIn>,
    roles: Roles,
    is_new: bool,
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
    // The last field, because the engine's file must be closed before the folder is deleted.
    folder: DataFolder,
}

impl Stack {
    /// Starts a stack and returns when it is ready for requests.
    pub async fn start(options: Options) -> Result<Self> {
        let template = Template::built_in()?;
        let folder = DataFolder::open(options.data.as_deref())?;
        let (engine, endpoint) = open_tables(options.dynamodb.as_deref(), &folder)?;
        let client = sdk::dynamodb(&endpoint, &options.access_key);
        let streams = sdk::streams(&endpoint, &options.access_key);
        let is_new = tables::create(&client, &template.tables).await?;
        let roles = Roles::of(&template);
        let auth = options.auth.unwrap_or_else(|| token::auth(&options.secret));
        let wiring = Wiring {
            template: &template,
            client: &client,
            streams: &streams,
            exports: &folder.path().join(EXPORTS),
            clock: &options.clock,
            secret: &options.secret,
            auth: &auth,
            allow_local_webhooks: options.allow_local_webhooks,
            sign_in: &options.sign_in,
            roles: &roles,
        };
        let lambdas = wiring.lambdas()?;
        let timers = Arc::new(wiring.timers(&lambdas, options.longest_rate)?);
        let pollers = Arc::new(wiring.pollers(&lambdas, &streams, engine.as_deref()).await?);
        let gateway = wiring.gateway()?.with_lambdas(lambdas.clone());
        let gateway = Arc::new(gateway.with_cors(Cors::new(&options.cors_origins)));
        let database = Database::new(Connection::new(client.clone()), all_names());
        let all_tables =
            AllTables::open(&database).map_err(|error| Error::caused("cannot open the tables", error))?;
        let (stop, stopped) = watch::channel(false);
        let mut stack = Self {
            gateway,
            lambdas,
            timers,
            pollers,
            engine,
            endpoint,
            client,
            streams,
            tables: all_tables,
            clock: options.clock,
            secret: options.secret,
            allow_local_webhooks: options.allow_local_webhooks,
            sign_in: options.sign_in,
            roles,
            is_new,
            stop,
            tasks: Vec::new(),
            folder,
        };
        if options.background {
            stack.spawn_background_tasks(&stopped);
        }
        Ok(stack)
    }

    fn spawn_background_tasks(&mut self, stopped: &watch::Receiver<bool>) {
        for at in 0..self.pollers.len() {
            let (pollers, stopped) = (self.pollers.clone(), stopped.clone());
            self.tasks.push(tokio::spawn(async move { pollers[at].run(stopped).await }));
        }
        for at in 0..self.timers.len() {
            let (timers, stopped) = (self.timers.clone(), stopped.clone());
            self.tasks.push(tokio::spawn(async move { timers[at].run(stopped).await }));
        }
        if let Some(engine) = self.engine.clone() {
            let maintenance =
                housekeeping::run(engine, self.pollers.clone(), self.clock.clone(), stopped.clone());
            self.tasks.push(tokio::spawn(maintenance));
        }
    }

    /// Another gateway to the same functions and tables. It takes the tokens of [`Self::token`].
    pub fn gateway(&self) -> Result<Gateway> {
        let template = Template::built_in()?;
        let auth = token::auth(&self.secret);
        let wiring = Wiring {
            template: &template,
            client: &self.client,
            streams: &self.streams,
            exports: &self.folder.path().join(EXPORTS),
            clock: &self.clock,
            secret: &self.secret,
            auth: &auth,
            allow_local_webhooks: self.allow_local_webhooks,
            sign_in: &self.sign_in,
            roles: &self.roles,
        };
        wiring.gateway()
    }

    /// Invokes a function that has no HTTP routes, by its binary's name or its logical id.
    pub async fn invoke(&self, function: &str, payload: Value) -> Result<Value> {
        let lambda = invoke::find(&self.lambdas, function).ok_or_else(|| {
            let known: Vec<_> = self.lambdas.iter().map(Lambda::name).collect();
            Error::new(format!(
                "no function {function:?} can be invoked with JSON; there are: {}",
                known.join(" ")
            ))
        })?;
        let response = lambda.invoke(payload).await;
        response.map_err(|error| Error::new(format!("{function} failed: {}", error.error_message)))
    }

    /// Handles one HTTP request without a connection.
    pub async fn call(&self, request: Request<Bytes>) -> Response<Bytes> {
        self.gateway.call(request).await
    }

    /// Serves connections to `listener` until `stop` resolves.
    pub async fn serve(
        &self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<()> {
        self.gateway.clone().serve(listener, stop).await
    }

    /// Returns when every stored event has been aggregated.
    pub async fn drain(&self) {
        for poller in self.pollers.iter() {
            poller.drain().await;
        }
    }

    /// Delivers all stream records that are still stored once more, as Lambda may do at any time.
    pub async fn redeliver(&self) {
        for poller in self.pollers.iter() {
            poller.rewind().await;
        }
        self.drain().await;
    }

    /// A token for `org` that is valid for a day.
    pub fn token(&self, org: &str, scopes: &[Scope]) -> Result<String> {
        token::issue(&self.secret, org, scopes, TOKEN_SECONDS)
    }

    /// The tables, without the restrictions of any role.
    pub const fn tables(&self) -> &AllTables {
        &self.tables
    }

    /// The URL of the DynamoDB endpoint.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The client for the tables. [`tables::table_name`] has their names.
    pub const fn client(&self) -> &aws_sdk_dynamodb::Client {
        &self.client
    }

    /// What each function may do, and which of its grants it has used.
    pub const fn roles(&self) -> &Roles {
        &self.roles
    }

    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The data folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether this start created the tables, so that they are empty.
    pub const fn is_new(&self) -> bool {
        self.is_new
    }

    /// Finishes the batches in flight and closes the tables.
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

/// The URL of the tables' endpoint, and the embedded engine if it serves them.
fn open_tables(dynamodb: Option<&str>, folder: &DataFolder) -> Result<(Option<Arc<Engine>>, String)> {
    if let Some(url) = dynamodb {
        check_url(url)?;
        return Ok((None, url.to_owned()));
    }
    let engine = Engine::start(&folder.path().join("tables.db"))?;
    let endpoint = engine.endpoint().to_owned();
    Ok((Some(Arc::new(engine)), endpoint))
}

fn check_url(url: &str) -> Result<()> {
    let parsed = url.parse::<Uri>().ok();
    let valid =
        parsed.is_some_and(|url| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some());
    let wrong = || {
        Error::new(format!("{url:?} is not an endpoint; it should be a URL such as http://127.0.0.1:8000"))
    };
    valid.then_some(()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests;
