//! A table counts what the fold over rollups counts.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use proptest::prelude::*;

use super::agents;
use super::events::{day, events, table};
use crate::calendar::{Calendar, Generation};
use crate::event::Event;
use crate::ids::{AgentId, OrgId, ProjectId};
use crate::pack::amount::decimal;
use crate::pack::figure::Figure;
use crate::pack::fold::{COMPUTE, model_key};
use crate::pack::group::{Domain, Group, Key, NONE};
use crate::pack::table::{Row, Table};
use crate::pack::view::{View, long_context_step};
use crate::period::Day;
use crate::pricing::{Rate, TokenUsage};
use crate::rollup::{
    Measure, ModelCode, ModelMeasure as M, OrgDay, Rollup, RollupId, TASK_TYPES, contribution,
};

/// What a rollup is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Id {
    Rollup(RollupId),
    Agent(AgentId),
}

type Rollups = BTreeMap<Id, Rollup>;

/// What the fold over rollups and that over agents' days make of the events.
fn folded(events: &[Event]) -> Rollups {
    let mut rollups = Rollups::new();
    for event in events {
        for (id, sums) in contribution(event, &[Calendar::default()]).sums {
            // Rows of calls without a price are bounded by rank, so they stay in an item of their own.
            if !matches!(id, RollupId::UnpricedDay(..)) {
                rollups.entry(Id::Rollup(id)).or_default().merge(&sums);
            }
        }
        if let Some((agent, sums)) = agents::contribution(event) {
            rollups.entry(Id::Agent(agent)).or_default().merge(&sums);
        }
    }
    rollups.retain(|_, rollup| !rollup.is_empty());
    rollups
}

/// The rollups that a table holds, in the columns of today.
struct Unfolded<'t> {
    table: &'t Table,
    org: OrgId,
    rollups: Rollups,
}

