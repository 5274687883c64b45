//! The console's page and files, as the gateway delivers them. What the page does is tested in a browser, see
//! `browser/`.

use std::io::Read;

use axum::body::Bytes;
use flate2::read::GzDecoder;
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::Value;

use crate::support::World;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(Method::GET).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, body) = world.stack.call(request.body(Bytes::new()).unwrap()).await.into_parts();
    Answer { status: parts.status, headers: parts.headers, body }
}

/// The addresses of the files that the page loads.
fn loaded(page: &str) -> Vec<String> {
    let attributes = page.split(['"', '\'']).filter(|text| text.starts_with("/console/assets/"));
    attributes.map(str::to_owned).collect()
}

#[tokio::test]
async fn every_view_has_the_page_with_a_strict_policy() {
    let world = World::new().await;
    let page = get(&world, "/", &[]).await;
    for path in ["/", "/console", "/console/overview", "/console/agents", "/console/no/such/view"] {
        let answer = get(&world, path, &[]).await;
        assert_eq!((answer.status, &answer.body), (StatusCode::OK, &page.body), "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "no-cache");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        let policy = answer.header("content-security-policy");
        for part in
            ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"]
        {
            assert!(policy.split("; ").any(|one| one == part), "{part}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}

#[tokio::test]
async fn the_files_of_the_page_are_there_and_cached_forever() {
    let world = World::new().await;
    let page = get(&world, "/console", &[]).await;
    let files = loaded(page.text());
    assert!(files.len() >= 4, "{files:?}");
    for path in files {
        let answer = get(&world, &path, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable", "{path}");
        // Another release's page may still ask for it; then nobody may keep it under that name.
        let (_, name) = path.trim_start_matches("/console/assets/").split_once('/').unwrap();
        let other = get(&world, &format!("/console/assets/other/{name}"), &[]).await;
        assert_eq!(
            (other.status, other.header("cache-control"), &other.body),
            (StatusCode::OK, "no-cache", &answer.body)
        );
    }
    for path in ["/console/assets/x/none.js", "/console/assets/x", "/console/assets/x/../index.html"] {
        let answer = get(&world, path, &[]).await;
        assert_eq!(
            (answer.status, answer.text()),
            (StatusCode::NOT_FOUND, r#"{"detail":"Not Found"}"#),
            "{path}"
        );
    }
}

#[tokio::test]
async fn files_come_compressed_and_only_if_they_have_changed() {
    let world = World::new().await;
    let plain = get(&world, "/console", &[]).await;
    let gzip = get(&world, "/console", &[("accept-encoding", "gzip")]).await;
    assert_eq!((gzip.header("content-encoding"), gzip.header("vary")), ("gzip", "accept-encoding"));
    let mut unpacked = Vec::new();
    GzDecoder::new(&*gzip.body).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    let brotli = get(&world, "/console", &[("accept-encoding", "gzip, deflate, br, zstd")]).await;
    assert_eq!(brotli.header("content-encoding"), "br");
    assert!(brotli.body.len() < gzip.body.len());

    for (answer, encoding) in [(&plain, "identity"), (&gzip, "gzip"), (&brotli, "br")] {
        let tag = answer.header("etag");
        for known in [tag.to_owned(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let headers = [("accept-encoding", encoding), ("if-none-match", &known)];
            let again = get(&world, "/console", &headers).await;
            assert_eq!(
                (again.status, again.header("etag"), again.body.len()),
                (StatusCode::NOT_MODIFIED, tag, 0)
            );
        }
        let other =
            get(&world, "/console", &[("accept-encoding", encoding), ("if-none-match", "\"x\"")]).await;
        assert_eq!(other.status, StatusCode::OK);
    }
    assert_ne!(plain.header("etag"), gzip.header("etag"));
}

#[tokio::test]
async fn the_settings_say_how_to_sign_in_and_nothing_else() {
    let world = World::new().await;
    let answer = get(&world, "/console/settings.json", &[]).await;
    assert_eq!((answer.status, answer.header("cache-control")), (StatusCode::OK, "no-store"));
    let settings: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(settings, serde_json::json!({ "version": env!("CARGO_PKG_VERSION"), "signIn": null }));
}
