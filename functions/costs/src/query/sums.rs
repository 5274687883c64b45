//! Figures by group and period, in the range and in the one before.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use web::error::{Fault, Result};

use super::figures::Figures;
use crate::range::Side;

/// The most figures of groups in periods that are held at once.
const MAX_CELLS: usize = 200_000;

/// The values of a group, in the order in which its dimensions were asked for.
pub type Group = Vec<String>;

/// Figures of the range and of the one before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cell {
    pub now: Figures,
    pub before: Figures,
}

impl Cell {
    fn add(&mut self, side: Side, figures: Figures) {
        match side {
            Side::Now => self.now += figures,
            Side::Before => self.before += figures,
        }
    }

    fn merge(&mut self, other: Self) {
        self.now += other.now;
        self.before += other.before;
    }
}

/// Figures by period.
pub type Series = BTreeMap<usize, Cell>;

#[derive(Debug, Default)]
pub struct Sums {
    groups: HashMap<Group, Series>,
    cells: usize,
    pub totals: Cell,
}

impl Sums {
    /// Adds figures of a group in a period.
    pub fn add(&mut self, group: &[Cow<'_, str>], period: usize, side: Side, figures: Figures) -> Result<()> {
        self.totals.add(side, figures);
        if figures.is_empty() && figures.latency == (0, 0) {
            return Ok(());
        }
        let group = group.iter().map(|value| value.clone().into_owned()).collect();
        let series = self.groups.entry(group).or_default();
        if !series.contains_key(&period) {
            self.cells += 1;
            if self.cells > MAX_CELLS {
                let msg = format!(
                    "The answer would have more than {MAX_CELLS} rows; ask for a shorter range, a coarser granularity or \
                     fewer groups by a filter"
                );
                return Err(Fault::of_query("groupBy", "too_many_rows", msg).into());
            }
        }
        series.entry(period).or_default().add(side, figures);
        Ok(())
    }

    /// Every group that made a call or completed a task, with its series and the sum of that.
    pub fn into_groups(self) -> impl Iterator<Item = (Group, Series, Cell)> {
        self.groups.into_iter().filter_map(|(group, series)| {
            let mut total = Cell::default();
            for cell in series.values() {
                total.merge(*cell);
            }
            let is_empty = total.now.is_empty() && total.before.is_empty();
            (!is_empty).then_some((group, series, total))
        })
    }
}
