//! When keys are fetched from a URL, and what happens when that fails.

use std::time::Duration;

use futures::future::join_all;

use super::super::jwks::{MAX_AGE, MAX_BYTES, MIN_INTERVAL};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn unavailable(outcome: &Result<Claims>) -> bool {
    matches!(outcome, Err(Error::Unavailable(_)))
}

#[tokio::test]
async fn new_keys_are_picked_up_and_removed_keys_are_dropped() {
    let provider = Provider::start(&[jwk("ed")]).await;
    let verifier = provider.verifier();
    let start = Instant::now();
    let (old, new) = (signed_by("ed", &claims()), signed_by("ed-next", &claims()));
    verifier.verify_at(&old, start).await.unwrap();
    provider.lists(&[jwk("ed-next")]).await;
    verifier.verify_at(&old, start + MAX_AGE - SECOND).await.unwrap();
    assert_eq!(provider.requests(), 1);
    verifier.verify_at(&new, start + MAX_AGE - SECOND).await.unwrap();
    assert_eq!(provider.requests(), 2);
    reason(&old, verifier.verify_at(&old, start + MAX_AGE).await);
}

#[tokio::test]
async fn keys_are_fetched_again_after_an_hour() {
    let provider = Provider::start(&["ed", "rsa"].map(jwk)).await;
    let verifier = provider.verifier();
    let start = Instant::now();
    let revoked = signed_by("ed", &claims());
    verifier.verify_at(&revoked, start).await.unwrap();
    provider.lists(&[jwk("rsa")]).await;
    reason(&revoked, verifier.verify_at(&revoked, start + MAX_AGE).await);
    assert_eq!(provider.requests(), 2);
    // A document without keys is not a failure either: it may be meant to revoke them all.
    provider.lists(&[]).await;
    let last = signed_by("rsa", &claims());
    verifier.verify_at(&last, start + 2 * MAX_AGE - SECOND).await.unwrap();
    reason(&last, verifier.verify_at(&last, start + 2 * MAX_AGE).await);
}

#[tokio::test]
async fn unknown_key_ids_do_not_flood_the_provider() {
    let provider = Provider::start(&[jwk("ed")]).await;
    let verifier = provider.verifier();
    let start = Instant::now();
    let (good, unknown) = (signed_by("ed", &claims()), signed_by("ed-next", &claims()));
    verifier.verify_at(&good, start).await.unwrap();
    for seconds in [0, 1, 29] {
        reason(&unknown, verifier.verify_at(&unknown, start + seconds * SECOND).await);
    }
    assert_eq!(provider.requests(), 1);
    for _ in 0..10 {
        reason(&unknown, verifier.verify_at(&unknown, start + MIN_INTERVAL).await);
    }
    assert_eq!(provider.requests(), 2);
    verifier.verify_at(&good, start + MIN_INTERVAL).await.unwrap();
    assert_eq!(provider.requests(), 2);
}

#[tokio::test]
async fn without_keys_the_service_is_unavailable() {
    let provider = Provider::start(&[]).await;
    provider.answers(StatusCode::INTERNAL_SERVER_ERROR, "").await;
    let verifier = provider.verifier();
    let start = Instant::now();
    let token = signed_by("ed", &claims());
    // Retried after a second, as the caller is told: there are no old keys to use meanwhile.
    for _ in 0..10 {
        assert!(unavailable(&verifier.verify_at(&token, start).await));
    }
    assert_eq!(provider.requests(), 1);
    provider.lists(&[jwk("ed")]).await;
    verifier.verify_at(&token, start + SECOND).await.unwrap();
    assert_eq!(provider.requests(), 2);
}

