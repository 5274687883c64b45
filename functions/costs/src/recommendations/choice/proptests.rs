//! Compares the best offer with a linear search over all offers.

use std::collections::BTreeMap;

use ledger::pricing::Overrides;
use ledger::pricing::TokenUsage;
use ledger::rollup::AgentModelSums;
use proptest::prelude::*;

use super::tests::{Case, book};
use super::*;

/// Prices in cents, so that some are equal.
fn rows() -> impl Strategy<Value = Vec<(usize, u32, u32)>> {
    prop::collection::vec((0_usize..2, 0_u32..1200, 0_u32..1200), 1..12)
}

proptest! {
    /// No eligible model saves more, by linear search.
    #[test]
    fn no_eligible_model_saves_more(
        rows in rows(),
        (input, output, cache_read) in (0_u64..5_000_000, 0_u64..5_000_000, 0_u64..5_000_000),
        needed in prop::sample::select(vec![Category::Economy, Category::Standard, Category::Flagship]),
        days in 1_u32..=30,
        across in any::<bool>(),
        errors in prop::collection::btree_map(0_usize..12, (1_u64..50, 0_u64..50), 0..6),
        own_errors in 0_u64..20,
    ) {
        let cents = |cents: u32| format!("{}.{:02}", cents / 100, cents % 100);
        let names: Vec<_> = (0..rows.len()).map(|i| format!("m{i:02}")).collect();
        let text: Vec<_> = rows.iter().map(|(_, i, o)| (cents(*i), cents(*o))).collect();
        let mut listed: Vec<_> = rows.iter().zip(&names).zip(&text)
            .map(|(((provider, ..), name), (i, o))| (["p", "q"][*provider], name.as_str(), "", i.as_str(), o.as_str()))
            .collect();
        listed.push(("p", "big", "", "6.00", "7.00"));
        let book = book(&listed);

        let tokens = TokenUsage { input, output, cache_read, ..TokenUsage::default() };
        let now = i128::from(input + cache_read) * 6_000_000 + i128::from(output) * 7_000_000;
        let sums = AgentModelSums {
            requests: 1000,
            errors: own_errors,
            tokens,
            cost: Usd::new(Decimal::from_i128_with_scale(now, 12)),
            ..AgentModelSums::default()
        };
        let tried: BTreeMap<_, _> = errors.iter()
            .filter(|(i, _)| **i < names.len() && rows[**i].0 == 0)
            .map(|(i, (requests, errors))| (*i, (*requests, *errors.min(requests))))
            .collect();
        let statics: Vec<(&'static str, CallCounts)> = tried.iter()
            .map(|(i, (requests, errors))| {
                (&*names[*i].clone().leak(), CallCounts { requests: *requests, errors: *errors })
            })
            .collect();
        let providers = if across { vec!["p", "q"] } else { vec!["p"] };
        let case = Case { sums, needed, days, tried: statics, providers, overrides: Overrides::default() };

        let mut expected: Option<(i128, String)> = None;
        for (i, (provider, in_cents, out_cents)) in rows.iter().enumerate() {
            let blended_x4 = 3 * in_cents + out_cents;
            let tier = if blended_x4 <= 800 { 0 } else if blended_x4 < 2000 { 1 } else { 2 };
            let worse = tried.get(&i).is_some_and(|(requests, errors)| {
                errors * 1000 * 100 > own_errors * requests * 100 + 2 * requests * 1000
            });
            let serves = *out_cents > 0 && (across || *provider == 0) && tier >= needed as usize && !worse;
            if !serves {
                continue;
            }
            let then = i128::from(input + cache_read) * i128::from(*in_cents) * 10_000
                + i128::from(output) * i128::from(*out_cents) * 10_000;
            let better = expected.as_ref().is_none_or(|(saved, _)| now - then > *saved);
            if better {
                expected = Some((now - then, format!("{}/{}", ["p", "q"][*provider], names[i])));
            }
        }
        let shown = expected.filter(|(saved, _)| {
            *saved > 0 && saved * 10 >= now && saved * 30 >= 1_000_000_000_000 * i128::from(days)
        });
        let found = case.best(&book).map(|(name, saving)| (saving.saved, name));
        prop_assert_eq!(found, shown);
    }
}
