//! Which keys of a JWKS document are used, and for which tokens.

use super::*;

#[tokio::test]
async fn every_supported_algorithm_is_verified() {
    let provider = Provider::start(&["rsa", "ec", "ed"].map(jwk)).await;
    let verifier = provider.verifier();
    for kid in ["rsa", "ec", "ed"] {
        assert_eq!(verifier.verify(&signed_by(kid, &claims())).await.unwrap().subject, "user-1");
        let token = signed_by(kid, &claims_with("aud", json!("other")));
        assert_eq!(reason(&token, verifier.verify(&token).await), "the audience is not the configured one");
    }
    assert_eq!(provider.requests(), 1);
}

#[tokio::test]
async fn the_only_key_of_a_set_verifies_tokens_that_name_no_key() {
    let mut only = jwk("ed");
    let no_kid = |key| encode(&Header::new(Algorithm::EdDSA), &claims(), &key).unwrap();
    let own = no_kid(EncodingKey::from_ed_pem(include_bytes!("../testdata/ed25519.pem")).unwrap());
    let next = no_kid(EncodingKey::from_ed_pem(include_bytes!("../testdata/ed25519-next.pem")).unwrap());
    for has_kid in [true, false] {
        if !has_kid {
            only.as_object_mut().unwrap().remove("kid");
        }
        let provider = Provider::start(&[only.clone()]).await;
        let verifier = provider.verifier();
        assert_eq!(verifier.verify(&own).await.unwrap().subject, "user-1");
        assert_eq!(reason(&next, verifier.verify(&next).await), "the signature is wrong");
    }
}

#[tokio::test]
async fn a_token_must_be_signed_with_the_key_it_names() {
    let provider = Provider::start(&["rsa", "ec", "ed"].map(jwk)).await;
    let verifier = provider.verifier();
    let next = EncodingKey::from_ed_pem(include_bytes!("../testdata/ed25519-next.pem")).unwrap();
    let no_kid = encode(&Header::new(Algorithm::EdDSA), &claims(), &next).unwrap();
    assert_eq!(reason(&no_kid, verifier.verify(&no_kid).await), "no kid, and there is not exactly one key");
    assert_eq!(provider.requests(), 1);
    let forged = encode(&header(Algorithm::EdDSA, "ed"), &claims(), &next).unwrap();
    assert_eq!(reason(&forged, verifier.verify(&forged).await), "the signature is wrong");
    let wrong_kind = encode(&header(Algorithm::EdDSA, "rsa"), &claims(), &next).unwrap();
    assert_eq!(reason(&wrong_kind, verifier.verify(&wrong_kind).await), "the algorithm is not the key's");
}

#[tokio::test]
async fn a_public_key_is_not_accepted_as_an_hmac_secret() {
    let provider = Provider::start(&["rsa", "ec", "ed"].map(jwk)).await;
    let verifier = provider.verifier();
    let pem = include_str!("../testdata/rsa.pub.pem");
    let document = json!({ "keys": [jwk("rsa")] }).to_string();
    let modulus = jwk("rsa")["n"].as_str().unwrap().to_owned();
    for public in [pem, pem.trim_end(), &document, &modulus] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let key = EncodingKey::from_secret(public.as_bytes());
            let token = encode(&header(algorithm, "rsa"), &claims(), &key).unwrap();
            assert_eq!(reason(&token, verifier.verify(&token).await), "the algorithm is not the key's");
        }
    }
}

#[tokio::test]
async fn another_algorithm_for_the_same_key_is_rejected() {
    let provider = Provider::start(&[jwk("rsa")]).await;
    let key = EncodingKey::from_rsa_pem(include_bytes!("../testdata/rsa.pem")).unwrap();
    for algorithm in [Algorithm::RS384, Algorithm::RS512, Algorithm::PS256] {
        let token = encode(&header(algorithm, "rsa"), &claims(), &key).unwrap();
        assert_eq!(
            reason(&token, provider.verifier().verify(&token).await),
            "the algorithm is not the key's"
        );
    }
}

#[tokio::test]
async fn an_unusable_key_does_not_affect_the_others() {
    let with = |kid: &str, name: &str, value: Value| {
        let mut key = jwk(kid);
        key[name] = value;
        key
    };
    let unusable = [
        with("ed", "use", json!("enc")),
        with("ed", "key_ops", json!(["encrypt"])),
        with("ed", "key_ops", json!("verify")),
        with("ed", "alg", json!("ES256")),
        with("ed", "alg", json!("HS256")),
        with("ed", "crv", json!("Ed448")),
        with("ed", "crv", Value::Null),
        with("ed", "kty", json!("AKP")),
        with("ed", "x", json!("AAAA")),
        with("ed", "x", json!("not base64url!")),
        with("ed", "x", Value::Null),
        with("ed", "kid", Value::Null),
        with("ed", "kid", json!(1)),
        json!({ "kid": "ed" }),
        json!("ed"),
        Value::Null,
    ];
    let token = signed_by("ed", &claims());
    for key in unusable {
        let provider = Provider::start(&[key.clone(), jwk("rsa")]).await;
        let verifier = provider.verifier();
        assert_eq!(
            reason(&token, verifier.verify(&token).await),
            "no usable key has the token's kid",
            "with {key}"
        );
        verifier.verify(&signed_by("rsa", &claims())).await.unwrap();
    }
    for key in [
        with("rsa", "alg", json!("RS512")),
        with("rsa", "n", json!("uRQ5Zw")),
        with("ec", "crv", json!("P-384")),
        with("ec", "x", json!("AAAA")),
        with("ec", "y", Value::Null),
    ] {
        let provider = Provider::start(std::slice::from_ref(&key)).await;
        let token = signed_by(key["kid"].as_str().unwrap(), &claims());
        let why = reason(&token, provider.verifier().verify(&token).await);
        assert_eq!(why, "no usable key has the token's kid", "with {key}");
    }
}

#[tokio::test]
async fn symmetric_keys_in_a_jwks_document_are_never_used() {
    for alg in [json!("HS256"), Value::Null] {
        // "c2VjcmV0" is "secret".
        let provider =
            Provider::start(&[json!({ "kid": "k", "kty": "oct", "k": "c2VjcmV0", "alg": alg })]).await;
        let key = EncodingKey::from_secret(b"secret");
        let token = encode(&header(Algorithm::HS256, "k"), &claims(), &key).unwrap();
        let why = reason(&token, provider.verifier().verify(&token).await);
        assert_eq!(why, "no usable key has the token's kid");
    }
}

#[tokio::test]
async fn the_first_of_two_keys_with_the_same_kid_is_used() {
    let mut second = jwk("ed-next");
    second["kid"] = json!("ed");
    let provider = Provider::start(&[jwk("ed"), second]).await;
    provider.verifier().verify(&signed_by("ed", &claims())).await.unwrap();
}
