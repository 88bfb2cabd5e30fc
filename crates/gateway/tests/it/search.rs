//! Looking for requests: on the server, over everything that tells them apart.

use gateway::auth::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{GENERATIONS, TestGateway, send, with};
use super::payloads::keep_payloads;
use super::requests::other_account;

fn kite() -> Value {
    json!({ "model": "mock-image", "prompt": "A red Kite over the dunes", "size": "64x64" })
}

async fn ids(gateway: &TestGateway, query: &str) -> Vec<String> {
    let page = gateway.get(&format!("/v1/requests?{query}")).await.ok();
    let data = page["data"].as_array().expect("a list");
    data.iter()
        .map(|one| one["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_found_by_whatever_tells_it_apart() {
    let gateway = TestGateway::start().await;
    keep_payloads(&gateway).await;
    let marked = gateway
        .request(Method::POST, GENERATIONS)
        .header("x-request-id", "order-17")
        .header("x-session-id", "basket-9")
        .json(&with(kite(), json!({ "user": "ann@shop" })));
    let first = send(marked).await;
    first.ok();
    gateway.clock.advance_s(1);
    let second = gateway
        .generate(json!({ "model": "mock-image", "prompt": "a blue kite", "size": "64x64" }))
        .await;
    second.ok();
    gateway.clock.advance_s(1);
    let wrong = gateway
        .generate(json!({ "model": "mock-image", "prompt": "x", "size": "no" }))
        .await;
    let (first, second, wrong) = (first.id(), second.id(), wrong.id());

    for (text, found) in [
        (&first[..18], vec![&first]),
        ("order-17", vec![&first]),
        ("order", vec![&first]),
        ("basket", vec![&first]),
        ("ann@sh", vec![&first]),
        ("kite", vec![&second, &first]),
        ("KITE red", vec![&first]),
        ("dunes kite red", vec![&first]),
        ("kite green", vec![]),
        ("invalid_request", vec![&wrong]),
        ("nothing-of-the-kind", vec![]),
    ] {
        let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        assert_eq!(
            ids(&gateway, &format!("q={text}")).await.iter().collect::<Vec<_>>(),
            found,
            "{text}"
        );
    }
    // A model's alias, its provider, and the filters beside it.
    assert_eq!(ids(&gateway, "q=mock-image").await.len(), 3);
    assert_eq!(ids(&gateway, "q=kite&user=ann@shop").await, [first.as_str()]);
    assert_eq!(ids(&gateway, "q=order-17&status=rejected").await, [""; 0]);
    assert_eq!(ids(&gateway, "status=rejected&model=mock-image").await, [wrong]);
    // Page by page, and summed up.
    let page = gateway.get("/v1/requests?q=kite&limit=1&summary=true").await.ok();
    assert_eq!(page["data"][0]["id"], second);
    assert_eq!(
        (&page["summary"]["count"], &page["summary"]["completed"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(page["summary"]["days"][0]["requests"], 2);
    let next = page["next_page_url"].as_str().expect("another page");
    let older = gateway.get(next).await.ok();
    assert_eq!(
        (&older["data"][0]["id"], &older["next_page_url"]),
        (&json!(first), &Value::Null)
    );
    let back = older["previous_page_url"].as_str().expect("the page before");
    assert_eq!(gateway.get(back).await.ok()["data"][0]["id"], second);
    // What is forgotten is found by its words no more.
    let path = format!("/v1/requests/{first}/payloads");
    send(gateway.request(Method::DELETE, &path)).await.ok();
    assert_eq!(ids(&gateway, "q=kite").await, [second]);
    assert_eq!(ids(&gateway, "q=order-17").await, [first]);
    gateway
        .get(&format!("/v1/requests?q={}", "x".repeat(201)))
        .await
        .error(400, "INVALID_REQUEST");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn admins_alone_look_into_all_accounts() {
    let gateway = TestGateway::start().await;
    let own = gateway.generate(kite()).await.id();
    gateway.clock.advance_s(1);
    let key = other_account(&gateway, &[Scope::Generate, Scope::Read]).await;
    let order = gateway.anonymous(Method::POST, GENERATIONS).bearer_auth(&key);
    let others = send(order.json(&kite())).await.id();
    assert_eq!(ids(&gateway, "account_id=*").await, [others.clone(), own.clone()]);
    assert_eq!(
        ids(&gateway, "account_id=*&q=mock-image&limit=1").await,
        [others.as_str()]
    );
    assert_eq!(ids(&gateway, "q=mock-image").await, [own.as_str()]);
    let told = gateway.get("/v1/requests?account_id=*&attempts=true").await.ok();
    assert_eq!(told["data"][0]["attempts"][0]["outcome"], "succeeded");
    assert_eq!(told["data"][0]["account_id"], "other");
    let usage = gateway.get("/v1/usage?account_id=*").await.ok();
    assert_eq!(usage["totals"]["requests"], 2);
    gateway.get(&format!("/v1/requests/{others}?account_id=*")).await.ok();
    for path in [
        "/v1/requests?account_id=*",
        "/v1/usage?account_id=*",
        &format!("/v1/requests/{own}?account_id=*"),
    ] {
        let refused = send(gateway.anonymous(Method::GET, path).bearer_auth(&key)).await;
        refused.error(403, "PERMISSION_DENIED");
    }
    gateway.finish().await;
}
