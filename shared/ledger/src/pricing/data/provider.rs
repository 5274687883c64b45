use super::line::{list, optional};
use super::{Date, Malformed, RateSet, Tier, parse_decimal, split};

/// A row of `providers.csv`: a provider, its other names, and how its model ids are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderLine {
    /// The provider's id, which prices and grouping use.
    pub id: String,
    /// Other names that SDKs, gateways and conventions send for it. They match in any case.
    pub names: Vec<String>,
    /// The rules of reading its model ids, by name; see `resolve`.
    pub rules: Vec<String>,
    /// A 5-minute cache write as a multiple of input, in hundredths, where the provider states it.
    pub write_5m: Option<u64>,
    /// The same for an hour.
    pub write_1h: Option<u64>,
}

impl ProviderLine {
    /// The header.
    pub const COLUMNS: [&'static str; 6] = ["provider", "names", "rules", "write_5m", "write_1h", "note"];

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The first malformed line.
    pub fn read(file: &str, text: &str) -> Result<Vec<Self>, Malformed> {
        let multiple =
            |field: &str| if field.is_empty() { Ok(None) } else { parse_decimal(field, 2).map(Some) };
        split(file, text, &Self::COLUMNS, |field| {
            Ok(Self {
                id: field[0].to_owned(),
                names: list(field[1], '|'),
                rules: list(field[2], '|'),
                write_5m: multiple(field[3])?,
                write_1h: multiple(field[4])?,
            })
        })
    }
}

/// A row of `aliases.csv`: a name that a person decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasLine {
    /// The provider's id.
    pub provider: String,
    /// The exact name, or the prefix.
    pub alias: String,
    /// Whether every id that starts with `alias` is meant: written `^alias`.
    pub prefix: bool,
    /// Beginnings of ids that the prefix does not catch: written `^alias!exception!exception`.
    pub exceptions: Vec<String>,
    /// The model that is meant.
    pub model: String,
}

impl AliasLine {
    /// The header.
    pub const COLUMNS: [&'static str; 4] = ["provider", "alias", "model", "reason"];

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The first malformed line.
    pub fn read(file: &str, text: &str) -> Result<Vec<Self>, Malformed> {
        split(file, text, &Self::COLUMNS, |field| {
            let mut parts = field[1].get(1..).unwrap_or_default().split('!').map(str::to_owned);
            let prefix = match field[1].as_bytes().first() {
                Some(b'=') => false,
                Some(b'^') => true,
                _ => return Err(format!("{:?} should start with = or ^", field[1])),
            };
            Ok(Self {
                provider: field[0].to_owned(),
                alias: parts.next().unwrap_or_default(),
                prefix,
                exceptions: parts.collect(),
                model: field[2].to_owned(),
            })
        })
    }
}

/// A row of `overrides.csv`: prices that a person decided on. They replace or complete those of the rows under the
/// same conditions, on every day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverrideLine {
    /// The provider's id.
    pub provider: String,
    /// The model's id; with a `*` at the end, every model whose id starts so.
    pub model: String,
    /// The service tier; none: every tier.
    pub tier: Option<Tier>,
    /// The prices.
    pub rates: RateSet,
}

impl OverrideLine {
    /// The header.
    pub const COLUMNS: [&'static str; 6] = ["provider", "model", "tier", "rates", "decided", "reason"];

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The first malformed line.
    pub fn read(file: &str, text: &str) -> Result<Vec<Self>, Malformed> {
        split(file, text, &Self::COLUMNS, |field| {
            field[4].parse::<super::Date>()?;
            if field[5].is_empty() {
                return Err("an override needs a reason".to_owned());
            }
            Ok(Self {
                provider: field[0].to_owned(),
                model: field[1].to_owned(),
                tier: optional(field[2])?,
                rates: RateSet::parse(field[3])?,
            })
        })
    }
}

/// A row of `families.csv`: the models that a developer sells as one line, for recommendations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FamilyLine {
    /// Who made the models, whoever serves them.
    pub developer: String,
    /// The family's name.
    pub family: String,
    /// `economy`, `standard` or `flagship`; empty: never recommended.
    pub tier: String,
    /// The ids of its models, without a vendor in front: `*` stands for any text.
    pub patterns: Vec<String>,
}

impl FamilyLine {
    /// The header.
    pub const COLUMNS: [&'static str; 5] = ["developer", "family", "tier", "patterns", "note"];

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The first malformed line.
    pub fn read(file: &str, text: &str) -> Result<Vec<Self>, Malformed> {
        split(file, text, &Self::COLUMNS, |field| {
            if !["", "economy", "standard", "flagship"].contains(&field[2]) {
                return Err(format!("{:?} is not a tier of families", field[2]));
            }
            Ok(Self {
                developer: field[0].to_owned(),
                family: field[1].to_owned(),
                tier: field[2].to_owned(),
                patterns: list(field[3], '|'),
            })
        })
    }
}

/// A row of `lifecycle.csv`: days that the lists do not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifecycleLine {
    /// The provider's id.
    pub provider: String,
    /// The model's id; with a `*` at the end, every model whose id starts so.
    pub model: String,
    /// The day of its release.
    pub released: Option<Date>,
    /// The day from which it is no longer served.
    pub retires_on: Option<Date>,
}

impl LifecycleLine {
    /// The header.
    pub const COLUMNS: [&'static str; 5] = ["provider", "model", "released", "retires_on", "reason"];

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The first malformed line.
    pub fn read(file: &str, text: &str) -> Result<Vec<Self>, Malformed> {
        split(file, text, &Self::COLUMNS, |field| {
            Ok(Self {
                provider: field[0].to_owned(),
                model: field[1].to_owned(),
                released: optional(field[2])?,
                retires_on: optional(field[3])?,
            })
        })
    }
}
