//! Parses the CloudEvents 1.0 envelope.

use chrono::SubsecRound;
use ledger::draft::Draft;
use ledger::event::REGISTRY_SOURCE;
use ledger::ids::Name;
use serde_json::value::RawValue;
use web::error::{Fault, Loc};
use web::fields::{self, FieldReader, Invalid};

use crate::data;
use crate::rejection::{Rejection, RejectionCode};

/// How many characters of an invalid id a rejection repeats.
const ECHO: usize = 128;

/// Parses an event, with warnings about what was left out of it, or lists all its faults.
pub fn parse(raw: &RawValue, loc: &[Loc]) -> Result<(Draft, Vec<Fault>), Rejection> {
    let invalid = |id, detail| Rejection { id, code: RejectionCode::Invalid, detail };
    let mut fields = FieldReader::of(raw, loc.to_vec()).map_err(|fault| invalid(None, vec![fault]))?;
    let mut id_text = None;
    let id: Option<Name> = fields.required("id", |raw| {
        id_text = fields::string(raw).ok().map(|text| text.chars().take(ECHO).collect());
        fields::id(raw)
    });
    let source = fields.required("source", sender);
    // Truncated to milliseconds, the resolution of the activity log.
    let time = fields.required("time", fields::instant).map(|time| time.trunc_subsecs(3));
    fields.required("specversion", spec_version);
    fields.optional("datacontenttype", json_content_type);
    fields.optional("subject", fields::string);
    fields.optional("dataschema", fields::string);
    let kind = fields.required("type", data::EventType::parse);
    let payload = fields.required("data", Ok);
    fields.ignore_if(is_extension);

    let mut data_faults = Vec::new();
    let data = kind.zip(payload).and_then(|(kind, payload)| {
        data::parse(kind, payload, fields.at("data")).map_err(|faults| data_faults = faults).ok()
    });
    let mut faults = fields.finish();
    faults.extend(data_faults);
    match (id, source, time, data) {
        (Some(id), Some(source), Some(time), Some((data, warnings))) if faults.is_empty() => {
            Ok((Draft { source, id, time, data }, warnings))
        }
        _ => Err(invalid(id_text, faults)),
    }
}

fn sender(raw: &RawValue) -> Result<Name, Invalid> {
    let source: Name = fields::id(raw)?;
    if source.as_str() == REGISTRY_SOURCE {
        return Err(Invalid::new("reserved", "Source is reserved for the registry"));
    }
    Ok(source)
}

fn spec_version(raw: &RawValue) -> Result<(), Invalid> {
    if raw.get() == "\"1.0\"" { Ok(()) } else { Err(Invalid::new("literal_error", "Input should be '1.0'")) }
}

fn json_content_type(raw: &RawValue) -> Result<(), Invalid> {
    let text = fields::string(raw)?.to_ascii_lowercase();
    let media_type = text.split(';').next().unwrap_or_default().trim();
    if media_type == "application/json" || media_type.ends_with("+json") {
        return Ok(());
    }
    Err(Invalid::new("content_type", "Input should be application/json, or absent"))
}

/// Extension attributes may hold any simple value (CloudEvents 1.0, section 3.1). They are not stored.
fn is_extension(name: &str, value: &RawValue) -> bool {
    let simple = !value.get().starts_with(['{', '[']);
    simple && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}
