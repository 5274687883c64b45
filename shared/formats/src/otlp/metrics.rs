//! Metrics: the number of calls that a sender counted itself, from which the capture rate is computed.

use super::Options;
use super::attributes::Attributes;
use super::messages::{HistogramPoint, Metric, Metrics};
use super::sender::Origin;
use crate::{CallCount, Signal, Translation};

/// A histogram with one entry per call.
const CALLS: &[u8] = b"gen_ai.client.operation.duration";
/// `AGGREGATION_TEMPORALITY_DELTA`.
const DELTA: i32 = 1;
/// Operations that call a model. The others wrap such calls.
const INFERENCE: &[&str] = &["chat", "generate_content", "text_completion", "embeddings"];

pub fn translate(request: &Metrics) -> Translation {
    let mut translation = Translation::default();
    for resource in &request.resource_metrics {
        let origin = Origin::of(resource.resource.as_ref(), &Options::default());
        for metric in resource.scope_metrics.iter().flat_map(|scope| &scope.metrics) {
            if metric.name == CALLS {
                translation.call_counts.extend(points(metric).filter_map(|point| calls(&origin, point)));
            } else if reports_usage(metric) {
                translation.uncounted(origin.service, Signal::Metrics, 1);
            }
        }
    }
    translation
}

/// Whether a metric reports tokens or cost, by OpenTelemetry's conventions or those of a coding agent.
fn reports_usage(metric: &Metric) -> bool {
    let name = String::from_utf8_lossy(&metric.name);
    ["token.usage", "cost.usage", "token_usage", "turn.token_usage"].iter().any(|end| name.ends_with(end))
}

/// The points of a cumulative histogram. Each states all calls since its start, so the last one counts. Delta
/// histograms are not read, because a point that is sent again would count twice.
fn points(metric: &Metric) -> impl Iterator<Item = &HistogramPoint> {
    let cumulative = metric.histogram.iter().filter(|histogram| histogram.aggregation_temporality != DELTA);
    cumulative.flat_map(|histogram| &histogram.data_points)
}

fn calls(origin: &Origin<'_>, point: &HistogramPoint) -> Option<CallCount> {
    let attributes = Attributes::of(&point.attributes);
    let operation = attributes.text(&["gen_ai.operation.name"]);
    operation.is_none_or(|operation| INFERENCE.contains(&operation)).then(|| CallCount {
        source: origin.service.to_owned(),
        series: origin.hash("calls", point.start_time_unix_nano, attributes),
        calls: point.count,
        since: point.start_time_unix_nano,
        until: point.time_unix_nano,
    })
}
