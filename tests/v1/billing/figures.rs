//! Figures computed by hand.

use chrono::TimeDelta;
use serde_json::json;

use super::call;
use crate::support::events::event;
use crate::support::{World, noon};

#[tokio::test]
async fn an_empty_organization_has_no_plan_and_zeros() {
    let world = World::new().await;
    let caller = world.caller("acme");
    assert_eq!(
        caller.get("/v1/billing").await,
        json!({
            "plan": {
                "api_call_limit": 10_000,
                "billing_cycle": "monthly",
                "conversation_limit": 1_000,
                "current_period_end": "2026-10-01T00:00:00Z",
                "current_period_start": "2026-09-01T00:00:00Z",
                "instance_limit": 1,
                "max_sites_per_node": 25,
                "plan_name": "No Plan",
                "price_cents": 0,
                "product_name": "",
                "status": "none",
                "tier_id": "",
                "tier_slug": "",
                "token_allowance": 100_000,
                "trial_days_remaining": 0,
                "trial_ends_at": "",
            },
            "subscribed_tier_ids": [],
            "usage": {
                "active_instances": 0,
                "api_call_limit": 10_000,
                "conversation_limit": 1_000,
                "instance_limit": 1,
                "max_sites_per_node": 25,
                "platform_cost_usd": "0.00",
                "token_allowance": 100_000,
                "total_cost_usd": "0.00",
                "total_hosted_sites": 0,
                "total_requests": 0,
                "total_tokens": 0,
                "unique_end_users": 0,
                "unpriced_requests": 0,
                "webhost_nodes": 0,
            },
        })
    );
    assert_eq!(
        caller.get("/v1/billing/trial-status").await,
        json!({
            "plan_name": "No Plan",
            "status": "none",
            "trial_days_remaining": 0,
            "trial_ends_at": "",
            "trial_expired": false,
            "upgrade_url": "/billing",
        })
    );
    assert_eq!(
        caller.get("/v1/billing/usage").await,
        json!({
            "by_instance": [],
            "period_end": "2026-10-01T00:00:00Z",
            "period_start": "2026-09-01T00:00:00Z",
            "platform_cost_usd": "0.00",
            "token_allowance_monthly": 100_000,
            "token_usage_pct": 0,
            "total_cost_usd": "0.00",
            "total_requests": 0,
            "total_tokens": 0,
            "unique_end_users": 0,
            "unpriced_requests": 0,
        })
    );
}

#[tokio::test]
async fn a_changed_plan_is_shown_at_once() {
    let world = World::new().await;
    let caller = world.caller("acme");
    caller.get("/v1/billing").await;
    let plan = json!({
        "plan_name": "Pro", "product_name": "Fleet", "status": "trialing", "tier_id": "t-1", "tier_slug": "pro",
        "billing_cycle": "annual", "price_cents": 9_900, "token_allowance": 5_000, "api_call_limit": 1,
        "conversation_limit": 2, "instance_limit": 3, "max_sites_per_node": 4,
        "current_period_start": "2026-01-31T00:00:00Z", "current_period_end": "2027-01-31T00:00:00Z",
        "trial_ends_at": "2026-09-18T09:30:00.250Z", "subscribed_tier_ids": ["t-1", "t-2"],
    });
    caller.put("/v1/billing/subscription", &plan).await;
    let billing = caller.get("/v1/billing").await;
    let mut shown = plan.clone();
    shown.as_object_mut().unwrap().remove("subscribed_tier_ids");
    shown["trial_days_remaining"] = json!(3);
    assert_eq!(billing["plan"], shown);
    assert_eq!(billing["subscribed_tier_ids"], json!(["t-1", "t-2"]));
    for limit in
        ["api_call_limit", "conversation_limit", "instance_limit", "max_sites_per_node", "token_allowance"]
    {
        assert_eq!(billing["usage"][limit], plan[limit]);
    }
    let status = json!({
        "plan_name": "Pro", "status": "trialing", "trial_days_remaining": 3,
        "trial_ends_at": "2026-09-18T09:30:00.250Z", "trial_expired": false, "upgrade_url": "/billing",
    });
    assert_eq!(caller.get("/v1/billing/trial-status").await, status);
    // A trial past its end is expired until the organization pays.
    world.stack.clock().set(super::at("2026-09-18T09:30:00.250Z"));
    let expired = caller.get("/v1/billing/trial-status").await;
    assert_eq!((&expired["trial_days_remaining"], &expired["trial_expired"]), (&json!(0), &json!(true)));
    caller.put("/v1/billing/subscription", &json!({ "plan_name": "Pro", "status": "active" })).await;
    let paid = caller.get("/v1/billing/trial-status").await;
    assert_eq!((&paid["trial_expired"], &paid["trial_ends_at"]), (&json!(false), &json!("")));
}

