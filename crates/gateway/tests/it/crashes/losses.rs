//! Calls that were lost with their process: whether another may be made in their place, and how often.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::super::harness::{GENERATIONS, Process, Site, send, try_send, until};
use super::{KEY, STOP_AFTER, dies_after, sync};

/// Asks for images of which the caller is told later, by [`KEY`].
async fn asks(process: &Process, body: &Value) {
    let request = process.request(Method::POST, GENERATIONS).json(body);
    let request = request.header("prefer", "respond-async").header("x-request-id", KEY);
    assert_eq!(send(request).await.status, StatusCode::ACCEPTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_pays_twice_is_told_that_the_outcome_is_unknown() {
    let site = Site::new().await;
    let body = sync().body;
    let never = ("PICTOR_WHEN_MAYBE_BILLED", "never");
    dies_after(&site, "execute", &body, &[never]).await;
    let process = site.serve(&[never]).await;
    for _ in 0..2 {
        let refused = send(process.generation(&body, KEY)).await;
        let error = refused.error(502, "OUTCOME_UNKNOWN");
        assert_eq!(error["type"], "upstream_error");
        assert_eq!(refused.header("x-should-retry"), "false");
    }
    assert_eq!(site.submits().await, 1);
    // Another key is another request.
    send(process.generation(&body, "another")).await.ok();
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_sent_is_done_anew_even_for_who_never_pays_twice() {
    let site = Site::new().await;
    let body = sync().body;
    let never = ("PICTOR_WHEN_MAYBE_BILLED", "never");
    dies_after(&site, "plan", &body, &[never]).await;
    let process = site.serve(&[never]).await;
    let reply = send(process.generation(&body, KEY)).await;
    assert_eq!(process.images(&reply.ok()).await, 1);
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_loss_ends_the_tries() {
    let site = Site::new().await;
    let body = sync().body;
    dies_after(&site, "execute", &body, &[]).await;
    // The retry waits until the first try is given up, and dies with its process too.
    dies_after(&site, "execute", &body, &[]).await;
    let process = site.serve(&[]).await;
    let refused = send(process.generation(&body, KEY)).await;
    refused.error(502, "OUTCOME_UNKNOWN");
    assert_eq!(refused.header("x-should-retry"), "false");
    assert_eq!(site.submits().await, 2);
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_that_cost_nothing_between_two_losses_does_not_make_the_first_forgotten() {
    let site = Site::new().await;
    let body = sync().body;
    dies_after(&site, "execute", &body, &[]).await;
    let process = site.serve(&[]).await;
    site.fault(json!({ "provider": "openai", "fault": "status=401" })).await;
    let refused = send(process.generation(&body, KEY)).await;
    assert_eq!(refused.status.as_u16(), 502, "{}", refused.text());
    process.stop().await;
    site.clear_faults().await;
    dies_after(&site, "execute", &body, &[]).await;
    let submits = site.submits().await;
    let process = site.serve(&[]).await;
    let refused = send(process.generation(&body, KEY)).await;
    refused.error(502, "OUTCOME_UNKNOWN");
    assert_eq!(site.submits().await, submits);
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sdk_that_waited_for_a_loss_in_vain_does_not_risk_a_third() {
    let site = Site::new().await;
    let ask = |process: &Process, count: &str| {
        let request = process.request(Method::POST, GENERATIONS).json(&sync().body);
        try_send(request.header("x-stainless-retry-count", count))
    };
    for count in ["0", "1"] {
        let mut process = site.serve(&[(STOP_AFTER, "execute")]).await;
        let call = tokio::spawn(ask(&process, count));
        process.until_says("stopped after execute").await;
        process.kill();
        assert!(call.await.expect("the caller waits").is_err());
        if count == "0" {
            let next = site.serve(&[]).await;
            next.until_settled().await;
            next.stop().await;
        }
    }
    // The second try is still under way, as far as anybody knows: it is waited for.
    let process = site.serve(&[]).await;
    let refused = ask(&process, "2").await.expect("an answer");
    refused.error(502, "OUTCOME_UNKNOWN");
    assert_eq!(site.submits().await, 2);
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_later_gets_an_image_although_the_first_call_was_lost() {
    for (policy, status, calls) in [("once", "completed", 2), ("never", "upstream_failure", 1)] {
        let site = Site::new().await;
        let policy = ("PICTOR_WHEN_MAYBE_BILLED", policy);
        let mut process = site.serve(&[(STOP_AFTER, "execute"), policy]).await;
        asks(&process, &sync().body).await;
        process.until_says("stopped after execute").await;
        process.kill();
        let process = site.serve(&[policy]).await;
        process.until_settled().await;
        let told = process.get(&format!("/v1/requests/{KEY}")).await.ok();
        assert_eq!(told["status"], status, "{told}");
        if status == "completed" {
            assert_eq!(process.images(&told["result"]).await, 1);
        }
        assert_eq!(site.submits().await, calls);
        process.stop().await;
        site.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_later_is_not_paid_for_a_third_time_however_many_processes_die() {
    let site = Site::new().await;
    let mut body = sync().body;
    body["prompt"] = json!("dunes [[fault: delay=60s]]");
    for first in [true, false, false] {
        let mut process = site.serve(&[]).await;
        if first {
            asks(&process, &body).await;
        }
        let calls = if first { 1 } else { 2 };
        until("the call", async || (site.submits().await == calls).then_some(())).await;
        process.kill();
    }
    let process = site.serve(&[]).await;
    process.until_settled().await;
    let told = process.get(&format!("/v1/requests/{KEY}")).await.ok();
    assert_eq!(told["error_code"], "OUTCOME_UNKNOWN", "{told}");
    assert_eq!(site.submits().await, 2);
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_for_a_moment_after_a_death_is_asked_again_for_who_is_told_later() {
    let site = Site::new().await;
    let mut body = sync().body;
    // As far as anybody knows the first call was made before its process died; the one in its place is refused twice.
    body["prompt"] = json!("dunes [[fault: times=2 status=429 retry-after=1]]");
    let mut process = site.serve(&[(STOP_AFTER, "record")]).await;
    asks(&process, &body).await;
    process.until_says("stopped after record").await;
    process.kill();
    let process = site.serve(&[]).await;
    process.until_settled().await;
    let told = process.get(&format!("/v1/requests/{KEY}")).await.ok();
    assert_eq!(told["status"], "completed", "{told}");
    assert_eq!(told["attempts"].as_array().map(Vec::len), Some(4), "{told}");
    process.stop().await;
    site.finish().await;
}
