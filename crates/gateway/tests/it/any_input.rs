//! Whatever comes in: no input gets a 500, and every refusal has the shape of an error.

use proptest::prelude::any;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::edits::data_url;
use super::harness::{EDITS, GENERATIONS, Reply, TestGateway, catalog, half_mask, noise, send};

/// Bodies of each kind. Fixed seeds: a failure comes again.
const BODIES: usize = 400;

/// Every field that a body can have.
fn field_names() -> Vec<String> {
    let catalog = catalog();
    let standard = catalog.standard_parameters().map(|(name, _)| name.to_owned());
    let own = [
        "model",
        "images",
        "image_url",
        "route",
        "webhook_url",
        "reasoning_effort",
        "enhance_prompt",
        "num_images",
        "",
        "\u{0}",
        "a b[c]",
    ];
    standard.chain(own.map(str::to_owned)).collect()
}

/// Values that are legal somewhere, so that bodies get past the first checks.
fn likely_values() -> Vec<Value> {
    vec![
        json!("mock-image"),
        json!("gpt-image-1.5"),
        json!("openai/gpt-image-2"),
        json!("dunes"),
        json!("64x64"),
        json!("1:1"),
        json!("auto"),
        json!("low"),
        json!("transparent"),
        json!("jpeg"),
        json!("b64_json"),
        json!("0.25"),
        json!(1),
        json!(2),
        json!(64),
        json!(0.5),
        json!(true),
        json!(false),
        Value::Null,
        json!([]),
        json!({}),
        json!([{ "image_url": "https://127.0.0.1/a.png" }]),
        json!({ "image_url": "data:image/png;base64,AAAA" }),
        json!("data:image/png;base64,iVBORw0KGgo="),
        json!(-1),
        json!(1e308),
        json!(9_007_199_254_740_993_u64),
        json!(i64::MIN),
        json!("\u{0}"),
        json!("\u{202e}\u{feff}é😀"),
        json!("1e999"),
        json!("x".repeat(5_000)),
    ]
}

/// Any JSON at all.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = proptest::prop_oneof![
        proptest::strategy::Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        proptest::prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

struct Source {
    random: StdRng,
    runner: TestRunner,
    names: Vec<String>,
    likely: Vec<Value>,
}

impl Source {
    fn new(seed: u8) -> Self {
        Self {
            random: StdRng::seed_from_u64(u64::from(seed)),
            runner: TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32])),
            names: field_names(),
            likely: likely_values(),
        }
    }

    fn value(&mut self) -> Value {
        if self.random.random_bool(0.7) {
            return self
                .likely
                .choose(&mut self.random)
                .cloned()
                .expect("there are likely values");
        }
        any_json().new_tree(&mut self.runner).expect("a value").current()
    }

    fn name(&mut self) -> String {
        self.names.choose(&mut self.random).cloned().expect("there are names")
    }

    /// A body of some fields, often with a model and a prompt that are right.
    fn body(&mut self) -> Value {
        let mut body = json!({});
        if self.random.random_bool(0.8) {
            body["model"] = json!("mock-image");
            body["size"] = json!("64x64");
        }
        if self.random.random_bool(0.8) {
            body["prompt"] = json!("dunes");
        }
        for _ in 0..self.random.random_range(0..6) {
            let name = self.name();
            body[name] = self.value();
        }
        // Ten pictures take long and prove no more than one.
        if body["n"].as_u64().is_some_and(|n| (3..=10).contains(&n)) {
            body["n"] = json!(2);
        }
        body
    }

    /// A text with some of its bytes changed, left out or doubled, or cut off.
    fn damaged(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        for _ in 0..self.random.random_range(1..6) {
            if bytes.is_empty() {
                break;
            }
            let at = self.random.random_range(0..bytes.len());
            match self.random.random_range(0..4) {
                0 => bytes[at] = self.random.random(),
                1 => drop(bytes.remove(at)),
                2 => bytes.insert(at, self.random.random()),
                _ => bytes.truncate(at),
            }
        }
        bytes
    }

    /// A form of parts with names, files and contents of all kinds.
    fn form(&mut self, files: &[Vec<u8>]) -> Vec<u8> {
        let mut body = Vec::new();
        let mut names = vec!["model".to_owned(), "prompt".to_owned(), "image".to_owned()];
        for _ in 0..self.random.random_range(0..5) {
            names.push(self.name());
        }
        for name in names {
            let is_file = matches!(name.as_str(), "image" | "mask") || self.random.random_bool(0.1);
            let file = if is_file { "; filename=\"a.png\"" } else { "" };
            let name = name.replace(['"', '\r', '\n'], "");
            body.extend_from_slice(
                format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes(),
            );
            let content = match name.as_str() {
                "model" => b"mock-image".to_vec(),
                _ if is_file => files.choose(&mut self.random).cloned().expect("there are files"),
                _ => match self.value() {
                    Value::String(text) => text.into_bytes(),
                    other => other.to_string().into_bytes(),
                },
            };
            body.extend_from_slice(&content);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--x--\r\n");
        body
    }
}

