//! `/v1/accounts`: who pays, how far, and who may say so.

use gateway::auth::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{GENERATIONS, Reply, TestGateway, micros, send};

/// A request whose price is flat, $0.02 by its provider's list.
fn flat() -> Value {
    json!({ "model": "xai/grok-imagine-image", "prompt": "a red kite", "size": "1024x1024" })
}

/// `POST` with the first key.
pub(crate) async fn post(gateway: &TestGateway, path: &str, body: Value) -> Reply {
    send(gateway.request(Method::POST, path).json(&body)).await
}

async fn patch(gateway: &TestGateway, path: &str, body: Value) -> Reply {
    send(gateway.request(Method::PATCH, path).json(&body)).await
}

/// What was made.
pub(crate) fn created(reply: &Reply) -> Value {
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    reply.json()
}

/// A prepaid account with `usd` in it. Gives the token of a key of it.
pub(crate) async fn prepaid(gateway: &TestGateway, id: &str, usd: f64) -> String {
    created(&post(gateway, "/v1/accounts", json!({ "id": id, "billing_type": "prepaid" })).await);
    if usd > 0.0 {
        let path = format!("/v1/accounts/{id}/postings");
        created(&post(gateway, &path, json!({ "kind": "top_up", "amount_usd": usd })).await);
    }
    let key = created(&post(gateway, "/v1/keys", json!({ "account_id": id })).await);
    key["key"].as_str().expect("a secret").to_owned()
}

/// Asks for an image of $0.02.
pub(crate) async fn generate(gateway: &TestGateway, token: &str) -> Reply {
    send(
        gateway
            .anonymous(Method::POST, GENERATIONS)
            .bearer_auth(token)
            .json(&flat()),
    )
    .await
}

