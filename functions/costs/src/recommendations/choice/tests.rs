use ledger::pricing::TokenUsage;
use ledger::rollup::AgentModelFigures;

use super::super::model::Spelling;
use super::super::prices::Prices;
use super::*;

const MILLION: u64 = 1_000_000;

/// A candidate that takes a million tokens and no media. `name` is `provider/id`, `rates` those of a call with a short
/// input.
pub fn candidate(name: &str, developer: &'static str, tier: FamilyTier, rates: &str) -> Candidate {
    let (provider, id) = name.split_once('/').unwrap();
    let id = ModelId::new(provider, id);
    Candidate {
        base: id.clone(),
        offer: Offer { id, prices: Prices::from_text(&[(0, rates)]) },
        developer: Some(developer),
        family: Some("f"),
        tier,
        spelling: Spelling::default(),
        max_input: MILLION,
        takes_images: false,
        takes_audio: false,
    }
}

/// An agent that uses `p/big` of the developer `d`: 100 calls with a million input tokens and no output, over all 30
/// days.
pub struct Case {
    pub sums: AgentModelFigures,
    pub needed: FamilyTier,
    pub days: u32,
    pub tried: Vec<(&'static str, CallCounts)>,
    pub any_developer: bool,
    pub model: InUse,
}

impl Default for Case {
    fn default() -> Self {
        let tokens = TokenUsage { input: MILLION, ..TokenUsage::default() };
        let cost = Usd::new(Decimal::from(10));
        let model = InUse {
            base: ModelId::new("p", "big"),
            prices: Prices::from_text(&[(0, "input=10 output=10")]),
            developer: Some("d"),
            family: Some("f"),
            spelling: Spelling::default(),
            takes_images: false,
            retires_on: None,
            entry: None,
        };
        Self {
            sums: AgentModelFigures { requests: 100, tokens, cost, ..AgentModelFigures::default() },
            needed: FamilyTier::Economy,
            days: 30,
            tried: vec![],
            any_developer: false,
            model,
        }
    }
}

impl Case {
    pub fn current(&self) -> Current {
        Current {
            model: self.model.clone(),
            mix: TokenMix::of(&self.sums),
            calls: CallCounts { requests: self.sums.requests, errors: self.sums.errors },
            recorded: self.sums.cost,
            days: self.days,
            needed: self.needed,
            any_developer: self.any_developer,
        }
    }

    fn tried(&self) -> CallsByModel {
        self.tried.iter().map(|(model, calls)| (ModelId::new("p", model), *calls)).collect()
    }

    pub fn best(&self, candidates: &[Candidate]) -> Option<(String, Saving)> {
        let current = self.current();
        let (found, saving) = current.best(candidates, &self.tried())?;
        Some((format!("{}/{}", found.offer.id.provider, found.offer.id.model), saving))
    }

    fn name(&self, candidates: &[Candidate]) -> Option<&'static str> {
        self.best(candidates).map(|(name, _)| &*name.leak())
    }
}

fn usual() -> Vec<Candidate> {
    vec![
        candidate("p/mid", "d", FamilyTier::Standard, "input=3 output=3"),
        candidate("p/small", "d", FamilyTier::Economy, "input=1 output=1"),
        candidate("p/tiny", "d", FamilyTier::Economy, "input=1 output=1"),
        candidate("q/smallest", "e", FamilyTier::Economy, "input=0.5 output=0.5"),
    ]
}

#[test]
fn the_largest_saving_wins_then_the_newest_version_and_the_shortest_id() {
    let (name, saving) = Case::default().best(&usual()).unwrap();
    assert_eq!(name, "p/tiny");
    let pico = 1_000_000_000_000;
    assert_eq!(saving, Saving { cost_now: 10 * pico, saved: 9 * pico, days: 30 });
    let newer = candidate("p/small-2", "d", FamilyTier::Economy, "input=1 output=1");
    assert_eq!(Case::default().name(&[usual(), vec![newer]].concat()), Some("p/small-2"));
    // A model comes before its snapshots, however short their ids are.
    let mut snapshot = candidate("p/s", "d", FamilyTier::Economy, "input=1 output=1");
    snapshot.base = ModelId::new("p", "tiny");
    assert_eq!(Case::default().name(&[usual(), vec![snapshot]].concat()), Some("p/tiny"));
}

