//! Tracked dimensions: their values add up to the total, whatever was merged when and however many there are.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::events::{event, events, plain_call};
use crate::calendar::TrackedDimensions;
use crate::chain::{KeyRange, Rows};
use crate::cost::CallCost;
use crate::dimension::{Dimension, NONE};
use crate::event::{Amendment, Data, Event, LlmCall};
use crate::ids::Label;
use crate::money::Usd;
use crate::pack::{Figure, Group, MAX_VALUES_PER_DAY, Table, View};
use crate::rollup::{EndUser, OTHER};

fn dimensions() -> Vec<Dimension> {
    vec![Dimension::TaskType, Dimension::EndUser, Dimension::Hostname, Dimension::Tag("customer".to_owned())]
}

fn tracked() -> TrackedDimensions {
    TrackedDimensions::new(&dimensions())
}

fn chained(events: &[Event]) -> Table {
    let mut table = Table::default();
    for event in events {
        table.add_chained(event, &tracked()).unwrap();
    }
    table
}

/// What packs hold.
fn views(events: &[Event]) -> Table {
    let mut views = Table::default();
    for view in [View::Agents, View::AgentModels, View::Tracked] {
        views.merge_view(&chained(events), view);
    }
    views
}

type Totals = (u64, u64, u64, Usd, u64, u64);

/// Calls, errors, output tokens, cost, tasks and latencies by value and model, counted one by one.
fn counted(events: &[Event], dimension: &Dimension) -> BTreeMap<(String, Option<String>), Totals> {
    let mut all: BTreeMap<_, Totals> = BTreeMap::new();
    for event in events {
        let value = dimension.value(event).map(|value| match dimension {
            Dimension::EndUser => EndUser::pseudonym(&event.org, &value),
            _ => value.into_owned(),
        });
        let value = value.unwrap_or_else(|| NONE.to_owned());
        match &event.data {
            Data::LlmCall(call) => {
                let sums = all.entry((value, Some(call.model.to_string()))).or_default();
                sums.0 += 1;
                sums.1 += u64::from(call.status == crate::event::CallStatus::Error);
                sums.2 += call.tokens.output;
                sums.3 += call.cost.total();
                sums.5 += call.latency_ms.unwrap_or_default();
            }
            Data::TaskCompleted(task) => {
                all.entry((value, None)).or_default().4 += u64::from(task.success);
            }
            _ => {}
        }
    }
    all.retain(|_, sums| *sums != Totals::default());
    all
}

fn stored(rows: &Table, dimension: &Dimension) -> BTreeMap<(String, Option<String>), Totals> {
    let mut all: BTreeMap<_, Totals> = BTreeMap::new();
    for row in rows.tracked_rows(dimension) {
        let model = row.model.as_ref().map(|model| model.model.clone());
        let sums = all.entry((row.value.to_owned(), model)).or_default();
        sums.0 += row.calls.requests;
        sums.1 += row.calls.errors;
        sums.2 += row.calls.tokens.output;
        sums.3 += row.calls.cost();
        sums.4 += row.work.tasks;
        sums.5 += row.work.latency_sum_ms;
    }
    all.retain(|_, sums| *sums != Totals::default());
    all
}

proptest! {
    #[test]
    fn rows_are_what_was_counted(events in events(40)) {
        let rows = chained(&events).view(View::Tracked);
        for dimension in dimensions() {
            prop_assert_eq!(stored(&rows, &dimension), counted(&events, &dimension));
        }
        prop_assert_eq!(rows.tracked_rows(&Dimension::Region).count(), 0);
        prop_assert_eq!(Table::decode(&rows.encode()), Ok(rows));
    }

    #[test]
    fn no_rows_of_agents_are_in_the_view_and_none_of_dimensions_in_theirs(events in events(30)) {
        let mut agents = Table::default();
        for event in &events {
            agents.add_agent_event(&event.data).unwrap();
        }
        let rows = chained(&events);
        for view in [View::Agents, View::AgentModels] {
            prop_assert_eq!(rows.view(view), agents.view(view));
            prop_assert_eq!(rows.view(view).encode(), agents.view(view).encode());
        }
        prop_assert!(agents.view(View::Tracked).is_empty());
    }

    #[test]
    fn parts_in_any_order_are_the_whole(events in events(30), at in 0..30_usize, bound: u64) {
        let (first, second) = events.split_at(at.min(events.len()));
        let whole = chained(&events).view(View::Tracked);
        let mut absorbed = Table::default();
        for range in [KeyRange { from: bound, to: None }, KeyRange { from: 0, to: Some(bound) }] {
            for part in [second, first] {
                absorbed.absorb(&chained(part), View::Tracked, range);
            }
        }
        prop_assert_eq!(absorbed, whole);
    }

    #[test]
    fn reconcile_folds_the_same(events in events(30)) {
        let mut rows = Table::default();
        for event in &events {
            rows.add_without_combinations(event, &tracked()).unwrap();
        }
        for view in [View::Agents, View::AgentModels, View::Tracked] {
            prop_assert_eq!(rows.view(view), chained(&events).view(view));
        }
    }

    /// An amended call is told apart by what holds from now on.
    #[test]
    fn an_amendment_moves_a_call_to_other_values(events in events(20)) {
        let calls: Vec<_> = events.iter().filter(|event| matches!(event.data, Data::LlmCall(_))).cloned().collect();
        let Some([first, second]) = calls.first_chunk() else { return Ok(()) };
        let amended = |with: Option<&Event>| {
            let boxed = |event: &Event| Box::new(event.data.clone());
            event(
                Data::Amendment(Amendment { replaces: Some(boxed(first)), with: with.map(boxed) }),
                first.time,
            )
        };
        // A revision does not move an event.
        let second_then = event(second.data.clone(), first.time);
        prop_assert_eq!(chained(&[first.clone(), amended(Some(second))]), chained(&[second_then]));
        prop_assert!(chained(&[amended(None), first.clone()]).is_empty());
    }

    #[test]
    fn dimensions_that_are_no_longer_tracked_are_dropped(events in events(20)) {
        let kept = TrackedDimensions::new(&[Dimension::Hostname, Dimension::Region]);
        let rows = views(&events).tracking(&kept);
        for dimension in dimensions() {
            let expected = if kept.contains(&dimension) { counted(&events, &dimension) } else { BTreeMap::new() };
            prop_assert_eq!(stored(&rows, &dimension), expected);
        }
        prop_assert_eq!(rows.view(View::Agents), chained(&events).view(View::Agents));
    }
}

