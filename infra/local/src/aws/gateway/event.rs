//! Converts HTTP requests to API Gateway's events and functions' responses back to HTTP: payload format 2.0.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::body::Bytes;
use axum::extract::ConnectInfo;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, SET_COOKIE, TRANSFER_ENCODING, USER_AGENT,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

/// What the gateway knows about a request beyond the request itself.
pub struct RequestInfo {
    /// The key of the matching route.
    pub route_key: String,
    /// The decoded path.
    pub path: String,
    /// The decoded parameters of the route.
    pub path_parameters: BTreeMap<String, String>,
    pub id: String,
    pub time: DateTime<Utc>,
}

pub fn event(parts: &Parts, body: &Bytes, info: &RequestInfo) -> Value {
    let (body, is_base64) = payload(&parts.headers, body);
    // API Gateway decodes the path but passes the query on as it was sent.
    let path = &info.path;
    let query = parts.uri.query().unwrap_or_default();
    let headers = headers(parts);
    let mut event = json!({
        "version": "2.0",
        "routeKey": info.route_key,
        "rawPath": path,
        "rawQueryString": query,
        "requestContext": context(parts, path, info),
        "isBase64Encoded": is_base64,
    });
    // Empty fields are left out.
    let mut optional = |name: &str, value: Value| {
        if value.as_object().is_none_or(|fields| !fields.is_empty()) && !value.is_null() {
            event[name] = value;
        }
    };
    optional("headers", json!(headers));
    optional("queryStringParameters", json!(query_parameters(query)));
    optional("pathParameters", json!(info.path_parameters));
    optional("cookies", json!(cookies(&parts.headers)));
    optional("body", json!(body));
    event
}

fn context(parts: &Parts, path: &str, info: &RequestInfo) -> Value {
    let host = host(parts);
    json!({
        "accountId": "000000000000",
        "apiId": "local",
        "domainName": host,
        "domainPrefix": host.split('.').next(),
        "http": {
            "method": parts.method.as_str(),
            "path": path,
            "protocol": format!("{:?}", parts.version),
            "sourceIp": source(parts),
            "userAgent": parts.headers.get(USER_AGENT).map_or_else(Default::default, text),
        },
        "requestId": info.id,
        "routeKey": info.route_key,
        "stage": "$default",
        "time": info.time.format("%d/%b/%Y:%H:%M:%S +0000").to_string(),
        "timeEpoch": info.time.timestamp_millis(),
    })
}

pub fn host(parts: &Parts) -> String {
    let named = parts.headers.get(HOST).map(text);
    named.or_else(|| parts.uri.authority().map(ToString::to_string)).unwrap_or_else(|| "localhost".to_owned())
}

fn source(parts: &Parts) -> String {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(peer)| peer.ip()).to_string()
}

fn text(value: &http::HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// The request's headers, with repeated ones joined, and those that API Gateway adds.
fn headers(parts: &Parts) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in &parts.headers {
        // The first two concern the connection; cookies have a field of their own.
        if [CONNECTION, TRANSFER_ENCODING, COOKIE].contains(name) {
            continue;
        }
        let value = text(value);
        joined
            .entry(name.as_str().to_owned())
            .and_modify(|all| *all = format!("{all},{value}"))
            .or_insert(value);
    }
    let host = host(parts);
    let port = host.rsplit_once(':').map_or("80", |(_, port)| port);
    joined.insert("x-forwarded-port".to_owned(), port.to_owned());
    joined.insert("x-forwarded-proto".to_owned(), "http".to_owned());
    let forwarded = joined.entry("x-forwarded-for".to_owned()).or_default();
    *forwarded = if forwarded.is_empty() { source(parts) } else { format!("{forwarded}, {}", source(parts)) };
    joined.insert("host".to_owned(), host);
    joined
}

fn cookies(headers: &HeaderMap) -> Option<Vec<String>> {
    let values = headers.get_all(COOKIE).iter().map(text).collect::<Vec<_>>();
    let cookies = values.iter().flat_map(|value| value.split("; ")).map(str::to_owned);
    (!values.is_empty()).then(|| cookies.collect())
}

fn query_parameters(query: &str) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let all = joined.entry(name.into_owned());
        all.and_modify(|all| *all = format!("{all},{value}")).or_insert_with(|| value.into_owned());
    }
    joined
}

/// The body as a string, and whether that string is base64. It is, except for the few media types that API Gateway
/// treats as text; `+json` types are not among them.
fn payload(headers: &HeaderMap, body: &Bytes) -> (Option<String>, bool) {
    if body.is_empty() {
        return (None, false);
    }
    let media_type = headers.get(CONTENT_TYPE).map(text).unwrap_or_default().to_ascii_lowercase();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    let is_text = media_type.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"].contains(&media_type);
    // Compressed text is not valid UTF-8 and is encoded as well.
    match std::str::from_utf8(body) {
        Ok(body) if is_text => (Some(body.to_owned()), false),
        _ => (Some(BASE64.encode(body)), true),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FunctionResponse {
    status_code: u16,
    // Format 2.0 has one value per name and no other field for headers.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    cookies: Vec<String>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

/// Converts a function's response to HTTP. The error says what is wrong with it. A response to `HEAD` keeps its length.
pub fn response(
    json: &[u8],
    is_head: bool,
) -> Result<Response<Bytes>, Box<dyn std::error::Error + Send + Sync>> {
    let given: FunctionResponse = serde_json::from_slice(json)?;
    let body = given.body.unwrap_or_default();
    let body = if given.is_base64_encoded { BASE64.decode(body)?.into() } else { Bytes::from(body) };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(given.status_code)?;
    for (name, value) in given.headers {
        let name: HeaderName = name.parse()?;
        // The HTTP server sets this itself, except where it cannot know it.
        if name != CONTENT_LENGTH || is_head {
            response.headers_mut().append(name, value.parse()?);
        }
    }
    for cookie in given.cookies {
        response.headers_mut().append(SET_COOKIE, cookie.parse()?);
    }
    Ok(response)
}
