//! Mutants: known mistakes, made not in the code but in the requests and responses between it and the tables.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ledger::calendar::Generation;
use ledger::chain::Cover;
use ledger::pack::Table;
use serde_json::{Value, json};
use store::keys::Key;
use store::keys::chains::{COVER, MARK, ROWS, SEALED_AT};
use store::keys::registry::{CALENDAR, SETTINGS_VERSION};
use store::keys::{DIRTY, FULL, PK, SEALED, SK, is_mark, mark_column};
use store::registry::SETTINGS;
use store::sequence::SequenceNumber;

use super::items::{RollupKind, kind};
use super::stream::TABLE;

/// A known mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The condition compares the mark with the last number of the batch instead of the first.
    GreatestForLeast,
    /// All shards share one mark.
    OneMark,
    /// Sequence numbers are compared as text.
    TextMarks,
    /// The mark of a shard does not depend on the stream.
    NoLabel,
    /// A failed record is logged and dropped.
    FailuresDropped,
    /// Rollups are updated without a condition.
    Unconditioned,
    /// Sealed items are updated, too.
    SealIgnored,
    /// A recomputed item overwrites concurrent changes.
    ChangeOverwritten,
    /// A late event of a sealed item is dropped, without marking its day as dirty.
    LateDropped,
    /// A repricing entry is said to be carried out for a day, but does not hold for it.
    RepricingLost,
    /// The costs that a repricing entry lists are lost.
    CostsLost,
    /// Cached settings are used although they have changed.
    SettingsKept,
    /// An item that is full gets new columns.
    FullIgnored,
    /// The aggregator does not add to a generation that is being built.
    ChangeIgnored,
    /// A day of a new generation is called built, but its items are not written.
    BuildSkipped,
    /// Pages are appended to whatever their mark.
    PageMarkIgnored,
    /// A pack that was recomputed is not sealed, so pages are counted beside it.
    PackNotSealed,
    /// A pack does not say which pages it contains.
    CoverLost,
    /// A day is recomputed, but what it tells apart by tracked dimensions is lost.
    TrackedLost,
    /// A day is sealed, but its block still seems to contain it.
    BlockKept,
    /// Of a query's pages only the first is read.
    FirstPageOnly,
}

impl Mutant {
    pub const ALL: [Self; 21] = [
        Self::GreatestForLeast,
        Self::OneMark,
        Self::TextMarks,
        Self::NoLabel,
        Self::FailuresDropped,
        Self::Unconditioned,
        Self::SealIgnored,
        Self::ChangeOverwritten,
        Self::LateDropped,
        Self::RepricingLost,
        Self::CostsLost,
        Self::SettingsKept,
        Self::FullIgnored,
        Self::ChangeIgnored,
        Self::BuildSkipped,
        Self::PageMarkIgnored,
        Self::PackNotSealed,
        Self::CoverLost,
        Self::TrackedLost,
        Self::BlockKept,
        Self::FirstPageOnly,
    ];

    /// Where the search for a run that notices it begins. Few runs have what some mistakes need: a change while its rollup is
    /// recomputed.
    pub const fn first_seed(self) -> u64 {
        match self {
            Self::ChangeOverwritten => 650,
            _ => 1,
        }
    }

    /// The response to a request that is not executed.
    pub fn response(self, operation: &str, body: &Value) -> Option<(u16, String)> {
        let of_version = operation == "GetItem" && body["Key"][SK]["S"] == SETTINGS_VERSION;
        let of_new_generation = operation == "PutItem" && body["Item"][SEALED].is_object() && {
            let pk = body["Item"][PK]["S"].as_str().unwrap_or_default().to_owned();
            let sk = body["Item"][SK]["S"].as_str().unwrap_or_default().to_owned();
            !matches!(kind(&Key { pk, sk }), RollupKind::ByUtc | RollupKind::ByDay(Generation::FIRST))
        };
        let skipped =
            self == Self::SettingsKept && of_version || self == Self::BuildSkipped && of_new_generation;
        skipped.then(|| (200, "{}".to_owned()))
    }

