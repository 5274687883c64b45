//! Prices by the hour.

use std::collections::BTreeMap;

use ledger::pricing::data::{RateSet, Window};
use serde_json::value::RawValue;

use super::prices::TOKENS;
use super::{Entry, text_of};
use crate::number;
use crate::source::{Conditions, Version, pico};

/// Adds the hours that have their own price.
pub(super) fn off_peak(entry: &Entry, version: &mut Version) {
    let Some(block) = entry.get("off_peak_pricing") else { return };
    let Ok(block) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(block.get()) else { return };
    let shift = match text_of(&block, "weekday_timezone").as_deref() {
        None | Some("UTC") => 0,
        Some("Asia/Shanghai") => 16,
        Some(_) => return,
    };
    let windows =
        block.get("windows").and_then(|raw| serde_json::from_str::<Vec<serde_json::Value>>(raw.get()).ok());
    let mut window = Window::NEVER;
    for span in windows.unwrap_or_default() {
        let days: Vec<usize> = span["weekdays"].as_array().map_or_else(
            || (0..7).collect(),
            |days| {
                days.iter().filter_map(|day| usize::try_from(day.as_u64()?).ok()?.checked_sub(1)).collect()
            },
        );
        let hours = &span["hours_utc"];
        let hours: Vec<_> = hours.as_array().map_or_else(|| vec![hours], |hours| hours.iter().collect());
        for hours in hours.iter().filter_map(|hours| hours.as_str()) {
            add_hours(&mut window, hours, &days, shift);
        }
    }
    let mut rates = RateSet::default();
    for (name, rate) in TOKENS {
        rates.set(rate, block.get(name).and_then(|raw| number(raw)).and_then(|price| pico(price, 1)));
    }
    if let Some(base) = version.get(&Conditions::default()) {
        rates.fill_from(base);
    }
    version.set(Conditions { window: Some(window), ..Conditions::default() }, rates);
}

/// Adds the hours `10:00-00:00` (UTC) of days that are counted `shift` half hours east of UTC.
fn add_hours(window: &mut Window, hours: &str, days: &[usize], shift: usize) {
    let slot = |time: &str| -> Option<usize> {
        let (hour, minute) = time.split_once(':')?;
        Some(hour.parse::<usize>().ok()? * 2 + minute.parse::<usize>().ok()? / 30)
    };
    let Some((from, to)) = hours.split_once('-') else { return };
    let (Some(from), Some(to)) = (slot(from), slot(to)) else { return };
    let inside = |slot: usize| if from < to { (from..to).contains(&slot) } else { slot >= from || slot < to };
    for slot in (0..7 * 48).filter(|slot| inside(slot % 48)) {
        if days.contains(&((slot + shift) / 48 % 7)) {
            window.add(slot);
        }
    }
}
