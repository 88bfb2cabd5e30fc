//! `Idempotency-Key` and `Prefer: respond-async`: a request is done once, however often and wherever it comes.

mod left_alone;
mod refusals;

use futures_util::future::join_all;
use gateway::auth::Scope;
use gateway::db::DEFAULT_ACCOUNT;
use gateway::db::accounts::{AccountTerms, Billing};
use gateway::media::store::MediaStore;
use gateway::media::sweep::remove_expired;
use imaging::ImageFormat;
use planner::request::ResponseFormat;
use reqwest::multipart::Form;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::edits::data_url;
use super::hang_up::until_upstream_is_called;
use super::harness::{EDITS, GENERATIONS, Reply, TestGateway, file, half_mask, plain, send, with};
use super::requests::{ids, other_account};

const KEY: &str = "idempotency-key";
const REPLAYED: &str = "idempotent-replayed";
const HOUR_S: i64 = 3_600;
/// Callers with one key, half of them at a replica.
const TWINS: usize = 200;

/// A quick and cheap request of one provider.
fn body(prompt: &str) -> Value {
    json!({ "model": "openai/gpt-image-1-mini", "prompt": prompt, "quality": "low", "output_format": "jpeg" })
}

fn keyed(gateway: &TestGateway, key: &str, body: &Value) -> RequestBuilder {
    gateway.request(Method::POST, GENERATIONS).header(KEY, key).json(body)
}

/// The body with links taken out: they are signed anew.
fn bare(reply: &Reply) -> Value {
    let mut body = reply.json();
    for item in body["data"].as_array_mut().into_iter().flatten() {
        if let Some(url) = item.get_mut("url") {
            *url = json!(url.as_str().and_then(|url| url.split('?').next()));
        }
    }
    body
}

/// Checks that `again` is the answer of `first` once more.
fn is_replay(first: &Reply, again: &Reply) {
    assert_eq!(first.header(REPLAYED), "", "the first one is no replay");
    assert_eq!(again.header(REPLAYED), "true", "{}", again.text());
    assert_eq!((first.status, bare(first)), (again.status, bare(again)));
    assert_ne!(first.id(), again.id(), "each answer has an id of its own");
    for name in ["content-type", "x-pictor-provider", "x-pictor-model", "x-pictor-cost"] {
        assert_eq!(first.header(name), again.header(name), "{name}");
    }
}

async fn image_behind(gateway: &TestGateway, reply: &Reply) -> Vec<u8> {
    let answer = reply.json();
    let url = answer["data"][0]["url"].as_str().expect("a link");
    let image = send(gateway.client.get(url)).await;
    assert_eq!(image.status, StatusCode::OK, "{}", image.text());
    image.body.to_vec()
}

