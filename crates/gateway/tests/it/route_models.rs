//! `route.models`: other models that serve when the one that was named cannot, and the best rated one first.

use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{GENERATIONS, TestGateway, send, with};

const NAMED: &str = "gpt-image-1.5";
const OTHER: &str = "flux.1-schnell";

fn body(fields: Value) -> Value {
    let plain = json!({ "model": NAMED, "prompt": "dunes at noon", "response_format": "b64_json", "route": { "models": [OTHER] } });
    with(plain, fields)
}

/// The models of a plan in their order, one after another.
async fn planned(gateway: &TestGateway, query: &str, body: &Value) -> (Value, Vec<String>) {
    let request = gateway.request(Method::POST, &format!("{GENERATIONS}?{query}=true"));
    let told = send(request.json(body)).await.ok();
    let list = if query == "dryRun" { "candidates" } else { "offers" };
    let all = told[list].as_array().expect("a list").iter();
    let tried = all.filter(|one| query == "dryRun" || !one["place"].is_null());
    let mut models: Vec<String> = tried
        .map(|one| one["model"].as_str().expect("an id").to_owned())
        .collect();
    models.dedup();
    (told, models)
}

#[tokio::test(flavor = "multi_thread")]
async fn another_model_serves_when_nobody_runs_the_one_that_was_named() {
    let gateway = TestGateway::embedded().await;
    let own = gateway.generate(body(json!({}))).await.ok();
    assert_eq!(own["metadata"]["model"], NAMED);
    let adjusted = |answer: &Value| {
        let all = answer["metadata"]["adjustments"].as_array().expect("a list").clone();
        all.into_iter().find(|one| one["parameter"] == "model")
    };
    assert_eq!(adjusted(&own), None);
    let (dry, models) = planned(&gateway, "dryRun", &body(json!({}))).await;
    assert_eq!(
        (dry["model"].as_str(), models),
        (Some(NAMED), vec![NAMED.to_owned(), OTHER.to_owned()])
    );
    let (explained, models) = planned(&gateway, "explain", &body(json!({}))).await;
    assert_eq!(models, [NAMED, OTHER]);
    let offers = explained["offers"].as_array().expect("a list");
    let first_of_other = offers.iter().find(|one| one["model"] == OTHER).expect("an offer");
    let reason = first_of_other["reason"].as_str().expect("a text");
    assert!(
        reason.contains("is asked when nobody gives an image of 'gpt-image-1.5'"),
        "{reason}"
    );

    let twice = body(json!({ "route": { "models": ["openai/gpt-image-1.5", "fal/gpt-image-1.5"] } }));
    let (dry, _) = planned(&gateway, "dryRun", &twice).await;
    let candidates = dry["candidates"].as_array().map(Vec::len);
    assert_eq!(candidates, Some(3), "each of its three offers once: {dry}");

    let outage = body(
        json!({ "prompt": "dunes [[fault: status=401 provider=openai]] [[fault: status=401 provider=fal]] [[fault: status=401 provider=replicate]]" }),
    );
    let served = gateway.generate(outage).await;
    assert_eq!(served.header("x-pictor-model").split('/').next_back(), Some(OTHER));
    let answer = served.ok();
    assert_eq!(answer["metadata"]["model"], OTHER);
    let adjustment = adjusted(&answer).expect("it is told");
    assert_eq!(
        (&adjustment["requested"], &adjustment["used"]),
        (&json!(NAMED), &json!(OTHER))
    );
    let id = answer["id"].as_str().expect("an id");
    let kept = gateway.get(&format!("/v1/requests/{id}")).await.ok();
    assert_eq!(kept["model"], OTHER, "the log counts it for the one that served");
    let plan: Vec<&str> = kept["plan"]
        .as_array()
        .expect("a plan")
        .iter()
        .filter_map(|one| one["model"].as_str())
        .collect();
    assert!(plan.contains(&NAMED) && plan.contains(&OTHER), "{plan:?}");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_model_serves_what_the_named_one_cannot_do() {
    let gateway = TestGateway::embedded().await;
    // Too dear, and a value that only the other one has.
    let cheap = body(json!({ "route": { "models": [OTHER], "max_price_usd": 0.004 } }));
    assert_eq!(gateway.generate(cheap).await.ok()["metadata"]["model"], OTHER);
    let neither = body(json!({ "route": { "models": [OTHER], "max_price_usd": 0.000001 } }));
    let error = gateway.generate(neither).await.fault("route.max_price_usd");
    assert!(
        error["message"].as_str().expect("a text").contains(NAMED),
        "the named one's reason: {error}"
    );
    gateway.generate(body(json!({ "prompt": null }))).await.fault("prompt");
    for (models, says) in [
        (json!(["flux.1-schnel"]), "Did you mean 'flux.1-schnell'?"),
        (json!("flux.1-schnell"), "must be a list of model ids"),
        (
            json!([OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER, OTHER]),
            "at most 8 are taken",
        ),
    ] {
        let error = gateway
            .generate(body(json!({ "route": { "models": models } })))
            .await
            .fault("route.models");
        assert!(error["message"].as_str().expect("a text").contains(says), "{error}");
    }
    let odd = body(json!({ "route": { "prefer": "price" } }));
    gateway.generate(odd).await.fault("route.prefer");
    let bound = json!({ "name": "bound", "scopes": ["generate"], "models": [NAMED] });
    let made = send(gateway.request(Method::POST, "/v1/keys").json(&bound)).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let key = made.json()["key"].as_str().expect("a key").to_owned();
    let refused = send(
        gateway
            .anonymous(Method::POST, GENERATIONS)
            .bearer_auth(key)
            .json(&body(json!({}))),
    )
    .await;
    refused.error(403, "PERMISSION_DENIED");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_best_rated_model_goes_first() {
    let gateway = TestGateway::embedded().await;
    let models = ["gpt-image-1-mini", OTHER, "recraft-v3"];
    super::arena::hang(&gateway, &models).await;
    let drawn = gateway
        .request(Method::POST, "/v1/arena/demo")
        .json(&json!({ "votes": 600 }));
    assert_eq!(send(drawn).await.status, 201);
    let board = gateway.get("/v1/arena/leaderboard").await.ok();
    let ranked: Vec<String> = board["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["model"].as_str().expect("an id").to_owned())
        .collect();
    assert_eq!(ranked.len(), 3);
    let (best, worst) = (&ranked[0], &ranked[2]);
    let preferred = |others: Value, named: &str| {
        with(
            body(json!({ "model": named })),
            json!({ "route": { "models": others, "prefer": "rating" } }),
        )
    };
    let ask = preferred(json!(["seedream-4", ranked[1], best]), worst);
    let (_, order) = planned(&gateway, "dryRun", &ask).await;
    let expected = [best.as_str(), &ranked[1], worst, "seedream-4"];
    assert_eq!(order, expected, "those without a rating come last");
    let answer = gateway.generate(ask).await.ok();
    assert_eq!(answer["metadata"]["model"], *best);
    let adjustment = &answer["metadata"]["adjustments"][0];
    assert_eq!(
        (&adjustment["parameter"], &adjustment["reason"]),
        (&json!("model"), &json!("the best rated of 'route.models'"))
    );
    let (_, order) = planned(&gateway, "dryRun", &preferred(json!([worst]), best)).await;
    assert_eq!(order, [best.as_str(), worst]);
    // Within a price, the best rated of those that it pays for.
    let mut prices = Vec::new();
    for model in &ranked {
        let alone = json!({ "model": model, "prompt": "dunes at noon" });
        let (told, _) = planned(&gateway, "dryRun", &alone).await;
        prices.push(told["total_cost_micros"].as_i64().expect("an amount"));
    }
    for limit in &prices {
        let paid = ranked.iter().zip(&prices).filter(|(_, price)| *price <= limit);
        let expected: Vec<&String> = paid.map(|(model, _)| model).collect();
        let route = json!({ "models": ranked, "prefer": "rating", "max_price_usd": *limit as f64 / 1e6 });
        let (_, order) = planned(&gateway, "dryRun", &body(json!({ "model": worst, "route": route }))).await;
        assert_eq!(order.iter().collect::<Vec<_>>(), expected, "up to {limit}");
    }
    gateway.finish().await;
}
