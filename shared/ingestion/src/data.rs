//! Parses the `data` object of each event type.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use crate::attribution;
use crate::rejection::RESERVED;
use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use ledger::event::{
    AgentActivity, Amendment, CONFIG_CHANGE, ComputeUsage, Data, HostReport, LlmCall, TaskCompleted,
};
use ledger::ids::{Label, Name};
use ledger::money::{Quantity, Usd};
use ledger::pricing::TokenUsage;
use rust_decimal::prelude::ToPrimitive;
use serde::de::value::StringDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_json::value::RawValue;
use web::error::{Fault, Loc};
use web::fields::{self, FieldReader, Invalid, boolean, id, instant, integer, label, quantity, rounded};

/// Maximum number of tokens of a call, of each kind.
const MAX_TOKENS: u64 = 1_000_000_000;
/// Limit of latencies and durations: 30 days in milliseconds.
const MAX_MS: u64 = 30 * 24 * 3600 * 1000;
/// Maximum cost that a call may report, in dollars.
const MAX_COST_USD: u64 = 1_000_000;
/// Limit of minutes saved, cores, GB and hosted sites.
const MAX_AMOUNT: u64 = 1_000_000;
/// Maximum number of kinds of units of a call.
const MAX_UNITS: usize = 16;
/// The stand-in for an unreadable service tier. The price book has no price for it.
const UNUSABLE_TIER: &str = "(unusable)";
const MAX_UNIT_COUNT: u64 = 1_000_000_000;
/// Maximum bandwidth of a compute sample: one petabyte.
const MAX_BYTES: u64 = 1_000_000_000_000_000;
/// Maximum size of an activity's details, in bytes of JSON.
pub const MAX_DETAILS: usize = 8 << 10;
/// Maximum length of a compute sample.
pub const MAX_SAMPLE: TimeDelta = TimeDelta::hours(24);

/// The event types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventType {
    LlmCall,
    TaskCompleted,
    AgentActivity,
    ComputeUsage,
    HostReport,
}

impl EventType {
    pub fn parse(raw: &RawValue) -> Result<Self, Invalid> {
        match fields::string(raw)?.as_str() {
            "llm.call" => Ok(Self::LlmCall),
            "task.completed" => Ok(Self::TaskCompleted),
            "agent.activity" => Ok(Self::AgentActivity),
            "compute.usage" => Ok(Self::ComputeUsage),
            "host.report" => Ok(Self::HostReport),
            _ => Err(Invalid::new(
                "enum",
                "Input should be llm.call, task.completed, agent.activity, compute.usage or host.report",
            )),
        }
    }
}

/// The data of an event, and warnings about what was left out of it.
pub struct Parsed {
    pub data: Data<()>,
    pub revision: u64,
    pub warnings: Vec<Fault>,
}

/// Maximum revision: an integer that every sender's JSON keeps exactly.
const MAX_REVISION: u64 = 1 << 53;

/// Parses the data of an event, or lists all its faults.
pub fn parse(kind: EventType, raw: &RawValue, loc: Vec<Loc>) -> Result<Parsed, Vec<Fault>> {
    let mut fields = FieldReader::of(raw, loc).map_err(|fault| vec![fault])?;
    let revision = fields.lenient("revision", integer(0..=MAX_REVISION)).unwrap_or_default();
    let is_void = fields.optional("void", boolean).unwrap_or_default();
    check_revision(&mut fields, kind, revision, is_void);
    let data = match kind {
        _ if is_void => {
            // A void event's other fields are not used, so they are not checked.
            fields.ignore_if(|_, _| true);
            Some(Data::Amendment(Amendment { replaces: None, with: None }))
        }
        EventType::LlmCall => llm_call(&mut fields).map(Data::LlmCall),
        EventType::TaskCompleted => task_completed(&mut fields).map(Data::TaskCompleted),
        EventType::AgentActivity => agent_activity(&mut fields).map(Data::AgentActivity),
        EventType::ComputeUsage => compute_usage(&mut fields).map(Data::ComputeUsage),
        EventType::HostReport => host_report(&mut fields).map(Data::HostReport),
    };
    let (faults, warnings) = fields.finish_leniently();
    match data {
        Some(data) if faults.is_empty() => Ok(Parsed { data, revision, warnings }),
        _ => Err(faults),
    }
}

