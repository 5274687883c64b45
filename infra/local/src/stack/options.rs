//! Options for running a stack.

use std::path::PathBuf;
use std::time::Duration;

use runtime::clock::Clock;
use runtime::config::{AuthConfig, SignIn};

use crate::aws::scheduler::LONGEST_RATE;
use crate::aws::sdk;

pub struct Options {
    /// The data folder. Without one, data lives in a temporary folder that is deleted with the stack.
    pub data: Option<PathBuf>,
    /// The business clock: it decides dates in responses, but not the validity of tokens.
    pub clock: Clock,
    /// A DynamoDB-compatible endpoint to use instead of the embedded engine.
    pub dynamodb: Option<String>,
    /// The access key for the tables.
    pub access_key: String,
    /// The secret that signs tokens.
    pub secret: Vec<u8>,
    /// How tokens are verified; by default with the secret.
    pub auth: Option<AuthConfig>,
    /// Whether streams and schedules run by themselves. Otherwise streams are processed only by `Stack::drain`, and
    /// scheduled functions run only by `Stack::invoke`.
    pub background: bool,
    /// Schedules with a longer rate run at this one, and so do cron schedules.
    pub longest_rate: Duration,
    /// Whether webhooks may go to this machine and its network.
    pub allow_local_webhooks: bool,
    /// How people sign in to the console with an identity provider.
    pub sign_in: Option<SignIn>,
    /// The origins whose pages may call the API from a browser.
    pub cors_origins: Vec<String>,
}

impl Default for Options {
    /// A temporary stack with a random secret.
    fn default() -> Self {
        Self {
            data: None,
            clock: Clock::system(),
            dynamodb: None,
            access_key: sdk::ACCESS_KEY.to_owned(),
            secret: rand::random::<[u8; 32]>().to_vec(),
            auth: None,
            background: true,
            longest_rate: LONGEST_RATE,
            allow_local_webhooks: false,
            sign_in: None,
            cors_origins: Vec::new(),
        }
    }
}
