use super::*;

#[test]
fn proportions_are_rounded_half_even() {
    for (price, numerator, denominator, result) in
        [(5, 1, 2, 2), (7, 1, 2, 4), (3, 1, 3, 1), (10, 2, 3, 7), (u64::MAX, 2, 1, u64::MAX), (9, 0, 5, 0)]
    {
        assert_eq!(
            in_proportion(price, numerator, denominator),
            result,
            "{price} x {numerator} / {denominator}"
        );
    }
}

#[test]
fn a_rate_follows_its_own_counterpart_and_else_the_input() {
    let parse = |text: &str| RateSet::parse(text).unwrap();
    let base = parse("input=2 output=10 cache_read=0.2 requests=0.01");
    let own = parse("input=1 output=10");
    assert_eq!(scaled(&own, &base, &base), parse("input=1 output=10 cache_read=0.1 requests=0.01"));
    // A list price of nothing gives no proportion.
    let free = parse("input=0 output=0 cache_read=0");
    assert_eq!(scaled(&own, &free, &free), parse("input=1 output=10 cache_read=0"));
    // An own rate for what the list lacks stands as it is.
    assert_eq!(
        scaled(&parse("input=1 output_audio=7"), &base, &base).get(Rate::OutputAudio),
        Some(7_000_000)
    );
}

#[test]
fn providers_are_kept_under_their_ids() {
    let entry = |provider: &str| OwnEntry {
        provider: provider.into(),
        model: Some("M".into()),
        from: Date::new(2026, 1, 1),
        price: OwnPrice::Multiplier(MULTIPLIER_ONE),
    };
    let own = OwnPrices::new(Book::builtin(), [entry("Vertex_AI"), entry("House")]);
    let day = Date::new(2026, 1, 1);
    assert!(own.named("google", "m", day).is_some() && own.named("house", "M", day).is_some());
    assert!(own.named("google", "m", Date::new(2025, 12, 31)).is_none());
    assert!(!own.is_empty() && OwnPrices::default().is_empty());
}
