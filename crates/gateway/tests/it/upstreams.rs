//! Which provider is real, which is played by the sandbox and which is off, and that no gateway calls itself.

use std::collections::BTreeMap;

use gateway::settings::{ProviderSettings, SandboxUse, Settings};
use gateway::upstreams::{Service, Upstreams};
use serde_json::json;

use super::harness::{TestGateway, catalog};

const SANDBOX: &str = "http://127.0.0.1:8485";

fn with_credentials(providers: &[&str]) -> BTreeMap<String, ProviderSettings> {
    let own = |id: &&str| {
        let origin = Some("the test".to_owned());
        (
            (*id).to_owned(),
            ProviderSettings {
                credential: Some("secret".to_owned()),
                credential_origin: origin,
                ..ProviderSettings::default()
            },
        )
    };
    providers.iter().map(own).collect()
}

fn services(sandbox: SandboxUse, credentials: &[&str]) -> Vec<(String, &'static str)> {
    let settings = Settings {
        sandbox,
        providers: with_credentials(credentials),
        ..Settings::default()
    };
    let upstreams = Upstreams::new(&catalog(), &settings, Some(SANDBOX)).expect("legal settings");
    let mut told: Vec<_> = upstreams
        .iter()
        .map(|upstream| {
            if let Service::Real { origin } = &upstream.service {
                assert_eq!(origin, "the test");
            }
            let service = upstream.service.as_str();
            assert_eq!(upstreams.available().contains(&upstream.id), service != "off");
            (upstream.id.clone(), service)
        })
        .collect();
    told.sort();
    told
}

/// These are real, and every other one is `others`; the mock is always played.
fn expected(real: &[&str], others: &'static str) -> Vec<(String, &'static str)> {
    let service = |id: &str| match id {
        "mock" => "sandbox",
        id if real.contains(&id) => "real",
        _ => others,
    };
    let mut all: Vec<_> = catalog()
        .providers()
        .map(|one| (one.id.clone(), service(&one.id)))
        .collect();
    assert!(all.len() >= 14);
    all.sort();
    all
}

#[test]
fn a_real_and_a_pretended_provider_never_stand_in_one_plan() {
    assert_eq!(services(SandboxUse::Auto, &[]), expected(&[], "sandbox"));
    for real in [
        ["openai"].as_slice(),
        &["openai", "fal"],
        &["vertex", "stability", "xai"],
    ] {
        assert_eq!(services(SandboxUse::Auto, real), expected(real, "off"));
    }
}

#[test]
fn the_sandbox_can_be_forced_or_forbidden() {
    assert_eq!(services(SandboxUse::Always, &["openai"]), expected(&[], "sandbox"));
    assert_eq!(services(SandboxUse::Never, &[]), expected(&[], "off"));
    assert_eq!(
        services(SandboxUse::Never, &["replicate"]),
        expected(&["replicate"], "off")
    );
}

