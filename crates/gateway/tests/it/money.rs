//! Money through the front door: what cannot be paid is not made, and what is made is paid once.

use std::time::Duration;

use futures_util::future::join_all;
use gateway::auth::Scope;
use gateway::db::DEFAULT_ACCOUNT;
use gateway::db::accounts::{AccountTerms, Billing};
use gateway::db::keys::{KeyLimits, KeyTerms};
use gateway::db::ledger::{OperatorPosting, Posted};
use gateway::ledger::Kind;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::hang_up::until_upstream_is_called;
use super::harness::{GENERATIONS, Reply, TestGateway, micros, send};

/// The price of [`flat`], as its provider prints it.
const FLAT_MICROS: i64 = 10_000;
/// More callers than there is money for.
const CALLERS: usize = 500;
/// Those that there is money for.
const PAID: usize = 37;

/// A request whose price is flat: estimate and charge are the same.
fn flat() -> Value {
    json!({ "model": "fal/gpt-image-1-mini", "prompt": "a red kite", "quality": "low", "size": "1024x1024" })
}

/// Makes the default account prepaid, with `amount` paid in.
async fn prepay(gateway: &TestGateway, amount_micros: i64) {
    let terms = AccountTerms {
        billing: Billing::Prepaid,
        credit_limit_micros: Some(0),
        log_retention_days: None,
        media_ttl_s: None,
        media_bytes: None,
        stores_payloads: false,
    };
    let changed = gateway.database.update_account(DEFAULT_ACCOUNT, &terms).await;
    assert!(changed.expect("the database answers"), "a fresh account owes nothing");
    let order = OperatorPosting {
        id: "first".to_owned(),
        kind: Kind::TopUp,
        account_id: DEFAULT_ACCOUNT.to_owned(),
        amount_micros,
        generation_id: None,
        note: None,
        created_at: gateway.clock.now(),
    };
    assert_eq!(
        gateway.database.post(order).await.expect("the database answers"),
        Posted::Done
    );
}

/// What the account may still spend.
async fn available(gateway: &TestGateway) -> i64 {
    let account = gateway
        .database
        .account(DEFAULT_ACCOUNT)
        .await
        .expect("the database answers");
    account.expect("the default account").available_micros
}

/// The token of a key with these limits.
async fn key_with(gateway: &TestGateway, limits: KeyLimits) -> String {
    let terms = KeyTerms {
        limits,
        ..KeyTerms::default()
    };
    gateway.new_key_with(&[Scope::Generate, Scope::Read], terms).await.token
}

async fn generate_with(gateway: &TestGateway, key: &str, body: &Value) -> Reply {
    send(gateway.anonymous(Method::POST, GENERATIONS).bearer_auth(key).json(body)).await
}

