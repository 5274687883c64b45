//! An entry of the activity log as an event of OCSF 1.8: class API Activity, profile `ai_operation`.

use ledger::event::{AgentActivity, CONFIG_CHANGE};
use ledger::ids::OrgId;
use serde::Deserialize;
use serde_json::{Value, json};
use store::activity::LogEntry;

const CATEGORY: u32 = 6;
const CLASS: u32 = 6003;
/// Activities of the class.
const UPDATE: u32 = 3;
const OTHER: u32 = 99;

pub fn of(org: &OrgId, entry: &LogEntry) -> Value {
    let AgentActivity { agent_id, event_type, details, .. } = &entry.activity;
    let kind = event_type.as_str();
    let is_change = kind == CONFIG_CHANGE;
    let activity = if is_change { UPDATE } else { OTHER };
    let agent = agent_id.as_ref().map(ToString::to_string);
    let actor = match who(details).filter(|_| is_change) {
        Some(who) => json!({ "user": { "name": who } }),
        None => json!({ "app_name": agent.as_deref().unwrap_or("unknown") }),
    };
    json!({
        "activity_id": activity,
        "activity_name": if is_change { "Update" } else { kind },
        "actor": actor,
        "api": { "operation": kind },
        "category_name": "Application Activity",
        "category_uid": CATEGORY,
        "class_name": "API Activity",
        "class_uid": CLASS,
        "metadata": {
            "log_name": "activity",
            "product": { "name": "Fleetledger", "vendor_name": "Fleetledger" },
            "profiles": ["ai_operation"],
            "tenant_uid": org.as_str(),
            "uid": entry.id,
            "version": "1.8.0",
        },
        "severity": "Informational",
        "severity_id": 1,
        // Required by the class, although entries do not state where they come from.
        "src_endpoint": { "name": agent.as_deref().unwrap_or("unknown") },
        "time": entry.time.timestamp_millis(),
        "type_uid": CLASS * 100 + activity,
        // As a string, because other programs would not keep all digits of its numbers.
        "unmapped": { "agent_id": agent, "details": details },
    })
}

/// Who changed a setting.
fn who(details: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Details {
        who: String,
    }
    serde_json::from_str::<Details>(details).ok().map(|details| details.who)
}
