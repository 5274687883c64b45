//! Which tokens are valid, apart from where their keys come from.

use futures::FutureExt;

use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

fn secret() -> Verifier {
    verifier(shared_secret())
}

async fn accept(token: &str) -> Claims {
    secret().verify(token).await.unwrap()
}

async fn refuse(token: &str) -> String {
    reason(token, secret().verify(token).await)
}

#[tokio::test]
async fn a_valid_token_gives_organization_subject_and_scopes() {
    let expected = Claims {
        org: OrgId::new("acme").unwrap(),
        subject: "user-1".to_owned(),
        scopes: BTreeSet::from([Scope::MetricsRead, Scope::CostsRead]),
    };
    assert_eq!(accept(&hs256(&claims())).await, expected);
    let issued_at = i64::try_from(now()).unwrap();
    let ours = NewToken {
        issuer: ISSUER.to_owned(),
        audience: AUDIENCE.to_owned(),
        subject: "user-1".to_owned(),
        org: "acme".to_owned(),
        scope: "costs:read metrics:read".to_owned(),
        issued_at,
        expires_at: issued_at + 600,
    };
    assert_eq!(accept(&sign(SECRET, &ours).unwrap()).await, expected);
}

#[tokio::test]
async fn unknown_scopes_are_ignored() {
    for (scope, expected) in [
        (json!("openid events:write  EVENTS:READ events:write"), vec![Scope::EventsWrite]),
        (json!("metrics:read,costs:read"), vec![]),
        (json!(""), vec![]),
        (Value::Null, vec![]),
    ] {
        let claims = accept(&hs256(&claims_with("scope", scope))).await;
        assert_eq!(claims.scopes, expected.into_iter().collect());
    }
    let mut none = claims();
    none.as_object_mut().unwrap().remove("scope");
    assert!(accept(&hs256(&none)).await.scopes.is_empty());
    for odd in [json!(1), json!({}), json!(true)] {
        refuse(&hs256(&claims_with("scope", odd))).await;
    }
}

#[tokio::test]
async fn scopes_are_text_or_a_list_under_the_name_and_prefix_of_the_provider() {
    let read = async |names: ClaimNames, more: Value| {
        let mut all = claims();
        all.as_object_mut().unwrap().remove("scope");
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let config = AuthConfig { claims: names, ..config(shared_secret()) };
        let claims = Verifier::new(&config).unwrap().verify(&hs256(&all)).await.unwrap();
        (claims.org.to_string(), claims.scopes.into_iter().map(Scope::as_str).collect::<Vec<_>>().join(" "))
    };
    let names = |org: &str, scope: Option<&str>, prefix: &str| ClaimNames {
        org: org.to_owned(),
        scope: scope.map(str::to_owned),
        scope_prefix: prefix.to_owned(),
    };
    let plain = || names("org", None, "");
    let acme = |scopes: &str| ("acme".to_owned(), scopes.to_owned());
    assert_eq!(read(plain(), json!({ "scope": ["metrics:read", 1, "x"] })).await, acme("metrics:read"));
    // Microsoft and Okta.
    assert_eq!(read(plain(), json!({ "scp": "costs:read" })).await, acme("costs:read"));
    assert_eq!(read(plain(), json!({ "scp": ["costs:read"] })).await, acme("costs:read"));
    assert_eq!(read(plain(), json!({ "scope": "", "scp": "costs:read" })).await, acme(""));
    // Auth0.
    let auth0 = names("org_id", Some("permissions"), "");
    let more = json!({ "org_id": "o1", "permissions": ["costs:read"], "scope": "metrics:read" });
    assert_eq!(read(auth0, more).await, ("o1".to_owned(), "costs:read".to_owned()));
    // Cognito.
    let more = json!({ "scope": "fleetledger/costs:read other/metrics:read metrics:read" });
    assert_eq!(read(names("org", None, "fleetledger/"), more).await, acme("costs:read"));
}

#[tokio::test]
async fn every_required_claim_is_required() {
    for name in ["exp", "iss", "aud", "sub", "org"] {
        let mut without = claims();
        without.as_object_mut().unwrap().remove(name);
        let why = refuse(&hs256(&without)).await;
        assert!(why.contains(name), "{name}: {why}");
        for wrong in [Value::Null, json!(""), json!(true), json!({}), json!([]), json!("x y")] {
            if (name, &wrong) != ("sub", &json!("x y")) {
                refuse(&hs256(&claims_with(name, wrong))).await;
            }
        }
    }
}

#[tokio::test]
async fn the_organization_must_be_an_identifier() {
    for org in ["acme#1", "acme corp", "é", &"a".repeat(129)] {
        assert_eq!(
            refuse(&hs256(&claims_with("org", json!(org)))).await,
            "the org claim is not an identifier"
        );
    }
    accept(&hs256(&claims_with("org", json!("a".repeat(128))))).await;
}

