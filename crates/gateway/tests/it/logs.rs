//! The log: one line a request, and never a prompt, a secret or an image.

use reqwest::Method;
use serde_json::{Value, json};

use super::edits::{data_url, form};
use super::harness::{EDITS, GENERATIONS, TestGateway, file, log_lines, noise, send};

/// The lines of one request, as JSON.
fn lines_of(id: &str) -> Vec<Value> {
    let lines = log_lines(id);
    lines
        .iter()
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect()
}

/// The one line that sums a request up.
fn summary(id: &str) -> Value {
    let mut found: Vec<Value> = lines_of(id)
        .into_iter()
        .filter(|line| line["fields"]["message"] == "request")
        .collect();
    assert_eq!(found.len(), 1, "one line a request: {found:?}");
    found.remove(0)["fields"].take()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_one_line_that_sums_it_up() {
    let gateway = TestGateway::start().await;
    let done = gateway
        .generate(json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes", "quality": "low" }))
        .await;
    let cost = done.ok()["metadata"]["cost"].as_f64().expect("a cost");
    let line = summary(&done.id());
    for (name, value) in [
        ("http.method", json!("POST")),
        ("http.route", json!("/openai/v1/images/generations")),
        ("http.status", json!(200)),
        ("model.id", json!("gpt-image-1-mini")),
        ("provider.id", json!("openai")),
        ("cost_micros", json!((cost * 1_000_000.0).round() as i64)),
    ] {
        assert_eq!(line[name], value, "{name}");
    }
    assert!(line["duration_ms"].is_u64() && line["key.id"].is_string());

    let refused = gateway
        .generate(json!({ "model": "gpt-image-1.5", "prompt": "dunes", "n": 0 }))
        .await;
    let line = summary(&refused.id());
    assert_eq!(
        (&line["http.status"], &line["error.code"]),
        (&json!(400), &json!("INVALID_REQUEST"))
    );
    let stranger = send(gateway.anonymous(Method::GET, "/v1/balance")).await;
    assert_eq!(summary(&stranger.id())["error.code"], "AUTHENTICATION_FAILED");
    let nowhere = send(gateway.anonymous(Method::GET, "/some-hidden-place/x")).await;
    let line = summary(&nowhere.id());
    assert_eq!(
        (&line["http.status"], &line["error.code"]),
        (&json!(404), &json!("INVALID_REQUEST"))
    );
    assert!(log_lines("some-hidden-place").is_empty(), "paths are logged as routes");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_prompt_secret_or_image_is_ever_logged() {
    let gateway = TestGateway::start().await;
    let image = noise((96, 96));
    let url = data_url("image/png", &image);
    // A stretch from the middle of the text that any copy of it would hold.
    let stretch = &url[url.len() / 2..url.len() / 2 + 40];
    let prompt = "an-unheard-of-prompt-wording";
    let negative = "an-unheard-of-negative-wording";
    let mut answers = Vec::new();
    for fault in [
        "",
        "status=500",
        "status=401",
        "status=429 retry-after=10",
        "moderation",
        "garbage",
        "cut",
        "empty",
        "failed",
        "quota",
    ] {
        let switch = if fault.is_empty() {
            String::new()
        } else {
            format!(" [[fault: {fault}]]")
        };
        for model in ["openai/gpt-image-1.5", "fal/gpt-image-1.5", "replicate/gpt-image-1.5"] {
            let body = json!({ "model": model, "prompt": format!("{prompt}{switch}"), "negative_prompt": negative, "quality": "low",
                "images": [{ "image_url": url }], "response_format": "b64_json", "user": "an-unheard-of-user",
                "openai_api_key": "sk-an-unheard-of-secret" });
            answers.push(gateway.edit_json(body).await);
        }
    }
    let bad = json!({ "model": "gpt-image-1.5", "prompt": [prompt], "size": prompt, "quality": prompt });
    send(gateway.request(Method::POST, GENERATIONS).json(&bad))
        .await
        .error(400, "INVALID_REQUEST");
    let broken = format!("{{\"prompt\": \"{prompt}\" \"");
    send(gateway.request(Method::POST, GENERATIONS).body(broken))
        .await
        .error(400, "INVALID_REQUEST");
    let upload = form("gpt-image-1.5").text("note", prompt).part("image", file(image));
    send(gateway.request(Method::POST, EDITS).multipart(upload)).await;

    for answer in &answers {
        if answer.status.is_success() {
            let text = answer.json()["data"][0]["b64_json"]
                .as_str()
                .expect("an image")
                .to_owned();
            assert!(
                log_lines(&text[text.len() / 2..text.len() / 2 + 40]).is_empty(),
                "an image stands in the log"
            );
        } else {
            assert!(
                !answer.text().contains(negative) && !answer.text().contains("sk-"),
                "{}",
                answer.text()
            );
            assert!(!answer.text().contains(stretch), "an error repeats an image");
        }
        assert!(!lines_of(&answer.id()).is_empty());
    }
    for private in [
        prompt,
        negative,
        stretch,
        "an-unheard-of-user",
        "sk-an-unheard-of-secret",
        sandbox::OPENAI_CREDENTIAL,
        sandbox::FAL_CREDENTIAL,
        sandbox::REPLICATE_CREDENTIAL,
        &gateway.key,
    ] {
        let lines = log_lines(private);
        assert!(
            lines.is_empty(),
            "{private} stands in {} lines, the first: {}",
            lines.len(),
            lines[0]
        );
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_of_links_are_not_logged() {
    let gateway = TestGateway::embedded().await;
    let answer = gateway
        .generate(json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" }))
        .await
        .ok();
    let url = answer["data"][0]["url"].as_str().expect("a link");
    let reply = send(gateway.client.get(url)).await;
    assert_eq!(summary(&reply.id())["http.route"], "/media/{file}");
    let (_, signature) = url.split_once("signature=").expect("a signature");
    assert!(log_lines(signature).is_empty());
    gateway.finish().await;
}
