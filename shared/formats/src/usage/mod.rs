//! Providers' own responses, or their `usage` objects with the model beside them: one, a list, or NDJSON.
//!
//! Responses do not state which agent made the call and, with some providers, not when. [`Labels`] do.

pub(crate) mod anthropic;
mod bedrock;
pub(crate) mod google;
mod openai;
pub(crate) mod perplexity;
mod stream;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::call::{Call, Identity, Status, add_tag};
use crate::json::entries;
use crate::text::{self, filled};
use crate::{Event, Translation, Unreadable, models, time};

/// The provider's API whose responses a body contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Chat Completions, Responses and Embeddings.
    OpenAi,
    /// Messages.
    Anthropic,
    /// `GenerateContent`, of the Gemini API or Vertex AI.
    Google,
    /// Converse.
    Bedrock,
    /// Chat Completions.
    Mistral,
}

/// What the request's query and headers say about all its entries.
#[derive(Clone, Debug, Default)]
pub struct Labels {
    pub agent_id: String,
    pub session_id: Option<String>,
    pub parent_agent_id: Option<String>,
    pub end_user: Option<String>,
    pub tags: Vec<(String, String)>,
    /// For responses without an id of their own. In a list, `/` and the position are appended.
    pub id: Option<String>,
    /// For entries without a model of their own; also the inference profile, where the response has the bare model.
    pub model: Option<String>,
    /// In RFC 3339, for responses without a time of their own.
    pub time: Option<String>,
    /// Replaces the format's provider, such as with Azure for the format of OpenAI.
    pub provider: Option<String>,
    pub region: Option<String>,
}

/// What a format's module reads from a response.
#[derive(Clone, Debug, Default)]
struct Response {
    id: Option<String>,
    /// RFC 3339.
    time: Option<String>,
    model: Option<String>,
    /// Tokens, units, tier: all that is known about the call.
    call: Call,
    /// Calls to other models that were made for the same response.
    others: Vec<Call>,
}

impl Format {
    /// The format with this name in a path.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "openai" => Some(Self::OpenAi),
            "anthropic" => Some(Self::Anthropic),
            "google" => Some(Self::Google),
            "bedrock" => Some(Self::Bedrock),
            "mistral" => Some(Self::Mistral),
            _ => None,
        }
    }

    const fn provider(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Google => "google",
            Self::Bedrock => "aws",
            Self::Mistral => "mistral",
        }
    }
}

/// Translates a body. Entries without a time get the time `received`.
pub fn translate(
    format: Format,
    body: &[u8],
    labels: &Labels,
    received: DateTime<Utc>,
) -> Result<Translation, Unreadable> {
    let mut translation = Translation::default();
    let receipt = received.to_rfc3339_opts(SecondsFormat::Millis, true);
    let entries = entries(body)?;
    let entries = match format {
        Format::Anthropic => stream::joined(entries),
        _ => entries.into_iter().enumerate().collect(),
    };
    let mut places = HashMap::new();
    for (index, entry) in &entries {
        let index = *index;
        let fallback = labels.id.as_ref();
        let fallback =
            fallback.map(|id| if entries.len() > 1 { format!("{id}/{index}") } else { id.clone() });
        let calls = read(format, entry)
            .or_else(|reason| read_wrapped(format, entry).unwrap_or(Err(reason)))
            .and_then(|response| response.calls(format, labels, fallback, &receipt));
        match calls {
            Err(reason) => translation.refuse(format.provider(), index, reason),
            Ok(calls) => {
                for (identity, call) in calls {
                    let no_usage =
                        call.status == Status::Ok && call.tokens.is_empty() && call.units.is_empty();
                    translation.source(format.provider()).without_usage += usize::from(no_usage);
                    let dated_on_receipt = identity.time == receipt;
                    let event = call.into_event(format.provider(), index, &identity);
                    let event = Event { dated_on_receipt, ..event };
                    // Google streams a list of chunks that share an id. Each states all tokens so far, so the last one
                    // counts.
                    let place = *places.entry(identity.id).or_insert(translation.events.len());
                    match translation.events.get_mut(place).filter(|_| format == Format::Google) {
                        Some(chunk) => *chunk = event,
                        None => translation.events.push(event),
                    }
                }
            }
        }
    }
    Ok(translation)
}

/// A body of a format.
trait Body<'e>: Deserialize<'e> {
    type Usage: Deserialize<'e>;

    fn has_usage(&self) -> bool;

    fn set_usage(&mut self, usage: Self::Usage);

    fn response(self) -> Result<Response, &'static str>;
}