#[test]
fn end_users_are_stored_by_pseudonyms() {
    let mut call = plain_call("openai", "gpt-5", CallCost::default());
    call.end_user = Label::new("ada@example.com").ok();
    let event = event(Data::LlmCall(call), super::events::day().start(chrono_tz::UTC));
    let rows = chained(std::slice::from_ref(&event)).view(View::Tracked);
    let values: Vec<_> = rows.tracked_rows(&Dimension::EndUser).map(|row| row.value.to_owned()).collect();
    assert_eq!(values, [EndUser::pseudonym(&event.org, "ada@example.com")]);
}

fn calls(count: usize, dimension: &str) -> Table {
    let mut table = Table::default();
    for nth in 0..count {
        let mut call: LlmCall = plain_call("openai", "gpt-5", CallCost::default());
        let label = Label::new(format!("{dimension}-{nth}")).unwrap();
        *(if dimension == "task" { &mut call.task_type } else { &mut call.hostname }) = Some(label);
        let event = event(Data::LlmCall(call), super::events::day().start(chrono_tz::UTC));
        table.add_chained(&event, &tracked()).unwrap();
    }
    table
}

fn requests(rows: &Table, dimension: &Dimension) -> BTreeMap<String, u64> {
    rows.tracked_rows(dimension).map(|row| (row.value.to_owned(), row.calls.requests)).collect()
}

#[test]
fn as_many_values_are_told_apart_as_a_day_may_have() {
    let rows = calls(MAX_VALUES_PER_DAY, "task").view(View::Tracked);
    assert!(rows.value_caps().is_empty());
    let caps = rows.value_caps();
    assert_eq!(requests(&rows.capped(&caps), &Dimension::TaskType).len(), MAX_VALUES_PER_DAY);
}

#[test]
fn values_beyond_are_others_whatever_came_first() {
    let more = MAX_VALUES_PER_DAY + 500;
    let mut both = calls(more, "task");
    both.merge(&calls(3, "host"));
    let rows = both.view(View::Tracked);
    let caps = rows.value_caps();
    let capped = rows.clone().capped(&caps);
    let by_task = requests(&capped, &Dimension::TaskType);
    // What is not set is no value that counts.
    assert_eq!((by_task.len(), by_task[OTHER], by_task[NONE]), (MAX_VALUES_PER_DAY + 2, 500, 3));
    let total = |rows: &Table| -> i128 {
        rows.rows(Group::TrackedValues).map(|(_, row)| row.get(Figure::Requests)).sum()
    };
    assert_eq!(total(&capped), total(&rows));
    // Another dimension keeps all of its values.
    assert_eq!(requests(&capped, &Dimension::Hostname).len(), 4);
    // A sealed day stays as it is, and another event of any value is counted where it was.
    assert!(capped.value_caps().is_empty());
    let mut once_more = rows;
    once_more.merge(&calls(more, "task").view(View::Tracked));
    assert_eq!(once_more.value_caps(), caps);
    let again = requests(&once_more.capped(&caps), &Dimension::TaskType);
    let doubled =
        by_task.iter().map(|(value, count)| (value.clone(), if value == NONE { 3 } else { 2 * count }));
    assert_eq!(again, doubled.collect());
}
