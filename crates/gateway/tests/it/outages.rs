//! The database goes away while images are made: what was paid for is handed out, charged and on record.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use gateway::auth::Scope;
use gateway::settings::Settings;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

use super::hang_up::until_upstream_is_called;
use super::harness::outage::{Locked, Wire, WireState};
use super::harness::schema::{Schema, on_postgresql};
use super::harness::{GENERATIONS, Reply, Site, TestGateway, micros, send, try_send, until};

/// Within it a caller is told that nothing can be written, with some room for a busy machine.
const TOLD_WITHIN: Duration = Duration::from_millis(3_500);
/// Within it an image is handed out that was ready when the database was gone.
const HANDED_OUT_WITHIN: Duration = Duration::from_secs(5);

fn body() -> Value {
    json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes [[fault: delay=700ms]]", "quality": "low",
        "size": "1024x1024", "response_format": "b64_json", "output_format": "webp" })
}

/// How a database goes away.
enum Away {
    Locked(Option<Locked>),
    Wired(Wire, WireState),
}

impl Away {
    async fn begin(&mut self, gateway: &TestGateway) {
        match self {
            Self::Locked(lock) => {
                let file = gateway.data_dir.join("pictor.db");
                *lock = Some(Locked::take(&format!("sqlite://{}", file.display())).await);
            }
            Self::Wired(wire, state) => wire.be(*state),
        }
    }

    async fn end(&mut self) {
        match self {
            Self::Locked(lock) => lock.take().expect("it was taken").release().await,
            Self::Wired(wire, _) => wire.be(WireState::Sound),
        }
    }
}

async fn readiness(client: &Client, base: &str) -> StatusCode {
    let asked = client.get(format!("{base}/readyz")).send().await;
    asked.expect("an answer").status()
}

async fn refused(gateway: &TestGateway) -> Reply {
    let began = Instant::now();
    let reply = gateway
        .generate(json!({ "model": "mock-image", "prompt": "no", "size": "64x64", "response_format": "b64_json" }))
        .await;
    assert!(began.elapsed() < TOLD_WITHIN, "{:?}", began.elapsed());
    reply
}

