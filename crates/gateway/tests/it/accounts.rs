//! `/v1/accounts` and their postings: who pays, how far, and what an operator moves.

use futures_util::future::join_all;
use gateway::auth::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{GENERATIONS, Reply, TestGateway, micros, names, send};

/// A request whose price is flat, $0.02 by its provider's list.
fn flat() -> Value {
    json!({ "model": "fal/imagen-4.0-fast-generate-001", "prompt": "a red kite", "size": "1024x1024" })
}

async fn post(gateway: &TestGateway, path: &str, body: Value) -> Reply {
    send(gateway.request(Method::POST, path).json(&body)).await
}

async fn patch(gateway: &TestGateway, path: &str, body: Value) -> Reply {
    send(gateway.request(Method::PATCH, path).json(&body)).await
}

fn created(reply: &Reply) -> Value {
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    reply.json()
}

/// A prepaid account with `usd` in it. Gives the token of a key of it.
async fn prepaid(gateway: &TestGateway, id: &str, usd: f64) -> String {
    created(&post(gateway, "/v1/accounts", json!({ "id": id, "billing_type": "prepaid" })).await);
    if usd > 0.0 {
        let path = format!("/v1/accounts/{id}/postings");
        created(&post(gateway, &path, json!({ "kind": "top_up", "amount_usd": usd })).await);
    }
    let key = created(&post(gateway, "/v1/keys", json!({ "account_id": id })).await);
    key["key"].as_str().expect("a secret").to_owned()
}

async fn generate(gateway: &TestGateway, token: &str) -> Reply {
    send(gateway.anonymous(Method::POST, GENERATIONS).bearer_auth(token).json(&flat())).await
}