/// Sends it; the shape of the answer is checked where it is read.
async fn check(request: RequestBuilder, what: &dyn Fn() -> String) -> Reply {
    let reply = send(request).await;
    let status = reply.status.as_u16();
    let allowed = status < 500 || matches!(status, 502..=504);
    let shown: String = what().chars().take(2_000).collect();
    assert!(allowed, "{status} {} for {shown}", reply.text());
    reply
}

/// A gateway that gives up soon: some bodies name models of providers that are not there.
async fn start() -> TestGateway {
    TestGateway::embedded_with(|settings| settings.limits.generation_deadline_s = 60).await
}

#[tokio::test(flavor = "multi_thread")]
async fn any_json_body_is_answered_or_refused() {
    let gateway = start().await;
    let mut source = Source::new(1);
    let mut served = 0;
    for index in 0..BODIES {
        let body = source.body().to_string();
        let path = if index % 3 == 0 { EDITS } else { GENERATIONS };
        let query = if index % 2 == 0 { "?dryRun=true" } else { "" };
        let request = gateway
            .request(Method::POST, &format!("{path}{query}"))
            .header(CONTENT_TYPE, "application/json");
        let reply = check(request.body(body.clone()), &|| body.clone()).await;
        served += usize::from(reply.status.is_success());
    }
    assert!(served > BODIES / 20, "some bodies are right: {served}");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_damaged_json_body_is_answered_or_refused() {
    let gateway = start().await;
    let mut source = Source::new(2);
    let image = data_url("image/png", &noise((16, 16)));
    for index in 0..BODIES {
        let mut body = source.body();
        if index % 2 == 0 {
            body["images"] = json!([{ "image_url": image }]);
        }
        let body = source.damaged(body.to_string().into_bytes());
        let path = if index % 2 == 0 { EDITS } else { GENERATIONS };
        let request = gateway
            .request(Method::POST, path)
            .header(CONTENT_TYPE, "application/json");
        check(request.body(body.clone()), &|| {
            String::from_utf8_lossy(&body).into_owned()
        })
        .await;
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_form_is_answered_or_refused() {
    let gateway = start().await;
    let mut source = Source::new(3);
    let mut files = vec![
        noise((16, 16)),
        half_mask((16, 16)),
        b"GIF89a".to_vec(),
        b"RIFF\0\0\0\0WEBP".to_vec(),
        Vec::new(),
    ];
    for _ in 0..6 {
        let file = source.damaged(noise((16, 16)));
        files.push(file);
    }
    for index in 0..BODIES {
        let mut body = source.form(&files);
        if index % 2 == 0 {
            body = source.damaged(body);
        }
        let boundary = if index % 50 == 0 {
            "multipart/form-data; boundary=\"\""
        } else {
            "multipart/form-data; boundary=x"
        };
        let request = gateway.request(Method::POST, EDITS).header(CONTENT_TYPE, boundary);
        check(request.body(body.clone()), &|| {
            String::from_utf8_lossy(&body).into_owned()
        })
        .await;
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_path_query_and_header_is_answered_or_refused() {
    let gateway = start().await;
    let mut source = Source::new(4);
    let starts = [
        "/openai/v1/models/",
        "/v1/requests/",
        "/v1/requests?",
        "/media/",
        "/",
        "/openai/v1/images/generations?",
    ];
    let pieces = [
        "%",
        "%00",
        "%ff",
        "%2f",
        "..",
        "a",
        "?",
        "&",
        "=",
        "limit",
        "expires",
        "signature",
        "starting_after",
        "é",
        " ",
        "+",
        "dryRun",
        "7",
    ];
    for index in 0..BODIES {
        let mut path = starts[index % starts.len()].to_owned();
        for _ in 0..source.random.random_range(0..8) {
            path.push_str(pieces.choose(&mut source.random).expect("there are pieces"));
        }
        let method = [Method::GET, Method::POST, Method::HEAD, Method::DELETE][index % 4].clone();
        let Ok(url) = reqwest::Url::parse(&format!("{}{path}", gateway.base)) else {
            continue;
        };
        let request = gateway.client.request(method, url).bearer_auth(&gateway.key);
        check(request, &|| path.clone()).await;
    }
    gateway.finish().await;
}
