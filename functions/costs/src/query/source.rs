//! What a question is answered from.

use ledger::dimension::Dimension;
use web::error::{Error, Fault, Result};

use super::figures::Known;
use super::params::Params;
use crate::range::{Granularity, Range};
use crate::raw_events::MAX_DAYS as MAX_RAW_DAYS;

/// The most days of a range that rollups answer for.
const MAX_DAYS: u32 = 400;

/// Dimensions that an organization's days tell apart.
const OF_MODELS: [Dimension; 2] = [Dimension::Model, Dimension::Provider];
/// Dimensions that only agents' days tell apart.
const OF_AGENTS: [Dimension; 2] = [Dimension::Agent, Dimension::Department];

/// What figures are folded from: the first of these that can tell the dimensions apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The organization's days.
    OrgDays,
    /// The days of agents, which have the cost of each model as one figure.
    AgentDays,
    /// Raw events.
    Events,
}

impl Source {
    /// The source that answers a question, if the range is not too long for it.
    ///
    /// # Errors
    ///
    /// The fault says which questions can be answered.
    pub fn choose(params: &Params, range: Range) -> Result<Self> {
        if range.from >= range.to {
            return Err(fault("to", "range", "Input should be after 'from'".to_owned()));
        }
        if range.exceeds(MAX_DAYS) {
            return Err(fault(
                "from",
                "range_too_long",
                format!("The range should have at most {MAX_DAYS} days"),
            ));
        }
        let Some(reason) = needs_events(params, range) else {
            return Ok(if params.uses(&OF_AGENTS) { Self::AgentDays } else { Self::OrgDays });
        };
        if !range.exceeds(MAX_RAW_DAYS) {
            return Ok(Self::Events);
        }
        let msg = format!(
            "{reason}, figures can be told apart for up to {MAX_RAW_DAYS} days. By 'agent', 'department', 'model' and \
             'provider', and any two of them, they can for up to {MAX_DAYS} days, in whole days of the organization's \
             time zone and with a granularity of 'total', 'month', 'week' or 'day'"
        );
        Err(fault("from", "range_too_long", msg))
    }

    /// Which figures of groups are known.
    pub fn known(self, params: &Params) -> Known {
        match self {
            Self::Events => Known::ALL,
            // The latency of a model is in no rollup.
            Self::AgentDays | Self::OrgDays => {
                Known { cost_parts: self == Self::OrgDays, latency: !params.uses(&OF_MODELS) }
            }
        }
    }

    /// Which figures of all groups together are known.
    pub fn known_in_total(self, params: &Params) -> Known {
        let filters_models = params.filters.iter().any(|filter| OF_MODELS.contains(&filter.dimension));
        Known { latency: self == Self::Events || !filters_models, ..self.known(params) }
    }
}

/// Why rollups cannot answer.
fn needs_events(params: &Params, range: Range) -> Option<String> {
    let is_rolled_up =
        |dimension: &&Dimension| OF_MODELS.contains(dimension) || OF_AGENTS.contains(dimension);
    if let Some(dimension) = params.dimensions().find(|dimension| !is_rolled_up(dimension)) {
        return Some(format!("By '{dimension}'"));
    }
    if params.granularity == Granularity::Hour {
        return Some("By hour".to_owned());
    }
    range.days().is_none().then(|| "From or to another time of day than midnight".to_owned())
}

fn fault(name: &'static str, kind: &'static str, msg: String) -> Error {
    Fault::of_query(name, kind, msg).into()
}

#[cfg(test)]
mod tests {
    use ledger::calendar::Calendar;
    use ledger::period::parse_instant;
    use web::query::{FromQuery, QueryReader};

    use super::*;

    fn choose(query: &str) -> Option<Source> {
        let params = Params::from_query(&mut QueryReader::parse(query));
        let now = parse_instant("2026-11-10T12:00:00Z").unwrap();
        let range = Range::new(
            params.from,
            params.to,
            Calendar { zone: "Europe/Berlin".parse().unwrap(), ..Calendar::default() },
            now,
        );
        match Source::choose(&params, range) {
            Ok(source) => Some(source),
            Err(Error::Validation(faults)) => {
                assert!(faults[0].msg.contains("days") || faults[0].msg.contains("after"), "{faults:?}");
                None
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn rollups_answer_where_they_can_and_events_for_a_week() {
        let year = "from=2025-10-06&to=2026-11-10";
        assert_eq!(choose(year), Some(Source::OrgDays));
        assert_eq!(choose("from=2025-10-05&to=2026-11-10"), None);
        assert_eq!(choose(&format!("{year}&groupBy=provider,model&filter[model]=x")), Some(Source::OrgDays));
        assert_eq!(choose(&format!("{year}&groupBy=model&filter[agent]=x")), Some(Source::AgentDays));
        assert_eq!(
            choose(&format!("{year}&groupBy=department,model&granularity=day")),
            Some(Source::AgentDays)
        );
        // The week with 25 hours in a day, to the second.
        let week = "from=2026-10-20&to=2026-10-27";
        for raw in ["groupBy=task_type", "groupBy=agent&filter[tag.customer]=x", "granularity=hour"] {
            assert_eq!(choose(&format!("{week}&{raw}")), Some(Source::Events), "{raw}");
            assert_eq!(choose(&format!("from=2026-10-19&to=2026-10-27&{raw}")), None, "{raw}");
        }
        assert_eq!(choose("from=2026-10-20T10:00:00Z&to=2026-10-27T10:00:00Z"), Some(Source::Events));
        assert_eq!(choose("from=2026-10-20T10:00:00Z&to=2026-10-27T10:00:01Z"), None);
        assert_eq!(choose("from=2026-10-20&to=2026-10-20"), None);
        assert_eq!(choose("from=2026-10-21&to=2026-10-20"), None);
    }
}
