//! How long things are kept: requests in the log, and images, for all accounts and by an account's own terms.

use std::time::Duration;

use gateway::db::DEFAULT_ACCOUNT;
use gateway::db::accounts::AccountTerms;
use gateway::media::store::MediaStore;
use gateway::media::sweep::remove_expired;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::harness::{TestGateway, micros, send};

const DAY_S: i64 = 86_400;
/// As many rows as upkeep removes at a time, or more.
const BATCH: i64 = 1_000;
/// Far longer than upkeep takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Changes the terms of the default account.
async fn agree(gateway: &TestGateway, change: impl FnOnce(&mut AccountTerms)) {
    let account = gateway
        .database
        .account(DEFAULT_ACCOUNT)
        .await
        .expect("the database answers");
    let mut terms = account.expect("the default account").terms();
    change(&mut terms);
    let changed = gateway.database.update_account(DEFAULT_ACCOUNT, &terms).await;
    assert!(changed.expect("the database answers"));
}

fn body(response_format: &str) -> Value {
    json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "response_format": response_format })
}

/// What upkeep does with the log.
async fn forget(gateway: &TestGateway, days: i64) -> u64 {
    let now = gateway.clock.now();
    gateway
        .database
        .forget_generations(now, days, BATCH)
        .await
        .expect("the database answers")
}

/// What upkeep does with images.
async fn sweep(gateway: &TestGateway) {
    let store = MediaStore::open(None, &gateway.data_dir).expect("the folder is there");
    remove_expired(&store, &gateway.database, &gateway.clock.clock())
        .await
        .expect("images can be removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_gateway_forgets_old_requests() {
    let gateway = TestGateway::embedded_with(|settings| settings.limits.request_log_days = 30).await;
    let body = json!({ "model": "fal/gpt-image-1-mini", "prompt": "dunes", "quality": "low", "size": "1024x1024", "response_format": "b64_json" });
    let old = gateway.generate(body.clone()).await;
    let (charged, old) = (2 * micros(&old.ok()["metadata"]["cost"]), old.id());
    assert!(charged > 0);
    gateway.clock.advance_s(29 * DAY_S);
    let young = gateway.generate(body).await.id();
    gateway.clock.advance_s(DAY_S + 1);
    // Upkeep looks at the log when a gateway starts.
    let replica = gateway.replica().await;
    let forgotten = async { while gateway.get(&format!("/v1/requests/{old}")).await.status == StatusCode::OK {} };
    tokio::time::timeout(PATIENCE, forgotten)
        .await
        .expect("the old request is forgotten");
    gateway
        .get(&format!("/v1/requests/{old}"))
        .await
        .error(404, "INVALID_REQUEST");
    assert_eq!(gateway.recorded(&young).await["status"], "completed");
    assert_eq!(
        gateway.get("/v1/requests?summary=true").await.ok()["summary"]["count"],
        1
    );
    replica.finish().await;
    // The harness checks that the ledger still has both charges.
    let account = gateway
        .database
        .account(DEFAULT_ACCOUNT)
        .await
        .expect("the database answers");
    assert_eq!(account.expect("the default account").available_micros, -charged);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_may_keep_its_log_shorter_or_longer() {
    for (own, after_days, forgotten) in [
        (Some(7), 6, 0),
        (Some(7), 8, 1),
        (Some(365), 91, 0),
        (None, 89, 0),
        (None, 91, 1),
    ] {
        let gateway = TestGateway::embedded().await;
        agree(&gateway, |terms| {
            terms.log_retention_days = own;
            terms.stores_payloads = true;
        })
        .await;
        let id = gateway.generate(body("b64_json")).await.id();
        gateway.clock.advance_s(after_days * DAY_S);
        sweep(&gateway).await;
        assert_eq!(forget(&gateway, 90).await, forgotten, "{own:?} after {after_days}");
        let payloads = gateway.database.payloads(&id).await.expect("the database answers");
        assert_eq!(payloads.is_none(), forgotten == 1, "what was asked goes with it");
        let attempts = gateway.database.attempts_of(&id).await.expect("the database answers");
        assert_eq!(attempts.is_empty(), forgotten == 1);
        gateway.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_stays_while_its_images_live() {
    let gateway = TestGateway::embedded().await;
    agree(&gateway, |terms| {
        terms.log_retention_days = Some(1);
        terms.media_ttl_s = Some(7 * DAY_S);
    })
    .await;
    let id = gateway.generate(body("url")).await.id();
    gateway.clock.advance_s(6 * DAY_S);
    sweep(&gateway).await;
    assert_eq!(forget(&gateway, 90).await, 0);
    let link = gateway.recorded(&id).await["result"]["data"][0]["url"]
        .as_str()
        .expect("a link")
        .to_owned();
    assert_eq!(send(gateway.client.get(link)).await.status, StatusCode::OK);
    gateway.clock.advance_s(DAY_S);
    sweep(&gateway).await;
    assert_eq!(forget(&gateway, 90).await, 1);
    assert_eq!(forget(&gateway, 90).await, 0, "once");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_says_how_long_its_images_live() {
    for ttl_s in [60, 3_600, 30 * DAY_S] {
        let gateway = TestGateway::embedded().await;
        agree(&gateway, |terms| terms.media_ttl_s = Some(ttl_s)).await;
        let answer = gateway.generate(body("url")).await.ok();
        let link = answer["data"][0]["url"].as_str().expect("a link");
        gateway.clock.advance_s(ttl_s - 1);
        let reply = send(gateway.client.get(link)).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.header("cache-control"), "private, max-age=1, immutable");
        sweep(&gateway).await;
        gateway.clock.advance_s(1);
        send(gateway.client.get(link)).await.error(404, "INVALID_REQUEST");
        sweep(&gateway).await;
        let left = gateway.database.expired_media(jiff::Timestamp::MAX, BATCH).await;
        assert_eq!(left.expect("the database answers"), [], "the file is gone, too");
        gateway.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_are_forgotten_at_a_time_and_the_oldest_first() {
    let gateway = TestGateway::embedded().await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(gateway.generate(body("b64_json")).await.id());
        gateway.clock.advance_s(1);
    }
    gateway.clock.advance_s(100 * DAY_S);
    let now = gateway.clock.now();
    let forgotten = gateway.database.forget_generations(now, 90, 2).await;
    assert_eq!(forgotten.expect("the database answers"), 2);
    let left = gateway.get("/v1/requests").await.ok();
    made.reverse();
    assert_eq!(super::requests::ids(&left), made[..3]);
    // More days than there are in a calendar keep everything.
    for days in [i64::MAX, i64::MAX / 2, 1_000_000] {
        assert_eq!(forget(&gateway, days).await, 0, "{days}");
    }
    gateway.finish().await;
}