#[test]
fn a_gateway_that_would_call_itself_does_not_start() {
    let refused = |listen: &str, public_url: Option<&str>, base_url: &str| {
        let mut providers = with_credentials(&["openai"]);
        providers.get_mut("openai").expect("it was just made").base_url = Some(base_url.to_owned());
        let listen = listen.parse().expect("an address");
        let settings = Settings {
            listen,
            public_url: public_url.map(str::to_owned),
            providers,
            ..Settings::default()
        };
        Upstreams::new(&catalog(), &settings, Some(SANDBOX))
            .err()
            .map(|error| error.to_string())
    };
    for (listen, public_url, base_url) in [
        ("127.0.0.1:8484", None, "http://127.0.0.1:8484/openai/v1"),
        ("127.0.0.1:8484", None, "http://localhost:8484/openai/v1"),
        ("0.0.0.0:8484", None, "http://127.0.0.1:8484/openai/v1"),
        ("0.0.0.0:8484", None, "http://localhost:8484/openai/v1"),
        ("[::]:8484", None, "http://[::1]:8484/openai/v1"),
        ("0.0.0.0:80", None, "http://localhost/openai/v1"),
        (
            "0.0.0.0:8484",
            Some("https://images.example/"),
            "https://images.example/openai/v1",
        ),
    ] {
        let error =
            refused(listen, public_url, base_url).unwrap_or_else(|| panic!("{listen} calls itself at {base_url}"));
        assert!(error.contains("openai") && error.contains("own"), "{error}");
    }
    for interface in if_addrs::get_if_addrs().expect("this machine has addresses") {
        let own = std::net::SocketAddr::new(interface.ip(), 8484);
        let error = refused("[::]:8484", None, &format!("http://{own}/openai/v1"));
        assert!(
            error.is_some_and(|error| error.contains("own")),
            "it calls itself at {own}"
        );
    }
    for (listen, base_url) in [
        ("0.0.0.0:8484", "http://192.0.2.1:8484/openai/v1"),
        ("127.0.0.1:8484", "http://127.0.0.1:8485/openai/v1"),
        ("127.0.0.1:8484", "https://api.openai.com/v1"),
        ("127.0.0.1:8484", "http://other.example:8484/v1"),
    ] {
        assert_eq!(refused(listen, None, base_url), None, "{listen} may call {base_url}");
    }
    for nonsense in ["nowhere", "ftp://api.openai.com/v1", ""] {
        assert!(
            refused("127.0.0.1:8484", None, nonsense).is_some_and(|error| error.contains("openai")),
            "{nonsense}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_calls_itself_by_its_public_address_is_refused_at_the_start() {
    providers::install_crypto();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut own = with_credentials(&["openai"]);
    own.get_mut("openai").expect("it was just made").base_url = Some("https://images.example/openai/v1".to_owned());
    let settings = Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        data_dir: folder.path().join("data"),
        public_url: Some("https://images.example".to_owned()),
        providers: own,
        ..Settings::default()
    };
    let started = gateway::start(settings, catalog(), gateway::clock::Clock::system()).await;
    let error = started.err().expect("it would call in a circle");
    assert!(error.to_string().contains("this gateway's own"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_real_providers_do_not_say_sandbox_and_the_others_do() {
    let real = TestGateway::start().await;
    let body = json!({ "model": "fal/flux.1-schnell", "prompt": "dunes", "size": "512x512" });
    assert!(
        real.generate(body.clone()).await.ok()["metadata"]
            .get("sandbox")
            .is_none()
    );
    let mock = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" });
    assert_eq!(
        real.generate(mock).await.ok()["metadata"]["sandbox"],
        true,
        "mock-image is always there"
    );
    real.finish().await;

    let always = TestGateway::with(|settings| settings.sandbox = SandboxUse::Always).await;
    assert_eq!(always.generate(body).await.ok()["metadata"]["sandbox"], true);
    assert!(
        always.upstream_calls().await.is_empty(),
        "the credential's own address was not called"
    );
    always.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_real_providers_mock_image_draws_small_pictures_alone() {
    let real = TestGateway::start().await;
    let mock = |size: &str| json!({ "model": "mock-image", "prompt": "dunes", "size": size });
    let error = real.generate(mock("4096x4096")).await.error(400, "UPSTREAM_ERROR");
    let message = error["message"].as_str().unwrap_or_default().to_owned();
    assert!(message.contains("at most 4194304 pixels"), "{message}");
    real.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_reads_the_data_folder_controls_a_gateways_emulators() {
    let gateway = TestGateway::embedded().await;
    let mock = gateway.upstream_address("mock");
    let faults = mock.join("/_sandbox/faults").expect("an address");
    let order = json!({ "fault": "hang" });
    let token = std::fs::read_to_string(gateway.data_dir.join("sandbox-token")).expect("a token");
    for (token, right) in [("", 401), ("other", 401), (token.trim(), 201)] {
        let ordered = gateway.client.post(faults.clone()).bearer_auth(token).json(&order);
        assert_eq!(ordered.send().await.expect("an answer").status().as_u16(), right);
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_keeps_keys_and_links() {
    providers::install_crypto();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = || Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        data_dir: folder.path().to_owned(),
        ..Settings::default()
    };
    let start = async || {
        gateway::start(settings(), catalog(), gateway::clock::Clock::system())
            .await
            .expect("the gateway starts")
    };
    let client = super::harness::client();
    let first = start().await;
    let key = first.first_key.clone().expect("a first key");
    let body = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" });
    let request = client
        .post(format!("http://{}/v1/images/generations", first.address))
        .bearer_auth(&key)
        .json(&body);
    let answer = super::harness::send(request).await.ok();
    let url = answer["data"][0]["url"].as_str().expect("a link").to_owned();
    let (_, path) = url.split_once("/media/").expect("a path");
    first.shutdown().await;

    let second = start().await;
    assert_eq!(second.first_key, None, "there is a key already");
    let again = super::harness::send(client.get(format!("http://{}/media/{path}", second.address))).await;
    assert_eq!(again.status.as_u16(), 200, "the secret that signs links is kept");
    let listed = client
        .get(format!("http://{}/v1/requests", second.address))
        .bearer_auth(&key);
    assert_eq!(super::harness::send(listed).await.ok()["data"][0]["id"], answer["id"]);
    second.shutdown().await;
}
