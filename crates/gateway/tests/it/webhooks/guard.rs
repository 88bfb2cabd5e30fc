//! Addresses that no webhook may be sent to.

use super::super::harness::{GENERATIONS, TestGateway, send, with};
use super::receiver::{Answer, Receiver};
use super::{allowing, begin, body, order, standing, until_tried};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection};

#[tokio::test(flavor = "multi_thread")]
async fn urls_that_nobody_may_call_are_refused_before_anything_is_done() {
    let gateway = TestGateway::start().await;
    for (url, says) in [
        (json!("http://example.com/hook"), "https://"),
        (json!("http://localhost:1/hook"), "https://"),
        (json!("ftp://example.com/"), "https://"),
        (json!("https://localhost/"), "public address"),
        (json!("https://hooks.localhost/"), "public address"),
        (json!("https://127.0.0.1/"), "public address"),
        (json!("https://2130706433/"), "public address"),
        (json!("https://[::ffff:a9fe:a9fe]/"), "public address"),
        (json!("https://169.254.169.254/latest"), "public address"),
        (json!("https://8.8.8.8/"), "host name"),
        (json!("https://user:sesame@example.com/"), "user name"),
        (json!("https://example.com:22/"), "443"),
        (json!("example.com/hook"), "not a URL"),
        (json!("https://"), "not a URL"),
        (json!(7), "text"),
        (
            json!(format!("https://example.com/{}", "x".repeat(2_048))),
            "at most 2048",
        ),
    ] {
        let wrong = with(body(""), json!({ "webhook_url": url }));
        let error = send(order(&gateway, &wrong)).await.fault("webhook_url");
        let message = error["message"].as_str().expect("a message");
        assert!(
            message.contains(says) && !message.contains("sesame"),
            "{url}: {message}"
        );
    }
    let longest = with(
        body(""),
        json!({ "webhook_url": format!("https://example.com/{}", "x".repeat(2_028)) }),
    );
    let dry = gateway.request(Method::POST, &format!("{GENERATIONS}?dryRun=true"));
    let estimate = send(dry.header("prefer", "respond-async").json(&longest)).await.ok();
    assert_eq!(estimate["estimated"], true);
    assert!(gateway.upstream_calls().await.is_empty());
    gateway.finish().await;
}

/// Changes where a webhook goes behind the gateway's back.
async fn lead_to(gateway: &TestGateway, id: &str, url: &str) {
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&gateway.database_url())
        .await
        .expect("the database opens");
    let changed = sqlx::query("UPDATE webhooks SET url = $2 WHERE generation_id = $1")
        .bind(id)
        .bind(url)
        .execute(&mut connection)
        .await;
    assert_eq!(changed.expect("the database answers").rows_affected(), 1);
    connection.close().await.expect("a connection can be closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_try_is_judged_anew() {
    let (gateway, receiver) = (allowing().await, Receiver::start(&[Answer::Status(500)]).await);
    let id = begin(&gateway, &body(&receiver.url("/hook"))).await;
    receiver.next().await;
    let mut tries = 1;
    until_tried(&gateway, &id, tries).await;
    let port = receiver.port;
    for (url, wait_s, says) in [
        // What the name leads to may change after it was taken.
        (format!("https://127.0.0.1:{port}/hook"), 5, "public address"),
        (format!("http://127.0.0.1:{port}/hook"), 15, "https://"),
        ("https://nowhere.invalid/hook".to_owned(), 45, "cannot be reached"),
    ] {
        lead_to(&gateway, &id, &url).await;
        gateway.clock.advance_s(wait_s);
        tries += 1;
        let told = until_tried(&gateway, &id, tries).await;
        assert_eq!(told["last_status"], Value::Null);
        let error = told["last_error"].as_str().expect("an error");
        assert!(error.contains(says), "{url}: {error}");
    }
    assert_eq!(standing(&gateway, &id).await["state"], "failed");
    gateway.finish().await;
    receiver.expect_nothing().await;
}
