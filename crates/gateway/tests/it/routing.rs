//! Where requests go: the caller's route, the key's, and strategies.

mod circuits;

use gateway::auth::Scope;
use gateway::db::keys::KeyTerms;
use planner::strategy::{Priorities, Priority, Strategy};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{GENERATIONS, Reply, TestGateway, micros, send, with};

/// A request that three providers serve; by price they are OpenAI, fal (as much, and later in the catalogue), Replicate.
fn body(fields: Value) -> Value {
    let plain = json!({ "model": "gpt-image-1.5", "prompt": "dunes at noon", "quality": "low", "size": "1024x1024", "response_format": "b64_json" });
    with(plain, fields)
}

fn routed(route: Value) -> Value {
    body(json!({ "route": route }))
}

fn faulty(model: &str, switches: &str) -> Value {
    body(json!({ "model": model, "prompt": format!("dunes at noon {switches}") }))
}

/// Who was tried, in order, and who of them failed why.
fn tried(answer: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let attempts = answer["metadata"]["attempts"].as_array().expect("attempts");
    let one = |attempt: &Value| {
        (
            text(&attempt["provider"]),
            attempt.get("code").map_or_else(|| "ok".to_owned(), text),
        )
    };
    attempts.iter().map(one).collect()
}

fn expected(list: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(provider, code): &(&str, &str)| ((*provider).to_owned(), (*code).to_owned());
    list.iter().map(owned).collect()
}

async fn asked(gateway: &TestGateway, query: &str, body: &Value) -> Value {
    let request = gateway.request(Method::POST, &format!("{GENERATIONS}?{query}=true"));
    send(request.json(body)).await.ok()
}

/// The providers of a plan in their order.
async fn planned(gateway: &TestGateway, body: &Value) -> Vec<String> {
    let plan = asked(gateway, "dryRun", body).await;
    let candidates = plan["candidates"].as_array().expect("candidates");
    let provider = |candidate: &Value| candidate["provider"].as_str().expect("an id").to_owned();
    candidates.iter().map(provider).collect()
}