#[test]
fn no_tier_below_the_needed_one_is_recommended() {
    for (needed, name) in [
        (FamilyTier::Economy, Some("p/tiny")),
        (FamilyTier::Standard, Some("p/mid")),
        (FamilyTier::Flagship, None),
    ] {
        assert_eq!(Case { needed, ..Case::default() }.name(&usual()), name, "{needed:?}");
    }
    // Another flagship that costs less is recommended.
    let flagships = [candidate("p/less", "d", FamilyTier::Flagship, "input=5 output=5")];
    assert_eq!(Case { needed: FamilyTier::Flagship, ..Case::default() }.name(&flagships), Some("p/less"));
}

#[test]
fn models_of_other_developers_are_recommended_only_if_allowed() {
    let others = [
        candidate("p/other", "e", FamilyTier::Economy, "input=0.1 output=0.1"),
        candidate("q/same", "d", FamilyTier::Economy, "input=0.2 output=0.2"),
    ];
    assert_eq!(Case::default().name(&others[..1]), None);
    assert_eq!(Case::default().name(&others), Some("q/same"));
    assert_eq!(Case { any_developer: true, ..Case::default() }.name(&others), Some("p/other"));
    // The developer of a model that is not in the book is not known.
    let mut own = Case::default();
    own.model.developer = None;
    assert_eq!(own.name(&usual()), None);
    own.any_developer = true;
    assert_eq!(own.name(&usual()), Some("q/smallest"));
}

#[test]
fn a_model_is_not_recommended_in_place_of_its_own_snapshot() {
    let mut same = candidate("p/big-20260101", "d", FamilyTier::Economy, "input=1 output=1");
    same.base = ModelId::new("p", "big");
    assert_eq!(Case::default().name(&[same]), None);
}

#[test]
fn an_agent_keeps_its_geography() {
    let mut case = Case::default();
    case.model.spelling = Spelling::of("us.d.big", "us.d.big");
    let with_spelling = |name: &str| {
        let id = name.split_once('/').unwrap().1;
        let one = candidate(name, "d", FamilyTier::Economy, "input=1 output=1");
        Candidate { spelling: Spelling::of(id, id), ..one }
    };
    assert_eq!(case.name(&[with_spelling("p/eu.d.small"), with_spelling("p/d.small")]), None);
    assert_eq!(
        case.name(&[with_spelling("p/eu.d.small"), with_spelling("p/us.d.small")]),
        Some("p/us.d.small")
    );
    // Another provider has ids of its own.
    assert_eq!(case.name(&[with_spelling("q/small")]), Some("q/small"));
}

#[test]
fn prices_are_compared_on_the_agents_own_tokens() {
    let odd = [candidate("p/odd", "d", FamilyTier::Economy, "input=3 output=120")];
    assert_eq!(Case::default().name(&odd), Some("p/odd"));
    let mut case = Case::default();
    case.sums.tokens.output = MILLION;
    case.sums.cost = Usd::new(Decimal::from(20));
    assert_eq!(case.name(&odd), None);
    // A cache write without a price is not taken for a cheap one.
    case = Case::default();
    case.model.prices = Prices::from_text(&[(0, "input=10 output=10 cache_write_5m=12.5")]);
    case.sums.tokens.cache_write_5m = 1;
    assert_eq!(case.name(&odd), None);
}

#[test]
fn a_model_that_cannot_take_the_longest_input_is_ruled_out() {
    let small = |max_input| {
        let one = candidate("p/small", "d", FamilyTier::Economy, "input=1 output=1");
        [Candidate { max_input, ..one }]
    };
    let mut case = Case::default();
    case.sums.requests = 8;
    assert_eq!(case.name(&small(128_000)), Some("p/small"), "125,000 tokens per call");
    case.sums.requests = 7;
    assert_eq!(case.name(&small(128_000)), None, "142,858 tokens per call");
    case.sums.requests = 100;
    case.sums.long_context[1].input = 250_000;
    assert_eq!(case.name(&small(200_000)), None, "one call of 250,000 tokens");
    assert_eq!(case.name(&small(256_000)), Some("p/small"));
}

#[test]
fn a_model_that_takes_images_is_replaced_by_another_such() {
    let mut case = Case::default();
    case.model.takes_images = true;
    assert_eq!(case.name(&usual()), None);
    let one = candidate("p/sees", "d", FamilyTier::Economy, "input=2 output=2");
    let seeing = [usual(), vec![Candidate { takes_images: true, ..one }]].concat();
    assert_eq!(case.name(&seeing), Some("p/sees"));
}

