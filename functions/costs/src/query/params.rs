//! The question: what to group and filter by, over which range.

use std::collections::BTreeSet;

use ledger::dimension::Dimension;
use ledger::ids::Label;
use ledger::pricing::Book;
use web::query::{FromQuery, QueryReader};

use super::order::Order;
use super::source::OF_MODELS;
use crate::range::{Granularity, Moment};

/// The most dimensions that figures are grouped by at once.
const MAX_GROUPINGS: usize = 2;
/// The most values of one filter.
const MAX_VALUES: usize = 100;

/// Only what has one of these values.
#[derive(Clone, Debug)]
pub struct Filter {
    pub dimension: Dimension,
    pub values: BTreeSet<String>,
}

#[derive(Debug)]
pub struct Params {
    /// `from`: the first instant, or the day that begins with it. Default: seven days before `to`.
    pub from: Option<Moment>,
    /// `to`: the first instant after the range, likewise. Default: the end of today.
    pub to: Option<Moment>,
    /// `granularity`: default one period, the whole range.
    pub granularity: Granularity,
    /// `groupBy`: up to two dimensions, separated by a comma.
    pub group_by: Vec<Dimension>,
    /// `filter[dimension]`, each once or several times.
    pub filters: Vec<Filter>,
    /// `compare=previous`: whether the range before is shown, too.
    pub compare: bool,
    /// `order`: default highest cost first.
    pub order: Order,
    /// `limit`: the most groups of a page, 1 to 1,000, default 100.
    pub limit: usize,
    /// `cursor`: the `nextCursor` of the page before.
    pub cursor: Option<String>,
}

impl FromQuery for Params {
    fn from_query(query: &mut QueryReader) -> Self {
        let limit = query.integer("limit", 1..=1_000, 100);
        Self {
            from: Moment::from_query(query, "from"),
            to: Moment::from_query(query, "to"),
            granularity: one_of(query, "granularity", &Granularity::ALL),
            group_by: group_by(query),
            filters: filters(query),
            compare: one_of(query, "compare", &[("previous", Some(()))]).is_some(),
            order: one_of(query, "order", &Order::ALL),
            limit: usize::try_from(limit).unwrap_or(usize::MAX),
            cursor: query.text("cursor"),
        }
    }
}

impl Params {
    /// Every dimension that has to be told apart.
    pub fn dimensions(&self) -> impl Iterator<Item = &Dimension> {
        self.group_by.iter().chain(self.filters.iter().map(|filter| &filter.dimension))
    }

    /// The dimension beside model and provider, if there is exactly one.
    pub fn only_other(&self) -> Option<&Dimension> {
        let mut others = self.dimensions().filter(|one| !OF_MODELS.contains(one));
        let first = others.next()?;
        others.all(|other| other == first).then_some(first)
    }

    /// Whether one of these is grouped or filtered by.
    pub fn uses(&self, some: &[Dimension]) -> bool {
        self.dimensions().any(|dimension| some.contains(dimension))
    }
}

fn one_of<T: Copy + Default>(query: &mut QueryReader, name: &'static str, all: &[(&str, T)]) -> T {
    let Some(text) = query.text(name) else { return T::default() };
    if let Some((_, found)) = all.iter().find(|(known, _)| *known == text) {
        return *found;
    }
    let known: Vec<_> = all.iter().map(|(known, _)| format!("'{known}'")).collect();
    query.fault(name, "enum", format!("Input should be {}", known.join(", ")));
    T::default()
}

fn group_by(query: &mut QueryReader) -> Vec<Dimension> {
    let name = "groupBy";
    let Some(text) = query.text(name).filter(|text| !text.is_empty()) else { return Vec::new() };
    let mut found = Vec::new();
    for part in text.split(',') {
        match Dimension::parse(part.trim()) {
            Some(dimension) if found.contains(&dimension) => {
                query.fault(name, "repeated", "A dimension should be given once");
            }
            Some(dimension) => found.push(dimension),
            None => query.fault(name, "enum", unknown()),
        }
    }
    if found.len() > MAX_GROUPINGS {
        query.fault(name, "too_long", format!("Input should have at most {MAX_GROUPINGS} dimensions"));
    }
    found
}

