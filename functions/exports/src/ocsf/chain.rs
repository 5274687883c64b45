//! The chain of a day's events, and its proof.
//!
//! Each event's `unmapped.chain` has the day, the event's number from 1, the number of events of the day, the hash of
//! the previous event and the event's own hash. The latter is SHA-256 over the former and over the JSON of the event
//! without its own hash, with sorted fields and without spaces. The hash before the first event is a hash of
//! organization and day. So no event can be changed, moved, added or removed without breaking the chain, unless the
//! rest of the day is computed again: keep a day's last hash elsewhere to exclude that as well.

use ledger::period::Day;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// The JSON pointer to an event's chain.
const CHAIN: &str = "/unmapped/chain";

/// Links the events of a day one after another.
#[derive(Debug)]
pub struct Chain {
    day: String,
    entries: usize,
    number: usize,
    previous: String,
    hash: String,
}

impl Chain {
    /// The chain of a day with this number of `entries`, before its first event.
    pub fn new(org: &str, day: &str, entries: usize) -> Self {
        let hash = start(org, day);
        Self { day: day.to_owned(), entries, number: 0, previous: hash.clone(), hash }
    }

    /// The number of the last event.
    pub const fn number(&self) -> usize {
        self.number
    }

    /// The hash of the last event.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The hash of the event before the last one.
    pub fn previous(&self) -> &str {
        &self.previous
    }

    /// The line of the next event.
    pub fn line(&mut self, mut event: Value) -> serde_json::Result<String> {
        self.number += 1;
        self.previous = self.hash.clone();
        event["unmapped"]["chain"] = json!({
            "day": self.day,
            "entries": self.entries,
            "number": self.number,
            "previous_hash": self.previous,
        });
        self.hash = hash(&self.previous, &event)?;
        event["unmapped"]["chain"]["hash"] = json!(self.hash);
        serde_json::to_string(&event)
    }
}

fn start(org: &str, day: &str) -> String {
    hex(Sha256::new()
        .chain_update("fleetledger/activity\n")
        .chain_update(org)
        .chain_update("\n")
        .chain_update(day))
}

fn hash(previous: &str, event: &Value) -> serde_json::Result<String> {
    // Without the feature `preserve_order`, fields are sorted.
    let text = serde_json::to_string(event)?;
    Ok(hex(Sha256::new().chain_update(previous).chain_update("\n").chain_update(text)))
}

fn hex(hash: Sha256) -> String {
    use std::fmt::Write as _;
    let bytes: [u8; 32] = hash.finalize().into();
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The reason why a file cannot be verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The file has no events.
    #[error("there is no event")]
    Empty,
    /// A line is not an event with a chain.
    #[error("line {0} is not a chained event")]
    Malformed(usize),
    /// A line is not the next event of the chain.
    #[error("line {line}: expected event {expected} of {day}")]
    OutOfOrder {
        /// From 1.
        line: usize,
        /// The number of the event that is missing.
        expected: usize,
        /// Its day.
        day: String,
    },
    /// A line, or the one before it, was changed.
    #[error("line {0}: the hash does not match")]
    Hash(usize),
    /// A day comes after a later one, or twice.
    #[error("line {line}: {day} does not come after {previous}")]
    DayOutOfOrder {
        /// From 1.
        line: usize,
        /// The day.
        day: String,
        /// The day before it in the file.
        previous: String,
    },
    /// The last events of a day are missing.
    #[error("{day} ends with event {number} of {entries}")]
    Incomplete {
        /// The day.
        day: String,
        /// The last event.
        number: usize,
        /// The last event that there should be.
        entries: usize,
    },
}

/// The contents of a verified file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// Days with events, in order. A file cannot prove that nothing happened on other days.
    pub days: Vec<String>,
    /// Number of events.
    pub events: usize,
}

impl Proof {
    /// The days without events between the first and the last.
    pub fn gaps(&self) -> Vec<Day> {
        let days: Vec<_> = self.days.iter().filter_map(|day| Day::parse(day)).collect();
        let after = |day: &Day| Some(day.next());
        let between = |pair: &[Day]| {
            let (first, last) = (pair[0].next(), pair[1]);
            std::iter::successors(Some(first), after).take_while(move |day| *day < last).collect::<Vec<_>>()
        };
        days.windows(2).flat_map(between).collect()
    }
}

/// Verifies that a file has every event of each of its days, and that no line was changed.
///
/// # Errors
///
/// The first line that breaks the chain.
pub fn verify<'l>(lines: impl IntoIterator<Item = &'l str>) -> Result<Proof, Broken> {
    let (mut proof, mut open): (Proof, Option<(String, Chain)>) = (Proof::default(), None);
    for (index, text) in lines.into_iter().enumerate() {
        let line = index + 1;
        let link = Link::parse(text).ok_or(Broken::Malformed(line))?;
        let is_same_day = open.as_ref().is_some_and(|(org, chain)| *org == link.org && chain.day == link.day);
        if !is_same_day {
            if let Some((org, chain)) = open.take() {
                complete(&chain)?;
                if org == link.org && link.day <= chain.day {
                    return Err(Broken::DayOutOfOrder { line, day: link.day, previous: chain.day });
                }
            }
            proof.days.push(link.day.clone());
        }
        let (_, chain) =
            open.get_or_insert_with(|| (link.org.clone(), Chain::new(&link.org, &link.day, link.entries)));
        let expected = chain.number + 1;
        if link.number != expected || link.entries != chain.entries {
            return Err(Broken::OutOfOrder { line, expected, day: chain.day.clone() });
        }
        if link.previous != chain.hash || !link.is_exact || !link.has_its_hash() {
            return Err(Broken::Hash(line));
        }
        (chain.number, chain.hash) = (link.number, link.hash);
        proof.events += 1;
    }
    let (_, last) = open.ok_or(Broken::Empty)?;
    complete(&last)?;
    Ok(proof)
}

