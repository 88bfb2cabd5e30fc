//! The site through the front door: pages, their guards, their faces and twins, and what changes them.

mod models;

use reqwest::header::{ACCEPT, COOKIE, HOST, IF_NONE_MATCH, LOCATION};
use reqwest::{Client, Method, redirect};
use serde_json::json;

use super::harness::{Reply, TestGateway, send};

const MODEL: &str = "/models/openai/gpt-image-1.5";
const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

async fn page(gateway: &TestGateway, path: &str) -> Reply {
    send(gateway.anonymous(Method::GET, path).header(ACCEPT, BROWSER)).await
}

/// A page that must be there.
async fn shown(gateway: &TestGateway, path: &str) -> String {
    let reply = page(gateway, path).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    reply.text()
}

#[tokio::test]
async fn every_page_is_html_with_a_policy_and_within_its_weight() {
    /// What a page may weigh before it is compressed.
    const PAGE_BYTES_MAX: usize = 100_000;
    let gateway = TestGateway::embedded().await;
    let paths = [
        "/",
        "/models",
        "/models?view=list",
        "/models?mode=image-edit&provider=fal&sort=price",
        "/models?q=nothing-is-called-this",
        "/compare/openai/gpt-image-1.5/google/gemini-3-pro-image-preview/flux.2-pro",
        MODEL,
        "/models/pictor/mock-image",
        "/models/google/google-upscaler",
        "/docs",
        "/docs/errors",
        "/docs/api",
        "/docs/api/edit-images",
        "/search?q=gpt",
        "/licenses",
    ];
    for path in paths {
        let reply = page(&gateway, path).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        assert_eq!(reply.header("content-type"), "text/html; charset=utf-8", "{path}");
        let policy = reply.header("content-security-policy").to_owned();
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        let html = reply.text();
        for forbidden in [" style=", "<style", " onclick=", "javascript:"] {
            assert!(!html.contains(forbidden), "{path} has {forbidden}");
        }
        assert_eq!(html.matches("<h1").count(), 1, "{path}");
        assert!(html.len() < PAGE_BYTES_MAX, "{path}: {} bytes", html.len());
    }
    gateway.finish().await;
}

#[tokio::test]
async fn every_model_and_every_guide_has_a_page_and_a_twin_for_machines() {
    let gateway = TestGateway::embedded().await;
    let list = gateway.get("/openai/v1/models").await.ok();
    for model in list["data"].as_array().expect("models") {
        let path = model["model_page_path"].as_str().expect("a path");
        let html = shown(&gateway, path).await;
        assert!(
            html.contains(&format!(">{}</h1>", model["name"].as_str().expect("a name"))),
            "{path}"
        );
        let text = shown(&gateway, &format!("{path}/llms.txt")).await;
        assert!(text.contains(model["id"].as_str().expect("an id")), "{path}");
    }
    let llms = shown(&gateway, "/llms.txt").await;
    let twins: Vec<&str> = llms
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect();
    assert!(twins.len() > 100, "{}", twins.len());
    for twin in twins.iter().filter(|twin| twin.ends_with(".md")) {
        let reply = send(gateway.client.get(*twin)).await;
        assert_eq!(reply.status, 200, "{twin}");
        assert!(reply.header("content-type").starts_with("text/markdown"), "{twin}");
        let path = twin.trim_end_matches(".md").replace(&gateway.base, "");
        shown(&gateway, &path).await;
    }
    gateway.finish().await;
}

#[tokio::test]
async fn pages_and_programs_get_the_face_that_they_ask_for() {
    let gateway = TestGateway::embedded().await;
    let about = send(gateway.anonymous(Method::GET, "/").header(ACCEPT, "application/json"))
        .await
        .ok();
    assert_eq!(about["name"], "Pictor");
    assert_eq!(about["links"]["openai_base_url"], format!("{}/openai/v1", gateway.base));

    // The harness holds errors to JSON: this one is a page.
    let missing = gateway
        .anonymous(Method::GET, "/models/openai/gpt-image-1.6")
        .header(ACCEPT, BROWSER);
    let missing = missing.send().await.expect("an answer");
    assert_eq!(missing.status(), 404);
    assert_eq!(missing.headers()["content-type"], "text/html; charset=utf-8");
    assert!(
        missing.headers()["content-security-policy"]
            .to_str()
            .is_ok_and(|policy| policy.contains("'none'"))
    );
    let text = missing.text().await.expect("a page");
    assert!(text.contains("Did you mean &#39;gpt-image-1.5&#39;?"), "{text}");

    let path = "/models/openai/gpt-image-1.6";
    let program = send(gateway.anonymous(Method::GET, path).header(ACCEPT, "application/json")).await;
    program.error(404, "MODEL_NOT_FOUND");
    let of_api = page(&gateway, "/v1/nothing").await;
    of_api.error(404, "INVALID_REQUEST");
    gateway.finish().await;
}

