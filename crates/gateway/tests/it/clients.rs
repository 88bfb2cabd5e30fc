//! Clients that use one form of an image only: they get it without asking, and everybody else gets both.

use std::collections::BTreeSet;

use gateway::auth::Scope;
use planner::request::ResponseFormat;
use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Value, json};
use toml::Table;

use super::harness::{EDITS, GENERATIONS, Reply, TestGateway, file, plain, send};

/// The list under test.
const LIST: &str = include_str!("../../data/clients.toml");

/// A `User-Agent` of each product of the list, and the name of its client. The AI SDK's are as its packages sent them;
/// Codex's are put together as its source does.
const KNOWN: [(&str, &str); 9] = [
    (
        "ai/5.0.277 ai-sdk/provider-utils/3.0.44 runtime/node.js/v20.20.2",
        "ai-sdk",
    ),
    (
        "ai/6.0.100 ai-sdk/provider-utils/4.0.15 runtime/node.js/v20.20.2",
        "ai-sdk",
    ),
    (
        "ai/7.0.40 ai-sdk/provider-utils/5.0.18 runtime/node.js/v20.20.2",
        "ai-sdk",
    ),
    ("ai/7.0.173 ai-sdk-provider-utils/5.0.81 node.js/v20.20.2", "ai-sdk"),
    (
        "ai-sdk/openai-compatible/3.0.20 ai-sdk/provider-utils/5.0.12 runtime/node.js/v20.20.2",
        "ai-sdk",
    ),
    ("codex_cli_rs/0.147.0 (Ubuntu 24.4.0; x86_64) xterm-256color", "codex"),
    ("codex-tui/0.157.1 (Mac OS 15.6.1; arm64) iTerm.app/3.6.6", "codex"),
    ("codex_vscode/0.157.1 (Windows 10.0.26100; x86_64) unknown", "codex"),
    ("codex_exec/0.145.0 (Debian 13.0.0; x86_64) dumb", "codex"),
];

/// Clients that read links, or ask for what they need, and some that only look like a known one.
const OTHERS: [&str; 9] = [
    "OpenAI/JS 6.49.0",
    "OpenAI/Python 2.8.1",
    "axios/1.13.2",
    "node",
    "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "ai/1.0.0",
    "my-ai-sdk/provider-utils/1.0",
    "ai-sdk/provider-utils-like/1.0",
    "codex_cli_rs",
];

fn cheap() -> Value {
    json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" })
}

async fn generate(gateway: &TestGateway, key: &str, user_agent: &str, body: &Value) -> Reply {
    let request = gateway
        .anonymous(Method::POST, GENERATIONS)
        .bearer_auth(key)
        .header("user-agent", user_agent);
    send(request.json(body)).await
}

/// Checks that the one image came this way, for this reason.
fn came(reply: &Reply, format: &str, reason: &str, who: &str) {
    let item = &reply.ok()["data"][0];
    for form in ["url", "b64_json"] {
        assert_eq!(
            item[form].is_string(),
            format == form || format == "both",
            "{who}: {form}"
        );
    }
    assert_eq!(
        reply.header("x-pictor-response-format"),
        format!("{format}; reason={reason}"),
        "{who}"
    );
}

#[test]
fn every_product_of_the_list_is_tried() {
    let list: Table = LIST.parse().expect("it is TOML");
    let mut untried = BTreeSet::new();
    for client in list["clients"].as_array().expect("a list of clients") {
        let name = client["name"].as_str().expect("a name");
        for product in client["products"].as_array().expect("a list of products") {
            let product = product.as_str().expect("a product");
            let tried = |(user_agent, known): &(&str, &str)| {
                *known == name
                    && user_agent
                        .split(' ')
                        .any(|sent| sent.starts_with(&format!("{product}/")))
            };
            if name != "curl" && !KNOWN.iter().any(tried) {
                untried.insert(product.to_owned());
            }
        }
    }
    assert_eq!(untried, BTreeSet::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn known_clients_get_their_form_without_asking() {
    let gateway = TestGateway::embedded().await;
    for (user_agent, name) in KNOWN {
        let reply = generate(&gateway, &gateway.key, user_agent, &cheap()).await;
        came(&reply, "b64_json", &format!("client:{name}"), user_agent);
    }
    for user_agent in OTHERS {
        let reply = generate(&gateway, &gateway.key, user_agent, &cheap()).await;
        came(&reply, "both", "default", user_agent);
    }
    let curl = generate(&gateway, &gateway.key, "curl/8.14.1", &cheap()).await;
    came(&curl, "url", "client:curl", "a terminal");
    let nameless = send(gateway.request(Method::POST, GENERATIONS).json(&cheap())).await;
    came(&nameless, "both", "default", "a client without the header");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_know_them_too() {
    let gateway = TestGateway::embedded().await;
    let (user_agent, name) = KNOWN[1];
    let image = plain((64, 64), [90, 120, 200, 255], imaging::ImageFormat::Png);
    let form = Form::new()
        .text("model", "mock-image")
        .text("prompt", "dunes")
        .part("image", file(image));
    let request = gateway.request(Method::POST, EDITS).header("user-agent", user_agent);
    let reply = send(request.multipart(form)).await;
    came(&reply, "b64_json", &format!("client:{name}"), "a form");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_and_a_key_go_before_the_client() {
    let gateway = TestGateway::embedded().await;
    let key = gateway
        .new_key(&[Scope::Generate], Some(ResponseFormat::Url))
        .await
        .token;
    let (user_agent, name) = KNOWN[0];
    let client = format!("client:{name}");
    for (key, asked, used, reason) in [
        (&gateway.key, Some("url"), "url", "request"),
        (&gateway.key, Some("b64_json"), "b64_json", "request"),
        (&gateway.key, Some("both"), "both", "request"),
        (&gateway.key, None, "b64_json", client.as_str()),
        (&key, None, "url", "key"),
        (&key, Some("b64_json"), "b64_json", "request"),
    ] {
        let mut body = cheap();
        if let Some(asked) = asked {
            body["response_format"] = asked.into();
        }
        let reply = generate(&gateway, key, user_agent, &body).await;
        came(&reply, used, reason, &format!("{asked:?}"));
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_can_switch_it_off() {
    let gateway = TestGateway::embedded_with(|settings| settings.known_clients = false).await;
    for (user_agent, _) in KNOWN {
        let reply = generate(&gateway, &gateway.key, user_agent, &cheap()).await;
        came(&reply, "both", "default", user_agent);
    }
    gateway.finish().await;
}
