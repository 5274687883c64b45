//! Lists and series as tables: `Accept: text/csv` or `?format=csv`, and ndjson likewise. It works on any JSON response:
//! the rows are the response itself if it is a list, else its first list of objects, or the response where it has none. A
//! list without rows has no columns either, so its CSV has no header row, and its content type says so.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use form_urlencoded::Serializer;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Error, Fault, Loc, Result};
use crate::page::NEXT_CURSOR;

/// The query parameter that names a format. It wins over `Accept`, since a link has no headers.
const PARAMETER: &str = "format";

/// The format of files that are made by their endpoints alone, to which the parameter is passed on.
const FILE: &str = "parquet";

/// Lists of responses that are no rows, even where they are empty.
pub const NO_ROWS: [&str; 5] =
    ["dimensions", "groupBy", "recommendation_allow_list", "resource_attribute_tags", "subscribed_tier_ids"];

/// A format other than JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Rows(RowFormat),
    /// The format that [`FILE`] names. An endpoint that does not know it responds with JSON.
    File,
}

/// A format that the rows of any response are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowFormat {
    /// RFC 4180, in UTF-8 with a header row.
    Csv,
    /// A JSON object on each line.
    Ndjson,
}

impl RowFormat {
    const fn media_type(self, is_empty: bool) -> &'static str {
        match self {
            Self::Csv if is_empty => "text/csv; charset=utf-8; header=absent",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

/// Answers a request in the format that it asks for.
pub async fn formatted(mut request: Request, next: Next) -> Result<Response> {
    if request.method() != Method::GET {
        return Ok(next.run(request).await);
    }
    let format = match parameter(request.uri()) {
        Some((format, rest)) => {
            *request.uri_mut() = rest;
            format?
        }
        None => accepted(request.headers()),
    };
    let response = next.run(request).await;
    match format {
        Some(Format::File) if is_json(&response) => Err(unknown_format()),
        Some(Format::Rows(rows)) if is_json(&response) => table(response, rows).await,
        _ => Ok(response),
    }
}

fn unknown_format() -> Error {
    let loc = vec![Loc::from("query"), Loc::from(PARAMETER)];
    Fault::new(loc, "enum", "Input should be 'json', 'csv' or 'ndjson'").into()
}

/// The format that the query names, and the URI without the parameter, which handlers do not know but for [`FILE`].
fn parameter(uri: &Uri) -> Option<(Result<Option<Format>>, Uri)> {
    let pairs: Vec<_> = form_urlencoded::parse(uri.query()?.as_bytes()).collect();
    let format = pairs.iter().find(|(name, _)| name == PARAMETER)?.1.clone();
    if format == FILE {
        return Some((Ok(Some(Format::File)), uri.clone()));
    }
    let mut rest = Serializer::new(String::new());
    rest.extend_pairs(pairs.iter().filter(|(name, _)| name != PARAMETER));
    let query = rest.finish();
    let path = if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    let format = match &*format {
        "json" => Ok(None),
        "csv" => Ok(Some(Format::Rows(RowFormat::Csv))),
        "ndjson" => Ok(Some(Format::Rows(RowFormat::Ndjson))),
        _ => Err(unknown_format()),
    };
    Some((format, Uri::from_parts(parts).ok()?))
}

/// The known media type that the header prefers, the first of several (RFC 9110, 12.5.1). Anything else is answered as
/// JSON.
fn accepted(headers: &HeaderMap) -> Option<Format> {
    let all = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let known = all.flat_map(|value| value.split(',')).filter_map(|range| {
        let format = match range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/json" | "*/*" | "application/*" => None,
            "text/csv" => Some(Format::Rows(RowFormat::Csv)),
            "application/x-ndjson" | "application/ndjson" | "application/jsonl" => {
                Some(Format::Rows(RowFormat::Ndjson))
            }
            _ => return None,
        };
        Some((quality(range), format))
    });
    let best = known
        .filter(|(quality, _)| *quality > 0)
        .reduce(|best, next| if next.0 > best.0 { next } else { best });
    best?.1
}

/// The weight of a media range in thousandths: 1,000 unless `q` says otherwise.
fn quality(range: &str) -> u32 {
    let weight = range.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then(|| value.trim().parse::<rust_decimal::Decimal>().ok())?
    });
    weight.map_or(1_000, |weight| {
        let thousandths = (weight * rust_decimal::Decimal::ONE_THOUSAND).trunc();
        u32::try_from(thousandths).unwrap_or_default().min(1_000)
    })
}

/// Whether a response has a JSON body.
pub(crate) fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    response.status() == StatusCode::OK && kind.is_some_and(|kind| kind.starts_with("application/json"))
}

async fn table(response: Response, format: RowFormat) -> Result<Response> {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.map_err(Error::internal)?;
    let (document, rows) = if bytes.starts_with(b"[") {
        (Object(Vec::new()), serde_json::from_slice(&bytes).map_err(Error::internal)?)
    } else {
        let document: Object<'_> = serde_json::from_slice(&bytes).map_err(Error::internal)?;
        let rows = rows(&document);
        (document, rows)
    };
    let text = match format {
        RowFormat::Ndjson => rows.iter().flat_map(|row| [row.get(), "\n"]).collect::<String>().into_bytes(),
        RowFormat::Csv => csv(&rows)?,
    };
    parts.headers.remove(CONTENT_LENGTH);
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type(rows.is_empty())));
    parts.headers.append(VARY, HeaderValue::from_static("Accept"));
    // A list without an object around it has its cursor in the header already.
    if let Some(cursor) = next_cursor(&document).and_then(|cursor| HeaderValue::from_str(&cursor).ok()) {
        parts.headers.insert(NEXT_CURSOR, cursor);
    }
    Ok(Response::from_parts(parts, Body::from(text)).into_response())
}

/// An object whose fields keep their order and their text.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Object<'a> {
    fn field(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| *value)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object<'de>, M::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

fn rows<'a>(document: &Object<'a>) -> Vec<Box<RawValue>> {
    let list = |(name, value): &(String, &'a RawValue)| {
        let list = serde_json::from_str::<Vec<&'a RawValue>>(value.get()).ok()?;
        let is_rows = list.iter().all(|row| row.get().starts_with('{')) && !NO_ROWS.contains(&name.as_str());
        is_rows.then_some(list)
    };
    if let Some(rows) = document.0.iter().find_map(list) {
        return rows.into_iter().map(ToOwned::to_owned).collect();
    }
    let field = |(name, value): &(String, &RawValue)| {
        format!("{}:{}", serde_json::Value::from(name.as_str()), value.get())
    };
    let fields: Vec<_> = document.0.iter().map(field).collect();
    RawValue::from_string(format!("{{{}}}", fields.join(","))).into_iter().collect()
}

fn next_cursor(document: &Object<'_>) -> Option<String> {
    if let Some(cursor) = document.field("nextCursor") {
        return serde_json::from_str(cursor.get()).ok()?;
    }
    let pagination: Object<'_> = serde_json::from_str(document.field("pagination")?.get()).ok()?;
    serde_json::from_str(pagination.field("nextCursor")?.get()).ok()?
}

/// The rows with a column for each field; fields of nested objects are named `outer.inner`.
fn csv(rows: &[Box<RawValue>]) -> Result<Vec<u8>> {
    let rows: Vec<Vec<(String, String)>> = rows
        .iter()
        .map(|row| {
            let mut cells = Vec::new();
            flatten("", row, &mut cells);
            cells
        })
        .collect();
    let mut columns: Vec<&str> = Vec::new();
    for (name, _) in rows.iter().flatten() {
        if !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    if !columns.is_empty() {
        writer.write_record(&columns).map_err(Error::internal)?;
    }
    for row in &rows {
        let cell = |column: &&str| {
            let found = row.iter().find(|(name, _)| name == column);
            found.map_or("", |(_, cell)| cell.as_str())
        };
        writer.write_record(columns.iter().map(cell)).map_err(Error::internal)?;
    }
    writer.into_inner().map_err(Error::internal)
}

/// Adds the cells of an object, or the one cell of another value. Numbers keep their digits.
fn flatten(name: &str, value: &RawValue, cells: &mut Vec<(String, String)>) {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{') => {
            let fields = serde_json::from_str::<Object<'_>>(text).map(|object| object.0).unwrap_or_default();
            for (field, value) in fields {
                let name = if name.is_empty() { field } else { format!("{name}.{field}") };
                flatten(&name, value, cells);
            }
        }
        Some(b'"') => {
            let text: String = serde_json::from_str(text).unwrap_or_default();
            cells.push((name.to_owned(), harmless(text)));
        }
        Some(b'n') => cells.push((name.to_owned(), String::new())),
        _ => cells.push((name.to_owned(), text.to_owned())),
    }
}

/// Text for a cell. A spreadsheet would run text that begins like a formula (OWASP, CSV injection). Money as text stays a number.
pub fn harmless(text: String) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let is_number = || text.parse::<rust_decimal::Decimal>().is_ok();
    if is_formula && !is_number() { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use axum::{Json, Router, middleware};
    use serde_json::{Value, json};
    use tower::ServiceExt;

    use super::*;

    async fn respond(document: Value, uri: &str, accept: &str) -> (StatusCode, HeaderMap, String) {
        let handler = move |uri: Uri| {
            assert!(uri.query().is_none_or(|query| !query.contains("format=csv")), "{uri}");
            async move { Json(document) }
        };
        let router = Router::new().route("/list", get(handler)).layer(middleware::from_fn(formatted));
        let request = http::Request::builder().uri(uri).header(ACCEPT, accept).body(Body::empty()).unwrap();
        let (parts, body) = router.oneshot(request).await.unwrap().into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(bytes.to_vec()).unwrap())
    }

    fn list() -> Value {
        json!({
            "total": 2,
            "items": [
                { "id": "a,\"b\"", "cost": 1.25, "model": { "name": "=1+1" }, "note": null },
                { "id": "-5.10", "cost": -2, "more": [1, { "x": "y" }], "fine": true },
            ],
            "pagination": { "nextCursor": "abc" },
        })
    }

    #[tokio::test]
    async fn a_list_is_a_table_with_a_header_row() {
        for (uri, accept) in [
            ("/list?x=1&format=csv&y=2", "*/*"),
            ("/list", "text/csv"),
            ("/list", "text/html, text/csv;q=0.9"),
        ] {
            let (status, headers, text) = respond(list(), uri, accept).await;
            assert_eq!(status, StatusCode::OK);
            assert_eq!(headers[CONTENT_TYPE], "text/csv; charset=utf-8; header=present");
            assert_eq!(headers[&NEXT_CURSOR], "abc");
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let columns: Vec<_> = reader.headers().unwrap().iter().map(str::to_owned).collect();
            let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
            let cell = |row: usize, name: &str| {
                rows[row].get(columns.iter().position(|column| column == name).unwrap()).unwrap().to_owned()
            };
            assert_eq!(
                (cell(0, "id"), cell(0, "cost"), cell(0, "model.name"), cell(0, "note")),
                ("a,\"b\"".into(), "1.25".into(), "'=1+1".into(), String::new())
            );
            assert_eq!(
                (cell(1, "id"), cell(1, "cost"), cell(1, "fine")),
                ("-5.10".into(), "-2".into(), "true".into())
            );
            assert_eq!(cell(1, "more"), r#"[1,{"x":"y"}]"#);
            assert!(text.contains("\r\n"));
        }
    }

    #[tokio::test]
    async fn ndjson_has_an_object_on_each_line() {
        for (uri, accept) in [("/list?format=ndjson", "*/*"), ("/list", "application/x-ndjson")] {
            let (_, headers, text) = respond(list(), uri, accept).await;
            assert_eq!(headers[CONTENT_TYPE], "application/x-ndjson");
            let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(lines, *list()["items"].as_array().unwrap());
        }
    }

    #[tokio::test]
    async fn a_response_without_a_list_is_one_row() {
        let (_, _, text) =
            respond(json!({ "cost": { "total": 1 }, "names": ["a"] }), "/list?format=csv", "*/*").await;
        assert_eq!(text, "cost.total,names\r\n1,\"[\"\"a\"\"]\"\r\n");
        let (_, _, text) = respond(json!({ "id": "x", "dimensions": [] }), "/list?format=csv", "*/*").await;
        assert_eq!(text, "id,dimensions\r\nx,[]\r\n");
    }

    #[tokio::test]
    async fn a_bare_list_is_a_table_and_an_empty_list_has_no_header_row() {
        let (_, _, text) =
            respond(json!([{ "a": 1 }, { "a": 2, "b": "x" }]), "/list?format=csv", "*/*").await;
        assert_eq!(text, "a,b\r\n1,\r\n2,x\r\n");
        for empty in [json!([]), json!({ "total": 0, "items": [], "others": [] })] {
            for format in ["csv", "ndjson"] {
                let (status, headers, text) =
                    respond(empty.clone(), &format!("/list?format={format}"), "*/*").await;
                assert_eq!((status, text.as_str()), (StatusCode::OK, ""));
                let is_csv = format == "csv";
                assert_eq!(headers[CONTENT_TYPE].to_str().unwrap().contains("header=absent"), is_csv);
            }
        }
    }

    #[tokio::test]
    async fn the_preferred_format_is_the_one_with_the_highest_quality() {
        for (accept, kind) in [
            ("text/csv;q=0", "application/json"),
            ("text/csv;q=0.5, application/json", "application/json"),
            ("text/csv;q=0.5, application/x-ndjson;q=0.6, */*;q=0.1", "application/x-ndjson"),
            ("application/json;q=0.9, text/csv", "text/csv; charset=utf-8; header=present"),
            ("text/csv, */*", "text/csv; charset=utf-8; header=present"),
            ("image/png", "application/json"),
        ] {
            let (_, headers, _) = respond(list(), "/list", accept).await;
            assert_eq!(headers[CONTENT_TYPE], kind, "{accept}");
        }
    }

    #[tokio::test]
    async fn json_is_the_default_and_an_unknown_format_is_a_fault() {
        for (uri, accept) in
            [("/list", "*/*"), ("/list?format=json", "text/csv"), ("/list", "application/json, text/csv")]
        {
            let (_, headers, _) = respond(list(), uri, accept).await;
            assert_eq!(headers[CONTENT_TYPE], "application/json", "{uri} {accept}");
        }
        for format in ["xml", "parquet"] {
            let (status, _, text) = respond(list(), &format!("/list?format={format}"), "*/*").await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(text.contains(r#""loc":["query","format"]"#), "{text}");
        }
    }
}
