//! Classes of models by price.

use serde::{Deserialize, Serialize};

/// A model's class by its blended price, (3 × input + output) / 4; a cheaper one is less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// Up to and including 2.00 USD per million tokens.
    Economy,
    /// Between the two.
    Standard,
    /// From 5.00 USD per million tokens.
    Flagship,
}

impl Category {
    /// The class of a model with these prices, in picodollars per token.
    pub fn of(input: u64, output: u64) -> Self {
        match 3 * u128::from(input) + u128::from(output) {
            0..=8_000_000 => Self::Economy,
            8_000_001..20_000_000 => Self::Standard,
            _ => Self::Flagship,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_category_follows_the_blended_price_at_both_edges() {
        for (input, output, category) in [
            (800_000, 4_000_000, Category::Economy),
            (2_000_000, 2_000_000, Category::Economy),
            (2_000_000, 2_000_001, Category::Standard),
            (5_000_000, 4_999_999, Category::Standard),
            (5_000_000, 5_000_000, Category::Flagship),
            (3_000_000, 15_000_000, Category::Flagship),
            (u64::MAX, u64::MAX, Category::Flagship),
        ] {
            assert_eq!(Category::of(input, output), category, "{input} / {output}");
        }
        assert!(Category::Economy < Category::Standard && Category::Standard < Category::Flagship);
        assert_eq!(serde_json::to_string(&Category::Economy).unwrap(), r#""economy""#);
    }
}
