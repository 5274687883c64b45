//! The compiled tables, read in place. See [`compile`](super::compile) for how they are made.

use super::data::{Date, Rate, RateSet, Tier, Window};
use super::hash::Hash;

/// The tables of a book.
#[derive(Debug)]
pub(super) struct Tables {
    pub(super) strings: &'static str,
    pub(super) providers: &'static [u8],
    pub(super) provider_names: &'static [u8],
    pub(super) models: &'static [u8],
    pub(super) model_names: &'static [u8],
    pub(super) prefixes: &'static [u8],
    pub(super) exceptions: &'static [u8],
    pub(super) rows: &'static [u8],
    pub(super) rates: &'static [u8],
    pub(super) prices: &'static [u8],
    pub(super) regions: &'static [u8],
    pub(super) windows: &'static [u8],
    pub(super) catalog: &'static [u8],
    pub(super) aliases: &'static [u8],
}

macro_rules! table {
    ($name:literal) => {
        include_bytes!(concat!(env!("OUT_DIR"), "/book/", $name))
    };
}

/// The book that ships with the program.
pub(super) static BUILTIN: Tables = Tables {
    strings: include_str!(concat!(env!("OUT_DIR"), "/book/strings")),
    providers: table!("providers"),
    provider_names: table!("provider_names"),
    models: table!("models"),
    model_names: table!("model_names"),
    prefixes: table!("prefixes"),
    exceptions: table!("exceptions"),
    rows: table!("rows"),
    rates: table!("rates"),
    prices: table!("prices"),
    regions: table!("regions"),
    windows: table!("windows"),
    catalog: table!("catalog"),
    aliases: table!("aliases"),
};

/// The number at `place`, counted in numbers.
pub(super) fn number(table: &[u8], place: usize) -> u32 {
    let bytes = table.get(place * 4..place * 4 + 4).and_then(|bytes| bytes.try_into().ok());
    u32::from_le_bytes(bytes.unwrap_or_default())
}

fn long(table: &[u8], place: usize) -> u64 {
    let bytes = table.get(place * 8..place * 8 + 8).and_then(|bytes| bytes.try_into().ok());
    u64::from_le_bytes(bytes.unwrap_or_default())
}

fn short(table: &[u8], place: usize) -> u16 {
    let bytes = table.get(place * 2..place * 2 + 2).and_then(|bytes| bytes.try_into().ok());
    u16::from_le_bytes(bytes.unwrap_or_default())
}

pub(super) const fn index(number: u32) -> usize {
    number as usize
}

impl Tables {
    /// The text whose offset and length are the numbers at `place`.
    pub(super) fn text(&self, table: &[u8], place: usize) -> &'static str {
        let start = index(number(table, place));
        self.strings.get(start..start + index(number(table, place + 1))).unwrap_or_default()
    }

    /// The value of the name that `parts` make together, in any case, under `scope`.
    fn find(&self, table: &[u8], scope: u32, parts: &[&str]) -> Option<u32> {
        let capacity = table.len() / 12;
        let mut hash = Hash::new(scope);
        for part in parts {
            hash.write(part);
        }
        let mut slot = hash.slot(capacity);
        loop {
            let value = number(table, slot * 3 + 2).checked_sub(1)?;
            if is_made_of(self.text(table, slot * 3), parts) && self.scope_is(table, scope, value) {
                return Some(value);
            }
            slot = (slot + 1) & (capacity - 1);
        }
    }

    fn scope_is(&self, table: &[u8], scope: u32, value: u32) -> bool {
        std::ptr::eq(table, self.provider_names) || number(self.models, index(value) * 6) == scope
    }

    pub(super) fn find_provider(&self, name: &str) -> Option<u32> {
        self.find(self.provider_names, 0, &[name])
    }

    /// The model of `provider` whose name is made of `parts`.
    pub(super) fn find_model(&self, provider: u32, parts: &[&str]) -> Option<u32> {
        self.find(self.model_names, provider, parts)
    }
}

/// Whether `text` is `parts` one after the other, in any case.
fn is_made_of(text: &str, parts: &[&str]) -> bool {
    let rest = parts.iter().try_fold(text.as_bytes(), |rest, part| {
        let (start, rest) = rest.split_at_checked(part.len())?;
        start.eq_ignore_ascii_case(part.as_bytes()).then_some(rest)
    });
    rest.is_some_and(<[u8]>::is_empty)
}

/// A row of prices and its conditions.
#[derive(Clone, Copy, Debug)]
pub struct PriceRow {
    tables: &'static Tables,
    place: usize,
}

impl PriceRow {
    pub(super) const fn new(tables: &'static Tables, place: usize) -> Self {
        Self { tables, place }
    }

    fn number(self, field: usize) -> u32 {
        number(self.tables.rows, self.place * 5 + field)
    }

    /// The first day on which the row holds; [`Date::MIN`]: since ever.
    pub fn from(self) -> Date {
        Date(self.number(0))
    }

    /// The first day on which it no longer holds; [`Date::MAX`]: until further notice.
    pub fn to(self) -> Date {
        Date(self.number(1))
    }

    /// The row is for calls whose whole input is longer than this.
    pub fn above_input_tokens(self) -> u64 {
        self.number(2).into()
    }

    /// The service tier.
    pub fn tier(self) -> Tier {
        Tier::ALL.get(index(self.number(3) & 0xff)).copied().unwrap_or_default()
    }

    /// The hours of the week; none: the hours without a row of their own.
    pub fn window(self) -> Option<Window> {
        let place = index(self.number(3) >> 8 & 0xff).checked_sub(1)?;
        Some(Window::from_words(std::array::from_fn(|word| long(self.tables.windows, place * 6 + word))))
    }

    /// The region; empty: every region without a row of its own.
    pub fn region(self) -> &'static str {
        match index(self.number(3) >> 16).checked_sub(1) {
            None => "",
            Some(place) => self.tables.text(self.tables.regions, place * 2),
        }
    }

    /// The price of `rate`, in picodollars per token or unit.
    pub fn rate(self, rate: Rate) -> Option<u64> {
        let (at, mask) = self.rate_set();
        let bit = 1 << (rate as u32);
        (mask & bit != 0).then(|| self.price(at + index((mask & (bit - 1)).count_ones())))
    }

    /// All its prices.
    pub fn rates(self) -> RateSet {
        let (at, mut mask) = self.rate_set();
        let mut rates = RateSet::default();
        let mut place = at;
        while mask != 0 {
            if let Some(rate) = Rate::ALL.get(index(mask.trailing_zeros())) {
                rates.set(*rate, Some(self.price(place)));
            }
            mask &= mask - 1;
            place += 1;
        }
        rates
    }

    /// Where the places of the prices start, and which rates have one.
    fn rate_set(self) -> (usize, u32) {
        let at = index(self.number(4));
        let mask =
            u32::from(short(self.tables.rates, at)) | u32::from(short(self.tables.rates, at + 1)) << 16;
        (at + 2, mask)
    }

    fn price(self, place: usize) -> u64 {
        long(self.tables.prices, short(self.tables.rates, place).into())
    }

    /// Whether the row holds on `day`.
    pub fn holds_on(self, day: Date) -> bool {
        self.from() <= day && day < self.to()
    }
}