fn complete(chain: &Chain) -> Result<(), Broken> {
    if chain.number == chain.entries {
        return Ok(());
    }
    Err(Broken::Incomplete { day: chain.day.clone(), number: chain.number, entries: chain.entries })
}

/// An event as it is read from a line.
struct Link {
    org: String,
    day: String,
    entries: usize,
    number: usize,
    previous: String,
    hash: String,
    /// Whether the line is byte for byte what was exported. This rejects two fields with the same name, of which some
    /// readers use the first and others the last.
    is_exact: bool,
    /// The event without its hash.
    event: Value,
}

impl Link {
    fn parse(line: &str) -> Option<Self> {
        let mut event: Value = serde_json::from_str(line).ok()?;
        let is_exact = serde_json::to_string(&event).is_ok_and(|exported| exported == line);
        let org = event.pointer("/metadata/tenant_uid")?.as_str()?.to_owned();
        let chain = event.pointer_mut(CHAIN)?.as_object_mut()?;
        let hash = chain.remove("hash")?.as_str()?.to_owned();
        let text = |name: &str| chain.get(name)?.as_str().map(str::to_owned);
        let count = |name: &str| chain.get(name)?.as_u64().and_then(|count| usize::try_from(count).ok());
        let (day, entries, number) = (text("day")?, count("entries")?, count("number")?);
        let previous = text("previous_hash")?;
        Some(Self { org, day, entries, number, previous, hash, is_exact, event })
    }

    fn has_its_hash(&self) -> bool {
        hash(&self.previous, &self.event).is_ok_and(|hash| hash == self.hash)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(days: &[usize]) -> Vec<String> {
        let mut lines = Vec::new();
        for (day, entries) in days.iter().enumerate() {
            let mut chain = Chain::new("acme", &format!("2026-09-{:02}", day + 1), *entries);
            for number in 0..*entries {
                let event = json!({
                    "metadata": { "tenant_uid": "acme" }, "time": 1_789_473_600_123_u64,
                    "unmapped": { "details": format!("{{\"n\":{number}.10}}") },
                });
                lines.push(chain.line(event).unwrap());
            }
        }
        lines
    }

    /// The days without events between two that have some.
    fn gaps(entries: &[usize]) -> Vec<Day> {
        let used: Vec<_> = (0..entries.len()).filter(|at| entries[*at] > 0).collect();
        let within = |at: &usize| used.first().is_some_and(|first| first < at) && used.last() > Some(at);
        let empty = (0..entries.len()).filter(|at| entries[*at] == 0 && within(at));
        empty.map(|at| Day::parse(&format!("2026-09-{:02}", at + 1)).unwrap()).collect()
    }

    fn verified(lines: &[String]) -> Result<Proof, Broken> {
        verify(lines.iter().map(String::as_str))
    }

    proptest! {
        #[test]
        fn a_whole_file_is_proved_and_every_change_is_found(
            days in prop::collection::vec(0_usize..5, 1..4),
            at in any::<prop::sample::Index>(),
            byte in any::<prop::sample::Index>(),
        ) {
            let lines = file(&days);
            let events = lines.len();
            let used = days.iter().filter(|entries| **entries > 0).count();
            prop_assume!(events > 0);
            let proof = verified(&lines).unwrap();
            prop_assert_eq!((proof.days.len(), proof.events), (used, events));
            prop_assert_eq!(proof.gaps(), gaps(&days));
            let at = at.index(events);
            let mut without = lines.clone();
            without.remove(at);
            // Only a day with one event can be left out as a whole.
            prop_assert!(verified(&without).is_ok_and(|proof| proof.days.len() == used - 1) || verified(&without).is_err());
            let mut twice = lines.clone();
            twice.insert(at, lines[at].clone());
            prop_assert!(verified(&twice).is_err());
            let mut changed = lines.clone();
            let position = byte.index(changed[at].len());
            let mut bytes = changed[at].clone().into_bytes();
            bytes[position] = if bytes[position] == b'7' { b'8' } else { b'7' };
            changed[at] = String::from_utf8(bytes).unwrap();
            prop_assert!(verified(&changed).is_err(), "{}", changed[at]);
        }
    }

    #[test]
    fn faults_name_their_line() {
        let lines = file(&[3, 2]);
        let twice = [&lines[3..], &lines[3..]].concat();
        assert!(matches!(verified(&twice), Err(Broken::OutOfOrder { line: 3, .. })), "{twice:?}");
        let backwards = [&lines[3..], &lines[..3]].concat();
        let (day, previous) = ("2026-09-01".to_owned(), "2026-09-02".to_owned());
        assert_eq!(verified(&backwards), Err(Broken::DayOutOfOrder { line: 3, day, previous }));
        let mut swapped = lines.clone();
        swapped.swap(0, 1);
        assert_eq!(
            verified(&swapped),
            Err(Broken::OutOfOrder { line: 1, expected: 1, day: "2026-09-01".to_owned() })
        );
        let incomplete = Broken::Incomplete { day: "2026-09-02".to_owned(), number: 1, entries: 2 };
        assert_eq!(verified(&lines[..4]), Err(incomplete));
        let mut other = lines.clone();
        other[2] = other[2].replace(".10", ".1");
        assert_eq!(verified(&other), Err(Broken::Hash(3)));
        let mut forged = lines.clone();
        forged[1] = forged[1].replacen('{', "{\"time\":1,", 1);
        assert_eq!(verified(&forged), Err(Broken::Hash(2)));
        assert_eq!(verified(&[]), Err(Broken::Empty));
        assert_eq!(verify(["{}"]), Err(Broken::Malformed(1)));
    }
}