#[tokio::test]
async fn usage_is_split_by_agent_and_by_key_source() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let time = noon();
    let own = json!({ "key_source": "byok", "cost_usd": "0.40" });
    let other = json!({ "input_tokens": 300, "cache_read_tokens": 500, "output_tokens": 400 });
    let unpriced = json!({ "model": "in-house", "input_tokens": 1_200, "output_tokens": 0 });
    caller
        .record(&[
            call("1", "nova", time, &json!({ "hostname": "eu-1" })),
            call("2", "nova", time, &own),
            call("3", "pulse", time, &other),
            call("4", "atlas", time, &unpriced),
            event("5", "task.completed", time, json!({ "agent_id": "idle" })),
        ])
        .await;
    caller.put("/api/agents/pulse", &json!({ "hostname": "us-1", "status": "paused" })).await;
    caller.put("/api/agents/unused", &json!({})).await;
    caller.put("/v1/billing/subscription", &json!({ "token_allowance": 3_200 })).await;
    let instance = |id: &str, host: &str, status: &str, figures: [u64; 4], cost: &str, share: u64| {
        let [requests, tokens_in, tokens_out, unpriced] = figures;
        json!({
            "instance_id": id, "hostname": host, "status": status, "requests": requests,
            "tokens": tokens_in + tokens_out, "tokens_in": tokens_in, "tokens_out": tokens_out,
            "cost_usd": cost, "pct_of_total": share, "unpriced_requests": unpriced,
        })
    };
    let mut usage = caller.get("/v1/billing/usage").await;
    let rows = usage["by_instance"].take();
    // 1,200 of 4,800 tokens are a quarter; ties are sorted by id.
    assert_eq!(rows[0], instance("nova", "eu-1", "online", [2, 2_000, 400, 0], "0.4016", 50));
    assert_eq!(rows[1], instance("atlas", "atlas", "online", [1, 1_200, 0, 1], "0.00", 25));
    assert_eq!(
        rows[2],
        // 300 × 0.80 + 500 × 0.08 + 400 × 4.00, per million.
        instance("pulse", "us-1", "paused", [1, 800, 400, 0], "0.00188", 25)
    );
    assert_eq!(rows.as_array().unwrap().len(), 3);
    assert_eq!(
        usage,
        json!({
            "by_instance": null,
            "period_end": "2026-10-01T00:00:00Z",
            "period_start": "2026-09-01T00:00:00Z",
            "platform_cost_usd": "0.00348",
            "token_allowance_monthly": 3_200,
            "token_usage_pct": 150,
            "total_cost_usd": "0.40348",
            "total_requests": 4,
            "total_tokens": 4_800,
            "unique_end_users": 0,
            "unpriced_requests": 1,
        })
    );
    let billing = caller.get("/v1/billing").await["usage"].take();
    assert_eq!((&billing["active_instances"], &billing["unpriced_requests"]), (&json!(3), &json!(1)));
    for name in ["platform_cost_usd", "total_cost_usd", "total_requests", "total_tokens", "unique_end_users"]
    {
        assert_eq!(billing[name], usage[name], "{name}");
    }
}

#[tokio::test]
async fn an_end_user_counts_once_across_days() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let day = TimeDelta::days(1);
    let served = |id: usize, user: &str, days: i32| {
        call(&id.to_string(), "nova", noon() - day * days, &json!({ "end_user": user }))
    };
    let mut calls: Vec<_> = (0..300).map(|i| served(i, &format!("user-{}", i % 150), 0)).collect();
    calls.extend(
        (0..300).map(|i| served(1_000 + i, &format!("user-{}", i % 75), i32::try_from(i % 14).unwrap())),
    );
    // The last day of August, and a user of another organization.
    calls.extend((0..5).map(|i| served(2_000 + i, &format!("august-{i}"), 15)));
    caller.record(&calls).await;
    world.caller("other").record(&[served(1, "someone-else", 0)]).await;
    let users = async || {
        let billing = caller.get("/v1/billing").await;
        let usage = caller.get("/v1/billing/usage").await;
        assert_eq!(billing["usage"]["unique_end_users"], usage["unique_end_users"]);
        usage["unique_end_users"].clone()
    };
    assert_eq!(users().await, 150);
    let from =
        |start: &str| json!({ "current_period_start": start, "current_period_end": "2026-09-16T00:00:00Z" });
    caller.put("/v1/billing/subscription", &from("2026-08-31T00:00:00Z")).await;
    assert_eq!(users().await, 155);
    caller.put("/v1/billing/subscription", &from("2026-09-02T00:00:00Z")).await;
    assert_eq!(users().await, 150);
    caller.put("/v1/billing/subscription", &from("1970-01-01T00:00:00Z")).await;
    assert_eq!(users().await, 155);
}

#[tokio::test]
async fn a_node_is_alive_for_a_day_after_its_last_report() {
    let world = World::new().await;
    let caller = world.caller("acme");
    let report = |id: &str, node: &str, milliseconds: i64, sites: u64| {
        let time = noon() - TimeDelta::milliseconds(milliseconds);
        event(id, "host.report", time, json!({ "node_id": node, "hosted_sites": sites }))
    };
    let day = 24 * 60 * 60 * 1000;
    caller
        .record(&[
            report("1", "a", 2_000, 14),
            // Sent later, but about an earlier time.
            report("2", "a", 3_000, 99),
            report("3", "b", day, 9),
            report("4", "c", day + 1, 7),
            // Sent by a clock that runs ahead.
            report("5", "d", -60_000, 0),
        ])
        .await;
    world.caller("other").record(&[report("1", "e", 0, 1_000)]).await;
    let usage = caller.get("/v1/billing").await["usage"].take();
    assert_eq!((&usage["webhost_nodes"], &usage["total_hosted_sites"]), (&json!(3), &json!(23)));
}
