//! Covers: which pages a pack contains.

use std::collections::BTreeMap;

use super::ids::{ChainId, PageId};
use crate::period::Day;

/// For each chain of each day, how many of its pages are contained: those with smaller numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cover(BTreeMap<(Day, ChainId), u32>);

impl Cover {
    /// The number of pages of a chain that are contained.
    pub fn pages(&self, day: Day, chain: ChainId) -> u32 {
        self.0.get(&(day, chain)).copied().unwrap_or_default()
    }

    /// Whether a page is contained.
    pub fn contains(&self, page: &PageId) -> bool {
        page.number < self.pages(page.day, page.chain)
    }

    /// Notes that a page, and with it all before, is contained.
    pub fn add(&mut self, page: &PageId) {
        let pages = self.0.entry((page.day, page.chain)).or_default();
        *pages = (*pages).max(page.number + 1);
    }

    /// The part about one day.
    #[must_use]
    pub fn day(&self, day: Day) -> Self {
        Self(self.0.iter().filter(|((of, _), _)| *of == day).map(|(key, pages)| (*key, *pages)).collect())
    }

    /// Replaces what is known of a day.
    pub fn set_day(&mut self, day: Day, cover: &Self) {
        self.remove_day(day);
        self.0.extend(cover.0.iter().filter(|((of, _), _)| *of == day).map(|(key, pages)| (*key, *pages)));
    }

    /// Forgets a day.
    pub fn remove_day(&mut self, day: Day) {
        self.0.retain(|(of, _), _| *of != day);
    }

    /// Keeps the chains for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(Day, ChainId) -> bool) {
        self.0.retain(|(day, chain), _| keep(*day, *chain));
    }

    /// Every chain of which any page is contained, with the number of these.
    pub fn iter(&self) -> impl Iterator<Item = (Day, ChainId, u32)> {
        self.0.iter().map(|((day, chain), pages)| (*day, *chain, *pages))
    }

    /// What every one of `covers` contains.
    pub fn least<'c>(covers: impl IntoIterator<Item = &'c Self>) -> Self {
        let mut covers = covers.into_iter();
        let Some(first) = covers.next() else { return Self::default() };
        let mut least = first.clone();
        for cover in covers {
            least.0.retain(|key, pages| {
                *pages = (*pages).min(cover.0.get(key).copied().unwrap_or_default());
                *pages > 0
            });
        }
        least
    }
}

impl FromIterator<(Day, ChainId, u32)> for Cover {
    fn from_iter<I: IntoIterator<Item = (Day, ChainId, u32)>>(chains: I) -> Self {
        Self(chains.into_iter().map(|(day, chain, pages)| ((day, chain), pages)).collect())
    }
}
