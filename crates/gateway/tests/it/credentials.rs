//! Several credentials of one provider: calls are spread over them, and one that is refused rests while the others work.

use std::collections::BTreeMap;

use gateway::auth::Scope;
use gateway::settings::{CredentialSettings, ProviderSettings, Settings};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use toml::Table;

use super::harness::{
    GENERATIONS, Process, Site, TestGateway, check_no_secret, log_lines, send, until, watch_log, with,
};

const WRONG: &str = "sk-revoked-and-secret";

fn credential(name: &str, weight: u32, secret: &str) -> CredentialSettings {
    CredentialSettings {
        name: Some(name.to_owned()),
        weight,
        credential: Some(secret.to_owned()),
        ..CredentialSettings::default()
    }
}

/// Settings of OpenAI with these credentials: name, weight and whether the provider takes it.
fn several(list: &[(&str, u32, bool)]) -> impl FnOnce(&mut Settings) {
    let list = list.to_owned();
    move |settings: &mut Settings| {
        let own: &mut ProviderSettings = settings.providers.get_mut("openai").expect("a provider");
        let right = own.credential.take().expect("a credential");
        let one = |(name, weight, is_right): (&str, u32, bool)| {
            credential(name, weight, if is_right { &right } else { WRONG })
        };
        own.credentials = list.into_iter().map(one).collect();
    }
}

fn body(fields: Value) -> Value {
    let plain = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes", "quality": "low", "size": "1024x1024" });
    with(plain, fields)
}

/// Which attempts were made: the provider, and the code of its failure.
async fn served(gateway: &TestGateway, fields: Value) -> Vec<String> {
    let answer = gateway.generate(body(fields)).await.ok();
    let attempts = answer["metadata"]["attempts"].as_array().expect("attempts");
    let told = |attempt: &Value| {
        let provider = attempt["provider"].as_str().expect("a provider");
        format!("{provider} {}", attempt["code"].as_str().unwrap_or("ok"))
    };
    attempts.iter().map(told).collect()
}

async fn openai(gateway: &TestGateway, key: &str) -> Value {
    let request = gateway.client.get(format!("{}/v1/health/providers", gateway.base));
    let all = send(request.bearer_auth(key)).await.ok();
    let providers = all["data"].as_array().expect("a list");
    providers
        .iter()
        .find(|one| one["id"] == "openai")
        .expect("a provider")
        .clone()
}

/// The figures of credentials: their labels, and the number.
async fn figures(gateway: &TestGateway) -> BTreeMap<String, u64> {
    let text = gateway.get("/metrics").await.text();
    let own = text.lines().filter_map(|line| line.strip_prefix("pictor_credential_"));
    own.map(|line| {
        let (name, number) = line.rsplit_once(' ').expect("a figure");
        (
            name.replace("provider=\"openai\",", ""),
            number.parse().expect("a number"),
        )
    })
    .collect()
}

