//! Blocks of days, after a day of theirs was sealed.

use std::collections::BTreeSet;

use ledger::chain::{Compaction, PackId, Span, Task};
use ledger::pack::{Block, Table, View};
use ledger::period::Day;
use runtime::clock::Clock;
use store::Usage;
use store::blocks::StoredBlock;
use store::chains::Consistency;
use store::error::{Error, Result};
use store::keys::Owner;
use tokio::time::timeout;

use crate::compact::{LIMIT, TIMING};

/// How often a block is written that changes meanwhile. Until the next seal of one of its days, nothing is read from a block
/// that is outdated.
const ATTEMPTS: usize = 3;

/// Brings the block of a day up to date whose pack was sealed. If `joins`, it gets the day in case it lacks it.
pub async fn refresh(
    usage: &Usage,
    clock: &Clock,
    owner: &Owner,
    pack: PackId<View>,
    joins: bool,
) -> Result<()> {
    let Span::Day(day) = pack.span else { return Ok(()) };
    let Some(block) = Block::of(pack.kind, day) else { return Ok(()) };
    for _ in 0..ATTEMPTS {
        let mut stored = usage.blocks(owner, &[block], Consistency::Strong).await?;
        let stored = stored.remove(&block).unwrap_or_default();
        let Some(task) = task(&stored, block, day, joins) else { return Ok(()) };
        let compaction = Compaction::new(day, Vec::new(), [task], TIMING, rand::random());
        let now = || clock.now().timestamp();
        // See `compact`: what was read must not be written any later.
        let Ok(done) = timeout(LIMIT, usage.compact(owner, day, compaction, now)).await else {
            return Err(Error::Unavailable(format!("the block of {owner} with {day} took too long")));
        };
        done?;
    }
    Ok(())
}

/// What has to be done; none if the block is up to date.
fn task(stored: &StoredBlock, block: Block, day: Day, joins: bool) -> Option<Task<View>> {
    let days = stored.days().ok()?;
    if stored.is_outdated().ok()? {
        let joining = joins.then_some(day);
        return Some(Task::Rebuild(block.pack(), days.into_iter().chain(joining).collect::<BTreeSet<_>>()));
    }
    (joins && !days.contains(&day)).then(|| Task::Adopt(block.pack()))
}

/// Whether a day with these rows is worth being in a block.
pub fn is_worth(rows: &Table, least_bytes: usize) -> bool {
    rows.encode().len() >= least_bytes
}
