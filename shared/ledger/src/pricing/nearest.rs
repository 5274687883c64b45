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
    let model = model.to_ascii_lowercase();
    let mut found: Vec<(usize, String)> = Vec::new();
    for (id, shown) in ids {
        let limit = if found.len() < 3 { usize::MAX } else { found[2].0 };
        let distance = distance(model.as_bytes(), id.as_bytes());
        if distance < limit {
            found.push((distance, shown));
            found.sort();
            found.truncate(3);
        }
    }
    found.into_iter().map(|(_, shown)| shown).collect()
}

/// The number of bytes to insert, remove or replace to get from one id to the other, in any case.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(!x.eq_ignore_ascii_case(y));
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;
