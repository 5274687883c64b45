//! The complete files of a day, for the function that writes them to a bucket.

use std::sync::Arc;

use ledger::calendar::Calendar;
use ledger::ids::OrgId;
use ledger::period::Day;
use ledger::roster::Agent;
use ledger::settings::Settings;
use web::error::Result;

use crate::{Tables, focus, ocsf};

/// The settings that the files of an organization's charges depend on. All files that are made from one value have the
/// same days.
#[derive(Debug)]
pub struct FocusSource {
    pub(crate) org: OrgId,
    pub(crate) settings: Arc<Settings>,
    pub(crate) agents: Vec<Agent>,
}

impl FocusSource {
    /// Reads the settings from the table rather than from the cache.
    ///
    /// # Errors
    ///
    /// The registry cannot be read.
    pub async fn read(tables: &Tables, org: &OrgId) -> Result<Self> {
        let settings = Arc::new(tables.registry.settings(org).await?);
        let agents = tables.registry.agents(org).await?;
        Ok(Self { org: org.clone(), settings, agents })
    }

    /// The calendar that defines the days.
    pub fn calendar(&self) -> Calendar {
        self.settings.calendar
    }

    /// The charges of a day in the organization's time zone, in Parquet and the latest version of FOCUS.
    ///
    /// # Errors
    ///
    /// The tables cannot be read.
    pub async fn file(&self, tables: &Tables, day: Day) -> Result<Vec<u8>> {
        focus::day_file(tables, self, day).await
    }
}

/// The activity log of a UTC day as lines of OCSF.
///
/// # Errors
///
/// The tables cannot be read, or the day has too many entries.
pub async fn ocsf(tables: &Tables, org: &OrgId, day: Day) -> Result<Vec<u8>> {
    ocsf::day_file(tables, org, day).await
}
