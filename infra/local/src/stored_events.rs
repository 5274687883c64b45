//! Converts stored events, whose payloads are binary, to readable JSON.

use ledger::period;
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Item, events};

use crate::error::{Error, Result};

/// The items in a response of DynamoDB or in a stream record, or else the value itself as an item.
pub fn items(input: &Value) -> Vec<&Value> {
    if let Some(items) = input.get("Items").and_then(Value::as_array) {
        return items.iter().collect();
    }
    let inner = ["/Item", "/dynamodb/NewImage"].into_iter().find_map(|place| input.pointer(place));
    vec![inner.unwrap_or(input)]
}

/// The event in an item.
pub fn readable(item: &Value) -> Result<Value> {
    let item = serde_dynamo::Item::deserialize(item)
        .map_err(|error| Error::caused("this is not an item in DynamoDB's JSON", error))?;
    let item: Item = item.into();
    let (event, received) =
        events::parse_arrived(&item).map_err(|fault| Error::new(format!("this is not an event: {fault}")))?;
    Ok(json!({
        "org": event.org,
        "source": event.source,
        "id": event.id,
        "time": period::rfc3339(event.time),
        "received": period::rfc3339(received),
        "data": event.data,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_items_responses_and_records_are_printed() {
        let delivery = include_str!("../../../events/aggregator.json");
        let delivery: Value = serde_json::from_str(delivery).unwrap();
        let record = &delivery["Records"][0];
        let item = &record["dynamodb"]["NewImage"];
        let (response, page) = (json!({ "Item": item }), json!({ "Items": [item, item] }));
        let printed =
            |input| -> Vec<_> { items(input).into_iter().map(|item| readable(item).unwrap()).collect() };
        let event = printed(item).remove(0);
        assert_eq!((&event["org"], &event["id"]), (&json!("acme"), &json!("call-1")));
        assert_eq!(
            (&event["data"]["type"], &event["data"]["agent_id"]),
            (&json!("llm.call"), &json!("nova"))
        );
        assert_eq!(printed(record), std::slice::from_ref(&event));
        assert_eq!(printed(&response), std::slice::from_ref(&event));
        assert_eq!(printed(&page), [event.clone(), event]);
        assert!(readable(&json!({ "pk": { "S": "acme#2026-09-15#0" } })).is_err());
    }
}
