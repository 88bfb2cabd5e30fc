//! `GET /v1/requests`: pages, filters, one request by either id, and fresh links.

mod one;

use gateway::auth::{self, KeyOrder, Scope};
use gateway::db::accounts::{AccountTerms, Billing};
use gateway::db::keys::KeyTerms;
use imaging::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};

use super::edits::data_url;
use super::harness::{GENERATIONS, TestGateway, micros, names, plain, send, with};

/// Fields of a request in a list.
const FIELDS: [&str; 20] = [
    "client_request_id",
    "cost",
    "created_at",
    "currency",
    "duration_ms",
    "endpoint",
    "error_code",
    "error_message",
    "id",
    "idempotency_key",
    "key_id",
    "modality",
    "model",
    "object",
    "request_size_bytes",
    "response_size_bytes",
    "session_id",
    "status",
    "trace_id",
    "user",
];

pub(crate) fn ids(list: &Value) -> Vec<String> {
    list["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["id"].as_str().expect("an id").to_owned())
        .collect()
}

/// Makes an account `other` and the token of a key of it.
pub(crate) async fn other_account(gateway: &TestGateway, scopes: &[Scope]) -> String {
    let terms = AccountTerms {
        billing: Billing::Postpaid,
        credit_limit_micros: None,
        log_retention_days: None,
        media_ttl_s: None,
        media_bytes: None,
        stores_payloads: false,
    };
    let now = gateway.clock.now();
    let made = gateway.database.insert_account("other", &terms, now, None).await;
    assert!(made.expect("the database answers"), "there was none");
    let order = KeyOrder {
        account_id: "other".to_owned(),
        name: "other".to_owned(),
        scopes: scopes.to_vec(),
        terms: KeyTerms::default(),
    };
    let key = auth::create(&gateway.database, order, now).await;
    key.expect("a key is made").token
}

/// Makes `count` requests a second apart, every third of them bad. Gives their ids, newest first.
async fn some(gateway: &TestGateway, count: usize) -> Vec<String> {
    let mut made = Vec::new();
    for index in 0..count {
        gateway.clock.advance_s(1);
        let n = if index % 3 == 2 { 0 } else { 1 };
        let body =
            json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "n": n, "response_format": "b64_json" });
        made.insert(0, gateway.generate(body).await.id());
    }
    made
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_lead_forward_and_back() {
    let gateway = TestGateway::embedded().await;
    let made = some(&gateway, 7).await;
    let first = gateway.get("/v1/requests?limit=3").await.ok();
    assert_eq!(names(&first), ["data", "next_page_url", "object", "previous_page_url"]);
    assert_eq!(
        (&first["object"], &first["previous_page_url"]),
        (&json!("list"), &Value::Null)
    );
    assert_eq!(ids(&first), made[..3]);
    let next = async |page: &Value, link: &str| gateway.get(page[link].as_str().expect("a link")).await.ok();
    let second = next(&first, "next_page_url").await;
    assert_eq!(ids(&second), made[3..6]);
    let third = next(&second, "next_page_url").await;
    assert_eq!(
        (ids(&third), &third["next_page_url"]),
        (made[6..].to_vec(), &Value::Null)
    );
    let back = next(&third, "previous_page_url").await;
    assert_eq!(ids(&back), made[3..6]);
    let start = next(&back, "previous_page_url").await;
    assert_eq!(
        (ids(&start), &start["previous_page_url"]),
        (made[..3].to_vec(), &Value::Null)
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_narrow_the_list_and_stay_in_the_links() {
    let gateway = TestGateway::embedded().await;
    let begin = gateway.clock.now();
    let made = some(&gateway, 6).await;
    let completed = gateway.get("/v1/requests?status=completed&limit=2").await.ok();
    assert_eq!(ids(&completed), [made[1].clone(), made[2].clone()]);
    let link = completed["next_page_url"].as_str().expect("another page");
    assert!(link.contains("status=completed") && link.contains("limit=2"), "{link}");
    assert_eq!(ids(&gateway.get(link).await.ok()), [made[4].clone(), made[5].clone()]);
    assert_eq!(
        ids(&gateway.get("/v1/requests?status=rejected").await.ok()),
        [made[0].clone(), made[3].clone()]
    );
    let at = |seconds: i64| {
        begin
            .checked_add(jiff::SignedDuration::from_secs(seconds))
            .expect("a time")
    };
    let middle = gateway
        .get(&format!(
            "/v1/requests?created_after={}&created_before={}",
            at(2),
            at(4)
        ))
        .await
        .ok();
    assert_eq!(ids(&middle), made[2..5]);

    let key = gateway.new_key(&[Scope::Admin], None).await;
    let body = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" });
    let reply = send(
        gateway
            .anonymous(Method::POST, GENERATIONS)
            .bearer_auth(&key.token)
            .json(&body),
    )
    .await;
    assert_eq!(
        ids(&gateway.get(&format!("/v1/requests?key_id={}", key.row.id)).await.ok()),
        [reply.id()]
    );
    assert_eq!(gateway.get("/v1/requests?key_id=nobody").await.ok()["data"], json!([]));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_queries_are_refused_by_name() {
    let gateway = TestGateway::embedded().await;
    for (query, param) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("created_after=yesterday", "created_after"),
        ("created_before=", "created_before"),
        ("colour=red", "colour"),
        ("starting_after=a&ending_before=b", "ending_before"),
        ("starting_after=zzz", "starting_after"),
        ("starting_after=%00", "starting_after"),
        ("ending_before=%ff", "ending_before"),
        ("status=odd", "status"),
        ("summary=perhaps", "summary"),
        ("format=xml", "format"),
        ("model=a&model=b", "model"),
        ("format=csv&summary=true", "summary"),
        (
            "format=ndjson&ending_before=req_000000000000000000000000000",
            "ending_before",
        ),
    ] {
        gateway.get(&format!("/v1/requests?{query}")).await.fault(param);
    }
    for (query, says) in [
        (
            "status=complete",
            "legal: pending, processing, completed, upstream_failure, rejected, cancelled. Did you mean 'completed'?",
        ),
        ("modle=x", "Did you mean 'model'?"),
        ("limit=0&status=odd&colour=red", "'limit' must be"),
    ] {
        let error = gateway
            .get(&format!("/v1/requests?{query}"))
            .await
            .error(400, "INVALID_REQUEST");
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(says)),
            "{error}"
        );
    }
    let error = gateway
        .get("/v1/requests?limit=0&status=odd&colour=red")
        .await
        .error(400, "INVALID_REQUEST");
    assert_eq!(
        error["metadata"]["faults"].as_array().map(Vec::len),
        Some(3),
        "all are told: {error}"
    );
    for harmless in [
        "user=%00",
        "session_id=%ff",
        "client_request_id=%27%20OR%201=1",
        "model=",
        "summary=false",
        "format=json",
    ] {
        gateway.get(&format!("/v1/requests?{harmless}")).await.ok();
    }
    gateway.get("/v1/requests/x?account=y").await.fault("account");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mark_and_every_outcome_can_be_searched() {
    let gateway = TestGateway::start().await;
    let body = |model: &str| json!({ "model": model, "prompt": "dunes", "quality": "low", "size": "1024x1024", "response_format": "b64_json", "user": "somebody" });
    let marked = gateway
        .request(Method::POST, GENERATIONS)
        .json(&body("openai/gpt-image-1-mini"));
    let marked = marked
        .header("x-request-id", "mine-1")
        .header("x-session-id", "session-1")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let marked = send(marked).await.id();
    gateway.clock.advance_s(1);
    let by_fal = gateway
        .generate(with(body("fal/gpt-image-1-mini"), json!({ "user": "another" })))
        .await
        .id();
    gateway.clock.advance_s(1);
    let image = data_url("image/png", &plain((96, 96), [200, 30, 30, 255], ImageFormat::Png));
    let edited = gateway
        .edit_json(json!({ "model": "fal/gpt-image-1-mini", "prompt": "dunes", "quality": "low", "response_format": "b64_json", "images": [{ "image_url": image }] }))
        .await;
    edited.ok();
    gateway.clock.advance_s(1);
    let unknown = gateway
        .generate(json!({ "model": "no-such-model", "prompt": "dunes" }))
        .await
        .id();
    for (query, found) in [
        ("model=gpt-image-1-mini", vec![&edited.id(), &by_fal, &marked]),
        ("model=openai/gpt-image-1-mini", vec![&edited.id(), &by_fal, &marked]),
        ("model=", vec![&unknown]),
        ("provider=fal", vec![&edited.id(), &by_fal]),
        ("provider=openai", vec![&marked]),
        ("endpoint=/openai/v1/images/edits", vec![&edited.id()]),
        ("error_code=MODEL_NOT_FOUND", vec![&unknown]),
        ("session_id=session-1", vec![&marked]),
        ("trace_id=4bf92f3577b34da6a3ce929d0e0e4736", vec![&marked]),
        ("user=somebody", vec![&marked]),
        ("user=another&provider=fal", vec![&by_fal]),
        ("user=another&provider=openai", vec![]),
        ("client_request_id=mine-1", vec![&marked]),
        (
            "created_after=2026-08-15&created_before=2026-08-15",
            vec![&unknown, &edited.id(), &by_fal, &marked],
        ),
        ("created_before=2026-08-14", vec![]),
        ("created_after=2026-08-16", vec![]),
    ] {
        let listed = gateway.get(&format!("/v1/requests?{query}")).await.ok();
        assert_eq!(ids(&listed).iter().collect::<Vec<_>>(), found, "{query}");
    }
    gateway.finish().await;
}

/// A summary without its days.
fn in_all(page: &Value) -> Value {
    let mut summary = page["summary"].clone();
    summary.as_object_mut().expect("a summary").remove("days");
    summary
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_counts_all_that_fit_whatever_the_page() {
    let gateway = TestGateway::start().await;
    let mut cost = 0;
    for _ in 0..3 {
        gateway.clock.advance_s(1);
        let body = json!({ "model": "fal/gpt-image-1-mini", "prompt": "dunes", "quality": "low", "size": "1024x1024", "response_format": "b64_json" });
        cost += micros(&gateway.generate(body).await.ok()["metadata"]["cost"]);
    }
    gateway
        .generate(json!({ "model": "mock-image", "prompt": "dunes", "n": 0 }))
        .await
        .fault("n");
    assert!(cost > 0);
    let page = gateway.get("/v1/requests?limit=1&summary=true").await.ok();
    assert_eq!(page["data"].as_array().map(Vec::len), Some(1));
    let dollars = serde_json::Number::from_f64(cost as f64 / 1e6).expect("a number");
    assert_eq!(
        in_all(&page),
        json!({ "count": 4, "completed": 3, "failed": 1, "total_cost": dollars, "total_cost_micros": cost, "currency": "usd",
            "took": { "p50_ms": 0, "p95_ms": 0, "of": 3 } })
    );
    let day = &page["summary"]["days"][0];
    assert_eq!((&day["requests"], &day["cost_micros"]), (&json!(4), &json!(cost)));
    let next = page["next_page_url"].as_str().expect("another page");
    assert!(next.contains("summary=true"), "{next}");
    assert_eq!(
        gateway.get(next).await.ok()["summary"],
        page["summary"],
        "the cursor does not narrow it"
    );
    let narrowed = gateway.get("/v1/requests?summary&status=rejected").await.ok();
    assert_eq!(
        in_all(&narrowed),
        json!({ "count": 1, "completed": 0, "failed": 1, "total_cost": 0.0, "total_cost_micros": 0, "currency": "usd", "took": null })
    );
    let nothing = gateway.get("/v1/requests?summary=true&user=nobody").await.ok();
    assert_eq!(
        (&nothing["summary"]["count"], &nothing["data"]),
        (&json!(0), &json!([]))
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_goes_on_from_a_request_that_is_forgotten() {
    let gateway = TestGateway::embedded().await;
    let made = some(&gateway, 4).await;
    let between = gateway
        .clock
        .now()
        .checked_sub(jiff::SignedDuration::from_millis(1_500))
        .expect("a time");
    let gone = gateway::ids::request_id(between);
    let older = gateway.get(&format!("/v1/requests?starting_after={gone}")).await.ok();
    assert_eq!(ids(&older), made[2..]);
    let newer = gateway
        .get(&format!("/v1/requests?ending_before={gone}&limit=1"))
        .await
        .ok();
    assert_eq!(ids(&newer), made[1..2]);
    assert!(
        newer["previous_page_url"].is_string() && newer["next_page_url"].is_string(),
        "{newer}"
    );
    let never = "req_000000000000000000000000000";
    let page = gateway.get(&format!("/v1/requests?starting_after={never}")).await.ok();
    assert_eq!(page["data"], json!([]), "nothing is older");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_one_moment_are_each_on_one_page() {
    let gateway = TestGateway::embedded().await;
    let body = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "response_format": "b64_json" });
    let mut made = Vec::new();
    for _ in 0..9 {
        made.push(gateway.generate(body.clone()).await.id());
    }
    let (mut seen, mut link) = (Vec::new(), Some("/v1/requests?limit=2".to_owned()));
    while let Some(path) = link {
        let page = gateway.get(&path).await.ok();
        seen.extend(ids(&page));
        link = page["next_page_url"].as_str().map(ToOwned::to_owned);
    }
    assert_eq!(seen.len(), 9);
    made.sort();
    seen.sort();
    assert_eq!(seen, made);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_accounts_are_for_admins_to_see() {
    let gateway = TestGateway::embedded().await;
    let other = other_account(&gateway, &[Scope::Generate, Scope::Read]).await;
    let body = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "response_format": "b64_json" });
    let reply = send(
        gateway
            .anonymous(Method::POST, GENERATIONS)
            .bearer_auth(&other)
            .json(&body),
    )
    .await;
    reply.ok();
    let own = gateway.generate(body).await.id();
    let as_other = async |path: &str| send(gateway.anonymous(Method::GET, path).bearer_auth(&other)).await;
    assert_eq!(ids(&as_other("/v1/requests").await.ok()), [reply.id()]);
    assert_eq!(ids(&as_other("/v1/requests?account_id=other").await.ok()), [reply.id()]);
    as_other(&format!("/v1/requests/{own}"))
        .await
        .error(404, "INVALID_REQUEST");
    for path in [
        "/v1/requests?account_id=default",
        "/v1/requests?format=csv&account_id=default",
        "/v1/usage?account_id=default",
    ] {
        as_other(path).await.error(403, "PERMISSION_DENIED");
    }
    let path = format!("/v1/requests/{own}?account_id=default");
    as_other(&path).await.error(403, "PERMISSION_DENIED");
    assert_eq!(ids(&gateway.get("/v1/requests").await.ok()), [own]);
    assert_eq!(
        ids(&gateway.get("/v1/requests?account_id=other").await.ok()),
        [reply.id()]
    );
    let shown = gateway
        .get(&format!("/v1/requests/{}?account_id=other", reply.id()))
        .await
        .ok();
    assert_eq!(shown["id"], reply.id());
    gateway
        .get(&format!("/v1/requests/{}", reply.id()))
        .await
        .error(404, "INVALID_REQUEST");
    gateway.finish().await;
}
