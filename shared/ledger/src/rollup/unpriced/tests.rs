use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn figures(at: i64) -> UnpricedFigures {
    let time = DateTime::from_timestamp_millis(at * 1_000).unwrap();
    UnpricedFigures { requests: 1, tokens: 10, first: time, last: time }
}

fn call(number: u32, letters: usize, reason: Unpriced) -> UnpricedCall {
    let model = format!("model-{number}{}", "é".repeat(letters));
    UnpricedCall { provider: "acme".into(), model, tier: None, region: None, reason }
}

/// A call of one of many made-up models, some with long names, and its time.
fn any_call() -> impl Strategy<Value = (UnpricedCall, i64)> {
    let reason = prop_oneof![
        8 => Just(Unpriced::UnknownProvider),
        1 => Just(Unpriced::UnknownModel),
        1 => Just(Unpriced::NoPriceForTier),
    ];
    let letters = prop_oneof![3 => Just(0_usize), 1 => 0..250_usize];
    ((0..400_u32), letters, reason, 0..9_i64)
        .prop_map(|(number, letters, reason, at)| (call(number, letters, reason), at))
}

fn fold<'a>(calls: impl IntoIterator<Item = &'a (UnpricedCall, i64)>) -> UnpricedRows {
    let mut rows = UnpricedRows::default();
    for (call, at) in calls {
        rows.add(call.clone(), figures(*at));
    }
    rows
}

/// Sorts all rows by rank and keeps as many of the first as the bounds allow.
fn independent(calls: &[(UnpricedCall, i64)]) -> (BTreeMap<UnpricedCall, u64>, u64) {
    let mut counts: BTreeMap<&UnpricedCall, u64> = BTreeMap::new();
    for (call, _) in calls {
        *counts.entry(call).or_default() += 1;
    }
    let mut ranked: Vec<_> = counts.into_iter().collect();
    ranked.sort_by_key(|(call, _)| call.rank());
    let mut bytes = 0;
    let kept = ranked.iter().take(MAX_UNPRICED_ROWS).take_while(|(call, _)| {
        bytes += call.bytes();
        bytes <= MAX_UNPRICED_TEXT
    });
    let kept = kept.count();
    let rest = ranked.split_off(kept);
    let kept = ranked.into_iter().map(|(call, count)| (call.clone(), count)).collect();
    (kept, rest.into_iter().map(|(_, count)| count).sum())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_depend_on_the_calls_and_not_on_their_order(
        calls in prop::collection::vec(any_call(), 0..600),
        cuts in prop::collection::vec(0..600_usize, 0..4),
        seed in any::<u64>(),
    ) {
        let whole = fold(&calls);
        let (kept, rest) = independent(&calls);
        let found: BTreeMap<_, _> = whole.rows().map(|(call, figures)| (call.clone(), figures.requests)).collect();
        prop_assert_eq!(found, kept);
        prop_assert_eq!(whole.others().values().map(|figures| figures.requests).sum::<u64>(), rest);
        prop_assert_eq!(whole.requests(), calls.len() as u64);

        let mut shuffled = calls;
        shuffled.sort_by_key(|(call, at)| (call.rank().1[0] ^ seed.to_be_bytes()[0], *at, call.clone()));
        prop_assert_eq!(&fold(&shuffled), &whole);

        let mut cuts: Vec<_> = cuts.into_iter().filter(|cut| *cut < shuffled.len()).collect();
        cuts.sort_unstable();
        let (mut merged, mut from) = (UnpricedRows::default(), 0);
        for cut in cuts.into_iter().chain([shuffled.len()]) {
            let mut part = fold(&shuffled[from..cut]);
            part.merge(&merged);
            (merged, from) = (part, cut);
        }
        prop_assert_eq!(&merged, &whole);

        let text = serde_json::to_string(&whole).unwrap();
        prop_assert_eq!(&serde_json::from_str::<UnpricedRows>(&text).unwrap(), &whole);
        prop_assert!(text.len() < 64 << 10, "{}", text.len());
    }
}

#[test]
fn made_up_names_do_not_displace_models_of_the_price_book() {
    let mut rows = UnpricedRows::default();
    for number in 0..5_000 {
        rows.add(call(number, 0, Unpriced::UnknownModel), figures(0));
    }
    let known = call(0, 0, Unpriced::NoPriceForTier);
    rows.add(known.clone(), figures(7));
    assert!(rows.rows().any(|(call, _)| *call == known));
    assert_eq!((rows.rows().count(), rows.requests()), (MAX_UNPRICED_ROWS, 5_001));
}

#[test]
fn first_and_last_calls_are_the_earliest_and_the_latest() {
    let call = call(1, 0, Unpriced::UnknownModel);
    let rows = fold(&[(call.clone(), 5), (call.clone(), 2), (call, 9)]);
    let (_, found) = rows.rows().next().unwrap();
    let seconds = [found.first, found.last].map(|time| time.timestamp());
    assert_eq!((found.requests, found.tokens, seconds), (3, 30, [2, 9]));
}
