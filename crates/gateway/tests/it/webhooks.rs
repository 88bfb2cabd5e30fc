//! Webhooks: told once with the right signature, again at the right times, given up, and never sent where nobody may call.
//! The receivers are real servers on loopback, which the operator of these gateways allows by name.

mod fair;
mod guard;
mod receiver;
mod replicas;

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway::auth::Scope;
use gateway::settings::Settings;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use receiver::{Answer, Receiver};

use super::accounts::post;
use super::edits::form;
use super::harness::{
    EDITS, GENERATIONS, Reply, TestGateway, check_no_secret, file, log_lines, plain, send, until, with,
};

/// Longer than a lease lasts and any step takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

fn allow(settings: &mut Settings) {
    settings.fetch_hosts = vec!["localhost".to_owned()];
}

async fn allowing() -> TestGateway {
    TestGateway::with(allow).await
}

/// A small request with a webhook.
fn body(url: &str) -> Value {
    json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "webhook_url": url })
}

fn order(gateway: &TestGateway, body: &Value) -> RequestBuilder {
    gateway
        .request(Method::POST, GENERATIONS)
        .header("prefer", "respond-async")
        .json(body)
}

/// Begins a request and gives its id.
async fn begin(gateway: &TestGateway, body: &Value) -> String {
    begun(&send(order(gateway, body)).await)
}

fn begun(reply: &Reply) -> String {
    assert_eq!(reply.status.as_u16(), 202, "{}", reply.text());
    let id = reply.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(reply.json()["url"], format!("/v1/requests/{id}"));
    id
}

/// How a request's webhook stands.
async fn standing(gateway: &TestGateway, id: &str) -> Value {
    gateway.recorded(id).await["webhook"].clone()
}

/// Waits until a number of tries of a request's webhook is on record.
async fn until_tried(gateway: &TestGateway, id: &str, tries: i64) -> Value {
    until("a try on record", async || {
        let webhook = standing(gateway, id).await;
        (webhook["tries"] == tries).then_some(webhook)
    })
    .await
}

/// Has the gateway look for what is due: another request's webhook is sent, so it has looked.
async fn have_it_look(gateway: &TestGateway, receiver: &Receiver) {
    let id = begin(gateway, &body(&receiver.url("/aside"))).await;
    let call = receiver.next().await;
    assert_eq!((call.path.as_str(), call.request_id()), ("/aside", id));
}

async fn secret(gateway: &TestGateway) -> String {
    let answer = gateway.get("/v1/webhooks/secret").await.ok();
    answer["key"].as_str().expect("a text").to_owned()
}

