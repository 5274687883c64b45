//! The five types of event: what their `data` must and may hold.

use std::num::NonZeroU64;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use chrono_tz::Tz;
use ledger::cost::{CallCost, TokenCounts};
use ledger::event::{AgentActivity, ComputeUsage, Data, HostReport, LlmCall, TaskCompleted};
use ledger::money::{Quantity, Usd};
use serde_json::value::RawValue;
use web::error::{Fault, Loc};
use web::fields;
use web::fields::{Bad, Fields, boolean, id, instant, integer, one_of, quantity, usd};

/// The most tokens of one bucket of one call.
const MAX_TOKENS: u64 = 1_000_000_000;
/// The longest latency or duration: 30 days, in milliseconds.
const MAX_MS: u64 = 30 * 24 * 3600 * 1000;
/// The greatest cost of one call, in dollars.
const MAX_COST_USD: u64 = 1_000_000;
/// The most minutes that one task saves, cores, GB and sites.
const MAX_AMOUNT: u64 = 1_000_000;
/// The most bytes of one sample: a petabyte.
const MAX_BYTES: u64 = 1_000_000_000_000_000;
/// The most bytes of an activity's details.
pub const MAX_DETAILS: usize = 8 << 10;
/// The longest sample.
pub const MAX_SAMPLE: TimeDelta = TimeDelta::hours(24);

/// The types of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    LlmCall,
    TaskCompleted,
    AgentActivity,
    ComputeUsage,
    HostReport,
}

impl Kind {
    /// The type that a text names.
    pub fn read(raw: &RawValue) -> Result<Self, Bad> {
        match fields::string(raw)?.as_str() {
            "llm.call" => Ok(Self::LlmCall),
            "task.completed" => Ok(Self::TaskCompleted),
            "agent.activity" => Ok(Self::AgentActivity),
            "compute.usage" => Ok(Self::ComputeUsage),
            "host.report" => Ok(Self::HostReport),
            _ => Err((
                "enum",
                "Input should be llm.call, task.completed, agent.activity, compute.usage or host.report"
                    .to_owned(),
            )),
        }
    }
}

/// The data that `raw` holds, or everything that is wrong with it.
pub fn read(kind: Kind, raw: &RawValue, loc: Vec<Loc>, zone: Tz) -> Result<Data, Vec<Fault>> {
    let mut fields = Fields::of(raw, loc).map_err(|fault| vec![fault])?;
    let data = match kind {
        Kind::LlmCall => llm_call(&mut fields).map(Data::LlmCall),
        Kind::TaskCompleted => task_completed(&mut fields).map(Data::TaskCompleted),
        Kind::AgentActivity => agent_activity(&mut fields).map(Data::AgentActivity),
        Kind::ComputeUsage => compute_usage(&mut fields, zone).map(Data::ComputeUsage),
        Kind::HostReport => host_report(&mut fields).map(Data::HostReport),
    };
    let faults = fields.finish();
    data.filter(|_| faults.is_empty()).ok_or(faults)
}

fn llm_call(fields: &mut Fields<'_>) -> Option<LlmCall> {
    let tokens = || integer(0..=MAX_TOKENS);
    let agent_id = fields.required("agent_id", id);
    let provider = fields.required("provider", id);
    let model = fields.required("model", id);
    let input = fields.required("input_tokens", tokens());
    let output = fields.required("output_tokens", tokens());
    let cache_read = fields.optional("cache_read_tokens", tokens()).unwrap_or_default();
    let cache_write_5m = fields.optional("cache_write_5m_tokens", tokens()).unwrap_or_default();
    let cache_write_1h = fields.optional("cache_write_1h_tokens", tokens()).unwrap_or_default();
    let reasoning_tokens = fields.optional("reasoning_tokens", tokens());
    let latency_ms = fields.optional("latency_ms", integer(0..=MAX_MS));
    let status = fields.optional("status", one_of("'ok' or 'error'")).unwrap_or_default();
    let end_user = fields.optional("end_user", id);
    let conversation_id = fields.optional("conversation_id", id);
    let task_type = fields.optional("task_type", id);
    let hostname = fields.optional("hostname", id);
    let key_source = fields.optional("key_source", one_of("'platform' or 'byok'")).unwrap_or_default();
    let cost_usd = fields.optional("cost_usd", usd(MAX_COST_USD)).map(Usd::new);
    if reasoning_tokens > output && output.is_some() {
        // Such a sender counts reasoning beside the output, and would be charged too little.
        let msg = "Reasoning tokens are part of output_tokens and should not exceed them".to_owned();
        fields.fault("reasoning_tokens", ("reasoning_exceeds_output", msg));
    }
    Some(LlmCall {
        agent_id: agent_id?,
        provider: provider?,
        model: model?,
        tokens: TokenCounts { input: input?, output: output?, cache_read, cache_write_5m, cache_write_1h },
        reasoning_tokens,
        latency_ms,
        status,
        end_user,
        conversation_id,
        task_type,
        hostname,
        key_source,
        cost_usd,
        cost: CallCost::Unpriced,
    })
}

