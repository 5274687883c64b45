//! What a run works with.

use runtime::clock::Clock;

use crate::Tables;
use crate::channels::Channels;
use crate::recent::RecentCostReader;

/// What is created once per process and used by every run.
#[derive(Clone, Debug)]
pub struct Services {
    pub tables: Tables,
    pub clock: Clock,
    pub channels: Channels,
    pub recent: RecentCostReader,
}

impl Services {
    pub fn new(tables: Tables, clock: Clock, channels: Channels) -> Self {
        let recent = RecentCostReader::new(tables.events.clone(), tables.usage.clone());
        Self { tables, clock, channels, recent }
    }
}
