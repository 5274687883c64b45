//! Keys of ids of any text.

use std::cmp::Reverse;

use ledger::alert::{AlertKey, AlertKind, BudgetId};
use ledger::calendar::Generation;
use ledger::event::REGISTRY_SOURCE;
use ledger::ids::{AgentId, Name, NodeId, OrgId, ProjectId};
use ledger::period::{Day, DayRange, Month};
use ledger::rollup::{EndUser, RollupId};
use proptest::prelude::*;

use super::escape::{IN_KEY, escape, unescape};
use super::*;

/// The most bytes that DynamoDB allows for a sort key and for a partition key.
const MAX_SK: usize = 1024;
const MAX_PK: usize = 2048;

/// Texts in which characters with a meaning in keys, and texts that begin alike, are frequent.
fn id() -> impl Strategy<Value = String> {
    let special = prop::sample::select(
        [
            "#",
            "$",
            "%",
            "~",
            " ",
            "!",
            "\"",
            "/",
            ":",
            "0",
            "3",
            "5",
            "a",
            "A",
            "é",
            "\u{10ffff}",
            "#2026-09-15",
            "org",
        ]
        .to_vec(),
    );
    let text = prop_oneof![
        4 => prop::collection::vec(special.clone(), 1..6).prop_map(|parts| parts.concat()),
        2 => "\\PC{1,20}",
        1 => special.prop_map(|part| part.repeat(256 / part.len())),
        1 => (0..2_usize, special_source()).prop_map(|(end, source)| format!("{source}{}", ["", "#x"][end])),
    ];
    text.prop_filter_map("not an id", |text| Name::new(text).ok().map(String::from))
}

/// The registry's source, with and without something behind it.
fn special_source() -> impl Strategy<Value = String> {
    prop::sample::select(["", " ", "\"", "$", "%", "\u{10ffff}"].to_vec())
        .prop_map(|end| format!("{REGISTRY_SOURCE}{end}"))
}

fn day() -> impl Strategy<Value = Day> {
    (0..3_u32).prop_map(|back| Day::parse("2026-09-15").unwrap().minus(back))
}

/// Generations whose numbers begin alike.
fn generation() -> impl Strategy<Value = Generation> {
    prop::sample::select([0, 1, 2, 10, 11].to_vec()).prop_map(Generation::new)
}

fn org() -> OrgId {
    OrgId::new("a".repeat(128)).unwrap()
}

fn holds(range: &KeyRange, key: &Key) -> bool {
    range.pk == key.pk && range.from <= key.sk && key.sk <= range.to
}

fn check_length(key: &Key) {
    assert!(key.pk.len() <= MAX_PK && key.sk.len() <= MAX_SK, "{key:?}");
}

