//! `/v1/accounts/{id}/postings`: what an operator moves, and what the books tell of it.

use futures_util::future::join_all;
use gateway::db::ledger::{OperatorPosting, Posted};
use gateway::ledger::Kind;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::accounts::{available, created, generate, post, prepaid};
use super::harness::{TestGateway, micros, names, send};

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
        [
            "account_id",
            "amount_usd",
            "created_at",
            "entries",
            "id",
            "key_id",
            "kind",
            "note",
            "object",
            "request_id"
        ]
    );
    assert_eq!(
        (&posting["object"], &posting["note"]),
        (&json!("posting"), &json!("invoice 7"))
    );
    assert!(
        posting["id"].as_str().is_some_and(|id| id.starts_with("post_")),
        "{posting}"
    );
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
    assert_eq!(
        charge["id"],
        format!("{}/charge", charge["request_id"].as_str().expect("a request"))
    );
    assert!(charge["key_id"].is_string(), "{charge}");
    for one in postings {
        let entries = one["entries"].as_array().expect("a list");
        assert_eq!(
            entries.iter().map(|entry| micros(&entry["amount_usd"])).sum::<i64>(),
            0,
            "{one}"
        );
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
        created(
            &post(
                &gateway,
                path,
                json!({ "kind": "top_up", "amount_usd": 1, "id": format!("p{index}") }),
            )
            .await,
        );
    }
    let shown = async |path: &str| -> (Vec<String>, Value) {
        let list = gateway.get(path).await.ok();
        let data = list["data"].as_array().expect("a list").iter();
        (
            data.map(|one| one["id"].as_str().expect("an id").to_owned()).collect(),
            list,
        )
    };
    let (first, list) = shown(&format!("{path}?limit=2")).await;
    assert_eq!(first, ["p4", "p3"]);
    let (second, list) = shown(list["next_page_url"].as_str().expect("there is more")).await;
    assert_eq!(second, ["p2", "p1"]);
    let (third, _) = shown(list["next_page_url"].as_str().expect("there is more")).await;
    assert_eq!(third, ["p0"]);
    let (back, _) = shown(list["previous_page_url"].as_str().expect("there was something")).await;
    assert_eq!(back, first);
    gateway
        .get(&format!("{path}?starting_after=nothing"))
        .await
        .fault("starting_after");
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
    for again in [
        keyed("invoice-7", &body).await,
        post(&gateway, path, same.clone()).await,
        keyed("invoice-7", &same).await,
    ] {
        assert_eq!(again.ok(), first);
        assert_eq!(again.header("idempotent-replayed"), "true");
    }
    assert_eq!(available(&gateway, "default").await, 5_000_000);
    for (field, value) in [
        ("amount_usd", json!(5.000001)),
        ("kind", json!("adjustment")),
        ("note", Value::Null),
    ] {
        let mut other = body.clone();
        other[field] = value;
        let reply = keyed("invoice-7", &other).await;
        let error = reply.error(409, "IDEMPOTENCY_CONFLICT");
        assert!(
            error["message"]
                .as_str()
                .is_some_and(|text| text.contains("'invoice-7'")),
            "{error}"
        );
        assert_eq!(reply.header("x-should-retry"), "false");
    }
    created(
        &post(
            &gateway,
            "/v1/accounts",
            json!({ "id": "other", "billing_type": "prepaid" }),
        )
        .await,
    );
    let elsewhere = post(&gateway, "/v1/accounts/other/postings", same.clone()).await;
    elsewhere.error(409, "IDEMPOTENCY_CONFLICT");
    keyed("invoice-8", &same).await.fault("id");
    keyed("a b", &body).await.fault("Idempotency-Key");
    // At once, too.
    let replies = join_all((0..20).map(|_| keyed("invoice-9", &body))).await;
    let made = replies
        .iter()
        .filter(|reply| reply.status == StatusCode::CREATED)
        .count();
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
        (
            json!({ "kind": "charge", "amount_usd": 1 }),
            "kind",
            "'top_up' or 'adjustment' or 'refund'",
        ),
        (json!({ "kind": "top_up" }), "amount_usd", "is missing"),
        (
            json!({ "kind": "top_up", "amount_usd": 0 }),
            "amount_usd",
            "more than zero",
        ),
        (
            json!({ "kind": "top_up", "amount_usd": -1 }),
            "amount_usd",
            "more than zero",
        ),
        (json!({ "kind": "top_up", "amount_usd": "1" }), "amount_usd", "a number"),
        (
            json!({ "kind": "adjustment", "amount_usd": 0 }),
            "amount_usd",
            "must not be zero",
        ),
        (
            json!({ "kind": "top_up", "amount_usd": 1, "request_id": "req_x" }),
            "request_id",
            "refunds only",
        ),
        (json!({ "kind": "refund", "amount_usd": 1 }), "request_id", "is missing"),
        (
            json!({ "kind": "refund", "amount_usd": -1, "request_id": "req_x" }),
            "amount_usd",
            "more than zero",
        ),
        (
            json!({ "kind": "top_up", "amount_usd": 1, "note": "a\nb" }),
            "note",
            "a line of text",
        ),
        (
            json!({ "kind": "top_up", "amount_usd": 1, "id": "a/b" }),
            "id",
            "letters, digits",
        ),
        (json!({ "kind": "top_up", "amount": 1 }), "amount_usd", "is missing"),
    ] {
        let error = post(&gateway, "/v1/accounts/default/postings", body.clone())
            .await
            .fault(param);
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(says), "{body}: {message}");
    }
    assert_eq!(
        gateway.get("/v1/accounts/default/postings").await.ok()["data"],
        json!([])
    );
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
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("$0.02 is left")),
        "{error}"
    );
    assert_eq!(reply.header("x-should-retry"), "false");
    let posting = created(&refund("team", 0.015, &request_id).await);
    assert_eq!(
        (&posting["kind"], &posting["request_id"]),
        (&json!("refund"), &json!(request_id))
    );
    let error = refund("team", 0.006, &request_id).await.error(409, "INVALID_REQUEST");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("$0.005 is left")),
        "{error}"
    );
    created(&refund("team", 0.005, &request_id).await);
    refund("team", 0.000001, &request_id)
        .await
        .error(409, "INVALID_REQUEST");
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
    let refund = |index: usize| {
        let order = OperatorPosting {
            id: format!("refund-{index}"),
            kind: Kind::Refund,
            account_id: "team".to_owned(),
            amount_micros: 15_000,
            generation_id: Some(request_id.clone()),
            note: None,
            created_at: gateway.clock.now(),
        };
        gateway.database.post(order)
    };
    // Straight to the database, so that they are written together.
    let ends = join_all((0..30).map(refund)).await;
    let ends: Vec<Posted> = ends.into_iter().map(|end| end.expect("the database answers")).collect();
    assert_eq!(ends.iter().filter(|end| **end == Posted::Done).count(), 1, "{ends:?}");
    assert_eq!(available(&gateway, "team").await, 995_000);
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
