//! The CloudEvents 1.0 envelope.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use ledger::cost::CallCost;
use ledger::event::{Data, Event, REGISTRY_SOURCE};
use ledger::ids::{Name, OrgId};
use ledger::period::Day;
use ledger::settings::Settings;
use serde_json::value::RawValue;
use web::error::{Fault, Loc};
use web::fields;
use web::fields::Fields;

use crate::data;

/// How far a sender's clock may run ahead.
pub const MAX_AHEAD: TimeDelta = TimeDelta::minutes(10);
/// Maximum age of an event.
pub const MAX_AGE: TimeDelta = TimeDelta::days(35);

/// Why an event was rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The event's `id`, if it has one.
    pub id: Option<String>,
    pub code: RejectionCode,
    /// All faults of the event.
    pub detail: Vec<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectionCode {
    /// The event is malformed.
    Invalid,
    /// Its time is more than [`MAX_AHEAD`] in the future.
    InFuture,
    /// Its time is more than [`MAX_AGE`] in the past.
    TooOld,
    /// An event with the same identity and other content is stored.
    Conflict,
    /// It could not be stored now; worth a retry.
    Unavailable,
}

/// What all events of a request share.
pub struct Context<'a> {
    pub org: &'a OrgId,
    pub settings: &'a Settings,
    /// When the request arrived.
    pub now: DateTime<Utc>,
}

/// How many characters of an invalid id a rejection repeats.
const ECHO: usize = 128;

/// Reads, validates, dates and prices an event, or lists all its faults.
pub fn read(context: &Context<'_>, raw: &RawValue, loc: &[Loc]) -> Result<Event, Rejection> {
    let invalid = |id, detail| Rejection { id, code: RejectionCode::Invalid, detail };
    let mut fields = Fields::of(raw, loc.to_vec()).map_err(|fault| invalid(None, vec![fault]))?;
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
    let kind = fields.required("type", data::EventType::read);
    let payload = fields.required("data", Ok);
    fields.take_if(is_extension);

    let mut data_faults = Vec::new();
    let data = kind.zip(payload).and_then(|(kind, payload)| {
        data::read(kind, payload, fields.at("data"), context.settings.zone)
            .map_err(|faults| data_faults = faults)
            .ok()
    });
    let mut faults = fields.finish();
    faults.extend(data_faults);
    match (id, source, time, data) {
        (Some(id), Some(source), Some(time), Some(data)) if faults.is_empty() => {
            check_times(context.now, time, &data, loc).map_err(|(code, fault)| Rejection {
                id: id_text,
                code,
                detail: vec![fault],
            })?;
            let day = Day::of(time, context.settings.zone);
            let mut event = Event { org: context.org.clone(), source, id, time, day, data };
            price(&mut event, context.settings);
            Ok(event)
        }
        _ => Err(invalid(id_text, faults)),
    }
}

fn sender(raw: &RawValue) -> Result<Name, fields::Bad> {
    let source: Name = fields::id(raw)?;
    if source.as_str() == REGISTRY_SOURCE {
        return Err(("reserved", "Source is reserved for the registry".to_owned()));
    }
    Ok(source)
}

fn spec_version(raw: &RawValue) -> Result<(), fields::Bad> {
    if raw.get() == "\"1.0\"" { Ok(()) } else { Err(("literal_error", "Input should be '1.0'".to_owned())) }
}

fn json_content_type(raw: &RawValue) -> Result<(), fields::Bad> {
    let text = fields::string(raw)?.to_ascii_lowercase();
    let media_type = text.split(';').next().unwrap_or_default().trim();
    if media_type == "application/json" || media_type.ends_with("+json") {
        return Ok(());
    }
    Err(("content_type", "Input should be application/json, or absent".to_owned()))
}

/// Extension attributes may hold any simple value (CloudEvents 1.0, section 3.1). They are not stored.
fn is_extension(name: &str, value: &RawValue) -> bool {
    let simple = !value.get().starts_with(['{', '[']);
    simple && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// Checks that the event's time, and both ends of a compute sample, are recent enough to be accepted.
fn check_times(
    now: DateTime<Utc>,
    time: DateTime<Utc>,
    data: &Data,
    loc: &[Loc],
) -> Result<(), (RejectionCode, Fault)> {
    let at =
        |path: &[&'static str]| loc.iter().cloned().chain(path.iter().map(|name| Loc::from(*name))).collect();
    check_time(now, time, MAX_AGE, || at(&["time"]))?;
    if let Data::ComputeUsage(sample) = data {
        // A sample may begin up to its maximum length before it is reported.
        check_time(now, sample.from, MAX_AGE + data::MAX_SAMPLE, || at(&["data", "from"]))?;
        check_time(now, data::end(sample), MAX_AGE, || at(&["data", "to"]))?;
    }
    Ok(())
}

fn check_time(
    now: DateTime<Utc>,
    time: DateTime<Utc>,
    max_age: TimeDelta,
    loc: impl FnOnce() -> Vec<Loc>,
) -> Result<(), (RejectionCode, Fault)> {
    if time > now + MAX_AHEAD {
        return Err((
            RejectionCode::InFuture,
            Fault::new(loc(), "in_future", "Time should be at most 10 minutes ahead"),
        ));
    }
    if time < now - max_age {
        let msg = format!("Time should be at most {} days back", max_age.num_days());
        return Err((RejectionCode::TooOld, Fault::new(loc(), "too_old", msg)));
    }
    Ok(())
}

/// Prices a call at the rates in force at its own time.
fn price(event: &mut Event, settings: &Settings) {
    if let Data::LlmCall(call) = &mut event.data {
        call.cost = CallCost::Unpriced;
        let (provider, model) = (call.provider.as_str(), call.model.as_str());
        call.cost = settings.price_call(provider, model, event.time, &call.tokens, call.cost_usd);
    }
}
