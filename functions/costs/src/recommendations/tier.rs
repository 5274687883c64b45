//! The model tier that an agent's work needs, derived from the task types of its calls.

use std::collections::BTreeMap;

use ledger::pricing::FamilyTier;

/// Task types that the smallest models do well.
const ECONOMY: [&str; 7] =
    ["classification", "extraction", "routing", "formatting", "summarization", "translation", "chat"];
/// Task types for the largest models. All others, unknown and missing types included, need a standard model.
const FLAGSHIP: [&str; 3] = ["reasoning", "planning", "research"];

fn tier_of(task_type: &str) -> FamilyTier {
    if ECONOMY.contains(&task_type) {
        FamilyTier::Economy
    } else if FLAGSHIP.contains(&task_type) {
        FamilyTier::Flagship
    } else {
        FamilyTier::Standard
    }
}

/// The highest tier among task types that make up at least 5 % of `calls`, or among all types if none reaches that
/// share.
pub fn needed(calls: u64, by_type: &BTreeMap<String, u64>) -> FamilyTier {
    let typed: u64 = by_type.values().sum();
    let untyped = ("", calls.saturating_sub(typed));
    let types = by_type.iter().map(|(name, calls)| (name.as_str(), *calls)).chain([untyped]);
    let present: Vec<_> = types.filter(|(_, calls)| *calls > 0).collect();
    let highest = |least: u128| {
        let enough = present.iter().filter(|(_, of_type)| u128::from(*of_type) * 20 >= least);
        enough.map(|(name, _)| tier_of(name)).max()
    };
    highest(calls.into()).or_else(|| highest(0)).unwrap_or(FamilyTier::Standard)
}

#[cfg(test)]
mod tests {
    use super::*;
    use FamilyTier::{Economy, Flagship, Standard};

    fn of(calls: u64, types: &[(&str, u64)]) -> FamilyTier {
        needed(calls, &types.iter().map(|(name, calls)| ((*name).to_owned(), *calls)).collect())
    }

    #[test]
    fn each_task_type_maps_to_a_tier() {
        for (types, tier) in [
            ("classification extraction routing formatting summarization translation chat", Economy),
            ("analysis coding drafting support anything Chat RESEARCH", Standard),
            ("reasoning planning research", Flagship),
        ] {
            for name in types.split(' ') {
                assert_eq!(of(1, &[(name, 1)]), tier, "{name}");
            }
        }
        assert_eq!(of(1, &[]), Standard);
        assert_eq!(of(0, &[]), Standard);
    }

    #[test]
    fn a_type_counts_from_five_percent() {
        for (calls, types, tier) in [
            (100, &[("chat", 95), ("research", 5)][..], Flagship),
            (100, &[("chat", 96), ("research", 4)], Economy),
            (101, &[("chat", 96), ("research", 5)], Economy),
            (20, &[("chat", 19), ("coding", 1)], Standard),
            // Calls without a type form a type of their own.
            (100, &[("chat", 95)], Standard),
            (100, &[("chat", 96)], Economy),
            // Two types below the share do not count together.
            (100, &[("chat", 92), ("research", 4), ("planning", 4)], Economy),
        ] {
            assert_eq!(of(calls, types), tier, "{calls} {types:?}");
        }
    }

    #[test]
    fn if_no_type_reaches_the_share_the_highest_tier_counts() {
        let names: Vec<_> = (0..24).map(|i| format!("type-{i}")).collect();
        let mut types: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
        assert_eq!(of(24, &types), Standard);
        types.push(("planning", 1));
        assert_eq!(of(25, &types), Flagship);
    }
}
