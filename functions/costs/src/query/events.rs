//! Answers from raw events.

use std::borrow::Cow;

use ledger::dimension::{Dimension, NONE};
use ledger::event::{Data, Event};
use ledger::ids::OrgId;
use ledger::rollup::EndUser;
use web::error::Result;

use super::figures::Figures;
use super::groups::{Departments, Grouping};
use super::params::Params;
use super::sums::Sums;
use crate::range::Part;
use crate::{App, raw_events};

/// How values are told.
pub struct Values<'a> {
    pub departments: &'a Departments,
    /// Whether end users are shown by name.
    pub names_end_users: bool,
}

/// Adds raw events.
pub async fn add_events(
    app: &App,
    org: &OrgId,
    (params, values): (&Params, &Values<'_>),
    part: &Part,
    sums: &mut Sums,
) -> Result<()> {
    let grouping = Grouping::new(params);
    raw_events::for_each(app, org, part.range, |event| add(event, &grouping, values, part, sums)).await
}

fn add(
    event: &Event,
    grouping: &Grouping<'_>,
    values: &Values<'_>,
    part: &Part,
    sums: &mut Sums,
) -> Result<()> {
    let Some(figures) = Figures::of_event(&event.data) else { return Ok(()) };
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

/// What stands for an end user where the caller may not see names.
fn pseudonym(event: &Event) -> Option<String> {
    let Data::LlmCall(call) = &event.data else { return None };
    Some(EndUser::pseudonym(&event.org, call.end_user.as_ref()?.as_str()))
}
