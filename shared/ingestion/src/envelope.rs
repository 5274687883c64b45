//! Parses the CloudEvents 1.0 envelope.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::SubsecRound;
use ledger::draft::Draft;
use ledger::event::REGISTRY_SOURCE;
use ledger::ids::Name;
use serde_json::value::RawValue;
use web::error::{Fault, Loc};
use web::fields::{self, FieldReader, Invalid};

use crate::data;
use crate::rejection::{RESERVED, Rejection, RejectionCode};

/// How many characters of an invalid id are repeated in its rejection.
const ECHO: usize = 128;

/// Parses an event, with warnings about what was left out of it, or lists all its faults.
pub fn parse(raw: &RawValue, loc: &[Loc]) -> Result<(Draft, Vec<Fault>), Rejection> {
    let invalid = |id, detail: Vec<Fault>| {
        let is_reserved = detail.iter().any(|fault| fault.kind == RESERVED);
        let code = if is_reserved { RejectionCode::Reserved } else { RejectionCode::Invalid };
        Rejection { id, code, detail }
    };
    let mut fields = FieldReader::of(raw, loc.to_vec()).map_err(|fault| invalid(None, vec![fault]))?;
    let mut id_text = None;
    let id: Option<Name> = fields.required("id", |raw| {
        id_text = fields::string(raw).ok().map(|text| text.chars().take(ECHO).collect());
        fields::id(raw)
    });
    let source = fields.required("source", sender);
    // The activity log has a resolution of milliseconds.
    let time = fields.required("time", fields::instant).map(|time| time.trunc_subsecs(3));
    fields.required("specversion", spec_version);
    fields.optional("datacontenttype", json_content_type);
    fields.optional("subject", fields::string);
    fields.optional("dataschema", fields::string);
    let kind = fields.required("type", data::EventType::parse);
    let is_encoded = fields.is_given("data_base64");
    let encoded = fields.optional("data_base64", base64_json);
    let payload = match &encoded {
        Some(json) => Some(&**json),
        None if is_encoded => None,
        None => fields.required("data", Ok),
    };
    fields.ignore_if(is_extension);

    let mut data_faults = Vec::new();
    let data = kind.zip(payload).and_then(|(kind, payload)| {
        data::parse(kind, payload, fields.at("data")).map_err(|faults| data_faults = faults).ok()
    });
    let mut faults = fields.finish();
    faults.extend(data_faults);
    match (id, source, time, data) {
        (Some(id), Some(source), Some(time), Some(data::Parsed { data, revision, warnings }))
            if faults.is_empty() =>
        {
            Ok((Draft { source, id, time, revision, data }, warnings))
        }
        _ => Err(invalid(id_text, faults)),
    }
}

fn sender(raw: &RawValue) -> Result<Name, Invalid> {
    let source: Name = fields::id(raw)?;
    if source.as_str() == REGISTRY_SOURCE {
        return Err(Invalid::new(RESERVED, "Source is reserved for the registry"));
    }
    Ok(source)
}

fn spec_version(raw: &RawValue) -> Result<(), Invalid> {
    if fields::string(raw)? == "1.0" {
        Ok(())
    } else {
        Err(Invalid::new("literal_error", "Input should be '1.0'"))
    }
}

/// The JSON in `data_base64`, which binary-mode SDKs send instead of `data`.
fn base64_json(raw: &RawValue) -> Result<Box<RawValue>, Invalid> {
    let text = fields::string(raw)?;
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let json =
        bytes.and_then(|text| RawValue::from_string(text.trim_start_matches('\u{feff}').to_owned()).ok());
    json.ok_or_else(|| Invalid::new("base64_json", "Input should be the base64 of JSON in UTF-8"))
}

fn json_content_type(raw: &RawValue) -> Result<(), Invalid> {
    let text = fields::string(raw)?.to_ascii_lowercase();
    let media_type = text.split(';').next().unwrap_or_default().trim();
    if ["application/json", "text/json"].contains(&media_type) || media_type.ends_with("+json") {
        return Ok(());
    }
    Err(Invalid::new("content_type", "Input should be application/json, or absent"))
}

/// Extension attributes may hold any simple value (CloudEvents 1.0, section 3.1). They are not stored.
fn is_extension(name: &str, value: &RawValue) -> bool {
    let simple = !value.get().starts_with(['{', '[']);
    simple && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