/// Activities are listed and only the latest host report counts, so neither can be amended: there is nothing to
/// subtract.
fn check_revision(fields: &mut FieldReader<'_>, kind: EventType, revision: u64, is_void: bool) {
    let amends = revision > 0 || is_void;
    if amends && matches!(kind, EventType::AgentActivity | EventType::HostReport) {
        let msg = "Only llm.call, task.completed and compute.usage can be amended";
        fields.fault("revision", Invalid::new("not_amendable", msg));
    } else if is_void && revision == 0 {
        fields.fault("revision", Invalid::new("missing", "A void event should have a revision above 0"));
    }
}

fn llm_call(fields: &mut FieldReader<'_>) -> Option<LlmCall<()>> {
    let agent_id = fields.required("agent_id", id);
    let provider = fields.required("provider", label);
    let model = fields.required("model", label);
    let tokens = token_usage(fields);
    let reasoning_tokens = fields.optional("reasoning_tokens", integer(0..=MAX_TOKENS));
    let service_tier = service_tier(fields);
    let region = fields.lenient("region", lower_label);
    let units = fields.optional("units", units).unwrap_or_default();
    let latency_ms = fields.lenient("latency_ms", milliseconds);
    let status = fields.lenient("status", in_any_case("'ok' or 'error'")).unwrap_or_default();
    let end_user = fields.lenient("end_user", label);
    let attribution = attribution::of_agent(fields);
    let project_id = fields.lenient("project_id", id);
    let task_type = fields.lenient("task_type", label);
    let hostname = fields.lenient("hostname", label);
    let key_source = fields.optional("key_source", in_any_case("'platform' or 'byok'")).unwrap_or_default();
    let cost_usd = fields.optional("cost_usd", rounded(MAX_COST_USD)).map(Usd::new);
    if tokens.is_some_and(|tokens| reasoning_tokens > Some(tokens.output)) {
        // Some gateways count reasoning separately. The output is what is billed, so the cost is right all the same.
        let msg =
            "Reasoning tokens are part of output_tokens; they exceed them here, and output_tokens are billed";
        fields.warn("reasoning_tokens", Invalid::new("reasoning_exceeds_output", msg));
    }
    Some(LlmCall {
        agent_id: agent_id?,
        provider: provider?,
        model: model?,
        tokens: tokens?,
        reasoning_tokens,
        service_tier,
        region,
        units,
        latency_ms,
        status,
        end_user,
        attribution,
        project_id,
        task_type,
        hostname,
        key_source,
        cost_usd,
        cost: (),
    })
}

/// The token buckets of a call, and their parts by modality. No part may exceed its bucket.
fn token_usage(fields: &mut FieldReader<'_>) -> Option<TokenUsage> {
    let tokens = || integer(0..=MAX_TOKENS);
    let input = fields.required("input_tokens", tokens());
    let output = fields.required("output_tokens", tokens());
    let mut optional = |name| fields.optional(name, tokens()).unwrap_or_default();
    let usage = TokenUsage {
        input: input.unwrap_or_default(),
        output: output.unwrap_or_default(),
        cache_read: optional("cache_read_tokens"),
        cache_write_5m: optional("cache_write_5m_tokens"),
        cache_write_30m: optional("cache_write_30m_tokens"),
        cache_write_1h: optional("cache_write_1h_tokens"),
        cache_write_12h: optional("cache_write_12h_tokens"),
        input_audio: optional("input_audio_tokens"),
        input_image: optional("input_image_tokens"),
        cache_read_audio: optional("cache_read_audio_tokens"),
        output_audio: optional("output_audio_tokens"),
        output_image: optional("output_image_tokens"),
    };
    input?;
    output?;
    for (part, name, whole, of) in [
        (usage.input_audio + usage.input_image, "input_audio_tokens", usage.input, "input_tokens"),
        (usage.cache_read_audio, "cache_read_audio_tokens", usage.cache_read, "cache_read_tokens"),
        (usage.output_audio + usage.output_image, "output_audio_tokens", usage.output, "output_tokens"),
    ] {
        if part > whole {
            let msg = format!("Audio and image tokens are part of {of} and should not exceed them");
            fields.fault(name, Invalid::new("part_exceeds_whole", msg));
        }
    }
    Some(usage)
}

