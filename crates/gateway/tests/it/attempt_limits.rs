//! Calls that take too long: others are asked meanwhile, the first image to come is delivered, and no caller pays twice.

use planner::failure::WhenMaybeBilled;
use serde_json::{Value, json};

use super::harness::{TestGateway, micros, until};

fn body(faults: &[&str]) -> Value {
    let switches: String = faults.iter().map(|fault| format!(" [[fault: {fault}]]")).collect();
    json!({ "model": "gpt-image-1.5", "prompt": format!("dunes{switches}"), "quality": "low", "size": "1024x1024",
        "output_format": "jpeg", "response_format": "b64_json" })
}

/// Attempts as (provider, outcome, code, spent).
fn told(list: &Value) -> Vec<[String; 4]> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |attempt: &Value| ["provider", "outcome", "code", "spent"].map(|name| text(&attempt[name]));
    list.as_array().expect("a list of attempts").iter().map(one).collect()
}

async fn with_limit(change: impl FnOnce(&mut gateway::settings::Settings)) -> TestGateway {
    TestGateway::with(|settings| {
        settings.limits.attempt_s = 1;
        change(settings);
    })
    .await
}

/// What the operator bears for a request, by its books.
async fn borne(gateway: &TestGateway, id: &str) -> i64 {
    let postings = gateway.get("/v1/accounts/default/postings?limit=100").await.ok();
    let postings = postings["data"].as_array().cloned().expect("a list of postings");
    let its = postings.iter().filter(|posting| posting["request_id"] == id);
    let entries = its.flat_map(|posting| posting["entries"].as_array().cloned().unwrap_or_default());
    let undelivered = entries.filter(|entry| entry["book"] == "undelivered");
    undelivered.map(|entry| micros(&entry["amount_usd"])).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_takes_too_long_is_overtaken_and_its_image_costs_the_operator() {
    let gateway = with_limit(|_| {}).await;
    let reply = gateway.generate(body(&["provider=openai delay=2500ms"])).await;
    let answer = reply.ok();
    let expected = [
        ["openai", "failed", "timed_out", "unknown"],
        ["fal", "succeeded", "", "yes"],
    ];
    assert_eq!(told(&answer["metadata"]["attempts"]), expected);
    assert_eq!(answer["metadata"]["provider"], "fal");
    assert_eq!(answer["metadata"]["errors"], json!(null), "{answer}");
    let id = reply.id();
    until("the late image on the books", async || {
        (borne(&gateway, &id).await > 0).then_some(())
    })
    .await;
    let bill = gateway.bill().await;
    let charged = |provider: &str| -> i64 {
        let its = bill.iter().filter(|entry| entry["provider"] == provider);
        its.filter_map(|entry| entry["micros"].as_i64()).sum()
    };
    assert_eq!(borne(&gateway, &id).await, charged("openai"));
    let recorded = gateway.recorded(&id).await;
    assert_eq!(recorded["cost"], answer["metadata"]["cost"], "the caller pays for one");
    assert!(micros(&recorded["cost"]) >= charged("fal"));
    let late = [
        ["openai", "failed", "undelivered", "yes"],
        ["fal", "succeeded", "", "yes"],
    ];
    assert_eq!(told(&recorded["attempts"]), late);
    let metrics = gateway.get("/metrics").await.text().to_owned();
    assert!(
        metrics.contains("pictor_undelivered_dollars_total{provider=\"openai\"}"),
        "{metrics}"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_image_to_come_is_delivered_whoever_made_it() {
    let gateway = with_limit(|_| {}).await;
    let faults = ["provider=openai delay=1800ms", "provider=fal delay=5s"];
    let reply = gateway.generate(body(&faults)).await;
    let answer = reply.ok();
    assert_eq!(answer["metadata"]["provider"], "openai");
    let expected = [
        ["openai", "succeeded", "", "yes"],
        ["fal", "failed", "timed_out", "unknown"],
    ];
    assert_eq!(told(&answer["metadata"]["attempts"]), expected);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_leave_to_pay_twice_a_slow_call_is_waited_for() {
    let gateway = with_limit(|settings| settings.when_maybe_billed = WhenMaybeBilled::Never).await;
    let answer = gateway.generate(body(&["provider=openai delay=1500ms"])).await.ok();
    assert_eq!(
        told(&answer["metadata"]["attempts"]),
        [["openai", "succeeded", "", "yes"]]
    );
    // A failure at the end of it is judged as ever.
    let faults = ["provider=openai delay=1500ms status=401"];
    let answer = gateway.generate(body(&faults)).await.ok();
    assert_eq!(answer["metadata"]["provider"], "fal");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_images_only_the_late_ones_are_asked_for_again() {
    let gateway = with_limit(|_| {}).await;
    let mut body = json!({ "model": "flux.1-schnell", "prompt": "dunes [[fault: provider=fal delay=2500ms once]]",
        "n": 5, "size": "512x512", "response_format": "b64_json" });
    body["route"] = json!({ "only": ["fal", "replicate"] });
    let reply = gateway.generate(body).await;
    let answer = reply.ok();
    assert_eq!(answer["data"].as_array().map(Vec::len), Some(5));
    let attempts = told(&answer["metadata"]["attempts"]);
    let late = attempts.iter().filter(|attempt| attempt[2] == "timed_out").count();
    assert_eq!(late, 1, "{attempts:?}");
    assert!(attempts.iter().any(|attempt| attempt[0] == "replicate"), "{attempts:?}");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hedged_request_asks_another_once_it_takes_longer_than_usual() {
    let gateway = TestGateway::start().await;
    let plain = || json!({ "model": "flux.1-schnell", "prompt": "dunes", "size": "512x512" });
    for _ in 0..5 {
        let ten = (0..10).map(|_| gateway.generate(plain()));
        for reply in futures_util::future::join_all(ten).await {
            assert_eq!(reply.ok()["metadata"]["provider"], "fal");
        }
    }
    let mut slow = plain();
    slow["prompt"] = json!("dunes [[fault: provider=fal delay=4s]]");
    slow["route"] = json!({ "hedge": true });
    let answer = gateway.generate(slow).await.ok();
    let attempts = told(&answer["metadata"]["attempts"]);
    assert_eq!(attempts[0], ["fal", "failed", "timed_out", "unknown"]);
    assert_eq!(answer["metadata"]["provider"], "replicate");
    gateway.finish().await;
}

/// A request of two offers with queues.
fn queued(faults: &str) -> Value {
    json!({ "model": "flux.1-schnell", "prompt": format!("dunes [[fault: provider=fal {faults}]]"), "aspect_ratio": "1:1",
        "resolution": "0.25", "route": { "only": ["fal", "replicate"] } })
}

#[tokio::test(flavor = "multi_thread")]
async fn another_is_asked_once_nothing_is_heard_of_a_job_for_a_fifth_of_the_time() {
    let gateway = TestGateway::with(|settings| settings.limits.generation_deadline_s = 15).await;
    // Its state is not told, or its file cannot be had.
    for faults in ["at=status status=500", "media=500"] {
        let began = std::time::Instant::now();
        let answer = gateway.generate(queued(faults)).await.ok();
        let took = began.elapsed().as_secs_f64();
        assert!((3.0..13.0).contains(&took), "{took} s");
        let attempts = told(&answer["metadata"]["attempts"]);
        assert_eq!(attempts[0][..2], ["fal", "failed"], "{attempts:?}");
        assert_eq!(attempts[0][3], "unknown", "{attempts:?}");
        assert_eq!(attempts[1], ["replicate", "succeeded", "", "yes"]);
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_says_that_it_runs_is_waited_for() {
    let gateway = TestGateway::with(|settings| settings.limits.generation_deadline_s = 15).await;
    let answer = gateway.generate(queued("delay=5s")).await.ok();
    assert_eq!(told(&answer["metadata"]["attempts"]), [["fal", "succeeded", "", "yes"]]);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_leave_to_pay_twice_a_silent_job_is_asked_for_until_the_end() {
    let gateway = TestGateway::with(|settings| {
        settings.limits.generation_deadline_s = 5;
        settings.when_maybe_billed = WhenMaybeBilled::Never;
    })
    .await;
    let failed = gateway.generate(queued("media=500")).await;
    failed.error(504, "UPSTREAM_TIMEOUT");
    assert_eq!(gateway.bill().await.len(), 1);
    gateway.finish().await;
}
