//! `GET /v1/requests`: pages, filters, one request by either id, and fresh links.

use gateway::auth::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{GENERATIONS, TestGateway, names, send};

/// Fields of a request in a list.
const FIELDS: [&str; 19] = [
    "client_request_id",
    "cost",
    "created_at",
    "currency",
    "duration_ms",
    "endpoint",
    "error_code",
    "error_message",
    "id",
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

fn ids(list: &Value) -> Vec<String> {
    list["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["id"].as_str().expect("an id").to_owned())
        .collect()
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
    ] {
        gateway.get(&format!("/v1/requests?{query}")).await.fault(param);
    }
    for harmless in [
        "starting_after=zzz",
        "starting_after=%00",
        "ending_before=%ff",
        "status=odd",
        "client_request_id=%27%20OR%201=1",
    ] {
        gateway.get(&format!("/v1/requests?{harmless}")).await.ok();
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_tells_what_was_asked_and_what_came_of_it() {
    let gateway = TestGateway::start().await;
    let body = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes", "size": "1100x1100", "quality": "low", "user": "somebody" });
    let request = gateway.request(Method::POST, GENERATIONS).json(&body);
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let request = request
        .header("x-request-id", "mine-1")
        .header("x-session-id", "session-1")
        .header("traceparent", trace);
    let reply = send(request).await;
    let answer = reply.ok();
    assert_ne!(reply.id(), "mine-1", "the answer carries Pictor's own id");
    let one = gateway.recorded(&reply.id()).await;
    let mut fields = FIELDS.to_vec();
    fields.extend([
        "adjustments",
        "attempts",
        "cost_basis",
        "cost_components",
        "data",
        "estimate",
    ]);
    fields.sort_unstable();
    assert_eq!(names(&one), fields);
    for (name, value) in [
        ("object", json!("request")),
        ("status", json!("completed")),
        ("model", json!("gpt-image-1-mini")),
        ("modality", json!("image")),
        ("endpoint", json!("/openai/v1/images/generations")),
        ("currency", json!("usd")),
        ("client_request_id", json!("mine-1")),
        ("session_id", json!("session-1")),
        ("trace_id", json!("4bf92f3577b34da6a3ce929d0e0e4736")),
        ("user", json!("somebody")),
        ("error_code", Value::Null),
        ("error_message", Value::Null),
        ("cost", answer["metadata"]["cost"].clone()),
        ("cost_basis", json!("usage")),
        ("adjustments", answer["metadata"]["adjustments"].clone()),
        ("request_size_bytes", json!(body.to_string().len())),
        ("response_size_bytes", answer["metadata"]["images"][0]["bytes"].clone()),
        ("created_at", json!(gateway.clock.now().to_string())),
    ] {
        assert_eq!(one[name], value, "{name}");
    }
    assert!(one["estimate"].as_f64() >= one["cost"].as_f64());
    let components = one["cost_components"].as_array().expect("a list");
    assert!(
        !components.is_empty() && components.iter().all(|line| line["total_cost"].is_i64()),
        "{components:?}"
    );
    let attempt = [
        "code",
        "duration_ms",
        "http_status",
        "model",
        "outcome",
        "provider",
        "spent",
        "started_at",
        "upstream_id",
    ];
    assert_eq!(names(&one["attempts"][0]), attempt);
    assert!(one["attempts"][0]["upstream_id"].is_string() || one["attempts"][0]["upstream_id"].is_null());
    let listed = gateway.get("/v1/requests").await.ok();
    assert_eq!(names(&listed["data"][0]), FIELDS);
    assert!(!one.to_string().contains("dunes"), "prompts are not stored");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_found_by_the_callers_own_id() {
    let gateway = TestGateway::embedded().await;
    let body = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" });
    let reply = send(
        gateway
            .request(Method::POST, GENERATIONS)
            .header("x-request-id", "job 7/a")
            .json(&body),
    )
    .await;
    let by_own = gateway.get("/v1/requests/job%207%2Fa").await.ok();
    assert_eq!(by_own["id"], reply.id());
    let listed = gateway.get("/v1/requests?client_request_id=job%207%2Fa").await.ok();
    assert_eq!(ids(&listed), [reply.id()]);
    for unknown in ["nothing", "req_000000000000000000000000000", "%ff", "%00"] {
        gateway
            .get(&format!("/v1/requests/{unknown}"))
            .await
            .error(404, "INVALID_REQUEST");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_of_a_request_are_fresh_while_its_images_live() {
    let gateway = TestGateway::embedded().await;
    let reply = gateway
        .generate(json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "n": 2 }))
        .await;
    let answer = reply.ok();
    gateway.clock.advance_s(1_800);
    let data = gateway.recorded(&reply.id()).await["data"].clone();
    assert_eq!(data.as_array().map(Vec::len), Some(2));
    for (item, index) in data.as_array().expect("a list").iter().zip(0..) {
        assert_eq!(names(item), ["bytes", "output_format", "size", "url"]);
        let image = send(gateway.client.get(item["url"].as_str().expect("a link"))).await;
        assert_eq!(image.status, StatusCode::OK);
        assert_eq!(
            image.body.to_vec(),
            gateway.image(&answer, index).await,
            "the same image"
        );
    }
    gateway.clock.advance_s(1_800);
    assert_eq!(
        gateway.recorded(&reply.id()).await["data"],
        json!([]),
        "they have ended"
    );
    gateway.finish().await;
}