async fn available(gateway: &TestGateway, id: &str) -> i64 {
    micros(&gateway.get(&format!("/v1/accounts/{id}")).await.ok()["balance"]["available_usd"])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_made_shown_and_changed() {
    let gateway = TestGateway::start().await;
    let order = json!({
        "id": "team-7.a_B", "billing_type": "postpaid", "credit_limit_usd": 12.5, "log_retention_days": 30,
        "media_ttl_s": 604_800, "stores_payloads": true,
    });
    let account = created(&post(&gateway, "/v1/accounts", order).await);
    let mut expected = json!({
        "id": "team-7.a_B", "object": "account", "billing_type": "postpaid", "credit_limit_usd": 12.5,
        "balance": { "available_usd": 0.0, "held_usd": 0.0 }, "log_retention_days": 30, "media_ttl_s": 604_800,
        "stores_payloads": true, "created_at": gateway.clock.now().to_string(),
    });
    assert_eq!(account, expected);
    let path = "/v1/accounts/team-7.a_B";
    assert_eq!(gateway.get(path).await.ok(), expected);
    assert_eq!(patch(&gateway, path, json!({})).await.ok(), expected, "nothing was named");
    let change = json!({ "credit_limit_usd": null, "log_retention_days": null, "stores_payloads": false });
    let changed = patch(&gateway, path, change).await.ok();
    (expected["credit_limit_usd"], expected["log_retention_days"], expected["stores_payloads"]) =
        (Value::Null, Value::Null, json!(false));
    assert_eq!(changed, expected);
    post(&gateway, "/v1/accounts", json!({ "id": "team-7.a_B", "billing_type": "prepaid" }))
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
        (json!({ "billing_type": "credit" }), "billing_type", "'prepaid' or 'postpaid'"),
        (json!({ "billing_type": "prepaid", "id": "a b" }), "id", "letters, digits"),
        (json!({ "billing_type": "prepaid", "id": "x".repeat(65) }), "id", "1 to 64"),
        (json!({ "billing_type": "prepaid", "credit_limit_usd": 5 }), "credit_limit_usd", "for postpaid accounts"),
        (json!({ "billing_type": "prepaid", "credit_limit_usd": null }), "credit_limit_usd", "for postpaid accounts"),
        (json!({ "billing_type": "postpaid", "credit_limit_usd": -5 }), "credit_limit_usd", "must not be negative"),
        (json!({ "billing_type": "postpaid", "log_retention_days": 0 }), "log_retention_days", "from 1 to 3650"),
        (json!({ "billing_type": "postpaid", "media_ttl_s": 59 }), "media_ttl_s", "from 60 to"),
        (json!({ "billing_type": "postpaid", "stores_payloads": null }), "stores_payloads", "cannot be null"),
        (json!({ "billing_type": "postpaid", "stores_payload": true }), "stores_payload", "did you mean 'stores_payloads'?"),
    ] {
        let error = post(&gateway, "/v1/accounts", body.clone()).await.fault(param);
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(says), "{body}: {message}");
        assert!(error["metadata"].is_null(), "one mistake, one fault: {error}");
    }
    let error = post(&gateway, "/v1/accounts", json!({ "media_ttl_s": 1, "x": 1 })).await.fault("media_ttl_s");
    let faults = error["metadata"]["faults"].as_array().expect("all of them");
    let params: Vec<&str> = faults.iter().filter_map(|fault| fault["param"].as_str()).collect();
    assert_eq!(params, ["media_ttl_s", "billing_type", "x"]);
    patch(&gateway, "/v1/accounts/default", json!({ "id": "other" })).await.fault("id");
    patch(&gateway, "/v1/accounts/default", json!({ "billing_type": null })).await.fault("billing_type");
    assert_eq!(gateway.get("/v1/accounts").await.ok()["data"].as_array().map(Vec::len), Some(1));
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
        assert!(error["message"].as_str().is_some_and(|text| text.contains("'admin'")), "{error}");
    }
    for unknown in ["nobody", "%00", "a%2Fb", "%ff"] {
        let path = format!("/v1/accounts/{unknown}");
        gateway.get(&path).await.error(404, "INVALID_REQUEST");
        patch(&gateway, &path, json!({})).await.error(404, "INVALID_REQUEST");
        let path = format!("{path}/postings");
        gateway.get(&path).await.error(404, "INVALID_REQUEST");
        post(&gateway, &path, json!({ "kind": "top_up", "amount_usd": 1 })).await.error(404, "INVALID_REQUEST");
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
        (data.map(|one| one["id"].as_str().expect("an id").to_owned()).collect(), list)
    };
    let (first, list) = shown("/v1/accounts?limit=2").await;
    assert_eq!((first.as_slice(), &list["previous_page_url"]), (&["a".to_owned(), "b".to_owned()][..], &Value::Null));
    let (second, list) = shown(list["next_page_url"].as_str().expect("there is more")).await;
    assert_eq!((second.as_slice(), &list["next_page_url"]), (&["c".to_owned(), "default".to_owned()][..], &Value::Null));
    let (back, _) = shown(list["previous_page_url"].as_str().expect("there was something")).await;
    assert_eq!(back, first);
    gateway.get("/v1/accounts?status=active").await.fault("status");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prepaid_account_spends_what_was_paid_in() {
    let gateway = TestGateway::start().await;
    let token = prepaid(&gateway, "team", 0.0).await;
    let refused = generate(&gateway, &token).await;
    let error = refused.error(402, "INSUFFICIENT_BALANCE");
    assert_eq!(error["message"], "Insufficient balance: $0.02 required, $0 available");
    gateway.clock.advance_s(1);
    let top_up = json!({ "kind": "top_up", "amount_usd": 0.05, "note": "invoice 7" });
    let posting = created(&post(&gateway, "/v1/accounts/team/postings", top_up).await);
    assert_eq!(
        names(&posting),
        ["account_id", "amount_usd", "created_at", "entries", "id", "key_id", "kind", "note", "object", "request_id"]
    );
    assert_eq!((&posting["object"], &posting["note"]), (&json!("posting"), &json!("invoice 7")));
    assert!(posting["id"].as_str().is_some_and(|id| id.starts_with("post_")), "{posting}");
    for _ in 0..2 {
        gateway.clock.advance_s(1);
        generate(&gateway, &token).await.ok();
    }
    generate(&gateway, &token).await.error(402, "INSUFFICIENT_BALANCE");
    assert_eq!(available(&gateway, "team").await, 10_000);
    // Who pays is the account of the key: the others' money is theirs.
    assert_eq!(available(&gateway, "default").await, 0);
    let list = gateway.get("/v1/accounts/team/postings").await.ok();
    let postings = list["data"].as_array().expect("a list");
    let kinds: Vec<&str> = postings.iter().filter_map(|one| one["kind"].as_str()).collect();
    assert_eq!(kinds, ["reserve", "charge", "reserve", "charge", "top_up"]);
    let charge = &postings[1];
    assert_eq!(charge["id"], format!("{}/charge", charge["request_id"].as_str().expect("a request")));
    assert!(charge["key_id"].is_string(), "{charge}");
    for one in postings {
        let entries = one["entries"].as_array().expect("a list");
        assert_eq!(entries.iter().map(|entry| micros(&entry["amount_usd"])).sum::<i64>(), 0, "{one}");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postings_come_in_pages() {
    let gateway = TestGateway::start().await;
    let path = "/v1/accounts/default/postings";
    for index in 0..5 {
        // Two of them are of one moment.
        gateway.clock.advance_s(i64::from(index != 3));
        created(&post(&gateway, path, json!({ "kind": "top_up", "amount_usd": 1, "id": format!("p{index}") })).await);
    }
    let shown = async |path: &str| -> (Vec<String>, Value) {
        let list = gateway.get(path).await.ok();
        let data = list["data"].as_array().expect("a list").iter();
        (data.map(|one| one["id"].as_str().expect("an id").to_owned()).collect(), list)
    };
    let (first, list) = shown(&format!("{path}?limit=2")).await;
    assert_eq!(first, ["p4", "p3"]);
    let (second, list) = shown(list["next_page_url"].as_str().expect("there is more")).await;
    assert_eq!(second, ["p2", "p1"]);
    let (third, _) = shown(list["next_page_url"].as_str().expect("there is more")).await;
    assert_eq!(third, ["p0"]);
    let (back, _) = shown(list["previous_page_url"].as_str().expect("there was something")).await;
    assert_eq!(back, first);
    gateway.get(&format!("{path}?starting_after=nothing")).await.fault("starting_after");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_posting_moves_money_once() {
    let gateway = TestGateway::start().await;
    let path = "/v1/accounts/default/postings";
    let body = json!({ "kind": "top_up", "amount_usd": 5, "note": "first" });
    let keyed = |id: &str, body: &Value| {
        let request = gateway.request(Method::POST, path).header("idempotency-key", id);
        send(request.json(body))
    };
    let first = created(&keyed("invoice-7", &body).await);
    assert_eq!(first["id"], "invoice-7");
    gateway.clock.advance_s(60);
    let mut same = body.clone();
    same["id"] = json!("invoice-7");
    for again in [keyed("invoice-7", &body).await, post(&gateway, path, same.clone()).await, keyed("invoice-7", &same).await] {
        assert_eq!(again.ok(), first);
        assert_eq!(again.header("idempotent-replayed"), "true");
    }
    assert_eq!(available(&gateway, "default").await, 5_000_000);
    for (field, value) in [("amount_usd", json!(5.000001)), ("kind", json!("adjustment")), ("note", Value::Null)] {
        let mut other = body.clone();
        other[field] = value;
        let reply = keyed("invoice-7", &other).await;
        let error = reply.error(409, "IDEMPOTENCY_CONFLICT");
        assert!(error["message"].as_str().is_some_and(|text| text.contains("'invoice-7'")), "{error}");
        assert_eq!(reply.header("x-should-retry"), "false");
    }
    created(&post(&gateway, "/v1/accounts", json!({ "id": "other", "billing_type": "prepaid" })).await);
    let elsewhere = post(&gateway, "/v1/accounts/other/postings", same.clone()).await;
    elsewhere.error(409, "IDEMPOTENCY_CONFLICT");
    keyed("invoice-8", &same).await.fault("id");
    keyed("a b", &body).await.fault("Idempotency-Key");
    // At once, too.
    let replies = join_all((0..20).map(|_| keyed("invoice-9", &body))).await;
    let made = replies.iter().filter(|reply| reply.status == StatusCode::CREATED).count();
    let there = replies.iter().filter(|reply| reply.status == StatusCode::OK).count();
    assert_eq!((made, there), (1, 19));
    assert_eq!(available(&gateway, "default").await, 10_000_000);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_a_posting_name_the_field() {
    let gateway = TestGateway::start().await;
    for (body, param, says) in [
        (json!({ "amount_usd": 1 }), "kind", "is missing"),
        (json!({ "kind": "charge", "amount_usd": 1 }), "kind", "'top_up' or 'adjustment' or 'refund'"),
        (json!({ "kind": "top_up" }), "amount_usd", "is missing"),
        (json!({ "kind": "top_up", "amount_usd": 0 }), "amount_usd", "more than zero"),
        (json!({ "kind": "top_up", "amount_usd": -1 }), "amount_usd", "more than zero"),
        (json!({ "kind": "top_up", "amount_usd": "1" }), "amount_usd", "a number"),
        (json!({ "kind": "adjustment", "amount_usd": 0 }), "amount_usd", "must not be zero"),
        (json!({ "kind": "top_up", "amount_usd": 1, "request_id": "req_x" }), "request_id", "refunds only"),
        (json!({ "kind": "refund", "amount_usd": 1 }), "request_id", "is missing"),
        (json!({ "kind": "refund", "amount_usd": -1, "request_id": "req_x" }), "amount_usd", "more than zero"),
        (json!({ "kind": "top_up", "amount_usd": 1, "note": "a\nb" }), "note", "a line of text"),
        (json!({ "kind": "top_up", "amount_usd": 1, "id": "a/b" }), "id", "letters, digits"),
        (json!({ "kind": "top_up", "amount": 1 }), "amount_usd", "is missing"),
    ] {
        let error = post(&gateway, "/v1/accounts/default/postings", body.clone()).await.fault(param);
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(says), "{body}: {message}");
    }
    assert_eq!(gateway.get("/v1/accounts/default/postings").await.ok()["data"], json!([]));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_refunded_than_a_request_cost() {
    let gateway = TestGateway::start().await;
    let token = prepaid(&gateway, "team", 1.0).await;
    let request_id = generate(&gateway, &token).await.id();
    let refund = async |account: &str, usd: f64, request_id: &str| {
        let body = json!({ "kind": "refund", "amount_usd": usd, "request_id": request_id });
        post(&gateway, &format!("/v1/accounts/{account}/postings"), body).await
    };
    let reply = refund("team", 0.020001, &request_id).await;
    let error = reply.error(409, "INVALID_REQUEST");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("$0.02 is left")), "{error}");
    assert_eq!(reply.header("x-should-retry"), "false");
    let posting = created(&refund("team", 0.015, &request_id).await);
    assert_eq!((&posting["kind"], &posting["request_id"]), (&json!("refund"), &json!(request_id)));
    let error = refund("team", 0.006, &request_id).await.error(409, "INVALID_REQUEST");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("$0.005 is left")), "{error}");
    created(&refund("team", 0.005, &request_id).await);
    refund("team", 0.000001, &request_id).await.error(409, "INVALID_REQUEST");
    assert_eq!(available(&gateway, "team").await, 1_000_000);
    // Neither an unknown request, nor one of another account.
    refund("team", 0.01, "req_nothing").await.error(409, "INVALID_REQUEST");
    refund("default", 0.01, &request_id).await.error(409, "INVALID_REQUEST");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refunds_at_once_give_back_a_charge_once() {
    let gateway = TestGateway::start().await;
    let token = prepaid(&gateway, "team", 1.0).await;
    let request_id = generate(&gateway, &token).await.id();
    let body = json!({ "kind": "refund", "amount_usd": 0.02, "request_id": request_id });
    let path = "/v1/accounts/team/postings";
    let replies = join_all((0..30).map(|_| post(&gateway, path, body.clone()))).await;
    let (made, refused): (Vec<Reply>, Vec<Reply>) =
        replies.into_iter().partition(|reply| reply.status == StatusCode::CREATED);
    assert_eq!((made.len(), available(&gateway, "team").await), (1, 1_000_000));
    for reply in refused {
        reply.error(409, "INVALID_REQUEST");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_adjustment_takes_what_an_account_does_not_have() {
    let gateway = TestGateway::start().await;
    prepaid(&gateway, "team", 1.0).await;
    let adjust = async |account: &str, usd: f64| {
        let path = format!("/v1/accounts/{account}/postings");
        post(&gateway, &path, json!({ "kind": "adjustment", "amount_usd": usd })).await
    };
    let error = adjust("team", -1.5).await.error(409, "INVALID_REQUEST");
    assert_eq!(error["message"], "Account 'team' can give $1 at the most, not $1.5.");
    created(&adjust("team", -1.0).await);
    created(&adjust("team", 0.25).await);
    assert_eq!(available(&gateway, "team").await, 250_000);
    // An account without a limit may owe.
    created(&adjust("default", -3.0).await);
    assert_eq!(available(&gateway, "default").await, -3_000_000);
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
    patch(&gateway, path, json!({ "billing_type": "prepaid" })).await.error(409, "INVALID_REQUEST");
    let changed = patch(&gateway, path, json!({ "credit_limit_usd": 0.02 })).await.ok();
    assert_eq!((&changed["billing_type"], &changed["credit_limit_usd"]), (&json!("postpaid"), &json!(0.02)));
    generate(&gateway, &key).await.error(402, "INSUFFICIENT_BALANCE");
    created(&post(&gateway, "/v1/accounts/default/postings", json!({ "kind": "top_up", "amount_usd": 0.02 })).await);
    generate(&gateway, &key).await.ok();
    created(&post(&gateway, "/v1/accounts/default/postings", json!({ "kind": "top_up", "amount_usd": 0.02 })).await);
    let changed = patch(&gateway, path, json!({ "billing_type": "prepaid" })).await.ok();
    assert_eq!((&changed["billing_type"], &changed["credit_limit_usd"]), (&json!("prepaid"), &json!(0.0)));
    // Back again only with a limit, or expressly without one.
    patch(&gateway, path, json!({ "billing_type": "postpaid" })).await.fault("credit_limit_usd");
    let changed = patch(&gateway, path, json!({ "billing_type": "postpaid", "credit_limit_usd": null })).await.ok();
    assert_eq!(changed["credit_limit_usd"], Value::Null);
    gateway.finish().await;
}
