use super::*;
use ledger::calendar::Generation;
use ledger::event::REGISTRY_SOURCE;
use ledger::ids::{AgentId, ModelKey, Name, OrgId, ProjectId};
use ledger::period::Day;
use ledger::rollup::{EndUser, ModelCode, RollupId};

const FIRST: Generation = Generation::FIRST;

fn key(provider: &str, model: &str) -> ModelKey {
    ModelKey { provider: provider.to_owned(), model: model.to_owned() }
}

#[test]
fn provider_and_model_cannot_be_confused() {
    assert_ne!(ModelCode::of(&key("a", "bc")), ModelCode::of(&key("ab", "c")));
}

#[test]
fn a_mark_belongs_to_one_shard_of_one_stream() {
    let mark = mark_column("arn:aws:dynamodb:eu-west-1:1:table/t/stream/2026-01-01", "shardId-1");
    assert_eq!(mark.len(), 12);
    assert_ne!(mark, mark_column("arn:aws:dynamodb:eu-west-1:1:table/t/stream/2026-01-02", "shardId-1"));
    assert_ne!(mark, mark_column("arn:aws:dynamodb:eu-west-1:1:table/t/stream/2026-01-01", "shardId-2"));
}

/// The schema of the stored data. A change here needs a new item version, and code that reads the old one.
#[test]
fn the_keys_do_not_change() {
    let (org, day) = (OrgId::new("acme").unwrap(), Day::parse("2026-11-20").unwrap());
    let project = ProjectId::new("site/a").unwrap();
    let text = |key: Key| format!("{} | {}", key.pk, key.sk);
    assert_eq!(text(event_key(&org, day, "/agents/nova", "1")), "acme#2026-11-20#2 | /agents/nova#1");
    assert_eq!(text(RollupId::OrgDay(org.clone(), FIRST, day).key()), "acme | D#2026-11-20");
    let hour = RollupId::ProjectHour(org.clone(), "2026-11-20T23".to_owned(), project.clone());
    assert_eq!(text(hour.key()), "acme#P#2026-11 | H#2026-11-20T23#site/a");
    let nova = AgentId::new("nova").unwrap();
    assert_eq!(text(RollupId::ActivityDay(org.clone(), None, day).key()), "acme#L | 2026-11-20");
    assert_eq!(text(RollupId::ActivityDay(org.clone(), Some(nova), day).key()), "acme#L#nova | 2026-11-20");
    let project_day = RollupId::ProjectDay(org.clone(), FIRST, day, project.clone());
    assert_eq!(text(project_day.key()), "acme#P#2026-11 | D#2026-11-20#site/a");
    assert_eq!(text(RollupId::UnpricedDay(org.clone(), FIRST, day).key()), "acme#N | 2026-11-20");
    assert_eq!(text(repricing(&org, "1")), "acme | REPRICE#1");
    assert_eq!(text(due_repricing(&org, "1")), "#repricings | acme#1");
    assert_eq!(text(repriced_day(&org, day)), "acme#R | 2026-11-20");
    let page = cost_page(&org, "1", day, "a", 3, 7);
    assert_eq!(text(page.clone()), "acme#R#1 | 2026-11-20#a#3#000007");
    assert_eq!(parse_cost_page(&page.sk), Some((day, "a")));
    let pages = cost_pages(&org, "1", day, "a", 3);
    assert!(pages.pk == page.pk && pages.from < page.sk && page.sk < pages.to);
    let user = EndUser { org: org.clone(), generation: FIRST, day, hash: [33, 0, 0, 0, 0, 0, 0, 0] };
    assert_eq!(text(user.key()), "acme#U#2026-11 | 2026-11-20#01");
    let from = "2026-11-20".parse().unwrap();
    let org = OrgId::new("acme").unwrap();
    assert_eq!(text(price(&org, "OpenAI", "GPT-5/x", from)), "acme | PRICE#openai/gpt-5/x#2026-11-20");
    assert_eq!(text(price(&org, "OpenAI/GPT-5", "x", from)), "acme | PRICE#openai$5gpt-5/x#2026-11-20");
    assert_eq!(text(destination(&org, &Name::new("ops").unwrap())), "acme | DEST#ops");
    assert_eq!(text(organization_settings(&org)), "acme | ORG");
    assert_eq!(text(plan(&org)), "acme | PLAN");
    assert_eq!(text(budget(&org)), "acme | BUDGET");
    assert_eq!(text(status::lanes()), "#status | lanes");
    assert_eq!(text(status::quarantine_summary()), "#status | quarantine");
    assert_eq!(status::lane_column(LANES - 1), "l3");
    assert_eq!(lane_of("acme#2026-11-20#3"), Some(3));
    assert_eq!(["acme#2026-11-20#4", "acme#2026-11-20", "3"].map(lane_of), [None; 3]);
}

#[test]
fn places_in_the_log_sort_newest_first_then_by_id_then_by_source() {
    let at = |ms| DateTime::from_timestamp_millis(ms).unwrap();
    let noon = 1_789_473_600_000;
    let places = [
        (noon + 1, "a", "s"),
        (noon, "a", "s"),
        (noon, "a", "s2"),
        (noon, "a-", "-"),
        (noon, "a1", "-"),
        (noon, "b", "s"),
        (noon - 1, "a", "s"),
        (0, "a", "s"),
    ];
    let places = places.map(|(ms, id, source)| (at(ms), activity_place(at(ms), id, source)));
    assert_eq!(places[1].1, "8210526399999#a#s");
    for (i, (time, place)) in places.iter().enumerate() {
        assert_eq!(parse_activity_place(place), Some(*time));
        for (later_time, later) in &places[i + 1..] {
            assert!(place < later && *place < after_activity_place(place), "{place} {later}");
            assert!(after_activity_place(place) < *later, "{place} {later}");
            let (from, to) = activity_places(*later_time, *later_time);
            assert_eq!(from < *place && *place < to, time == later_time, "{place} {later}");
        }
    }
}

#[test]
fn the_settings_range_holds_nothing_else() {
    let org = OrgId::new("acme").unwrap();
    let range = settings(&org);
    let within = |key: &str| *range.from <= *key && *key <= *range.to;
    assert!(
        [registry::ORG, registry::PLAN, "PRICE#-/-#0000-01-01", "PRICE#z/z#9999-12-31"].map(within)
            == [true; 4]
    );
    let others = [
        registry::AGENT,
        registry::BUDGET,
        registry::DESTINATION,
        registry::NODE,
        registry::PROJECT,
        REPRICING,
        "ALERT#",
    ];
    assert!(others.map(|prefix| within(&format!("{prefix}x"))) == [false; 7]);
}

#[test]
fn only_audit_entries_of_the_registry_are_excluded() {
    let (org, day) = (OrgId::new("acme").unwrap(), Day::parse("2026-11-20").unwrap());
    let ranges: Vec<_> = events_except_registry_entries(&org, day).collect();
    assert_eq!(ranges.len(), 2 * usize::from(LANES));
    let found = |source: &str, id: &str| {
        let key = event_key(&org, day, source, id);
        ranges.iter().filter(|range| range.pk == key.pk && range.from <= key.sk && key.sk <= range.to).count()
    };
    for source in [
        "-",
        "0",
        "fleetledger",
        "fleetledger/registr",
        "fleetledger/registry-",
        "fleetledger/registry/",
        "zzz",
    ] {
        for id in ["-", "1", "zz"] {
            assert_eq!(found(source, id), 1, "{source} {id}");
            assert_eq!(found(REGISTRY_SOURCE, id), 0);
        }
    }
}
