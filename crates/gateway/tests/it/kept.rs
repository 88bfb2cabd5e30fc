//! A paid image is kept whatever breaks: the store away, the spool full, files that are no whole pictures, strays.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use gateway::media::store::MediaStore;
use gateway::media::strays::{Strays, remove_strays};

use super::hang_up::until_upstream_is_called;
use super::harness::{GENERATIONS, Process, Site, TestGateway, send, try_send, until, with};

const KEY: &str = "idempotency-key";

/// A quick and cheap request of one provider.
fn body(prompt: &str) -> Value {
    json!({ "model": "openai/gpt-image-1-mini", "prompt": prompt, "quality": "low", "output_format": "jpeg" })
}

/// Takes the media folder away: where it was nothing can be written.
fn take_away(data_dir: &Path) {
    let folder = data_dir.join("media");
    std::fs::rename(&folder, data_dir.join("away")).expect("the folder is there");
    std::fs::write(&folder, "no folder").expect("a file in its place");
}

fn give_back(data_dir: &Path) {
    let folder = data_dir.join("media");
    std::fs::remove_file(&folder).expect("the file is there");
    std::fs::rename(data_dir.join("away"), &folder).expect("the folder is there");
}

/// Files of images that wait for the store.
fn shelved(data_dir: &Path) -> usize {
    files(data_dir, ".image")
}

/// Files of images that are being sent.
fn sending(data_dir: &Path) -> usize {
    files(data_dir, ".sending")
}

fn files(data_dir: &Path, end: &str) -> usize {
    let files = std::fs::read_dir(data_dir).expect("the data folder");
    let names = files.map(|file| file.expect("an entry").file_name());
    names.filter(|name| name.to_string_lossy().ends_with(end)).count()
}

