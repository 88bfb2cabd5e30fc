//! Receivers that never answer keep nobody else's webhooks waiting.

use super::super::accounts::prepaid;
use super::super::harness::send;
use super::receiver::{Answer, Receiver};
use super::{GENERATIONS, Method, TestGateway, begin, begun, body};

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
    // The account whose webhooks hang, too.
    for key in [&token, &gateway.key] {
        let request = gateway.anonymous(Method::POST, GENERATIONS).bearer_auth(key);
        let request = request.header("prefer", "respond-async").json(&body(&url));
        begun(&send(request).await);
        other.next().await;
    }
    silent.expect_nothing().await;
    gateway.finish().await;
}