/// The service tier. An unreadable one is probably not the standard tier, so the call must not get its price.
fn service_tier(fields: &mut FieldReader<'_>) -> Option<Label> {
    let is_given = fields.is_given("service_tier");
    let tier = fields.lenient("service_tier", |raw| match lower_label(raw) {
        Ok(tier) => Ok(Some(tier)),
        Err(_) if fields::string(raw).is_ok_and(|text| text.trim().is_empty()) => Ok(None),
        Err(invalid) => Err(invalid),
    });
    tier.unwrap_or_else(|| Label::new(UNUSABLE_TIER).ok().filter(|_| is_given))
}

/// Tiers and regions compare in lower case.
fn lower_label(raw: &RawValue) -> Result<Label, Invalid> {
    let text = fields::string(raw)?;
    let label = Label::new(text.trim()).map_err(|invalid| Invalid::new("label", invalid.to_string()))?;
    Label::new(label.as_str().to_lowercase()).map_err(|invalid| Invalid::new("label", invalid.to_string()))
}

/// Whole milliseconds. Senders measure fractions, which are rounded half to even.
fn milliseconds(raw: &RawValue) -> Result<u64, Invalid> {
    let value = rounded(MAX_MS)(raw)?.round();
    value.to_u64().ok_or_else(|| Invalid::new("int_type", "Input should be a valid integer"))
}

/// A variant of `T`, in any case; the names of the variants are in lower case. `words` lists them for the message.
fn in_any_case<T: DeserializeOwned>(words: &'static str) -> impl FnOnce(&RawValue) -> Result<T, Invalid> {
    move |raw| {
        let word = fields::string(raw).unwrap_or_default().trim().to_lowercase();
        let word: StringDeserializer<serde::de::value::Error> = word.into_deserializer();
        T::deserialize(word).map_err(|_| Invalid::new("enum", format!("Input should be {words}")))
    }
}

/// Units that are billed by count: an object of names and decimals of at least 0.
fn units(raw: &RawValue) -> Result<BTreeMap<String, Quantity>, Invalid> {
    let given: BTreeMap<String, &RawValue> = serde_json::from_str(raw.get())
        .map_err(|_| Invalid::new("object_type", "Input should be an object of unit names and counts"))?;
    if given.len() > MAX_UNITS {
        return Err(Invalid::new("too_long", format!("Object should have at most {MAX_UNITS} units")));
    }
    let unit = |(name, count): (String, &RawValue)| {
        let name = Label::new(&name).map_err(|invalid| Invalid::new("label", invalid.to_string()))?;
        Ok((name.to_string(), Quantity(quantity(MAX_UNIT_COUNT)(count)?)))
    };
    // A count of zero is the same as none.
    let units: Result<BTreeMap<_, _>, Invalid> = given.into_iter().map(unit).collect();
    Ok(units?.into_iter().filter(|(_, count)| !count.0.is_zero()).collect())
}

fn task_completed(fields: &mut FieldReader<'_>) -> Option<TaskCompleted> {
    let agent_id = fields.required("agent_id", id);
    let task_type = fields.lenient("task_type", label);
    let success = fields.optional("success", boolean).unwrap_or(true);
    let minutes_saved = fields.optional("minutes_saved", quantity(MAX_AMOUNT)).map(Quantity);
    let duration_ms = fields.lenient("duration_ms", milliseconds);
    let attribution = attribution::of_agent(fields);
    let project_id = fields.lenient("project_id", id);
    Some(TaskCompleted {
        agent_id: agent_id?,
        task_type,
        success,
        minutes_saved,
        duration_ms,
        attribution,
        project_id,
    })
}

