use std::collections::HashMap;

use super::super::data::{Date, OverrideLine, PriceLine, Rate, RateSet, Tier, Window};
use super::pool::{Pool, Strings, push};
use super::u32_of;

/// The price rows of all models.
#[derive(Default)]
pub(super) struct Rows {
    rows: Vec<u8>,
    rates: Vec<u16>,
    rate_sets: HashMap<Vec<u16>, u32>,
    prices: Vec<u64>,
    price_places: HashMap<u64, u16>,
    regions: Vec<(u32, u32)>,
    windows: Vec<Window>,
    known: HashMap<(String, String), (u32, u32)>,
}

impl Rows {
    /// Adds the rows of a model, if they are not there yet. Returns where they are.
    pub(super) fn add(
        &mut self,
        provider: &str,
        model: &str,
        lines: &[&PriceLine],
        strings: &mut Strings,
    ) -> Result<(u32, u32), String> {
        let key = (provider.to_owned(), model.to_owned());
        if let Some(known) = self.known.get(&key) {
            return Ok(*known);
        }
        let mut lines = complete(lines);
        lines.sort_by(|a, b| order(a).cmp(&order(b)));
        check(&lines)?;
        let start = u32_of(self.rows.len() / 20);
        for line in &lines {
            let region = if line.region.is_empty() { 0 } else { self.region(strings.add(&line.region)) };
            let window = line.window.map_or(0, |window| self.window(window));
            let tier = Tier::ALL.iter().position(|tier| *tier == line.tier).map_or(0, u32_of);
            let above = u32::try_from(line.above_input_tokens).map_err(|e| e.to_string())?;
            let from = line.from.map_or(Date::MIN.0, |day| day.0);
            let to = line.to.map_or(Date::MAX.0, |day| day.0);
            let rates = self.rate_set(&line.rates)?;
            push(&mut self.rows, &[from, to, above, tier | window << 8 | region << 16, rates]);
        }
        let place = (start, u32_of(lines.len()));
        self.known.insert(key, place);
        Ok(place)
    }

    fn region(&mut self, text: (u32, u32)) -> u32 {
        let place = self.regions.iter().position(|known| *known == text).unwrap_or_else(|| {
            self.regions.push(text);
            self.regions.len() - 1
        });
        u32_of(place + 1)
    }

    fn window(&mut self, window: Window) -> u32 {
        let place = self.windows.iter().position(|known| *known == window).unwrap_or_else(|| {
            self.windows.push(window);
            self.windows.len() - 1
        });
        u32_of(place + 1)
    }

    fn rate_set(&mut self, rates: &RateSet) -> Result<u32, String> {
        let mask: u32 = rates.iter().map(|(rate, _)| 1 << (rate as u32)).sum();
        let mut set = vec![(mask & 0xffff) as u16, (mask >> 16) as u16];
        for (_, price) in rates.iter() {
            set.push(self.price(price)?);
        }
        if let Some(known) = self.rate_sets.get(&set) {
            return Ok(*known);
        }
        let place = u32_of(self.rates.len());
        self.rates.extend(&set);
        self.rate_sets.insert(set, place);
        Ok(place)
    }

    fn price(&mut self, price: u64) -> Result<u16, String> {
        if let Some(known) = self.price_places.get(&price) {
            return Ok(*known);
        }
        let place =
            u16::try_from(self.prices.len()).map_err(|_| "more than 65,536 different prices".to_owned())?;
        self.prices.push(price);
        self.price_places.insert(price, place);
        Ok(place)
    }

    pub(super) fn finish(self) -> Result<Pool, String> {
        if self.windows.len() > 255 || self.regions.len() > 65_535 {
            return Err("too many windows or regions".to_owned());
        }
        let mut regions = Vec::new();
        self.regions.iter().for_each(|text| push(&mut regions, &[text.0, text.1]));
        let words =
            |numbers: &[u64]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        Ok(Pool {
            rows: self.rows,
            rates: self.rates.iter().flat_map(|part| part.to_le_bytes()).collect(),
            prices: words(&self.prices),
            regions,
            windows: self.windows.iter().flat_map(|window| words(&window.words())).collect(),
        })
    }
}

type Order<'l> = (Option<Date>, Tier, &'l str, Option<Window>, u64);

fn order(line: &PriceLine) -> Order<'_> {
    (line.from, line.tier, &line.region, line.window, line.above_input_tokens)
}

/// Sets the prices that people decided on.
pub(super) fn decide(provider: &str, lines: &mut [PriceLine], overrides: &[OverrideLine]) {
    for own in overrides.iter().filter(|own| own.provider == provider) {
        let meant = lines.iter_mut().filter(|line| means(&own.model, &line.model.to_ascii_lowercase()));
        for line in meant.filter(|line| own.tier.is_none_or(|tier| tier == line.tier)) {
            own.rates.iter().for_each(|(rate, price)| line.rates.set(rate, Some(price)));
        }
    }
}

/// The rows with the prices of units in every row of their days.
fn complete(lines: &[&PriceLine]) -> Vec<PriceLine> {
    let mut lines: Vec<PriceLine> = lines.iter().map(|line| (*line).clone()).collect();
    let bases: Vec<_> =
        lines.iter().filter(|line| is_base(line)).map(|line| (line.from, line.rates)).collect();
    for line in &mut lines {
        let base = bases.iter().find(|(from, _)| *from == line.from).map(|(_, rates)| rates);
        for rate in Rate::UNITS {
            if line.rates.get(*rate).is_none() {
                line.rates.set(*rate, base.and_then(|base| base.get(*rate)));
            }
        }
    }
    lines
}

pub(super) fn is_base(line: &PriceLine) -> bool {
    line.tier == Tier::Standard
        && line.region.is_empty()
        && line.window.is_none()
        && line.above_input_tokens == 0
}

/// Whether a pattern, with or without a `*` at its end, is `model`, which is in lower case.
pub(super) fn means(pattern: &str, model: &str) -> bool {
    let pattern = pattern.to_ascii_lowercase();
    pattern.strip_suffix('*').map_or(pattern == model, |start| model.starts_with(start))
}

/// No two rows may hold at the same time under the same conditions.
fn check(lines: &[PriceLine]) -> Result<(), String> {
    for (place, line) in lines.iter().enumerate() {
        if line.from.zip(line.to).is_some_and(|(from, to)| to <= from) {
            return Err(format!("{} has a row that ends before it starts", line.model));
        }
        let overlap = lines[..place].iter().find(|other| {
            (other.tier, &other.region, other.window, other.above_input_tokens)
                == (line.tier, &line.region, line.window, line.above_input_tokens)
                && other.to.is_none_or(|to| line.from.is_none_or(|from| from < to))
        });
        if overlap.is_some() {
            return Err(format!("{} has two rows for the same days and conditions", line.model));
        }
    }
    Ok(())
}
