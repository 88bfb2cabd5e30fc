//! `GET /v1/usage`: what was spent, in groups whose parts come to the charges of the requests.

use gateway::auth::Scope;
use planner::money::Micros;
use reqwest::Method;
use serde_json::{Value, json};

use super::exports::{many, pictor, written};
use super::harness::{GENERATIONS, TestGateway, micros, names, send};
use super::requests::other_account;

fn rows(usage: &Value) -> Vec<Value> {
    usage["data"].as_array().cloned().expect("a list")
}

/// The sum of one field of all rows.
fn sum(usage: &Value, field: &str) -> i64 {
    rows(usage)
        .iter()
        .map(|row| row[field].as_i64().expect("a number"))
        .sum()
}

/// The cost of all requests as the list tells it.
async fn charged(gateway: &TestGateway) -> i64 {
    let listed = gateway.get("/v1/requests?limit=100").await.ok();
    let costs = listed["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["cost"]);
    costs.filter(|cost| !cost.is_null()).map(micros).sum()
}

/// Makes one image, for a price that is the same each time.
async fn make(gateway: &TestGateway, user: &str) -> i64 {
    let price = micros(&gateway.generate(one("fal/gpt-image-1-mini", user)).await.ok()["metadata"]["cost"]);
    assert!(price > 0);
    price
}

/// An amount as answers tell it.
fn dollars(amount_micros: i64) -> f64 {
    amount_micros as f64 / 1e6
}

fn one(model: &str, user: &str) -> Value {
    json!({ "model": model, "prompt": "dunes", "quality": "low", "size": "1024x1024", "response_format": "b64_json", "user": user })
}

#[tokio::test(flavor = "multi_thread")]
async fn spending_is_told_by_day_unless_something_else_is_asked_for() {
    let gateway = TestGateway::start().await;
    gateway.clock.set("2026-08-14T23:59:59Z");
    let price = make(&gateway, "ann").await;
    gateway.clock.set("2026-08-15T00:00:00Z");
    for _ in 0..2 {
        assert_eq!(make(&gateway, "bob").await, price);
    }
    gateway
        .generate(json!({ "model": "mock-image", "prompt": "dunes", "n": 0 }))
        .await
        .fault("n");
    let usage = gateway.get("/v1/usage").await.ok();
    assert_eq!(
        usage,
        json!({
            "object": "usage", "group_by": ["day"], "created_after": null, "created_before": null, "currency": "usd",
            "data": [
                { "day": "2026-08-15", "requests": 3, "completed": 2, "cost": dollars(2 * price), "cost_micros": 2 * price },
                { "day": "2026-08-14", "requests": 1, "completed": 1, "cost": dollars(price), "cost_micros": price },
            ],
            "totals": { "requests": 4, "completed": 3, "cost": dollars(3 * price), "cost_micros": 3 * price },
            "truncated": false,
        })
    );
    let users = gateway.get("/v1/usage?group_by=user").await.ok();
    let told: Vec<(Value, i64)> = rows(&users)
        .iter()
        .map(|row| (row["user"].clone(), row["cost_micros"].as_i64().expect("a number")))
        .collect();
    assert_eq!(
        told,
        [(json!("bob"), 2 * price), (json!("ann"), price), (Value::Null, 0)]
    );
    for (query, micros) in [
        ("created_after=2026-08-15", 2 * price),
        ("created_before=2026-08-14", price),
        (
            "created_after=2026-08-14T23:59:59Z&created_before=2026-08-14T23:59:59Z",
            price,
        ),
        ("created_after=2026-08-16", 0),
        ("key_id=nobody", 0),
    ] {
        let usage = gateway.get(&format!("/v1/usage?{query}")).await.ok();
        assert_eq!(usage["totals"]["cost_micros"], micros, "{query}");
        assert_eq!(sum(&usage, "cost_micros"), micros, "{query}");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_of_every_kind_come_to_what_the_requests_cost() {
    let gateway = TestGateway::start().await;
    let second = gateway.new_key(&[Scope::Generate], None).await;
    for (model, user) in [
        ("fal/gpt-image-1-mini", "ann"),
        ("openai/gpt-image-1-mini", "bob"),
        ("fal/flux.1-schnell", "ann"),
    ] {
        gateway.generate(one(model, user)).await.ok();
        gateway.clock.advance_s(20_000);
    }
    let by_second = gateway.anonymous(Method::POST, GENERATIONS).bearer_auth(&second.token);
    let answer = send(by_second.json(&one("fal/gpt-image-1-mini", "ann"))).await.ok();
    let price = micros(&answer["metadata"]["cost"]);
    gateway
        .generate(json!({ "model": "no-such-model", "prompt": "dunes" }))
        .await
        .error(404, "MODEL_NOT_FOUND");
    let charged = charged(&gateway).await;
    assert_eq!(gateway.billed_micros().await, charged);
    for groups in [
        "day",
        "model",
        "provider",
        "key_id",
        "user",
        "day,model",
        "provider,user",
        "key_id,provider,model,day,user",
    ] {
        let usage = gateway.get(&format!("/v1/usage?group_by={groups}")).await.ok();
        assert_eq!(sum(&usage, "cost_micros"), charged, "{groups}");
        assert_eq!((sum(&usage, "requests"), sum(&usage, "completed")), (5, 4), "{groups}");
        assert_eq!(usage["totals"]["cost_micros"], charged, "{groups}");
        assert_eq!(usage["group_by"], json!(groups.split(',').collect::<Vec<_>>()));
        let mut fields: Vec<&str> = groups
            .split(',')
            .chain(["requests", "completed", "cost", "cost_micros"])
            .collect();
        fields.sort_unstable();
        for row in rows(&usage) {
            assert_eq!(names(&row), fields);
            assert_eq!(micros(&row["cost"]), row["cost_micros"].as_i64().expect("a number"));
        }
    }
    let keys = gateway
        .get(&format!("/v1/usage?group_by=key_id&key_id={}", second.row.id))
        .await
        .ok();
    assert_eq!(
        keys["data"],
        json!([{ "key_id": second.row.id, "requests": 1, "completed": 1, "cost": dollars(price), "cost_micros": price }])
    );
    let repeated = gateway.get("/v1/usage?group_by=day&group_by=model").await.ok();
    assert_eq!(repeated["group_by"], json!(["day", "model"]));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_provider_of_one_request_has_its_own_part() {
    let gateway = TestGateway::start().await;
    // Ten images are calls of four, four and two at fal. Two of them fail there; of these, one is refused at the next
    // provider, too: what comes is from two providers and not all of it.
    gateway
        .fault(json!({ "provider": "fal", "fault": { "status": 500 }, "times": 2 }))
        .await;
    gateway
        .fault(json!({ "provider": "replicate", "fault": { "moderation": true }, "times": 1 }))
        .await;
    let body = json!({ "model": "flux.1-schnell", "prompt": "a calm sea", "n": 10, "size": "512x512", "response_format": "b64_json" });
    let reply = gateway.generate(body).await;
    let metadata = reply.ok()["metadata"].clone();
    assert!(
        metadata["errors"].as_array().is_some_and(|errors| !errors.is_empty()),
        "some are missing: {metadata}"
    );
    let images = metadata["images"].as_array().cloned().expect("a list");
    let part = |provider: &str| {
        let own = images.iter().filter(|image| image["provider"] == provider);
        own.map(|image| micros(&image["cost"])).sum::<i64>()
    };
    assert!(part("fal") > 0 && part("replicate") > 0, "{images:?}");
    let usage = gateway.get("/v1/usage?group_by=provider").await.ok();
    for row in rows(&usage) {
        let provider = row["provider"].as_str().expect("a provider");
        assert_eq!(row["cost_micros"], part(provider), "{provider}");
        assert_eq!(
            (&row["requests"], &row["completed"]),
            (&json!(1), &json!(1)),
            "{provider}"
        );
    }
    assert_eq!(rows(&usage).len(), 2);
    let cost = micros(&metadata["cost"]);
    assert_eq!(sum(&usage, "cost_micros"), cost);
    assert_eq!(
        usage["totals"],
        json!({ "requests": 1, "completed": 1, "cost": metadata["cost"], "cost_micros": cost })
    );
    assert_eq!(charged(&gateway).await, cost);
    let attempts = gateway.recorded(&reply.id()).await["attempts"]
        .as_array()
        .cloned()
        .expect("a list");
    let parts = attempts.iter().filter(|attempt| !attempt["cost"].is_null());
    assert_eq!(parts.map(|attempt| micros(&attempt["cost"])).sum::<i64>(), cost);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn past_a_thousand_groups_the_rest_is_in_the_totals_only() {
    let gateway = TestGateway::embedded().await;
    many(&gateway, 1_001).await;
    let usage = gateway.get("/v1/usage?group_by=user").await.ok();
    assert_eq!((&usage["truncated"], rows(&usage).len()), (&json!(true), 1_000));
    assert_eq!(usage["totals"]["requests"], 1_001);
    let newer = gateway
        .clock
        .now()
        .checked_sub(jiff::SignedDuration::from_secs(99))
        .expect("a time");
    let usage = gateway
        .get(&format!("/v1/usage?group_by=user&created_after={newer}"))
        .await
        .ok();
    assert_eq!((&usage["truncated"], rows(&usage).len()), (&json!(false), 1_000));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_each_accounts_own() {
    let gateway = TestGateway::start().await;
    let other = other_account(&gateway, &[Scope::Generate, Scope::Read]).await;
    let request = gateway.anonymous(Method::POST, GENERATIONS).bearer_auth(&other);
    let answer = send(request.json(&one("fal/gpt-image-1-mini", "ann"))).await.ok();
    let price = micros(&answer["metadata"]["cost"]);
    assert!(price > 0);
    assert_eq!(gateway.get("/v1/usage").await.ok()["data"], json!([]));
    let own = send(gateway.anonymous(Method::GET, "/v1/usage").bearer_auth(&other))
        .await
        .ok();
    assert_eq!(own["totals"]["cost_micros"], price);
    assert_eq!(gateway.get("/v1/usage?account_id=other").await.ok(), own);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_grouped_is_refused_by_name() {
    let gateway = TestGateway::embedded().await;
    for (query, param, says) in [
        ("group_by=", "group_by", "legal: day, model, provider, key_id, user"),
        ("group_by=days", "group_by", "Did you mean 'day'?"),
        ("group_by=day,day", "group_by", "twice"),
        ("group_by=day,", "group_by", "legal"),
        ("created_after=soon", "created_after", "2026-01-31"),
        ("limit=5", "limit", "no parameter 'limit'"),
    ] {
        let error = gateway.get(&format!("/v1/usage?{query}")).await.fault(param);
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(says)),
            "{error}"
        );
    }
    let blind = gateway.new_key(&[Scope::Generate], None).await.token;
    let request = gateway.anonymous(Method::GET, "/v1/usage");
    send(request.bearer_auth(blind)).await.error(403, "PERMISSION_DENIED");
    send(gateway.anonymous(Method::GET, "/v1/usage"))
        .await
        .error(401, "AUTHENTICATION_FAILED");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_tells_what_was_spent() {
    let gateway = TestGateway::start().await;
    let cost = Micros(make(&gateway, "ann").await).to_string();
    let told = written(&pictor(&gateway, &["usage", "--by", "day,model"]).await);
    let cells: Vec<Vec<&str>> = told.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        cells,
        [
            vec!["DAY", "MODEL", "REQUESTS", "COMPLETED", "COST"],
            vec!["2026-08-15", "gpt-image-1-mini", "1", "1", &cost],
            vec!["total", "1", "1", &cost],
        ]
    );
    let nothing = written(
        &pictor(
            &gateway,
            &[
                "usage",
                "--since",
                "2026-08-16",
                "--until",
                "2026-08-17",
                "--key-id",
                "none",
            ],
        )
        .await,
    );
    assert_eq!(nothing.lines().count(), 2, "{nothing}");
    let refused = pictor(&gateway, &["usage", "--by", "month"]).await;
    assert!(!refused.status.success());
    gateway.finish().await;
}
