//! Compute samples, split at hours and days so that the parts add up to the whole exactly.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, DurationRound, Utc};
use rust_decimal::Decimal;

use super::Measure;
use super::{Rollup, RollupId};
use crate::calendar::Calendar;
use crate::event::{ComputeUsage, Event};
use crate::money::exact_add;
use crate::period::Day;

/// Milliseconds in a second: usage is stored in unit-seconds.
const MS: Decimal = Decimal::ONE_THOUSAND;

/// The UTC hour of `instant`: `yyyy-mm-ddThh`.
pub fn hour_of(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%dT%H").to_string()
}

/// The hash of an instance in a set of distinct instances.
pub fn instance_hash(instance: &str) -> [u8; 8] {
    super::rollup::short_hash(&["instance", instance])
}

/// A project's compute usage in one or more buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compute {
    /// Core-seconds.
    pub cpu_core_seconds: Decimal,
    /// GB-seconds of memory.
    pub ram_gb_seconds: Decimal,
    /// GB-seconds of disk.
    pub disk_gb_seconds: Decimal,
    /// Seconds that instances ran.
    pub instance_seconds: Decimal,
    /// Bytes received.
    pub bytes_in: Decimal,
    /// Bytes sent.
    pub bytes_out: Decimal,
    /// Distinct instances.
    pub instances: BTreeSet<[u8; 8]>,
}

impl From<&Rollup> for Compute {
    fn from(sums: &Rollup) -> Self {
        Self {
            cpu_core_seconds: sums.number(Measure::CpuCoreSeconds),
            ram_gb_seconds: sums.number(Measure::RamGbSeconds),
            disk_gb_seconds: sums.number(Measure::DiskGbSeconds),
            instance_seconds: sums.number(Measure::InstanceSeconds),
            bytes_in: sums.number(Measure::BytesIn),
            bytes_out: sums.number(Measure::BytesOut),
            instances: sums.set(Measure::Instances),
        }
    }
}

impl Compute {
    /// Adds another bucket's usage.
    pub fn merge(&mut self, other: Self) {
        let add = |sum: &mut Decimal, more| *sum = exact_add(*sum, more);
        add(&mut self.cpu_core_seconds, other.cpu_core_seconds);
        add(&mut self.ram_gb_seconds, other.ram_gb_seconds);
        add(&mut self.disk_gb_seconds, other.disk_gb_seconds);
        add(&mut self.instance_seconds, other.instance_seconds);
        add(&mut self.bytes_in, other.bytes_in);
        add(&mut self.bytes_out, other.bytes_out);
        self.instances.extend(other.instances);
    }
}

/// A sample split into the hours and the days of a calendar that it touches.
pub(crate) fn parts_of_sample(
    event: &Event,
    sample: &ComputeUsage,
    calendar: &Calendar,
) -> impl Iterator<Item = (RollupId, Rollup)> {
    by_hour(event, sample).chain(by_day(event, sample, calendar))
}

/// A sample's parts by hours of UTC.
pub(super) fn by_hour(event: &Event, sample: &ComputeUsage) -> impl Iterator<Item = (RollupId, Rollup)> {
    let (org, project) = (&event.org, &sample.project_id);
    parts(sample, next_hour)
        .map(|(start, sums)| (RollupId::ProjectHour(org.clone(), hour_of(start), project.clone()), sums))
}

/// A sample's parts by days of a calendar.
pub(super) fn by_day(
    event: &Event,
    sample: &ComputeUsage,
    calendar: &Calendar,
) -> impl Iterator<Item = (RollupId, Rollup)> {
    let (org, project) = (&event.org, &sample.project_id);
    let Calendar { generation, zone, .. } = *calendar;
    parts(sample, move |instant| Day::of(instant, zone).next().start(zone)).map(move |(start, sums)| {
        (RollupId::ProjectDay(org.clone(), generation, Day::of(start, zone), project.clone()), sums)
    })
}

fn next_hour(instant: DateTime<Utc>) -> DateTime<Utc> {
    let hour = Duration::hours(1);
    instant.duration_trunc(hour).unwrap_or(instant) + hour
}

/// The hours of UTC that a sample touches, as [`hour_of`] names them.
pub fn hours_of_sample(sample: &ComputeUsage) -> impl Iterator<Item = String> {
    starts(sample, next_hour).map(hour_of)
}

/// Where the parts of a sample between borders begin.
fn starts(
    sample: &ComputeUsage,
    next_border: impl Fn(DateTime<Utc>) -> DateTime<Utc>,
) -> impl Iterator<Item = DateTime<Utc>> {
    let end = sample.end();
    std::iter::successors(Some(sample.from), move |start| Some(next_border(*start)).filter(|b| *b < end))
}

/// The parts of a sample between borders, each with its start.
fn parts(
    sample: &ComputeUsage,
    next_border: impl Fn(DateTime<Utc>) -> DateTime<Utc>,
) -> impl Iterator<Item = (DateTime<Utc>, Rollup)> {
    let starts: Vec<_> = starts(sample, next_border).collect();
    let ends: Vec<_> = starts.iter().skip(1).copied().chain([sample.end()]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| (start, part(sample, start, end)))
}

fn part(sample: &ComputeUsage, start: DateTime<Utc>, end: DateTime<Utc>) -> Rollup {
    let seconds = Decimal::from((end - start).num_milliseconds()) / MS;
    let mut sums = Rollup::default();
    sums.add(Measure::CpuCoreSeconds, sample.cpu_cores.0 * seconds);
    sums.add(Measure::RamGbSeconds, sample.ram_gb.0 * seconds);
    sums.add(Measure::DiskGbSeconds, sample.disk_gb.0 * seconds);
    sums.add(Measure::InstanceSeconds, seconds);
    let bytes = |whole| share(whole, sample, end) - share(whole, sample, start);
    sums.add(Measure::BytesIn, bytes(sample.bandwidth_in_bytes).into());
    sums.add(Measure::BytesOut, bytes(sample.bandwidth_out_bytes).into());
    sums.insert(Measure::Instances, instance_hash(sample.instance_id.as_str()));
    sums
}

/// Bytes transferred up to `until`, rounded down. Parts are differences of these, so they add up to the whole.
fn share(whole: u64, sample: &ComputeUsage, until: DateTime<Utc>) -> u64 {
    let elapsed = u128::try_from((until - sample.from).num_milliseconds()).unwrap_or_default();
    let share = u128::from(whole) * elapsed / u128::from(sample.length_ms.get());
    u64::try_from(share).unwrap_or(u64::MAX)
}
