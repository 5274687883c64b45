//! What a question is answered from.

use ledger::calendar::TrackedDimensions;
use ledger::dimension::Dimension;
use web::error::{Error, Fault, Result};

use super::figures::Known;
use super::params::Params;
use crate::range::{Granularity, Range};
use crate::raw_events::MAX_DAYS as MAX_RAW_DAYS;

/// The most days of a range that rollups answer for.
const MAX_DAYS: u32 = 400;

/// The most days of a range that is answered by hour.
const MAX_HOURLY_DAYS: u32 = 31;

/// Dimensions that an organization's days tell apart.
pub const OF_MODELS: [Dimension; 2] = [Dimension::Model, Dimension::Provider];
/// Dimensions that only agents' days tell apart.
const OF_AGENTS: [Dimension; 2] = [Dimension::Agent, Dimension::Department];

/// What figures are folded from: the first of these that can tell the dimensions apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The organization's days.
    OrgDays,
    /// The days of agents, which have the cost of each model as one figure.
    AgentDays,
    /// The days of a tracked dimension, by model.
    TrackedDays,
    /// The organization's hours, by model.
    Hours,
    /// Raw events.
    Events,
}

impl Source {
    /// The source that answers a question, if the range is not too long for it. `tracked` are the dimensions that rollups
    /// tell apart. These have pseudonyms of end users, so raw events answer those who see names, as far as they can.
    ///
    /// # Errors
    ///
    /// The fault says which questions can be answered.
    pub fn choose(
        params: &Params,
        range: Range,
        tracked: &TrackedDimensions,
        names_end_users: bool,
    ) -> Result<Self> {
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
        let is_short = !range.exceeds(MAX_RAW_DAYS);
        if is_short && names_end_users && params.uses(&[Dimension::EndUser]) {
            return Ok(Self::Events);
        }
        let reason = match of_rollups(params, range, tracked) {
            Ok(source) => return Ok(source),
            Err(_) if is_short => return Ok(Self::Events),
            Err(reason) => reason,
        };
        let names: Vec<_> = tracked.iter().map(|dimension| format!("'{dimension}'")).collect();
        let tracked = if names.is_empty() {
            "one tracked dimension (there is none)".to_owned()
        } else {
            format!("one tracked dimension ({})", names.join(", "))
        };
        let msg = format!(
            "{reason}, figures can be told apart for up to {MAX_RAW_DAYS} days. By 'agent', 'department', 'model' and \
             'provider', and any two of them, and by {tracked}, alone or with 'model' or 'provider', they can for up to \
             {MAX_DAYS} days, in whole days of the organization's time zone and with a granularity of 'total', 'month', \
             'week' or 'day'. By 'hour' they can by 'model' and 'provider', or not told apart, for up to {MAX_HOURLY_DAYS} \
             days in whole hours of UTC"
        );
        Err(fault("from", "range_too_long", msg))
    }

    /// Which figures of groups are known.
    pub fn known(self, params: &Params) -> Known {
        match self {
            Self::Events | Self::TrackedDays | Self::Hours => Known::ALL,
            // The latency of a model is in no rollup.
            Self::AgentDays | Self::OrgDays => {
                Known { cost_parts: self == Self::OrgDays, latency: !params.uses(&OF_MODELS) }
            }
        }
    }

    /// Which figures of all groups together are known.
    pub fn known_in_total(self, params: &Params) -> Known {
        let filters_models = params.filters.iter().any(|filter| OF_MODELS.contains(&filter.dimension));
        Known { latency: self.known(params).latency || !filters_models, ..self.known(params) }
    }
}