/// Goes through one outage, from before images are ready until after it.
async fn goes_through(gateway: TestGateway, mut away: Away) {
    let calls = (0..3).map(|call| {
        let request = gateway
            .request(Method::POST, GENERATIONS)
            .header("idempotency-key", format!("call-{call}"))
            .json(&body());
        tokio::spawn(async move { (try_send(request).await, Instant::now()) })
    });
    let calls: Vec<_> = calls.collect();
    until_upstream_is_called(&gateway, 3).await;
    away.begin(&gateway).await;
    let gone = Instant::now();
    let mut ids = Vec::new();
    for call in join_all(calls).await {
        let (reply, at) = call.expect("the caller waits");
        assert!(at - gone < HANDED_OUT_WITHIN, "{:?}", at - gone);
        let answer = reply.expect("an answer").ok();
        gateway.image(&answer, 0).await;
        ids.push((answer["id"].clone(), micros(&answer["metadata"]["cost"])));
    }
    // Nothing new is begun, and everybody is told so.
    let reply = refused(&gateway).await;
    reply.error(503, "OVERLOADED");
    assert!(!reply.header("retry-after").is_empty());
    assert_eq!(reply.header("x-should-retry"), "true");
    let began = Instant::now();
    let ready = readiness(&gateway.client, &gateway.base).await;
    assert_eq!(ready, StatusCode::SERVICE_UNAVAILABLE);
    assert!(began.elapsed() < TOLD_WITHIN, "{:?}", began.elapsed());
    let began = Instant::now();
    assert_eq!(
        send(gateway.anonymous(Method::GET, "/healthz")).await.status,
        StatusCode::OK
    );
    assert!(began.elapsed() < Duration::from_secs(1));
    assert_eq!(gateway.upstream_calls().await.len(), 3, "nothing was spent meanwhile");
    away.end().await;
    until("a gateway that is ready again", async || {
        (readiness(&gateway.client, &gateway.base).await == StatusCode::OK).then_some(())
    })
    .await;
    for (call, (id, cost)) in ids.iter().enumerate() {
        let recorded = gateway.recorded(id.as_str().expect("an id")).await;
        assert_eq!(recorded["status"], "completed", "{recorded}");
        assert_eq!(micros(&recorded["cost"]), *cost, "{recorded}");
        let twin = gateway
            .request(Method::POST, GENERATIONS)
            .header("idempotency-key", format!("call-{call}"))
            .json(&body());
        let twin = send(twin).await;
        assert_eq!(twin.ok()["id"], *id, "a twin gets the same");
    }
    assert_eq!(gateway.upstream_calls().await.len(), 3);
    assert_eq!(gateway.bill().await.len(), 3);
    refused(&gateway).await.ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_are_handed_out_charged_and_on_record_although_the_database_went_away() {
    let Some(schema) = Schema::create().await else {
        return goes_through(TestGateway::start().await, Away::Locked(None)).await;
    };
    let wire = Wire::lay(&schema.url()).await;
    let gateway = over(&wire).await;
    goes_through(gateway, Away::Wired(wire, WireState::Silent)).await;
    schema.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_when_its_connections_are_cut() {
    let Some(schema) = Schema::create().await else {
        // A file has no connections.
        return;
    };
    let wire = Wire::lay(&schema.url()).await;
    let gateway = over(&wire).await;
    goes_through(gateway, Away::Wired(wire, WireState::Cut)).await;
    schema.remove().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_while_the_server_is_silent_is_told_so_although_nobody_had_noticed() {
    let Some(schema) = Schema::create().await else {
        // A file does not fall silent.
        return;
    };
    let wire = Wire::lay(&schema.url()).await;
    let gateway = over(&wire).await;
    // Nothing is known here of this key yet.
    let key = gateway.new_key(&[Scope::Generate], None).await;
    wire.be(WireState::Silent);
    for name in ["first", "second"] {
        let began = Instant::now();
        let request = gateway
            .anonymous(Method::POST, GENERATIONS)
            .bearer_auth(&key.token)
            .header("idempotency-key", name);
        send(request.json(&body())).await.error(503, "OVERLOADED");
        assert!(began.elapsed() < TOLD_WITHIN, "{:?}", began.elapsed());
    }
    wire.be(WireState::Sound);
    until("a gateway that is ready again", async || {
        (readiness(&gateway.client, &gateway.base).await == StatusCode::OK).then_some(())
    })
    .await;
    gateway.finish().await;
    schema.remove().await;
}

async fn over(wire: &Wire) -> TestGateway {
    let url = wire.url().to_owned();
    TestGateway::with(|settings: &mut Settings| settings.database_url = Some(url)).await
}

/// Has the shell ignore the signal for files that grow too large, so that writing fails as it does on a full disk.
const IGNORING: [&str; 3] = ["/bin/sh", "-c", "trap '' XFSZ; exec \"$0\" \"$@\""];

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_that_has_room_again_is_written_to_again() {
    let site = Site::new().await;
    let process = site.serve_by(&IGNORING, &[]).await;
    let call = tokio::spawn(try_send(process.generation(&body(), "full")));
    until("a call", async || (site.submits().await == 1).then_some(())).await;
    // No file of its own can grow past so many bytes, as if the disk were full for the database and not yet for an image.
    process.limit_files("307200");
    let began = Instant::now();
    let answer = call.await.expect("the caller waits").expect("an answer").ok();
    assert!(began.elapsed() < HANDED_OUT_WITHIN, "{:?}", began.elapsed());
    assert!(answer["data"][0]["b64_json"].is_string());
    let began = Instant::now();
    let ready = readiness(&process.client, &process.base).await;
    if site.is_embedded() {
        assert_eq!(ready, StatusCode::SERVICE_UNAVAILABLE);
        send(process.generation(&body(), "later"))
            .await
            .error(503, "OVERLOADED");
        assert!(began.elapsed() < 2 * TOLD_WITHIN);
        assert_eq!(site.submits().await, 1);
    }
    process.limit_files("unlimited");
    until("a gateway that is ready again", async || {
        (readiness(&process.client, &process.base).await == StatusCode::OK).then_some(())
    })
    .await;
    let id = answer["id"].as_str().expect("an id");
    let recorded = process.get(&format!("/v1/requests/{id}")).await.ok();
    assert_eq!(recorded["status"], "completed", "{recorded}");
    let again = send(process.generation(&body(), "again")).await;
    assert!(again.ok()["data"][0]["b64_json"].is_string());
    process.stop().await;
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_while_the_database_was_away_survives_the_death_of_the_process() {
    if on_postgresql() {
        // There the waiting file is the same; what differs is tried above.
        return;
    }
    let site = Site::new().await;
    let mut process = site.serve(&[]).await;
    let call = tokio::spawn(try_send(process.generation(&body(), "kept")));
    until("a call", async || (site.submits().await == 1).then_some(())).await;
    let file = site.data_dir().join("pictor.db");
    let lock = Locked::take(&format!("sqlite://{}", file.display())).await;
    let answer = call.await.expect("the caller waits").expect("an answer").ok();
    process.kill();
    lock.release().await;
    let process = site.serve(&[]).await;
    let id = answer["id"].as_str().expect("an id");
    let recorded = process.get(&format!("/v1/requests/{id}")).await.ok();
    assert_eq!(recorded["status"], "completed", "{recorded}");
    assert_eq!(micros(&recorded["cost"]), micros(&answer["metadata"]["cost"]));
    let twin = send(process.generation(&body(), "kept")).await;
    assert_eq!(twin.ok()["id"], id);
    assert_eq!(site.submits().await, 1);
    process.stop().await;
    site.finish().await;
}
