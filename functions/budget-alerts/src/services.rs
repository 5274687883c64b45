//! What a run works with.

use runtime::clock::Clock;
use store::Store;

use crate::channels::Channels;
use crate::recent::RecentCostReader;

/// What is created once per process and used by every run.
#[derive(Clone, Debug)]
pub struct Services {
    pub store: Store,
    pub clock: Clock,
    pub channels: Channels,
    pub recent: RecentCostReader,
}

impl Services {
    pub fn new(store: Store, clock: Clock, channels: Channels) -> Self {
        let recent = RecentCostReader::new(store.clone());
        Self { store, clock, channels, recent }
    }
}
