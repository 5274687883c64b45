//! What the function is asked for: the input of a schedule, or of an invocation by hand.

use ledger::ids::OrgId;
use ledger::period::Day;
use serde::Deserialize;

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// `{"do":"nightly"}`: the days that are due, of every organisation.
    Nightly,
    /// `{"do":"dirty"}`: the sealed days that events came to.
    Dirty,
    /// `{"do":"replay"}`: the days of the records in the quarantine, which leave it as far as they are counted then.
    Replay,
    /// `{"do":"forget","places":["…"]}`: entries of the quarantine that a person has looked at and found to be nothing.
    Forget {
        /// Their sort keys, as a replay reports them.
        places: Vec<String>,
    },
    /// `{"do":"day","org":"acme","day":"2026-03-05","repair":true,"seal":true}`: one day, now.
    Day {
        /// Whose.
        org: OrgId,
        /// Which.
        day: Day,
        /// Whether items that differ are written anew, and sealed by that.
        #[serde(default)]
        repair: bool,
        /// Whether all items of the day are sealed; implies `repair`.
        #[serde(default)]
        seal: bool,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(value: Value) -> Option<Request> {
        serde_json::from_value(value).ok()
    }

    #[test]
    fn requests_are_read_and_odd_ones_refused() {
        assert_eq!(read(json!({"do": "nightly"})), Some(Request::Nightly));
        assert_eq!(read(json!({"do": "dirty"})), Some(Request::Dirty));
        let day = json!({"do": "day", "org": "acme", "day": "2026-03-05", "repair": true});
        let wanted = Request::Day {
            org: OrgId::new("acme").unwrap(),
            day: Day::parse("2026-03-05").unwrap(),
            repair: true,
            seal: false,
        };
        assert_eq!(read(day), Some(wanted));
        for odd in [
            json!({}),
            json!({"do": "everything"}),
            json!({"do": "day", "org": "acme"}),
            json!({"do": "day", "org": "a#b", "day": "2026-03-05"}),
            json!({"do": "day", "org": "acme", "day": "2026-02-30"}),
            json!({"do": "day", "org": "acme", "day": "2026-03-05", "repiar": true}),
        ] {
            assert_eq!(read(odd.clone()), None, "{odd}");
        }
    }
}
