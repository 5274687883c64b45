//! Prices in dollars and in picodollars.

use rust_decimal::Decimal;

use super::data::Rate;

impl Rate {
    /// A price in dollars per million tokens, or per unit, from picodollars per token or unit.
    pub fn dollars(self, pico: u64) -> Decimal {
        Decimal::from_i128_with_scale(pico.into(), self.decimals()).normalize()
    }

    /// The inverse of [`dollars`](Self::dollars); none if the price is negative, too precise or too high.
    pub fn pico(self, dollars: Decimal) -> Option<u64> {
        let dollars = dollars.normalize();
        let factor = 10_i128.checked_pow(self.decimals().checked_sub(dollars.scale())?)?;
        u64::try_from(dollars.mantissa().checked_mul(factor)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_and_picodollars_convert_exactly() {
        for (rate, pico, dollars) in [
            (Rate::Input, 0, "0"),
            (Rate::Input, 1, "0.000001"),
            (Rate::Output, 800_000, "0.8"),
            (Rate::Input, 1_000_000_000_000, "1000000"),
            (Rate::WebSearch, 1, "0.000000000001"),
            (Rate::Characters, 16_500_000, "0.0000165"),
            (Rate::Images, 1_000_000_000_000_000_000, "1000000"),
        ] {
            assert_eq!(rate.dollars(pico).to_string(), dollars);
            assert_eq!(rate.pico(Decimal::from_str_exact(dollars).unwrap()), Some(pico));
        }
        for (rate, dollars) in [
            (Rate::Input, "-1"),
            (Rate::Input, "0.0000001"),
            (Rate::Images, "0.0000000000001"),
            (Rate::Images, "20000000"),
        ] {
            assert_eq!(rate.pico(Decimal::from_str_exact(dollars).unwrap()), None, "{dollars}");
        }
        assert_eq!(Rate::Input.pico(Decimal::from_str_exact("1.50000000").unwrap()), Some(1_500_000));
    }
}