#[test]
fn a_retiring_model_is_replaced_by_the_cheapest_of_its_family() {
    let mut other = candidate("p/other", "d", FamilyTier::Flagship, "input=1 output=1");
    other.family = Some("g");
    let candidates = [
        other,
        candidate("p/next", "d", FamilyTier::Flagship, "input=12 output=12"),
        candidate("p/after", "d", FamilyTier::Flagship, "input=15 output=15"),
    ];
    let current = Case::default().current();
    let (found, saving) = current.replacement(&candidates, &CallsByModel::new()).unwrap();
    assert_eq!(found.offer.id.model, "next");
    assert_eq!(saving.saved, -2_000_000_000_000);
    assert!(current.replacement(&usual()[3..], &CallsByModel::new()).is_none());
}

#[test]
fn a_model_that_failed_this_agent_before_is_not_recommended_to_it() {
    let calls = |requests, errors| CallCounts { requests, errors };
    let mut case = Case::default();
    case.sums.errors = 3;
    for (small, tiny, name) in [
        // 5 % is exactly 2 points worse, which is allowed.
        (calls(100, 5), calls(100, 5), "p/tiny"),
        (calls(100, 5), calls(100, 6), "p/small"),
        (calls(1000, 51), calls(1000, 51), "p/mid"),
        (calls(1000, 50), calls(1, 1), "p/small"),
        (calls(1, 0), calls(1, 1), "p/small"),
    ] {
        case.tried = vec![("small", small), ("tiny", tiny)];
        assert_eq!(case.name(&usual()), Some(name), "{small:?} {tiny:?}");
    }
}

#[test]
fn a_saving_is_shown_from_ten_percent_and_one_dollar_a_month() {
    for (price, tokens, days, shown) in [
        ("9", MILLION, 30, true),
        ("9.000001", MILLION, 30, false),
        ("9", MILLION - 1, 30, false),
        // After one day a thirtieth of a dollar suffices; after 29 days slightly less than a dollar.
        ("9", 33_334, 1, true),
        ("9", 33_333, 1, false),
        ("9", 966_667, 29, true),
        ("9", 966_666, 29, false),
    ] {
        let mut case = Case { days, ..Case::default() };
        case.sums.tokens.input = tokens;
        let less = [candidate("p/less", "d", FamilyTier::Economy, &format!("input={price} output={price}"))];
        assert_eq!(case.name(&less).is_some(), shown, "{price} {tokens} {days}");
    }
}

#[test]
fn the_current_cost_is_the_lower_of_recorded_cost_and_cost_at_todays_prices() {
    for (recorded, cost_now) in [("10", "10"), ("4", "4"), ("40", "10"), ("3.0000000000001", "3")] {
        let mut case = Case::default();
        case.sums.cost = Usd::new(recorded.parse().unwrap());
        let (_, saving) = case.best(&usual()).unwrap();
        assert_eq!(saving.cost_now, pico(Usd::new(cost_now.parse().unwrap())), "{recorded}");
    }
}

#[test]
fn savings_are_extrapolated_to_thirty_days() {
    let saving = |saved, days| Saving { cost_now: saved, saved, days };
    for (savings, total) in [
        (vec![], "0.00"),
        (vec![saving(1_000_000_000_000, 30)], "1.00"),
        (vec![saving(1_000_000_000_000, 7)], "4.285714"),
        (vec![saving(1_000_000_000_000, 1)], "30.00"),
        // A third and a sixth of the last decimal place are exactly half of it, which rounds to even.
        (vec![saving(10_000_000, 9), saving(500_000, 30)], "0.000034"),
        (vec![saving(500_000, 30)], "0.00"),
        (vec![saving(1_500_000, 30)], "0.000002"),
        (vec![saving(200_000, 18), saving(100_000, 18)], "0.00"),
        (vec![saving(200_000, 18), saving(100_000, 18), saving(1_000_000, 30)], "0.000002"),
    ] {
        assert_eq!(total_per_month(savings.clone()).to_string(), total, "{savings:?}");
    }
    assert!((1..=i128::from(DAYS)).all(|days| COMMON % days == 0));
}
