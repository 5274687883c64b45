use super::*;

fn usd(text: &str) -> Usd {
    Usd::new(Decimal::from_str_exact(text).unwrap())
}

fn facts() -> Facts {
    let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
    let percent = |text: &str| Number(Decimal::from_str_exact(text).unwrap());
    let day = |text| Day::parse(text).unwrap();
    Facts {
        id: "msg_x".to_owned(),
        summary: String::new(),
        organization: Party { id: "acme".to_owned(), name: Some("Acme".to_owned()) },
        subject: Subject { subject_type: SubjectKind::Agent, id: "nova".to_owned(), name: None },
        kind: AlertKind::Forecast,
        threshold_percent: 80,
        also_crossed_percent: vec![50],
        budget: Some(usd("100")),
        cost: usd("40.5"),
        utilization_percent: percent("40.5"),
        forecast: Some(BudgetForecast {
            cost: usd("81.123456"),
            utilization_percent: percent("81.1"),
            days_left: 15,
            basis: ForecastBasis {
                days: 7,
                from: day("2026-09-08"),
                to: day("2026-09-14"),
                mean_daily_cost: usd("2.708230"),
            },
        }),
        period: Period { month: "2026-09".to_owned(), time_zone: "UTC".to_owned(), start: at(0), end: at(1) },
        top: TopCosts { window: Window { from: at(0), to: at(1) }, agents: Vec::new(), models: Vec::new() },
        unpriced_requests: 0,
        is_lower_bound: false,
        resolves: Vec::new(),
        rule: None,
    }
}

#[test]
fn each_kind_of_message_has_its_own_summary() {
    let (crossed, resolved) = (MessageType::ThresholdCrossed, MessageType::Resolved);
    let of_org = Subject { subject_type: SubjectKind::Organization, ..facts().subject };
    for (facts, message_type, sentence) in [
        (
            facts(),
            crossed,
            "Acme: the agent nova is forecast to cost 81.12 USD in 2026-09: 81.1 % of its budget of 100.00 USD \
             (threshold 80 %).",
        ),
        (
            Facts { kind: AlertKind::Actual, is_lower_bound: true, subject: of_org, ..facts() },
            crossed,
            "Acme: the organization has cost at least 40.50 USD in 2026-09: 40.5 % of its budget of 100.00 USD \
             (threshold 80 %).",
        ),
        (
            facts(),
            resolved,
            "Acme: the agent nova is back under 80 % of its budget for 2026-09, which is now 100.00 USD.",
        ),
        (
            Facts { budget: None, ..facts() },
            resolved,
            "Acme: the agent nova no longer has a budget: its alerts for 2026-09 no longer apply.",
        ),
    ] {
        assert_eq!(facts.sentence(message_type), sentence);
    }
}

#[test]
fn a_message_round_trips_through_json() {
    let message = Message {
        message_type: MessageType::Resolved,
        version: MESSAGE_VERSION,
        timestamp: DateTime::from_timestamp(1_789_473_600, 0).unwrap(),
        data: facts(),
    };
    let text = serde_json::to_string(&message).unwrap();
    assert!(
        text.starts_with(
            r#"{"type":"budget.resolved","version":1,"timestamp":"2026-09-15T12:00:00Z","data":{"#
        )
    );
    assert!(text.contains(r#""cost":"40.50","utilization_percent":40.5,"#), "{text}");
    let read: Message = serde_json::from_str(&text).unwrap();
    assert_eq!((read.data.cost, read.data.forecast.unwrap().cost), (usd("40.5"), usd("81.123456")));
}

fn crossed() -> Message {
    let mut data = Facts { is_lower_bound: true, unpriced_requests: 3, ..facts() };
    data.top.agents = vec![SubjectCost {
        id: "nova".to_owned(),
        name: Some("<!channel> & co".to_owned()),
        cost: usd("3.456"),
    }];
    data.top.models =
        vec![ModelCost { provider: "p".to_owned(), model: "m".to_owned(), cost: usd("0.0004") }];
    data.summary = data.sentence(MessageType::ThresholdCrossed);
    let (message_type, timestamp) = (MessageType::ThresholdCrossed, DateTime::UNIX_EPOCH);
    Message { message_type, version: MESSAGE_VERSION, timestamp, data }
}

#[test]
fn chat_messages_say_what_the_stored_message_says() {
    use crate::settings::MessageFormat;

    let message = crossed();
    assert_eq!(message.body("stored", MessageFormat::Json), "stored");
    let json = |format| serde_json::from_str::<serde_json::Value>(&message.body("stored", format)).unwrap();
    let slack = json(MessageFormat::Slack);
    assert!(slack["text"].as_str().unwrap().starts_with("Acme: the agent nova is forecast to cost"));
    let details = slack["blocks"][1]["text"]["text"].as_str().unwrap();
    assert_eq!(
        details,
        "*Month:* 2026-09 (UTC)\n*Budget:* 100.00 USD\n*Cost so far:* 40.50 USD, 40.5 %\n\
         *Forecast:* 81.12 USD, 81.1 %, with 15 days left\n\
         *Agents of the last 24 hours:* &lt;!channel&gt; &amp; co 3.46 USD\n\
         *Models of the last 24 hours:* m 0.0004 USD\n\
         *Calls without a price:* 3, so the real cost is higher\n*Alert:* msg_x"
    );
    let teams = json(MessageFormat::Teams);
    let card = &teams["attachments"][0]["content"];
    assert_eq!((&card["type"], &card["body"][0]["text"]), (&"AdaptiveCard".into(), &slack["text"]));
    assert_eq!(card["body"][1]["facts"][1], serde_json::json!({ "title": "Budget", "value": "100.00 USD" }));
    let text = message.text();
    assert!(text.starts_with(&message.data.summary) && text.contains("\nBudget: 100.00 USD\n"), "{text}");
}
