//! Who may call: keys that are missing, malformed, unknown, wrong or revoked, and what a scope allows.

use gateway::auth::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{EDITS, GENERATIONS, Reply, TestGateway, send};

/// One request of every endpoint that asks for a key.
const GUARDED: [(&str, &str); 18] = [
    ("POST", GENERATIONS),
    ("POST", EDITS),
    ("GET", "/openai/v1/models"),
    ("GET", "/openai/v1/models/gpt-image-1.5"),
    ("GET", "/v1/balance"),
    ("GET", "/v1/requests"),
    ("GET", "/v1/requests/req_x"),
    ("GET", "/v1/keys"),
    ("POST", "/v1/keys"),
    ("GET", "/v1/keys/x"),
    ("PATCH", "/v1/keys/x"),
    ("DELETE", "/v1/keys/x"),
    ("GET", "/v1/accounts"),
    ("POST", "/v1/accounts"),
    ("GET", "/v1/accounts/default"),
    ("PATCH", "/v1/accounts/default"),
    ("GET", "/v1/accounts/default/postings"),
    ("POST", "/v1/accounts/default/postings"),
];

async fn call(gateway: &TestGateway, (method, path): (&str, &str), authorization: Option<&str>) -> Reply {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let request = gateway
        .anonymous(method, path)
        .json(&json!({ "model": "gpt-image-1.5", "prompt": "dunes" }));
    send(match authorization {
        Some(value) => request.header("authorization", value),
        None => request,
    })
    .await
}

fn is_refused(reply: &Reply, says: &str) {
    let error = reply.error(401, "AUTHENTICATION_FAILED");
    assert_eq!(
        (&error["type"], &error["param"]),
        (&json!("authentication_error"), &Value::Null)
    );
    assert!(
        error["message"].as_str().is_some_and(|text| text.contains(says)),
        "{error}"
    );
    assert_eq!(reply.header("www-authenticate"), "Bearer");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_refuses_strangers() {
    let gateway = TestGateway::start().await;
    let (id, secret) = gateway.key.split_once('.').expect("an id and a secret");
    let (id, secret) = (id.to_owned(), secret.to_owned());
    let other = gateway.new_key(&[Scope::Admin], None).await;
    for endpoint in GUARDED {
        for (authorization, says) in [
            (None, "missing"),
            (Some(""), "must look like"),
            (Some("Bearer"), "must look like"),
            (Some("Bearer "), "must look like"),
            (Some("Basic dXNlcjpwYXNz"), "must look like"),
            (Some(gateway.key.as_str()), "must look like"),
            (Some("Bearer sk-not-ours"), "must look like"),
            (Some("Bearer pk_without-a-dot"), "must look like"),
            (Some("Bearer pk_unknown.secret"), "not known"),
            (Some("Bearer pk_."), "not known"),
            (Some(&*format!("Bearer {id}.wrong")), "not known"),
            (Some(&*format!("Bearer {id}.")), "not known"),
            (Some(&*format!("Bearer {id}.{}", secret.to_uppercase())), "not known"),
            (Some(&*format!("Bearer pk_{}.{secret}", other.row.id)), "not known"),
        ] {
            is_refused(&call(&gateway, endpoint, authorization).await, says);
        }
    }
    assert!(gateway.upstream_calls().await.is_empty());
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scheme_is_read_in_any_case() {
    let gateway = TestGateway::start().await;
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let reply = call(
            &gateway,
            ("GET", "/v1/balance"),
            Some(&format!("{scheme} {}", gateway.key)),
        )
        .await;
        reply.ok();
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_stops_working_at_once() {
    let gateway = TestGateway::start().await;
    let key = gateway.new_key(&[Scope::Generate, Scope::Read], None).await;
    let authorization = format!("Bearer {}", key.token);
    call(&gateway, ("GET", "/v1/balance"), Some(&authorization)).await.ok();
    let revoke = gateway.request(Method::DELETE, &format!("/v1/keys/{}", key.row.id));
    send(revoke).await.ok();
    for endpoint in GUARDED {
        is_refused(&call(&gateway, endpoint, Some(&authorization)).await, "revoked");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_do_what_its_scopes_say() {
    let gateway = TestGateway::start().await;
    let generate = gateway.new_key(&[Scope::Generate], None).await.token;
    let read = gateway.new_key(&[Scope::Read], None).await.token;
    let denied = |reply: &Reply, scope: &str| {
        let error = reply.error(403, "PERMISSION_DENIED");
        assert_eq!(error["type"], "permission_error");
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains(scope)),
            "{error}"
        );
    };
    for path in [GENERATIONS, EDITS] {
        denied(
            &call(&gateway, ("POST", path), Some(&format!("Bearer {read}"))).await,
            "'generate'",
        );
    }
    for path in ["/v1/balance", "/v1/requests", "/v1/requests/req_x"] {
        denied(
            &call(&gateway, ("GET", path), Some(&format!("Bearer {generate}"))).await,
            "'read'",
        );
    }
    for key in [&generate, &read] {
        call(&gateway, ("GET", "/openai/v1/models"), Some(&format!("Bearer {key}")))
            .await
            .ok();
    }
    let dry_run = format!("{GENERATIONS}?dryRun=true");
    call(&gateway, ("POST", &dry_run), Some(&format!("Bearer {generate}")))
        .await
        .ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_key_is_in_a_file_that_only_its_owner_reads() {
    let gateway = TestGateway::start().await;
    let path = gateway.data_dir.join(gateway::FIRST_KEY_FILE);
    assert_eq!(
        std::fs::read_to_string(&path).expect("the file is there").trim(),
        gateway.key
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path)
            .expect("the file is there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let stored = gateway
        .database
        .keys(&gateway::db::keys::KeyFilter::default(), 100)
        .await
        .expect("keys can be read");
    let (_, secret) = gateway.key.split_once('.').expect("a secret");
    assert!(
        stored.iter().all(|key| !format!("{key:?}").contains(secret)),
        "the secret is stored as a hash only"
    );
    gateway.finish().await;
}
