//! Webhooks where several processes could send them, and where one ends.

use super::super::harness::{GENERATIONS, Site, TestGateway, send, until, with};
use super::super::secrets::rotate;
use super::receiver::{Answer, Receiver};
use super::{allowing, begin, begun, body, secret, until_tried};
use reqwest::Method;
use serde_json::json;

/// Requests that two replicas tell the ends of.
const MANY: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn replicas_tell_each_end_once() {
    let (gateway, receiver) = (allowing().await, Receiver::start(&[]).await);
    let replica = gateway.replica().await;
    let mut begun = Vec::new();
    for number in 0..MANY {
        let at = if number % 2 == 0 { &gateway } else { &replica };
        begun.push(begin(at, &body(&receiver.url("/hook"))).await);
    }
    let mut told = Vec::new();
    for _ in 0..MANY {
        told.push(receiver.next().await.request_id());
    }
    begun.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, begun);
    for id in &begun {
        assert_eq!(until_tried(&gateway, id, 1).await["state"], "delivered");
    }
    replica.finish().await;
    gateway.finish().await;
    receiver.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_one_replica_puts_in_place_signs_what_the_other_sends() {
    let (gateway, receiver) = (allowing().await, Receiver::start(&[]).await);
    let replica = gateway.replica().await;
    let first = secret(&replica).await;
    let rotated = rotate(&gateway, "webhooks", json!({})).await;
    let second = rotated["key"].as_str().expect("a text");
    assert_eq!(replica.get("/v1/webhooks/secret").await.ok(), rotated);
    // Whichever of the two sends it.
    for at in [&gateway, &replica] {
        let id = begin(at, &body(&receiver.url("/hook"))).await;
        let call = receiver.next().await;
        assert_eq!(call.request_id(), id);
        let both = format!("{} {}", call.signature(second), call.signature(&first));
        assert_eq!(call.header("webhook-signature"), both);
    }
    // Ended at once, the former sign nothing any more, at the other one neither.
    let last = rotate(&replica, "webhooks", json!({ "overlap_s": 0 })).await;
    for at in [&gateway, &replica] {
        begin(at, &body(&receiver.url("/hook"))).await;
        receiver
            .next()
            .await
            .check_signature(last["key"].as_str().expect("a text"));
    }
    replica.finish().await;
    gateway.finish().await;
}

/// Each was told a secret: neither may be one that signs nothing.
#[tokio::test(flavor = "multi_thread")]
async fn secrets_put_in_place_at_the_same_time_all_count() {
    let gateway = allowing().await;
    let replica = gateway.replica().await;
    let put = async |at: &TestGateway| {
        let rotated = rotate(at, "webhooks", json!({})).await;
        rotated["key"].as_str().expect("a text").to_owned()
    };
    let first = secret(&gateway).await;
    let (one, other) = tokio::join!(put(&gateway), put(&replica));
    let told = gateway.get("/v1/webhooks/secret").await.ok();
    let former = told["former"].as_array().expect("a list").iter();
    let mut counting: Vec<&str> = former.map(|one| one["key"].as_str().expect("a text")).collect();
    counting.push(told["key"].as_str().expect("a text"));
    counting.sort_unstable();
    counting.dedup();
    assert_eq!(counting.len(), 3, "the first and one of each");
    // Each is told what is in force when its own is in place: that may be the other's by then.
    for told in [&first, &one, &other] {
        assert!(counting.contains(&told.as_str()));
    }
    replica.finish().await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stops_does_not_wait_for_a_silent_receiver() {
    let (mut gateway, receiver) = (allowing().await, Receiver::start(&[Answer::Silence]).await);
    let id = begin(&gateway, &body(&receiver.url("/hook"))).await;
    assert_eq!(receiver.next().await.request_id(), id);
    gateway.take_running().shutdown().await;
    // The clock stands still: it was given back and not left to the end of a claim.
    let next = gateway.replica().await;
    assert_eq!(receiver.next().await.request_id(), id);
    let told = until_tried(&next, &id, 1).await;
    assert_eq!(told["state"], "delivered", "what was broken off is no try");
    next.finish().await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_process_began_another_one_tells() {
    let site = Site::new().await;
    let receiver = Receiver::start(&[]).await;
    let dies = [
        ("PICTOR_FETCH_HOSTS", "localhost"),
        ("PICTOR_TEST_STOP_AFTER", "accept"),
    ];
    let mut dead = site.serve(&dies).await;
    let body = with(
        body(&receiver.url("/hook")),
        json!({ "model": "fal/flux.1-schnell", "size": "auto" }),
    );
    let order = dead
        .request(Method::POST, GENERATIONS)
        .header("prefer", "respond-async");
    let id = begun(&send(order.json(&body)).await);
    dead.until_says("stopped after accept").await;
    // The process itself does not wait until it is written.
    until("a job on record", async || {
        (site
            .number("SELECT COUNT(*) FROM attempts WHERE handle IS NOT NULL")
            .await
            > 0)
        .then_some(())
    })
    .await;
    dead.kill();
    let living = site.serve(&dies[..1]).await;
    let call = receiver.next().await;
    assert_eq!(
        (call.request_id(), &call.json()["type"]),
        (id.clone(), &json!("image.completed"))
    );
    let answer = living.get("/v1/webhooks/secret").await.ok();
    call.check_signature(answer["key"].as_str().expect("a text"));
    assert_eq!(living.images(&call.json()["data"]["result"]).await, 1);
    assert_eq!(site.submits().await, 1, "the job was not paid twice");
    living.stop().await;
    site.finish().await;
    receiver.expect_nothing().await;
}
