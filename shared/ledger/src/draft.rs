//! Events as senders describe them, before they are priced.

use chrono::{DateTime, Utc};

use crate::event::{Amendment, Data, Event, LlmCall};
use crate::ids::{Name, OrgId};
use crate::settings::Settings;

/// A valid event without what ingest adds to it. [`Draft::stamp`] is the only way from here to an [`Event`], so no
/// event is stored without a price by mistake.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The CloudEvents `source`.
    pub source: Name,
    /// The CloudEvents `id`.
    pub id: Name,
    /// When the event happened.
    pub time: DateTime<Utc>,
    /// Of several events with the same identity, the one with the highest revision holds.
    pub revision: u64,
    /// What happened: calls without a cost.
    pub data: Data<()>,
}

impl Draft {
    /// Prices the event at the rates in force at its own time.
    pub fn stamp(self, org: &OrgId, settings: &Settings) -> Event {
        let Self { source, id, time, revision, data } = self;
        let data = match data {
            Data::LlmCall(call) => Data::LlmCall(price(call, time, settings)),
            Data::TaskCompleted(task) => Data::TaskCompleted(task),
            Data::AgentActivity(activity) => Data::AgentActivity(activity),
            Data::ComputeUsage(sample) => Data::ComputeUsage(sample),
            Data::HostReport(report) => Data::HostReport(report),
            // A sender knows nothing of what it replaces: this one is void.
            Data::Amendment(_) => Data::Amendment(Amendment { replaces: None, with: None }),
        };
        Event { org: org.clone(), source, id, time, revision, data }
    }
}

fn price(call: LlmCall<()>, time: DateTime<Utc>, settings: &Settings) -> LlmCall {
    let cost = settings.price_call(&call, time);
    LlmCall {
        cost,
        agent_id: call.agent_id,
        provider: call.provider,
        model: call.model,
        tokens: call.tokens,
        reasoning_tokens: call.reasoning_tokens,
        service_tier: call.service_tier,
        region: call.region,
        units: call.units,
        latency_ms: call.latency_ms,
        status: call.status,
        end_user: call.end_user,
        attribution: call.attribution,
        project_id: call.project_id,
        task_type: call.task_type,
        hostname: call.hostname,
        key_source: call.key_source,
        cost_usd: call.cost_usd,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{Calendar, TrackedDimensions};
    use crate::ids::{AgentId, Label};
    use crate::pricing::{OwnPrices, TokenUsage, Unpriced};
    use crate::settings::OrganizationSettings;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn stamped(data: Data<()>) -> Event {
        let organization = OrganizationSettings::default();
        let settings = Settings {
            calendar: Calendar::default(),
            tracked: TrackedDimensions::default(),
            own_prices: OwnPrices::default(),
            organization,
            plan: None,
        };
        let time = "2026-09-15T20:00:00Z".parse().unwrap();
        let draft = Draft { source: name("s"), id: name("1"), time, revision: 0, data };
        draft.stamp(&OrgId::new("acme").unwrap(), &settings)
    }

    fn call(model: &str) -> Data<()> {
        let label = |text| Label::new(text).unwrap();
        let tokens = TokenUsage { input: 1_000_000, ..TokenUsage::default() };
        let agent = AgentId::new("nova").unwrap();
        Data::LlmCall(LlmCall::plain(agent, label("anthropic"), label(model), tokens, ()))
    }

    #[test]
    fn calls_are_priced_unless_the_model_is_unknown() {
        let cost = |model| match stamped(call(model)).data {
            Data::LlmCall(call) => call.cost,
            _ => panic!("not a call"),
        };
        assert_eq!(cost("claude-haiku-4-5").unpriced, None);
        assert_eq!(cost("no-such-model").unpriced, Some(Unpriced::UnknownModel));
    }
}
