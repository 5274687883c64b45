//! The stored form: read back as it was, the same for equal tables, and never trusted.

use proptest::prelude::*;

use super::events::{events, table};
use crate::pack::{Domain, Figure, Group, Malformed, Table, View};

fn changed(bytes: &[u8], changes: &[(usize, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, value) in changes {
        let length = bytes.len();
        bytes[at % length] ^= value;
    }
    bytes
}

/// The same table, stored without deflating: changes then reach every part of the format.
fn plain(table: &Table) -> Vec<u8> {
    let bytes = table.encode();
    if bytes[1] == 0 {
        return bytes;
    }
    let mut body = vec![bytes[0], 0];
    let start = 2 + bytes[2..].iter().position(|byte| byte & 0x80 == 0).unwrap() + 1;
    let mut inflated = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::DeflateDecoder::new(&bytes[start..]), &mut inflated)
        .unwrap();
    body.extend(inflated);
    body
}

proptest! {
    #[test]
    fn a_table_is_read_back(events in events(40)) {
        let detail = table(&events);
        prop_assert_eq!(Table::decode(&detail.encode()), Ok(detail.clone()));
        prop_assert_eq!(Table::decode(&plain(&detail)), Ok(detail.clone()));
        for view in View::PARTS.into_iter().chain([View::Whole]) {
            let view = detail.view(view);
            prop_assert_eq!(Table::decode(&view.encode()), Ok(view));
        }
    }

    #[test]
    fn differences_are_read_back(first in events(20), second in events(20)) {
        let mut difference = table(&first);
        difference.subtract(&table(&second));
        prop_assert_eq!(Table::decode(&difference.encode()), Ok(difference));
    }

    #[test]
    fn equal_tables_have_equal_bytes(events in events(20), at in 0..20_usize) {
        let (first, second) = events.split_at(at.min(events.len()));
        let mut merged = table(second);
        merged.merge(&table(first));
        prop_assert_eq!(merged.encode(), table(&events).encode());
    }

    #[test]
    fn malformed_bytes_are_an_error(
        events in events(20),
        changes in prop::collection::vec((any::<usize>(), 1_u8..), 1..4),
    ) {
        let bytes = plain(&table(&events));
        if let Ok(read) = Table::decode(&changed(&bytes, &changes)) {
            // Some changes make another valid table.
            prop_assert_eq!(Table::decode(&read.encode()), Ok(read));
        }
        let _ = Table::decode(&changed(&table(&events).encode(), &changes));
        for length in (0..bytes.len()).rev().step_by(1 + bytes.len() / 16) {
            prop_assert!(Table::decode(&bytes[..length]).is_err());
        }
        prop_assert!(Table::decode(&[&bytes[..], &[0]].concat()).is_err());
    }

    #[test]
    fn arbitrary_bytes_are_no_table(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = Table::decode(&[&[1, 0], &bytes[..]].concat());
        let _ = Table::decode(&[&[1, 1], &bytes[..]].concat());
        let _ = Table::decode(&[&[2, 0], &bytes[..]].concat());
    }
}

#[test]
fn other_versions_are_refused() {
    assert_eq!(Table::decode(&[3, 0]), Err(Malformed::Version(3)));
    assert_eq!(Table::decode(&[]), Err(Malformed::Length));
}

/// Stored pages have these bytes. A change of the format needs a new version.
#[test]
fn the_stored_form_never_changes() {
    let mut table = Table::default();
    let key = [table.name(Domain::Agents, "nova"), table.name(Domain::Models, "openai#gpt-5"), 2, 0, 1];
    table.add(
        Group::Calls,
        key,
        [(Figure::Requests, 3), (Figure::Input, 300), (Figure::InputCost, 1_250_000_000)],
    );
    let key = [table.name(Domain::Agents, "orion"), key[1], 0, 14, 0];
    table.add(Group::Calls, key, [(Figure::Requests, 1), (Figure::Input, 70_000), (Figure::OutputCost, -5)]);
    table.insert(Group::EndUsers, [0; 5], [7; 8]);
    let stored = "0100020000046e6f766100056f72696f6e0100000c6f70656e6169236770742d35000001000200020000010200\
        01000e01010089801201030103327403d70f00020009010500010707070707070707";
    let hex = table.encode().iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    assert_eq!(hex, stored);
}
