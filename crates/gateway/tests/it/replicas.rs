//! Two processes on one database: what one leaves behind, the other finishes.

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::harness::{Process, Site, send, try_send, until};

/// Jobs that are asked for at one time.
const JOBS: usize = 50;

fn body() -> Value {
    json!({ "model": "fal/flux.1-schnell", "prompt": "dunes", "size": "512x512" })
}

/// Until it is cleared, nobody learns that a job is done.
async fn keep_waiting(site: &Site) {
    site.fault(json!({ "provider": "fal", "fault": "at=status status=503" }))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_jobs_of_a_killed_process_are_finished_by_another() {
    let site = Site::new().await;
    let mut killed = site.serve(&[]).await;
    let other = site.serve(&[]).await;
    let body = body();
    keep_waiting(&site).await;
    let requests = (0..JOBS).map(|job| killed.generation(&body, &format!("job-{job}")));
    let calls: Vec<_> = requests.map(|request| tokio::spawn(try_send(request))).collect();
    // Half of them are at the provider, and some are known to be.
    let accepted = "SELECT COUNT(*) FROM attempts WHERE handle IS NOT NULL";
    until("half of the jobs", async || {
        (site.submits().await >= JOBS / 2 && site.number(accepted).await > 0).then_some(())
    })
    .await;
    killed.kill();
    site.clear_faults().await;
    for call in calls {
        assert!(call.await.expect("the caller waits").is_err(), "no job was done yet");
    }
    // On record as begun, and whether the provider has them nobody knows.
    let unheard = "SELECT COUNT(*) FROM attempts WHERE outcome = 'running' AND handle IS NULL";
    let unheard = site.number(unheard).await;
    let (begun, accepted) = (
        site.number("SELECT COUNT(*) FROM attempts").await,
        site.number(accepted).await,
    );
    assert!(
        accepted > 0 && begun == accepted + unheard,
        "{begun} begun, {accepted} accepted"
    );

    let retries = (0..JOBS).map(async |job| {
        let reply = send(other.generation(&body, &format!("job-{job}"))).await;
        assert_eq!(other.images(&reply.ok()).await, 1);
        reply.header("idempotent-replayed") == "true"
    });
    let replays = join_all(retries)
        .await
        .into_iter()
        .filter(|is_replay| *is_replay)
        .count();
    other.until_settled().await;
    assert_eq!(
        replays as i64, accepted,
        "what was accepted before is finished, not asked for again"
    );
    let succeeded = "SELECT COUNT(*) FROM attempts WHERE outcome = 'succeeded'";
    assert_eq!(site.number(succeeded).await, JOBS as i64);
    let maybe_billed =
        "SELECT COUNT(*) FROM attempts WHERE outcome = 'failed' AND spent = 'unknown' AND code = 'interrupted'";
    assert_eq!(
        site.number(maybe_billed).await,
        unheard,
        "each possible double is marked"
    );
    let submits = site.submits().await as i64;
    assert!(
        submits <= JOBS as i64 + unheard,
        "{submits} submits, {unheard} under way at the kill"
    );
    assert!(site.bill().await.len() as i64 <= JOBS as i64 + unheard);
    other.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_twin_at_another_process_gets_the_answer_of_the_dead_one() {
    let site = Site::new().await;
    let mut killed = site.serve(&[]).await;
    let other = site.serve(&[]).await;
    let body = body();
    keep_waiting(&site).await;
    let first = tokio::spawn(try_send(killed.generation(&body, "twins")));
    let handles = "SELECT COUNT(*) FROM attempts WHERE handle IS NOT NULL";
    until("a job on record", async || {
        (site.number(handles).await == 1).then_some(())
    })
    .await;
    let twins: Vec<_> = (0..5)
        .map(|_| tokio::spawn(send(other.generation(&body, "twins"))))
        .collect();
    let mut different = body.clone();
    different["seed"] = json!(7);
    let refused = send(other.generation(&different, "twins")).await;
    refused.error(409, "IDEMPOTENCY_CONFLICT");
    assert_eq!(refused.header("x-should-retry"), "false");
    killed.kill();
    site.clear_faults().await;
    assert!(first.await.expect("the caller waits").is_err());
    let mut ids = Vec::new();
    for twin in twins {
        let reply = twin.await.expect("a twin waits");
        assert_eq!(other.images(&reply.ok()).await, 1);
        assert_eq!(reply.header("idempotent-replayed"), "true");
        ids.push(reply.ok()["id"].clone());
    }
    ids.dedup();
    assert_eq!(ids.len(), 1, "all of them are told of one request");
    assert_eq!(site.submits().await, 1);
    other.stop().await;
    site.finish().await;
}

/// Stops a process where it stands, and not while it holds the database's only lock.
async fn freeze(frozen: &Process, other: &Process) {
    until("a moment between two writes", async || {
        frozen.freeze();
        let ready = other.client.get(format!("{}/readyz", other.base)).send().await;
        if ready.expect("an answer").status() == StatusCode::OK {
            return Some(());
        }
        frozen.thaw();
        None
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stood_still_adds_nothing_to_what_another_has_taken_over() {
    let site = Site::new().await;
    let frozen = site.serve(&[]).await;
    let other = site.serve(&[]).await;
    keep_waiting(&site).await;
    // One whose job another process finds again, and one of which nobody else can learn anything.
    let queued = body();
    let sync = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes [[fault: delay=2s]]", "quality": "low",
        "size": "1024x1024", "response_format": "url" });
    let bodies = [("queued", queued), ("sync", sync)];
    let calls = bodies
        .clone()
        .map(|(key, body)| tokio::spawn(try_send(frozen.generation(&body, key))));
    until("calls", async || (site.submits().await == 2).then_some(())).await;
    let handles = "SELECT COUNT(*) FROM attempts WHERE handle IS NOT NULL";
    until("a job on record", async || {
        (site.number(handles).await == 1).then_some(())
    })
    .await;
    freeze(&frozen, &other).await;
    let unknown = "SELECT COUNT(*) FROM generations WHERE error_code = 'OUTCOME_UNKNOWN'";
    until("a lease's end", async || {
        (site.number(unknown).await == 1).then_some(())
    })
    .await;
    site.clear_faults().await;
    other.until_settled().await;
    frozen.thaw();
    let mut ids = Vec::new();
    for call in calls {
        let answer = call.await.expect("the caller waits").expect("an answer").ok();
        assert_eq!(frozen.images(&answer).await, 1);
        ids.push(answer["id"].clone());
    }
    // Whoever asks again is told the same, wherever.
    for process in [&other, &frozen] {
        for ((key, body), id) in bodies.iter().zip(&ids) {
            let again = send(process.generation(body, key)).await;
            assert_eq!(again.header("idempotent-replayed"), "true");
            assert_eq!(again.ok()["id"], *id);
            assert_eq!(process.images(&again.ok()).await, 1);
        }
    }
    assert_eq!(site.submits().await, 2);
    assert_eq!(site.number("SELECT COUNT(*) FROM media").await, 2);
    frozen.stop().await;
    other.stop().await;
    // Each image was charged once, and no file is left over.
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_images_of_who_stood_still_are_found_when_nobody_else_has_any() {
    let site = Site::new().await;
    // Its second image takes its time, so that the first one is noted before the end, which makes the generation its own again.
    let frozen = site.serve(&[("PICTOR_TEST_STRIKE", "file:4:hang")]).await;
    let other = site.serve(&[]).await;
    let body = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes [[fault: delay=2s]]", "quality": "low",
        "size": "1024x1024", "response_format": "url", "n": 2 });
    let call = tokio::spawn(try_send(frozen.generation(&body, "both")));
    until("a call", async || (site.submits().await == 1).then_some(())).await;
    freeze(&frozen, &other).await;
    other.until_settled().await;
    frozen.thaw();
    let answer = call.await.expect("the caller waits").expect("an answer").ok();
    assert_eq!(frozen.images(&answer).await, 2);
    let again = send(other.generation(&body, "both")).await.ok();
    assert_eq!(again["id"], answer["id"]);
    assert_eq!(other.images(&again).await, 2);
    frozen.stop().await;
    other.stop().await;
    site.finish().await;
}
