use std::collections::BTreeMap;

use super::*;

const LONG: &str = "a secret for tests, of 32 bytes or more";

fn read(pairs: &[(&str, &str)]) -> Result<AuthConfig, ConfigError> {
    let given: BTreeMap<_, _> = pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    auth_from(&|name| given.get(name).cloned())
}

#[test]
fn an_error_names_its_variable() {
    let base = [("AUTH_ISSUER", "i"), ("AUTH_AUDIENCE", "a")];
    let name = |more: &[(&str, &str)]| {
        let all: Vec<_> = base.iter().chain(more).copied().collect();
        read(&all).err().map(|error| error.name)
    };
    assert_eq!(name(&[]), Some("AUTH_JWKS_URL"));
    assert_eq!(name(&[("AUTH_HS256_SECRET", &"x".repeat(31))]), Some("AUTH_HS256_SECRET"));
    assert_eq!(name(&[("AUTH_HS256_SECRET", &"x".repeat(32))]), None);
    assert_eq!(name(&[("AUTH_JWKS_URL", "http://id.example/jwks")]), Some("AUTH_JWKS_URL"));
    assert_eq!(name(&[("AUTH_JWKS_URL", "https://id.example/jwks")]), None);
    assert_eq!(
        read(&[("AUTH_HS256_SECRET", &"x".repeat(32)), ("AUTH_ISSUER", "i")]).err().map(|error| error.name),
        Some("AUTH_AUDIENCE")
    );
}

#[test]
fn a_secret_is_set_directly_or_by_arn_but_not_both() {
    let of = |pairs: &'static [(&str, &str)]| {
        let variable =
            |name: &str| pairs.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        let mut asked = None;
        let found = secret(&variable, "CURSOR_SECRET", |name, arn| {
            asked = Some((name, arn));
            Secret::given(name, b"fetched")
        });
        (found.map(|found| found.is_some()).map_err(|error| (error.name, error.problem)), asked)
    };
    let both = "is set, and so is the variable with its ARN";
    assert_eq!(of(&[("AUTH_HS256_SECRET_ARN", "there")]), (Ok(false), None));
    assert_eq!(of(&[("CURSOR_SECRET", LONG)]), (Ok(true), None));
    let arn = Some(("CURSOR_SECRET_ARN", "here".to_owned()));
    assert_eq!(of(&[("CURSOR_SECRET_ARN", "here")]), (Ok(true), arn));
    let set_twice = of(&[("CURSOR_SECRET_ARN", "here"), ("CURSOR_SECRET", LONG)]);
    assert_eq!(set_twice, (Err(("CURSOR_SECRET", both)), None));
    assert_eq!(
        of(&[("CURSOR_SECRET", "short")]),
        (Err(("CURSOR_SECRET", "must have 32 bytes or more")), None)
    );
}

#[test]
fn retention_is_at_least_70_days() {
    let days = |text: &str| {
        let text = text.to_owned();
        config_from(&move |name| match name {
            "EVENT_RETENTION_DAYS" => Some(text.clone()),
            _ => None,
        })
        .map(|config| config.event_retention_days)
        .ok()
    };
    assert_eq!(days("69"), None);
    assert_eq!(days("70"), Some(70));
    assert_eq!(days("x"), None);
}

#[test]
fn a_missing_cursor_secret_fails_only_on_use() {
    let config = config_from(&|_| None).unwrap();
    assert_eq!(config.cursor_secret().unwrap_err().name, "CURSOR_SECRET");
}

#[test]
fn only_standard_topics_are_accepted_and_no_variable_allows_local_webhooks() {
    let config = |arn: &str| {
        let arn = arn.to_owned();
        config_from(&move |name| match name {
            "ALERTS_TOPIC_ARN" => Some(arn.clone()).filter(|arn| !arn.is_empty()),
            _ => Some("true".to_owned()).filter(|_| name.contains("LOCAL")),
        })
    };
    let topic = "arn:aws:sns:eu-west-1:123456789012:alerts";
    assert_eq!(config(topic).unwrap().alerts_topic_arn.as_deref(), Some(topic));
    assert_eq!(config("").unwrap().alerts_topic_arn, None);
    for bad in ["alerts", "arn:aws:sqs:eu-west-1:123456789012:alerts", &format!("{topic}.fifo")] {
        assert_eq!(config(bad).err().map(|error| error.name), Some("ALERTS_TOPIC_ARN"), "{bad}");
    }
    assert!(!config("").unwrap().allow_local_webhooks);
}

#[test]
fn the_console_signs_in_at_an_issuer_with_a_url_or_not_at_all() {
    let sign_in = |pairs: &[(&'static str, &'static str)]| {
        let given: BTreeMap<_, _> = pairs.iter().copied().collect();
        sign_in_from(&move |name| given.get(name).map(|value| (*value).to_owned()))
    };
    let name = |pairs: &[_]| sign_in(pairs).err().map(|error| error.name);
    let client = ("CONSOLE_CLIENT_ID", "console");
    assert_eq!(sign_in(&[("AUTH_ISSUER", "fleetledger"), ("AUTH_AUDIENCE", "a")]).unwrap(), None);
    assert_eq!(name(&[client, ("AUTH_ISSUER", "fleetledger"), ("AUTH_AUDIENCE", "a")]), Some("AUTH_ISSUER"));
    assert_eq!(name(&[client, ("AUTH_ISSUER", "https://id.example/")]), Some("AUTH_AUDIENCE"));
    let all = [
        client,
        ("AUTH_ISSUER", "https://id.example/"),
        ("AUTH_AUDIENCE", "a"),
        ("AUTH_ORG_CLAIM", "org_id"),
    ];
    let found = sign_in(&all).unwrap().unwrap();
    assert_eq!((found.issuer.as_str(), found.claims.org.as_str()), ("https://id.example/", "org_id"));
    assert_eq!((found.scope, found.token_origin), (None, None));
}
