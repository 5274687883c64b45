//! The cost columns of agents' days, without the rest of the items.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join_all;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::error::{Error, Result};
use crate::keys;
use crate::keys::SK;
use crate::{Item, Usage, decode};
use ledger::calendar::Generation;
use ledger::ids::{AgentId, OrgId};
use ledger::money::{Usd, exact_add};
use ledger::period::{Day, DayRange};
use ledger::rollup::{Measure, ModelCode, ModelMeasure};

/// The cost of one agent on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentCost {
    /// The day in the organization's time zone.
    pub day: Day,
    /// The agent's id.
    pub agent: AgentId,
    /// Cost by model, in no order.
    pub models: Vec<(ModelCode, Usd)>,
    /// The number of calls.
    pub requests: u64,
    /// The number of unpriced calls.
    pub unpriced: u64,
}

/// What is read of each model.
const MEASURES: [ModelMeasure; 3] = [ModelMeasure::Cost, ModelMeasure::Requests, ModelMeasure::Unpriced];

impl AgentCost {
    /// The cost of all models together.
    pub fn cost(&self) -> Usd {
        self.models.iter().map(|(_, cost)| *cost).sum()
    }
}

/// Up to this many models, only their columns are requested: 300 names are about 1.5 of the 4 KB that DynamoDB takes for
/// an expression.
const MAX_NAMED: usize = 100;

impl Usage {
    /// The cost of all agents within `days` by calls of `models`: one query for each month, at the same time.
    ///
    /// Only the columns of these models are sent: that costs as many read units, but takes a fraction of the time.
    pub async fn agent_costs(
        &self,
        org: &OrgId,
        generation: Generation,
        days: DayRange,
        models: &BTreeSet<ModelCode>,
    ) -> Result<Vec<AgentCost>> {
        if models.is_empty() {
            return Ok(Vec::new());
        }
        let months = days.by_month().map(|(month, part)| async move {
            let range = keys::agent_days(org, generation, month, part.first, part.last);
            let mut query = self.table.query(&range);
            // Of what an organization's day counts as other, an agent's day may know the model.
            if models.len() <= MAX_NAMED && !models.contains(&ModelCode::other()) {
                let columns =
                    models.iter().flat_map(|code| MEASURES.map(|measure| Measure::Model(*code, measure)));
                let columns: Vec<_> = columns.map(|measure| keys::columns::spell(&measure.into())).collect();
                query = query.attributes(columns.iter().map(String::as_str).chain([SK]));
            }
            query.all(agent_cost).await
        });
        Ok(try_join_all(months).await?.into_iter().flatten().collect())
    }
}

fn agent_cost(item: Item) -> Result<AgentCost> {
    let sk = decode::required(&item, SK)?;
    let parsed = keys::parse_agent_day(sk);
    let (day, agent) = parsed.ok_or_else(|| Error::Internal(format!("{sk:?} is not an agent's day")))?;
    let mut of_day = AgentCost { day, agent, models: Vec::new(), requests: 0, unpriced: 0 };
    let (mut requests, mut unpriced) = (Decimal::ZERO, Decimal::ZERO);
    for (name, value) in item {
        let AttributeValue::N(_) = value else { continue };
        let Some(column) = keys::columns::parse(&name) else { continue };
        let Measure::Model(code, measure) = column.measure else { continue };
        if !MEASURES.contains(&measure) {
            continue;
        }
        let malformed = || Error::Internal(format!("a rollup item has a malformed column {name}"));
        let number = decode::number(&value).ok_or_else(malformed)?;
        match measure {
            ModelMeasure::Cost => of_day.models.push((code, Usd::new(number))),
            ModelMeasure::Requests => requests = exact_add(requests, number),
            _ => unpriced = exact_add(unpriced, number),
        }
    }
    of_day.requests = requests.to_u64().unwrap_or_default();
    of_day.unpriced = unpriced.to_u64().unwrap_or_default();
    Ok(of_day)
}
