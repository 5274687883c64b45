//! A table that remembers its past, so that eventually consistent reads can show it.

use std::collections::BTreeMap;
use std::ops::RangeBounds;

use crate::random::Random;

pub type Tick = i64;

/// An eventually consistent read shows no state that was replaced longer ago than this.
pub const STALE: Tick = 8;

pub struct Store<K, V> {
    /// The states of each item since the replication lag, the last one current, each with the time from which it holds.
    items: BTreeMap<K, Vec<(Tick, Option<V>)>>,
}

impl<K, V> Default for Store<K, V> {
    fn default() -> Self {
        Self { items: BTreeMap::new() }
    }
}

impl<K: Ord + Clone, V: Clone> Store<K, V> {
    pub fn current(&self, key: &K) -> Option<&V> {
        self.items.get(key)?.last()?.1.as_ref()
    }

    pub fn put(&mut self, key: &K, value: Option<V>, now: Tick) {
        let states = self.items.entry(key.clone()).or_insert_with(|| vec![(Tick::MIN, None)]);
        states.push((now, value));
        // Of the states that were replaced before the lag, none can be read.
        let old = states.iter().filter(|(from, _)| *from < now - STALE).count();
        states.drain(..old.saturating_sub(1));
    }

    /// A strongly consistent read shows the current state, another one that was current within the lag.
    pub fn get(&self, key: &K, strong: bool, now: Tick, random: &mut Random) -> Option<V> {
        let states = self.items.get(key)?;
        let mut oldest = states.len() - 1;
        while !strong && oldest > 0 && states[oldest].0 > now - STALE {
            oldest -= 1;
        }
        let shown = if strong { states.len() - 1 } else { oldest + random.below(states.len() - oldest) };
        states[shown].1.clone()
    }

    pub fn keys(&self, range: impl RangeBounds<K>) -> impl DoubleEndedIterator<Item = &K> {
        self.items.range(range).map(|(key, _)| key)
    }
}
