//! Answers from rollups, month by month, so that only a month of agents' days is in memory.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::future::try_join_all;
use futures::try_join;
use ledger::calendar::Generation;
use ledger::dimension::{Dimension, NONE};
use ledger::ids::{AgentId, ModelKey, OrgId};
use ledger::pack::{HourRow, TrackedRow};
use ledger::period::{Day, DayRange};
use ledger::rollup::{AgentDay, EndUser};
use web::error::Result;

use super::figures::Figures;
use super::groups::{Departments, Grouping};
use super::params::Params;
use super::sums::Sums;
use crate::App;
use crate::model_names::ModelNames;
use crate::range::Part;

/// Up to this many agents, their days are read by key instead of with those of all others.
const MAX_BY_KEY: usize = 10;

/// Adds an organization's days.
pub async fn add_org_days(
    app: &App,
    org: &OrgId,
    params: &Params,
    part: &Part,
    sums: &mut Sums,
) -> Result<()> {
    let Some(days) = part.range.days() else { return Ok(()) };
    let grouping = Grouping::new(params);
    for (day, org_day) in app.tables.usage.org_days(org, part.range.calendar.generation, days).await? {
        let period = part.of_day(day);
        let mut add = |model: Option<&ModelKey>, figures| match grouping
            .group(|dimension| of_model(dimension, model))
        {
            Some(group) => sums.add(&group, period, part.side, figures),
            None => Ok(()),
        };
        for (key, figures) in &org_day.models {
            add(Some(key), figures.into())?;
        }
        add(None, (&org_day.work).into())?;
    }
    Ok(())
}

/// Adds agents' days.
pub async fn add_agent_days(
    app: &App,
    org: &OrgId,
    (params, departments): (&Params, &Departments),
    part: &Part,
    sums: &mut Sums,
) -> Result<()> {
    let Some(days) = part.range.days() else { return Ok(()) };
    let grouping = Grouping::new(params);
    let generation = part.range.calendar.generation;
    for (_, days) in days.by_month() {
        let names = async {
            // Not needed if models are not told apart.
            if params.uses(&[Dimension::Model, Dimension::Provider]) {
                app.tables.usage.org_days(org, part.range.calendar.generation, days).await
            } else {
                Ok(BTreeMap::new())
            }
        };
        let (agent_days, org_days) = try_join!(agent_days(app, org, params, (generation, days)), names)?;
        let names = ModelNames::of(org_days.values());
        for (day, agent, agent_day) in agent_days {
            let add =
                AgentDayOf { grouping: &grouping, departments, names: &names, part, agent: &agent, day };
            add.to(sums, &agent_day)?;
        }
    }
    Ok(())
}

/// The days of the agents that pass the filter.
async fn agent_days(
    app: &App,
    org: &OrgId,
    params: &Params,
    (generation, days): (Generation, DayRange),
) -> store::Result<Vec<(Day, AgentId, AgentDay)>> {
    let usage = &app.tables.usage;
    let Some(agents) = agents_asked_for(params) else { return usage.agent_days(org, generation, days).await };
    let of_agent = async |agent: AgentId| {
        let found = usage.agent_days_of(org, generation, &agent, days).await?;
        Ok::<_, store::Error>(found.into_iter().map(move |(day, sums)| (day, agent.clone(), sums)))
    };
    Ok(try_join_all(agents.into_iter().map(of_agent)).await?.into_iter().flatten().collect())
}

/// The few agents that a filter names.
fn agents_asked_for(params: &Params) -> Option<BTreeSet<AgentId>> {
    let filter = params.filters.iter().find(|filter| filter.dimension == Dimension::Agent)?;
    let agents = filter.values.iter().filter_map(|agent| AgentId::new(agent).ok());
    Some(agents.collect()).filter(|agents: &BTreeSet<_>| agents.len() <= MAX_BY_KEY)
}

