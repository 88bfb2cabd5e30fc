//! How long what a key asks and gets is kept: longer or shorter than its account says, or not at all.

use gateway::media::store::MediaStore;
use gateway::media::sweep::remove_expired;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::harness::{GENERATIONS, TestGateway, send, with};

const DAY_S: i64 = 86_400;
/// As many rows as upkeep removes at a time, or more.
const BATCH: i64 = 1_000;

fn body(response_format: &str) -> Value {
    json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "response_format": response_format })
}

async fn key(gateway: &TestGateway, body: Value) -> String {
    let reply = send(gateway.request(Method::POST, "/v1/keys").json(&body)).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    let shown = reply.json();
    for (name, value) in body.as_object().expect("an object") {
        assert_eq!(&shown[name], value, "{name}");
    }
    shown["key"].as_str().expect("a secret").to_owned()
}

fn by(gateway: &TestGateway, token: &str, body: &Value) -> RequestBuilder {
    gateway
        .anonymous(Method::POST, GENERATIONS)
        .bearer_auth(token)
        .json(body)
}

async fn keep_payloads(gateway: &TestGateway) {
    let change = gateway.request(Method::PATCH, "/v1/accounts/default");
    send(change.json(&json!({ "stores_payloads": true, "log_retention_days": 30 })))
        .await
        .ok();
}

async fn forget(gateway: &TestGateway) -> u64 {
    let forgotten = gateway
        .database
        .forget_generations(gateway.clock.now(), 90, BATCH)
        .await;
    forgotten.expect("the database answers")
}

async fn sweep(gateway: &TestGateway) {
    let store = MediaStore::open(None, &gateway.data_dir).expect("the folder is there");
    remove_expired(&store, &gateway.database, &gateway.clock.clock())
        .await
        .expect("images can be removed");
}

/// Images that are on record, whether or not their time is over.
async fn media(gateway: &TestGateway) -> usize {
    let all = gateway.database.expired_media(jiff::Timestamp::MAX, BATCH).await;
    all.expect("the database answers").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keys_days_go_before_its_accounts() {
    let gateway = TestGateway::embedded().await;
    keep_payloads(&gateway).await;
    let begun_s = gateway.clock.now().as_second();
    let short = key(&gateway, json!({ "log_retention_days": 3 })).await;
    let long = key(&gateway, json!({ "log_retention_days": 365 })).await;
    let ask = async |token: &str| send(by(&gateway, token, &body("b64_json"))).await.id();
    let (short, long, own) = (
        ask(&short).await,
        ask(&long).await,
        gateway.generate(body("b64_json")).await.id(),
    );
    for (days, left) in [
        (2, vec![&short, &long, &own]),
        (4, vec![&long, &own]),
        (31, vec![&long]),
        (366, vec![]),
    ] {
        let gone_s = gateway.clock.now().as_second() - begun_s;
        gateway.clock.advance_s(days * DAY_S - gone_s);
        sweep(&gateway).await;
        forget(&gateway).await;
        for id in [&short, &long, &own] {
            let reply = gateway.get(&format!("/v1/requests/{id}")).await;
            assert_eq!(reply.status == StatusCode::OK, left.contains(&id), "{days} days");
        }
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keys_time_of_images_goes_before_its_accounts() {
    let gateway = TestGateway::embedded().await;
    let token = key(&gateway, json!({ "media_ttl_s": 60 })).await;
    let answer = send(by(&gateway, &token, &body("url"))).await.ok();
    let link = answer["data"][0]["url"].as_str().expect("a link");
    gateway.clock.advance_s(59);
    assert_eq!(send(gateway.client.get(link)).await.status, StatusCode::OK);
    gateway.clock.advance_s(1);
    send(gateway.client.get(link)).await.error(404, "INVALID_REQUEST");
    sweep(&gateway).await;
    assert_eq!(media(&gateway).await, 0);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_no_days_has_nothing_kept_that_was_written() {
    let gateway = TestGateway::embedded().await;
    keep_payloads(&gateway).await;
    let token = key(&gateway, json!({ "log_retention_days": 0 })).await;
    let words = "zeppelinwort over dunes";
    let asked = json!({
        "model": "openai/gpt-image-1-mini", "prompt": words, "quality": "low", "size": "1024x1024",
        "negative_prompt": "no zeppelinwort", "response_format": "b64_json",
    });
    let keyed = || by(&gateway, &token, &asked).header("idempotency-key", "once");
    let first = send(keyed()).await;
    let told = first.ok();
    assert!(
        told["metadata"]["adjustments"].to_string().contains("no zeppelinwort"),
        "the caller is told all"
    );
    let id = first.id();
    let payloads = gateway.database.payloads(&id).await.expect("the database answers");
    assert_eq!(payloads, None);
    let row = gateway.recorded(&id).await;
    assert_eq!(row["status"], "completed");
    assert!(!row.to_string().contains("zeppelinwort"), "{row}");
    // A repeat is answered by what is left, as long as that is there: the least that an account may have kept.
    let again = send(keyed()).await;
    assert_eq!(
        (again.header("idempotent-replayed"), again.status),
        ("true", StatusCode::OK)
    );
    assert!(!again.text().contains("zeppelinwort"));
    let search = gateway.get("/v1/requests?q=zeppelinwort").await;
    assert_eq!(search.ok()["data"], json!([]), "it is found by no word");
    gateway.clock.advance_s(DAY_S + 1);
    sweep(&gateway).await;
    assert_eq!(forget(&gateway).await, 1);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_no_time_for_images_has_none_kept() {
    let gateway = TestGateway::start().await;
    keep_payloads(&gateway).await;
    let token = key(&gateway, json!({ "media_ttl_s": 0 })).await;
    let asked = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes", "quality": "low", "size": "1024x1024" });
    // Where links are a part of the answer alone, they are left out, and that is told.
    let reply = send(by(&gateway, &token, &asked)).await;
    let answer = reply.ok();
    assert!(answer["data"][0]["url"].is_null() && answer["data"][0]["b64_json"].is_string());
    assert_eq!(reply.header("x-pictor-response-format"), "b64_json; reason=media_ttl_s");
    // An SDK's counted try has it kept by other keys.
    let counted = by(&gateway, &token, &asked).header("x-stainless-retry-count", "0");
    send(counted).await.ok();
    let with_link = with(asked.clone(), json!({ "response_format": "url" }));
    let refused = send(by(&gateway, &token, &with_link)).await;
    let error = refused.error(403, "PERMISSION_DENIED");
    assert_eq!(error["metadata"], json!({ "rule": "media_ttl_s", "allowed": 0 }));
    for prefer in ["respond-async", "wait=1"] {
        let later = by(&gateway, &token, &asked).header("prefer", prefer);
        send(later).await.error(403, "PERMISSION_DENIED");
    }
    assert_eq!(media(&gateway).await, 0);
    assert_eq!(gateway.bill().await.len(), 2, "what is refused is not made");
    let error = send(
        gateway
            .request(Method::POST, "/v1/keys")
            .json(&json!({ "media_ttl_s": 30 })),
    )
    .await;
    error.fault("media_ttl_s");
    gateway.finish().await;
}
