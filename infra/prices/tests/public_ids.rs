//! Looks up every id of both public lists in the book, under the names that the lists use.

use ledger::pricing::data::{Date, Rate, RateSet};
use ledger::pricing::{Book, ModelEntry, PriceRow};

const IDS: &str = include_str!("public_ids.csv");
const DAY: Date = Date::new(2026, 11, 27);

/// A line of the fixture.
struct PublicId {
    list: &'static str,
    provider: &'static str,
    id: &'static str,
    rates: RateSet,
}

fn ids() -> impl Iterator<Item = PublicId> {
    IDS.lines().skip(1).map(|line| {
        let fields: Vec<_> = line.split(',').collect();
        let rate = |name: &str, price: &str| {
            if price.is_empty() { String::new() } else { format!("{name}={price} ") }
        };
        let rates = rate("input", fields[3]) + &rate("output", fields[4]);
        let rates = RateSet::parse(&rates).unwrap_or_else(|problem| panic!("{line}: {problem}"));
        PublicId { list: fields[0], provider: fields[1], id: fields[2], rates }
    })
}

fn current(model: ModelEntry) -> RateSet {
    model.base_row(DAY).map(PriceRow::rates).unwrap_or_default()
}

/// Prefix aliases may give wrong prices. This lists every public id that only a prefix matches, with the list's price
/// and ours. Review new lines before accepting them.
#[test]
fn ids_that_only_a_prefix_alias_catches() {
    let mut caught = Vec::new();
    for PublicId { list, provider, id, rates } in ids() {
        let (Some(known), Some(found)) = Book::builtin().identify(provider, id) else { continue };
        let name = id.split_once('/').map_or(id, |(_, rest)| rest);
        let exact = |name: &str| {
            let is_name = |own: &str| own.eq_ignore_ascii_case(name);
            known.models().any(|model| {
                is_name(model.id())
                    || model.aliases().any(|alias| alias.strip_prefix('=').is_some_and(is_name))
            })
        };
        let by_prefix = found.model.aliases().filter_map(|alias| alias.strip_prefix('^'));
        let mut by_prefix = by_prefix.filter(|prefix| id.starts_with(prefix) || name.starts_with(prefix));
        if by_prefix.next().is_some() && !exact(id) && !exact(name) {
            caught.push(format!("{list} {provider}/{id}: {rates}; ours {}", current(found.model)));
        }
    }
    assert_eq!(caught, [""; 0]);
}

/// The book is built from these lists, so nearly every id must be found, at the list's price. The rest are ids about
/// which the lists disagree, and ids that are not models.
#[test]
fn nearly_every_public_id_has_its_price() {
    let (mut all, mut found, mut equal) = (0, 0, 0);
    let mut unknown = Vec::new();
    for PublicId { list, provider, id, rates } in ids() {
        // A commitment is bought by the hour, so its calls have no price.
        if rates.is_empty() || rates.get(Rate::Input).is_none() || id.contains("-month-commitment/") {
            continue;
        }
        all += 1;
        let Some(known) = Book::builtin().identify(provider, id).1 else {
            unknown.push(format!("{list} {provider}/{id}"));
            continue;
        };
        found += 1;
        let day = known.model.rows().filter(|row| row.holds_on(DAY));
        let close = |ours: u64, theirs: u64| ours.abs_diff(theirs) <= theirs / 1000 + 1;
        let same = |ours: RateSet| {
            rates.iter().all(|(rate, price)| ours.get(rate).map_or(price == 0, |ours| close(ours, price)))
        };
        equal += usize::from(day.into_iter().any(|row| same(row.rates())));
    }
    assert!(found * 1000 >= all * 999, "{found} of {all} are found; not: {unknown:#?}");
    assert!(equal * 100 >= all * 98, "{equal} of {all} have the list's price");
}
