//! Answers from raw events.

use std::borrow::Cow;
use std::fmt::Write;

use futures::TryStreamExt;
use ledger::calendar::Generation;
use ledger::dimension::{Dimension, NONE};
use ledger::event::{Data, Event};
use ledger::ids::OrgId;
use ledger::rollup::EndUser;
use store::repricing::PricedEvent;
use web::error::{Fault, Result};

use super::figures::Figures;
use super::groups::{Departments, Grouping};
use super::params::Params;
use super::range::Part;
use super::sums::Sums;
use crate::App;

/// The most events that are read for a range.
const MAX_EVENTS: usize = 200_000;
/// The lanes that are read at once, each a page of up to 1 MB at a time.
const IN_FLIGHT: usize = 8;

/// How values are told.
pub struct Values<'a> {
    pub departments: &'a Departments,
    /// Whether end users are shown by name.
    pub names_end_users: bool,
}

/// Adds raw events. Reads are strongly consistent: whatever was stored before is counted.
pub async fn add_events(
    app: &App,
    org: &OrgId,
    (params, values): (&Params, &Values<'_>),
    part: &Part,
    sums: &mut Sums,
) -> Result<()> {
    let (tables, days) = (&app.tables, part.range.utc_days());
    let mut pages = tables.events.priced_days(&tables.usage, org, days, IN_FLIGHT).await?;
    let (grouping, mut read) = (Grouping::new(params), 0);
    while let Some(page) = pages.try_next().await? {
        read += page.len();
        if read > MAX_EVENTS {
            return Err(too_many());
        }
        // Malformed events are in the quarantine, and in no figure.
        for event in page.into_iter().filter_map(PricedEvent::standing) {
            add(&event, &grouping, values, part, sums)?;
        }
    }
    Ok(())
}

fn add(
    event: &Event,
    grouping: &Grouping<'_>,
    values: &Values<'_>,
    part: &Part,
    sums: &mut Sums,
) -> Result<()> {
    let Some(figures) = Figures::of_event(&event.data).filter(|_| part.range.contains(event.time)) else {
        return Ok(());
    };
    match grouping.group(|dimension| values.of(dimension, event)) {
        Some(group) => sums.add(&group, part.of_instant(event.time), part.side, figures),
        None => Ok(()),
    }
}

impl Values<'_> {
    fn of<'e>(&'e self, dimension: &Dimension, event: &'e Event) -> Cow<'e, str> {
        match dimension {
            Dimension::Department => event.worker().map_or(NONE, |agent| self.departments.of(agent)).into(),
            Dimension::EndUser if !self.names_end_users => {
                pseudonym(event).map_or(Cow::Borrowed(NONE), Cow::Owned)
            }
            _ => dimension.value(event).unwrap_or(Cow::Borrowed(NONE)),
        }
    }
}

/// What stands for an end user where the caller may not see names: always the same for one user of an organization.
fn pseudonym(event: &Event) -> Option<String> {
    let Data::LlmCall(call) = &event.data else { return None };
    let name = call.end_user.as_ref()?.as_str();
    let user = EndUser::new(&event.org, Generation::FIRST, event.utc_day(), name);
    Some(user.hash.iter().fold("user-".to_owned(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

fn too_many() -> web::error::Error {
    let msg = format!(
        "The range has more than {MAX_EVENTS} events; ask for a shorter one. By 'agent', 'department', 'model' and \
         'provider', in whole days, any number of events can be asked for"
    );
    Fault::new(vec!["query".into(), "from".into()], "too_many_events", msg).into()
}