fn task_completed(fields: &mut Fields<'_>) -> Option<TaskCompleted> {
    let agent_id = fields.required("agent_id", id);
    let task_type = fields.optional("task_type", id);
    let success = fields.optional("success", boolean).unwrap_or(true);
    let minutes_saved = fields.optional("minutes_saved", quantity(MAX_AMOUNT)).map(Quantity);
    let duration_ms = fields.optional("duration_ms", integer(0..=MAX_MS));
    Some(TaskCompleted { agent_id: agent_id?, task_type, success, minutes_saved, duration_ms })
}

fn agent_activity(fields: &mut Fields<'_>) -> Option<AgentActivity> {
    let agent_id = fields.required("agent_id", id);
    let event_type = fields.required("event_type", id);
    let details = fields.optional("details", details).unwrap_or_else(|| "{}".to_owned());
    Some(AgentActivity { agent_id: Some(agent_id?), event_type: event_type?, details })
}

fn details(raw: &RawValue) -> Result<String, Bad> {
    let text = raw.get();
    if !text.starts_with('{') {
        return Err(("object_type", "Input should be an object".to_owned()));
    }
    if text.len() > MAX_DETAILS {
        return Err(("too_long", format!("Object should have at most {MAX_DETAILS} bytes of JSON")));
    }
    // Every reader of it will parse it; better now, with a fault, than then.
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err((
            "object_parsing",
            "Object should nest at most 127 deep and hold numbers in range".to_owned(),
        )),
    }
}

fn compute_usage(fields: &mut Fields<'_>, zone: Tz) -> Option<ComputeUsage> {
    let project_id = fields.required("project_id", id);
    let instance_id = fields.required("instance_id", id);
    // Samples are cut to the millisecond.
    let from = fields.required("from", instant).map(|from| from.trunc_subsecs(3));
    let to = fields.required("to", instant).map(|to| to.trunc_subsecs(3));
    let cpu_cores = fields.required("cpu_cores", quantity(MAX_AMOUNT));
    let ram_gb = fields.required("ram_gb", quantity(MAX_AMOUNT));
    let disk_gb = fields.required("disk_gb", quantity(MAX_AMOUNT));
    let bandwidth_in_bytes = fields.required("bandwidth_in_bytes", integer(0..=MAX_BYTES));
    let bandwidth_out_bytes = fields.required("bandwidth_out_bytes", integer(0..=MAX_BYTES));
    let length_ms =
        from.zip(to).and_then(|(from, to)| length(from, to).map_err(|bad| fields.fault("to", bad)).ok());
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
        zone,
    })
}

fn length(from: DateTime<Utc>, to: DateTime<Utc>) -> Result<NonZeroU64, Bad> {
    if to - from > MAX_SAMPLE {
        return Err(("sample_length", "Sample should be at most 24 hours long".to_owned()));
    }
    let length = u64::try_from((to - from).num_milliseconds()).ok().and_then(NonZeroU64::new);
    length.ok_or_else(|| ("sample_length", "Sample should end after it begins".to_owned()))
}

/// The end of a sample.
pub fn end(sample: &ComputeUsage) -> DateTime<Utc> {
    sample.from + TimeDelta::milliseconds(i64::try_from(sample.length_ms.get()).unwrap_or(i64::MAX))
}

fn host_report(fields: &mut Fields<'_>) -> Option<HostReport> {
    let node_id = fields.required("node_id", id);
    let hosted_sites = fields.required("hosted_sites", integer(0..=MAX_AMOUNT));
    Some(HostReport { node_id: node_id?, hosted_sites: hosted_sites? })
}
