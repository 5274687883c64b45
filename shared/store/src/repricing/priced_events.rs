//! Raw events with the costs that repricing entries list.

use std::collections::VecDeque;
use std::pin::Pin;

use futures::stream::{self, try_unfold};
use futures::{Stream, StreamExt};
use ledger::cost::CallCost;
use ledger::event::{Data, Event, LlmCall};
use ledger::ids::OrgId;
use ledger::period::{Day, DayRange};

use super::costs::CostPage;
use super::day::DayEntry;
use crate::error::Result;
use crate::keys::{self, KeyRange, LANES};
use crate::raw_events::StoredEvent;
use crate::{Events, Item, Usage};

/// A raw event, with the cost that holds for it.
#[derive(Debug)]
pub struct PricedEvent {
    /// The event. The cost of a call is the one that the last repricing entry lists for it, else the stamped one.
    pub stored: StoredEvent,
    /// The cost that ingest stamped, if an entry lists another one.
    pub stamped: Option<CallCost>,
    /// Whether an amendment replaces it.
    pub is_replaced: bool,
}

/// Reads the costs that one entry lists for a lane, in the order of the lane.
struct CostReader<'a> {
    usage: &'a Usage,
    range: KeyRange,
    /// Where the next pages begin, unless at the start of the range.
    start: Option<Item>,
    /// Whether all pages were read.
    is_done: bool,
    pages: VecDeque<CostPage>,
}

impl CostReader<'_> {
    /// The cost of an event, which has to come after all that were asked for before.
    async fn cost(&mut self, sk: &str) -> Result<Option<CallCost>> {
        loop {
            while let Some(page) = self.pages.front() {
                if sk <= page.last.as_str() {
                    return Ok(page.cost(sk).cloned());
                }
                self.pages.pop_front();
            }
            if self.is_done {
                return Ok(None);
            }
            let (pages, next) = self.usage.cost_pages(&self.range, self.start.take()).await?;
            self.pages.extend(pages);
            self.is_done = next.is_none();
            self.start = next;
        }
    }
}

type RawPages<'a> = Pin<Box<dyn Stream<Item = Result<Vec<StoredEvent>>> + Send + 'a>>;

impl Events {
    /// Like [`Self::raw_events`], with the costs that `entries` list. An amendment replaces its predecessor at the cost that
    /// holds for that. At most one page of events and one of costs for each entry are in memory.
    pub fn priced_events<'a>(
        &'a self,
        usage: &'a Usage,
        org: &OrgId,
        day: Day,
        lane: u8,
        entries: &[DayEntry],
    ) -> impl Stream<Item = Result<Vec<PricedEvent>>> + use<'a> {
        let pages: RawPages<'a> = Box::pin(self.raw_events(org, day, lane));
        let reader = |entry: &DayEntry| CostReader {
            usage,
            range: keys::cost_pages(org, &entry.id, day, &entry.attempt, lane),
            start: None,
            is_done: false,
            pages: VecDeque::new(),
        };
        // The last entry that lists a call decides, so it is asked first.
        let readers: Vec<_> = entries.iter().rev().map(reader).collect();
        try_unfold((pages, readers, None::<PricedEvent>), |(mut pages, mut readers, mut last)| async move {
            let Some(page) = pages.next().await.transpose()? else {
                return Ok(last.take().map(|last| (vec![last], (pages, readers, None))));
            };
            let mut priced = Vec::with_capacity(page.len());
            for stored in page {
                let mut event = with_cost(stored, &mut readers).await?;
                // Amendments follow their event at once.
                if let Some(mut before) = last.take() {
                    before.is_replaced = event.replaces(&before);
                    priced.push(before);
                }
                last = Some(event);
            }
            Ok(Some((priced, (pages, readers, last))))
        })
    }
}

impl Events {
    /// The events of all lanes of `days`, in no order, with the costs that hold for them. Up to `in_flight` lanes are read
    /// at once.
    pub async fn priced_days<'a>(
        &'a self,
        usage: &'a Usage,
        org: &'a OrgId,
        days: DayRange,
        in_flight: usize,
    ) -> Result<impl Stream<Item = Result<Vec<PricedEvent>>> + Unpin + use<'a>> {
        let repriced = usage.repriced_days(org, days).await?;
        let lanes = days.days().flat_map(|day| (0..LANES).map(move |lane| (day, lane)));
        let pages = lanes.map(move |(day, lane)| {
            let found = repriced.iter().find(|(repriced, _)| *repriced == day);
            let entries = found.map_or(&[][..], |(_, repriced)| &repriced.entries);
            self.priced_events(usage, org, day, lane, entries).boxed()
        });
        Ok(stream::iter(pages).flatten_unordered(in_flight))
    }
}

async fn with_cost(mut stored: StoredEvent, readers: &mut [CostReader<'_>]) -> Result<PricedEvent> {
    let mut stamped = None;
    if let Ok(event) = &mut stored.event
        && let Some(call) = call_in_force(&mut event.data)
    {
        for reader in readers {
            if let Some(cost) = reader.cost(&stored.sk).await? {
                stamped = Some(std::mem::replace(&mut call.cost, cost));
                break;
            }
        }
    }
    Ok(PricedEvent { stored, stamped, is_replaced: false })
}

fn call_in_force(data: &mut Data) -> Option<&mut LlmCall> {
    match data {
        Data::LlmCall(call) => Some(call),
        Data::Amendment(amendment) => call_in_force(amendment.with.as_mut()?),
        _ => None,
    }
}

impl PricedEvent {
    /// The event as it stands; none if it is malformed, replaced by an amendment, or void.
    pub fn standing(self) -> Option<Event> {
        let event = self.stored.event.ok().filter(|_| !self.is_replaced)?;
        let data = event.data.in_force()?.clone();
        Some(Event { data, ..event })
    }

    /// Whether this amends the event `before`. If so, it takes over from it what it replaces.
    fn replaces(&mut self, before: &Self) -> bool {
        if keys::amended_sk(&self.stored.sk) != keys::amended_sk(&before.stored.sk) {
            return false;
        }
        if let (Ok(event), Ok(before)) = (&mut self.stored.event, &before.stored.event)
            && let Data::Amendment(amendment) = &mut event.data
        {
            amendment.replaces = before.data.in_force().cloned().map(Box::new);
        }
        true
    }
}
