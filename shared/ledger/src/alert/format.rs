//! Messages in the formats that receivers other than our own webhooks take: Slack's and Teams' incoming webhooks, and
//! plain text for email. They say what the stored message says, so every retry has the same bytes.

use serde_json::{Value, json};

use super::message::{Facts, Message, MessageType, in_cents};
use crate::settings::MessageFormat;

/// The most characters of a name: chat clients cut long messages in places of their own.
const MAX_NAME: usize = 80;

impl Message {
    /// The body for a destination. `stored` is the message as it was stored.
    pub fn body(&self, stored: &str, format: MessageFormat) -> String {
        let facts = || details(self);
        match format {
            MessageFormat::Json => stored.to_owned(),
            MessageFormat::Slack => slack(&self.data.summary, &facts()).to_string(),
            MessageFormat::Teams => teams(&self.data.summary, &facts()).to_string(),
        }
    }

    /// The message as plain text, a fact on each line.
    pub fn text(&self) -> String {
        let facts = details(self).into_iter().map(|(title, value)| format!("{title}: {value}\n"));
        format!("{}\n\n{}", self.data.summary, facts.collect::<String>())
    }
}

/// A sentence alone, for a destination that is tested.
pub fn note(sentence: &str, format: MessageFormat) -> Option<String> {
    match format {
        MessageFormat::Json => None,
        MessageFormat::Slack => Some(slack(sentence, &[]).to_string()),
        MessageFormat::Teams => Some(teams(sentence, &[]).to_string()),
    }
}

/// What there is to know beside the summary, by title.
fn details(message: &Message) -> Vec<(&'static str, String)> {
    let facts = &message.data;
    if let Some(rule) = &facts.rule {
        let mut details = rule.details(&facts.period.time_zone);
        details.extend(causes(facts));
        details.push(("Alert", facts.id.clone()));
        return details;
    }
    let mut details = vec![("Month", format!("{} ({})", facts.period.month, facts.period.time_zone))];
    details.extend(facts.budget.map(|budget| ("Budget", format!("{} USD", in_cents(budget)))));
    if message.message_type == MessageType::Resolved {
        details.push(("Alert", facts.id.clone()));
        return details;
    }
    details.push(("Cost so far", format!("{} USD, {} %", in_cents(facts.cost), facts.utilization_percent.0)));
    details.extend(facts.forecast.as_ref().map(|forecast| {
        let (cost, percent) = (in_cents(forecast.cost), forecast.utilization_percent.0);
        ("Forecast", format!("{cost} USD, {percent} %, with {} days left", forecast.days_left))
    }));
    details.extend(causes(facts));
    if facts.is_lower_bound {
        let unpriced = format!("{}, so the real cost is higher", facts.unpriced_requests);
        details.push(("Calls without a price", unpriced));
    }
    details.push(("Alert", facts.id.clone()));
    details
}

fn causes(facts: &Facts) -> impl Iterator<Item = (&'static str, String)> {
    let causes =
        [("Agents of the last 24 hours", agents(facts)), ("Models of the last 24 hours", models(facts))];
    let named = causes.into_iter().filter(|(_, causes)| !causes.is_empty());
    named.map(|(title, causes)| (title, causes.join(", ")))
}

fn agents(facts: &Facts) -> Vec<String> {
    let cause = |agent: &super::SubjectCost| {
        format!("{} {} USD", name(agent.name.as_ref().unwrap_or(&agent.id)), in_cents(agent.cost))
    };
    facts.top.agents.iter().map(cause).collect()
}

fn models(facts: &Facts) -> Vec<String> {
    let cause = |model: &super::ModelCost| format!("{} {} USD", name(&model.model), in_cents(model.cost));
    facts.top.models.iter().map(cause).collect()
}

fn name(text: &str) -> String {
    text.chars().take(MAX_NAME).collect()
}

/// Slack's `text` is shown in notifications, its blocks in the channel.
fn slack(summary: &str, details: &[(&str, String)]) -> Value {
    let summary = escaped(summary);
    let section = |text: String| json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } });
    let lines: Vec<_> =
        details.iter().map(|(title, value)| format!("*{title}:* {}", escaped(value))).collect();
    let mut blocks = vec![section(format!("*{summary}*"))];
    if !lines.is_empty() {
        blocks.push(section(lines.join("\n")));
    }
    json!({ "text": summary, "blocks": blocks })
}

/// The characters that Slack's messages use for links and mentions: no name of an agent may call a channel.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// An adaptive card, as the workflows of Teams take it.
fn teams(summary: &str, details: &[(&str, String)]) -> Value {
    let facts: Vec<_> =
        details.iter().map(|(title, value)| json!({ "title": title, "value": value })).collect();
    let mut body = vec![json!({ "type": "TextBlock", "text": summary, "weight": "Bolder", "wrap": true })];
    if !facts.is_empty() {
        body.push(json!({ "type": "FactSet", "facts": facts }));
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
            },
        }],
    })
}
