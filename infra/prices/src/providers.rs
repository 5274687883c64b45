//! Maps the names of providers in price lists to ids, and says which list is preferred.

use ledger::pricing::data::{Malformed, ProviderLine, split};

/// The names of `providers.csv`.
#[derive(Debug)]
pub struct Providers(Vec<ProviderLine>);

impl Providers {
    /// Reads `providers.csv`.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        ProviderLine::read("providers.csv", text).map(Self)
    }

    /// The id of the provider that a price list names `name`: from `providers.csv`, or else the name itself.
    pub fn id(&self, name: &str) -> String {
        let known =
            self.0.iter().find(|line| line.id == name || line.names.iter().any(|other| other == name));
        known.map_or_else(|| name.to_owned(), |line| line.id.clone())
    }

    /// The position of `name` among the names of its provider.
    pub fn rank(&self, name: &str) -> usize {
        self.0
            .iter()
            .find_map(|line| line.names.iter().position(|other| other == name))
            .map_or(0, |at| at + 1)
    }

    /// Removes the provider's name from the start of `key`.
    pub fn strip<'k>(&self, provider: &str, key: &'k str) -> &'k str {
        match key.split_once('/') {
            Some((first, rest)) if self.id(first) == provider && !rest.is_empty() => rest,
            _ => key,
        }
    }
}

/// The lines of `preferences.csv`: decisions of people about which list is right for which models.
#[derive(Debug)]
pub struct Preferences(Vec<(String, String, &'static str)>);

impl Preferences {
    /// Reads `preferences.csv`.
    pub fn read(text: &str) -> Result<Self, Malformed> {
        let columns = ["provider", "model", "list", "reason"];
        let lines = split("preferences.csv", text, &columns, |field| {
            let list = ["genai-prices", "litellm"].into_iter().find(|list| *list == field[2]);
            let list = list.ok_or_else(|| format!("{:?} is not a list", field[2]))?;
            Ok((field[0].to_owned(), field[1].to_owned(), list))
        });
        lines.map(Self)
    }

    /// The list that is right about a model.
    pub fn list(&self, provider: &str, model: &str) -> Option<&'static str> {
        let fits = |pattern: &str| {
            pattern.strip_suffix('*').map_or(pattern == model, |start| model.starts_with(start))
        };
        self.0.iter().find(|(own, pattern, _)| own == provider && fits(pattern)).map(|(_, _, list)| *list)
    }
}
