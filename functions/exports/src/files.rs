//! The files of a day, whole, for the function that writes them to a bucket.

use ledger::ids::OrgId;
use ledger::period::Day;
use web::error::Result;

use crate::{Tables, focus, ocsf};

/// The charges of a day of the organization's time zone, in Parquet and the latest version of FOCUS.
///
/// # Errors
///
/// The tables cannot be read, or the day has too many events.
pub async fn focus(tables: &Tables, org: &OrgId, day: Day) -> Result<Vec<u8>> {
    focus::day_file(tables, org, day).await
}

/// The activity log of a day of UTC as lines of OCSF.
///
/// # Errors
///
/// The tables cannot be read, or the day has too many entries.
pub async fn ocsf(tables: &Tables, org: &OrgId, day: Day) -> Result<Vec<u8>> {
    ocsf::day_file(tables, org, day).await
}
