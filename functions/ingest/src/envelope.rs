//! CloudEvents 1.0: the envelope that every event comes in.

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

/// How far a clock may run ahead.
pub const MAX_AHEAD: TimeDelta = TimeDelta::minutes(10);
/// How late an event may come.
pub const MAX_AGE: TimeDelta = TimeDelta::days(35);

/// Why an event was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The event's `id`, where it has one.
    pub id: Option<String>,
    /// A code for a program.
    pub code: Code,
    /// What is wrong, all of it.
    pub detail: Vec<Fault>,
}

/// The codes of rejection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// It breaks the form.
    Invalid,
    /// Its time lies more than [`MAX_AHEAD`] ahead.
    InFuture,
    /// Its time lies more than [`MAX_AGE`] back.
    TooOld,
    /// Another content is stored under its identity.
    Conflict,
    /// It could not be stored now.
    Unavailable,
}

/// What all events of a request share.
pub struct Context<'a> {
    /// Whose they are.
    pub org: &'a OrgId,
    /// What the organisation has set.
    pub settings: &'a Settings,
    /// When they came.
    pub now: DateTime<Utc>,
}

/// The longest part of an id that a rejection repeats, where it is not a valid one.
const ECHO: usize = 128;

/// The event that `raw` holds, validated, priced and stamped; or everything that is wrong with it.
pub fn read(context: &Context<'_>, raw: &RawValue, loc: &[Loc]) -> Result<Event, Rejection> {
    let invalid = |id, detail| Rejection { id, code: Code::Invalid, detail };
    let mut fields = Fields::of(raw, loc.to_vec()).map_err(|fault| invalid(None, vec![fault]))?;
    let mut id_text = None;
    let id: Option<Name> = fields.required("id", |raw| {
        id_text = fields::string(raw).ok().map(|text| text.chars().take(ECHO).collect());
        fields::id(raw)
    });
    let source = fields.required("source", sender);
    // Kept to the millisecond, as the activity log sorts it.
    let time = fields.required("time", fields::instant).map(|time| time.trunc_subsecs(3));
    fields.required("specversion", spec_version);
    fields.optional("datacontenttype", json_content_type);
    fields.optional("subject", fields::string);
    fields.optional("dataschema", fields::string);
    let kind = fields.required("type", data::Kind::read);
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

/// Extension attributes may be anything that CloudEvents calls a simple value (1.0, section 3.1); they are not kept.
fn is_extension(name: &str, value: &RawValue) -> bool {
    let simple = !value.get().starts_with(['{', '[']);
    simple && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

/// An event's own time, and the ends of the sample that it may carry, lie in the window in which events are taken.
fn check_times(
    now: DateTime<Utc>,
    time: DateTime<Utc>,
    data: &Data,
    loc: &[Loc],
) -> Result<(), (Code, Fault)> {
    let at =
        |path: &[&'static str]| loc.iter().cloned().chain(path.iter().map(|name| Loc::from(*name))).collect();
    check_time(now, time, MAX_AGE, || at(&["time"]))?;
    if let Data::ComputeUsage(sample) = data {
        // A sample may have begun a day before it was reported.
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
) -> Result<(), (Code, Fault)> {
    if time > now + MAX_AHEAD {
        return Err((
            Code::InFuture,
            Fault::new(loc(), "in_future", "Time should be at most 10 minutes ahead"),
        ));
    }
    if time < now - max_age {
        let msg = format!("Time should be at most {} days back", max_age.num_days());
        return Err((Code::TooOld, Fault::new(loc(), "too_old", msg)));
    }
    Ok(())
}

/// Stamps the cost at the prices of the event's own time.
fn price(event: &mut Event, settings: &Settings) {
    if let Data::LlmCall(call) = &mut event.data {
        call.cost = CallCost::Unpriced;
        let (provider, model) = (call.provider.as_str(), call.model.as_str());
        call.cost = settings.price_call(provider, model, event.time, &call.tokens, call.cost_usd);
    }
}