#[tokio::test]
async fn old_keys_are_kept_while_the_provider_is_down() {
    let provider = Provider::start(&[jwk("ed")]).await;
    let verifier = provider.verifier();
    let start = Instant::now();
    let token = signed_by("ed", &claims());
    verifier.verify_at(&token, start).await.unwrap();
    let too_much = "x".repeat(MAX_BYTES + 1);
    let failures = [
        (StatusCode::SERVICE_UNAVAILABLE, r#"{"keys":[]}"#),
        (StatusCode::NO_CONTENT, ""),
        (StatusCode::OK, "<html>Down for maintenance</html>"),
        (StatusCode::OK, "{}"),
        (StatusCode::OK, &too_much),
    ];
    for (round, (status, body)) in (0..).zip(failures) {
        provider.answers(status, body).await;
        let later = start + MAX_AGE + round * MIN_INTERVAL;
        verifier.verify_at(&token, later).await.unwrap();
        verifier.verify_at(&token, later + MIN_INTERVAL - SECOND).await.unwrap();
        assert_eq!(provider.requests(), 2 + usize::try_from(round).unwrap());
        // An unknown key stays unknown and does not cause another fetch.
        let unknown = signed_by("ed-next", &claims());
        reason(&unknown, verifier.verify_at(&unknown, later + SECOND).await);
    }
    assert_eq!(provider.requests(), 6);
}

#[tokio::test]
async fn documents_over_the_size_limit_are_rejected() {
    let provider = Provider::start(&[]).await;
    let token = signed_by("ed", &claims());
    let document = json!({ "keys": [jwk("ed")] }).to_string();
    let greatest = document.clone() + &" ".repeat(MAX_BYTES - document.len());
    provider.answers(StatusCode::OK, greatest.clone()).await;
    provider.verifier().verify(&token).await.unwrap();
    provider.answers(StatusCode::OK, greatest + " ").await;
    assert!(unavailable(&provider.verifier().verify(&token).await));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let provider = Provider::start(&[jwk("ed")]).await;
    let verifier = verifier(TokenKeys::JwksUrl(format!("{}/moved", provider.address)));
    assert!(unavailable(&verifier.verify(&signed_by("ed", &claims())).await));
    assert_eq!(provider.requests(), 0);
}

#[tokio::test]
async fn a_fetch_times_out() {
    let provider = Provider::start(&[jwk("ed")]).await;
    let _closed = provider.gate.write().await;
    let jwks = Jwks::new(provider.url().parse().unwrap(), Duration::from_millis(20)).unwrap();
    assert!(matches!(jwks.key(Some("ed"), Instant::now()).await, Err(Error::Unavailable(_))));
}

#[tokio::test]
async fn an_unreachable_provider_makes_the_service_unavailable() {
    // Bound and closed again, so nobody listens on this port.
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let verifier = verifier(TokenKeys::JwksUrl(format!("http://127.0.0.1:{port}/jwks")));
    assert!(unavailable(&verifier.verify(&signed_by("ed", &claims())).await));
}

#[tokio::test]
async fn concurrent_requests_share_one_fetch() {
    let provider = Provider::start(&[jwk("ed")]).await;
    let verifier = provider.verifier();
    let token = signed_by("ed", &claims());
    // With the clock that `verify` itself reads, so that some calls start after the fetch.
    for outcome in join_all((0..100).map(|_| verifier.verify(&token))).await {
        outcome.unwrap();
    }
    assert_eq!(provider.requests(), 1);
}

#[tokio::test]
async fn requests_with_an_old_key_do_not_wait_for_a_fetch() {
    let provider = Provider::start(&[jwk("ed")]).await;
    let verifier = Arc::new(provider.verifier());
    let token = signed_by("ed", &claims());
    let later = Instant::now() + MAX_AGE + SECOND;
    verifier.verify(&token).await.unwrap();
    provider.asked.notified().await;

    let closed = provider.gate.clone().write_owned().await;
    let first = tokio::spawn({
        let (verifier, token) = (verifier.clone(), token.clone());
        async move { verifier.verify_at(&token, later).await }
    });
    provider.asked.notified().await;
    verifier.verify_at(&token, later).await.unwrap();
    assert!(!first.is_finished());
    drop(closed);
    first.await.unwrap().unwrap();
    assert_eq!(provider.requests(), 2);
}

#[test]
fn an_invalid_url_is_an_error_at_start_up() {
    let config = AuthConfig {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        keys: TokenKeys::JwksUrl("https://".to_owned()),
        claims: ClaimNames::default(),
    };
    assert!(matches!(Verifier::new(&config), Err(VerifierError::Url(_))));
}
