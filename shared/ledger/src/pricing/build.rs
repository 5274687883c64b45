//! From the rows of the data file to a book: what rows must not say of each other.

use super::book::{Names, PriceBook, PriceVersion, PricedModel};
use super::parse::Row;
use super::{LongContext, fold};

impl PriceBook {
    /// Takes in the next row. The error says what is wrong with it.
    pub(super) fn add(&mut self, row: Row<'_>) -> Result<(), String> {
        let names = self.names.entry(row.provider.to_owned()).or_default();
        if let Some(place) = names.ids.get(&*fold(row.model)) {
            return self.models[*place].add(row);
        }
        names.add(&row, self.models.len())?;
        let mut model = PricedModel {
            provider: row.provider.to_owned(),
            model: row.model.to_owned(),
            aliases: row.aliases.iter().map(|&alias| alias.to_owned()).collect(),
            versions: Vec::new(),
        };
        model.add(row)?;
        self.models.push(model);
        Ok(())
    }
}

impl Names {
    /// Takes in the names of a new model. An alias of two models has no meaning; an alias that is the id of
    /// another model has one, since ids come first.
    fn add(&mut self, row: &Row<'_>, place: usize) -> Result<(), String> {
        self.ids.insert(fold(row.model).into_owned(), place);
        for alias in &row.aliases {
            let (kind, name) = alias.split_at(1);
            let name = fold(name).into_owned();
            let holder = if kind == "=" {
                *self.aliases.entry(name).or_insert(place)
            } else if let Some((_, holder)) = self.prefixes.iter().find(|(prefix, _)| *prefix == name) {
                *holder
            } else {
                self.prefixes.push((name, place));
                place
            };
            if holder != place {
                return Err(format!("the alias {alias} already means another model"));
            }
        }
        Ok(())
    }
}

impl PricedModel {
    /// Takes in a row of this model. Rows come in the order of time, and base rates before long-context ones.
    fn add(&mut self, row: Row<'_>) -> Result<(), String> {
        if self.model != row.model || self.aliases != row.aliases {
            return Err(format!("{} differs in spelling or aliases from the row before", row.model));
        }
        if row.above_input_tokens == 0 {
            return self.add_version(row);
        }
        let span = (row.effective_from, row.effective_to);
        let base = self.versions.last_mut().filter(|base| (base.effective_from, base.effective_to) == span);
        let base = base.ok_or("a long-context row should follow the base row of the same days")?;
        if base.long_context.last().is_some_and(|long| long.above_input_tokens >= row.above_input_tokens) {
            return Err("long-context rows should ascend".into());
        }
        let above_input_tokens = row.above_input_tokens;
        base.long_context.push(LongContext { above_input_tokens, rates: row.rates });
        Ok(())
    }

    fn add_version(&mut self, row: Row<'_>) -> Result<(), String> {
        let Row { effective_from, effective_to, rates: base, .. } = row;
        if let Some(last) = self.versions.last() {
            match (last.effective_to, effective_from) {
                (Some(end), Some(start)) if end <= start => {}
                _ => return Err("the days overlap or precede those of the row before".into()),
            }
        }
        self.versions.push(PriceVersion { effective_from, effective_to, base, long_context: Vec::new() });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::MalformedBook;
    use super::super::parse::COLUMNS;
    use super::*;

    fn book(lines: &str) -> Result<PriceBook, MalformedBook> {
        PriceBook::parse(&format!("{}\n{lines}\n", COLUMNS.join(",")))
    }

    #[test]
    fn several_thresholds_of_one_version_are_kept_in_order() {
        let book = book("p,m,,,,0,1,2,,,\np,m,,,,1000,3,4,0.1,0.2,0.3\np,m,,,,5000,5,6,,,").unwrap();
        let long = &book.models[0].versions[0].long_context;
        assert_eq!(long.iter().map(|long| long.above_input_tokens).collect::<Vec<_>>(), [1000, 5000]);
    }

    #[test]
    fn rows_that_contradict_each_other_are_refused() {
        const BASE: &str = "p,m,=a|^b,,2026-01-01,0,1,2,,,\n";
        for (line, problem) in [
            ("p,m,=a|^b,,,0,1,2,,,", "the days overlap or precede those of the row before"),
            ("p,m,=a|^b,2025-12-31,,0,1,2,,,", "the days overlap or precede those of the row before"),
            ("p,m,=a|^b,,,9,1,2,,,", "a long-context row should follow the base row of the same days"),
            ("p,m,=a,2026-01-01,,0,1,2,,,", "m differs in spelling or aliases from the row before"),
            ("p,M,=a|^b,2026-01-01,,0,1,2,,,", "M differs in spelling or aliases from the row before"),
            ("p,n,=A,,,0,1,2,,,", "the alias =A already means another model"),
            ("p,n,^b,,,0,1,2,,,", "the alias ^b already means another model"),
            ("p,n,,,,9,1,2,,,", "a long-context row should follow the base row of the same days"),
        ] {
            let error = book(&format!("{BASE}{line}")).unwrap_err();
            assert_eq!(error, MalformedBook { line: 3, problem: problem.into() }, "{line}");
        }
        let long = "p,m,=a|^b,,2026-01-01,9,1,2,,,\n";
        assert_eq!(
            book(&format!("{BASE}{long}{long}")).unwrap_err().to_string(),
            "line 4: long-context rows should ascend"
        );
        assert!(book(&format!("{BASE}{long}p,m,=a|^b,2026-01-01,,0,1,2,,,\nq,n,=a|^b,,,0,1,2,,,")).is_ok());
    }
}
