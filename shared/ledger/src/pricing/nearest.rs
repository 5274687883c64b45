//! The ids of the book that an unknown id may have meant.

use super::catalog::{Book, ProviderEntry};

impl Book {
    /// The three ids that are nearest to `model`: of the provider, or, where the provider is not known, of the
    /// providers that have a model of nearly this name, as `provider/model`.
    pub fn nearest(self, provider: &str, model: &str) -> Vec<String> {
        match self.provider(provider) {
            Some(provider) => best(ids(provider).map(|id| (id, id.to_owned())), model),
            None => best(
                self.providers().flat_map(|provider| {
                    ids(provider).map(move |id| (id, format!("{}/{id}", provider.id())))
                }),
                model,
            ),
        }
    }
}

fn ids(provider: ProviderEntry) -> impl Iterator<Item = &'static str> {
    provider.models().map(super::catalog::ModelEntry::id)
}

fn best(ids: impl Iterator<Item = (&'static str, String)>, model: &str) -> Vec<String> {
    let pattern = Pattern::new(model);
    let mut found: Vec<(usize, String)> = Vec::new();
    for (id, shown) in ids {
        let limit = if found.len() < 3 { usize::MAX } else { found[2].0 };
        let distance = pattern.distance(id.as_bytes());
        if distance < limit {
            found.push((distance, shown));
            found.sort();
            found.truncate(3);
        }
    }
    found.into_iter().map(|(_, shown)| shown).collect()
}

/// The bytes of an id that are compared. Longer ids are made up, and differ from all of the book's anyway.
const COMPARED: usize = 128;

/// An id that many others are compared with, by Myers' bit-parallel algorithm: a step compares a byte with all bytes of
/// the id at once. A list of unpriced models is compared with thousands of ids for each of hundreds of rows.
struct Pattern {
    /// The positions of each byte.
    positions: [u128; 256],
    len: usize,
}

impl Pattern {
    /// Of the first [`COMPARED`] bytes of an id, in lower case.
    fn new(id: &str) -> Self {
        let mut positions = [0; 256];
        let bytes = id.bytes().take(COMPARED);
        for (place, byte) in bytes.clone().enumerate() {
            positions[usize::from(byte.to_ascii_lowercase())] |= 1 << place;
        }
        Self { positions, len: bytes.count() }
    }

    /// The number of bytes to insert, remove or replace to get from one id to the other, in any case.
    fn distance(&self, other: &[u8]) -> usize {
        let Some(last) = self.len.checked_sub(1) else { return other.len() };
        // Whether the distance grows or shrinks from one byte of the pattern to the next.
        let (mut grows, mut shrinks) = (u128::MAX, 0_u128);
        let mut distance = self.len;
        for byte in other {
            let equal = self.positions[usize::from(byte.to_ascii_lowercase())];
            let vertical = equal | shrinks;
            let horizontal = ((equal & grows).wrapping_add(grows) ^ grows) | equal;
            let (mut up, mut down) = (shrinks | !(horizontal | grows), grows & horizontal);
            distance = distance + usize::from(up >> last & 1 == 1) - usize::from(down >> last & 1 == 1);
            (up, down) = (up << 1 | 1, down << 1);
            (grows, shrinks) = (down | !(vertical | up), up & vertical);
        }
        distance
    }
}

#[cfg(test)]
mod tests;