#[tokio::test]
async fn token_times_are_checked_with_leeway() {
    // Chosen so that a slow run does not change an outcome.
    accept(&hs256(&claims_with("exp", json!(now() - 5)))).await;
    accept(&hs256(&claims_with("nbf", json!(now() + 25)))).await;
    for exp in [json!(now() - 31), json!(0), json!(-1), json!((now() + 600).to_string())] {
        refuse(&hs256(&claims_with("exp", exp))).await;
    }
    for nbf in [json!(now() + 600), json!(u64::MAX), json!(-1), json!("now")] {
        refuse(&hs256(&claims_with("nbf", nbf))).await;
    }
}

#[tokio::test]
async fn issuer_and_audience_must_match_exactly() {
    for iss in [json!("https://id.test/"), json!("https://ID.test"), json!([ISSUER])] {
        refuse(&hs256(&claims_with("iss", iss))).await;
    }
    for aud in [json!("fleetledger "), json!("other"), json!(["other"]), json!([AUDIENCE, 1])] {
        refuse(&hs256(&claims_with("aud", aud))).await;
    }
    accept(&hs256(&claims_with("aud", json!(["other", AUDIENCE])))).await;
}

#[tokio::test]
async fn only_hs256_with_the_configured_secret_is_accepted() {
    let other = EncodingKey::from_secret(b"another secret, of 32 bytes or more");
    assert_eq!(
        refuse(&encode(&Header::default(), &claims(), &other).unwrap()).await,
        "the signature is wrong"
    );
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let token = encode(&Header::new(algorithm), &claims(), &EncodingKey::from_secret(SECRET)).unwrap();
        assert_eq!(refuse(&token).await, "the algorithm is not the key's");
    }
    for kid in ["rsa", "ec", "ed"] {
        assert_eq!(refuse(&signed_by(kid, &claims())).await, "the algorithm is not the key's");
    }
}

#[tokio::test]
async fn unsigned_tokens_are_rejected() {
    let payload = URL_SAFE_NO_PAD.encode(claims().to_string());
    let signature = hs256(&claims()).rsplit('.').next().unwrap().to_owned();
    for algorithm in ["none", "None", "NONE", ""] {
        let header = URL_SAFE_NO_PAD.encode(json!({ "alg": algorithm, "typ": "JWT" }).to_string());
        for signature in ["", &signature] {
            assert_eq!(refuse(&format!("{header}.{payload}.{signature}")).await, "malformed");
        }
    }
}

#[tokio::test]
async fn modified_tokens_are_rejected() {
    let token = hs256(&claims());
    let parts: Vec<_> = token.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let richer = URL_SAFE_NO_PAD.encode(claims_with("org", json!("rival")).to_string());
    for changed in [
        format!("{header}.{richer}.{signature}"),
        format!("{header}.{payload}."),
        format!("{header}.{payload}.{}", &signature[..42]),
        format!("{header}.{payload}.{signature}A"),
        format!("{header}.{payload}.{signature}="),
        format!("{header}.{payload}.{signature}.{signature}"),
        format!("{header}..{signature}"),
        format!(".{payload}.{signature}"),
        format!("{header}.{payload}"),
        format!(" {token}"),
    ] {
        refuse(&changed).await;
    }
    for garbage in ["", ".", "..", "...", "a.b.c", "é.é.é", "e30.e30.e30", "\0.\0.\0", "bnVsbA.bnVsbA.bnVsbA"]
    {
        refuse(garbage).await;
    }
}

#[tokio::test]
async fn critical_header_extensions_are_rejected() {
    let header = Header { crit: Some(vec!["b64".to_owned()]), ..Header::default() };
    let token = encode(&header, &claims(), &EncodingKey::from_secret(SECRET)).unwrap();
    assert_eq!(refuse(&token).await, "a critical header extension");
}

#[tokio::test]
async fn tokens_over_the_length_limit_are_rejected() {
    let padded = |bytes: usize| hs256(&claims_with("sub", json!("x".repeat(bytes))));
    let fits = (5800..6100).map(padded).take_while(|token| token.len() <= MAX_TOKEN_BYTES).last().unwrap();
    accept(&fits).await;
    assert!(fits.len() > MAX_TOKEN_BYTES - 4);
    assert_eq!(refuse(&format!("{fits}xxxx")).await, "longer than a token may be");
}

#[tokio::test]
async fn without_keys_every_token_is_rejected() {
    let token = hs256(&claims());
    assert_eq!(reason(&token, Verifier::without_keys().verify(&token).await), "no keys to verify it with");
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_now_is_no_fault_of_the_token() {
    let fetches = Arc::new(AtomicUsize::new(0));
    let fetch = move || {
        // The one at the start, and the one that repeats it.
        let fails = fetches.fetch_add(1, Ordering::Relaxed) < 2;
        let secret = String::from_utf8(SECRET.to_vec()).unwrap();
        let outcome = if fails { Err("throttled".to_owned()) } else { Ok(secret) };
        async move { outcome }.boxed()
    };
    let verifier = verifier(TokenKeys::Secret(Secret::fetched_by("AUTH_HS256_SECRET_ARN", fetch)));
    let token = hs256(&claims());
    assert!(matches!(verifier.verify(&token).await, Err(Error::Unavailable(_))));
    assert_eq!(verifier.verify(&token).await.unwrap().org.as_str(), "acme");
}
