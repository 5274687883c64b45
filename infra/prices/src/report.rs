//! Reports what a refresh changed.

use std::fmt;

use crate::merge::Disagreement;

/// How a price moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The prices of input and output did not change.
    None,
    /// Input or output went up, and neither went down.
    Dearer,
    /// Input or output went down.
    Cheaper,
}

impl Change {
    /// The change from one pair of input and output prices to another.
    pub fn between(old: Option<(u64, u64)>, new: Option<(u64, u64)>) -> Self {
        match (old, new) {
            (Some(old), Some(new)) if new.0 < old.0 || new.1 < old.1 => Self::Cheaper,
            (Some(old), Some(new)) if new != old => Self::Dearer,
            _ => Self::None,
        }
    }
}

/// What is new, gone, dearer and cheaper, and where the lists disagree.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Models that the book did not have.
    pub new: Vec<String>,
    /// Models that no list has any more. Their prices stay.
    pub gone: Vec<String>,
    /// Models whose price went up.
    pub dearer: Vec<String>,
    /// Models whose price went down.
    pub cheaper: Vec<String>,
    /// Where the lists disagree.
    pub disagreements: Vec<Disagreement>,
}

impl Report {
    /// Records how the price of a model changed.
    pub fn compare(&mut self, provider: &str, model: &str, change: Change) {
        match change {
            Change::None => {}
            Change::Dearer => self.dearer.push(format!("{provider}/{model}")),
            Change::Cheaper => self.cheaper.push(format!("{provider}/{model}")),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, models) in
            [("new", &self.new), ("gone", &self.gone), ("dearer", &self.dearer), ("cheaper", &self.cheaper)]
        {
            writeln!(f, "{title}: {}", models.len())?;
            models.iter().try_for_each(|model| writeln!(f, "  {model}"))?;
        }
        writeln!(f, "disagreements: {}", self.disagreements.len())?;
        self.disagreements.iter().try_for_each(|row| writeln!(f, "  {row}"))
    }
}