fn unknown() -> String {
    format!("A dimension should be {}", Dimension::known())
}

fn filters(query: &mut QueryReader) -> Vec<Filter> {
    let mut filters: Vec<Filter> = Vec::new();
    for (name, values) in query.members("filter") {
        let Some(dimension) = Dimension::parse(&name) else {
            query.fault_of_member("filter", &name, "enum", unknown());
            continue;
        };
        if values.len() > MAX_VALUES {
            let msg = format!("A filter should have at most {MAX_VALUES} values");
            query.fault_of_member("filter", &name, "too_long", msg);
        }
        let mut known = BTreeSet::new();
        for value in values {
            match Label::new(value) {
                Ok(label) => drop(known.insert(spelled(&dimension, label.as_str()).to_owned())),
                Err(invalid) => query.fault_of_member("filter", &name, "label", invalid.to_string()),
            }
        }
        filters.push(Filter { dimension, values: known });
    }
    filters
}

/// A value as figures are grouped by it: a provider by its id in the price book, whatever name of it was sent.
fn spelled<'v>(dimension: &Dimension, value: &'v str) -> &'v str {
    match Book::builtin().provider(value) {
        Some(provider) if *dimension == Dimension::Provider => provider.id(),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use web::error::Error;

    use super::*;

    fn parse(text: &str) -> Result<Params, Vec<String>> {
        let mut query = QueryReader::parse(text);
        let params = Params::from_query(&mut query);
        match query.finish() {
            Ok(()) => Ok(params),
            Err(Error::Validation(faults)) => Err(faults.iter().map(ToString::to_string).collect()),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn every_fault_is_named_with_its_parameter() {
        for (query, fault) in [
            ("from=2026-09-31", r#"["query","from"] datetime_parsing"#),
            ("to=today", r#"["query","to"] datetime_parsing"#),
            ("granularity=year", r#"["query","granularity"] enum"#),
            ("groupBy=agent,agents", r#"["query","groupBy"] enum"#),
            ("groupBy=agent,agent", r#"["query","groupBy"] repeated"#),
            ("groupBy=agent,model,provider", r#"["query","groupBy"] too_long"#),
            ("groupBy=tag.", r#"["query","groupBy"] enum"#),
            ("filter[cost]=1", r#"["query","filter[cost]"] enum"#),
            ("filter[agent]=", r#"["query","filter[agent]"] label"#),
            ("compare=next", r#"["query","compare"] enum"#),
            ("order=price", r#"["query","order"] enum"#),
            ("limit=0", r#"["query","limit"] greater_than_equal"#),
        ] {
            assert_eq!(parse(query).unwrap_err(), [fault], "{query}");
        }
        let many = "filter[agent]=x&".repeat(MAX_VALUES + 1);
        assert_eq!(parse(&many).unwrap_err(), [r#"["query","filter[agent]"] too_long"#]);
    }

    #[test]
    fn groupings_keep_their_order_and_filters_take_several_values() {
        let params =
            parse("groupBy=tag.customer,conversation_id&filter[agent]=b&filter[agent]=cafe%CC%81").unwrap();
        let names: Vec<_> = params.group_by.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["tag.customer", "session_id"]);
        let provider = parse("filter[provider]=AWS.Bedrock&filter[provider]=mine").unwrap();
        assert_eq!(provider.filters[0].values, ["aws".to_owned(), "mine".to_owned()].into());
        assert_eq!(params.filters[0].values, ["b".to_owned(), "caf\u{e9}".to_owned()].into());
        assert!(parse("groupBy=").unwrap().group_by.is_empty());
    }
}