#[tokio::test]
async fn a_page_follows_its_reader_in_theme_and_address_and_is_sent_once() {
    let gateway = TestGateway::embedded().await;
    let dark = send(gateway.anonymous(Method::GET, "/models").header(COOKIE, "theme=dark")).await;
    assert!(dark.text().contains("<html lang=\"en\" data-theme=\"dark\">"));
    let plain = page(&gateway, "/models").await;
    assert!(plain.text().contains("<html lang=\"en\">"));

    let etag = plain.header("etag").to_owned();
    let again = gateway
        .anonymous(Method::GET, "/models")
        .header(ACCEPT, BROWSER)
        .header(IF_NONE_MATCH, etag);
    assert_eq!(send(again).await.status, 304);

    let named = send(
        gateway
            .anonymous(Method::GET, MODEL)
            .header(HOST, "images.example.com:8080"),
    )
    .await;
    assert!(named.text().contains("http://images.example.com:8080/openai/v1"));
    gateway.finish().await;

    let public =
        TestGateway::embedded_with(|settings| settings.public_url = Some("https://img.example.org/".to_owned())).await;
    let html = shown(&public, MODEL).await;
    assert!(html.contains("https://img.example.org/openai/v1") && !html.contains(&public.base));
    public.finish().await;
}

#[tokio::test]
async fn assets_are_compressed_and_kept_for_ever() {
    let gateway = TestGateway::embedded().await;
    let html = shown(&gateway, "/").await;
    let css = html
        .split("rel=\"stylesheet\" href=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("a style sheet");
    let plain = send(gateway.anonymous(Method::GET, css)).await;
    assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
    let packed = send(
        gateway
            .anonymous(Method::GET, css)
            .header("accept-encoding", "gzip, br"),
    )
    .await;
    assert_eq!(packed.header("content-encoding"), "br");
    assert!(
        packed.body.len() * 3 < plain.body.len(),
        "{} of {}",
        packed.body.len(),
        plain.body.len()
    );
    assert_eq!(page(&gateway, "/assets/site.0.css").await.status, 404);

    let plate = send(gateway.anonymous(Method::GET, "/plates/openai/gpt-image-1.5.webp")).await;
    assert_eq!(
        (plate.status.as_u16(), plate.header("content-type")),
        (200, "image/webp")
    );
    assert_eq!(super::harness::size_of(&plate.body), (560, 560));
    gateway.finish().await;
}

#[tokio::test]
async fn other_names_and_the_sections_of_hosted_pages_lead_to_the_page() {
    let gateway = TestGateway::embedded().await;
    let client = Client::builder()
        .redirect(redirect::Policy::none())
        .build()
        .expect("a client");
    let cases = [
        ("/models/openai/gpt-image-1.5-2025-12-16", MODEL),
        ("/models/nobody/gpt-image-1.5", MODEL),
        ("/models/openai/gpt-image-1.5/api", "/models/openai/gpt-image-1.5#code"),
        (
            "/models/openai/gpt-image-1.5/providers",
            "/models/openai/gpt-image-1.5#prices",
        ),
        (
            "/models/openai/gpt-image-1.5/benchmarks",
            "/models/openai/gpt-image-1.5#arena",
        ),
        (
            "/compare?compare=openai/gpt-image-1.5&compare=pictor/mock-image&compare=no/such",
            "/compare/openai/gpt-image-1.5/pictor/mock-image",
        ),
    ];
    for (path, target) in cases {
        let reply = send(client.get(format!("{}{path}", gateway.base))).await;
        assert!(reply.status.is_redirection(), "{path}: {}", reply.status);
        assert_eq!(reply.header(LOCATION.as_str()), target, "{path}");
    }
    gateway.finish().await;
}

#[tokio::test]
async fn without_the_site_there_is_the_api_alone() {
    let gateway = TestGateway::embedded_with(|settings| settings.site = false).await;
    page(&gateway, "/models").await.error(404, "INVALID_REQUEST");
    let about = page(&gateway, "/").await.ok();
    assert_eq!(about["name"], "Pictor");
    gateway.get("/openai/v1/models").await.ok();
    gateway.finish().await;
}

#[tokio::test]
async fn the_form_for_sizes_says_what_becomes_of_a_ratio() {
    let gateway = TestGateway::embedded().await;
    let html = shown(
        &gateway,
        "/models/google/gemini-3.1-flash-image-preview?ask=size&aspect_ratio=7:1",
    )
    .await;
    let told = html
        .split("<output class=\"res\"")
        .nth(1)
        .and_then(|rest| rest.split("</form>").next())
        .expect("an answer");
    assert!(told.contains("8:1"), "{told}");
    let priced = shown(&gateway, &format!("{MODEL}?ask=price&quality=high&size=1024x1024&n=4")).await;
    let told = priced
        .split("<output class=\"calc-out\"")
        .nth(1)
        .and_then(|rest| rest.split("</form>").next())
        .expect("an answer");
    let dry = gateway
        .request(Method::POST, "/openai/v1/images/generations?dryRun=true")
        .json(&json!({ "model": "gpt-image-1.5", "prompt": "A lighthouse on a rocky island at dusk", "quality": "high", "size": "1024x1024", "n": 4 }));
    for candidate in send(dry).await.ok()["candidates"].as_array().expect("candidates") {
        let micros = planner::money::Micros(candidate["total_cost_micros"].as_i64().expect("an amount"));
        assert!(told.contains(&site::words::price(micros)), "{candidate}: {told}");
    }
    gateway.finish().await;
}

#[tokio::test]
async fn one_changed_value_of_the_catalogue_changes_page_schema_text_and_estimate_together() {
    let (name, text) = gateway::builtin::model_file(None, "reve")
        .expect("a catalogue")
        .expect("the model");
    assert!(
        text.contains("unit_price = \"0.04\""),
        "the model's file has changed: {text}"
    );
    let text = text
        .replace("unit_price = \"0.04\"", "unit_price = \"0.077\"")
        .replace("name = \"Reve\"", "name = \"Reve of Tests\"")
        .replace("max_chars = 2560", "max_chars = 4321");
    let gateway = TestGateway::with_catalog(&[(name.as_str(), text.as_str())], |_| {}).await;
    let json = gateway.get("/openai/v1/models/reve?schema=true").await.ok();
    let path = json["model_page_path"].as_str().expect("a path").to_owned();
    let html = shown(&gateway, &path).await;
    let machine = shown(&gateway, &format!("{path}/llms.txt")).await;
    let dry = gateway
        .request(Method::POST, "/openai/v1/images/generations?dryRun=true")
        .json(&json!({ "model": "reve", "prompt": "x" }));
    let dry = send(dry).await.ok();
    assert_eq!(json["starting_price"], json!(0.077));
    assert_eq!(dry["total_cost_micros"], 77_000);
    assert!(html.contains("$0.077") && machine.contains("$0.077"));
    assert!(html.contains(">Reve of Tests</h1>") && machine.starts_with("# Reve of Tests\n"));
    assert_eq!(json["schema"]["properties"]["prompt"]["maxLength"], 4321);
    assert!(html.contains("Up to 4,321 characters"), "{html}");
    gateway.finish().await;
}

#[tokio::test]
async fn performance_is_told_from_the_log() {
    let gateway = TestGateway::embedded().await;
    let before = shown(&gateway, "/models/pictor/mock-image").await;
    assert!(before.contains("No calls yet"));
    gateway
        .generate(json!({ "model": "mock-image", "prompt": "x", "size": "256x256" }))
        .await
        .ok();
    gateway.clock.advance_s(61);
    let after = shown(&gateway, "/models/pictor/mock-image").await;
    assert!(
        after.contains("100.0 % of 1") && after.contains("class=\"tick\""),
        "{after}"
    );
    gateway.finish().await;
}

/// Every choice of a group of the filter form: its query and the number beside it.
fn choices(html: &str, group: &str) -> Vec<(String, usize)> {
    let opening = format!("name=\"{group}\" value=\"");
    html.split(&opening)
        .skip(1)
        .map(|rest| {
            let value = rest.split('"').next().expect("a value");
            let count = rest
                .split("<span class=\"n\">")
                .nth(1)
                .and_then(|rest| rest.split('<').next());
            let count = count.and_then(|count| count.parse().ok()).expect("a number");
            (format!("{group}={value}"), count)
        })
        .collect()
}

/// Plates of one page.
const PLATES: usize = 72;

#[tokio::test]
async fn every_choice_of_the_filter_finds_as_many_models_as_stand_beside_it() {
    let gateway = TestGateway::embedded().await;
    let all = shown(&gateway, "/models").await;
    let groups = ["mode", "can", "life"];
    let mut tried = 0;
    for (query, count) in groups.iter().flat_map(|group| choices(&all, group)) {
        let html = shown(&gateway, &format!("/models?{query}")).await;
        assert_eq!(html.matches("data-text=").count(), count.min(PLATES), "{query}");
        assert!(html.contains(&format!("data-count>{count} of ")), "{query}");
        tried += 1;
    }
    assert!(tried >= 12, "{tried}");
    let both = shown(&gateway, "/models?mode=upscale&mode=text-to-image&can=seed&q=flux").await;
    for text in both
        .split("data-text=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
    {
        assert!(text.contains("flux"), "{text}");
    }
    let native = shown(&gateway, "/models?q=fal-ai/gpt-image-1.5").await;
    assert_eq!(native.matches("data-text=").count(), 1);
    gateway.finish().await;
}
