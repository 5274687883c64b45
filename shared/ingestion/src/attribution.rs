//! Reads what an event belongs to besides its agent. Invalid values are left out with a warning, so that they never get
//! a call rejected.

use std::collections::BTreeMap;

use ledger::event::Attribution;
use ledger::tags::{MAX_TAGS, Tags};
use serde_json::value::RawValue;
use web::fields::{self, FieldReader, Invalid, id, label};

/// Session, parent agent and tags.
pub fn of_agent(fields: &mut FieldReader<'_>) -> Attribution {
    let session = fields.lenient("session_id", label);
    let conversation = fields.lenient("conversation_id", label);
    if session.is_some() && conversation.is_some() && session != conversation {
        let msg = "Field is another name of session_id, whose value was taken";
        fields.warn("conversation_id", Invalid::new("alias", msg));
    }
    let parent_agent_id = fields.lenient("parent_agent_id", id);
    Attribution { session_id: session.or(conversation), parent_agent_id, ..of_machine(fields) }
}

/// Tags only, for compute samples and host reports.
pub fn of_machine(fields: &mut FieldReader<'_>) -> Attribution {
    Attribution { tags: tags(fields), ..Attribution::default() }
}

/// The valid tags: the first [`MAX_TAGS`] in order of their names.
fn tags(fields: &mut FieldReader<'_>) -> Tags {
    let mut tags = Tags::new();
    for (name, value) in fields.lenient("tags", object).unwrap_or_default() {
        if tags.len() == MAX_TAGS {
            let msg = format!("Event should have at most {MAX_TAGS} tags; the others were left out");
            fields.warn("tags", Invalid::new("too_long", msg));
            break;
        }
        match fields::tag(name.clone(), value) {
            Ok((name, value)) => drop(tags.insert(name, value)),
            Err(invalid) => fields.warn_part("tags", &name, invalid),
        }
    }
    tags
}

fn object(raw: &RawValue) -> Result<BTreeMap<String, &RawValue>, Invalid> {
    serde_json::from_str(raw.get())
        .map_err(|_| Invalid::new("object_type", "Input should be an object of tags"))
}
