//! Known mistakes, put back: not into the code, but into what passes between it and the tables.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use store::keys::{DIRTY, PK, SEALED, is_mark, mark_column};
use store::sequence::SequenceNumber;

use super::stream::TABLE;

/// A known mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The condition compares the mark with the greatest number of the batch, not the least.
    GreatestForLeast,
    /// One mark for all shards.
    OneMark,
    /// Sequence numbers are compared as text.
    TextMarks,
    /// A shard's mark is the same whatever the stream.
    NoLabel,
    /// A record that failed is logged and dropped.
    FailuresDropped,
    /// Sums are added without any condition.
    Unconditioned,
    /// Sums are added to sealed items too.
    SealIgnored,
    /// What was computed is written though the item has changed meanwhile.
    ChangeOverwritten,
    /// An event that comes to a sealed item is dropped, and its day not computed anew.
    LateDropped,
}

impl Mutant {
    pub const ALL: [Self; 9] = [
        Self::GreatestForLeast,
        Self::OneMark,
        Self::TextMarks,
        Self::NoLabel,
        Self::FailuresDropped,
        Self::Unconditioned,
        Self::SealIgnored,
        Self::ChangeOverwritten,
        Self::LateDropped,
    ];

    /// Changes an update of sums before it is carried out. `shard` is the one that is being delivered.
    pub fn spoil_request(self, body: &mut Value, shard: &str) {
        let names = &body["ExpressionAttributeNames"];
        match self {
            Self::ChangeOverwritten if body["Item"][SEALED].is_object() => return forget_condition(body),
            Self::LateDropped if body["Item"][PK]["S"] == DIRTY => {
                body["Item"][PK] = json!({ "S": "#nowhere" });
                return;
            }
            _ if marked(body).is_none() => return,
            Self::SealIgnored => {
                let condition = body["ConditionExpression"].as_str().unwrap();
                body["ConditionExpression"] = json!(condition.replace("attribute_not_exists(#z) AND ", ""));
                drop(body["ExpressionAttributeNames"].as_object_mut().unwrap().remove("#z"));
                return;
            }
            _ => assert_eq!(names["#z"], SEALED),
        }
        let values = &mut body["ExpressionAttributeValues"];
        match self {
            Self::GreatestForLeast => values[":f"] = values[":m"].clone(),
            Self::OneMark | Self::NoLabel => {
                body["ExpressionAttributeNames"]["#m"] = json!(self.other_mark(shard));
            }
            Self::TextMarks => {
                for value in [":f", ":m"] {
                    values[value] = json!({ "S": decimal(values[value]["B"].as_str().unwrap()) });
                }
            }
            Self::Unconditioned => {
                values.as_object_mut().unwrap().remove(":f");
                body["ConditionExpression"] = json!("attribute_not_exists(#z)");
            }
            _ => {}
        }
    }

    /// Changes the answer to the update `asked`, so that the code finds the mark where and as it looks for it.
    pub fn spoil_answer(self, asked: &Value, answer: &mut Value, shard: &str) {
        let Some(mark) = marked(asked) else { return };
        let Some(item) = answer.get_mut("Item").filter(|item| !item[SEALED].is_object()) else { return };
        match self {
            Self::OneMark | Self::NoLabel => item[mark] = item[&self.other_mark(shard)].clone(),
            Self::TextMarks => {
                // Code that took these texts for numbers would think that it had had the first record.
                let held = SequenceNumber::parse(item[mark]["S"].as_str().unwrap()).unwrap();
                let first = bytes(asked["ExpressionAttributeValues"][":f"]["B"].as_str().unwrap());
                let first = SequenceNumber::from_bytes(&first).unwrap();
                item[mark] = json!({ "B": BASE64.encode(held.max(first).as_bytes()) });
            }
            _ => {}
        }
    }

    /// Changes what the aggregator answers to Lambda.
    pub fn spoil_failures(self, answer: &mut Value) {
        if self == Self::FailuresDropped {
            answer["batchItemFailures"] = json!([]);
        }
    }

    fn other_mark(self, shard: &str) -> String {
        let shard = if self == Self::NoLabel { shard } else { "" };
        mark_column(TABLE, shard)
    }
}

/// Takes away a request's condition, and what only that names.
fn forget_condition(body: &mut Value) {
    let body = body.as_object_mut().unwrap();
    for part in ["ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"] {
        body.remove(part);
    }
}

/// The mark that an update of sums sets.
fn marked(body: &Value) -> Option<&str> {
    body["ExpressionAttributeNames"]["#m"].as_str().filter(|name| is_mark(name))
}

/// The decimal digits of a number of many bytes.
fn decimal(base64: &str) -> String {
    let mut digits = vec![0_u8];
    for byte in bytes(base64) {
        let mut carry = u32::from(byte);
        for digit in &mut digits {
            let value = u32::from(*digit) * 256 + carry;
            *digit = u8::try_from(value % 10).unwrap();
            carry = value / 10;
        }
        while carry > 0 {
            digits.push(u8::try_from(carry % 10).unwrap());
            carry /= 10;
        }
    }
    digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
}

fn bytes(base64: &str) -> Vec<u8> {
    BASE64.decode(base64).unwrap()
}

#[test]
fn digits_and_bytes_are_the_same_number() {
    for digits in ["0", "9", "256", "100000000000000000000000001", &"9".repeat(40)] {
        let number = SequenceNumber::parse(digits).unwrap();
        assert_eq!(decimal(&BASE64.encode(number.as_bytes())), digits);
    }
}
