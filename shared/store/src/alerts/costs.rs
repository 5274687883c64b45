//! What agents cost, without all else that their days hold.

use std::collections::BTreeSet;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join_all;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::error::{Error, Result};
use crate::keys;
use crate::keys::{KeyRange, PK, SK};
use crate::{Item, Store, decode, failed};
use ledger::ids::{AgentId, OrgId};
use ledger::money::{Usd, exact_add};
use ledger::period::{Day, DayRange};
use ledger::rollup::{Measure, ModelCode, ModelMeasure};

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

/// What is read of each model.
const MEASURES: [ModelMeasure; 3] = [ModelMeasure::Cost, ModelMeasure::Requests, ModelMeasure::Unpriced];

impl AgentCost {
    /// Of all models together.
    pub fn cost(&self) -> Usd {
        self.models.iter().map(|(_, cost)| *cost).sum()
    }
}

/// Models whose columns are named one by one: 300 names are some 1.5 of the 4 KB that DynamoDB takes.
const MAX_NAMED: usize = 100;

impl Store {
    /// What all agents cost within `days` by calls of `models`: one query for each month, at the same time.
    ///
    /// Only the columns that matter are sent: that costs as many read units, and a fraction of the time to read them.
    pub async fn agent_costs(
        &self,
        org: &OrgId,
        days: DayRange,
        models: &BTreeSet<ModelCode>,
    ) -> Result<Vec<AgentCost>> {
        if models.is_empty() {
            return Ok(Vec::new());
        }
        let months = days.by_month().map(|(month, part)| async move {
            let range = keys::agent_days(org, month, part.first, part.last);
            self.costs_of(&range, models).await
        });
        Ok(try_join_all(months).await?.into_iter().flatten().collect())
    }

    async fn costs_of(&self, range: &KeyRange, models: &BTreeSet<ModelCode>) -> Result<Vec<AgentCost>> {
        let mut costs = Vec::new();
        let mut start = None;
        loop {
            let query = self.range_query(&self.tables().usage, (PK, SK), range);
            let page = projected(query, models).set_exclusive_start_key(start).send().await;
            let page = page.map_err(|error| failed("Query", &error))?;
            self.meter.read(page.consumed_capacity());
            start = page.last_evaluated_key;
            for item in page.items.unwrap_or_default() {
                costs.push(agent_cost(item)?);
            }
            if start.is_none() {
                return Ok(costs);
            }
        }
    }
}

fn projected(query: QueryFluentBuilder, models: &BTreeSet<ModelCode>) -> QueryFluentBuilder {
    if models.len() > MAX_NAMED {
        return query;
    }
    let columns = models.iter().flat_map(|code| MEASURES.map(|measure| Measure::Model(*code, measure)));
    // The sort key has a name in the condition already.
    let (mut query, mut named) = (query, "#s".to_owned());
    for (i, column) in columns.enumerate() {
        query = query.expression_attribute_names(format!("#{i}"), keys::columns::spell(&column.into()));
        named = format!("{named},#{i}");
    }
    query.projection_expression(named)
}

fn agent_cost(item: Item) -> Result<AgentCost> {
    let (day, agent) = keys::parse_agent_day(decode::required(&item, SK)?)
        .ok_or_else(|| Error::Internal("an agent's day has an odd key".to_owned()))?;
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