impl Unfolded<'_> {
    fn add(&mut self, id: Id, measure: Measure, figure: Figure, row: Row<'_>) {
        let value = row.get(figure);
        let value = if figure.has_decimals() { decimal(value) } else { value.into() };
        self.rollups.entry(id).or_default().add(measure, value);
    }

    fn agent(&self, position: i32) -> AgentId {
        AgentId::new(self.table.name_at(Domain::Agents, position).unwrap()).unwrap()
    }

    fn agent_day(&self, position: i32) -> Id {
        Id::Agent(self.agent(position))
    }

    fn kind(&self, position: i32) -> String {
        self.table.name_at(Domain::Kinds, position).unwrap().to_owned()
    }

    fn code(&self, position: i32) -> ModelCode {
        ModelCode::of(&model_key(self.table.name_at(Domain::Models, position).unwrap()).unwrap())
    }

    fn calls(&mut self, id: &Id, model: i32, row: Row<'_>) {
        let code = self.code(model);
        let tokens = TokenUsage::default().buckets().map(|(bucket, _)| bucket);
        let tokens = tokens.map(|bucket| (M::Tokens(bucket), Figure::of_tokens(bucket)));
        let units = Rate::UNITS.iter().map(|unit| (M::Units(*unit), Figure::of_unit(*unit).unwrap()));
        let others = [
            (M::Requests, Figure::Requests),
            (M::Errors, Figure::Errors),
            (M::Unpriced, Figure::Unpriced),
            (M::InputCost, Figure::InputCost),
            (M::CacheReadCost, Figure::CacheReadCost),
            (M::CacheWriteCost, Figure::CacheWriteCost),
            (M::OutputCost, Figure::OutputCost),
            (M::UnitsCost, Figure::UnitsCost),
            (M::ByokCost, Figure::ByokCost),
            (M::Cost, Figure::Cost),
        ];
        for (measure, figure) in tokens.into_iter().chain(units).chain(others) {
            self.add(id.clone(), Measure::Model(code, measure), figure, row);
        }
    }

    fn work(&mut self, id: &Id, row: Row<'_>) {
        for (measure, figure) in [
            (Measure::LatencyCount, Figure::LatencyCount),
            (Measure::LatencySum, Figure::LatencySum),
            (Measure::Tasks, Figure::Tasks),
            (Measure::TasksFailed, Figure::TasksFailed),
            (Measure::TasksWithMinutes, Figure::TasksWithMinutes),
            (Measure::MinutesSaved, Figure::MinutesSaved),
        ] {
            self.add(id.clone(), measure, figure, row);
        }
    }

    fn of_org(&mut self) {
        let id = Id::Rollup(RollupId::OrgDay(self.org.clone(), Generation::FIRST, day()));
        for ([model, ..], row) in self.table.rows(Group::OrgModels) {
            self.calls(&id, model, row);
            let key = model_key(self.table.name_at(Domain::Models, model).unwrap()).unwrap();
            let rollup = self.rollups.entry(id.clone()).or_default();
            rollup.name(Measure::ModelName(ModelCode::of(&key)), &key);
        }
        for (_, row) in self.table.rows(Group::OrgWork) {
            self.work(&id, row);
        }
        for ([kind, ..], row) in self.table.rows(Group::OrgActivity) {
            self.add(id.clone(), Measure::Activity(self.kind(kind)), Figure::Entries, row);
        }
    }

    fn of_agents(&mut self) {
        for ([agent, model, ..], row) in self.table.rows(Group::AgentModels) {
            let id = self.agent_day(agent);
            self.calls(&id, model, row);
        }
        for ([agent, ..], row) in self.table.rows(Group::Agents) {
            let id = self.agent_day(agent);
            self.work(&id, row);
        }
        for ([agent, kind, ..], row) in self.table.rows(Group::AgentActivity) {
            let id = self.agent_day(agent);
            self.add(id, Measure::Activity(self.kind(kind)), Figure::Entries, row);
        }
        for ([agent, task_type, ..], row) in self.table.rows(Group::AgentTaskTypes) {
            let id = self.agent_day(agent);
            let kind = TASK_TYPES[usize::try_from(task_type - 1).unwrap()].to_owned();
            self.add(id, Measure::CallsOfTaskType(kind), Figure::Requests, row);
        }
        for ([agent, model, length, ..], row) in self.table.rows(Group::AgentLengths) {
            let (id, code) = (self.agent_day(agent), self.code(model));
            let index = u8::try_from(length - 1).unwrap();
            self.add(id.clone(), Measure::LongerInput(code, index), Figure::Requests, row);
            let Some(step) = long_context_step(length) else { continue };
            for (bucket, _) in TokenUsage::default().buckets() {
                let measure = Measure::LongContext(code, u8::try_from(step).unwrap(), bucket);
                self.add(id.clone(), measure, Figure::of_tokens(bucket), row);
            }
        }
    }

    fn of_activity(&mut self) {
        for ([agent, day, hour, kind, _], row) in self.table.rows(Group::Activity) {
            let day = Day::new(NaiveDate::from_epoch_days(day).unwrap());
            let measure = Measure::ActivityInHour(u8::try_from(hour).unwrap(), self.kind(kind));
            let of_org = RollupId::ActivityDay(self.org.clone(), None, day);
            self.add(Id::Rollup(of_org), measure.clone(), Figure::Entries, row);
            if agent != NONE {
                let of_agent = RollupId::ActivityDay(self.org.clone(), Some(self.agent(agent)), day);
                self.add(Id::Rollup(of_agent), measure, Figure::Entries, row);
            }
        }
    }

    fn of_compute(&mut self) {
        for group in [Group::ProjectHours, Group::ProjectDays] {
            for (key, row) in self.table.rows(group) {
                for (figure, measure) in COMPUTE {
                    self.add(self.bucket(group, key), measure, figure, row);
                }
            }
            for (key, members) in self.table.sets(group) {
                let rollup = self.rollups.entry(self.bucket(group, key)).or_default();
                for member in members {
                    rollup.insert(Measure::Instances, *member);
                }
            }
        }
    }

    fn bucket(&self, group: Group, [project, number, ..]: Key) -> Id {
        let project = ProjectId::new(self.table.name_at(Domain::Projects, project).unwrap()).unwrap();
        let day = |number| Day::new(NaiveDate::from_epoch_days(number).unwrap());
        Id::Rollup(match group {
            Group::ProjectHours => {
                let hour = format!("{}T{:02}", day(number.div_euclid(24)), number.rem_euclid(24));
                RollupId::ProjectHour(self.org.clone(), hour, project)
            }
            _ => RollupId::ProjectDay(self.org.clone(), Generation::FIRST, day(number), project),
        })
    }

    fn all(mut self) -> Rollups {
        self.of_org();
        self.of_agents();
        self.of_activity();
        self.of_compute();
        let rollups = self.rollups.into_iter().filter(|(_, rollup)| !rollup.is_empty());
        let offset = |(id, rollup): (Id, Rollup)| match &id {
            Id::Rollup(of) => {
                let days = of.days_until(day());
                (id, rollup.offset(days))
            }
            Id::Agent(_) => (id, rollup),
        };
        rollups.map(offset).collect()
    }
}