    /// Changes the response to a query or a batch of reads.
    pub fn change_read(self, response: &mut Value) {
        if self == Self::FirstPageOnly
            && let Some(response) = response.as_object_mut()
        {
            response.remove("LastEvaluatedKey");
        }
        if self != Self::ChangeIgnored {
            return;
        }
        let tables = response["Responses"].as_object_mut().into_iter().flat_map(|tables| tables.values_mut());
        for item in tables.filter_map(Value::as_array_mut).flatten() {
            if item[SK]["S"] == CALENDAR
                && let Some(calendars) = item[SETTINGS]["M"].as_object_mut()
            {
                calendars.remove("change");
            }
        }
    }

    /// Changes an update of a rollup before it is executed. `shard` is the one being delivered.
    pub fn change_request(self, body: &mut Value, shard: &str) {
        match self {
            Self::ChangeOverwritten if body["Item"][SEALED].is_object() => return forget_condition(body),
            Self::LateDropped if body["Item"][PK]["S"] == DIRTY => return misplace(&mut body["Item"]),
            Self::PageMarkIgnored if partition(body).ends_with("#O") => return ignore_mark(body),
            Self::PackNotSealed | Self::CoverLost | Self::TrackedLost
                if partition(body).ends_with("#K") && body["Item"][ROWS].is_object() =>
            {
                return self.change_pack(body);
            }
            Self::BlockKept if body["Key"][SK]["S"].as_str().is_some_and(|sk| sk.ends_with('!')) => {
                return misplace(&mut body["Key"]);
            }
            Self::CostsLost if partition(body).contains("#R#") => return misplace(&mut body["Item"]),
            Self::RepricingLost => {
                let writes = body["TransactItems"].as_array_mut().into_iter().flatten();
                let puts = writes.filter_map(|write| write.get_mut("Put"));
                for put in puts.filter(|put| partition(put).ends_with("#R")) {
                    misplace(&mut put["Item"]);
                    forget_condition(put);
                }
                return;
            }
            _ => {}
        }
        let Some(Placeholders { mark, sealed, first, last }) = Placeholders::of(body) else { return };
        let unsealed = format!("attribute_not_exists({sealed})");
        let condition = body["ConditionExpression"].as_str().unwrap().to_owned();
        let values = &mut body["ExpressionAttributeValues"];
        match self {
            Self::SealIgnored => {
                body["ConditionExpression"] = json!(condition.replace(&format!("{unsealed} AND "), ""));
                drop(body["ExpressionAttributeNames"].as_object_mut().unwrap().remove(&sealed));
            }
            // If all did, none would know, and none would count anything as other.
            Self::FullIgnored if shard.bytes().next_back().is_some_and(|last| last % 2 == 0) => {
                let names = body["ExpressionAttributeNames"].as_object_mut().unwrap();
                let full = names.iter().find(|(_, name)| **name == FULL).map(|(full, _)| full.clone());
                let Some(full) = full else { return };
                names.remove(&full);
                let unless_full = format!("attribute_not_exists({full}) AND ");
                body["ConditionExpression"] = json!(condition.replace(&unless_full, ""));
            }
            Self::GreatestForLeast => values[&first] = values[&last].clone(),
            Self::OneMark | Self::NoLabel => {
                body["ExpressionAttributeNames"][mark] = json!(self.other_mark(shard));
            }
            Self::TextMarks => {
                for value in [first, last] {
                    values[&value] = json!({ "S": decimal(values[&value]["B"].as_str().unwrap()) });
                }
            }
            Self::Unconditioned => {
                let update = body["UpdateExpression"].as_str().unwrap().to_owned();
                let used: Vec<_> = update.split(['=', ',', ' ']).collect();
                let values = body["ExpressionAttributeValues"].as_object_mut().unwrap();
                values.retain(|name, _| used.contains(&name.as_str()));
                let absent = |part: &&str| part.starts_with("attribute_not_exists");
                let absent: Vec<_> = condition.split(" AND ").filter(absent).collect();
                body["ConditionExpression"] = json!(absent.join(" AND "));
            }
            _ => {}
        }
    }

    fn change_pack(self, body: &mut Value) {
        let item = &mut body["Item"];
        match self {
            Self::PackNotSealed => drop(item.as_object_mut().unwrap().remove(SEALED_AT)),
            Self::CoverLost => item[COVER] = json!({ "B": BASE64.encode(Cover::default().encode()) }),
            _ if item[SEALED_AT].is_object()
                && item[SK]["S"].as_str().is_some_and(|sk| sk.starts_with('T')) =>
            {
                item[ROWS] = json!({ "B": BASE64.encode(Table::default().encode()) });
            }
            _ => {}
        }
    }

