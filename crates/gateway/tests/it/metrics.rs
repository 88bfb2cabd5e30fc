//! `GET /metrics`: what is counted, in a text that Prometheus reads, at whichever address.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream;
use gateway::auth::Scope;
use imaging::ImageFormat;
use reqwest::multipart::{Form, Part};
use reqwest::{Body, Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::harness::{LiveProvider, Reply, TestGateway, micros, noise, plain, send, small, with};

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

type Labels = BTreeMap<String, String>;

/// One line of figures.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: Labels,
    value: f64,
}

/// Reads the text format strictly: every figure has a type, told before it, and a value; the end is marked.
fn samples(reply: &Reply) -> Vec<Sample> {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, kind));
    let text = reply.text();
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    let mut family = ("", "");
    let mut samples = Vec::new();
    for line in text.lines() {
        if let Some(told) = line.strip_prefix("# TYPE ") {
            family = told.split_once(' ').expect("a name and a type");
        } else if !line.starts_with('#') {
            let sample = sample(line);
            let ending = sample.name.strip_prefix(family.0);
            let legal: &[&str] = match family.1 {
                "counter" => &["_total"],
                "histogram" => &["_bucket", "_sum", "_count"],
                "info" => &["_info"],
                "gauge" => &[""],
                other => panic!("{other} in {line}"),
            };
            assert!(
                ending.is_some_and(|ending| legal.contains(&ending)),
                "{family:?}: {line}"
            );
            samples.push(sample);
        }
    }
    check_histograms(&samples);
    samples
}

fn sample(line: &str) -> Sample {
    let (series, value) = line.rsplit_once(' ').expect("a value");
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let pairs = labels
        .strip_suffix('}')
        .expect("labels end")
        .split(',')
        .filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (label, quoted) = pair.split_once('=').expect("a label has a value");
        let text = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        (label.to_owned(), text.expect("quotes").to_owned())
    };
    Sample {
        name: name.to_owned(),
        labels: pairs.map(pair).collect(),
        value: value.parse().expect("a number"),
    }
}

/// Buckets only grow, and the last holds what was counted.
fn check_histograms(samples: &[Sample]) {
    let mut series: BTreeMap<(String, Labels), Vec<(f64, f64)>> = BTreeMap::new();
    for bucket in samples.iter().filter(|sample| sample.name.ends_with("_bucket")) {
        let mut labels = bucket.labels.clone();
        let bound = labels.remove("le").expect("a bucket has a bound");
        let bound = bound.parse().expect("a number, or +Inf");
        let name = bucket.name.trim_end_matches("_bucket").to_owned();
        series.entry((name, labels)).or_default().push((bound, bucket.value));
    }
    for ((name, labels), buckets) in series {
        let sorted = buckets
            .windows(2)
            .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        assert!(sorted, "{name}: {buckets:?}");
        let counted = format!("{name}_count");
        let count = samples.iter().find(|one| one.name == counted && one.labels == labels);
        let last = buckets.last().expect("buckets");
        assert_eq!(
            (last.0, Some(last.1)),
            (f64::INFINITY, count.map(|count| count.value)),
            "{name}"
        );
    }
}

/// The figure with these labels; 0 when nothing was counted.
fn figure(samples: &[Sample], name: &str, labels: &[(&str, &str)]) -> f64 {
    let wanted: Labels = labels
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let mut found = samples
        .iter()
        .filter(|sample| sample.name == name && sample.labels == wanted);
    let value = found.next().map_or(0.0, |sample| sample.value);
    assert!(found.next().is_none(), "{name}{labels:?} stands there twice");
    value
}

