//! Names that keys refer to by position.

use std::collections::HashMap;

/// Distinct names in the order in which they were first seen.
#[derive(Clone, Debug, Default)]
pub struct Names {
    texts: Vec<Box<str>>,
    positions: HashMap<Box<str>, i32>,
}

impl Names {
    /// The position of `name`, which is added if it is new.
    pub fn position(&mut self, name: &str) -> i32 {
        if let Some(position) = self.positions.get(name) {
            return *position;
        }
        let position = i32::try_from(self.texts.len()).unwrap_or(i32::MAX);
        self.texts.push(name.into());
        self.positions.insert(name.into(), position);
        position
    }

    /// The position of `name`, if it is among them.
    pub fn find(&self, name: &str) -> Option<i32> {
        self.positions.get(name).copied()
    }

    /// The name at a position; none for [`NONE`](super::NONE).
    pub fn get(&self, position: i32) -> Option<&str> {
        self.texts.get(usize::try_from(position).ok()?).map(|text| &**text)
    }

    /// The number of names.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// All names, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.texts.iter().map(|text| &**text)
    }
}
