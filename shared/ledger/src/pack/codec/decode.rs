//! From bytes to a table. Everything that the encoder does not write is refused.

use std::io::Read;

use flate2::read::DeflateDecoder;

use super::bytes::{Reader, unzigzag};
use super::{ALL_DOMAINS, DEFLATED, FORMER_DOMAINS, MAX_BODY, MAX_VALUES, Malformed, PLAIN, VERSION};
use super::{column, names};
use crate::pack::figure::Figure;
use crate::pack::group::{Domain, Group, Key, NONE, Part};
use crate::pack::table::Table;
use crate::pack::{Amount, rows::Rows};

impl Table {
    /// The table that `bytes` are the stored form of.
    ///
    /// # Errors
    ///
    /// Bytes of another version, or malformed ones.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader(bytes);
        let domains = match reader.byte()? {
            VERSION => &Domain::ALL[..FORMER_DOMAINS],
            ALL_DOMAINS => &Domain::ALL[..],
            version => return Err(Malformed::Version(version)),
        };
        match reader.byte()? {
            PLAIN => body(reader.0, domains),
            DEFLATED => {
                let length = reader.count(MAX_BODY)?;
                body(&inflate(reader.0, length)?, domains)
            }
            _ => Err(Malformed::Invalid("form of the body")),
        }
    }
}

fn inflate(deflated: &[u8], length: usize) -> Result<Vec<u8>, Malformed> {
    let mut decoder = DeflateDecoder::new(deflated);
    let mut body = Vec::new();
    let read = (&mut decoder).take(length as u64 + 1).read_to_end(&mut body);
    read.map_err(|_| Malformed::Deflate)?;
    let whole = body.len() == length && decoder.total_in() == deflated.len() as u64;
    whole.then_some(body).ok_or(Malformed::Length)
}

fn body(bytes: &[u8], domains: &[Domain]) -> Result<Table, Malformed> {
    let reader = &mut Reader(bytes);
    let mut table = Table::default();
    for domain in domains {
        for name in names::read(reader)? {
            table.name(*domain, &name);
        }
    }
    let mut values_left = MAX_VALUES;
    let mut last = None;
    for _ in 0..reader.count(Group::ALL.len())? {
        let group = group(reader)?;
        if last.replace(group) >= Some(group) {
            return Err(Malformed::Invalid("order of groups"));
        }
        let rows = read_rows(reader, &table, group, &mut values_left)?;
        table.groups.insert(group, rows);
    }
    let mut last = None;
    for _ in 0..reader.count(reader.0.len())? {
        let group = group(reader)?;
        let key = read_key(reader, &table, group)?;
        if last.replace((group, key)) >= Some((group, key)) {
            return Err(Malformed::Invalid("order of sets"));
        }
        let count = reader.count(reader.0.len())?;
        let members = reader.take(count.checked_mul(8).ok_or(Malformed::Length)?)?;
        let (members, _) = members.as_chunks();
        if members.is_empty() || !members.is_sorted_by(|a, b| a < b) {
            return Err(Malformed::Invalid("set"));
        }
        table.sets.insert((group, key), members.iter().copied().collect());
    }
    if reader.0.is_empty() { Ok(table) } else { Err(Malformed::Length) }
}

fn group(reader: &mut Reader<'_>) -> Result<Group, Malformed> {
    Group::ALL.get(usize::from(reader.byte()?)).copied().ok_or(Malformed::Invalid("group"))
}

fn read_rows(
    reader: &mut Reader<'_>,
    table: &Table,
    group: Group,
    values_left: &mut usize,
) -> Result<Rows, Malformed> {
    let count = reader.count(*values_left)?;
    let mut take = || {
        *values_left = values_left.checked_sub(count).ok_or(Malformed::Invalid("number of values"))?;
        Ok(())
    };
    let mut keys = vec![Key::default(); count];
    for (index, part) in group.parts().iter().enumerate() {
        take()?;
        let mut before = Amount::from(NONE);
        for (key, value) in keys.iter_mut().zip(column::read(reader, count)?) {
            let value = if index == 0 { before + value } else { value };
            before = value;
            key[index] = checked(table, *part, value)?;
        }
    }
    if count == 0 || !keys.is_sorted_by(|a, b| a < b) {
        return Err(Malformed::Invalid("order of rows"));
    }
    let figures = reader.varint()?;
    if figures == 0 || figures >> Figure::COUNT != 0 {
        return Err(Malformed::Invalid("figures"));
    }
    let mut rows = Rows::with_keys(keys);
    for figure in Figure::ALL.iter().filter(|figure| figures >> **figure as u8 & 1 == 1) {
        take()?;
        rows.set_column(*figure, column::read(reader, count)?);
    }
    Ok(rows)
}

fn read_key(reader: &mut Reader<'_>, table: &Table, group: Group) -> Result<Key, Malformed> {
    let mut key = Key::default();
    for (value, part) in key.iter_mut().zip(group.parts()) {
        *value = checked(table, *part, unzigzag(reader.varint()?))?;
    }
    Ok(key)
}

/// A part of a key that is in its range.
fn checked(table: &Table, part: Part, value: Amount) -> Result<i32, Malformed> {
    let number = i32::try_from(value).map_err(|_| Malformed::Invalid("key"))?;
    match part {
        Part::Number => Ok(number),
        Part::Name(domain) if number == NONE || table.name_at(domain, number).is_some() => Ok(number),
        Part::Name(_) => Err(Malformed::Invalid("name in a key")),
    }
}
