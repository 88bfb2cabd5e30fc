//! The playground's page without scripts, and the events that its scripts ask for.

use reqwest::{Method, StatusCode};
use serde_json::json;

use super::harness::{GENERATIONS, Reply, TestGateway, file, plain, send, try_send};

async fn page(gateway: &TestGateway, path: &str) -> String {
    let request = gateway.anonymous(Method::GET, path).header("accept", "text/html");
    let reply = try_send(request).await.expect("an answer");
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.text()
}

/// Where the form of a page goes, as its attribute says.
fn action(page: &str) -> String {
    let form = page.split("class=\"pg-form\" action=\"").nth(1).expect("a form");
    form.split('"').next().expect("its end").replace("&amp;", "&")
}

async fn sent(gateway: &TestGateway, action: &str, cookie: Option<&str>, fields: &[(&str, &str)]) -> Reply {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let mut request = gateway
        .anonymous(Method::POST, action)
        .header("origin", &gateway.base)
        .header("accept", "text/html")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    try_send(request).await.expect("an answer")
}

fn cookie(reply: &Reply) -> String {
    let set = reply.header("set-cookie");
    set.split(';').next().expect("a pair").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_scripts_is_answered_as_a_page_until_the_budget_ends() {
    let gateway = TestGateway::embedded_with(|settings| {
        settings.visitors.session_usd = Some(rust_decimal::Decimal::new(3, 2));
    })
    .await;
    let path = "/playground?models=grok-imagine-image&aspect_ratio=16:9&prompt=a+red+kite";
    let shown = page(&gateway, path).await;
    assert!(shown.contains("$0.02"), "the price stands there before");
    assert!(shown.contains(">a red kite</textarea>"));
    let fields = [
        ("model", "grok-imagine-image"),
        ("response_format", "url"),
        ("prompt", "a red kite"),
        ("aspect_ratio", "1:1"),
        ("size", ""),
        ("n", "1"),
    ];
    let first = sent(&gateway, &action(&shown), None, &fields).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text());
    let text = first.text();
    assert!(
        text.contains("/media/") && text.contains("money paid\">$0.02"),
        "{text}"
    );
    // The session that began with it goes on, and its forms carry its token.
    let session = cookie(&first);
    let stolen = sent(&gateway, &action(&shown), Some(&session), &fields).await;
    assert_eq!(stolen.status, StatusCode::FORBIDDEN, "{}", stolen.text());
    let second = sent(&gateway, &action(&text), Some(&session), &fields).await;
    assert_eq!(second.status, StatusCode::PAYMENT_REQUIRED);
    assert!(second.text().contains("The budget is spent"), "{}", second.text());
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_without_scripts_is_the_same_form_with_files() {
    let gateway = TestGateway::embedded().await;
    let shown = page(&gateway, "/playground?models=mock-image&mode=edit").await;
    assert!(shown.contains("multipart/form-data"));
    let form = reqwest::multipart::Form::new()
        .text("model", "mock-image")
        .text("response_format", "url")
        .text("prompt", "gulls")
        .text("size", "")
        .text("n", "1")
        .part(
            "image",
            file(plain((64, 64), [9, 90, 200, 255], imaging::ImageFormat::Png)),
        )
        .part("mask", reqwest::multipart::Part::bytes(Vec::new()).file_name(""));
    let request = gateway
        .anonymous(Method::POST, &action(&shown))
        .header("origin", &gateway.base)
        .header("accept", "text/html")
        .multipart(form);
    let reply = try_send(request).await.expect("an answer");
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    assert!(reply.text().contains("/media/"), "{}", reply.text());
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_of_failover_to_those_who_ask() {
    let gateway = TestGateway::start().await;
    let ask = |events: Option<&str>| {
        let body = json!({ "model": "gpt-image-1.5", "prompt": "x", "size": "1024x1024", "stream": true });
        let request = gateway.request(Method::POST, GENERATIONS).json(&body);
        match events {
            Some(events) => request.header("x-pictor-events", events.to_owned()),
            None => request,
        }
    };
    let told = send(ask(Some("attempts"))).await.text();
    let events: Vec<&str> = told.lines().filter(|line| line.starts_with("event: ")).collect();
    assert_eq!(
        events,
        [
            "event: pictor.attempt",
            "event: pictor.attempt",
            "event: image_generation.completed"
        ],
        "{events:?}"
    );
    assert!(told.contains("\"outcome\":\"started\"") && told.contains("\"outcome\":\"succeeded\""));
    let untold = send(ask(None)).await.text();
    assert!(!untold.contains("pictor.attempt"));
    gateway.finish().await;
}
