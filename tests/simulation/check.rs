//! What has to hold at every moment.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use ledger::rollup::{Seen, Sums};
use store::keys::Key;
use store::keys::Keyed;

use super::Held;
use super::items::{self, Usage};
use super::run::Run;
use super::stream::{Counted, Matter, Place, Record, Shard};
use crate::support::tables::names;

impl Run {
    /// Of each item, the part of each shard is the sum of the shard's events up to its mark, and no mark goes back.
    ///
    /// The marks of a mutant may be anything, so it is judged by its figures alone.
    pub fn check_parts(&mut self) -> Held {
        if self.mutant.is_some() {
            return Ok(());
        }
        let usage = Usage::read(&self.engine)?;
        if usage.summary.0 != usage.aside.len() {
            return Err(format!("{:?} is said of {:?}", usage.summary, usage.aside.keys()));
        }
        self.check_progress(&usage.progress)?;
        let mut parts: BTreeMap<&Key, Sums> = usage.sums.keys().map(|key| (key, Sums::default())).collect();
        for shard in self.streams.iter().flat_map(|stream| &stream.shards) {
            for record in &shard.records {
                let Matter::Count(counted) = &record.matter else { continue };
                for (key, sums) in &counted.sums {
                    let marks =
                        usage.sums.get_key_value(key).map(|(key, item)| (key, item.marks.get(&shard.mark)));
                    if let Some((key, Some(mark))) = marks
                        && record.number <= *mark
                    {
                        parts.entry(key).or_default().merge(sums);
                    }
                }
            }
        }
        for (key, part) in parts.iter().filter(|(key, _)| !usage.sums[**key].sealed) {
            differ(key, &usage.sums[*key].sums, part).map_err(|why| format!("by its marks, {why}"))?;
        }
        self.marks.retain(|(key, _), _| !usage.sums.get(key).is_some_and(|item| item.sealed));
        for (key, item) in usage.sums.iter().filter(|(_, item)| !item.sealed) {
            for (name, mark) in &item.marks {
                let before = self.marks.insert((key.clone(), name.clone()), *mark);
                if before.is_some_and(|before| before > *mark) {
                    return Err(format!("the mark {name} of {key:?} went back"));
                }
            }
        }
        let gone = self
            .marks
            .keys()
            .find(|(key, name)| usage.sums.get(key).is_none_or(|item| !item.marks.contains_key(name)));
        gone.map_or(Ok(()), |gone| Err(format!("the mark {gone:?} is gone")))
    }

    /// How far a lane is said to be is the arrival of an event that has been added to everything that it adds to, and
    /// never goes back.
    fn check_progress(&mut self, progress: &BTreeMap<u8, i64>) -> Held {
        for (lane, arrival) in progress {
            let shards = self.streams.iter().flat_map(|stream| &stream.shards);
            let mut counted =
                shards.flat_map(|shard| shard.records.iter().map(move |record| (shard, record)));
            let is_added_up = counted.any(|(shard, record)| match &record.matter {
                Matter::Count(counted) => {
                    record.lane() == Some(*lane)
                        && record.arrival().map(|arrival| arrival.timestamp_millis()) == Some(*arrival)
                        && self.is_counted(shard, record, counted).is_ok()
                }
                Matter::Poison | Matter::Nothing => false,
            });
            if !is_added_up {
                return Err(format!(
                    "lane {lane} is said to be at {arrival}, where nothing has been added up"
                ));
            }
        }
        let back =
            self.progress.iter().find(|(lane, before)| progress.get(*lane).is_none_or(|now| now < *before));
        if let Some(back) = back {
            return Err(format!("the lane {back:?} went back to {progress:?}"));
        }
        self.progress.clone_from(progress);
        Ok(())
    }

    /// Records that the checkpoint passes have been added to everything that they add to.
    pub fn check_applied(&self, (stream, shard): Place, from: usize, to: usize) -> Held {
        if self.mutant.is_some() {
            return Ok(());
        }
        let shard = &self.streams[stream].shards[shard];
        for record in &shard.records[from..to] {
            let applied = match &record.matter {
                Matter::Nothing => Ok(()),
                Matter::Poison => self.is_aside(shard, record),
                Matter::Count(counted) => self.is_counted(shard, record, counted),
            };
            applied.map_err(|what| format!("the checkpoint passed {}, but {what}", record.digits))?;
        }
        Ok(())
    }

    fn is_aside(&self, shard: &Shard, record: &Record) -> Held {
        let aside = self.engine.item(&names().usage, &shard.place_aside(record));
        aside.map(drop).ok_or_else(|| "it was not put aside".to_owned())
    }

    fn is_counted(&self, shard: &Shard, record: &Record, counted: &Counted) -> Held {
        for (key, _) in &counted.sums {
            let item = self.engine.item(&names().usage, key).and_then(|item| items::summed(&item));
            if item.as_ref().is_some_and(|item| item.sealed) {
                // It holds the event, or will when its day is computed anew; the end shows it.
                continue;
            }
            let mark = item.and_then(|item| item.marks.get(&shard.mark).copied());
            if mark.is_none_or(|mark| mark < record.number) {
                return Err(format!("{key:?} is marked at {mark:?}"));
            }
        }
        if let Some(user) = &counted.user {
            let item = self.engine.item(&names().usage, &user.key()).unwrap_or_default();
            if !items::users(&item).contains(&user.hash) {
                return Err(format!("{user:?} is missing"));
            }
        }
        for sighting in &counted.sightings {
            let item =
                self.engine.item(&names().registry, &store::keys::subject(&sighting.org, &sighting.subject));
            let known = item.as_ref().and_then(items::seen).ok_or("someone was not seen")?;
            if !knows(&known, &sighting.seen) {
                return Err(format!("{known:?} does not know of {sighting:?}"));
            }
        }
        Ok(())
    }
}

/// Whether what is known of someone includes what was `seen`. The host may be the one that was named last within the
/// same hour or later.
fn knows(known: &Seen, seen: &Seen) -> bool {
    let mut merged = known.clone();
    merged.merge(seen);
    let late_enough = |at| known.host.as_ref().is_some_and(|host| host.at >= hour(at));
    let but_host = |seen: &Seen| Seen { host: None, ..seen.clone() };
    but_host(&merged) == but_host(known) && seen.host.as_ref().is_none_or(|host| late_enough(host.at))
}

/// The hour that an instant lies in.
pub fn hour(instant: DateTime<Utc>) -> DateTime<Utc> {
    instant.duration_trunc(TimeDelta::hours(1)).unwrap()
}

/// Says in which column two sums differ.
pub fn differ(key: &Key, held: &Sums, wanted: &Sums) -> Held {
    if held == wanted {
        return Ok(());
    }
    let columns = held.numbers.keys().chain(wanted.numbers.keys());
    let column = columns.into_iter().find(|column| held.number(column) != wanted.number(column));
    Err(match column {
        Some(column) => {
            let (held, wanted) = (held.number(column), wanted.number(column));
            format!("{key:?} holds {held} of {column}, which should be {wanted}")
        }
        None => format!("{key:?} holds {held:?}, which should be {wanted:?}"),
    })
}
