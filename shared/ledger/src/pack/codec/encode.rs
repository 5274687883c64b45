//! From a table to bytes.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::bytes::{put, put_len, zigzag};
use super::{ALL_DOMAINS, DEFLATED, FORMER_DOMAINS, PLAIN, VERSION, column, names};
use crate::pack::group::{Domain, Group, Key};
use crate::pack::table::{Canonical, CanonicalGroup, Table};
use crate::pack::{Amount, NONE};

/// Bodies below this are not worth deflating.
const WORTH_DEFLATING: usize = 64;

impl Table {
    /// The stored form of the table.
    pub fn encode(&self) -> Vec<u8> {
        let table = self.canonical();
        let has_others = table.names[FORMER_DOMAINS..].iter().any(|names| !names.is_empty());
        let (version, domains) =
            if has_others { (ALL_DOMAINS, Domain::ALL.len()) } else { (VERSION, FORMER_DOMAINS) };
        let body = body(&table, domains);
        let mut out = vec![version, PLAIN];
        if let Some(deflated) = deflate(&body) {
            out[1] = DEFLATED;
            put_len(&mut out, body.len());
            out.extend(deflated);
        } else {
            out.extend(body);
        }
        out
    }
}

/// The deflated body, if that is shorter.
fn deflate(body: &[u8]) -> Option<Vec<u8>> {
    if body.len() < WORTH_DEFLATING {
        return None;
    }
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).ok()?;
    let deflated = encoder.finish().ok()?;
    (deflated.len() + 3 < body.len()).then_some(deflated)
}

fn body(table: &Canonical<'_>, domains: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for names in &table.names[..domains] {
        names::put(&mut out, names);
    }
    put_len(&mut out, table.groups.len());
    for group in &table.groups {
        put_group(&mut out, group);
    }
    put_len(&mut out, table.sets.len());
    for ((group, key), members) in &table.sets {
        out.push(*group as u8);
        put_key(&mut out, *group, key);
        put_len(&mut out, members.len());
        members.iter().for_each(|member| out.extend(member));
    }
    out
}

fn put_group(out: &mut Vec<u8>, group: &CanonicalGroup) {
    out.push(group.group as u8);
    put_len(out, group.keys.len());
    for part in 0..group.group.parts().len() {
        let of_part = group.keys.iter().map(|key| Amount::from(key[part]));
        // Keys are sorted, so the first part grows slowly.
        let mut before = if part == 0 { Amount::from(NONE) } else { 0 };
        let values: Vec<_> = if part == 0 {
            of_part.map(|value| value - std::mem::replace(&mut before, value)).collect()
        } else {
            of_part.collect()
        };
        column::put(out, &values);
    }
    put(out, group.columns.iter().map(|(figure, _)| 1_u128 << *figure as u8).sum());
    for (_, values) in &group.columns {
        column::put(out, values);
    }
}

fn put_key(out: &mut Vec<u8>, group: Group, key: &Key) {
    for value in &key[..group.parts().len()] {
        put(out, zigzag((*value).into()));
    }
}
