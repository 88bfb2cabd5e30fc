//! Access tokens of a service account: asked for once, shared, renewed when refused, and never shown.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use planner::failure::{Failure, FailureKind, Spent};
use providers::{Credential, Driver, DriverConfig, FinishedAttempt, ProviderRequest, Spool, SpoolLimits, adapter};
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use crate::{
    request,
    script::conversation,
    scripted::{Answer, Exchange, Recorded, Scripted},
};

/// A key made for these tests; no account anywhere has it.
const KEY: &[u8] = include_bytes!("../keys/service_account.pk8");
const ACCOUNT: &str = "painter@test-project.iam.gserviceaccount.com";
const TOKEN: &str = "/oauth/token";

fn private_key() -> String {
    format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(KEY)
    )
}

/// A request whose credential is the account's key.
fn with_account(server: &Scripted) -> ProviderRequest {
    let mut request = request("vertex", server);
    request.endpoint.options.shift_remove("project");
    let key = json!({
        "type": "service_account", "project_id": "test-project", "private_key_id": "key-1",
        "private_key": private_key(), "client_email": ACCOUNT, "token_uri": format!("{}{TOKEN}", server.base),
    });
    request.endpoint.credential = Credential::new(key.to_string());
    request
}

fn reply(request: &str, status: u16, body: &Value) -> Exchange {
    Exchange {
        request: request.to_owned(),
        answer: Answer::Reply {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        },
    }
}

fn token(secret: &str, expires_in: u64) -> Exchange {
    let body = json!({"access_token": secret, "expires_in": expires_in, "token_type": "Bearer"});
    reply(&format!("POST {TOKEN}"), 200, &body)
}

fn case(name: &str, server: &Scripted) -> Vec<Exchange> {
    conversation("vertex", name, server).expect("a fixture")
}

fn driver() -> Driver {
    Driver::new(DriverConfig::default()).expect("TLS is there")
}

async fn run(driver: &Driver, request: &ProviderRequest) -> Result<FinishedAttempt, Failure> {
    let scope = Spool::new(SpoolLimits::default()).scope();
    let deadline = Instant::now() + Duration::from_secs(60);
    let adapter = adapter("vertex").expect("a known protocol");
    driver.run(adapter, request, &scope, deadline, &()).await
}

/// The path and the `authorization` of every request.
fn seen(recorded: &[Recorded]) -> Vec<(bool, Option<&str>)> {
    recorded
        .iter()
        .map(|recorded| (recorded.request.ends_with(TOKEN), recorded.header("authorization")))
        .collect()
}

#[tokio::test]
async fn an_assertion_is_signed_and_its_token_is_used_again() {
    let server = Scripted::listen().await;
    let mut script = vec![token("ya29.one", 3600)];
    script.extend(case("success", &server));
    script.extend(case("success_small", &server));
    server.play(script);
    let (driver, request) = (driver(), with_account(&server));
    run(&driver, &request).await.expect("an image");
    run(&driver.clone(), &request).await.expect("an image");
    let recorded = server.finish();
    let bearer = Some("Bearer ya29.one");
    assert_eq!(seen(&recorded), [(true, None), (false, bearer), (false, bearer)]);
    assert_eq!(
        recorded[0].header("content-type"),
        Some("application/x-www-form-urlencoded")
    );
    let form: Vec<(String, String)> = url::form_urlencoded::parse(&recorded[0].body).into_owned().collect();
    assert_eq!(form[0].1, "urn:ietf:params:oauth:grant-type:jwt-bearer");
    let (signed, signature) = form[1].1.rsplit_once('.').expect("a signature");
    let public = RsaKeyPair::from_pkcs8(KEY)
        .expect("a key")
        .public_key()
        .as_ref()
        .to_vec();
    let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64");
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
        .verify(signed.as_bytes(), &signature)
        .expect("signed by the account");
    let part =
        |text: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).expect("base64")).expect("JSON") };
    let (head, claims) = signed.split_once('.').expect("two parts");
    assert_eq!(part(head), json!({"alg": "RS256", "typ": "JWT", "kid": "key-1"}));
    let claims = part(claims);
    assert_eq!(claims["iss"], ACCOUNT);
    assert_eq!(claims["aud"], format!("{}{TOKEN}", server.base));
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/cloud-platform");
    let seconds = |name: &str| claims[name].as_u64().expect("seconds");
    assert_eq!(seconds("exp") - seconds("iat"), 3600);
}

