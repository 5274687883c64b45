use super::*;

#[test]
fn daily_costs_cover_the_window_and_the_models_with_known_names() {
    let day = |text| Day::parse(text).unwrap();
    let key = |model: &str| ModelKey { provider: "p".to_owned(), model: model.to_owned() };
    let names: BTreeMap<_, _> = ["x", "y"].map(|model| (ModelCode::of(&key(model)), key(model))).into();
    let cost = |date, agent: &str, models: &[(&str, u32)]| AgentCost {
        day: day(date),
        agent: AgentId::new(agent).unwrap(),
        models: models
            .iter()
            .map(|(model, cost)| (ModelCode::of(&key(model)), Usd::new((*cost).into())))
            .collect(),
        requests: 1,
        unpriced: 0,
    };
    let costs = [
        cost("2026-09-13", "a", &[("x", 1000)]),
        cost("2026-09-14", "a", &[("x", 5), ("new", 2)]),
        cost("2026-09-15", "a", &[("x", 2), ("y", 1)]),
        cost("2026-09-15", "b", &[("x", 4)]),
    ];
    let days = DayRange::ending(day("2026-09-15"), 2);
    let window = Window { from: days.first.start(Tz::UTC), to: days.last.start(Tz::UTC) };
    let recent = RecentCosts::of_days(&costs, days, window, &names);
    let brief: Vec<_> =
        recent.costs.iter().map(|((agent, key), cost)| format!("{agent} {} {cost}", key.model)).collect();
    assert_eq!((recent.window, brief.join(", ")), (window, "a x 7.00, a y 1.00, b x 4.00".to_owned()));
}

#[test]
fn at_most_three_agents_and_models_with_a_cost_are_named() {
    let costs = [("b", "x", 7), ("a", "y", 9), ("c", "y", 1), ("d", "y", 2), ("e", "y", 0), ("b", "z", 2)];
    let key = |model: &str| ModelKey { provider: "p".to_owned(), model: model.to_owned() };
    let cost = |(agent, model, cost): (&str, &str, u32)| {
        ((AgentId::new(agent).unwrap(), key(model)), Usd::new(cost.into()))
    };
    let moment = DateTime::UNIX_EPOCH;
    let window = Window { from: moment, to: moment };
    let recent = RecentCosts { window, costs: costs.map(cost).into() };
    let brief = |largest: &LargestCosts| {
        let agents: Vec<_> = largest.agents.iter().map(|(id, cost)| format!("{id} {cost}")).collect();
        let models: Vec<_> =
            largest.models.iter().map(|(key, cost)| format!("{} {cost}", key.model)).collect();
        format!("{} | {}", agents.join(", "), models.join(", "))
    };
    assert_eq!(brief(&recent.largest(None)), "a 9.00, b 9.00, d 2.00 | y 12.00, x 7.00, z 2.00");
    let only = AgentId::new("b").unwrap();
    assert_eq!(brief(&recent.largest(Some(&only))), "b 9.00 | x 7.00, z 2.00");
    let nobody = AgentId::new("e").unwrap();
    assert_eq!(brief(&recent.largest(Some(&nobody))), " | ");
}