fn read(format: Format, entry: &str) -> Result<Response, String> {
    match format {
        Format::OpenAi | Format::Mistral => parse::<openai::Completion<'_>>(entry),
        Format::Anthropic => parse::<anthropic::Message>(entry),
        Format::Google => parse::<google::Content>(entry),
        // InvokeModel has the body of the model's vendor.
        Format::Bedrock => parse::<bedrock::Conversation>(entry)
            .or_else(|reason| parse::<anthropic::Message>(entry).map_err(|_| reason)),
    }
}

/// Reads a response that is wrapped in the last event of a stream, or in a line of a batch's results, which are billed
/// at batch prices. `None` if the entry is neither.
fn read_wrapped(format: Format, entry: &str) -> Option<Result<Response, String>> {
    let (inner, is_batch) = match format {
        Format::OpenAi | Format::Mistral => {
            let response = field(entry, "response")?;
            field(response, "body").map_or((response, false), |body| (body, true))
        }
        Format::Anthropic => (field(field(entry, "result")?, "message")?, true),
        Format::Bedrock => match field(entry, "modelOutput") {
            Some(output) => (output, true),
            None => (field(entry, "metadata")?, false),
        },
        Format::Google => (field(entry, "response")?, true),
    };
    let mut response = read(format, inner);
    if let (Ok(response), true) = (&mut response, is_batch) {
        response.id = response.id.take().or_else(|| record_id(entry));
        response.call.service_tier = Some("batch".to_owned());
        response.others.iter_mut().for_each(|call| call.service_tier = Some("batch".to_owned()));
    }
    Some(response)
}

/// The id of a line of Bedrock's batches, whose results may have none
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-results.html>).
fn record_id(entry: &str) -> Option<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Record {
        record_id: String,
    }
    serde_json::from_str(entry).ok().map(|Record { record_id }| record_id)
}

/// The object in a field of a JSON object.
fn field<'e>(object: &'e str, name: &str) -> Option<&'e str> {
    let fields: BTreeMap<Cow<'_, str>, &'e RawValue> = serde_json::from_str(object).ok()?;
    fields.get(name).map(|value| value.get()).filter(|value| value.starts_with('{'))
}

/// Reads a response, or a bare usage object: an entry whose own fields are those of a response's `usage`.
fn parse<'e, B: Body<'e>>(entry: &'e str) -> Result<Response, String> {
    let malformed = |fault: serde_json::Error| format!("Entry should be a response: {fault}");
    let mut body: B = serde_json::from_str(entry).map_err(malformed)?;
    if !body.has_usage() {
        body.set_usage(serde_json::from_str(entry).map_err(malformed)?);
    }
    body.response().map_err(str::to_owned)
}

impl Response {
    fn calls(
        self,
        format: Format,
        labels: &Labels,
        fallback_id: Option<String>,
        receipt: &str,
    ) -> Result<Vec<(Identity, Call)>, String> {
        let id = self.id.as_deref().and_then(text::id).or_else(|| text::id(&fallback_id?));
        let id = id.ok_or("Entry should have an id, or the request an id for it")?;
        let model = self.model.as_deref().and_then(filled).or(labels.model.as_deref());
        let model = model.ok_or("Entry should name its model, or the request the model for it")?;
        let model = models::with_geography(model, labels.model.as_deref()).to_owned();
        let identity = Identity {
            source: format.provider().to_owned(),
            id,
            time: self.time.or_else(|| labels.time.clone()).unwrap_or_else(|| receipt.to_owned()),
        };
        let others = self.others.into_iter().enumerate().map(|(n, call)| {
            let id = format!("{}/{}", identity.id, n + 1);
            (Identity { id, ..identity.clone() }, labels.complete(format, call))
        });
        let others: Vec<_> = others.collect();
        let call = labels.complete(format, Call { model, ..self.call });
        Ok(std::iter::once((identity, call)).chain(others).collect())
    }
}

impl Labels {
    fn complete(&self, format: Format, call: Call) -> Call {
        let mut tags = BTreeMap::new();
        for (name, value) in &self.tags {
            add_tag(&mut tags, name, value);
        }
        Call {
            agent_id: text::id(&self.agent_id).unwrap_or_else(|| format.provider().to_owned()),
            provider: self.provider.clone().unwrap_or_else(|| format.provider().to_owned()),
            conversation_id: self.session_id.clone(),
            parent_agent_id: self.parent_agent_id.clone(),
            end_user: self.end_user.clone(),
            region: call.region.clone().or_else(|| self.region.clone()),
            tags,
            ..call
        }
    }
}

/// Unix seconds as RFC 3339.
fn seconds(raw: Option<&RawValue>) -> Option<String> {
    time::of_seconds(crate::json::decimal(raw?)?)
}

#[cfg(test)]
mod tests;
