//! Compares the best candidate with a linear search over all candidates.

use ledger::pricing::TokenUsage;
use ledger::rollup::AgentModelFigures;
use proptest::prelude::*;

use super::super::prices::Prices;
use super::tests::{Case, candidate};
use super::*;

const TIERS: [FamilyTier; 3] = [FamilyTier::Economy, FamilyTier::Standard, FamilyTier::Flagship];

/// Developer, tier, input and output price in cents, so that some are equal.
fn rows() -> impl Strategy<Value = Vec<(bool, usize, u32, u32)>> {
    prop::collection::vec((any::<bool>(), 0_usize..3, 0_u32..1200, 0_u32..1200), 1..12)
}

proptest! {
    /// No eligible model saves more, by linear search.
    #[test]
    fn no_eligible_model_saves_more(
        rows in rows(),
        (input, output, cache_read) in (0_u64..5_000_000, 0_u64..5_000_000, 0_u64..5_000_000),
        needed in 0_usize..3,
        days in 1_u32..=30,
        any_developer in any::<bool>(),
        errors in prop::collection::btree_map(0_usize..12, (1_u64..50, 0_u64..50), 0..6),
        own_errors in 0_u64..20,
    ) {
        let cents = |cents: u32| format!("{}.{:02}", cents / 100, cents % 100);
        let names: Vec<_> = (0..rows.len()).map(|i| format!("m{i:02}")).collect();
        let candidates: Vec<_> = rows.iter().zip(&names).map(|((is_own, tier, input, output), name)| {
            let rates = format!("input={} output={}", cents(*input), cents(*output));
            candidate(&format!("p/{name}"), if *is_own { "d" } else { "e" }, TIERS[*tier], &rates)
        }).collect();

        let tokens = TokenUsage { input, output, cache_read, ..TokenUsage::default() };
        let now = i128::from(input + cache_read) * 6_000_000 + i128::from(output) * 7_000_000;
        let sums = AgentModelFigures {
            requests: 1000,
            errors: own_errors,
            tokens,
            cost: Usd::new(Decimal::from_i128_with_scale(now, 12)),
            ..AgentModelFigures::default()
        };
        let tried: BTreeMap<_, _> = errors.iter()
            .filter(|(i, _)| **i < names.len())
            .map(|(i, (requests, errors))| (*i, (*requests, *errors.min(requests))))
            .collect();
        let mut case = Case { sums, needed: TIERS[needed], days, any_developer, ..Case::default() };
        case.model.prices = Prices::from_text(&[(0, "input=6 output=7")]);
        case.tried = tried.iter()
            .map(|(i, (requests, errors))| {
                (&*names[*i].clone().leak(), CallCounts { requests: *requests, errors: *errors })
            })
            .collect();

        let mut expected: Option<(i128, String)> = None;
        for (i, (is_own, tier, in_cents, out_cents)) in rows.iter().enumerate() {
            let worse = tried.get(&i).is_some_and(|(requests, errors)| {
                errors * 1000 * 100 > own_errors * requests * 100 + 2 * requests * 1000
            });
            if worse || !(any_developer || *is_own) || *tier < needed {
                continue;
            }
            let then = i128::from(input + cache_read) * i128::from(*in_cents) * 10_000
                + i128::from(output) * i128::from(*out_cents) * 10_000;
            let better = expected.as_ref().is_none_or(|(saved, _)| now - then > *saved);
            if better {
                expected = Some((now - then, format!("p/{}", names[i])));
            }
        }
        let shown = expected.filter(|(saved, _)| {
            *saved > 0 && saved * 10 >= now && saved * 30 >= 1_000_000_000_000 * i128::from(days)
        });
        let found = case.best(&candidates).map(|(name, saving)| (saving.saved, name));
        prop_assert_eq!(found, shown);
    }
}
