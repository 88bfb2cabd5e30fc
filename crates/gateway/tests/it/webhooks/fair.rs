//! Receivers that never answer keep nobody else's webhooks waiting.

use super::super::accounts::prepaid;
use super::super::harness::send;
use super::receiver::{Answer, Receiver};
use super::{GENERATIONS, Method, TestGateway, begin, body};

/// Webhooks to one host at one time.
const TO_HOST: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_never_answers_keeps_no_other_waiting() {
    let gateway = TestGateway::with(|settings| {
        settings.fetch_hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    })
    .await;
    let (silent, other) = (
        Receiver::start(&[Answer::Silence; 40]).await,
        Receiver::start(&[]).await,
    );
    for _ in 0..40 {
        begin(&gateway, &body(&silent.url("/hook"))).await;
    }
    for _ in 0..TO_HOST {
        silent.next().await;
    }
    let token = prepaid(&gateway, "other", 1.0).await;
    let url = other.url("/hook").replace("localhost", "127.0.0.1");
    for (key, expected) in [(Some(&token), "other"), (None, "default")] {
        let request = gateway.anonymous(Method::POST, GENERATIONS).json(&body(&url));
        let request = match key {
            Some(key) => request.bearer_auth(key),
            None => gateway.request(Method::POST, GENERATIONS).json(&body(&url)),
        };
        let answer = send(request.header("prefer", "respond-async")).await;
        assert_eq!(answer.status.as_u16(), 202, "{expected}: {}", answer.text());
        other.next().await;
    }
    silent.expect_nothing().await;
    gateway.finish().await;
}
