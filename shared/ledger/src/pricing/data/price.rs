use super::line::{optional, text};
use super::{Date, Malformed, RateSet, Tier, Window, split};

/// A row of `prices/<provider>.csv`: the prices of a model under conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceLine {
    /// The model's id.
    pub model: String,
    /// The first day (UTC) on which the row holds; none: since ever.
    pub from: Option<Date>,
    /// The first day (UTC) on which it no longer holds; none: until further notice.
    pub to: Option<Date>,
    /// The service tier.
    pub tier: Tier,
    /// The region; empty: every region without a row of its own. `regional`: every region but `global`.
    pub region: String,
    /// The hours of the week; none: the hours without a row of their own.
    pub window: Option<Window>,
    /// The row is for calls whose whole input is longer than this.
    pub above_input_tokens: u64,
    /// The prices.
    pub rates: RateSet,
    /// The file that the row came from.
    pub source: String,
    /// The day on which that file was read.
    pub checked: Date,
}

impl PriceLine {
    /// The header.
    pub const COLUMNS: [&'static str; 10] = [
        "model",
        "from",
        "to",
        "tier",
        "region",
        "window",
        "above_input_tokens",
        "rates",
        "source",
        "checked",
    ];

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The first malformed line.
    pub fn read(file: &str, text: &str) -> Result<Vec<Self>, Malformed> {
        split(file, text, &Self::COLUMNS, |field| {
            Ok(Self {
                model: field[0].to_owned(),
                from: optional(field[1])?,
                to: optional(field[2])?,
                tier: optional(field[3])?.unwrap_or_default(),
                region: field[4].to_owned(),
                window: optional(field[5])?,
                above_input_tokens: optional(field[6])?.unwrap_or(0),
                rates: RateSet::parse(field[7])?,
                source: field[8].to_owned(),
                checked: field[9].parse()?,
            })
        })
    }

    /// Writes a file, header included.
    pub fn write(lines: &[Self]) -> String {
        let mut file = Self::COLUMNS.join(",") + "\n";
        for line in lines {
            let fields = [
                line.model.clone(),
                text(line.from.as_ref()),
                text(line.to.as_ref()),
                if line.tier == Tier::Standard { String::new() } else { line.tier.to_string() },
                line.region.clone(),
                text(line.window.as_ref()),
                if line.above_input_tokens == 0 {
                    String::new()
                } else {
                    line.above_input_tokens.to_string()
                },
                line.rates.to_string(),
                line.source.clone(),
                line.checked.to_string(),
            ];
            file.push_str(&fields.join(","));
            file.push('\n');
        }
        file
    }

    /// Whether the row holds on `day`.
    pub fn holds_on(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.to.is_none_or(|to| day < to)
    }
}