fn agent_activity(fields: &mut FieldReader<'_>) -> Option<AgentActivity> {
    let agent_id = fields.required("agent_id", id);
    let event_type = fields.required("event_type", activity_type);
    let details = fields.optional("details", details).unwrap_or_else(|| "{}".to_owned());
    let attribution = attribution::of_agent(fields);
    Some(AgentActivity { agent_id: Some(agent_id?), event_type: event_type?, details, attribution })
}

/// Rejects the type of audit entries, which only a change of settings may write.
fn activity_type(raw: &RawValue) -> Result<Name, Invalid> {
    let name: Name = id(raw)?;
    if name.as_str() == CONFIG_CHANGE {
        return Err(Invalid::new(RESERVED, "Type is reserved for changes of settings"));
    }
    Ok(name)
}

fn details(raw: &RawValue) -> Result<String, Invalid> {
    let text = raw.get();
    if !text.starts_with('{') {
        return Err(Invalid::new("object_type", "Input should be an object"));
    }
    if text.len() > MAX_DETAILS {
        return Err(Invalid::new(
            "too_long",
            format!("Object should have at most {MAX_DETAILS} bytes of JSON"),
        ));
    }
    // Readers parse the details again, so details that they could not parse are rejected.
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(Invalid::new(
            "object_parsing",
            "Object should nest at most 127 deep, hold numbers in range, and escape no half of a surrogate pair",
        )),
    }
}

fn compute_usage(fields: &mut FieldReader<'_>) -> Option<ComputeUsage> {
    let project_id = fields.required("project_id", id);
    let instance_id = fields.required("instance_id", id);
    // Sample times are truncated to milliseconds.
    let from = fields.required("from", instant).map(|from| from.trunc_subsecs(3));
    let to = fields.required("to", instant).map(|to| to.trunc_subsecs(3));
    let cpu_cores = fields.required("cpu_cores", quantity(MAX_AMOUNT));
    let ram_gb = fields.required("ram_gb", quantity(MAX_AMOUNT));
    let disk_gb = fields.required("disk_gb", quantity(MAX_AMOUNT));
    let bandwidth_in_bytes = fields.required("bandwidth_in_bytes", integer(0..=MAX_BYTES));
    let bandwidth_out_bytes = fields.required("bandwidth_out_bytes", integer(0..=MAX_BYTES));
    let attribution = attribution::of_machine(fields);
    let length_ms = from
        .zip(to)
        .and_then(|(from, to)| length(from, to).map_err(|invalid| fields.fault("to", invalid)).ok());
    Some(ComputeUsage {
        project_id: project_id?,
        instance_id: instance_id?,
        from: from?,
        length_ms: length_ms?,
        cpu_cores: Quantity(cpu_cores?),
        ram_gb: Quantity(ram_gb?),
        disk_gb: Quantity(disk_gb?),
        bandwidth_in_bytes: bandwidth_in_bytes?,
        bandwidth_out_bytes: bandwidth_out_bytes?,
        attribution,
    })
}

fn length(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<NonZeroU64, Invalid> {
    if to - from > MAX_SAMPLE {
        return Err(Invalid::new("sample_length", "Sample should be at most 24 hours long"));
    }
    let length = u64::try_from((to - from).num_milliseconds()).ok().and_then(NonZeroU64::new);
    length.ok_or_else(|| Invalid::new("sample_length", "Sample should end after it begins"))
}

fn host_report(fields: &mut FieldReader<'_>) -> Option<HostReport> {
    let node_id = fields.required("node_id", id);
    let hosted_sites = fields.required("hosted_sites", integer(0..=MAX_AMOUNT));
    let attribution = attribution::of_machine(fields);
    Some(HostReport { node_id: node_id?, hosted_sites: hosted_sites?, attribution })
}
