//! `GET /v1/health/providers` and `pictor doctor`: how providers are served and how they do.

use gateway::auth::Scope;
use gateway::settings::SandboxUse;
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{TestGateway, catalog, names, send};

const PATH: &str = "/v1/health/providers";

fn services(list: &Value) -> Vec<(&str, &str)> {
    let providers = list["data"].as_array().expect("a list").iter();
    providers
        .map(|one| {
            (
                one["id"].as_str().expect("an id"),
                one["service"].as_str().expect("a word"),
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_provider_is_listed_as_it_is_served() {
    let real = TestGateway::start().await;
    let list = real.get(PATH).await.ok();
    assert_eq!(list["object"], "list");
    let catalog = catalog();
    let service = |only: &'static str| {
        // What no company runs is played by the sandbox wherever there may be one.
        let of = move |sandbox_only: bool| {
            if sandbox_only && only != "off" { "sandbox" } else { only }
        };
        let providers = catalog.providers();
        providers
            .map(|one| (one.id.as_str(), of(one.sandbox_only)))
            .collect::<Vec<_>>()
    };
    assert_eq!(services(&list), service("real"));
    for (told, provider) in list["data"].as_array().expect("a list").iter().zip(catalog.providers()) {
        assert_eq!(
            (&told["object"], &told["name"]),
            (&json!("provider"), &json!(provider.name))
        );
        assert_eq!(told["offers"], json!([]), "nothing was tried yet");
    }
    real.finish().await;
    let embedded = TestGateway::embedded().await;
    assert_eq!(services(&embedded.get(PATH).await.ok()), service("sandbox"));
    embedded.finish().await;
    let off = TestGateway::embedded_with(|settings| settings.sandbox = SandboxUse::Never).await;
    assert_eq!(services(&off.get(PATH).await.ok()), service("off"));
    off.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_that_were_tried_have_figures() {
    let gateway = TestGateway::start().await;
    let body = |model: &str, prompt: &str| json!({ "model": model, "prompt": prompt, "quality": "low" });
    let edited = "dunes [[fault: provider=openai status=500]]";
    gateway.generate(body("gpt-image-1-mini", edited)).await.ok();
    gateway.generate(body("openai/gpt-image-1-mini", "dunes")).await.ok();
    let list = gateway.get(PATH).await.ok();
    let tried: Vec<&Value> = list["data"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|one| one["offers"] != json!([]))
        .collect();
    assert_eq!(tried.len(), 2, "OpenAI, and who came after it: {list}");
    let openai = tried.iter().find(|one| one["id"] == "openai").expect("it was tried");
    let offer = &openai["offers"][0];
    let fields = [
        "cause",
        "healthy",
        "latency_p50_ms",
        "native_model",
        "resting_until",
        "samples",
        "state",
        "success_rate",
        "until",
    ];
    assert_eq!(names(offer), fields);
    for (name, value) in [
        ("native_model", json!("gpt-image-1-mini")),
        ("healthy", json!(true)),
        ("state", json!("closed")),
        ("success_rate", json!(0.5)),
        ("samples", json!(2)),
        ("until", Value::Null),
    ] {
        assert_eq!(offer[name], value, "{name}");
    }
    assert!(offer["latency_p50_ms"].is_u64(), "{offer}");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_for_keys_that_may_read() {
    let gateway = TestGateway::start().await;
    send(gateway.anonymous(Method::GET, PATH))
        .await
        .error(401, "AUTHENTICATION_FAILED");
    for (scope, may) in [(Scope::Read, true), (Scope::Generate, false)] {
        let key = gateway.new_key(&[scope], None).await;
        let reply = send(gateway.anonymous(Method::GET, PATH).bearer_auth(&key.token)).await;
        if may {
            reply.ok();
        } else {
            reply.error(403, "PERMISSION_DENIED");
        }
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_asks_the_gateway_that_runs() {
    let mut gateway = TestGateway::start().await;
    let line = |told: &str, what: &str| {
        let found = told.lines().find(|line| line.split_whitespace().nth(1) == Some(what));
        found.unwrap_or_else(|| panic!("no line on {what}: {told}")).to_owned()
    };
    let told = gateway.pictor(&["doctor"]).await;
    let first = line(told.ok(), "gateway");
    let well = format!("runs at {}; offers tried: 0 healthy, 0 not", gateway.base);
    assert!(first.starts_with("ok ") && first.ends_with(&well), "{first}");
    let broken = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes [[fault: status=401]]" });
    gateway.generate(broken).await.error(502, "UPSTREAM_ERROR");
    let told = gateway.pictor(&["doctor"]).await;
    assert!(
        line(told.ok(), "gateway").ends_with("offers tried: 0 healthy, 1 not"),
        "{told:?}"
    );
    let notes: Vec<&str> = told
        .ok()
        .lines()
        .filter(|line| line.starts_with("note  openai "))
        .collect();
    let until = gateway.clock.now() + jiff::SignedDuration::from_secs(900);
    let note = format!(
        "note  openai     gpt-image-1-mini: circuit open until {until}, last failure bad_credential; 0 % of 1 calls succeeded"
    );
    assert_eq!(notes, [note]);
    gateway.take_running().shutdown().await;
    let told = gateway.pictor(&["doctor"]).await;
    let alone = line(told.ok(), "gateway");
    assert!(alone.starts_with("note ") && alone.contains("none runs at"), "{alone}");
    gateway.finish().await;
}
