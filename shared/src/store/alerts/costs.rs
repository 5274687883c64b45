//! What agents cost, without all else that their days hold.

use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join_all;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::error::{Error, Result};
use crate::ids::{AgentId, OrgId};
use crate::money::{Usd, exact_add};
use crate::period::{Day, DayRange};
use crate::store::keys::{self, Column, ModelCode, ModelColumn, SK};
use crate::store::{Item, Store, decode};

/// What one agent cost on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentCost {
    /// The day.
    pub day: Day,
    /// The agent.
    pub agent: AgentId,
    /// By model, in no order.
    pub models: Vec<(ModelCode, Usd)>,
    /// Calls.
    pub requests: u64,
    /// Calls that had no price.
    pub unpriced: u64,
}

impl AgentCost {
    /// Of all models together.
    pub fn cost(&self) -> Usd {
        self.models.iter().map(|(_, cost)| *cost).sum()
    }
}

impl Store {
    /// What all agents cost within `days`: one query for each month, at the same time.
    pub async fn agent_costs(&self, org: &OrgId, days: DayRange) -> Result<Vec<AgentCost>> {
        let months = days.by_month().map(|(month, part)| async move {
            let range = keys::agent_days(org, month, part.first, part.last);
            self.query_map(&self.tables().usage, &range, agent_cost).await
        });
        Ok(try_join_all(months).await?.into_iter().flatten().collect())
    }
}

fn agent_cost(item: Item) -> Result<AgentCost> {
    let (day, agent) = keys::parse_agent_day(decode::required(&item, SK)?)
        .ok_or_else(|| Error::Internal("an agent's day has an odd key".to_owned()))?;
    let mut of_day = AgentCost { day, agent, models: Vec::new(), requests: 0, unpriced: 0 };
    let (mut requests, mut unpriced) = (Decimal::ZERO, Decimal::ZERO);
    for (name, value) in item {
        let AttributeValue::N(_) = value else { continue };
        let column = Column::stored(name);
        let Some((code, kind)) = column.as_model() else { continue };
        if !matches!(kind, ModelColumn::Cost | ModelColumn::Requests | ModelColumn::Unpriced) {
            continue;
        }
        let odd = || Error::Internal(format!("a usage item has an odd column {column}"));
        let number = decode::number(&value).ok_or_else(odd)?;
        match kind {
            ModelColumn::Cost => of_day.models.push((code, Usd::new(number))),
            ModelColumn::Requests => requests = exact_add(requests, number),
            _ => unpriced = exact_add(unpriced, number),
        }
    }
    of_day.requests = requests.to_u64().unwrap_or_default();
    of_day.unpriced = unpriced.to_u64().unwrap_or_default();
    Ok(of_day)
}