    /// Changes the response to `request`, so that the code finds the mark where it expects it.
    pub fn change_response(self, request: &Value, response: &mut Value, shard: &str) {
        let Some(Placeholders { mark, first, .. }) = Placeholders::of(request) else { return };
        let mark = request["ExpressionAttributeNames"][mark].as_str().unwrap();
        let Some(item) = response.get_mut("Item").filter(|item| !item[SEALED].is_object()) else { return };
        match self {
            Self::OneMark | Self::NoLabel => item[mark] = item[&self.other_mark(shard)].clone(),
            Self::TextMarks => {
                // Code that took these texts for numbers would conclude that the first record had been counted.
                let held = SequenceNumber::parse(item[mark]["S"].as_str().unwrap()).unwrap();
                let first = bytes(request["ExpressionAttributeValues"][first]["B"].as_str().unwrap());
                let first = SequenceNumber::from_bytes(&first).unwrap();
                item[mark] = json!({ "B": BASE64.encode(held.max(first).as_bytes()) });
            }
            _ => {}
        }
    }

    /// Changes the response of the aggregator to Lambda.
    pub fn change_failures(self, response: &mut Value) {
        if self == Self::FailuresDropped {
            response["batchItemFailures"] = json!([]);
        }
    }

    fn other_mark(self, shard: &str) -> String {
        let shard = if self == Self::NoLabel { shard } else { "" };
        mark_column(TABLE, shard)
    }
}

/// The partition key of a put or an update.
fn partition(write: &Value) -> &str {
    let key = |of: &str| write[of][PK]["S"].as_str();
    key("Item").or_else(|| key("Key")).unwrap_or_default()
}

/// Lets an update of a page apply whatever the page's mark.
fn ignore_mark(body: &mut Value) {
    let Some(names) = body["ExpressionAttributeNames"].as_object() else { return };
    let Some(mark) = names.iter().find(|(_, name)| **name == MARK).map(|(mark, _)| format!("{mark} = "))
    else {
        return;
    };
    let condition = body["ConditionExpression"].as_str().unwrap_or_default().to_owned();
    let (marks, others): (Vec<_>, Vec<_>) =
        condition.split(" AND ").partition(|part| part.starts_with(&mark));
    for part in marks {
        let value = part.trim_start_matches(&mark).to_owned();
        body["ExpressionAttributeValues"].as_object_mut().unwrap().remove(&value);
        body["ConditionExpression"] = json!(others.join(" AND "));
    }
}

/// Puts an item where nothing reads it.
fn misplace(item: &mut Value) {
    item[PK] = json!({ "S": "#nowhere" });
}

/// Removes a request's condition with its names and values.
fn forget_condition(body: &mut Value) {
    let body = body.as_object_mut().unwrap();
    for part in ["ConditionExpression", "ExpressionAttributeNames", "ExpressionAttributeValues"] {
        body.remove(part);
    }
}

/// The placeholders of an update that adds to a rollup.
struct Placeholders {
    /// The names of the mark and of the seal.
    mark: String,
    sealed: String,
    /// The values of the first and the last sequence number of the batch.
    first: String,
    last: String,
}

impl Placeholders {
    /// None if `body` is no such update.
    fn of(body: &Value) -> Option<Self> {
        let names = body["ExpressionAttributeNames"].as_object()?;
        let of_name = |wanted: &dyn Fn(&str) -> bool| {
            let found = names.iter().find(|(_, name)| name.as_str().is_some_and(wanted));
            found.map(|(placeholder, _)| placeholder.clone())
        };
        let mark = of_name(&is_mark)?;
        let after = |expression: &str, text: String| {
            let (_, rest) = body[expression].as_str()?.split_once(&text)?;
            rest.split([',', ' ', ')']).next().map(str::to_owned)
        };
        Some(Self {
            first: after("ConditionExpression", format!("{mark} < "))?,
            last: after("UpdateExpression", format!("{mark}="))?,
            sealed: of_name(&|name| name == SEALED)?,
            mark,
        })
    }
}

/// The decimal digits of a big-endian number.
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
