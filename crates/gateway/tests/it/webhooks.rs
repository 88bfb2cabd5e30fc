//! Webhooks: told once with the right signature, again at the right times, given up, and never sent where nobody may call.
//! The receivers are real servers on loopback, which the operator of these gateways allows by name.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway::auth::Scope;
use gateway::settings::Settings;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::Sha256;
use sqlx::{AnyConnection, Connection};
use tokio::net::TcpListener;
use tokio::sync::Mutex as AsyncMutex;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::accounts::post;
use super::edits::form;
use super::harness::{
    EDITS, GENERATIONS, Reply, Site, TestGateway, check_no_secret, file, log_lines, plain, send, until, with,
};

/// Longer than a lease lasts and any step takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);
/// Requests that two replicas tell the ends of.
const MANY: usize = 12;

/// A webhook as it came.
#[derive(Debug)]
struct Call {
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Call {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    /// The generation that it is about.
    fn request_id(&self) -> String {
        let id = self.json()["data"]["id"].as_str().expect("an id").to_owned();
        assert_eq!(self.header("webhook-id"), format!("msg_{id}"));
        id
    }

    fn at_s(&self) -> i64 {
        self.header("webhook-timestamp").parse().expect("a time")
    }

    /// Checks the signature as a receiver does, by the words of the convention.
    fn check_signature(&self, secret: &str) {
        let key = STANDARD
            .decode(secret.strip_prefix("whsec_").expect("a secret of webhooks"))
            .expect("base64");
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
        mac.update(format!("{}.{}.", self.header("webhook-id"), self.header("webhook-timestamp")).as_bytes());
        mac.update(&self.body);
        let expected = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(self.header("webhook-signature"), expected);
    }
}

/// How a receiver answers.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Status(u16),
    Redirect,
    /// Never.
    Silence,
}

/// A receiver on loopback. What it is not told to answer otherwise is taken with 204.
struct Receiver {
    port: u16,
    calls: AsyncMutex<UnboundedReceiver<Call>>,
}

type Shared = (UnboundedSender<Call>, Arc<Mutex<VecDeque<Answer>>>);

impl Receiver {
    async fn start(answers: &[Answer]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
        let port = listener.local_addr().expect("an address").port();
        let (sender, calls) = unbounded_channel();
        let answers = Arc::new(Mutex::new(answers.iter().copied().collect()));
        let router = Router::new().fallback(take).with_state((sender, answers));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            port,
            calls: AsyncMutex::new(calls),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }

    async fn next(&self) -> Call {
        let mut calls = self.calls.lock().await;
        let call = tokio::time::timeout(PATIENCE, calls.recv()).await;
        call.expect("a webhook comes").expect("the receiver lives")
    }

    /// Nothing more has come. To be asked when nothing more can.
    async fn expect_nothing(&self) {
        if let Ok(call) = self.calls.lock().await.try_recv() {
            panic!("nothing more was to come: {call:?}");
        }
    }
}

async fn take(State((calls, answers)): State<Shared>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    // Only the main path is answered by order: others are what tests use to have the gateway look.
    let is_main = uri.path().starts_with("/hook");
    let answer = if is_main {
        answers.lock().expect("no test panics here").pop_front()
    } else {
        None
    };
    let call = Call {
        path: uri.path().to_owned(),
        headers,
        body,
    };
    calls.send(call).expect("the test listens");
    match answer {
        None => StatusCode::NO_CONTENT.into_response(),
        Some(Answer::Status(status)) => StatusCode::from_u16(status).expect("a status").into_response(),
        Some(Answer::Redirect) => (StatusCode::FOUND, [(header::LOCATION, "/other")]).into_response(),
        Some(Answer::Silence) => std::future::pending().await,
    }
}

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
async fn urls_that_nobody_may_call_are_refused_before_anything_is_done() {
    let gateway = TestGateway::start().await;
    for (url, says) in [
        (json!("http://example.com/hook"), "https://"),
        (json!("http://localhost:1/hook"), "https://"),
        (json!("ftp://example.com/"), "https://"),
        (json!("https://localhost/"), "public address"),
        (json!("https://hooks.localhost/"), "public address"),
        (json!("https://127.0.0.1/"), "public address"),
        (json!("https://2130706433/"), "public address"),
        (json!("https://[::ffff:a9fe:a9fe]/"), "public address"),
        (json!("https://169.254.169.254/latest"), "public address"),
        (json!("https://8.8.8.8/"), "host name"),
        (json!("https://user:sesame@example.com/"), "user name"),
        (json!("https://example.com:22/"), "443"),
        (json!("example.com/hook"), "not a URL"),
        (json!("https://"), "not a URL"),
        (json!(7), "text"),
        (
            json!(format!("https://example.com/{}", "x".repeat(2_048))),
            "at most 2048",
        ),
    ] {
        let wrong = with(body(""), json!({ "webhook_url": url }));
        let error = send(order(&gateway, &wrong)).await.fault("webhook_url");
        let message = error["message"].as_str().expect("a message");
        assert!(
            message.contains(says) && !message.contains("sesame"),
            "{url}: {message}"
        );
    }
    let longest = with(
        body(""),
        json!({ "webhook_url": format!("https://example.com/{}", "x".repeat(2_028)) }),
    );
    let dry = gateway.request(Method::POST, &format!("{GENERATIONS}?dryRun=true"));
    let estimate = send(dry.header("prefer", "respond-async").json(&longest)).await.ok();
    assert_eq!(estimate["estimated"], true);
    assert!(gateway.upstream_calls().await.is_empty());
    gateway.finish().await;
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

/// Changes where a webhook goes behind the gateway's back.
async fn lead_to(gateway: &TestGateway, id: &str, url: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&gateway.database_url())
        .await
        .expect("the database opens");
    let changed = sqlx::query("UPDATE webhooks SET url = $2 WHERE generation_id = $1")
        .bind(id)
        .bind(url)
        .execute(&mut connection)
        .await;
    assert_eq!(changed.expect("the database answers").rows_affected(), 1);
    connection.close().await.expect("a connection can be closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_try_is_judged_anew() {
    let (gateway, receiver) = (allowing().await, Receiver::start(&[Answer::Status(500)]).await);
    let id = begin(&gateway, &body(&receiver.url("/hook"))).await;
    receiver.next().await;
    let mut tries = 1;
    until_tried(&gateway, &id, tries).await;
    let port = receiver.port;
    for (url, wait_s, says) in [
        // What the name leads to may change after it was taken.
        (format!("https://127.0.0.1:{port}/hook"), 5, "public address"),
        (format!("http://127.0.0.1:{port}/hook"), 15, "https://"),
        ("https://nowhere.invalid/hook".to_owned(), 45, "cannot be reached"),
    ] {
        lead_to(&gateway, &id, &url).await;
        gateway.clock.advance_s(wait_s);
        tries += 1;
        let told = until_tried(&gateway, &id, tries).await;
        assert_eq!(told["last_status"], Value::Null);
        let error = told["last_error"].as_str().expect("an error");
        assert!(error.contains(says), "{url}: {error}");
    }
    assert_eq!(standing(&gateway, &id).await["state"], "failed");
    gateway.finish().await;
    receiver.expect_nothing().await;
}

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
