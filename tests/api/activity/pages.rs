//! Pagination while the log grows and ages.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{entry, ids, path, walk};
use crate::support::{World, noon};

#[tokio::test]
async fn entries_of_one_instant_are_ordered_by_id_then_source() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let mut entries: Vec<_> =
        ["b", "a", "a-", "a1", "B"].iter().map(|id| entry(id, "nova", "x", noon())).collect();
    let mut other_source = entry("a", "pulse", "x", noon());
    other_source["source"] = json!("-");
    entries.push(other_source);
    entries.push(entry("z", "nova", "x", noon() + TimeDelta::milliseconds(1)));
    caller.record(&entries).await;
    let page = caller.get("/api/activity?to=2026-09-15T12:00:01Z").await;
    assert_eq!(ids(&page), ["z", "B", "a", "a", "a-", "a1", "b"]);
    assert_eq!([&page["data"][2]["agentId"], &page["data"][3]["agentId"]], ["pulse", "nova"]);
    // An entry in the future is not one of the last 30 days.
    assert_eq!(caller.get("/api/activity").await["pagination"]["total"], 6);
}

#[tokio::test]
async fn a_range_includes_both_ends() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let hours = |hours| noon() - TimeDelta::hours(hours);
    let entries: Vec<_> = (0..60).map(|h| entry(&format!("{h:02}"), "nova", "x", hours(h))).collect();
    caller.record(&entries).await;
    for (from, to) in [(30, 7), (59, 0), (1, 1), (12, 11), (36, 12)] {
        let shifted = |h, shift| hours(h) + TimeDelta::milliseconds(shift);
        for (early, late) in [(0, 0), (1, 0), (0, -1), (1, -1), (-1, 1)] {
            let (oldest, newest) = (shifted(from, early), shifted(to, late));
            if oldest > newest {
                continue;
            }
            let (from_text, to_text) = (ledger::period::rfc3339(oldest), ledger::period::rfc3339(newest));
            let page = caller.get(&path(&[("from", &from_text), ("to", &to_text)])).await;
            let first = to + i64::from(late < 0);
            let last = from - i64::from(early > 0);
            let expected: Vec<_> = (first..=last).map(|h| format!("{h:02}")).collect();
            assert_eq!(ids(&page), expected, "{from_text} {to_text}");
            assert_eq!(page["pagination"]["total"], expected.len());
        }
    }
}

#[tokio::test]
async fn the_last_hour_is_complete_before_aggregation_and_the_rest_after() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let late = entry("late", "nova", "x", noon() - TimeDelta::days(3));
    caller.post(&json!([entry("1", "nova", "x", noon()), late])).await;
    let total = async || {
        let page = caller.get("/api/activity").await;
        (page["data"].as_array().unwrap().len(), page["pagination"]["total"].clone())
    };
    assert_eq!(total().await, (2, json!(1)));
    world.stack.drain().await;
    assert_eq!(total().await, (2, json!(2)));
    // A redelivery does not count it again.
    world.stack.redeliver().await;
    assert_eq!(total().await, (2, json!(2)));
}

#[tokio::test]
async fn cursor_pages_have_no_gaps_or_repeats_while_the_log_grows() {
    let world = World::new().await;
    let entries: Vec<_> = (0..120)
        .map(|i| {
            let kind = if i % 3 == 0 { "tool_call" } else { "session_start" };
            entry(&format!("old-{i:03}"), "nova", kind, noon() - TimeDelta::minutes(i * 40))
        })
        .collect();
    let filters: [&[(&str, &str)]; 4] = [
        &[],
        &[("agentId", "nova")],
        &[("eventType", "tool_call")],
        &[("agentId", "nova"), ("eventType", "tool_call")],
    ];
    for (nth, filter) in filters.into_iter().enumerate() {
        let caller = world.caller(&format!("org-{nth}"));
        world.stack.clock().set(noon());
        caller.record(&entries).await;
        let wanted = |i: &usize| !filter.contains(&("eventType", "tool_call")) || i.is_multiple_of(3);
        let mut added = 0;
        let pages = walk(&caller, &[filter, &[("limit", "7")]].concat(), async || {
            // Newer than everything listed, at the instant of the newest entry, and amid what is left.
            world.stack.clock().set(noon() + TimeDelta::seconds(added + 1));
            let new = |what: &str, seconds: i64| {
                let id = format!("new-{added}-{what}");
                entry(&id, "nova", "tool_call", noon() + TimeDelta::seconds(seconds))
            };
            let new = [new("newer", added + 1), new("same", 0), new("older", -4_000 * 60)];
            caller.post(&json!(new)).await;
            if added % 2 == 0 {
                world.stack.drain().await;
            }
            added += 1;
        })
        .await;
        assert!(added > 4);
        let listed: Vec<_> = pages.iter().flat_map(ids).collect();
        assert_eq!(listed.iter().collect::<BTreeSet<_>>().len(), listed.len(), "no repeats");
        let old: Vec<_> = listed.iter().filter(|id| id.starts_with("old")).cloned().collect();
        let expected: Vec<_> = (0..120).filter(wanted).map(|i| format!("old-{i:03}")).collect();
        assert_eq!(old, expected, "no gaps");
        let newer = listed.iter().any(|id| id.ends_with("-newer") || id.ends_with("-same"));
        assert!(!newer, "nothing that came after its page");
    }
}

#[tokio::test]
async fn the_log_reaches_back_as_far_as_entries_are_kept() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let ago = |hours| noon() - TimeDelta::hours(hours);
    caller.record(&[entry("old", "nova", "x", ago(30)), entry("new", "nova", "x", ago(2))]).await;
    let all = path(&[("from", "2020-01-01T00:00:00Z"), ("to", "2100-01-01T00:00:00Z")]);
    let at = async |clock| {
        world.stack.clock().set(clock);
        let page = caller.get(&all).await;
        (ids(&page).concat(), page["pagination"]["total"].clone())
    };
    let kept = TimeDelta::days(400);
    assert_eq!(at(noon()).await, ("newold".to_owned(), json!(2)));
    assert_eq!(at(ago(31) + kept).await, ("newold".to_owned(), json!(2)));
    assert_eq!(at(ago(29) + kept).await, ("new".to_owned(), json!(1)));
    assert_eq!(at(ago(0) + kept).await, (String::new(), Value::from(0)));
}
