//! What accounts keep of what was asked and answered, and `DELETE /v1/requests/{id}/payloads`.

use gateway::auth::Scope;
use gateway::db::DEFAULT_ACCOUNT;
use imaging::ImageFormat;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::edits::data_url;
use super::harness::{
    GENERATIONS, LiveProvider, Reply, TestGateway, half_mask, log_lines, names, plain, send, small, until, with,
};
use super::requests::other_account;

/// Lets the default account keep what is asked and answered.
pub(crate) async fn keep_payloads(gateway: &TestGateway) {
    let account = gateway
        .database
        .account(DEFAULT_ACCOUNT)
        .await
        .expect("the database answers");
    let mut terms = account.expect("the default account").terms();
    terms.stores_payloads = true;
    let changed = gateway.database.update_account(DEFAULT_ACCOUNT, &terms).await;
    assert!(changed.expect("the database answers"));
}

async fn purge(gateway: &TestGateway, id: &str, key: &str) -> Reply {
    let request = gateway.anonymous(Method::DELETE, &format!("/v1/requests/{id}/payloads"));
    send(request.bearer_auth(key)).await
}

/// Two small images under links.
fn two() -> Value {
    json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "n": 2 })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_keeps_payloads_finds_what_was_asked_and_answered() {
    let gateway = TestGateway::start().await;
    keep_payloads(&gateway).await;
    let secret = "sk-nobody-may-read-this-key";
    let body = json!({ "model": "replicate/gpt-image-1.5", "prompt": "dunes", "quality": "low", "response_format": "b64_json",
        "openai_api_key": secret, "user_id": "u-1", "Other API Key ": secret, "more": { "Access-Token": [secret], "scale": 2 } });
    let reply = gateway.generate(body.clone()).await;
    let answer = reply.ok();
    assert_eq!(
        names(&answer["data"][0]),
        ["b64_json"],
        "the answer carries the bytes and no link"
    );
    let recorded = gateway.recorded(&reply.id()).await;
    let payloads = &recorded["payloads"];
    let hidden = json!({ "openai_api_key": "(secret)", "Other API Key ": "(secret)",
        "more": { "Access-Token": "(secret)", "scale": 2 } });
    assert_eq!(payloads["request"], with(body, hidden));
    assert_eq!(payloads["response"]["created"], answer["created"]);
    assert_eq!(payloads["response"]["data"].as_array().map(Vec::len), Some(1));
    assert!(payloads["response"].get("usage").is_some(), "{payloads}");
    assert!(!recorded.to_string().contains(secret), "a secret is never stored");
    assert!(log_lines(secret).is_empty(), "a secret is never logged");
    assert!(log_lines("u-1").is_empty(), "what was asked is not logged");
    let link = recorded["result"]["data"][0]["url"]
        .as_str()
        .expect("the image is kept");
    let image = send(gateway.client.get(link)).await;
    assert_eq!(image.body.to_vec(), gateway.image(&answer, 0).await, "the same image");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn images_are_no_part_of_what_was_asked() {
    let gateway = TestGateway::start().await;
    keep_payloads(&gateway).await;
    let image = data_url("image/png", &plain((96, 96), [200, 30, 30, 255], ImageFormat::Png));
    let body = with(
        small("openai/gpt-image-1-mini"),
        json!({ "images": [{ "image_url": image }], "mask": { "image_url": data_url("image/png", &half_mask((96, 96))) } }),
    );
    let reply = gateway.edit_json(body).await;
    reply.ok();
    let recorded = gateway.recorded(&reply.id()).await;
    assert_eq!(recorded["payloads"]["request"]["prompt"], "a red kite over dunes");
    let tail = &image[image.len() - 24..];
    assert!(
        !recorded["payloads"].to_string().contains(tail),
        "{}",
        recorded["payloads"]
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_is_kept_without_an_answer() {
    let gateway = TestGateway::start().await;
    keep_payloads(&gateway).await;
    let body = json!({ "model": "fal/flux.1-schnell", "prompt": "dunes [[fault: moderation]]" });
    let reply = gateway.generate(body.clone()).await;
    reply.error(400, "CONTENT_POLICY_VIOLATION");
    let recorded = gateway.recorded(&reply.id()).await;
    assert_eq!(recorded["payloads"], json!({ "request": body, "response": null }));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_accounts_keep_nothing() {
    let gateway = TestGateway::embedded().await;
    let reply = gateway
        .generate(with(two(), json!({ "response_format": "b64_json" })))
        .await;
    reply.ok();
    let recorded = gateway.recorded(&reply.id()).await;
    assert_eq!(
        (recorded.get("payloads"), &recorded["result"]["data"]),
        (None, &json!([]))
    );
    assert!(!recorded.to_string().contains("dunes"));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_removes_texts_and_images_and_leaves_the_figures() {
    let gateway = TestGateway::embedded().await;
    keep_payloads(&gateway).await;
    let reply = gateway.generate(two()).await;
    reply.ok();
    // Its last figures are written just after the answer.
    let before = until("the timings", async || {
        let request = gateway.recorded(&reply.id()).await;
        (request["timings"] != json!([])).then_some(request)
    })
    .await;
    let links: Vec<&str> = before["result"]["data"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|item| item["url"].as_str())
        .collect();
    assert_eq!(links.len(), 2);
    gateway.clock.advance_s(60);
    let purged = purge(&gateway, &reply.id(), &gateway.key).await.ok();
    let told = |already: bool, media: u32| json!({ "id": reply.id(), "object": "request.payloads", "purged": true, "already_purged": already, "media_deleted": media });
    assert_eq!(purged, told(false, 2));
    for link in links {
        send(gateway.client.get(link)).await.error(404, "INVALID_REQUEST");
    }
    let after = gateway.recorded(&reply.id()).await;
    assert_eq!(after["payloads_purged_at"], gateway.clock.now().to_string());
    assert_eq!((after.get("payloads"), &after["result"]["data"]), (None, &json!([])));
    for (name, value) in before.as_object().expect("an object") {
        if !["payloads", "result"].contains(&name.as_str()) {
            assert_eq!(&after[name], value, "{name} stays");
        }
    }
    // Of the answer goes what is read off its images.
    let mut answer = before["result"].clone();
    answer["data"] = json!([]);
    answer["metadata"]["images"] = json!([]);
    (answer["size"], answer["output_format"]) = (Value::Null, Value::Null);
    assert_eq!(after["result"], answer);
    assert!(!after.to_string().contains("dunes"));
    assert_eq!(purge(&gateway, &reply.id(), &gateway.key).await.ok(), told(true, 0));
    // The harness finds files without rows: there are none.
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_nothing_can_be_purged_too() {
    let gateway = TestGateway::embedded().await;
    let refused = gateway
        .generate(json!({ "model": "mock-image", "prompt": "dunes", "n": 0 }))
        .await;
    let purged = purge(&gateway, &refused.id(), &gateway.key).await.ok();
    assert_eq!(
        (&purged["already_purged"], &purged["media_deleted"]),
        (&json!(false), &json!(0))
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_is_for_the_key_that_asked_and_for_admins() {
    let gateway = TestGateway::embedded().await;
    let own = gateway.new_key(&[Scope::Generate], None).await.token;
    let stranger = gateway.new_key(&[Scope::Generate, Scope::Read], None).await.token;
    let foreign = other_account(&gateway, &[Scope::Generate, Scope::Read]).await;
    let make = async || {
        let request = gateway.anonymous(Method::POST, GENERATIONS).bearer_auth(&own);
        let reply = send(request.json(&two())).await;
        reply.ok();
        reply.id()
    };
    let (first, second) = (make().await, make().await);
    let error = purge(&gateway, &first, &stranger).await.error(403, "PERMISSION_DENIED");
    assert!(
        error["message"].as_str().is_some_and(|text| text.contains("'admin'")),
        "{error}"
    );
    purge(&gateway, &first, &foreign).await.error(404, "INVALID_REQUEST");
    let path = format!("{first}/payloads?account_id=default");
    let request = gateway.anonymous(Method::DELETE, &format!("/v1/requests/{path}"));
    send(request.bearer_auth(&foreign))
        .await
        .error(403, "PERMISSION_DENIED");
    send(gateway.anonymous(Method::DELETE, &format!("/v1/requests/{first}/payloads")))
        .await
        .error(401, "AUTHENTICATION_FAILED");
    assert_eq!(
        gateway.recorded(&first).await["result"]["data"]
            .as_array()
            .map(Vec::len),
        Some(2),
        "nothing is gone yet"
    );
    assert_eq!(purge(&gateway, &first, &own).await.ok()["media_deleted"], 2);
    assert_eq!(purge(&gateway, &second, &gateway.key).await.ok()["media_deleted"], 2);
    for unknown in ["req_000000000000000000000000000", "mine", "%00", "%ff"] {
        purge(&gateway, unknown, &gateway.key)
            .await
            .error(404, "INVALID_REQUEST");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_under_way_cannot_be_purged_yet() {
    let provider = LiveProvider::listen().await;
    let gateway = TestGateway::with(|settings| {
        let openai = settings.providers.get_mut("openai").expect("a provider");
        openai.base_url = Some(provider.base_url());
    })
    .await;
    let body = with(
        small("openai/gpt-image-1-mini"),
        json!({ "stream": true, "partial_images": 1 }),
    );
    let request = gateway.request(Method::POST, GENERATIONS).json(&body);
    let answer = request
        .header("x-request-id", "mine")
        .send()
        .await
        .expect("the stream begins");
    assert_eq!(answer.status(), StatusCode::OK);
    let call = provider.call().await;
    let under_way = gateway.recorded("mine").await;
    assert_eq!(under_way["status"], "processing");
    let id = under_way["id"].as_str().expect("an id");
    purge(&gateway, id, &gateway.key).await.error(409, "INVALID_REQUEST");
    let image = plain((1024, 1024), [200, 30, 30, 255], ImageFormat::Png);
    call.completed(&image).await;
    answer.text().await.expect("the stream ends well");
    assert_eq!(purge(&gateway, id, &gateway.key).await.ok()["already_purged"], false);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_an_end_user_is_forgotten_in_one_action() {
    let gateway = TestGateway::start().await;
    keep_payloads(&gateway).await;
    let of = |user: &str| {
        with(
            two(),
            json!({ "prompt": format!("dunes of {user}"), "user": user, "response_format": "url" }),
        )
    };
    let (first, second) = (gateway.generate(of("ann")).await, gateway.generate(of("ann")).await);
    let other = gateway.generate(of("bob")).await;
    let (link, kept) = (
        first.ok()["data"][0]["url"].clone(),
        other.ok()["data"][0]["url"].clone(),
    );
    second.ok();
    let order = |body: Value| gateway.request(Method::POST, "/v1/erasures").json(&body);
    send(order(json!({ "user": "" }))).await.error(400, "INVALID_REQUEST");
    send(order(json!({ "user": "ann", "account_id": "nobody" })))
        .await
        .error(400, "INVALID_REQUEST");
    let erased = send(order(json!({ "user": "ann" }))).await.ok();
    assert_eq!(
        (&erased["requests"], &erased["media_deleted"], &erased["under_way"]),
        (&json!(2), &json!(4), &json!(0))
    );
    for id in [first.id(), second.id()] {
        let told = gateway.recorded(&id).await;
        assert_eq!((&told["user"], &told["status"]), (&Value::Null, &json!("completed")));
        assert!(
            told.get("payloads").is_none() && told["payloads_purged_at"].is_string(),
            "{told}"
        );
    }
    let status = async |link: &Value| {
        let answer = gateway.client.get(link.as_str().expect("a link")).send().await;
        answer.expect("an answer").status()
    };
    assert_eq!(status(&link).await, StatusCode::NOT_FOUND);
    assert_eq!(status(&kept).await, StatusCode::OK, "another user's is left");
    gateway.clock.advance_s(1);
    let again = send(order(json!({ "user": "ann", "account_id": "*" }))).await.ok();
    assert_eq!(again["requests"], 0);
    let audit = gateway.get("/v1/audit?action=user_erase").await.ok();
    assert_eq!(audit["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(audit["data"][1]["details"]["requests"], 2);
    assert!(
        !audit.to_string().contains("ann"),
        "the name is not kept by who forgets it"
    );
    gateway.finish().await;
}