fn calls(name: &str, code: &str) -> String {
    format!("calls_total{{credential=\"{name}\",code=\"{code}\"}}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_credential_rests_while_another_one_works() {
    watch_log();
    let gateway = TestGateway::with(several(&[("ended", 1, false), ("working", 1, true)])).await;
    assert_eq!(
        served(&gateway, json!({})).await,
        ["openai bad_credential", "openai ok"]
    );
    for _ in 0..3 {
        assert_eq!(served(&gateway, json!({})).await, ["openai ok"]);
    }
    // Four in a row would have opened the circuit, and one refusal too.
    let known = openai(&gateway, &gateway.key).await;
    assert_eq!(
        (&known["offers"][0]["state"], &known["offers"][0]["healthy"]),
        (&json!("closed"), &json!(true))
    );
    let until = (gateway.clock.now() + jiff::SignedDuration::from_secs(900)).to_string();
    assert_eq!(
        known["credentials"],
        json!([
            { "name": "ended", "resting_until": until, "cause": "bad_credential" },
            { "name": "working", "resting_until": null, "cause": null },
        ])
    );
    let told = figures(&gateway).await;
    assert_eq!(
        (told[&calls("ended", "bad_credential")], told[&calls("working", "")]),
        (1, 4)
    );
    assert_eq!(told["resting{credential=\"ended\"}"], 1);
    assert_eq!(told["resting{credential=\"working\"}"], 0);
    assert!(!log_lines("\"credential\":\"ended\"").is_empty());
    check_no_secret(&[WRONG]);
    // What the operator calls his accounts is nobody else's.
    let reader = gateway.new_key(&[Scope::Read], None).await;
    assert_eq!(openai(&gateway, &reader.token).await["credentials"], Value::Null);
    gateway.clock.advance_s(900);
    let again = [served(&gateway, json!({})).await, served(&gateway, json!({})).await].concat();
    assert!(again.contains(&"openai bad_credential".to_owned()), "{again:?}");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_of_one_account_is_no_limit_of_the_provider() {
    let gateway = TestGateway::with(several(&[("a", 1, true), ("b", 1, true)])).await;
    let limited = json!({ "prompt": "dunes [[fault: provider=openai status=429 retry-after=120 once]]" });
    assert_eq!(served(&gateway, limited).await, ["openai rate_limited", "openai ok"]);
    let known = openai(&gateway, &gateway.key).await;
    assert_eq!(known["offers"][0]["resting_until"], Value::Null);
    for _ in 0..3 {
        assert_eq!(served(&gateway, json!({})).await, ["openai ok"]);
    }
    assert_eq!(figures(&gateway).await[&calls("b", "")], 4);
    gateway.clock.advance_s(120);
    for _ in 0..2 {
        served(&gateway, json!({})).await;
    }
    assert_eq!(figures(&gateway).await[&calls("a", "")], 1, "it works again");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_spread_by_weight() {
    let gateway = TestGateway::with(several(&[("large", 3, true), ("small", 1, true)])).await;
    for _ in 0..8 {
        served(&gateway, json!({})).await;
    }
    let told = figures(&gateway).await;
    assert_eq!((told[&calls("large", "")], told[&calls("small", "")]), (6, 2));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_credential_works_the_offer_does_not() {
    let gateway = TestGateway::with(several(&[("a", 1, false), ("b", 1, false)])).await;
    let other = json!({ "model": "gpt-image-1.5" });
    let told = served(&gateway, other.clone()).await;
    assert_eq!(told[..2], ["openai bad_credential", "openai bad_credential"]);
    assert!(told.last().is_some_and(|last| last.ends_with(" ok")), "{told:?}");
    assert_eq!(openai(&gateway, &gateway.key).await["offers"][0]["state"], "open");
    let told = served(&gateway, other).await;
    assert!(!told[0].starts_with("openai"), "{told:?}");
    gateway.finish().await;
}

/// Changes what the settings file says of a provider.
fn change(site: &Site, provider: &str, change: impl FnOnce(&mut Table)) {
    let file = site.settings_file();
    let text = std::fs::read_to_string(&file).expect("the file");
    let mut table: Table = text.parse().expect("TOML");
    change(table["providers"][provider].as_table_mut().expect("a table"));
    std::fs::write(&file, table.to_string()).expect("it is written");
}

fn listed(name: &str, secret: toml::Value) -> toml::Value {
    let fields: [(String, toml::Value); 2] = [("name".to_owned(), name.into()), ("credential".to_owned(), secret)];
    Table::from_iter(fields).into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_asked_for_with_the_credential_that_handed_it_in() {
    let site = Site::new().await;
    change(&site, "fal", |own| {
        let right = own.remove("credential").expect("a credential");
        let list = vec![
            listed("ended", "revoked-id:revoked-secret".into()),
            listed("working", right),
        ];
        own.insert("credentials".to_owned(), list.into());
    });
    let body = json!({ "model": "fal/flux.1-schnell", "prompt": "dunes", "size": "512x512" });
    let mut process = site.serve(&[("PICTOR_TEST_STOP_AFTER", "accept")]).await;
    let call = tokio::spawn(super::harness::try_send(process.generation(&body, "once-only")));
    process.until_says("stopped after accept").await;
    process.kill();
    assert!(call.await.expect("the caller waits").is_err());
    let noted = "SELECT COUNT(*) FROM attempts WHERE credential = 'working' AND handle IS NOT NULL";
    assert_eq!(site.number(noted).await, 1);
    let submits = site.submits().await;
    // The next process would begin with the other one.
    let process = site.serve(&[]).await;
    let reply = send(process.generation(&body, "once-only")).await;
    assert_eq!(reply.header("idempotent-replayed"), "true");
    assert_eq!(process.images(&reply.ok()).await, 1);
    assert_eq!(site.submits().await, submits, "the job was found again");
    process.stop().await;
    site.finish().await;
}

async fn status(process: &Process) -> StatusCode {
    let request = process.request(Method::POST, GENERATIONS).json(&body(json!({})));
    send(request).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_that_a_command_prints_is_read_at_the_start_and_again_when_asked() {
    let site = Site::new().await;
    let folder = TempDir::new().expect("a folder");
    let vault = folder.path().join("vault");
    let mut right = String::new();
    change(&site, "openai", |own| {
        right = own["credential"].as_str().expect("a credential").to_owned();
        let command: toml::Value = vec!["cat".to_owned(), vault.display().to_string()].into();
        let source = Table::from_iter([("command".to_owned(), command)]);
        own.insert("credentials".to_owned(), vec![listed("vault", source.into())].into());
        own.remove("credential");
    });
    let refused = site.refuses(&[]).await;
    let says = "providers.openai.credentials.1: the command 'cat' ended with exit status: 1: cat: ";
    assert!(refused.contains(says), "{refused}");
    std::fs::write(&vault, WRONG).expect("a file");
    let mut process = site.serve(&[]).await;
    assert_eq!(status(&process).await, StatusCode::BAD_GATEWAY);
    // Another secret in the vault; what was refused is tried again at once.
    std::fs::write(&vault, format!("{right}\n")).expect("a file");
    process.reload();
    process.until_says("settings and catalogue were read again").await;
    until("the new credential", async || {
        (status(&process).await == StatusCode::OK).then_some(())
    })
    .await;
    // A vault that is away changes nothing.
    std::fs::remove_file(&vault).expect("it was there");
    process.reload();
    process.until_says("the settings in force stay").await;
    assert_eq!(status(&process).await, StatusCode::OK);
    assert!(!process.log().await.iter().any(|line| line.contains(WRONG)));
    std::fs::write(&vault, right).expect("a file");
    let shown = site.pictor(&["config", "show"]).await;
    let line = shown
        .ok()
        .lines()
        .find(|line| line.starts_with("providers.openai.credentials.vault"));
    let line: Vec<&str> = line.expect("a line").split_whitespace().collect();
    assert_eq!(line[1..].join(" "), "(not shown), weight 1 command 'cat'");
    let told = site.pictor(&["doctor"]).await;
    assert!(
        told.ok().contains("(credential from command 'cat': 1 of them, vault)"),
        "{}",
        told.ok()
    );
    process.stop().await;
    site.finish().await;
}
