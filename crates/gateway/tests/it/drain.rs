//! Being told to stop, and being full: what is under way is finished or handed over, and nobody waits in vain.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{GENERATIONS, Site, TestGateway, send, small, try_send, until};

/// Generations that a full gateway works on.
const FULL: usize = 4;

fn slow(model: &str, delay: &str) -> Value {
    json!({ "model": model, "prompt": format!("dunes [[fault: delay={delay}]]"), "quality": "low" })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_told_to_stop_finishes_first() {
    let site = Site::new().await;
    let mut process = site.serve(&[("PICTOR_LIMITS_DRAIN_S", "2")]).await;
    let calls: Vec<_> = [
        slow("openai/gpt-image-1-mini", "6s"),
        slow("fal/gpt-image-1-mini", "6s"),
    ]
    .iter()
    .zip(["sync", "queued"])
    .map(|(body, key)| tokio::spawn(send(process.generation(body, key))))
    .collect();
    until("two calls", async || (site.submits().await == 2).then_some(())).await;
    process.terminate();
    // Balancers are told to send others elsewhere, while what is under way is finished.
    let told = until("the word that it stops", async || {
        let asked = try_send(process.client.get(format!("{}/readyz", process.base))).await;
        let asked = asked.expect("it answers while it stops");
        (asked.status == StatusCode::SERVICE_UNAVAILABLE).then_some(asked)
    })
    .await;
    assert_eq!(told.json()["stopping"], true);
    let drained = send(process.generation(&small("openai/gpt-image-1-mini"), "not heard yet")).await;
    assert_eq!(drained.header("connection"), "close");
    drained.ok();
    let late = until("a closed door", async || {
        let late = send(process.generation(&small("openai/gpt-image-1-mini"), "not heard yet")).await;
        assert_eq!(late.header("connection"), "close");
        (late.status != StatusCode::OK).then_some(late)
    })
    .await;
    late.error(503, "OVERLOADED");
    send(process.client.get(format!("{}/healthz", process.base))).await.ok();
    assert!(calls.iter().all(|call| !call.is_finished()));
    for call in calls {
        call.await.expect("the caller waits").ok();
    }
    let status = process.ended().await;
    assert!(status.success(), "{status}: {:#?}", process.log().await);
    assert_eq!(site.submits().await, 3);
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_stops_at_once() {
    let site = Site::new().await;
    let mut process = site.serve(&[]).await;
    let body = small("fal/gpt-image-1-mini");
    // Until it is cleared, nobody learns that a job is done.
    site.fault(json!({ "provider": "fal", "fault": "at=status status=503" }))
        .await;
    let call = tokio::spawn(try_send(process.generation(&body, "impatient")));
    let handles = "SELECT COUNT(*) FROM attempts WHERE handle IS NOT NULL";
    until("a job on record", async || {
        (site.number(handles).await == 1).then_some(())
    })
    .await;
    process.terminate();
    process.until_says("stopping").await;
    process.terminate();
    let status = process.ended().await;
    assert_eq!(status.code(), Some(1), "{:#?}", process.log().await);
    assert!(
        process
            .log()
            .await
            .iter()
            .any(|line| line.contains("a second signal came"))
    );
    assert!(call.await.expect("the caller waits").is_err());
    site.clear_faults().await;
    let other = site.serve(&[]).await;
    let reply = send(other.generation(&body, "impatient")).await;
    assert_eq!(other.images(&reply.ok()).await, 1);
    assert_eq!(site.submits().await, 1, "the job was taken up");
    other.stop().await;
    site.finish().await;
}

/// No process is taken to work on any generation.
const UNLEASED: &str = "SELECT COUNT(*) FROM generations WHERE status = 'processing' \
     AND EXISTS (SELECT 1 FROM processes WHERE owner = lease_owner)";

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_finished_in_time_is_handed_over_at_once() {
    let site = Site::new().await;
    let mut process = site.serve(&[("PICTOR_LIMITS_SHUTDOWN_S", "0")]).await;
    let body = small("fal/gpt-image-1-mini");
    // Until it is cleared, nobody learns that a job is done.
    site.fault(json!({ "provider": "fal", "fault": "at=status status=503" }))
        .await;
    let call = tokio::spawn(try_send(process.generation(&body, "handed-over")));
    let handles = "SELECT COUNT(*) FROM attempts WHERE handle IS NOT NULL";
    until("a job on record", async || {
        (site.number(handles).await == 1).then_some(())
    })
    .await;
    process.terminate();
    let status = process.ended().await;
    assert!(status.success(), "{status}: {:#?}", process.log().await);
    assert!(call.await.expect("the caller waits").is_err());
    assert_eq!(site.number(UNLEASED).await, 0, "nobody waits for a lease to end");
    site.clear_faults().await;
    let other = site.serve(&[]).await;
    let reply = send(other.generation(&body, "handed-over")).await;
    assert_eq!(other.images(&reply.ok()).await, 1);
    assert_eq!(reply.header("idempotent-replayed"), "true");
    assert_eq!(site.submits().await, 1);
    other.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_nobody_can_take_up_is_ended_by_the_next_process() {
    let site = Site::new().await;
    let mut process = site.serve(&[("PICTOR_LIMITS_SHUTDOWN_S", "0")]).await;
    let body = small("openai/gpt-image-1-mini");
    site.fault(json!({ "provider": "openai", "fault": "hang", "times": 1 }))
        .await;
    let call = tokio::spawn(try_send(process.generation(&body, "cut")));
    until("a call", async || (site.submits().await == 1).then_some(())).await;
    process.terminate();
    assert!(process.ended().await.success());
    assert!(call.await.expect("the caller waits").is_err());
    assert_eq!(site.number(UNLEASED).await, 0);
    let other = site.serve(&[]).await;
    other.until_settled().await;
    let lost = other.newest().await;
    assert_eq!(lost["error_code"], "OUTCOME_UNKNOWN");
    assert_eq!(lost["attempts"][0]["spent"], "unknown");
    let reply = send(other.generation(&body, "cut")).await;
    assert_eq!(other.images(&reply.ok()).await, 1);
    assert_eq!(site.submits().await, 2);
    other.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_gateway_refuses_generations_at_once_and_answers_all_else() {
    let gateway = TestGateway::with(|settings| settings.limits.in_flight_generations = FULL).await;
    let before = gateway.generate(small("openai/gpt-image-1-mini")).await.ok();
    // Until it is cleared, nobody learns that a job is done.
    gateway
        .fault(json!({ "provider": "fal", "fault": "at=status status=503" }))
        .await;
    let body = small("fal/gpt-image-1-mini");
    let calls: Vec<_> = (0..FULL)
        .map(|_| tokio::spawn(send(gateway.request(Method::POST, GENERATIONS).json(&body))))
        .collect();
    let submits = async || {
        let calls = gateway.upstream_calls().await;
        calls.iter().filter(|call| call["method"] == "POST").count()
    };
    until("a full gateway", async || (submits().await == 1 + FULL).then_some(())).await;
    for _ in 0..20 {
        let refused = gateway.generate(body.clone()).await;
        refused.error(503, "OVERLOADED");
        assert_eq!(
            (refused.header("retry-after"), refused.header("x-should-retry")),
            ("2", "true")
        );
    }
    let dry_run = format!("{GENERATIONS}?dryRun=true");
    send(gateway.request(Method::POST, &dry_run).json(&body)).await.ok();
    for path in [
        "/openai/v1/models",
        "/v1/requests",
        "/v1/balance",
        "/healthz",
        "/readyz",
    ] {
        gateway.get(path).await.ok();
    }
    gateway.image(&before, 0).await;
    assert_eq!(submits().await, 1 + FULL, "nothing was sent for what was refused");
    assert!(calls.iter().all(|call| !call.is_finished()));
    let faults = gateway.sandbox_url("/_sandbox/faults");
    let cleared = gateway.client.delete(faults).send().await;
    assert!(cleared.expect("the sandbox answers").status().is_success());
    for call in calls {
        call.await.expect("the caller waits").ok();
    }
    // There is room again.
    gateway.generate(body).await.ok();
    gateway.finish().await;
}
