use std::collections::HashMap;

use super::u32_of;

/// The finished parts of the rows.
pub(super) struct Pool {
    pub(super) rows: Vec<u8>,
    pub(super) rates: Vec<u8>,
    pub(super) prices: Vec<u8>,
    pub(super) regions: Vec<u8>,
    pub(super) windows: Vec<u8>,
}

/// Appends numbers to a table.
pub(super) fn push(table: &mut Vec<u8>, numbers: &[u32]) {
    for number in numbers {
        table.extend(number.to_le_bytes());
    }
}

/// All texts, each one once.
#[derive(Default)]
pub(super) struct Strings {
    pub(super) text: String,
    known: HashMap<String, (u32, u32)>,
}

impl Strings {
    /// The offset and length of `text`.
    pub(super) fn add(&mut self, text: &str) -> (u32, u32) {
        if let Some(known) = self.known.get(text) {
            return *known;
        }
        let place = (u32_of(self.text.len()), u32_of(text.len()));
        self.text.push_str(text);
        self.known.insert(text.to_owned(), place);
        place
    }
}

/// A hash table of names in lower case: offset, length and value plus one of each, under its scope.
#[derive(Default)]
pub(super) struct Slots {
    names: HashMap<(u32, String), u32>,
    entries: Vec<(u32, String, (u32, u32), u32)>,
}

impl Slots {
    /// Adds a name. The same name for the same value may come again.
    pub(super) fn add(&mut self, scope: u32, name: &str, text: (u32, u32), value: u32) -> Result<(), String> {
        let key = name.to_ascii_lowercase();
        match self.names.insert((scope, key.clone()), value) {
            None => self.entries.push((scope, key, text, value)),
            Some(other) if other == value => {}
            Some(_) => return Err(format!("the name {name} has two meanings")),
        }
        Ok(())
    }

    /// The table: at least a third of its slots is free, so that a search is short.
    pub(super) fn table(&self) -> Vec<u8> {
        let capacity = (self.entries.len() * 3 / 2 + 1).next_power_of_two();
        let mut slots = vec![(0, 0, 0); capacity];
        for (scope, key, text, value) in &self.entries {
            let mut slot = place(*scope, key, capacity);
            while slots[slot].2 != 0 {
                slot = (slot + 1) % capacity;
            }
            slots[slot] = (text.0, text.1, value + 1);
        }
        let mut table = Vec::new();
        for (offset, len, value) in slots {
            push(&mut table, &[offset, len, value]);
        }
        table
    }
}

fn place(scope: u32, key: &str, capacity: usize) -> usize {
    let mut hash = super::super::hash::Hash::new(scope);
    hash.write(key);
    hash.slot(capacity)
}
