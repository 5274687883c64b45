//! Checks an own price against the price book.
//!
//! A multiplier or an alias of something that is not in the book would have no effect, and a misspelled name would only
//! show in the costs.

use ledger::pricing::Book;
use ledger::settings::{ALL_MODELS, PriceSettings, PriceTerms};
use web::error::{Error, Fault, Loc, Result};

pub fn check(set: &PriceSettings) -> Result<()> {
    fault(Book::builtin(), set).map_or(Ok(()), |fault| Err(Error::Validation(vec![fault])))
}

fn fault(book: Book, set: &PriceSettings) -> Option<Fault> {
    let is_multiplier = matches!(set.price, PriceTerms::Multiplier(_));
    if set.model == ALL_MODELS && !is_multiplier {
        let msg = "All models of a provider take a multiplier";
        return Some(Fault::new(vec!["body".into(), "multiplier".into()], "missing", msg));
    }
    let (model, at) = match &set.price {
        PriceTerms::Rates { .. } => return None,
        PriceTerms::Multiplier(_) => (&set.model, [Loc::from("path"), "model".into()]),
        PriceTerms::Alias(model) => (model, [Loc::from("body"), "alias".into()]),
    };
    if book.provider(&set.provider).is_none() {
        let msg = format!("The price book has no provider {:?}", set.provider);
        return Some(Fault::new(vec!["path".into(), "provider".into()], "unknown_provider", msg));
    }
    if set.model == ALL_MODELS || book.identify(&set.provider, model).1.is_some() {
        return None;
    }
    let nearest = book.nearest(&set.provider, model).join(", ");
    let msg = format!("The price book has no model {model:?} of this provider; the nearest are {nearest}");
    Some(Fault::new(at.to_vec(), "unknown_model", msg))
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;
    use ledger::money::Quantity;
    use ledger::pricing::data::RateSet;

    use super::*;

    #[test]
    fn multipliers_and_aliases_are_of_models_in_the_book() {
        let rates = PriceTerms::Rates { rates: RateSet::default(), long_context: None };
        let multiplier = PriceTerms::Multiplier(Quantity(1.into()));
        let alias = |model: &str| PriceTerms::Alias(model.to_owned());
        for (provider, model, price, expected) in [
            ("nobody", "house", &rates, None),
            ("anthropic", "claude-haiku-4-5-20251001", &multiplier, None),
            ("vertex_ai", "*", &multiplier, None),
            ("azure", "my-deployment", &alias("gpt-4o"), None),
            ("anthropic", "*", &rates, Some(r#"["body","multiplier"] missing"#)),
            ("anthropic", "*", &alias("claude-haiku-4-5"), Some(r#"["body","multiplier"] missing"#)),
            ("nobody", "*", &multiplier, Some(r#"["path","provider"] unknown_provider"#)),
            ("anthropic", "claude-hiaku", &multiplier, Some(r#"["path","model"] unknown_model"#)),
            ("azure", "my-deployment", &alias("gtp-4o"), Some(r#"["body","alias"] unknown_model"#)),
        ] {
            let (provider, model) = (provider.to_owned(), model.to_owned());
            let set =
                PriceSettings { provider, model, effective_from: NaiveDate::default(), price: price.clone() };
            let found = fault(Book::builtin(), &set).map(|fault| fault.to_string());
            assert_eq!(found.as_deref(), expected, "{set:?}");
        }
    }
}
