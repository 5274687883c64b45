//! `--jwks`: the stack accepts tokens of an identity provider on this machine, and follows a rotation of its keys.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode, get_current_timestamp};
use serde_json::{Value, json};
use support::Stack;

const JWKS: &str = include_str!("../../../shared/web/src/auth/testdata/jwks.json");

/// The keys that the provider lists, by the ids in `jwks.json`.
type Listed = Arc<Mutex<Vec<&'static str>>>;

/// A provider that lists some of the keys in `jwks.json`. Returns the URL of its key set.
fn provider(listed: Listed) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            BufReader::new(&connection).lines().map_while(Result::ok).find(String::is_empty);
            let all: Value = serde_json::from_str(JWKS).unwrap();
            let mut keys = all["keys"].as_array().unwrap().clone();
            keys.retain(|key| listed.lock().unwrap().iter().any(|kid| key["kid"] == *kid));
            let body = json!({ "keys": keys }).to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = connection.write_all((head + &body).as_bytes());
        }
    });
    url
}

fn token(kid: &str) -> String {
    let pem = |name: &str| std::fs::read(format!("../../shared/web/src/auth/testdata/{name}.pem")).unwrap();
    let (algorithm, key) = match kid {
        "rsa" => (Algorithm::RS256, EncodingKey::from_rsa_pem(&pem("rsa"))),
        "ec" => (Algorithm::ES256, EncodingKey::from_ec_pem(&pem("p256"))),
        "ed" => (Algorithm::EdDSA, EncodingKey::from_ed_pem(&pem("ed25519"))),
        _ => (Algorithm::EdDSA, EncodingKey::from_ed_pem(&pem("ed25519-next"))),
    };
    let now = get_current_timestamp();
    let claims = json!({
        "iss": "https://id.test", "aud": "fleetledger", "sub": "me", "org_id": "acme", "exp": now + 600,
        "permissions": ["metrics:read"],
    });
    encode(&Header { kid: Some(kid.to_owned()), ..Header::new(algorithm) }, &claims, &key.unwrap()).unwrap()
}

async fn status(stack: &Stack, token: &str) -> u16 {
    let url = format!("{}/v1/metrics/summary", stack.url);
    let response = reqwest::Client::new().get(url).bearer_auth(token).send().await.unwrap();
    response.status().as_u16()
}

#[tokio::test]
async fn tokens_of_a_provider_are_taken_and_a_new_key_is_honored() {
    let listed = Listed::new(Mutex::new(vec!["rsa", "ec", "ed"]));
    let jwks = provider(listed.clone());
    let data = tempfile::tempdir().unwrap();
    let arguments = [
        "--jwks",
        &jwks,
        "--issuer",
        "https://id.test",
        "--org-claim",
        "org_id",
        "--scope-claim",
        "permissions",
    ];
    let stack = Stack::start_with(data.path(), &arguments);
    for kid in ["rsa", "ec", "ed"] {
        assert_eq!(status(&stack, &token(kid)).await, 200, "{kid}");
    }
    assert_eq!(status(&stack, &support::token("acme")).await, 401, "the stack's own secret");
    assert_eq!(status(&stack, &token("ed-next")).await, 401);

    *listed.lock().unwrap() = vec!["ed-next"];
    let rotated = Instant::now();
    while status(&stack, &token("ed-next")).await != 200 {
        assert!(rotated.elapsed() < Duration::from_mins(1), "the new key is not honored");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(status(&stack, &token("rsa")).await, 401, "the old key");
}
