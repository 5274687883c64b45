//! An oracle: what events contribute to agents' days, folded into columns.

use rust_decimal::Decimal;

use crate::event::{AgentActivity, CallStatus, Data, Event, LlmCall, TaskCompleted};
use crate::ids::AgentId;
use crate::rollup::{
    ACTIVITY_TYPES, AgentDay, INPUT_LENGTHS, LONG_CONTEXT_STEPS, Measure, ModelCode, ModelMeasure as M,
    OTHER_ACTIVITY, Rollup, TASK_TYPES,
};

/// The agent that an event is about, and what the event adds to its day.
pub fn contribution(event: &Event) -> Option<(AgentId, Rollup)> {
    match &event.data {
        Data::LlmCall(call) => Some((call.agent_id.clone(), of_call(call))),
        Data::TaskCompleted(task) => Some((task.agent_id.clone(), of_task(task))),
        Data::AgentActivity(activity) => Some((activity.agent_id.clone()?, of_activity(activity))),
        Data::ComputeUsage(_) | Data::HostReport(_) | Data::Amendment(_) => None,
    }
}

fn of_call(call: &LlmCall) -> Rollup {
    let code = ModelCode::of(&call.model_key());
    let mut sums = Rollup::default();
    let mut add = |measure, value: Decimal| sums.add(measure, value);
    let of_model = |measure| Measure::Model(code, measure);
    add(of_model(M::Requests), Decimal::ONE);
    add(of_model(M::Errors), u64::from(call.status == CallStatus::Error).into());
    add(of_model(M::Unpriced), u64::from(call.cost.is_unpriced()).into());
    add(of_model(M::Cost), call.cost.total().dollars());
    for (bucket, tokens) in call.tokens.buckets() {
        add(of_model(M::Tokens(bucket)), tokens.into());
    }
    if let Some(latency) = call.latency_ms {
        add(Measure::LatencyCount, Decimal::ONE);
        add(Measure::LatencySum, latency.into());
    }
    if let Some(kind) = call.task_type.as_ref().filter(|kind| TASK_TYPES.contains(&kind.as_str())) {
        add(Measure::CallsOfTaskType(kind.as_str().to_owned()), Decimal::ONE);
    }
    let whole = call.tokens.whole_input();
    if let Some(length) = index_exceeded(&INPUT_LENGTHS, whole) {
        add(Measure::LongerInput(code, length), Decimal::ONE);
    }
    if let Some(step) = index_exceeded(&LONG_CONTEXT_STEPS, whole) {
        for (bucket, tokens) in call.tokens.buckets() {
            add(Measure::LongContext(code, step, bucket), tokens.into());
        }
    }
    sums
}

/// The index of the largest of ascending `limits` that `value` exceeds.
fn index_exceeded(limits: &[u64], value: u64) -> Option<u8> {
    limits.iter().rposition(|limit| value > *limit).and_then(|index| u8::try_from(index).ok())
}

fn of_task(task: &TaskCompleted) -> Rollup {
    let mut sums = Rollup::default();
    sums.add(if task.success { Measure::Tasks } else { Measure::TasksFailed }, Decimal::ONE);
    if let Some(minutes) = task.minutes_saved.filter(|_| task.success) {
        sums.add(Measure::TasksWithMinutes, Decimal::ONE);
        sums.add(Measure::MinutesSaved, minutes.0);
    }
    sums
}

fn of_activity(activity: &AgentActivity) -> Rollup {
    let known = ACTIVITY_TYPES.into_iter().find(|known| *known == activity.event_type.as_str());
    let mut sums = Rollup::default();
    sums.add(Measure::Activity(known.unwrap_or(OTHER_ACTIVITY).to_owned()), Decimal::ONE);
    sums
}

fn count(value: Decimal) -> u64 {
    value.try_into().unwrap()
}

/// The figures in the columns of an agent's day.
pub fn agent_day(rollup: &Rollup) -> AgentDay {
    let mut day = AgentDay { work: rollup.into(), ..AgentDay::default() };
    for (column, value) in &rollup.numbers {
        let models = &mut day.models;
        match &column.measure {
            Measure::Model(code, M::Requests) => models.entry(*code).or_default().requests = count(*value),
            Measure::Model(code, M::Errors) => models.entry(*code).or_default().errors = count(*value),
            Measure::Model(code, M::Unpriced) => models.entry(*code).or_default().unpriced = count(*value),
            Measure::Model(code, M::Cost) => {
                models.entry(*code).or_default().cost = crate::money::Usd::new(*value);
            }
            Measure::Model(code, M::Tokens(bucket)) => {
                *models.entry(*code).or_default().tokens.bucket_mut(*bucket) = count(*value);
            }
            Measure::LongContext(code, step, bucket) => {
                *models.entry(*code).or_default().long_context[usize::from(*step)].bucket_mut(*bucket) =
                    count(*value);
            }
            Measure::LongerInput(code, length) => {
                let model = models.entry(*code).or_default();
                model.lengths_exceeded = model.lengths_exceeded.max(usize::from(*length) + 1);
            }
            Measure::CallsOfTaskType(kind) => {
                day.calls_by_task_type.insert(kind.clone(), count(*value));
            }
            Measure::Activity(kind) => drop(day.activity.insert(kind.clone(), count(*value))),
            _ => {}
        }
    }
    day
}