async fn served(gateway: &TestGateway, body: Value) -> Vec<(String, String)> {
    tried(&gateway.generate(body).await.ok())
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_a_route_are_told_with_all_others() {
    let gateway = TestGateway::start().await;
    let route = json!({ "strategi": "cheapest", "strategy": "nearest", "only": ["openia"], "avoid": "fal", "max_price_usd": -1, "failover_on_content_policy": "yes" });
    let error = gateway
        .generate(body(json!({ "n": 99, "route": route })))
        .await
        .error(400, "INVALID_REQUEST");
    let faults = error["metadata"]["faults"].as_array().expect("all of them");
    let mut params: Vec<&str> = faults.iter().filter_map(|fault| fault["param"].as_str()).collect();
    params.sort_unstable();
    let all = [
        "n",
        "route",
        "route.avoid",
        "route.failover_on_content_policy",
        "route.max_price_usd",
        "route.only",
        "route.strategy",
    ];
    assert_eq!(params, all);
    let message = error["message"].as_str().expect("a message");
    for says in [
        "Did you mean 'strategy'?",
        "Did you mean 'openai'?",
        "balanced",
        "at least 0",
    ] {
        assert!(message.contains(says), "{says}: {message}");
    }
    for (route, param) in [
        (json!("cheapest"), "route"),
        (json!({ "only": [] }), "route.only"),
        (json!({ "max_price_usd": "1" }), "route.max_price_usd"),
    ] {
        gateway.generate(routed(route)).await.fault(param);
    }
    assert_eq!(gateway.upstream_calls().await.len(), 0);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_says_who_may_be_tried() {
    let gateway = TestGateway::start().await;
    assert_eq!(served(&gateway, routed(json!({}))).await, expected(&[("openai", "ok")]));
    assert_eq!(
        served(&gateway, routed(Value::Null)).await,
        expected(&[("openai", "ok")])
    );
    for (route, provider) in [
        (json!({ "only": ["replicate"] }), "replicate"),
        (json!({ "avoid": ["openai"] }), "fal"),
        (json!({ "only": ["replicate", "fal"], "avoid": ["xai"] }), "fal"),
    ] {
        assert_eq!(served(&gateway, routed(route)).await, expected(&[(provider, "ok")]));
    }
    // What the route leaves out is not tried for want of another either.
    let outage = with(
        routed(json!({ "only": ["fal"] })),
        json!({ "prompt": "dunes [[fault: status=401]]" }),
    );
    let error = gateway.generate(outage).await.error(502, "ALL_PROVIDERS_EXHAUSTED");
    assert_eq!(tried(&error), expected(&[("fal", "bad_credential")]));
    let calls = gateway.upstream_calls().await.len();
    for (route, says) in [
        (json!({ "only": ["fal"], "avoid": ["fal"] }), "fal is in 'route.avoid'"),
        (json!({ "only": ["xai"] }), "openai is not in 'route.only'"),
    ] {
        let error = gateway.generate(routed(route)).await.fault("route");
        let message = error["message"].as_str().expect("a message");
        assert!(
            message.contains(says) && message.contains("'gpt-image-1.5'"),
            "{message}"
        );
    }
    assert_eq!(gateway.upstream_calls().await.len(), calls, "nobody was asked");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_bounds_the_price_of_the_whole_request() {
    let gateway = TestGateway::start().await;
    let two = body(json!({ "n": 2 }));
    let plan = asked(&gateway, "dryRun", &two).await;
    let candidates = plan["candidates"].as_array().expect("candidates");
    let prices: Vec<i64> = candidates
        .iter()
        .filter_map(|one| one["total_cost_micros"].as_i64())
        .collect();
    assert!(prices[0] == prices[1] && prices[1] < prices[2], "{prices:?}");
    let at_most = |micros: i64| {
        with(
            two.clone(),
            json!({ "route": { "max_price_usd": micros as f64 / 1e6 } }),
        )
    };
    assert_eq!(
        planned(&gateway, &at_most(prices[0])).await,
        ["openai", "fal"],
        "just enough"
    );
    assert_eq!(planned(&gateway, &at_most(prices[2] - 1)).await, ["openai", "fal"]);
    assert_eq!(planned(&gateway, &at_most(prices[2])).await.len(), 3);
    let refused = gateway
        .generate(at_most(prices[0] - 1))
        .await
        .fault("route.max_price_usd");
    let message = refused["message"].as_str().expect("a message");
    assert!(
        message.contains("the cheapest provider, openai, would cost up to"),
        "{message}"
    );
    let answer = gateway.generate(at_most(prices[0])).await.ok();
    assert!(micros(&answer["metadata"]["cost"]) <= prices[0]);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forced_provider_has_no_way_around_the_route() {
    let gateway = TestGateway::start().await;
    let forced = |route: Value| with(routed(route), json!({ "model": "fal/gpt-image-1.5" }));
    assert_eq!(
        served(&gateway, forced(json!({ "only": ["fal"] }))).await,
        expected(&[("fal", "ok")])
    );
    for route in [json!({ "only": ["openai"] }), json!({ "avoid": ["fal"] })] {
        gateway.generate(forced(route)).await.fault("route");
    }
    let dear = gateway.generate(forced(json!({ "max_price_usd": 0.000001 }))).await;
    dear.fault("route.max_price_usd");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_decides_what_follows_a_safety_block() {
    let gateway = TestGateway::start().await;
    let blocked = |route: Value| {
        let prompt = "dunes [[fault: provider=openai moderation]]";
        with(routed(route), json!({ "prompt": prompt }))
    };
    gateway
        .generate(blocked(json!({})))
        .await
        .error(400, "CONTENT_POLICY_VIOLATION");
    let opted_in = blocked(json!({ "failover_on_content_policy": true }));
    let both = expected(&[("openai", "content_policy"), ("fal", "ok")]);
    assert_eq!(served(&gateway, opted_in.clone()).await, both);
    gateway.finish().await;

    let gateway = TestGateway::with(|settings| settings.failover_on_content_policy = true).await;
    assert_eq!(served(&gateway, blocked(json!({}))).await, both);
    let opted_out = blocked(json!({ "failover_on_content_policy": false }));
    gateway.generate(opted_out).await.error(400, "CONTENT_POLICY_VIOLATION");
    gateway.finish().await;
}

/// Makes a key with this route over HTTP.
async fn key(gateway: &TestGateway, route: Value) -> String {
    let reply = send(
        gateway
            .request(Method::POST, "/v1/keys")
            .json(&json!({ "route": route })),
    )
    .await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    reply.json()["key"].as_str().expect("a secret").to_owned()
}

async fn by(gateway: &TestGateway, token: &str, body: Value) -> Reply {
    let request = gateway.anonymous(Method::POST, GENERATIONS).bearer_auth(token);
    send(request.json(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keys_route_holds_where_the_request_says_nothing() {
    let gateway = TestGateway::start().await;
    let token = key(&gateway, json!({ "only": ["fal"], "max_price_usd": 1 })).await;
    let provider = async |fields: Value| {
        let answer = by(&gateway, &token, body(fields)).await.ok();
        answer["metadata"]["provider"].as_str().expect("an id").to_owned()
    };
    assert_eq!(provider(json!({})).await, "fal");
    assert_eq!(
        provider(json!({ "route": { "strategy": "cheapest" } })).await,
        "fal",
        "its other wishes stay"
    );
    assert_eq!(
        provider(json!({ "route": { "only": ["replicate"] } })).await,
        "replicate"
    );
    let forced = body(json!({ "model": "openai/gpt-image-1.5" }));
    by(&gateway, &token, forced).await.fault("route");
    let dear = body(json!({ "route": { "max_price_usd": 0.000001 } }));
    by(&gateway, &token, dear).await.fault("route.max_price_usd");
    // Unlike a route, a key's list of providers binds whatever the request says.
    let terms = KeyTerms {
        providers: vec!["fal".to_owned()],
        ..KeyTerms::default()
    };
    let bound = gateway.new_key_with(&[Scope::Generate], terms).await;
    let elsewhere = routed(json!({ "only": ["replicate"] }));
    let reply = by(&gateway, &bound.token, elsewhere).await;
    assert!(reply.status.is_client_error(), "{}", reply.text());
    gateway.finish().await;
}

/// Replicate before fal, and OpenAI in no group.
fn priorities() -> Priorities {
    let entry = |provider: &str, group| (provider.to_owned(), Priority { group, weight: 1 });
    Priorities([entry("replicate", 1), entry("fal", 2)].into_iter().collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn strategies_are_the_operators_the_keys_and_the_requests() {
    let gateway = TestGateway::with(|settings| settings.priorities = priorities()).await;
    let by_price = ["openai", "fal", "replicate"];
    let by_group = ["replicate", "fal", "openai"];
    assert_eq!(planned(&gateway, &body(json!({}))).await, by_price);
    let by_wish = routed(json!({ "strategy": "priority" }));
    assert_eq!(planned(&gateway, &by_wish).await, by_group);
    let explanation = asked(&gateway, "explain", &by_wish).await;
    assert_eq!(explanation["strategy"], "priority");
    let reason = explanation["offers"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("group 1 of the operator"), "{reason}");
    let token = key(&gateway, json!({ "strategy": "priority" })).await;
    let answer = by(&gateway, &token, body(json!({}))).await.ok();
    assert_eq!(answer["metadata"]["provider"], "replicate");
    let answer = by(&gateway, &token, routed(json!({ "strategy": "cheapest" })))
        .await
        .ok();
    assert_eq!(
        answer["metadata"]["provider"], "openai",
        "the request goes before its key"
    );
    gateway.finish().await;

    let gateway = TestGateway::with(|settings| {
        settings.priorities = priorities();
        settings.strategy = Strategy::Priority;
    })
    .await;
    assert_eq!(planned(&gateway, &body(json!({}))).await, by_group);
    assert_eq!(
        planned(&gateway, &routed(json!({ "strategy": "cheapest" }))).await,
        by_price
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn balanced_plans_are_drawn() {
    let gateway = TestGateway::start().await;
    let balanced = routed(json!({ "strategy": "balanced" }));
    let explanation = asked(&gateway, "explain", &balanced).await;
    for offer in explanation["offers"].as_array().expect("offers") {
        let reason = offer["reason"].as_str().expect("a reason");
        assert!(reason.contains("with a chance of"), "{reason}");
    }
    let mut first = std::collections::BTreeSet::new();
    // Each may be first, if seldom: the dearest costs a few times the cheapest.
    for _ in 0..400 {
        first.insert(planned(&gateway, &balanced).await.swap_remove(0));
        if first.len() > 1 {
            break;
        }
    }
    assert!(first.len() > 1, "always {first:?}");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fastest_is_known_by_its_successes() {
    let gateway = TestGateway::start().await;
    let fastest = routed(json!({ "strategy": "fastest" }));
    let reason = async |provider: &str| {
        let explanation = asked(&gateway, "explain", &fastest).await;
        let mut offers = explanation["offers"].as_array().expect("offers").iter();
        let offer = offers.find(|offer| offer["provider"] == provider).expect("an offer");
        offer["reason"].as_str().expect("a reason").to_owned()
    };
    assert!(reason("fal").await.contains("peed is"), "{}", reason("fal").await);
    for _ in 0..3 {
        gateway.generate(faulty("fal/gpt-image-1.5", "")).await.ok();
    }
    assert!(
        reason("fal").await.contains("ms to a success"),
        "{}",
        reason("fal").await
    );
    // One in ten plans lets an unknown one go first, so that it becomes known.
    let mut first = 0;
    for _ in 0..100 {
        first += usize::from(planned(&gateway, &fastest).await[0] == "fal");
    }
    assert!(first > 60, "the known one was first in {first} of 100 plans");
    gateway.finish().await;
}