/// Everything that packs of all views hold.
fn views(detail: &Table) -> Table {
    let mut all = Table::default();
    for view in View::PARTS {
        all.merge_view(detail, view);
    }
    all
}

fn unfolded(table: &Table) -> Rollups {
    Unfolded { table, org: OrgId::new("acme").unwrap(), rollups: Rollups::new() }.all()
}

proptest! {
    #[test]
    fn views_hold_what_rollups_hold(events in events(30)) {
        prop_assert_eq!(unfolded(&views(&table(&events))), folded(&events));
    }

    #[test]
    fn the_whole_view_holds_all_others(events in events(30)) {
        let detail = table(&events);
        prop_assert_eq!(detail.view(View::Whole), views(&detail));
    }

    #[test]
    fn views_of_split_batches_are_those_of_whole_ones(events in events(30), at in 0..30_usize) {
        let (whole, split) = events.split_at(at.min(events.len()));
        let (whole, split) = (table(whole), table(split));
        let mut merged = views(&split.without_agents());
        for part in [whole.view(View::Whole), split.agents_only().view(View::Whole)] {
            merged.merge(&part);
        }
        prop_assert_eq!(merged, views(&table(&events)));
    }

    #[test]
    fn the_rows_of_agents_have_all_that_their_views_need(events in events(30)) {
        let mut agents = Table::default();
        for event in &events {
            agents.add_agent_event(&event.data).unwrap();
        }
        for view in [View::Agents, View::AgentModels] {
            prop_assert_eq!(agents.view(view), table(&events).view(view));
        }
        let mut both = agents.view(View::Agents);
        both.merge(&agents.view(View::AgentModels));
        prop_assert_eq!(both.view(View::Agents), agents.view(View::Agents));
        prop_assert_eq!(both.view(View::AgentModels), agents.view(View::AgentModels));
    }

    #[test]
    fn figures_are_those_of_rollups(events in events(30)) {
        let (detail, rollups) = (table(&events), folded(&events));
        let org = OrgId::new("acme").unwrap();
        let of_org = rollups.get(&Id::Rollup(RollupId::OrgDay(org, Generation::FIRST, day()))).map(OrgDay::from).unwrap_or_default();
        prop_assert_eq!(detail.view(View::Organization).org_day(), of_org);
        let of_agents: BTreeMap<_, _> = rollups.iter().filter_map(|(id, rollup)| match id {
            Id::Agent(agent) => Some((agent.clone(), agents::agent_day(rollup))),
            Id::Rollup(_) => None,
        }).collect();
        let totals = detail.view(View::Agents);
        prop_assert_eq!(&detail.view(View::AgentModels).agent_days(&totals), &of_agents);
        for (agent, (calls, work)) in totals.agent_totals() {
            let total = of_agents[&agent].total();
            prop_assert_eq!((calls.requests, calls.cost, calls.tokens), (total.requests, total.cost, total.tokens));
            prop_assert_eq!(work, of_agents[&agent].work);
        }
    }

    #[test]
    fn end_users_are_those_of_contributions(events in events(30)) {
        let expected = events.iter().flat_map(|event| contribution(event, &[Calendar::default()]).end_users);
        let expected: std::collections::BTreeSet<_> = expected.map(|user| user.hash).collect();
        let expected_again = expected.clone();
        prop_assert_eq!(table(&events).view(View::EndUsers).end_users(), expected);
        prop_assert_eq!(table(&events).view(View::Whole).end_users(), expected_again);
    }

    #[test]
    fn views_of_parts_merge_to_the_view_of_the_whole(events in events(30), at in 0..30_usize) {
        let (first, second) = events.split_at(at.min(events.len()));
        let mut merged = views(&table(second));
        merged.merge(&views(&table(first)));
        prop_assert_eq!(merged, views(&table(&events)));
    }

    #[test]
    fn tables_of_parts_merge_to_the_table_of_the_whole(events in events(30), at in 0..30_usize) {
        let (first, second) = events.split_at(at.min(events.len()));
        let mut merged = table(second);
        merged.merge(&table(first));
        prop_assert_eq!(merged, table(&events));
    }

    #[test]
    fn subtracting_undoes_merging(first in events(20), second in events(20)) {
        let without_sets = |events: &[Event]| {
            let table = views(&table(events));
            table.only(&[View::Organization, View::Agents, View::AgentModels].map(View::groups).concat())
        };
        let (first, second) = (without_sets(&first), without_sets(&second));
        let mut both = first.clone();
        both.merge(&second);
        both.subtract(&second);
        prop_assert_eq!(&both, &first);
        both.subtract(&first);
        prop_assert!(both.is_empty());
    }
}