/// A request once it is in a state.
async fn until_is(gateway: &TestGateway, id: &str, status: &str) -> Value {
    until(status, async || {
        let reply = gateway.get(&format!("/v1/requests/{id}")).await;
        let found = reply.status == StatusCode::OK && reply.json()["status"] == status;
        found.then(|| reply.json())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_processing_until_its_images_are_stored() {
    let gateway = TestGateway::start().await;
    take_away(&gateway.data_dir);
    let request = gateway.request(Method::POST, GENERATIONS).json(&body("dunes"));
    let told = send(request.header("prefer", "respond-async")).await;
    assert_eq!(told.status, StatusCode::ACCEPTED, "{}", told.text());
    let id = told.json()["id"].as_str().expect("an id").to_owned();
    until("the provider's bill", async || {
        (gateway.bill().await.len() == 1).then_some(())
    })
    .await;
    let waiting = until_is(&gateway, &id, "processing").await;
    assert_eq!((&waiting["cost"], waiting.get("result")), (&Value::Null, None));
    give_back(&gateway.data_dir);
    let done = until_is(&gateway, &id, "completed").await;
    let link = done["result"]["data"][0]["url"].as_str().expect("a link");
    assert_eq!(send(gateway.client.get(link)).await.status, StatusCode::OK);
    assert_eq!(gateway.bill().await.len(), 1);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_stored_at_once_is_stored_for_who_asks_again() {
    let gateway = TestGateway::start().await;
    take_away(&gateway.data_dir);
    let body = with(body("dunes"), json!({ "response_format": "url" }));
    let request = || {
        gateway
            .request(Method::POST, GENERATIONS)
            .header(KEY, "order-1")
            .json(&body)
    };
    let first = send(request()).await.ok();
    assert!(first["data"][0]["b64_json"].is_string(), "handed out all the same");
    give_back(&gateway.data_dir);
    let again = send(request()).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(gateway.image(&again.ok(), 0).await, gateway.image(&first, 0).await);
    assert_eq!(gateway.bill().await.len(), 1);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_promised_while_the_store_was_away_survives_the_death_of_the_process() {
    let site = Site::new().await;
    let mut process = site.serve(&[]).await;
    take_away(&site.data_dir());
    let mut firsts = Vec::new();
    for format in ["url", "b64_json", "both"] {
        let body = with(body("dunes"), json!({ "response_format": format }));
        let first = send(process.generation(&body, format)).await.ok();
        assert!(first["data"][0]["b64_json"].is_string(), "handed out all the same");
        firsts.push((format, body, first));
    }
    process.kill();
    assert_eq!(shelved(&site.data_dir()), 3);
    give_back(&site.data_dir());
    let process = site.serve(&[]).await;
    for (format, body, first) in firsts {
        let again = send(process.generation(&body, format)).await;
        assert_eq!(again.header("idempotent-replayed"), "true", "{}", again.text());
        assert_eq!(again.ok()["id"], first["id"]);
        if format != "url" {
            assert_eq!(again.ok()["data"][0]["b64_json"], first["data"][0]["b64_json"]);
        }
    }
    assert_eq!(site.submits().await, 3);
    until("an empty shelf", async || {
        (shelved(&site.data_dir()) == 0).then_some(())
    })
    .await;
    process.stop().await;
    site.finish().await;
}

/// Asks for base64 alone, with headers by which it is found, and kills the process when it has reached a stage.
async fn dies_sending(site: &Site, stage: &str, headers: &[(&'static str, &str)]) {
    let mut process = site.serve(&[("PICTOR_TEST_STOP_AFTER", stage)]).await;
    let call = tokio::spawn(try_send(base64(&process, headers)));
    process.until_says(&format!("stopped after {stage}")).await;
    assert_eq!(sending(&site.data_dir()), 1);
    process.kill();
    assert!(call.await.expect("the caller waits").is_err());
}

fn base64(process: &Process, headers: &[(&'static str, &str)]) -> RequestBuilder {
    let body = with(body("dunes"), json!({ "response_format": "b64_json" }));
    let request = process.request(Method::POST, GENERATIONS).json(&body);
    headers
        .iter()
        .fold(request, |request, (name, value)| request.header(*name, *value))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_being_sent_when_the_process_died_is_found_by_its_request() {
    // Before its end is on record, after it, and when the answer is made.
    for stage in ["store", "settle", "respond"] {
        let site = Site::new().await;
        dies_sending(&site, stage, &[("x-request-id", "lost")]).await;
        let process = site.serve(&[]).await;
        let found = until("the image of the request", async || {
            let reply = process.get("/v1/requests/lost").await;
            let told = reply.json();
            (told["status"] == "completed" && told["result"]["data"][0].is_object()).then_some(told)
        })
        .await;
        assert_eq!(process.images(&found["result"]).await, 1, "{stage}");
        assert_eq!(site.submits().await, 1);
        until("no files that wait", async || {
            (sending(&site.data_dir()) + shelved(&site.data_dir()) == 0).then_some(())
        })
        .await;
        process.stop().await;
        site.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_sdk_s_retry_gets_what_was_being_sent_when_the_process_died() {
    for stage in ["settle", "respond"] {
        let site = Site::new().await;
        dies_sending(&site, stage, &[("x-stainless-retry-count", "0")]).await;
        let process = site.serve(&[]).await;
        let again = send(base64(&process, &[("x-stainless-retry-count", "1")])).await.ok();
        assert!(again["data"][0]["b64_json"].is_string(), "{stage}: {again}");
        assert_eq!(site.submits().await, 1, "{stage}");
        process.stop().await;
        site.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_leaves_nothing_behind() {
    let gateway = TestGateway::start().await;
    let body = with(body("dunes"), json!({ "response_format": "b64_json" }));
    let answer = send(gateway.request(Method::POST, GENERATIONS).json(&body)).await.ok();
    assert!(answer["data"][0]["b64_json"].is_string());
    until("nothing left behind", async || {
        (sending(&gateway.data_dir) + shelved(&gateway.data_dir) == 0).then_some(())
    })
    .await;
    let id = answer["id"].as_str().expect("an id");
    let told = gateway.get(&format!("/v1/requests/{id}")).await.ok();
    assert_eq!(told["result"]["data"].as_array().map_or(0, Vec::len), 0, "{told}");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hung_up_while_the_store_was_away_finds_the_image() {
    let gateway = TestGateway::start().await;
    take_away(&gateway.data_dir);
    let body = with(
        body("dunes [[fault: delay=300ms]]"),
        json!({ "response_format": "b64_json" }),
    );
    let request = gateway.request(Method::POST, GENERATIONS).json(&body);
    let caller = tokio::spawn(try_send(request.header("x-request-id", "gone")));
    until_upstream_is_called(&gateway, 1).await;
    caller.abort();
    until("the provider's bill", async || {
        (gateway.bill().await.len() == 1).then_some(())
    })
    .await;
    let seen = until("a state", async || {
        let reply = gateway.get("/v1/requests/gone").await;
        (reply.status == StatusCode::OK).then(|| reply.json())
    })
    .await;
    assert!(
        seen["status"] != "completed" || seen["result"]["data"][0].is_object(),
        "never completed without its image: {seen}"
    );
    give_back(&gateway.data_dir);
    let done = until_is(&gateway, "gone", "completed").await;
    assert_eq!(done["result"]["data"].as_array().map(Vec::len), Some(1));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_not_done_at_the_deadline_is_called_off() {
    let gateway = TestGateway::with(|settings| settings.limits.generation_deadline_s = 2).await;
    for (provider, method) in [("fal", "PUT"), ("replicate", "POST")] {
        let body = json!({ "model": format!("{provider}/flux.1-schnell"), "prompt": "dunes [[fault: status=401 at=status]]",
            "aspect_ratio": "1:1", "resolution": "0.25" });
        gateway.generate(body).await.error(504, "UPSTREAM_TIMEOUT");
        until("a cancelled job", async || {
            let calls = gateway.upstream_calls().await;
            let cancelled = calls.iter().any(|call| {
                let path = call["path"].as_str().unwrap_or_default();
                call["method"] == method && path.contains(provider) && path.ends_with("/cancel")
            });
            cancelled.then_some(())
        })
        .await;
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_picture_is_no_success_and_one_with_more_is() {
    let gateway = TestGateway::start().await;
    for (model, forced) in [("gpt-image-1-mini", "openai"), ("flux.1-schnell", "fal")] {
        let body =
            json!({ "model": format!("{forced}/{model}"), "prompt": "dunes [[fault: half]]", "size": "1024x1024" });
        let failed = gateway.generate(body).await;
        let error = failed.error(502, "UPSTREAM_ERROR");
        let attempt = &error["metadata"]["attempts"][0];
        assert_eq!(
            (&attempt["code"], &attempt["spent"]),
            (&json!("unreadable_answer"), &json!("yes")),
            "{error}"
        );
        assert_eq!(failed.header("x-should-retry"), "false");
    }
    for format in ["png", "jpeg", "webp"] {
        let body = with(body("dunes [[fault: trailing]]"), json!({ "output_format": format }));
        let answer = gateway.generate(body).await.ok();
        let warnings = answer["metadata"]["warnings"].to_string();
        assert!(warnings.contains("bytes follow the end"), "{warnings}");
        gateway.image(&answer, 0).await;
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spool_without_room_refuses_before_a_call_and_takes_what_is_paid_for() {
    let gateway = TestGateway::with(|settings| settings.limits.spool_bytes = 3 << 19).await;
    let large = with(body("dunes"), json!({ "output_format": "png", "n": 2 }));
    for is_stream in [false, true] {
        let refused = gateway
            .generate(with(large.clone(), json!({ "stream": is_stream })))
            .await;
        refused.error(503, "OVERLOADED");
        assert_eq!(
            (refused.header("retry-after"), refused.header("x-should-retry")),
            ("2", "true")
        );
    }
    assert!(gateway.upstream_calls().await.is_empty());
    // Larger than all of the spool, and paid for.
    let larger = with(
        body("dunes [[fault: huge=8MiB]]"),
        json!({ "response_format": "b64_json", "output_format": "png" }),
    );
    let answer = gateway.generate(larger).await.ok();
    assert!(gateway.image(&answer, 0).await.len() > 8_000_000);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_without_a_row_and_rows_without_a_file_are_removed() {
    let gateway = TestGateway::start().await;
    let mut answers = Vec::new();
    for prompt in ["one", "two"] {
        let body = with(body(prompt), json!({ "response_format": "url" }));
        answers.push(gateway.generate(body).await.ok());
    }
    let media = gateway.data_dir.join("media");
    let store = MediaStore::open(None, &gateway.data_dir).expect("the folder is there");
    let day = store.days().await.expect("readable").pop().expect("a day");
    let files = store.files_of(&day).await.expect("readable");
    assert_eq!(files.len(), 2);
    std::fs::remove_file(media.join(&files[0].0)).expect("it is there");
    std::fs::write(media.join(&day).join("stray.png"), "a stray").expect("a file");
    std::fs::write(media.join("a-file-of-the-operators.txt"), "not ours").expect("a file");
    let sweep = async |now| remove_strays(&store, &gateway.database, now).await.expect("it works");
    let now = gateway.clock.now().max(Timestamp::now());
    assert_eq!(
        sweep(Timestamp::UNIX_EPOCH).await,
        Strays::default(),
        "what is young is left alone"
    );
    let later = now + SignedDuration::from_hours(2);
    assert_eq!(sweep(later).await, Strays { files: 1, rows: 1 });
    assert_eq!(sweep(later).await, Strays::default());
    std::fs::remove_file(media.join("a-file-of-the-operators.txt")).expect("it was left alone");
    gateway.finish().await;
}
