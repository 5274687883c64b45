//! OpenAI's usage: pages of `/v1/organization/usage/completions`, one or a list, grouped at least by model.
//!
//! A bucket has only totals of its requests. They are spread evenly over as many calls as it states, up to
//! [`MAX_CALLS`], so that tokens, cost and requests add up; the single calls are not known.

use chrono::DateTime;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Read, call};
use crate::error::{Error, Result};

const SOURCE: &str = "openai-usage";
/// Maximum number of calls for one result of a bucket.
const MAX_CALLS: u64 = 1_000;

#[derive(Deserialize)]
#[serde(untagged)]
enum Pages {
    One(Page),
    Many(Vec<Page>),
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Bucket>,
}

#[derive(Deserialize)]
struct Bucket {
    start_time: i64,
    end_time: i64,
    #[serde(default)]
    results: Vec<Usage>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Usage {
    input_tokens: u64,
    output_tokens: u64,
    input_cached_tokens: u64,
    input_audio_tokens: u64,
    output_audio_tokens: u64,
    num_model_requests: u64,
    project_id: Option<String>,
    user_id: Option<String>,
    api_key_id: Option<String>,
    model: Option<String>,
    batch: Option<bool>,
    service_tier: Option<String>,
}

/// Whether each request of a model searches the web, which OpenAI bills and its usage does not count
/// (<https://platform.openai.com/docs/guides/tools-web-search?api-mode=chat>).
fn always_searches(model: &str) -> bool {
    ["-search-preview", "-search-api"].iter().any(|name| model.contains(name))
}

/// The calls of all buckets.
pub fn read(text: &str) -> Result<Read> {
    let pages: Pages = serde_json::from_str(text).map_err(|error| {
        Error::caused("this is not a page, or list of pages, of OpenAI's usage of completions", error)
    })?;
    let pages = match pages {
        Pages::One(page) => vec![page],
        Pages::Many(pages) => pages,
    };
    let mut read = Read::default();
    for bucket in pages.into_iter().flat_map(|page| page.data) {
        let time = DateTime::from_timestamp(bucket.start_time, 0).map(|time| time.to_rfc3339());
        for usage in &bucket.results {
            match (&time, &usage.model) {
                (Some(time), Some(model)) => read.events.extend(calls(&bucket, usage, model, time)),
                // Without a model there is no price. The page was not grouped by model.
                _ => read.malformed += 1,
            }
        }
    }
    Ok(read)
}

fn calls<'a>(
    bucket: &'a Bucket,
    usage: &'a Usage,
    model: &'a str,
    time: &'a str,
) -> impl Iterator<Item = Value> + use<'a> {
    let number = usage.num_model_requests.clamp(1, MAX_CALLS);
    // The remainder is spread over the first calls, one each.
    let share = move |all: u64, nth: u64| all / number + u64::from(nth < all % number);
    let text = |text: &'a Option<String>| text.as_deref().unwrap_or_default();
    let tier = match (usage.batch, usage.service_tier.as_deref()) {
        (Some(true), _) => Some("batch"),
        (_, tier) => tier,
    };
    let key = [
        model,
        text(&usage.project_id),
        text(&usage.user_id),
        text(&usage.api_key_id),
        tier.unwrap_or_default(),
    ];
    let id = format!("{}-{}/{}", bucket.start_time, bucket.end_time, key.join("/"));
    (0..number).map(move |nth| {
        let cached = share(usage.input_cached_tokens.min(usage.input_tokens), nth);
        let input = share(usage.input_tokens, nth).max(cached);
        let output = share(usage.output_tokens, nth);
        let mut data = json!({
            "agent_id": SOURCE, "provider": "openai", "model": model,
            "input_tokens": input - cached, "cache_read_tokens": cached, "output_tokens": output,
            "input_audio_tokens": share(usage.input_audio_tokens, nth).min(input - cached),
            "output_audio_tokens": share(usage.output_audio_tokens, nth).min(output),
        });
        for (name, value) in
            [("project_id", &usage.project_id), ("end_user", &usage.user_id), ("agent_id", &usage.api_key_id)]
        {
            if let Some(value) = value {
                data[name] = json!(value);
            }
        }
        if let Some(tier) = tier {
            data["service_tier"] = json!(tier);
        }
        if always_searches(model) {
            data["units"] = json!({ "web_search": share(usage.num_model_requests.max(1), nth) });
        }
        call(SOURCE, &format!("{id}/{nth}"), time, &data)
    })
}