/// Sends many requests at once and checks that money for `PAID` of them makes `PAID` images.
async fn exactly_the_paid_ones_are_made(gateway: &TestGateway, key: &str, code: &str, text: &str) {
    let body = flat();
    let replies = join_all((0..CALLERS).map(|_| generate_with(gateway, key, &body))).await;
    let (made, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == StatusCode::OK);
    assert_eq!(made.len(), PAID);
    for reply in made {
        assert_eq!(micros(&reply.ok()["metadata"]["cost"]), FLAT_MICROS);
    }
    for reply in &refused {
        let error = reply.error(402, code);
        let message = error["message"].as_str().expect("a text");
        assert_eq!(message, text);
        assert_eq!(reply.header("x-should-retry"), "false");
    }
    assert_eq!(
        gateway.bill().await.len(),
        PAID,
        "the provider was called for what was paid only"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn money_for_37_makes_37_images_however_many_ask_at_once() {
    let gateway = TestGateway::start().await;
    prepay(&gateway, FLAT_MICROS * PAID as i64).await;
    let key = gateway.key.clone();
    let text = "Insufficient balance: $0.01 required, $0 available";
    exactly_the_paid_ones_are_made(&gateway, &key, "INSUFFICIENT_BALANCE", text).await;
    assert_eq!(available(&gateway).await, 0);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keys_budget_for_37_makes_37_images_however_many_ask_at_once() {
    let gateway = TestGateway::start().await;
    let limits = KeyLimits {
        // A rest that is not enough for one more.
        total_micros: Some(FLAT_MICROS * PAID as i64 + 5_000),
        ..KeyLimits::default()
    };
    let key = key_with(&gateway, limits).await;
    let text = "The budget of this API key (total_usd) is exceeded: $0.01 required, $0.005 available";
    exactly_the_paid_ones_are_made(&gateway, &key, "BUDGET_EXCEEDED", text).await;
    // Other keys of the account are not concerned.
    generate_with(&gateway, &gateway.key, &flat()).await.ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_share_one_balance() {
    let gateway = TestGateway::start().await;
    prepay(&gateway, FLAT_MICROS * 5).await;
    let replica = gateway.replica().await;
    let body = flat();
    let calls = (0..20).map(|place| {
        let asked = if place % 2 == 0 { &gateway } else { &replica };
        asked.generate(body.clone())
    });
    let replies = join_all(calls).await;
    let made = replies.iter().filter(|reply| reply.status == StatusCode::OK).count();
    assert_eq!(made, 5);
    replica.finish().await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn budgets_of_a_day_and_a_month_begin_anew_at_midnight_in_utc() {
    let gateway = TestGateway::start().await;
    let daily = key_with(
        &gateway,
        KeyLimits {
            day_micros: Some(FLAT_MICROS),
            ..KeyLimits::default()
        },
    )
    .await;
    let monthly = key_with(
        &gateway,
        KeyLimits {
            month_micros: Some(2 * FLAT_MICROS),
            ..KeyLimits::default()
        },
    )
    .await;
    let status = async |key: &str| generate_with(&gateway, key, &flat()).await.status;
    gateway.clock.set("2026-08-30T00:00:00Z");
    assert_eq!(status(&daily).await, StatusCode::OK);
    assert_eq!(status(&daily).await, StatusCode::PAYMENT_REQUIRED);
    assert_eq!(status(&monthly).await, StatusCode::OK);
    gateway.clock.set("2026-08-30T23:59:59.999999Z");
    let refused = generate_with(&gateway, &daily, &flat()).await;
    let error = refused.error(402, "BUDGET_EXCEEDED");
    assert_eq!(
        error["message"],
        "The budget of this API key (day_usd) is exceeded: $0.01 required, $0 available"
    );
    gateway.clock.set("2026-08-31T00:00:00Z");
    assert_eq!(status(&daily).await, StatusCode::OK);
    assert_eq!(status(&monthly).await, StatusCode::OK);
    assert_eq!(status(&monthly).await, StatusCode::PAYMENT_REQUIRED);
    gateway.clock.set("2026-09-01T00:00:00Z");
    assert_eq!(status(&daily).await, StatusCode::OK);
    assert_eq!(status(&monthly).await, StatusCode::OK);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_generation_that_begins_before_midnight_counts_for_the_day_it_began_on() {
    let gateway = TestGateway::start().await;
    let key = key_with(
        &gateway,
        KeyLimits {
            day_micros: Some(FLAT_MICROS),
            ..KeyLimits::default()
        },
    )
    .await;
    gateway.clock.set("2026-08-30T23:59:59Z");
    gateway
        .fault(json!({ "provider": "fal", "fault": "delay=1500ms", "times": 1 }))
        .await;
    let body = flat();
    let late = generate_with(&gateway, &key, &body);
    let midnight = async {
        super::hang_up::until_upstream_is_called(&gateway, 1).await;
        gateway.clock.set("2026-08-31T00:00:01Z");
        generate_with(&gateway, &key, &body).await.ok();
    };
    let (late, ()) = tokio::join!(late, midnight);
    late.ok();
    // The new day's budget was spent by the new day's request alone.
    let refused = generate_with(&gateway, &key, &body).await;
    refused.error(402, "BUDGET_EXCEEDED");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_stops_working_on_every_replica_within_a_second() {
    let gateway = TestGateway::start().await;
    let replica = gateway.replica().await;
    let key = gateway.new_key(&[Scope::Read], None).await;
    let status = async |asked: &TestGateway| {
        let request = asked.anonymous(Method::GET, "/v1/balance").bearer_auth(&key.token);
        send(request).await.status
    };
    for asked in [&gateway, &replica] {
        assert_eq!(status(asked).await, StatusCode::OK);
    }
    let revoked = Instant::now();
    let done = gateway
        .database
        .revoke_key(&key.row.id, gateway.clock.now(), None)
        .await;
    assert!(done.expect("the database answers"));
    for asked in [&gateway, &replica] {
        while status(asked).await == StatusCode::OK {
            assert!(revoked.elapsed() < Duration::from_secs(1), "it still works");
        }
    }
    replica.finish().await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_that_cannot_be_paid_leave_the_plan() {
    let gateway = TestGateway::start().await;
    let body = json!({ "model": "gpt-image-1-mini", "prompt": "[[fault: provider=openai status=429 retry_after=9]] dunes", "quality": "low", "size": "1024x1024" });
    let estimate = send(
        gateway
            .request(Method::POST, &format!("{GENERATIONS}?dryRun=true"))
            .json(&body),
    )
    .await
    .ok();
    let candidates = estimate["candidates"].as_array().expect("candidates");
    let price = |provider: &str| {
        let candidate = candidates.iter().find(|candidate| candidate["provider"] == provider);
        candidate.expect("a candidate")["total_cost_micros"]
            .as_i64()
            .expect("an amount")
    };
    let (cheap, dear) = (price("openai"), price("fal"));
    assert!(cheap < dear);
    prepay(&gateway, dear - 1).await;
    // Only the cheap one can be paid, and it fails: there is nothing left to try.
    let failed = gateway.generate(body.clone()).await;
    let error = failed.error(502, "ALL_PROVIDERS_EXHAUSTED");
    let providers: Vec<&Value> = error["metadata"]["attempts"]
        .as_array()
        .expect("attempts")
        .iter()
        .map(|attempt| &attempt["provider"])
        .collect();
    assert!(providers.iter().all(|provider| *provider == "openai"), "{providers:?}");
    assert_eq!(available(&gateway).await, dear - 1, "what was held is given back");
    // With enough money the dear one serves.
    let order = OperatorPosting {
        id: "second".to_owned(),
        kind: Kind::TopUp,
        account_id: DEFAULT_ACCOUNT.to_owned(),
        amount_micros: 1,
        generation_id: None,
        note: None,
        created_at: gateway.clock.now(),
    };
    gateway.database.post(order).await.expect("the database answers");
    let answer = gateway.generate(body).await.ok();
    assert_eq!(answer["metadata"]["provider"], "fal");
    assert_eq!(available(&gateway).await, 0);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_mark_up_is_in_estimate_charge_and_books() {
    let gateway = TestGateway::with(|settings| settings.markup_percent = "12.5".parse().expect("a decimal")).await;
    let estimate = send(
        gateway
            .request(Method::POST, &format!("{GENERATIONS}?dryRun=true"))
            .json(&flat()),
    )
    .await
    .ok();
    assert_eq!(estimate["total_cost_micros"], 11_250);
    assert_eq!(estimate["markup_micros"], 1_250);
    let answer = gateway.generate(flat()).await.ok();
    assert_eq!(micros(&answer["metadata"]["cost"]), 11_250);
    let postings = gateway
        .database
        .postings(DEFAULT_ACCOUNT, None, 10)
        .await
        .expect("the ledger can be read");
    let charge = postings
        .iter()
        .find(|posting| posting.kind == "charge")
        .expect("a charge");
    let mut entries = charge.entries.clone();
    entries.sort();
    let expected = [("held", -11_250), ("markup", 1_250), ("usage", 10_000)];
    assert_eq!(entries, expected.map(|(book, amount)| (book.to_owned(), amount)));
    let recorded = gateway.recorded(answer["id"].as_str().expect("an id")).await;
    assert_eq!(micros(&recorded["cost"]), 11_250);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_bookkeeping_images_are_made_and_nothing_is_recorded() {
    let gateway = TestGateway::with(|settings| settings.bookkeeping = false).await;
    let answer = gateway.generate(flat()).await.ok();
    assert_eq!(micros(&answer["metadata"]["cost"]), FLAT_MICROS);
    let listed = gateway.get("/v1/requests").await.ok();
    assert_eq!(listed["data"], json!([]));
    gateway.finish_without_books().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_does_not_expire_what_runs() {
    let gateway = TestGateway::start().await;
    let body = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes [[fault: delay=1s]]", "quality": "low",
        "response_format": "b64_json" });
    let call = tokio::spawn(send(gateway.request(Method::POST, GENERATIONS).json(&body)));
    until_upstream_is_called(&gateway, 1).await;
    // Longer than any deadline.
    gateway.clock.advance_s(24 * 3600);
    let expired = gateway.database.expire_reservations(gateway.clock.now(), 100).await;
    assert_eq!(expired.expect("it looks"), 0);
    let answer = call.await.expect("the caller waits").ok();
    let id = answer["id"].as_str().expect("an id");
    let recorded = gateway.recorded(id).await;
    assert_eq!(
        (&recorded["status"], &recorded["cost"]),
        (&json!("completed"), &answer["metadata"]["cost"])
    );
    gateway.finish().await;
}