fn pending(tries: i64, last_status: Option<u16>) -> Value {
    json!({ "state": "pending", "tries": tries, "last_status": last_status, "last_error": null })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_told_once_with_all_that_the_log_shows() {
    let (gateway, receiver) = (allowing().await, Receiver::start(&[]).await);
    let id = begin(
        &gateway,
        &with(body(&receiver.url("/hook?token=of-mine")), json!({ "n": 2 })),
    )
    .await;
    let call = receiver.next().await;
    assert_eq!((call.path.as_str(), call.request_id()), ("/hook", id.clone()));
    assert_eq!(call.header("content-type"), "application/json");
    assert_eq!(call.at_s(), gateway.clock.now().as_second());
    call.check_signature(&secret(&gateway).await);
    let told = call.json();
    let standing = until_tried(&gateway, &id, 1).await;
    assert_eq!(
        standing,
        json!({ "state": "delivered", "tries": 1, "last_status": 204, "last_error": null })
    );
    // As the account sees it, not the operator.
    let reader = gateway.new_key(&[Scope::Read], None).await.token;
    let path = format!("/v1/requests/{id}");
    let mut shown = send(gateway.anonymous(Method::GET, &path).bearer_auth(reader))
        .await
        .ok();
    shown.as_object_mut().expect("an object").remove("webhook");
    assert_eq!((&told["type"], &told["data"]), (&json!("image.completed"), &shown));
    assert_eq!(told["timestamp"], gateway.clock.now().to_string());
    let result = &told["data"]["result"];
    let images = result["data"].as_array().expect("a list of images");
    assert_eq!(images.len(), 2);
    for (image, index) in images.iter().zip(0_usize..) {
        let url = image["url"].as_str().expect("a link");
        let got = send(gateway.client.get(url)).await;
        assert_eq!(
            (got.status.as_u16(), json!(got.body.len())),
            (200, result["metadata"]["images"][index]["bytes"].clone())
        );
    }
    have_it_look(&gateway, &receiver).await;
    gateway.finish().await;
    receiver.expect_nothing().await;
    check_no_secret(&["of-mine"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_have_webhooks_too() {
    let (gateway, receiver) = (allowing().await, Receiver::start(&[]).await);
    let form = form("openai/gpt-image-1-mini")
        .text("webhook_url", receiver.url("/hook"))
        .part(
            "image",
            file(plain((96, 96), [1, 2, 3, 255], imaging::ImageFormat::Png)),
        );
    let request = gateway.request(Method::POST, EDITS).header("prefer", "respond-async");
    let id = begun(&send(request.multipart(form)).await);
    let call = receiver.next().await;
    assert_eq!(call.request_id(), id);
    assert_eq!(call.json()["data"]["endpoint"], EDITS);
    let calls = gateway.upstream_calls().await;
    assert!(
        !format!("{calls:?}").contains("webhook_url"),
        "it is not the provider's"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_generation_is_told_as_one() {
    let (gateway, receiver) = (allowing().await, Receiver::start(&[]).await);
    for (fault, status, code) in [
        ("moderation", "rejected", "CONTENT_POLICY_VIOLATION"),
        ("status=500", "upstream_failure", "UPSTREAM_ERROR"),
    ] {
        let body = with(
            body(&receiver.url("/hook")),
            json!({ "model": "openai/gpt-image-1-mini", "size": "auto", "prompt": format!("dunes [[fault: {fault}]]") }),
        );
        let id = begin(&gateway, &body).await;
        let call = receiver.next().await;
        call.check_signature(&secret(&gateway).await);
        let told = call.json();
        assert_eq!((call.request_id(), &told["type"]), (id, &json!("image.failed")));
        let data = &told["data"];
        assert_eq!(
            (&data["status"], &data["error_code"]),
            (&json!(status), &json!(code)),
            "{data}"
        );
        assert!(data["error_message"].is_string() && data["cost"].is_null(), "{data}");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_taken_is_sent_again_when_its_time_has_come() {
    // A redirect is an answer like any other, and not followed.
    let answers = [
        Answer::Status(500),
        Answer::Redirect,
        Answer::Status(429),
        Answer::Status(201),
    ];
    let (gateway, receiver) = (allowing().await, Receiver::start(&answers).await);
    let id = begin(&gateway, &body(&receiver.url("/hook"))).await;
    let first = receiver.next().await;
    let mut due_s = gateway.clock.now().as_second();
    for (tries, wait_s, status) in [(1, 5, 500), (2, 15, 302), (3, 45, 429)] {
        assert_eq!(until_tried(&gateway, &id, tries).await, pending(tries, Some(status)));
        gateway.clock.advance_s(wait_s - 1);
        have_it_look(&gateway, &receiver).await;
        gateway.clock.advance_s(1);
        due_s += wait_s;
        let again = receiver.next().await;
        // One that was sent too early would tell an earlier time.
        assert_eq!((again.path.as_str(), again.at_s()), ("/hook", due_s));
        assert_eq!((again.request_id(), &again.body), (id.clone(), &first.body));
        again.check_signature(&secret(&gateway).await);
        assert_ne!(again.header("webhook-signature"), first.header("webhook-signature"));
    }
    let told = until_tried(&gateway, &id, 4).await;
    assert_eq!(
        (&told["state"], &told["last_status"]),
        (&json!("delivered"), &json!(201))
    );
    gateway.clock.advance_s(1_000);
    have_it_look(&gateway, &receiver).await;
    gateway.finish().await;
    receiver.expect_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_last_try_it_is_given_up_with_one_line_in_the_log() {
    let (gateway, receiver) = (allowing().await, Receiver::start(&[Answer::Status(503); 9]).await);
    let id = begin(&gateway, &body(&receiver.url("/hook/of-mine?token=of-mine-too"))).await;
    receiver.next().await;
    for (tries, wait_s) in [(1, 5), (2, 15), (3, 45)] {
        until_tried(&gateway, &id, tries).await;
        gateway.clock.advance_s(wait_s);
        assert_eq!(receiver.next().await.request_id(), id);
    }
    let told = until_tried(&gateway, &id, 4).await;
    assert_eq!(
        told,
        json!({ "state": "failed", "tries": 4, "last_status": 503, "last_error": null })
    );
    gateway.clock.advance_s(1_000);
    have_it_look(&gateway, &receiver).await;
    gateway.finish().await;
    receiver.expect_nothing().await;
    let lines = log_lines("it is given up");
    let own: Vec<&String> = lines.iter().filter(|line| line.contains(&id)).collect();
    assert_eq!(own.len(), 1, "{own:?}");
    assert!(own[0].contains("localhost"), "{}", own[0]);
    check_no_secret(&["of-mine"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_the_answer_gets_no_webhook() {
    let gateway = TestGateway::start().await;
    let waiting = with(body("https://example.com/"), json!({ "n": 0 }));
    let error = gateway.generate(waiting).await.fault("n");
    let message = error["message"].as_str().expect("a message");
    assert!(
        message.contains("Prefer: respond-async"),
        "all faults are told together: {message}"
    );
    gateway
        .generate(body("https://example.com/"))
        .await
        .fault("webhook_url");
    // `null` is how typed clients say "not set".
    gateway
        .generate(with(body(""), json!({ "webhook_url": null })))
        .await
        .ok();
    let id = begin(&gateway, &with(body(""), json!({ "webhook_url": null }))).await;
    let ended = until("the end", async || {
        let shown = gateway.recorded(&id).await;
        (shown["status"] == "completed").then_some(shown)
    });
    assert!(ended.await.get("webhook").is_none());
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_record_of_requests_there_are_no_webhooks() {
    let gateway = TestGateway::with(|settings| {
        allow(settings);
        settings.bookkeeping = false;
    })
    .await;
    let reply = send(order(&gateway, &body("https://example.com/"))).await;
    let error = reply.fault("webhook_url");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|message| message.contains("keeps no record")),
        "{error}"
    );
    gateway.finish_without_books().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_one_secret_of_its_own() {
    let (gateway, receiver) = (allowing().await, Receiver::start(&[]).await);
    let own = secret(&gateway).await;
    let bytes = STANDARD
        .decode(own.strip_prefix("whsec_").expect("the prefix"))
        .expect("base64");
    assert_eq!(bytes.len(), 32);
    assert_eq!(secret(&gateway).await, own, "it stays");
    let order = json!({ "id": "other", "billing_type": "postpaid" });
    assert_eq!(post(&gateway, "/v1/accounts", order).await.status.as_u16(), 201);
    let made = post(
        &gateway,
        "/v1/keys",
        json!({ "account_id": "other", "scopes": ["generate"] }),
    )
    .await;
    let token = made.json()["key"].as_str().expect("a key").to_owned();
    let asked = |token: &str| gateway.anonymous(Method::GET, "/v1/webhooks/secret").bearer_auth(token);
    let other = send(asked(&token)).await.ok()["key"]
        .as_str()
        .expect("a text")
        .to_owned();
    assert_ne!(other, own);
    // It is the account's that pays, whoever looks.
    let request = gateway.anonymous(Method::POST, GENERATIONS).bearer_auth(&token);
    let request = request
        .header("prefer", "respond-async")
        .json(&body(&receiver.url("/hook")));
    begun(&send(request).await);
    receiver.next().await.check_signature(&other);
    let reads = gateway.new_key(&[Scope::Read], None).await;
    send(asked(&reads.token)).await.error(403, "PERMISSION_DENIED");
    send(gateway.anonymous(Method::GET, "/v1/webhooks/secret"))
        .await
        .error(401, "AUTHENTICATION_FAILED");
    gateway.finish().await;
    check_no_secret(&[&own, &other]);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_two_secrets_count_a_message_is_signed_by_both() {
    let (gateway, receiver) = (allowing().await, Receiver::start(&[]).await);
    let old = secret(&gateway).await;
    let rotated = post(&gateway, "/v1/webhooks/secret", json!({ "overlap_s": 600 }))
        .await
        .ok();
    let new = rotated["key"].as_str().expect("a text").to_owned();
    begin(&gateway, &body(&receiver.url("/hook"))).await;
    let call = receiver.next().await;
    let both = [call.signature(&new), call.signature(&old)];
    assert_eq!(call.header("webhook-signature"), both.join(" "));
    gateway.clock.advance_s(601);
    begin(&gateway, &body(&receiver.url("/hook"))).await;
    receiver.next().await.check_signature(&new);
    gateway.finish().await;
    check_no_secret(&[&old, &new]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_forgotten_with_its_request() {
    let (gateway, receiver) = (allowing().await, Receiver::start(&[]).await);
    let failing = with(
        body(&receiver.url("/hook")),
        json!({ "model": "openai/gpt-image-1-mini", "size": "auto", "prompt": "dunes [[fault: moderation]]" }),
    );
    let id = begin(&gateway, &failing).await;
    receiver.next().await;
    until_tried(&gateway, &id, 1).await;
    gateway.clock.advance_s(100 * 86_400);
    let forgotten = gateway.database.forget_generations(gateway.clock.now(), 90, 10).await;
    assert_eq!(forgotten.expect("the database answers"), 1);
    gateway
        .get(&format!("/v1/requests/{id}"))
        .await
        .error(404, "INVALID_REQUEST");
    let webhook = gateway.database.webhook(&id).await;
    assert_eq!(webhook.expect("the database answers"), None);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_s_description_tells_of_webhooks() {
    let gateway = TestGateway::start().await;
    let document = send(gateway.anonymous(Method::GET, "/openapi.json")).await.ok();
    let schemas = &document["components"]["schemas"];
    for body in ["GenerationRequest", "EditRequest", "EditForm"] {
        assert_eq!(schemas[body]["properties"]["webhook_url"]["format"], "uri", "{body}");
    }
    for path in [GENERATIONS, EDITS] {
        let operation = &document["paths"][path]["post"];
        let accepted = &operation["responses"]["202"]["content"]["application/json"]["schema"];
        assert_eq!(accepted["$ref"], "#/components/schemas/AcceptedRequest");
        for header in ["Prefer", "Idempotency-Key"] {
            let parameters = operation["parameters"].as_array().expect("a list");
            assert!(
                parameters
                    .iter()
                    .any(|one| one["name"] == header && one["in"] == "header"),
                "{header} of {path}"
            );
        }
    }
    let sent = &document["webhooks"]["requestEnded"]["post"];
    let event = &sent["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(event["$ref"], "#/components/schemas/WebhookEvent");
    let taken = sent["responses"]["2XX"]["description"].as_str().expect("a text");
    assert!(
        taken.contains("5, 15, 45 seconds") && taken.contains("30 seconds"),
        "{taken}"
    );
    gateway.finish().await;
}
