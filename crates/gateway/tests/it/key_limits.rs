//! What is set for a key over HTTP really binds it: budgets, models, rates, generations at one time, its end.

use reqwest::Method;
use serde_json::{Value, json};

use super::hang_up::until_upstream_is_called;
use super::harness::{GENERATIONS, Key, Reply, TestGateway, send, small, with};

const DAY_S: i64 = 86_400;
/// Statements of one request whose bytes go out alone: begun with money, postings and call; ended with the same, times and delivery.
const STATEMENTS_MAX: u32 = 15;

/// A request whose price is flat, $0.02 by its provider's list.
fn flat() -> Value {
    json!({ "model": "xai/grok-imagine-image", "prompt": "a red kite", "size": "1024x1024" })
}

fn free() -> Value {
    json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" })
}

fn is_over_budget(reply: &Reply, budget: &str, left: &str) {
    let error = reply.error(402, "BUDGET_EXCEEDED");
    let expected = format!("The budget of this API key ({budget}) is exceeded: $0.02 required, {left} available");
    assert_eq!(
        (&error["message"], &error["type"]),
        (&json!(expected), &json!("insufficient_quota"))
    );
    assert_eq!(reply.header("x-should-retry"), "false");
}

#[tokio::test(flavor = "multi_thread")]
async fn budgets_bind_until_they_are_raised_or_their_day_or_month_is_over() {
    let gateway = TestGateway::start().await;
    let key = Key::made(
        &gateway,
        &json!({ "budget": { "total_usd": 0.11, "day_usd": 0.03, "month_usd": 0.05 } }),
    )
    .await;
    key.generate(&gateway, &flat()).await.ok();
    assert_eq!(
        key.spent(&gateway).await,
        json!({ "total_usd": 0.02, "day_usd": 0.02, "month_usd": 0.02 })
    );
    is_over_budget(&key.generate(&gateway, &flat()).await, "day_usd", "$0.01");
    key.generate(&gateway, &free()).await.ok();
    gateway.clock.advance_s(DAY_S);
    assert_eq!(
        key.spent(&gateway).await,
        json!({ "total_usd": 0.02, "day_usd": 0.0, "month_usd": 0.02 })
    );
    key.generate(&gateway, &flat()).await.ok();
    gateway.clock.advance_s(DAY_S);
    is_over_budget(&key.generate(&gateway, &flat()).await, "month_usd", "$0.01");
    gateway.clock.advance_s(31 * DAY_S);
    key.generate(&gateway, &flat()).await.ok();
    assert_eq!(
        key.spent(&gateway).await,
        json!({ "total_usd": 0.06, "day_usd": 0.02, "month_usd": 0.02 })
    );
    key.change(
        &gateway,
        json!({ "budget": { "total_usd": 0.06, "day_usd": null, "month_usd": null } }),
    )
    .await;
    is_over_budget(&key.generate(&gateway, &flat()).await, "total_usd", "$0");
    key.change(&gateway, json!({ "budget": null })).await;
    key.generate(&gateway, &flat()).await.ok();
    assert_eq!(gateway.bill().await.len(), 4);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_uses_the_models_that_it_may() {
    let gateway = TestGateway::start().await;
    let key = Key::made(&gateway, &json!({ "models": ["mock-image", "grok-imagine-image"] })).await;
    let refused = key.generate(&gateway, &small("gpt-image-2")).await;
    let error = refused.error(403, "PERMISSION_DENIED");
    assert_eq!(error["param"], "model");
    let message = "This API key may not use the model 'gpt-image-2'. Its models: mock-image, grok-imagine-image";
    assert_eq!(error["message"], message);
    key.generate(&gateway, &flat()).await.ok();
    key.change(&gateway, json!({ "models": ["gpt-image-2"] })).await;
    key.generate(&gateway, &free()).await.error(403, "PERMISSION_DENIED");
    key.change(&gateway, json!({ "models": null })).await;
    key.generate(&gateway, &free()).await.ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_served_by_the_providers_that_it_may_use() {
    let gateway = TestGateway::start().await;
    let key = Key::made(&gateway, &json!({ "providers": ["replicate"] })).await;
    let served = key.generate(&gateway, &small("flux1.1-pro")).await.ok();
    assert_eq!(served["metadata"]["provider"], "replicate");
    let refused = key.generate(&gateway, &flat()).await;
    let error = refused.error(403, "PERMISSION_DENIED");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("may use none of the providers")),
        "{error}"
    );
    key.change(&gateway, json!({ "providers": ["xai"] })).await;
    key.generate(&gateway, &flat()).await.ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keys_route_holds_where_a_request_says_nothing() {
    let gateway = TestGateway::start().await;
    let key = Key::made(
        &gateway,
        &json!({ "route": { "only": ["replicate"], "max_price_usd": 0.05 } }),
    )
    .await;
    let body = small("flux1.1-pro");
    let served = key.generate(&gateway, &body).await.ok();
    assert_eq!(served["metadata"]["provider"], "replicate");
    let mut own = body.clone();
    own["route"] = json!({ "only": ["fal"] });
    assert_eq!(key.generate(&gateway, &own).await.ok()["metadata"]["provider"], "fal");
    key.change(&gateway, json!({ "route": { "max_price_usd": 0.01 } }))
        .await;
    key.generate(&gateway, &body).await.fault("route.max_price_usd");
    key.change(&gateway, json!({ "route": null })).await;
    key.generate(&gateway, &flat()).await.ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_past_the_rate_wait_for_their_turn() {
    let gateway = TestGateway::embedded().await;
    let key = Key::made(&gateway, &json!({ "rate_limit": { "requests_per_minute": 2 } })).await;
    key.generate(&gateway, &free()).await.ok();
    key.generate(&gateway, &free()).await.ok();
    let refused = key.generate(&gateway, &free()).await;
    let error = refused.error(429, "RATE_LIMITED");
    assert_eq!(error["message"], "This API key may make 2 requests a minute.");
    assert_eq!(
        (refused.header("retry-after"), refused.header("x-should-retry")),
        ("30", "true")
    );
    gateway.clock.advance_s(29);
    assert_eq!(key.generate(&gateway, &free()).await.header("retry-after"), "1");
    gateway.clock.advance_s(1);
    key.generate(&gateway, &free()).await.ok();
    key.generate(&gateway, &free()).await.error(429, "RATE_LIMITED");
    key.change(&gateway, json!({ "rate_limit": null })).await;
    key.generate(&gateway, &free()).await.ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_takes_a_turn_and_a_replay_takes_none() {
    let gateway = TestGateway::embedded().await;
    let key = Key::made(&gateway, &json!({ "rate_limit": { "requests_per_minute": 2 } })).await;
    let wrong = json!({ "model": "mock-image", "prompt": "dunes", "quality": "perfect" });
    key.generate(&gateway, &wrong).await.fault("quality");
    for _ in 0..3 {
        let request = gateway.anonymous(Method::POST, GENERATIONS).bearer_auth(&key.token);
        send(request.header("idempotency-key", "one").json(&free())).await.ok();
    }
    key.generate(&gateway, &free()).await.error(429, "RATE_LIMITED");
    gateway.finish().await;
}

/// What requests cost the database each, on the average of some: statements and commits. A sign of life a second is in it.
async fn written(gateway: &TestGateway, key: &Key, body: &Value) -> (f64, f64) {
    const COUNT: u32 = 20;
    let before = gateway.database.written();
    for _ in 0..COUNT {
        key.generate(gateway, body).await.ok();
    }
    let after = gateway.database.written();
    let of_one = |before: u64, after: u64| (after - before) as f64 / f64::from(COUNT);
    (
        of_one(before.statements, after.statements),
        of_one(before.transactions, after.transactions),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_costs_few_writes_and_a_limit_by_the_minute_none() {
    // Signs of life, and what comes before or after the others.
    const MARGIN: f64 = 1.0;
    let gateway = TestGateway::embedded().await;
    let free_key = Key::made(&gateway, &json!({})).await;
    let limited = Key::made(&gateway, &json!({ "rate_limit": { "requests_per_minute": 60_000 } })).await;
    for (format, statements_max) in [
        ("b64_json", STATEMENTS_MAX),
        ("url", STATEMENTS_MAX + 1),
        ("both", STATEMENTS_MAX + 1),
    ] {
        let body = with(free(), json!({ "response_format": format }));
        let (statements, commits) = written(&gateway, &free_key, &body).await;
        // One before the call, one after it, and one for what nobody waits for: times, and that the answer arrived.
        assert!(commits <= 3.0 + MARGIN / 2.0, "{format}: {commits} commits");
        assert!(
            statements <= f64::from(statements_max) + MARGIN,
            "{format}: {statements} statements"
        );
        let (with_limit, commits) = written(&gateway, &limited, &body).await;
        assert!(
            with_limit <= statements + MARGIN,
            "{format}: {with_limit} statements with a limit, {statements} without"
        );
        assert!(
            commits <= 3.0 + MARGIN / 2.0,
            "{format} with a limit: {commits} commits"
        );
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn generations_at_one_time_are_as_many_as_set() {
    let gateway = TestGateway::start().await;
    let key = Key::made(&gateway, &json!({ "rate_limit": { "concurrent": 1 } })).await;
    let slow = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes [[fault: delay=1s]]", "quality": "low" });
    let first = async { key.generate(&gateway, &slow).await.ok() };
    let second = async {
        until_upstream_is_called(&gateway, 1).await;
        let refused = key.generate(&gateway, &free()).await;
        let error = refused.error(429, "RATE_LIMITED");
        assert_eq!(
            error["message"],
            "This API key may have 1 generations under way at one time."
        );
        assert_eq!(
            (refused.header("retry-after"), refused.header("x-should-retry")),
            ("1", "true")
        );
    };
    tokio::join!(first, second);
    key.generate(&gateway, &free()).await.ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_key_works_again_when_its_end_is_moved() {
    let gateway = TestGateway::embedded().await;
    let key = Key::made(&gateway, &json!({ "expires_at": "2026-08-15T12:01:00Z" })).await;
    gateway.clock.advance_s(59);
    key.generate(&gateway, &free()).await.ok();
    gateway.clock.advance_s(1);
    let error = key
        .generate(&gateway, &free())
        .await
        .error(401, "AUTHENTICATION_FAILED");
    assert_eq!(error["message"], "This API key has expired.");
    assert_eq!(gateway.get(&key.path).await.ok()["status"], "expired");
    key.change(&gateway, json!({ "expires_at": "2026-08-15T13:00:00Z" }))
        .await;
    key.generate(&gateway, &free()).await.ok();
    assert_eq!(gateway.get(&key.path).await.ok()["status"], "active");
    gateway.finish().await;
}
