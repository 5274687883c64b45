//! Which pages belong to a picture, given what a pack covers.

use std::collections::BTreeMap;

use super::cover::Cover;
use super::ids::{Family, PageId};
use super::page::Page;

/// Pages of one or more days, in the order of their chains.
pub type Pages<M, D> = BTreeMap<PageId, Page<M, D>>;

/// The pages that a cover lacks.
#[derive(Clone, Debug)]
pub struct Selection<'p, M, D> {
    /// Those that follow, without a gap, what is covered.
    pub pages: Vec<(&'p PageId, &'p Page<M, D>)>,
    /// Whether there are others: pages between were missed, or were covered and deleted since the pack was read. What was
    /// read then fits together only if it is read again.
    pub has_gap: bool,
}

/// The pages of some families that `cover` lacks: of each chain from the first one that is not covered on, as long as
/// the one before is closed.
pub fn select<'p, M, D>(pages: &'p Pages<M, D>, cover: &Cover, families: &[Family]) -> Selection<'p, M, D> {
    let mut selection = Selection { pages: Vec::new(), has_gap: false };
    let mut last: Option<(&PageId, bool)> = None;
    let mut broken = None;
    for (id, page) in pages {
        let chain = (id.day, id.chain);
        if !families.contains(&id.chain.family) || cover.contains(id) || broken == Some(chain) {
            continue;
        }
        let follows = match last.filter(|(last, _)| (last.day, last.chain) == chain) {
            Some((last, closed)) => closed && id.number == last.number + 1,
            None => id.number == cover.pages(id.day, id.chain),
        };
        if !follows || page.is_emptied() {
            selection.has_gap = true;
            broken = Some(chain);
            continue;
        }
        selection.pages.push((id, page));
        last = Some((id, page.closed));
    }
    selection
}
