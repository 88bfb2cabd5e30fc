//! The secrets of links and webhooks: others take their place while the former count on, on every replica, and it is told.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{TestGateway, check_no_secret, send, until};

/// Puts a secret of links or of webhooks in the place of the one in force.
pub(super) async fn rotate(gateway: &TestGateway, of: &str, order: Value) -> Value {
    let path = format!("/v1/{of}/secret");
    send(gateway.request(Method::POST, &path).json(&order)).await.ok()
}

async fn audited(gateway: &TestGateway) -> Vec<Value> {
    let found = gateway.get("/v1/audit?action=secret_rotate").await.ok();
    found["data"].as_array().expect("a list").clone()
}

async fn opens(gateway: &TestGateway, url: &str) -> u16 {
    send(gateway.client.get(url)).await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn links_work_until_they_end_whatever_signs_the_next_ones() {
    let gateway = TestGateway::embedded().await;
    let asked = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "response_format": "url" });
    let made = gateway.generate(asked).await.ok();
    let old = made["data"][0]["url"].as_str().expect("a link").to_owned();
    let told = rotate(&gateway, "links", json!({})).await;
    assert_eq!(told["former"].as_array().map(Vec::len), Some(1), "{told}");
    let path = format!("/v1/requests/{}", made["id"].as_str().expect("an id"));
    let again = gateway.get(&path).await.ok();
    let new = again["result"]["data"][0]["url"].as_str().expect("a link").to_owned();
    assert_ne!(old, new, "another secret signs");
    assert_eq!((opens(&gateway, &old).await, opens(&gateway, &new).await), (200, 200));
    // Nothing that was signed with the former outlives it.
    let ends: jiff::Timestamp = told["former"][0]["ends_at"]
        .as_str()
        .expect("a time")
        .parse()
        .expect("a time");
    assert!(ends >= gateway.clock.now() + SignedDuration::from_mins(60));
    assert_eq!(gateway.get("/v1/links/secret").await.ok(), told);
    // A leaked one is ended at once, with all that it signed. Lines of one moment have no order.
    gateway.clock.advance_s(1);
    let told = rotate(&gateway, "links", json!({ "overlap_s": 0 })).await;
    assert_eq!(told["former"], json!([]));
    assert_eq!((opens(&gateway, &old).await, opens(&gateway, &new).await), (404, 404));
    let lines = audited(&gateway).await;
    assert_eq!(lines.len(), 2);
    assert_eq!(
        (&lines[0]["target"], &lines[0]["details"]["former_ends_at"]),
        (&json!("links"), &Value::Null)
    );
    for _ in 0..4 {
        rotate(&gateway, "links", json!({ "overlap_s": 60 })).await;
    }
    let path = "/v1/links/secret";
    let fifth = send(gateway.request(Method::POST, path).json(&json!({ "overlap_s": 60 }))).await;
    fifth.error(409, "INVALID_REQUEST");
    assert!(fifth.text().contains("overlap_s 0"), "{}", fifth.text());
    send(gateway.request(Method::POST, path).json(&json!({ "overlap_s": -1 })))
        .await
        .fault("overlap_s");
    let reads = gateway.new_key(&[gateway::auth::Scope::Generate], None).await;
    for path in ["/v1/links/secret", "/v1/webhooks/secret"] {
        let request = gateway.anonymous(Method::POST, path).bearer_auth(&reads.token);
        send(request.json(&json!({}))).await.error(403, "PERMISSION_DENIED");
    }
    gateway.finish().await;
}

/// Links are opened at whichever replica the load balancer picks.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_links_that_one_replica_puts_in_place_counts_at_the_other() {
    let gateway = TestGateway::start().await;
    let replica = gateway.replica().await;
    let asked = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "response_format": "url" });
    let link = async |at: &TestGateway| {
        let made = at.generate(asked.clone()).await.ok();
        let url = made["data"][0]["url"].as_str().expect("a link").to_owned();
        url.strip_prefix(&at.base).expect("its own address").to_owned()
    };
    let opens_at = async |at: &TestGateway, path: &str| opens(at, &format!("{}{path}", at.base)).await;
    let old = link(&gateway).await;
    rotate(&gateway, "links", json!({})).await;
    // The other one signs with the former until it looks again, and opens what it has not heard of by looking at once.
    let (new, by_other) = (link(&gateway).await, link(&replica).await);
    for at in [&gateway, &replica] {
        for path in [&old, &new, &by_other] {
            assert_eq!(opens_at(at, path).await, 200, "{path}");
        }
    }
    assert_eq!(
        gateway.get("/v1/links/secret").await.ok(),
        replica.get("/v1/links/secret").await.ok()
    );
    // A leaked one is ended here at once, and there as soon as it looks again.
    rotate(&replica, "links", json!({ "overlap_s": 0 })).await;
    assert_eq!(opens_at(&replica, &new).await, 404);
    until("the end of a leaked secret at the other replica", async || {
        (opens_at(&gateway, &new).await == 404).then_some(())
    })
    .await;
    let fresh = link(&gateway).await;
    for at in [&gateway, &replica] {
        assert_eq!((opens_at(at, &fresh).await, opens_at(at, &old).await), (200, 404));
    }
    replica.finish().await;
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_of_webhooks_is_its_accounts_and_the_former_is_told_until_it_ends() {
    let gateway = TestGateway::embedded().await;
    let first = gateway.get("/v1/webhooks/secret").await.ok();
    assert_eq!(first["former"], json!([]));
    let rotated = rotate(&gateway, "webhooks", json!({})).await;
    let (old, new) = (
        first["key"].as_str().expect("a text"),
        rotated["key"].as_str().expect("a text"),
    );
    assert_ne!(old, new);
    assert_eq!(rotated["former"][0]["key"], old);
    assert_eq!(gateway.get("/v1/webhooks/secret").await.ok(), rotated);
    gateway.clock.advance_s(24 * 60 * 60 + 1);
    let later = gateway.get("/v1/webhooks/secret").await.ok();
    assert_eq!((later["key"].as_str(), &later["former"]), (Some(new), &json!([])));
    let lines = audited(&gateway).await;
    assert_eq!(
        (&lines[0]["target"], &lines[0]["account_id"]),
        (&json!("webhooks"), &json!("default"))
    );
    let unknown = json!({ "account_id": "nobody" });
    let refused = send(gateway.request(Method::POST, "/v1/webhooks/secret").json(&unknown)).await;
    refused.fault("account_id");
    gateway.finish().await;
    check_no_secret(&[old, new]);
}