/// The rollups that can answer, or why none can.
fn of_rollups(params: &Params, range: Range, tracked: &TrackedDimensions) -> Result<Source, String> {
    if params.granularity == Granularity::Hour {
        let is_of_models = params.dimensions().all(|dimension| OF_MODELS.contains(dimension));
        let is_answered = is_of_models && range.is_of_hours() && !range.exceeds(MAX_HOURLY_DAYS);
        return if is_answered { Ok(Source::Hours) } else { Err("By hour".to_owned()) };
    }
    let Some(days) = range.days() else {
        return Err("From or to another time of day than midnight".to_owned());
    };
    let is_always = |dimension: &&Dimension| OF_MODELS.contains(dimension) || OF_AGENTS.contains(dimension);
    let Some(dimension) = params.dimensions().find(|dimension| !is_always(dimension)) else {
        return Ok(if params.uses(&OF_AGENTS) { Source::AgentDays } else { Source::OrgDays });
    };
    if let Some(other) = params.dimensions().find(|one| *one != dimension && !OF_MODELS.contains(one)) {
        return Err(format!("By '{dimension}' together with '{other}'"));
    }
    if tracked.tell_apart(dimension, days.first) {
        return Ok(Source::TrackedDays);
    }
    Err(match tracked.since(dimension) {
        Some(since) => format!("By '{dimension}', which is tracked from {since} on"),
        None => format!("By '{dimension}', which is not tracked"),
    })
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
        let tracked = [Dimension::ProjectId, Dimension::EndUser, Dimension::Tag("customer".to_owned())];
        chosen(query, &TrackedDimensions::new(&tracked), false)
    }

    fn chosen(query: &str, tracked: &TrackedDimensions, names_end_users: bool) -> Option<Source> {
        let params = Params::from_query(&mut QueryReader::parse(query));
        let now = parse_instant("2026-11-10T12:00:00Z").unwrap();
        let range = Range::new(
            params.from,
            params.to,
            Calendar { zone: "Europe/Berlin".parse().unwrap(), ..Calendar::default() },
            now,
        );
        match Source::choose(&params, range, tracked, names_end_users) {
            Ok(source) => Some(source),
            Err(Error::Validation(faults)) => {
                assert!(faults[0].msg.contains("days") || faults[0].msg.contains("after"), "{faults:?}");
                None
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn one_tracked_dimension_is_answered_from_rollups() {
        let year = "from=2025-10-06&to=2026-11-10";
        for query in [
            "groupBy=project_id",
            "groupBy=project_id,model&granularity=day&filter[project_id]=x",
            "groupBy=provider&filter[tag.customer]=x",
            "groupBy=end_user",
        ] {
            assert_eq!(choose(&format!("{year}&{query}")), Some(Source::TrackedDays), "{query}");
        }
        for query in [
            "groupBy=project_id,agent",
            "groupBy=project_id,tag.customer",
            "groupBy=project_id&filter[department]=x",
            "groupBy=task_type",
            "groupBy=project_id&granularity=hour",
        ] {
            assert_eq!(choose(&format!("{year}&{query}")), None, "{query}");
            assert_eq!(
                choose(&format!("from=2026-11-08&to=2026-11-10&{query}")),
                Some(Source::Events),
                "{query}"
            );
        }
        // Names of end users are only in raw events.
        let all = TrackedDimensions::new(&[Dimension::EndUser]);
        let week = "from=2026-11-03&to=2026-11-10&groupBy=end_user";
        assert_eq!(chosen(week, &all, true), Some(Source::Events));
        assert_eq!(chosen(week, &all, false), Some(Source::TrackedDays));
        assert_eq!(chosen(&format!("{year}&groupBy=end_user"), &all, true), Some(Source::TrackedDays));
        // Days that were copied when the dimension was not tracked yet.
        let since = ledger::period::Day::parse("2026-10-01");
        let copied = all.continuing(&TrackedDimensions::none(), since);
        assert_eq!(
            chosen("from=2026-10-01&to=2026-11-10&groupBy=end_user", &copied, false),
            Some(Source::TrackedDays)
        );
        assert_eq!(chosen("from=2026-09-30&to=2026-11-10&groupBy=end_user", &copied, false), None);
    }

    #[test]
    fn whole_hours_are_answered_for_a_month() {
        let month = "from=2026-10-06&to=2026-11-06&granularity=hour";
        for query in ["", "&groupBy=model", "&groupBy=provider,model&filter[model]=x"] {
            assert_eq!(choose(&format!("{month}{query}")), Some(Source::Hours), "{query}");
        }
        let instants = "from=2026-10-06T10:00:00Z&to=2026-11-06T10:00:00Z&granularity=hour";
        assert_eq!(choose(instants), Some(Source::Hours));
        for query in [
            "from=2026-10-06&to=2026-11-07&granularity=hour",
            "from=2026-10-06T10:00:01Z&to=2026-11-06T10:00:00Z&granularity=hour",
            "from=2026-10-06&to=2026-11-06&granularity=hour&groupBy=agent",
            "from=2026-10-06&to=2026-11-06&granularity=hour&groupBy=project_id",
        ] {
            assert_eq!(choose(query), None, "{query}");
        }
        let part = "from=2026-11-06T10:30:00Z&to=2026-11-06T12:00:00Z&granularity=hour";
        assert_eq!(choose(part), Some(Source::Events));
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
        for raw in
            ["groupBy=task_type", "groupBy=agent&filter[tag.customer]=x", "granularity=hour&groupBy=agent"]
        {
            assert_eq!(choose(&format!("{week}&{raw}")), Some(Source::Events), "{raw}");
            assert_eq!(choose(&format!("from=2026-10-19&to=2026-10-27&{raw}")), None, "{raw}");
        }
        assert_eq!(choose("from=2026-10-20T10:00:00Z&to=2026-10-27T10:00:00Z"), Some(Source::Events));
        assert_eq!(choose("from=2026-10-20T10:00:00Z&to=2026-10-27T10:00:01Z"), None);
        assert_eq!(choose("from=2026-10-20&to=2026-10-20"), None);
        assert_eq!(choose("from=2026-10-21&to=2026-10-20"), None);
    }
}