async fn scraped(gateway: &TestGateway) -> Vec<Sample> {
    samples(&send(gateway.anonymous(Method::GET, "/metrics")).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_counted_once() {
    let gateway = TestGateway::start().await;
    let body = json!({ "model": "gpt-image-1.5", "prompt": "a zanzibarian lighthouse", "quality": "low", "size": "1024x1024", "user": "quagga" });
    let failing = with(
        body.clone(),
        json!({ "prompt": "a zanzibarian lighthouse [[fault: provider=openai status=500]]" }),
    );
    let first = gateway.generate(failing).await.ok();
    let second = gateway.generate(with(body.clone(), json!({ "n": 2 }))).await.ok();
    let refused = with(
        body.clone(),
        json!({ "prompt": "dunes [[fault: status=401]]", "model": "openai/gpt-image-1.5" }),
    );
    gateway.generate(refused).await.error(502, "UPSTREAM_ERROR");
    gateway
        .generate(with(body, json!({ "n": 0, "model": "fal/gpt-image-1.5" })))
        .await
        .fault("n");
    gateway
        .generate(json!({ "model": "okapi-model", "prompt": "dunes" }))
        .await
        .error(404, "MODEL_NOT_FOUND");
    send(gateway.anonymous(Method::GET, "/unicorn"))
        .await
        .error(404, "INVALID_REQUEST");
    let unknown = Method::from_bytes(b"GNU").expect("a method");
    send(gateway.anonymous(unknown, "/healthz"))
        .await
        .error(405, "INVALID_REQUEST");
    let found = scraped(&gateway).await;

    let of_model = |code: &'static str| {
        [
            ("model", "gpt-image-1.5"),
            ("outcome", if code.is_empty() { "completed" } else { "failed" }),
            ("code", code),
        ]
    };
    let generations = |labels: &[(&str, &str)]| figure(&found, "pictor_generations_total", labels);
    assert_eq!(generations(&of_model("")), 2.0);
    assert_eq!(generations(&of_model("UPSTREAM_ERROR")), 1.0);
    assert_eq!(
        generations(&of_model("INVALID_REQUEST")),
        1.0,
        "a forced provider is no model of its own"
    );
    assert_eq!(
        generations(&[("model", "other"), ("outcome", "failed"), ("code", "MODEL_NOT_FOUND")]),
        1.0
    );
    let timed = |outcome| [("model", "gpt-image-1.5"), ("outcome", outcome)];
    let lasted = |outcome| figure(&found, "pictor_generation_duration_seconds_count", &timed(outcome));
    assert_eq!(
        (lasted("completed"), lasted("failed")),
        (2.0, 1.0),
        "what asked nobody took no time"
    );
    assert!(figure(&found, "pictor_generation_duration_seconds_sum", &timed("completed")) > 0.0);

    let calls = metadata_attempts(&first) + metadata_attempts(&second);
    let attempts = |provider, outcome, code| {
        figure(
            &found,
            "pictor_attempts_total",
            &[("provider", provider), ("outcome", outcome), ("code", code)],
        )
    };
    assert_eq!(attempts("openai", "failed", "server_error"), 1.0);
    assert_eq!(attempts("openai", "failed", "bad_credential"), 1.0);
    assert_eq!(attempts("fal", "succeeded", ""), 1.0);
    assert_eq!(
        attempts("openai", "succeeded", "") + 2.0,
        calls as f64,
        "all calls of both"
    );
    let timed = [("provider", "openai"), ("outcome", "failed")];
    assert_eq!(figure(&found, "pictor_attempt_duration_seconds_count", &timed), 2.0);

    for (provider, answer) in [("fal", &first), ("openai", &second)] {
        let spent = figure(&found, "pictor_spend_dollars_total", &[("provider", provider)]);
        assert_eq!(
            (spent * 1e6).round() as i64,
            micros(&answer["metadata"]["cost"]),
            "{provider}"
        );
    }
    let circuit = |provider, native_model| {
        let labels = [("provider", provider), ("native_model", native_model)];
        figure(&found, "pictor_offer_circuit_state", &labels)
    };
    assert_eq!(circuit("openai", "gpt-image-1.5"), 2.0);
    assert_eq!(circuit("fal", "fal-ai/gpt-image-1.5"), 0.0);

    let requests = |method, endpoint, status| {
        let labels = [("method", method), ("endpoint", endpoint), ("status", status)];
        figure(&found, "pictor_requests_total", &labels)
    };
    let generations = "/openai/v1/images/generations";
    assert_eq!(requests("POST", generations, "200"), 2.0);
    assert_eq!(requests("POST", generations, "400"), 1.0);
    assert_eq!(requests("GET", "other", "404"), 1.0);
    assert_eq!(requests("other", "/healthz", "405"), 1.0);
    assert_eq!(figure(&found, "pictor_generations_in_flight", &[]), 0.0);
    assert_eq!(
        figure(&found, "pictor_build_info", &[("version", env!("CARGO_PKG_VERSION"))]),
        1.0
    );

    let again = send(gateway.anonymous(Method::GET, "/metrics")).await;
    let scrapes = [("method", "GET"), ("endpoint", "/metrics"), ("status", "200")];
    assert_eq!(figure(&samples(&again), "pictor_requests_total", &scrapes), 1.0);
    let key_id = gateway.key.trim_start_matches("pk_").split('.').next().expect("an id");
    for hidden in ["zanzibarian", "quagga", "okapi", "unicorn", "GNU", key_id] {
        assert!(!again.text().contains(hidden), "{hidden} is a label");
    }
    gateway.finish().await;
}

fn metadata_attempts(answer: &Value) -> usize {
    answer["metadata"]["attempts"].as_array().expect("attempts").len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probed_circuit_and_what_is_under_way_are_seen() {
    let provider = LiveProvider::listen().await;
    let gateway = TestGateway::with(|settings| {
        let openai = settings.providers.get_mut("openai").expect("a provider");
        openai.base_url = Some(provider.base_url());
    })
    .await;
    let request = with(
        small("openai/gpt-image-1-mini"),
        json!({ "stream": true, "partial_images": 1 }),
    );
    let (reply, found) = tokio::join!(gateway.generate(request), async {
        let mut call = provider.call().await;
        let image = plain((1024, 1024), [10, 20, 30, 255], ImageFormat::Png);
        call.partial(0, &image).await;
        let found = scraped(&gateway).await;
        call.completed(&image).await;
        found
    });
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(figure(&found, "pictor_generations_in_flight", &[]), 1.0);
    let found = scraped(&gateway).await;
    assert_eq!(figure(&found, "pictor_generations_in_flight", &[]), 0.0);

    let fal = |prompt: &str| json!({ "model": "fal/gpt-image-1-mini", "prompt": prompt, "quality": "low" });
    gateway
        .generate(fal("dunes [[fault: status=401]]"))
        .await
        .error(502, "UPSTREAM_ERROR");
    let circuit = async || {
        let labels = [("provider", "fal"), ("native_model", "fal-ai/gpt-image-1-mini")];
        figure(&scraped(&gateway).await, "pictor_offer_circuit_state", &labels)
    };
    assert_eq!(circuit().await, 2.0);
    gateway.clock.advance_s(900);
    assert_eq!(circuit().await, 1.0, "it waits for a probe");
    gateway.generate(fal("dunes")).await.ok();
    assert_eq!(circuit().await, 0.0);
    gateway.finish().await;
}

/// Looks again and again until `is_so`.
async fn until(gateway: &TestGateway, is_so: impl Fn(f64, f64) -> bool) {
    let held = async || {
        let found = scraped(gateway).await;
        let memory = figure(&found, "pictor_spool_memory_bytes", &[]);
        (memory, figure(&found, "pictor_spool_bytes", &[]))
    };
    let seen = async {
        loop {
            let (memory, total) = held().await;
            if is_so(memory, total) {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, seen).await.expect("it comes to that");
}

#[tokio::test(flavor = "multi_thread")]
async fn held_bytes_are_told_while_they_are_held() {
    let gateway = TestGateway::start().await;
    let found = scraped(&gateway).await;
    assert!(
        found
            .iter()
            .any(|sample| sample.name == "pictor_spool_bytes" && sample.value == 0.0),
        "0 is told too"
    );
    let image = noise((512, 512));
    let (first, rest) = image.split_at(image.len() / 2);
    let (sender, receiver) = mpsc::channel::<Vec<u8>>(2);
    let pieces = stream::unfold(receiver, async |mut receiver| {
        let piece = receiver.recv().await?;
        Some((Ok::<_, std::io::Error>(piece), receiver))
    });
    let upload = Part::stream(Body::wrap_stream(pieces)).file_name("a.png");
    let form = Form::new()
        .text("model", "mock-image")
        .text("prompt", "dunes")
        .part("image", upload);
    let (reply, ()) = tokio::join!(gateway.edit(form), async {
        sender.send(first.to_vec()).await.expect("it is sent");
        until(&gateway, |memory, total| memory > 10_000.0 && total >= memory).await;
        sender.send(rest.to_vec()).await.expect("it is sent");
        drop(sender);
    });
    reply.ok();
    until(&gateway, |memory, total| memory == 0.0 && total == 0.0).await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_may_have_an_address_of_their_own() {
    let gateway = TestGateway::with(|settings| settings.metrics_listen = Some(([127, 0, 0, 1], 0).into())).await;
    let own = gateway.metrics_base().expect("it was asked for");
    assert_ne!(own, gateway.base);
    send(gateway.anonymous(Method::GET, "/metrics"))
        .await
        .error(404, "INVALID_REQUEST");
    gateway.generate(small("mock-image")).await.ok();
    let found = samples(&send(gateway.client.get(format!("{own}/metrics"))).await);
    let labels = [("model", "mock-image"), ("outcome", "completed"), ("code", "")];
    assert_eq!(figure(&found, "pictor_generations_total", &labels), 1.0);
    // Nothing else is there, with a key or without.
    for path in ["/healthz", "/v1/balance", "/openai/v1/models"] {
        let reply = send(gateway.client.get(format!("{own}{path}")).bearer_auth(&gateway.key)).await;
        reply.error(404, "INVALID_REQUEST");
    }
    send(gateway.client.post(format!("{own}/metrics")))
        .await
        .error(405, "INVALID_REQUEST");
    gateway.finish().await;
    let refused = gateway_at_one_address().await;
    assert!(refused.contains("cannot listen on"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_take_a_key_where_others_can_ask() {
    for is_open in [false, true] {
        let gateway = TestGateway::with(|settings| {
            settings.metrics_listen = Some(([0, 0, 0, 0], 0).into());
            settings.metrics_open = is_open;
        })
        .await;
        let own = gateway.metrics_base().expect("it was asked for");
        let url = format!("{own}/metrics");
        let bare = send(gateway.client.get(&url)).await;
        let spender = gateway.new_key(&[Scope::Generate], None).await.token;
        let spent = send(gateway.client.get(&url).bearer_auth(spender)).await;
        if is_open {
            assert!(!samples(&bare).is_empty() && !samples(&spent).is_empty());
        } else {
            bare.error(401, "AUTHENTICATION_FAILED");
            spent.error(403, "PERMISSION_DENIED");
        }
        let reader = gateway.new_key(&[Scope::Read], None).await.token;
        let read = send(gateway.client.get(&url).bearer_auth(reader)).await;
        assert!(!samples(&read).is_empty());
        gateway.finish().await;
    }
}

/// Why a gateway does not start that is to serve both at one address.
async fn gateway_at_one_address() -> String {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = gateway::settings::Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        metrics_listen: Some(taken.local_addr().expect("an address")),
        data_dir: folder.path().to_owned(),
        ..gateway::settings::Settings::default()
    };
    let started = gateway::start(settings, super::harness::catalog(), gateway::clock::Clock::system()).await;
    started.err().expect("the address is taken").to_string()
}
