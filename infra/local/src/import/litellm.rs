//! LiteLLM's spend logs: rows of its table `LiteLLM_SpendLogs`, from `/spend/logs` or an export, in a list or one per
//! line. They are sent in the format of LiteLLM's own callback.

use chrono::{DateTime, NaiveDateTime, Utc};
use serde_json::{Map, Value, json};

use super::Read;
use crate::error::{Error, Result};

/// The payloads of all rows.
pub fn read(text: &str) -> Result<Read> {
    let text = text.trim_start_matches('\u{feff}').trim();
    let rows: Vec<Value> = if text.starts_with('[') {
        serde_json::from_str(text)
            .map_err(|error| Error::caused("this is not a list of spend logs", error))?
    } else {
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_default()).collect()
    };
    let mut read = Read::default();
    for row in rows {
        match payload(&row) {
            Some(payload) => read.events.push(payload),
            None => read.malformed += 1,
        }
    }
    Ok(read)
}

fn payload(row: &Value) -> Option<Value> {
    let object = |value: &Value| match value {
        // Some exports have JSON columns as strings.
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        Value::Object(map) => map.clone(),
        _ => Map::new(),
    };
    let mut metadata = object(&row["metadata"]);
    let status = metadata.get("status").cloned().unwrap_or_else(|| json!("success"));
    if let Some(usage) = metadata.get("additional_usage_values").cloned() {
        metadata.entry("usage_object").or_insert(usage);
    }
    let tags = match &row["request_tags"] {
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        tags => tags.clone(),
    };
    let field = |name: &str| metadata.get(name).cloned().unwrap_or_default();
    let [call_id, basis, listed, batch_models] =
        ["litellm_call_id", "cost_breakdown", "model_map_information", "batch_models"].map(field);
    let is_hit = row["cache_hit"] == true
        || row["cache_hit"].as_str().is_some_and(|hit| hit.eq_ignore_ascii_case("true"));
    Some(json!({
        // The callback reports the same call under this id (`proxy/spend_tracking/spend_tracking_utils.py`).
        "litellm_call_id": call_id, "id": row["request_id"].as_str()?, "call_type": row["call_type"],
        "cost_breakdown": basis, "model_map_information": listed, "api_base": row["api_base"],
        "hidden_params": { "batch_models": batch_models }, "total_tokens": row["total_tokens"],
        "model": row["model"], "custom_llm_provider": row["custom_llm_provider"],
        "prompt_tokens": row["prompt_tokens"], "completion_tokens": row["completion_tokens"],
        "response_cost": row["spend"], "status": status, "cache_hit": is_hit,
        "startTime": seconds(row["startTime"].as_str()?)?, "endTime": seconds(row["endTime"].as_str()?)?,
        "request_tags": tags, "end_user": row["end_user"], "session_id": row["session_id"], "metadata": metadata,
    }))
}

/// Parses a time as `PostgreSQL` and JSON write it to seconds since 1970. Without a zone it is in UTC.
fn seconds(text: &str) -> Option<Value> {
    let with_zone = || DateTime::parse_from_rfc3339(text).ok().map(|time| time.to_utc());
    let bare = |format| NaiveDateTime::parse_from_str(text, format).ok().map(|time| time.and_utc());
    let time: DateTime<Utc> = with_zone()
        .or_else(|| bare("%Y-%m-%dT%H:%M:%S%.f"))
        .or_else(|| bare("%Y-%m-%d %H:%M:%S%.f"))
        .or_else(|| bare("%Y-%m-%d %H:%M:%S%.f+00"))?;
    let millis = time.timestamp_millis();
    serde_json::from_str(&format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))).ok()
}