proptest! {
    #[test]
    fn escaping_keeps_identity_and_order(one in id(), other in id()) {
        let (a, b) = (escape(&one, IN_KEY), escape(&other, IN_KEY));
        prop_assert_eq!(&*unescape(&a, IN_KEY).unwrap(), &one);
        prop_assert_eq!(a.cmp(&b), one.cmp(&other));
        prop_assert!(!a.contains(SEPARATOR) && *a < *super::escape::above_all_ids());
        // Followed by a separator, ids sort in the same order.
        let followed = |id: &str| format!("{id}{SEPARATOR}");
        prop_assert_eq!(followed(&a).cmp(&followed(&b)), one.cmp(&other));
    }

    #[test]
    fn only_what_was_escaped_is_unescaped(text in "[a#$0-9 ]{0,6}") {
        if let Some(plain) = unescape(&text, IN_KEY) {
            prop_assert_eq!(&*escape(&plain, IN_KEY), &text);
        }
    }

    #[test]
    fn an_event_has_a_key_of_its_own(source in id(), id in id(), others in (id(), id()), day in day()) {
        let key = event_key(&org(), day, &source, &id);
        check_length(&key);
        let (parsed_org, parsed_day, parsed_source, parsed_id) = parse_event_key(&key.pk, &key.sk).unwrap();
        prop_assert_eq!((parsed_org, parsed_day, &*parsed_source, parsed_id), (org(), day, &*source, &*id));
        let other = event_key(&org(), day, &others.0, &others.1);
        prop_assert_eq!(key.sk == other.sk, (&source, &id) == (&others.0, &others.1));
        let lanes = (0..LANES).filter(|lane| holds(&lane_events(&org(), day, *lane), &key)).count();
        prop_assert_eq!(lanes, 1);
        let others = events_except_registry_entries(&org(), day).filter(|range| holds(range, &key)).count();
        prop_assert_eq!(others, usize::from(source != REGISTRY_SOURCE));
    }

    #[test]
    fn places_in_the_log_sort_by_time_then_id_then_source(one in (0..3_i64, id(), id()), other in (0..3_i64, id(), id())) {
        let at = |ms| DateTime::from_timestamp_millis(1_789_473_600_000 + ms).unwrap();
        let place = |(ms, id, source): &(i64, String, String)| activity_place(at(*ms), id, source);
        let (a, b) = (place(&one), place(&other));
        prop_assert!(a.len() <= MAX_SK);
        let order = |entry: &(i64, String, String)| (Reverse(entry.0), entry.1.clone(), entry.2.clone());
        prop_assert_eq!(a.cmp(&b), order(&one).cmp(&order(&other)));
        prop_assert_eq!(parse_activity_place(&a), Some(at(one.0)));
        prop_assert_eq!(after_activity_place(&a) < b, a < b);
        prop_assert!(a < after_activity_place(&a));
        let (from, to) = activity_places(at(other.0), at(other.0));
        prop_assert_eq!(from <= a && a <= to, one.0 == other.0);
    }

    #[test]
    fn a_rollup_by_day_has_a_key_of_its_own(one in id(), other in id(), days in (day(), day()), generations in (generation(), generation())) {
        let ((day, of), (generation, other_generation)) = (days, generations);
        let project = ProjectId::new(&one).unwrap();
        let is_same = generation == other_generation && day == of;
        let key = RollupId::ProjectDay(org(), generation, day, project.clone()).key();
        let other = ProjectId::new(&other).unwrap();
        prop_assert_eq!(key == RollupId::ProjectDay(org(), other_generation, of, other.clone()).key(), other == project && is_same);
        check_length(&key);
        prop_assert_eq!(parse_compute_bucket(&key.sk), Some((&*day.to_string(), project)));
        prop_assert_eq!(own_day(&key), Some(day));
        prop_assert_eq!(holds(&compute_days(&org(), other_generation, of, of), &key), is_same);
        let (first, last) = (format!("{day}T00"), format!("{day}T23"));
        prop_assert!(!holds(&compute_hours(&org(), &first, &last), &key));
    }

    /// A generation can be read, copied and deleted whole, without any item of another one.
    #[test]
    fn generations_share_no_item(id in id(), day in day(), generations in (generation(), generation())) {
        let (generation, other_generation) = generations;
        let (agent, project) = (AgentId::new(&id).unwrap(), ProjectId::new(&id).unwrap());
        let keys = |generation| [
            RollupId::OrgDay(org(), generation, day).key(),
            RollupId::UnpricedDay(org(), generation, day).key(),
            chains::note(&Owner::new(&org(), generation), day),
            RollupId::ProjectDay(org(), generation, day, project.clone()).key(),
            EndUser::new(&org(), generation, day, &id).key(),
        ];
        let ranges = generation_days(&org(), other_generation, DayRange { first: day, last: day });
        for (key, same) in keys(generation).iter().zip(keys(other_generation)) {
            let held = ranges.iter().filter(|range| holds(range, key)).count();
            prop_assert_eq!(held, usize::from(generation == other_generation), "{:?}", key);
            prop_assert_eq!(in_generation(key, &org(), generation, other_generation), Some(same));
        }
        let shared = [
            RollupId::ProjectHour(org(), format!("{day}T05"), project.clone()).key(),
            RollupId::ActivityDay(org(), None, day).key(),
            RollupId::ActivityDay(org(), Some(agent.clone()), day).key(),
            repriced_day(&org(), day),
        ];
        prop_assert!(shared.iter().all(|key| !ranges.iter().any(|range| holds(range, key))));
    }

    #[test]
    fn a_rollup_by_utc_has_a_key_of_its_own(one in id(), other in id(), day in day(), of in day()) {
        let (agent, project) = (AgentId::new(&one).unwrap(), ProjectId::new(&one).unwrap());
        let hour = format!("{day}T05");
        let key = RollupId::ProjectHour(org(), hour.clone(), project.clone()).key();
        check_length(&key);
        prop_assert_eq!(parse_compute_bucket(&key.sk), Some((&*hour, project)));
        prop_assert_eq!(own_day(&key), Some(day));
        let other_hour = format!("{of}T05");
        prop_assert_eq!(holds(&compute_hours(&org(), &other_hour, &other_hour), &key), day == of);
        let log = RollupId::ActivityDay(org(), Some(agent), day).key();
        check_length(&log);
        let other = AgentId::new(&other).unwrap();
        prop_assert_eq!(holds(&activity_days(&org(), Some(&other), of, of), &log), other.as_str() == one && day == of);
        prop_assert!(!holds(&activity_days(&org(), None, day, day), &log));
    }

    #[test]
    fn a_registry_item_is_in_the_range_of_its_kind_alone(id in id(), other in id()) {
        let name = |id: &str| Name::new(id).unwrap();
        let agent = |id: &str| AgentId::new(id).unwrap();
        let items = |id: &str| [
            (registry::AGENT, registry::agent(&org(), &agent(id))),
            (registry::PROJECT, registry::project(&org(), &ProjectId::new(id).unwrap())),
            (registry::NODE, registry::node(&org(), &NodeId::new(id).unwrap())),
            (registry::AGENT_BUDGET, registry::agent_budget(&org(), &agent(id))),
            (registry::DESTINATION, registry::destination(&org(), &name(id))),
            (registry::API_KEY, registry::api_key(&org(), &name(id))),
        ];
        for ((kind, key), (_, of_other)) in items(&id).into_iter().zip(items(&other)) {
            check_length(&key);
            prop_assert_eq!(key.sk.strip_prefix(kind), Some(&*id));
            prop_assert_eq!(key == of_other, id == other);
            for (other_kind, _) in items(&id) {
                prop_assert_eq!(holds(&registry::all_of(&org(), other_kind), &key), kind == other_kind);
            }
            prop_assert!(!holds(&registry::settings(&org()), &key));
            let is_watched = [registry::AGENT_BUDGET, registry::DESTINATION].contains(&kind);
            prop_assert_eq!(holds(&alerts::watched(&org()), &key), is_watched);
        }
    }

    #[test]
    fn an_own_price_has_a_key_of_its_own(one in (id(), id()), other in (id(), id())) {
        let from = "2026-09-15".parse().unwrap();
        let key = |(provider, model): &(String, String)| registry::price(&org(), provider, model, from);
        let lower = |(provider, model): &(String, String)| (provider.to_ascii_lowercase(), model.to_ascii_lowercase());
        check_length(&key(&one));
        prop_assert_eq!(key(&one) == key(&other), lower(&one) == lower(&other));
        prop_assert!(holds(&registry::settings(&org()), &key(&one)));
        prop_assert!(!holds(&alerts::watched(&org()), &key(&one)));
        let later = registry::price(&org(), &one.0, &one.1, "2026-09-16".parse().unwrap());
        prop_assert_ne!(later, key(&other));
    }

    #[test]
    fn an_alert_has_a_key_of_its_own(id in id(), other in id(), resolved: bool) {
        let key = |id: &str| AlertKey {
            budget: BudgetId::Agent(AgentId::new(id).unwrap()),
            version: "0123456789abcdef".to_owned(),
            month: Month::parse("2026-09").unwrap(),
            kind: AlertKind::Forecast,
            threshold: 100,
            resolved,
        };
        for (prefix, at) in [(alerts::ALERT, alerts::alert(&org(), &key(&id))), (alerts::DUE, alerts::due(&org(), &key(&id)))] {
            check_length(&at);
            prop_assert_eq!(at.sk.strip_prefix(prefix).and_then(alerts::parse_alert), Some(key(&id)));
            prop_assert_eq!(holds(&alerts::watched(&org()), &at), prefix == alerts::DUE);
        }
        let crossed = alerts::crossed(&org(), &key(&id).budget);
        prop_assert_eq!(crossed.sk.strip_prefix(alerts::CROSSED).and_then(alerts::parse_budget), Some(key(&id).budget));
        prop_assert!(holds(&alerts::watched(&org()), &crossed));
        prop_assert_eq!(alerts::message_id(&org(), &key(&id)) == alerts::message_id(&org(), &key(&other)), id == other);
    }
}