/// Adds the days of a tracked dimension.
pub async fn add_tracked_days(
    app: &App,
    org: &OrgId,
    (params, names_end_users): (&Params, bool),
    part: &Part,
    sums: &mut Sums,
) -> Result<()> {
    let (Some(windows), Some(dimension)) = (part.windows(), params.only_other()) else { return Ok(()) };
    let grouping = Grouping::new(params);
    let names = if names_end_users { names_asked_for(org, params) } else { HashMap::new() };
    let parts = app.tables.usage.tracked_over(org, part.range.calendar.generation, &windows).await?;
    for (day, rows) in parts {
        let period = part.of_day(day);
        for TrackedRow { value, model, calls, work } in rows.tracked_rows(dimension) {
            let value = names.get(value).map_or(value, String::as_str);
            let group = grouping.group(|dimension| match dimension {
                Dimension::Model | Dimension::Provider => of_model(dimension, model.as_ref()),
                _ => Cow::Borrowed(value),
            });
            if let Some(group) = group {
                let mut figures: Figures = (&calls).into();
                figures += (&work).into();
                sums.add(&group, period, part.side, figures)?;
            }
        }
    }
    Ok(())
}

/// Adds hours.
pub async fn add_hours(app: &App, org: &OrgId, params: &Params, part: &Part, sums: &mut Sums) -> Result<()> {
    let grouping = Grouping::new(params);
    // Days that were copied from another zone may begin at another time.
    let DayRange { first, last } = part.range.overlapped();
    let days = DayRange { first: first.minus(1), last: last.next() };
    let hours = app.tables.usage.hours(org, part.range.calendar.generation, days).await?;
    for HourRow { hour, model, calls, work } in hours.into_iter().filter(|row| part.range.contains(row.hour))
    {
        if let Some(group) = grouping.group(|dimension| of_model(dimension, model.as_ref())) {
            let mut figures: Figures = (&calls).into();
            figures += (&work).into();
            sums.add(&group, part.of_instant(hour), part.side, figures)?;
        }
    }
    Ok(())
}

/// The names of end users that a filter has, by the pseudonyms under which they are stored.
fn names_asked_for(org: &OrgId, params: &Params) -> HashMap<String, String> {
    let filters = params.filters.iter().filter(|filter| filter.dimension == Dimension::EndUser);
    let names = filters.flat_map(|filter| &filter.values);
    names.map(|name| (EndUser::pseudonym(org, name), name.clone())).collect()
}

struct AgentDayOf<'a> {
    grouping: &'a Grouping<'a>,
    departments: &'a Departments,
    names: &'a ModelNames,
    part: &'a Part,
    agent: &'a AgentId,
    day: Day,
}

impl AgentDayOf<'_> {
    fn to(&self, sums: &mut Sums, agent_day: &AgentDay) -> Result<()> {
        let period = self.part.of_day(self.day);
        // An agent's day may be written a moment before its organization's, which has the names of models.
        let other = ModelKey::other();
        let mut add = |model: Option<&ModelKey>, figures| {
            let value = |dimension: &Dimension| match dimension {
                Dimension::Agent => Cow::Owned(self.agent.to_string()),
                Dimension::Department => Cow::Owned(self.departments.of(self.agent).to_owned()),
                other => of_model(other, model),
            };
            match self.grouping.group(value) {
                Some(group) => sums.add(&group, period, self.part.side, figures),
                None => Ok(()),
            }
        };
        for (code, figures) in &agent_day.models {
            add(Some(self.names.get(*code).unwrap_or(&other)), figures.into())?;
        }
        add(None, (&agent_day.work).into())
    }
}

fn of_model(dimension: &Dimension, model: Option<&ModelKey>) -> Cow<'static, str> {
    let value = model.and_then(|key| match dimension {
        Dimension::Model => Some(key.model.clone()),
        Dimension::Provider => Some(key.provider.clone()),
        _ => None,
    });
    value.map_or(Cow::Borrowed(NONE), Cow::Owned)
}
