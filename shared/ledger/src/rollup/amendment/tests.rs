use std::collections::BTreeSet;

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::calendar::Generation;
use crate::ids::{Name, OrgId};
use crate::rollup::{contribution, resolved};

fn event(data: Value) -> Event {
    Event {
        org: OrgId::new("acme").unwrap(),
        source: Name::new("s").unwrap(),
        id: Name::new("1").unwrap(),
        time: DateTime::from_timestamp(1_789_473_600, 0).unwrap(),
        revision: 0,
        data: serde_json::from_value(data).unwrap(),
    }
}

/// Two calendars, as while the time zone changes.
fn calendars() -> [Calendar; 2] {
    let other =
        Calendar { generation: Generation::new(1), zone: chrono_tz::Tz::Asia__Kathmandu, since: None };
    [Calendar::default(), other]
}

/// A call or a task; none: void.
fn anything() -> impl Strategy<Value = Option<Value>> {
    let call = (0..3_u8, 0..3_u8, 0..1000_u32, 0..100_u32, any::<bool>(), 0..3_u8, any::<bool>()).prop_map(
        |(agent, model, input, cents, failed, user, unpriced)| {
            let mut call = json!({
                "type": "llm.call", "agent_id": format!("a{agent}"), "provider": "p", "model": format!("m{model}"),
                "input_tokens": input, "output_tokens": 1, "latency_ms": input, "key_source": "byok",
                "status": if failed { "error" } else { "ok" },
                "cost": { "input": format!("0.{cents:02}") },
            });
            if user > 0 {
                call["end_user"] = json!(format!("u{user}"));
            }
            if unpriced {
                call["cost"] = json!({ "unpriced": "unknown_model" });
            }
            call
        },
    );
    let task = (0..3_u8, 0..100_u32, any::<bool>()).prop_map(|(agent, minutes, success)| {
        json!({ "type": "task.completed", "agent_id": format!("a{agent}"), "success": success,
            "minutes_saved": minutes.to_string() })
    });
    let sample = (0..2_u8, 0..2_u8, 1..5_000_000_u32).prop_map(|(project, instance, length)| {
        json!({ "type": "compute.usage", "project_id": format!("p{project}"), "instance_id": format!("i{instance}"),
            "from": "2026-09-15T10:00:00Z", "length_ms": length, "cpu_cores": "0.5", "ram_gb": "1", "disk_gb": "2",
            "bandwidth_in_bytes": 3, "bandwidth_out_bytes": 4 })
    });
    prop_oneof![1 => Just(None), 6 => call.prop_map(Some), 1 => task.prop_map(Some), 1 => sample.prop_map(Some)]
}

/// The events that are stored for these revisions.
fn chain(revisions: Vec<Option<Value>>) -> Vec<Event> {
    let mut stored: Vec<Event> = Vec::new();
    for revision in revisions {
        let void = json!({ "type": "amendment" });
        let next = event(revision.unwrap_or(void));
        stored.push(match stored.last() {
            Some(before) => next.amending(&before.data, before.time),
            None => next,
        });
    }
    stored
}

type Sums = BTreeMap<RollupId, Rollup>;

fn add(all: &mut Sums, contribution: &Contribution) {
    for (target, sums) in &contribution.sums {
        all.entry(target.clone()).or_default().merge(sums);
    }
}

/// Names of models stay where no call of theirs does.
fn without_names(sums: Sums) -> Sums {
    let bare = sums.into_iter().map(|(target, sums)| (target, Rollup { names: [].into(), ..sums }));
    bare.filter(|(_, sums)| !sums.is_empty()).collect()
}

fn numbers(sums: Sums) -> Sums {
    let of = |sums: Rollup| Rollup { numbers: sums.numbers, ..Rollup::default() };
    sums.into_iter().map(|(target, sums)| (target, of(sums))).filter(|(_, sums)| !sums.is_empty()).collect()
}

proptest! {
    #[test]
    fn the_sum_over_a_chain_is_its_last_revision(
        revisions in prop::collection::vec(anything(), 1..5), rotation in 0..5_usize,
    ) {
        let mut stored = chain(revisions);
        let last = stored.last().unwrap();
        let mut expected = Sums::new();
        let expected_users: BTreeSet<_> = match last.data.in_force() {
            Some(data) => {
                let stands = contribution(&last.saying(data.clone()), &calendars());
                add(&mut expected, &stands);
                stands.end_users.into_iter().collect()
            }
            None => BTreeSet::new(),
        };
        let (mut exact, mut users) = (Sums::new(), BTreeSet::new());
        let replaced = stored.len() - 1;
        for (i, event) in stored.iter().enumerate() {
            let (counts, _) = resolved(event, i < replaced, &calendars());
            add(&mut exact, &counts);
            users.extend(counts.end_users);
        }
        prop_assert_eq!(without_names(exact), without_names(expected.clone()));
        prop_assert_eq!(users, expected_users);
        // The aggregator knows one event at a time, in any order.
        let length = stored.len();
        stored.rotate_left(rotation % length);
        let (mut aggregated, mut outdates, mut users) = (Sums::new(), false, BTreeSet::new());
        for event in &stored {
            let contribution = contribution(event, &calendars());
            add(&mut aggregated, &contribution);
            users.extend(contribution.end_users);
            outdates |= !contribution.outdates.is_empty();
        }
        prop_assert_eq!(numbers(aggregated.clone()), numbers(expected.clone()));
        if !outdates {
            prop_assert_eq!(without_names(aggregated), without_names(expected));
        }
    }

    #[test]
    fn an_amendment_names_each_rollup_once(revisions in prop::collection::vec(anything(), 2..4)) {
        for event in chain(revisions) {
            let sums = contribution(&event, &calendars()).sums;
            let targets: BTreeSet<_> = sums.iter().map(|(target, _)| target).collect();
            prop_assert_eq!(targets.len(), sums.len());
        }
    }

    #[test]
    fn an_amendment_has_the_content_of_the_event_that_was_sent(before in anything(), data in anything()) {
        let events = chain(vec![before, data.clone()]);
        let sent = event(data.unwrap_or(json!({ "type": "amendment" })));
        prop_assert_eq!(events[1].content_hash(), sent.content_hash());
        let stored: Data = serde_json::from_str(&serde_json::to_string(&events[1].data).unwrap()).unwrap();
        prop_assert_eq!(&stored, &events[1].data);
    }
}
