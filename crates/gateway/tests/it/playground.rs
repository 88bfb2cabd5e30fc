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

#[tokio::test(flavor = "multi_thread")]
async fn a_grid_costs_what_its_cells_cost() {
    let gateway = TestGateway::embedded().await;
    let path = "/playground?models=gpt-image-1.5&prompt=a+red+kite&size=1024x1024";
    let cost = |html: &str| -> i64 {
        let cost = html
            .split("data-cost=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        cost.expect("a price").parse().expect("micros")
    };
    let mut sum = 0;
    for quality in ["low", "high"] {
        sum += cost(&page(&gateway, &format!("{path}&quality={quality}")).await);
    }
    let grid = page(&gateway, &format!("{path}&quality=low&vary=quality&values=low,+high")).await;
    let told = grid
        .split("data-live=\"grid\">")
        .nth(1)
        .and_then(|rest| rest.split('<').next());
    let told = told.expect("a grid");
    assert!(told.starts_with("1 × 2 requests, $"), "{told}");
    let dollars = told
        .split('$')
        .nth(1)
        .and_then(|rest| rest.split(' ').next())
        .expect("a sum");
    let micros = (dollars.parse::<f64>().expect("a number") * 1e6).round() as i64;
    assert_eq!(micros, sum, "{told}");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signed_in_reads_what_the_key_may_spend() {
    let gateway = TestGateway::embedded().await;
    let terms = gateway::db::keys::KeyTerms {
        limits: gateway::db::keys::KeyLimits {
            day_micros: Some(1_250_000),
            total_micros: Some(9_000_000),
            ..Default::default()
        },
        ..Default::default()
    };
    let key = gateway
        .new_key_with(&[gateway::auth::Scope::Read, gateway::auth::Scope::Generate], terms)
        .await;
    let session = super::sessions::signed_in(&gateway, &key.token).await;
    let request = super::sessions::of_page(&gateway, Method::GET, "/playground?models=mock-image", &session);
    let shown = try_send(request.header("accept", "text/html"))
        .await
        .expect("an answer")
        .text();
    assert!(shown.contains("paid by the key “test”, $1.25 left"), "{shown}");
    let told = send(super::sessions::of_page(&gateway, Method::POST, "/session", &session))
        .await
        .ok();
    assert_eq!(
        (&told["left"]["amount"], &told["key_name"]),
        (&json!(1.25), &json!("test"))
    );
    let balance = send(gateway.anonymous(Method::GET, "/v1/balance").bearer_auth(&key.token))
        .await
        .ok();
    assert_eq!(balance["left"]["amount"], 1.25);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_has_what_any_chosen_model_takes_and_nothing_that_none_does() {
    let gateway = TestGateway::embedded().await;
    // Shapes: those of the models, not a list of ours.
    let wide = page(&gateway, "/playground?models=gemini-3.1-flash-image-preview").await;
    for shape in ["21:9", "4:1", "1:8"] {
        assert!(
            wide.contains(&format!("name=\"aspect_ratio\" value=\"{shape}\"")),
            "{shape}: {wide}"
        );
    }
    // Qualities: of both, with whose they are.
    let both = page(&gateway, "/playground?models=gpt-image-1.5,gpt-image-2.5-flare").await;
    let quality = both.split("name=\"quality\"").nth(1).expect("a field");
    let quality = quality.split("</select>").next().expect("its end");
    assert!(
        quality.contains("value=\"low\">low</option>") && quality.contains("value=\"max\">max ("),
        "{quality}"
    );
    let upscaler = page(&gateway, "/playground?models=google-upscaler&mode=upscale").await;
    assert!(
        !upscaler.contains("name=\"size\"") && !upscaler.contains("name=\"aspect_ratio\""),
        "{upscaler}"
    );
    gateway.finish().await;
}