/// Makes the default account prepaid with nothing paid in, or postpaid again.
async fn bill_by(gateway: &TestGateway, billing: Billing) {
    let terms = AccountTerms {
        billing,
        credit_limit_micros: (billing == Billing::Prepaid).then_some(0),
        log_retention_days: None,
        media_ttl_s: None,
        media_bytes: None,
        stores_payloads: false,
    };
    let changed = gateway.database.update_account(DEFAULT_ACCOUNT, &terms).await;
    assert!(changed.expect("the database answers"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_comes_again_gets_the_same_answer_with_fresh_links() {
    let gateway = TestGateway::start().await;
    let body = with(body("dunes"), json!({ "response_format": "url", "n": 2 }));
    let first = send(keyed(&gateway, "order-1", &body)).await;
    assert_eq!(first.ok()["data"].as_array().map(Vec::len), Some(2));
    let image = image_behind(&gateway, &first).await;
    gateway.clock.advance_s(60);
    let again = send(keyed(&gateway, "order-1", &body)).await;
    is_replay(&first, &again);
    assert_ne!(
        first.json()["data"][0]["url"],
        again.json()["data"][0]["url"],
        "signed anew"
    );
    assert_eq!(image_behind(&gateway, &again).await, image);
    // Programs write an object's fields in any order.
    let fields = body.as_object().cloned().expect("an object");
    let reversed = Value::Object(fields.into_iter().rev().collect());
    is_replay(&first, &send(keyed(&gateway, "order-1", &reversed)).await);
    assert_eq!(gateway.upstream_calls().await.len(), 1);
    assert_eq!(
        ids(&gateway.get("/v1/requests").await.ok()),
        [first.id()],
        "a replay is no request of its own"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_come_again_as_the_same_bytes() {
    let gateway = TestGateway::start().await;
    let body = with(body("dunes"), json!({ "response_format": "b64_json" }));
    let first = send(keyed(&gateway, "order-1", &body)).await;
    gateway.image(&first.ok(), 0).await;
    gateway.clock.advance_s(2 * HOUR_S);
    is_replay(&first, &send(keyed(&gateway, "order-1", &body)).await);
    assert_eq!(gateway.bill().await.len(), 1);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_one_request_only() {
    let gateway = TestGateway::start().await;
    let first = send(keyed(&gateway, "order-1", &body("dunes"))).await;
    first.ok();
    let picture = data_url("image/png", &plain((64, 64), [1, 2, 3, 255], ImageFormat::Png));
    let edit = with(body("dunes"), json!({ "images": [{ "image_url": picture }] }));
    for request in [
        keyed(&gateway, "order-1", &body("another")),
        keyed(&gateway, "order-1", &with(body("dunes"), json!({ "n": 2 }))),
        keyed(
            &gateway,
            "order-1",
            &with(body("dunes"), json!({ "response_format": "b64_json" })),
        ),
        gateway.request(Method::POST, EDITS).header(KEY, "order-1").json(&edit),
    ] {
        let reply = send(request).await;
        let error = reply.error(409, "IDEMPOTENCY_CONFLICT");
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(reply.header("x-should-retry"), "false");
    }
    is_replay(&first, &send(keyed(&gateway, "order-1", &body("dunes"))).await);
    // While the first one is under way, too.
    let slow = keyed(&gateway, "order-2", &body("dunes [[fault: delay=500ms]]"));
    let other = async {
        until_upstream_is_called(&gateway, 2).await;
        send(keyed(&gateway, "order-2", &body("another"))).await
    };
    let (slow, other) = tokio::join!(send(slow), other);
    slow.ok();
    other.error(409, "IDEMPOTENCY_CONFLICT");
    assert_eq!(gateway.upstream_calls().await.len(), 2);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_an_api_key() {
    let gateway = TestGateway::start().await;
    let other = gateway
        .new_key(&[Scope::Generate], Some(ResponseFormat::Url))
        .await
        .token;
    let first = send(keyed(&gateway, "order-1", &body("dunes"))).await;
    let by_other = |body: &Value| {
        let request = gateway.anonymous(Method::POST, GENERATIONS).bearer_auth(&other);
        request.header(KEY, "order-1").json(body)
    };
    let second = send(by_other(&body("another"))).await;
    assert_eq!(second.header(REPLAYED), "");
    assert_ne!(first.ok()["id"], second.ok()["id"]);
    is_replay(&first, &send(keyed(&gateway, "order-1", &body("dunes"))).await);
    is_replay(&second, &send(by_other(&body("another"))).await);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_or_cost_nothing_leaves_its_key_free() {
    let gateway = TestGateway::start().await;
    bill_by(&gateway, Billing::Prepaid).await;
    send(keyed(&gateway, "poor", &body("dunes")))
        .await
        .error(402, "INSUFFICIENT_BALANCE");
    bill_by(&gateway, Billing::Postpaid).await;
    let wrong = with(body("dunes"), json!({ "n": 0 }));
    send(keyed(&gateway, "wrong", &wrong)).await.fault("n");
    let unknown = with(body("dunes"), json!({ "model": "gpt-image-1-mimi" }));
    send(keyed(&gateway, "unknown", &unknown))
        .await
        .error(404, "MODEL_NOT_FOUND");
    for key in ["poor", "wrong", "unknown"] {
        let reply = send(keyed(&gateway, key, &body("dunes"))).await;
        reply.ok();
        assert_eq!(reply.header(REPLAYED), "", "{key}");
    }
    // A provider refuses at no cost, as often as it is asked: the same request with the same key is simply made again.
    let limited = body("dunes [[fault: status=429 retry-after=30 times=2]]");
    let refused = send(keyed(&gateway, "limited", &limited)).await;
    refused.error(429, "UPSTREAM_ERROR");
    assert_eq!(refused.header("x-should-retry"), "true");
    gateway.clock.advance_s(HOUR_S);
    let made = send(keyed(&gateway, "limited", &limited)).await;
    made.ok();
    is_replay(&made, &send(keyed(&gateway, "limited", &limited)).await);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_that_may_have_been_paid_for_is_told_again() {
    let gateway = TestGateway::start().await;
    let broken = body("dunes [[fault: cut once]]");
    let first = send(keyed(&gateway, "order-1", &broken)).await;
    first.error(502, "UPSTREAM_ERROR");
    assert_eq!(first.header("x-should-retry"), "false");
    let again = send(keyed(&gateway, "order-1", &broken)).await;
    assert_eq!((again.status, again.json()), (first.status, first.json()));
    assert_eq!(
        (again.header(REPLAYED), again.header("x-should-retry")),
        ("true", "false")
    );
    assert_eq!(gateway.upstream_calls().await.len(), 1, "nothing is risked twice");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_twins_are_one_call() {
    let gateway = TestGateway::start().await;
    let replica = gateway.replica().await;
    let body = body("dunes [[fault: delay=500ms]]");
    let twins = (0..TWINS).map(|place| {
        let door = if place % 2 == 0 { &gateway } else { &replica };
        send(keyed(door, "twins", &body))
    });
    let replies = join_all(twins).await;
    let (first, others): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.header(REPLAYED).is_empty());
    assert_eq!((first.len(), others.len()), (1, TWINS - 1));
    // Each gateway signs links to its own address.
    let path = |reply: &Reply| {
        let mut body = bare(reply);
        let url = body["data"][0]["url"].take();
        let name = url
            .as_str()
            .and_then(|url| url.rsplit('/').next())
            .expect("a link")
            .to_owned();
        (name, body)
    };
    let (name, answer) = path(first[0]);
    first[0].ok();
    for other in others {
        other.ok();
        assert_eq!(path(other), (name.clone(), answer.clone()));
    }
    assert_eq!(gateway.upstream_calls().await.len(), 1);
    assert_eq!(gateway.bill().await.len(), 1);
    replica.finish().await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_and_their_images_are_kept_for_a_day() {
    let gateway = TestGateway::start().await;
    let sweep = async || {
        let store = MediaStore::open(None, &gateway.data_dir).expect("the folder is there");
        let swept = remove_expired(&store, &gateway.database, &gateway.clock.clock()).await;
        swept.expect("images can be removed");
    };
    let body = body("dunes");
    let first = send(keyed(&gateway, "order-1", &body)).await;
    let image = image_behind(&gateway, &first).await;
    let url = first.json()["data"][0]["url"].as_str().expect("a link").to_owned();
    gateway.clock.advance_s(HOUR_S);
    sweep().await;
    assert_eq!(
        send(gateway.client.get(&url)).await.status,
        StatusCode::NOT_FOUND,
        "links last an hour"
    );
    gateway.clock.advance_s(23 * HOUR_S - 1);
    sweep().await;
    let again = send(keyed(&gateway, "order-1", &body)).await;
    is_replay(&first, &again);
    assert_eq!(image_behind(&gateway, &again).await, image);
    gateway.clock.advance_s(1);
    sweep().await;
    let anew = send(keyed(&gateway, "order-1", &body)).await;
    assert_eq!(anew.header(REPLAYED), "", "after a day the key is as good as new");
    assert_ne!(anew.ok()["id"], first.json()["id"]);
    assert_eq!(gateway.bill().await.len(), 2);
    is_replay(&anew, &send(keyed(&gateway, "order-1", &body)).await);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_a_part_of_the_request() {
    let gateway = TestGateway::start().await;
    let red = || plain((64, 64), [200, 0, 0, 255], ImageFormat::Png);
    let blue = || plain((64, 64), [0, 0, 200, 255], ImageFormat::Png);
    let form = |images: Vec<Vec<u8>>, mask: Option<Vec<u8>>| {
        let mut form = Form::new();
        for (name, value) in [
            ("model", "openai/gpt-image-1-mini"),
            ("prompt", "a boat"),
            ("quality", "low"),
        ] {
            form = form.text(name, value);
        }
        for image in images {
            form = form.part("image[]", file(image));
        }
        match mask {
            Some(mask) => form.part("mask", file(mask)),
            None => form,
        }
    };
    let edit = async |form: Form| {
        send(
            gateway
                .request(Method::POST, EDITS)
                .header(KEY, "edit-1")
                .multipart(form),
        )
        .await
    };
    let first = edit(form(vec![red(), blue()], None)).await;
    first.ok();
    // The boundary between the parts is another one each time.
    is_replay(&first, &edit(form(vec![red(), blue()], None)).await);
    for other in [
        form(vec![blue(), red()], None),
        form(vec![red()], None),
        form(vec![red(), red()], None),
        form(vec![red(), blue()], Some(half_mask((64, 64)))),
    ] {
        edit(other).await.error(409, "IDEMPOTENCY_CONFLICT");
    }
    // The same as JSON.
    let edit = async |bytes: &[u8]| {
        let fields = json!({ "images": [{ "image_url": data_url("image/png", bytes) }] });
        let request = gateway.request(Method::POST, EDITS).header(KEY, "edit-2");
        send(request.json(&with(body("a boat"), fields))).await
    };
    let first = edit(&red()).await;
    first.ok();
    is_replay(&first, &edit(&red()).await);
    edit(&blue()).await.error(409, "IDEMPOTENCY_CONFLICT");
    assert_eq!(gateway.upstream_calls().await.len(), 2);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_found_by_its_key() {
    let gateway = TestGateway::start().await;
    let failing = body("dunes [[fault: status=401 once]]");
    send(keyed(&gateway, "order 7/a", &failing))
        .await
        .error(502, "UPSTREAM_ERROR");
    gateway.clock.advance_s(HOUR_S);
    let made = send(keyed(&gateway, "order 7/a", &failing)).await;
    made.ok();
    let found = gateway.get("/v1/requests/order%207%2Fa").await.ok();
    assert_eq!(
        (&found["id"], &found["idempotency_key"]),
        (&json!(made.id()), &json!("order 7/a")),
        "the newest"
    );
    assert!(found["result"]["data"][0]["url"].is_string());
    // An id comes before a mark of the caller's, and that before a key.
    gateway.clock.advance_s(1);
    let marked = keyed(&gateway, "order-8", &body("dunes")).header("x-request-id", "order 7/a");
    let marked = send(marked).await;
    gateway.clock.advance_s(1);
    let shadowed = send(keyed(&gateway, &marked.id(), &body("dunes"))).await;
    let id_of = async |name: &str| gateway.get(&format!("/v1/requests/{name}")).await.ok()["id"].clone();
    assert_eq!(id_of("order%207%2Fa").await, json!(marked.id()));
    assert_eq!(id_of("order-8").await, json!(marked.id()));
    assert_eq!(id_of(&marked.id()).await, json!(marked.id()));
    let listed = gateway
        .get(&format!("/v1/requests?idempotency_key={}", marked.id()))
        .await
        .ok();
    assert_eq!(ids(&listed), [shadowed.id()]);
    assert_eq!(listed["data"][0]["idempotency_key"], json!(marked.id()));
    // Another account has nothing of it.
    let other = other_account(&gateway, &[Scope::Read]).await;
    let asked = gateway
        .anonymous(Method::GET, "/v1/requests/order-8")
        .bearer_auth(&other);
    send(asked).await.error(404, "INVALID_REQUEST");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_purged_does_not_come_again() {
    let gateway = TestGateway::start().await;
    let first = send(keyed(&gateway, "order-1", &body("dunes"))).await;
    first.ok();
    let purge = gateway.request(Method::DELETE, &format!("/v1/requests/{}/payloads", first.id()));
    send(purge).await.ok();
    let again = send(keyed(&gateway, "order-1", &body("dunes"))).await;
    again.error(409, "IDEMPOTENCY_CONFLICT");
    assert_eq!(again.header("x-should-retry"), "false");
    assert_eq!(
        gateway.bill().await.len(),
        1,
        "nor is it made anew behind the caller's back"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twins_share_the_failure_of_the_one_they_wait_for() {
    let gateway = TestGateway::start().await;
    let replica = gateway.replica().await;
    let limited = with(
        body("dunes [[fault: delay=1500ms status=429 retry-after=30]]"),
        json!({ "model": "openai/gpt-image-1-mini" }),
    );
    // Half of them ask elsewhere.
    let asked = |twin| if twin % 2 == 0 { &gateway } else { &replica };
    let twins = (0..20).map(|twin| send(keyed(asked(twin), "order-1", &limited)));
    let replies = join_all(twins).await;
    for reply in &replies {
        reply.error(429, "UPSTREAM_ERROR");
        assert_eq!(reply.header("x-should-retry"), "true");
    }
    let calls = gateway.upstream_calls().await.len();
    // All twenty were there before the first one's failure; who comes in the same moment as its end may try anew.
    assert!(calls <= 2, "{calls} calls for twenty of the same");
    // Nothing was spent, so who comes later tries anew.
    send(keyed(&gateway, "order-1", &limited))
        .await
        .error(429, "UPSTREAM_ERROR");
    assert!(gateway.upstream_calls().await.len() > calls);
    replica.finish().await;
    gateway.finish().await;
}