#[tokio::test]
async fn a_token_near_its_end_is_not_used_again() {
    let server = Scripted::listen().await;
    let mut script = vec![token("ya29.short", 100)];
    script.extend(case("success", &server));
    script.push(token("ya29.next", 100));
    script.extend(case("success", &server));
    server.play(script);
    let (driver, request) = (driver(), with_account(&server));
    run(&driver, &request).await.expect("an image");
    run(&driver, &request).await.expect("an image");
    let expected = [
        (true, None),
        (false, Some("Bearer ya29.short")),
        (true, None),
        (false, Some("Bearer ya29.next")),
    ];
    assert_eq!(seen(&server.finish()), expected);
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let server = Scripted::listen().await;
    let mut script = vec![token("ya29.old", 3600)];
    script.extend(case("bad_credential", &server));
    script.push(token("ya29.new", 3600));
    script.extend(case("success", &server));
    server.play(script);
    run(&driver(), &with_account(&server)).await.expect("an image");
    assert_eq!(seen(&server.finish()).last(), Some(&(false, Some("Bearer ya29.new"))));

    let mut script = vec![token("ya29.old", 3600)];
    script.extend(case("bad_credential", &server));
    script.push(token("ya29.new", 3600));
    script.extend(case("bad_credential", &server));
    server.play(script);
    let failure = run(&driver(), &with_account(&server)).await.expect_err("refused twice");
    assert_eq!((failure.kind, failure.spent), (FailureKind::BadCredential, Spent::No));
    server.finish();
}

#[tokio::test]
async fn many_attempts_ask_for_one_token() {
    let server = Scripted::listen().await;
    let mut script = vec![token("ya29.one", 3600)];
    for _ in 0..8 {
        script.extend(case("success", &server));
    }
    server.play(script);
    let (driver, request) = (driver(), with_account(&server));
    let runs = (0..8).map(|_| run(&driver, &request));
    for result in futures_util::future::join_all(runs).await {
        result.expect("an image");
    }
    assert_eq!(server.finish().len(), 9);
}

#[tokio::test]
async fn what_goes_wrong_with_a_token_spends_nothing_and_shows_nothing() {
    let token_call = format!("POST {TOKEN}");
    let invalid = json!({"error": "invalid_grant", "error_description": "Invalid JWT Signature."});
    let busy = json!({"error": "internal_failure"});
    for (answers, kind) in [
        (vec![reply(&token_call, 400, &invalid)], FailureKind::BadCredential),
        (
            vec![reply(&token_call, 401, &json!({"error": "invalid_client"}))],
            FailureKind::BadCredential,
        ),
        (
            vec![reply(&token_call, 200, &json!({"id_token": "x"}))],
            FailureKind::UnreadableAnswer,
        ),
        (vec![reply(&token_call, 500, &busy); 3], FailureKind::ServerError),
    ] {
        let server = Scripted::listen().await;
        server.play(answers);
        let failure = run(&driver(), &with_account(&server)).await.expect_err("no token");
        assert_eq!((failure.kind, failure.spent), (kind, Spent::No), "{failure:?}");
        let shown = format!("{failure:?}");
        assert!(!shown.contains("PRIVATE KEY") && !shown.contains(&STANDARD.encode(KEY)[..40]));
        server.finish();
    }
    let server = Scripted::listen().await;
    let mut request = with_account(&server);
    let options = &mut request.endpoint.options;
    options.insert("token_url".to_owned(), "http://127.0.0.1:1/token".to_owned());
    let failure = run(&driver(), &request).await.expect_err("nobody listens");
    assert_eq!((failure.kind, failure.spent), (FailureKind::NotSent, Spent::No));
    assert!(server.finish().is_empty());
}
