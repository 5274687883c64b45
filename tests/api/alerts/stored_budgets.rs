//! A run reads the budgets that were set last, whatever was set before.

use std::collections::BTreeMap;

use ledger::ids::OrgId;
use proptest::prelude::*;
use serde_json::json;
use store::alerts::Watched;

use crate::support::World;

/// A change to an agent.
#[derive(Clone, Debug)]
enum Act {
    Put { name: u8, budget: Option<u8> },
    Archive,
}

fn act() -> impl Strategy<Value = (u8, Act)> {
    let put = (0_u8..2, prop::option::of(0_u8..3)).prop_map(|(name, budget)| Act::Put { name, budget });
    (0_u8..3, prop_oneof![4 => put, 1 => Just(Act::Archive)])
}

async fn watched(world: &World) -> Watched {
    world.stack.tables().registry.watched(&OrgId::new("acme").unwrap()).await.unwrap()
}

async fn check(acts: Vec<(u8, Act)>) {
    let world = World::new().await;
    let caller = world.caller("acme");
    let mut expected: BTreeMap<String, u8> = BTreeMap::new();
    let mut tokens: BTreeMap<String, String> = BTreeMap::new();
    for (agent, act) in acts {
        let id_of_act = format!("a/{agent}");
        let path = format!("/api/agents/a%2F{agent}");
        let before = expected.get(&id_of_act).copied();
        match &act {
            Act::Put { name, budget } => {
                let body = json!({ "name": format!("Name {name}"), "cost_budget_monthly": budget });
                caller.put(&path, &body).await;
                match budget {
                    Some(budget) => drop(expected.insert(id_of_act.clone(), *budget)),
                    None => drop(expected.remove(&id_of_act)),
                }
            }
            // An archived agent keeps its budget, since its costs still have to be paid.
            Act::Archive => drop(caller.send(http::Method::DELETE, &path, &[], "").await),
        }
        let watched = watched(&world).await;
        let found =
            watched.agents.iter().map(|budget| (budget.agent.to_string(), budget.monthly.to_string()));
        let wanted = expected.iter().map(|(id, budget)| (id.clone(), format!("{budget}.00")));
        assert_eq!(found.collect::<Vec<_>>(), wanted.collect::<Vec<_>>(), "{act:?}");
        for budget in &watched.agents {
            let (id, token) = (budget.agent.to_string(), budget.token.clone());
            // The token changes with the amount and with nothing else.
            let changed = id == id_of_act && before != expected.get(&id).copied();
            if let Some(old) = tokens.insert(id, token.clone()) {
                assert_eq!(old != token, changed, "{act:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]
    #[test]
    fn agent_budgets_match_the_settings_of_their_agents(acts in prop::collection::vec(act(), 1..15)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(acts));
    }
}

#[tokio::test]
async fn one_query_reads_everything_a_run_needs_and_nothing_else() {
    let world = World::new().await;
    let caller = world.caller("acme");
    for (path, body) in [
        ("/api/organization", json!({ "name": "Acme" })),
        ("/api/agents/nova", json!({ "cost_budget_monthly": "1.50" })),
        ("/api/agents/BUDGET", json!({ "name": "No budget" })),
        ("/api/projects/site", json!({ "name": "Site" })),
        ("/api/budget", json!({ "thresholds": [7] })),
        ("/api/alerts/destinations/ops", json!({ "url": "https://hooks.example/x" })),
        ("/v1/billing/subscription", json!({ "plan_name": "Team" })),
    ] {
        caller.put(path, &body).await;
    }
    let Watched { budget, agents, rules: alert_rules, crossed, destinations, due } = watched(&world).await;
    let (rules, _) = budget.unwrap();
    assert_eq!((rules.monthly, rules.thresholds), (None, vec![7]));
    let agents: Vec<_> = agents.iter().map(|budget| format!("{} {}", budget.agent, budget.monthly)).collect();
    assert_eq!(agents, ["nova 1.50"]);
    let destinations: Vec<_> = destinations.keys().map(ToString::to_string).collect();
    assert_eq!(destinations, ["ops"]);
    assert!(alert_rules.is_empty() && crossed.is_empty() && due.is_empty());
}
