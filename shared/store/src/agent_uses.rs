//! Agents' use of models over many days, and since when.
//!
//! A block tells how much an agent used a model, but not since when. It need not where the agent did so on an earlier day of
//! the window. Where it did not, the block's days are read as well.

use std::collections::{BTreeMap, BTreeSet};

use ledger::calendar::Generation;
use ledger::chain::Incomplete;
use ledger::ids::{AgentId, OrgId};
use ledger::pack::{Table, View};
use ledger::period::{Day, Windows};
use ledger::rollup::{AgentDay, ModelCode};

use crate::Usage;
use crate::agent_days::{attempts, unsettled};
use crate::agent_parts::{Part, Reading};
use crate::error::Result;
use crate::keys::Owner;

/// The days at the start of a window that are read one by one even where a block has them. An agent makes use of most of
/// its models within a few days, so that no further days have to be read.
const LEAD: usize = 3;

/// That an agent used a model.
type Use = (AgentId, ModelCode);

/// The first day of each use that begins in a part of several days, by the first day of the part.
type Begins = BTreeMap<(Day, Use), Day>;

impl Usage {
    /// The calls of all agents by model and by task type, to be added up over one of `windows`. Calls of a model on several
    /// days are added up already where every window contains all or none of these days. They bear the first day on which the
    /// agent made such a call, unless it did so on an earlier day of every window that has them.
    pub async fn agent_uses_over(
        &self,
        org: &OrgId,
        generation: Generation,
        windows: &Windows,
    ) -> Result<Vec<(Day, AgentId, AgentDay)>> {
        let owner = Owner::new(org, generation);
        let lead = |first: Day| std::iter::successors(Some(first), |day| Some(day.next())).take(LEAD);
        let lead = windows.starts().flat_map(lead).collect();
        for consistency in attempts() {
            let read = self.read_parts(&owner, windows, &[View::AgentModels], &lead, consistency).await?;
            let Some(mut reading) = read else { continue };
            let Ok(parts) = reading.parts() else { continue };
            let begun = begun(&parts, windows);
            let Ok(unread) = unread(&reading, &parts, &begun) else { continue };
            reading.add(self.packs_of(&owner, View::AgentModels, unread.into_iter(), consistency).await?);
            if let Ok(begins) = begins(&reading, &parts, begun) {
                return Ok(parts.into_iter().flat_map(|part| uses(part, &begins)).collect());
            }
        }
        Err(unsettled())
    }
}

fn uses_in(rows: &Table) -> BTreeSet<Use> {
    rows.calls_by_model().map(|(agent, code, _)| (agent, code)).collect()
}

/// The uses that begin in a part of several days, in some window, by the first day of the part.
fn begun(parts: &[Part], windows: &Windows) -> BTreeMap<Day, BTreeSet<Use>> {
    let of_parts: Vec<_> = parts.iter().map(|part| (part, uses_in(&part.rows))).collect();
    let mut begun: BTreeMap<Day, BTreeSet<Use>> = BTreeMap::new();
    for start in windows.starts().collect::<BTreeSet<_>>() {
        let mut seen: BTreeSet<&Use> = BTreeSet::new();
        for (part, uses) in of_parts.iter().filter(|(part, _)| part.first >= start) {
            if part.days.len() > 1 {
                let new = uses.iter().filter(|one| !seen.contains(one)).cloned();
                begun.entry(part.first).or_default().extend(new);
            }
            seen.extend(uses);
        }
    }
    begun
}

/// The days of parts that have to be read to know on which of them all uses begin.
fn unread(
    reading: &Reading,
    parts: &[Part],
    begun: &BTreeMap<Day, BTreeSet<Use>>,
) -> Result<BTreeSet<Day>, Incomplete> {
    let mut unread = BTreeSet::new();
    for part in parts {
        let mut left = begun.get(&part.first).cloned().unwrap_or_default();
        for day in &part.days {
            if left.is_empty() {
                break;
            }
            match reading.day(*day) {
                Some(rows) => left = &left - &uses_in(&rows?),
                None => drop(unread.insert(*day)),
            }
        }
    }
    Ok(unread)
}

/// The first day of each use.
fn begins(
    reading: &Reading,
    parts: &[Part],
    begun: BTreeMap<Day, BTreeSet<Use>>,
) -> Result<Begins, Incomplete> {
    let mut begins = Begins::new();
    for (first, mut left) in begun {
        let days = parts.iter().filter(|part| part.first == first).flat_map(|part| &part.days);
        for day in days {
            if left.is_empty() {
                break;
            }
            let found = uses_in(&reading.day(*day).ok_or(Incomplete)??);
            let found: Vec<_> = left.intersection(&found).cloned().collect();
            for one in &found {
                left.remove(one);
            }
            begins.extend(found.into_iter().map(|one| ((first, one), *day)));
        }
        // A day of the block changed between the reads.
        if !left.is_empty() {
            return Err(Incomplete);
        }
    }
    Ok(begins)
}

/// What the agents did in a part, each use on the day on which it began.
fn uses(part: Part, begins: &Begins) -> Vec<(Day, AgentId, AgentDay)> {
    let Part { first, rows, .. } = part;
    let mut all = Vec::new();
    for (agent, sums) in rows.agent_days(&Table::default()) {
        let mut days: BTreeMap<Day, AgentDay> = BTreeMap::new();
        for (code, figures) in sums.models {
            let day = begins.get(&(first, (agent.clone(), code))).copied().unwrap_or(first);
            days.entry(day).or_default().models.insert(code, figures);
        }
        if let Some(mut some) = days.first_entry() {
            some.get_mut().calls_by_task_type = sums.calls_by_task_type;
        }
        all.extend(days.into_iter().map(|(day, sums)| (day, agent.clone(), sums)));
    }
    all
}
