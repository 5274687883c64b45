//! Shared by the token tests: keys, tokens, and an identity provider on the loopback interface.

mod jwk;
mod jwks;
mod token;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::response::Redirect;
use axum::routing::get;
use http::StatusCode;
use jsonwebtoken::{EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, Notify, RwLock};

use super::*;

const ISSUER: &str = "https://id.test";
const AUDIENCE: &str = "fleetledger";
const SECRET: &[u8] = b"a secret for tests, of 32 bytes or more";

fn shared_secret() -> TokenKeys {
    TokenKeys::Secret(Secret::given("AUTH_HS256_SECRET", SECRET))
}

fn config(keys: TokenKeys) -> AuthConfig {
    let claims = ClaimNames::default();
    AuthConfig { issuer: ISSUER.to_owned(), audience: AUDIENCE.to_owned(), keys, claims }
}

fn verifier(keys: TokenKeys) -> Verifier {
    Verifier::new(&config(keys)).unwrap()
}

fn now() -> u64 {
    get_current_timestamp()
}

/// The claims of a valid token.
fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "user-1",
        "org": "acme",
        "scope": "metrics:read costs:read",
        "iat": now(),
        "exp": now() + 600,
    })
}

/// The claims of a valid token with one replaced.
fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn hs256(claims: &Value) -> String {
    encode(&Header::default(), claims, &EncodingKey::from_secret(SECRET)).unwrap()
}

/// A token signed with the private half of the key `kid` in `testdata/jwks.json`. The keys were generated with
/// openssl for these tests and are used nowhere else.
fn signed_by(kid: &str, claims: &Value) -> String {
    let (algorithm, key) = match kid {
        "rsa" => (Algorithm::RS256, EncodingKey::from_rsa_pem(include_bytes!("../testdata/rsa.pem"))),
        "ec" => (Algorithm::ES256, EncodingKey::from_ec_pem(include_bytes!("../testdata/p256.pem"))),
        "ed" => (Algorithm::EdDSA, EncodingKey::from_ed_pem(include_bytes!("../testdata/ed25519.pem"))),
        "ed-next" => {
            (Algorithm::EdDSA, EncodingKey::from_ed_pem(include_bytes!("../testdata/ed25519-next.pem")))
        }
        _ => unreachable!(),
    };
    encode(&header(algorithm, kid), claims, &key.unwrap()).unwrap()
}

fn header(algorithm: Algorithm, kid: &str) -> Header {
    Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) }
}

/// The public half of the key `kid`.
fn jwk(kid: &str) -> Value {
    let document: Value = serde_json::from_str(include_str!("../testdata/jwks.json")).unwrap();
    document["keys"].as_array().unwrap().iter().find(|key| key["kid"] == kid).unwrap().clone()
}

/// Why a token was rejected. Panics if the reason contains a part of the token.
fn reason(token: &str, outcome: Result<Claims>) -> String {
    match outcome {
        Err(Error::Unauthenticated(reason)) => {
            let mut parts = token.split('.').filter(|part| part.len() > 3);
            assert!(!parts.any(|part| reason.contains(part)), "{reason:?} shows a part of {token:?}");
            reason
        }
        other => panic!("{token:?} gave {other:?}"),
    }
}

/// An identity provider with configurable responses.
#[derive(Clone)]
struct Provider {
    address: String,
    answer: Arc<Mutex<(StatusCode, String)>>,
    requests: Arc<AtomicUsize>,
    asked: Arc<Notify>,
    /// No response is sent while a test holds this lock for writing.
    gate: Arc<RwLock<()>>,
}

impl Provider {
    async fn start(keys: &[Value]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self {
            address: format!("http://{}", listener.local_addr().unwrap()),
            answer: Arc::default(),
            requests: Arc::default(),
            asked: Arc::default(),
            gate: Arc::default(),
        };
        provider.lists(keys).await;
        let router = Router::new()
            .route("/jwks", get(Self::respond))
            .route("/moved", get(async || Redirect::temporary("/jwks")))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    async fn respond(State(provider): State<Self>) -> (StatusCode, String) {
        provider.requests.fetch_add(1, Ordering::SeqCst);
        provider.asked.notify_one();
        let _open = provider.gate.read().await;
        provider.answer.lock().await.clone()
    }

    async fn answers(&self, status: StatusCode, body: impl Into<String>) {
        *self.answer.lock().await = (status, body.into());
    }

    async fn lists(&self, keys: &[Value]) {
        self.answers(StatusCode::OK, json!({ "keys": keys }).to_string()).await;
    }

    fn url(&self) -> String {
        format!("{}/jwks", self.address)
    }

    fn verifier(&self) -> Verifier {
        verifier(TokenKeys::JwksUrl(self.url()))
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}