/// What an account may spend, in millionths of a dollar.
pub(crate) async fn available(gateway: &TestGateway, id: &str) -> i64 {
    micros(&gateway.get(&format!("/v1/accounts/{id}")).await.ok()["balance"]["available_usd"])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_shown_and_changed() {
    let gateway = TestGateway::start().await;
    let order = json!({
        "id": "team-7.a_B", "billing_type": "postpaid", "credit_limit_usd": 12.5, "log_retention_days": 30,
        "media_ttl_s": 604_800, "media_bytes": 1_000, "stores_payloads": true,
    });
    let account = created(&post(&gateway, "/v1/accounts", order).await);
    let mut expected = json!({
        "id": "team-7.a_B", "object": "account", "billing_type": "postpaid", "credit_limit_usd": 12.5,
        "balance": { "available_usd": 0.0, "held_usd": 0.0 }, "log_retention_days": 30, "media_ttl_s": 604_800,
        "media_bytes": 1_000, "stores_payloads": true, "created_at": gateway.clock.now().to_string(),
    });
    assert_eq!(account, expected);
    let path = "/v1/accounts/team-7.a_B";
    assert_eq!(gateway.get(path).await.ok(), expected);
    assert_eq!(
        patch(&gateway, path, json!({})).await.ok(),
        expected,
        "nothing was named"
    );
    let change = json!({ "credit_limit_usd": null, "log_retention_days": null, "stores_payloads": false });
    let changed = patch(&gateway, path, change).await.ok();
    (
        expected["credit_limit_usd"],
        expected["log_retention_days"],
        expected["stores_payloads"],
    ) = (Value::Null, Value::Null, json!(false));
    assert_eq!(changed, expected);
    post(
        &gateway,
        "/v1/accounts",
        json!({ "id": "team-7.a_B", "billing_type": "prepaid" }),
    )
    .await
    .error(409, "INVALID_REQUEST");
    let made = created(&post(&gateway, "/v1/accounts", json!({ "billing_type": "prepaid" })).await);
    assert!(made["id"].as_str().is_some_and(|id| id.starts_with("acct_")), "{made}");
    assert_eq!(made["credit_limit_usd"], 0.0);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_an_account_name_the_field() {
    let gateway = TestGateway::start().await;
    for (body, param, says) in [
        (json!({}), "billing_type", "'prepaid' or 'postpaid'"),
        (
            json!({ "billing_type": "credit" }),
            "billing_type",
            "'prepaid' or 'postpaid'",
        ),
        (
            json!({ "billing_type": "prepaid", "id": "a b" }),
            "id",
            "letters, digits",
        ),
        (
            json!({ "billing_type": "prepaid", "id": "x".repeat(65) }),
            "id",
            "1 to 64",
        ),
        (
            json!({ "billing_type": "prepaid", "credit_limit_usd": 5 }),
            "credit_limit_usd",
            "for postpaid accounts",
        ),
        (
            json!({ "billing_type": "prepaid", "credit_limit_usd": null }),
            "credit_limit_usd",
            "for postpaid accounts",
        ),
        (
            json!({ "billing_type": "postpaid", "credit_limit_usd": -5 }),
            "credit_limit_usd",
            "must not be negative",
        ),
        (
            json!({ "billing_type": "postpaid", "log_retention_days": 0 }),
            "log_retention_days",
            "from 1 to 3650",
        ),
        (
            json!({ "billing_type": "postpaid", "media_ttl_s": 59 }),
            "media_ttl_s",
            "from 60 to",
        ),
        (
            json!({ "billing_type": "postpaid", "stores_payloads": null }),
            "stores_payloads",
            "cannot be null",
        ),
        (
            json!({ "billing_type": "postpaid", "stores_payload": true }),
            "stores_payload",
            "did you mean 'stores_payloads'?",
        ),
    ] {
        let error = post(&gateway, "/v1/accounts", body.clone()).await.fault(param);
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(says), "{body}: {message}");
        assert!(error["metadata"].is_null(), "one mistake, one fault: {error}");
    }
    let error = post(&gateway, "/v1/accounts", json!({ "media_ttl_s": 1, "x": 1 }))
        .await
        .fault("media_ttl_s");
    let faults = error["metadata"]["faults"].as_array().expect("all of them");
    let params: Vec<&str> = faults.iter().filter_map(|fault| fault["param"].as_str()).collect();
    assert_eq!(params, ["media_ttl_s", "billing_type", "x"]);
    patch(&gateway, "/v1/accounts/default", json!({ "id": "other" }))
        .await
        .fault("id");
    patch(&gateway, "/v1/accounts/default", json!({ "billing_type": null }))
        .await
        .fault("billing_type");
    assert_eq!(
        gateway.get("/v1/accounts").await.ok()["data"].as_array().map(Vec::len),
        Some(1)
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_see_and_keep_accounts() {
    let gateway = TestGateway::start().await;
    let other = gateway.new_key(&[Scope::Generate, Scope::Read], None).await.token;
    for (method, path) in [
        (Method::GET, "/v1/accounts"),
        (Method::POST, "/v1/accounts"),
        (Method::GET, "/v1/accounts/default"),
        (Method::PATCH, "/v1/accounts/default"),
        (Method::GET, "/v1/accounts/default/postings"),
        (Method::POST, "/v1/accounts/default/postings"),
    ] {
        let request = gateway.anonymous(method, path).bearer_auth(&other).json(&json!({}));
        let error = send(request).await.error(403, "PERMISSION_DENIED");
        assert!(
            error["message"].as_str().is_some_and(|text| text.contains("'admin'")),
            "{error}"
        );
    }
    for unknown in ["nobody", "%00", "a%2Fb", "%ff"] {
        let path = format!("/v1/accounts/{unknown}");
        gateway.get(&path).await.error(404, "INVALID_REQUEST");
        patch(&gateway, &path, json!({})).await.error(404, "INVALID_REQUEST");
        let path = format!("{path}/postings");
        gateway.get(&path).await.error(404, "INVALID_REQUEST");
        post(&gateway, &path, json!({ "kind": "top_up", "amount_usd": 1 }))
            .await
            .error(404, "INVALID_REQUEST");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_come_in_pages_by_id() {
    let gateway = TestGateway::start().await;
    for id in ["b", "a", "c"] {
        created(&post(&gateway, "/v1/accounts", json!({ "id": id, "billing_type": "prepaid" })).await);
    }
    let shown = async |path: &str| -> (Vec<String>, Value) {
        let list = gateway.get(path).await.ok();
        let data = list["data"].as_array().expect("a list").iter();
        (
            data.map(|one| one["id"].as_str().expect("an id").to_owned()).collect(),
            list,
        )
    };
    let (first, list) = shown("/v1/accounts?limit=2").await;
    assert_eq!(
        (first.as_slice(), &list["previous_page_url"]),
        (&["a".to_owned(), "b".to_owned()][..], &Value::Null)
    );
    let (second, list) = shown(list["next_page_url"].as_str().expect("there is more")).await;
    assert_eq!(
        (second.as_slice(), &list["next_page_url"]),
        (&["c".to_owned(), "default".to_owned()][..], &Value::Null)
    );
    let (back, _) = shown(list["previous_page_url"].as_str().expect("there was something")).await;
    assert_eq!(back, first);
    gateway.get("/v1/accounts?status=active").await.fault("status");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_below_what_is_owed_is_refused_and_one_above_binds() {
    let gateway = TestGateway::start().await;
    let key = gateway.key.clone();
    generate(&gateway, &key).await.ok();
    let path = "/v1/accounts/default";
    let reply = patch(&gateway, path, json!({ "credit_limit_usd": 0.019999 })).await;
    let error = reply.error(409, "INVALID_REQUEST");
    let message = "Account 'default' owes $0.02, more than a limit of $0.019999 allows. Top it up first.";
    assert_eq!(error["message"], message);
    assert_eq!(reply.header("x-should-retry"), "false");
    patch(&gateway, path, json!({ "billing_type": "prepaid" }))
        .await
        .error(409, "INVALID_REQUEST");
    let changed = patch(&gateway, path, json!({ "credit_limit_usd": 0.02 })).await.ok();
    assert_eq!(
        (&changed["billing_type"], &changed["credit_limit_usd"]),
        (&json!("postpaid"), &json!(0.02))
    );
    generate(&gateway, &key).await.error(402, "INSUFFICIENT_BALANCE");
    created(
        &post(
            &gateway,
            "/v1/accounts/default/postings",
            json!({ "kind": "top_up", "amount_usd": 0.02 }),
        )
        .await,
    );
    generate(&gateway, &key).await.ok();
    created(
        &post(
            &gateway,
            "/v1/accounts/default/postings",
            json!({ "kind": "top_up", "amount_usd": 0.02 }),
        )
        .await,
    );
    let changed = patch(&gateway, path, json!({ "billing_type": "prepaid" })).await.ok();
    assert_eq!(
        (&changed["billing_type"], &changed["credit_limit_usd"]),
        (&json!("prepaid"), &json!(0.0))
    );
    // Back again only with a limit, or expressly without one.
    patch(&gateway, path, json!({ "billing_type": "postpaid" }))
        .await
        .fault("credit_limit_usd");
    let changed = patch(
        &gateway,
        path,
        json!({ "billing_type": "postpaid", "credit_limit_usd": null }),
    )
    .await
    .ok();
    assert_eq!(changed["credit_limit_usd"], Value::Null);
    gateway.finish().await;
}
