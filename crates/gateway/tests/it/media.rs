//! Links to images: what comes with the bytes, parts of them, and when a link ends.

use gateway::auth::Scope;
use reqwest::{Method, StatusCode, Url};
use serde_json::json;

use super::harness::{Reply, TestGateway, send, try_send};

/// A gateway with one stored image, and its link.
async fn stored(format: &str) -> (TestGateway, String) {
    let gateway = TestGateway::embedded().await;
    let body = json!({ "model": "mock-image", "prompt": "dunes", "size": "128x96", "output_format": format });
    let answer = gateway.generate(body).await.ok();
    let url = answer["data"][0]["url"].as_str().expect("a link").to_owned();
    (gateway, url)
}

async fn get(gateway: &TestGateway, url: &str, headers: &[(&str, &str)]) -> Reply {
    let request = headers.iter().fold(gateway.client.get(url), |request, (name, value)| {
        request.header(*name, *value)
    });
    send(request).await
}

fn is_gone(reply: &Reply) {
    let error = reply.error(404, "INVALID_REQUEST");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("link has ended")),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_comes_with_the_headers_that_it_needs() {
    for format in ["png", "jpeg", "webp", "gif", "avif"] {
        let (gateway, url) = stored(format).await;
        let reply = get(&gateway, &url, &[]).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.header("content-type"), format!("image/{format}"));
        assert_eq!(reply.header("content-length"), reply.body.len().to_string());
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert_eq!(reply.header("accept-ranges"), "bytes");
        assert_eq!(reply.header("cache-control"), "private, max-age=3600, immutable");
        assert!(reply.header("etag").starts_with('"') && reply.header("etag").ends_with('"'));
        let extension = if format == "jpeg" { "jpg" } else { format };
        assert!(url.starts_with(&format!("{}/media/", gateway.base)), "{url}");
        assert!(
            url.contains(&format!(".{extension}?")) || url.contains(&format!(".{format}?")),
            "{url}"
        );
        gateway.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_caller_has_already_is_not_sent_again() {
    let (gateway, url) = stored("png").await;
    let etag = get(&gateway, &url, &[]).await.header("etag").to_owned();
    for tags in [etag.as_str(), "*", &format!("\"other\", {etag}")] {
        let reply = get(&gateway, &url, &[("if-none-match", tags)]).await;
        assert_eq!((reply.status, reply.body.len()), (StatusCode::NOT_MODIFIED, 0));
        assert_eq!(reply.header("etag"), etag);
    }
    assert_eq!(
        get(&gateway, &url, &[("if-none-match", "\"other\"")]).await.status,
        StatusCode::OK
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_an_image_can_be_asked_for() {
    let (gateway, url) = stored("png").await;
    let whole = get(&gateway, &url, &[]).await.body;
    let size = whole.len();
    for (range, part, told) in [
        ("bytes=0-9", &whole[..10], format!("bytes 0-9/{size}")),
        ("bytes=100-", &whole[100..], format!("bytes 100-{}/{size}", size - 1)),
        (
            "bytes=-7",
            &whole[size - 7..],
            format!("bytes {}-{}/{size}", size - 7, size - 1),
        ),
        (
            "bytes=50-99999999",
            &whole[50..],
            format!("bytes 50-{}/{size}", size - 1),
        ),
    ] {
        let reply = get(&gateway, &url, &[("range", range)]).await;
        assert_eq!(reply.status, StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(&reply.body[..], part, "{range}");
        assert_eq!(reply.header("content-range"), told);
        assert_eq!(reply.header("content-length"), part.len().to_string());
    }
    let outside = get(&gateway, &url, &[("range", &format!("bytes={size}-"))]).await;
    outside.error(416, "INVALID_REQUEST");
    assert_eq!(outside.header("content-range"), format!("bytes */{size}"));
    for ignored in ["bytes=5-2", "lines=1-2", "bytes=0-1,3-4", "nonsense"] {
        let reply = get(&gateway, &url, &[("range", ignored)]).await;
        assert_eq!((reply.status, reply.body.len()), (StatusCode::OK, size), "{ignored}");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_request_tells_everything_but_the_bytes() {
    let (gateway, url) = stored("webp").await;
    let size = get(&gateway, &url, &[]).await.body.len();
    let head = send(gateway.client.head(&url)).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert_eq!(
        (head.header("content-type"), head.header("content-length")),
        ("image/webp", size.to_string().as_str())
    );
    let head = send(gateway.client.head(&url).header("range", "bytes=0-3")).await;
    assert_eq!(
        (head.status, head.header("content-length")),
        (StatusCode::PARTIAL_CONTENT, "4")
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_with_its_hour_and_not_before() {
    let (gateway, url) = stored("png").await;
    gateway.clock.advance_s(3_599);
    let last = get(&gateway, &url, &[]).await;
    assert_eq!(
        (last.status, last.header("cache-control")),
        (StatusCode::OK, "private, max-age=1, immutable")
    );
    gateway.clock.advance_s(1);
    is_gone(&get(&gateway, &url, &[]).await);
    assert_eq!(send(gateway.client.head(&url)).await.status, StatusCode::NOT_FOUND);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_links_last_is_a_setting() {
    let gateway = TestGateway::embedded_with(|settings| settings.limits.media_ttl_s = 90).await;
    let answer = gateway
        .generate(json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" }))
        .await
        .ok();
    let url = answer["data"][0]["url"].as_str().expect("a link").to_owned();
    gateway.clock.advance_s(89);
    assert_eq!(get(&gateway, &url, &[]).await.status, StatusCode::OK);
    gateway.clock.advance_s(1);
    is_gone(&get(&gateway, &url, &[]).await);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_was_touched_opens_nothing() {
    let (gateway, url) = stored("png").await;
    let parsed = Url::parse(&url).expect("a link");
    let query: Vec<(String, String)> = parsed.query_pairs().into_owned().collect();
    let pair = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
            .expect("a part of the link")
    };
    let (expires, signature) = (pair("expires"), pair("signature"));
    let flipped = if signature.starts_with('0') {
        signature.replacen('0', "1", 1)
    } else {
        format!("0{}", &signature[1..])
    };
    let path = parsed.path().to_owned();
    let other = "/media/AAAAAAAAAAAAAAAAAAAAAA.png";
    for (path, query) in [
        (path.as_str(), String::new()),
        (&path, format!("expires={expires}")),
        (&path, format!("signature={signature}")),
        (&path, format!("expires={expires}&signature={flipped}")),
        (&path, format!("expires={expires}&signature=")),
        (&path, format!("expires={expires}&signature=zz")),
        (
            &path,
            format!(
                "expires={}&signature={signature}",
                expires.parse::<i64>().expect("a time") + 1
            ),
        ),
        (&path, format!("expires=soon&signature={signature}")),
        (&path, format!("expires=99999999999999999999&signature={signature}")),
        (other, format!("expires={expires}&signature={signature}")),
        ("/media/%ff.png", format!("expires={expires}&signature={signature}")),
        (
            "/media/..%2f..%2fpictor.db",
            format!("expires={expires}&signature={signature}"),
        ),
    ] {
        is_gone(&send(gateway.anonymous(Method::GET, &format!("{path}?{query}"))).await);
    }
    assert_eq!(
        get(&gateway, &url, &[]).await.status,
        StatusCode::OK,
        "the link itself still works"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_made_for_the_public_address() {
    let gateway =
        TestGateway::embedded_with(|settings| settings.public_url = Some("https://images.example/".to_owned())).await;
    let answer = gateway
        .generate(json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" }))
        .await
        .ok();
    let url = answer["data"][0]["url"].as_str().expect("a link");
    let path = url.strip_prefix("https://images.example").expect("the public address");
    let reply = try_send(gateway.anonymous(Method::GET, path))
        .await
        .expect("the gateway answers");
    assert_eq!(reply.status, StatusCode::OK, "a proxy passes the path on");
    gateway.finish().await;
}

fn sized(format: Option<&str>) -> serde_json::Value {
    json!({ "model": "fal/flux.1-schnell", "prompt": "dunes", "size": "512x512", "response_format": format })
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_images_take_no_more_than_they_may() {
    let gateway = TestGateway::with(|settings| settings.limits.media_bytes = 1).await;
    gateway.generate(sized(Some("url"))).await.ok();
    let before = gateway.upstream_calls().await.len();
    let error = gateway.generate(sized(Some("url"))).await.error(503, "OVERLOADED");
    assert_eq!(
        gateway.upstream_calls().await.len(),
        before,
        "a refused one costs nothing"
    );
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("media_bytes"))
    );
    // Who did not ask for a link alone gets what there is.
    let reply = gateway.generate(sized(None)).await;
    let answer = reply.ok();
    let item = &answer["data"][0];
    assert!(item["b64_json"].is_string() && item["url"].is_null());
    assert_eq!(reply.header("x-pictor-response-format"), "b64_json; reason=media_bytes");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_may_have_less_room_than_all() {
    let mut gateway = TestGateway::start().await;
    let change = gateway.request(Method::PATCH, "/v1/accounts/default");
    send(change.json(&json!({ "media_bytes": 1 }))).await.ok();
    // A key that was seen before is believed for a moment, with the terms of its account.
    gateway.key = gateway.new_key(&[Scope::Admin], None).await.token;
    gateway.generate(sized(Some("url"))).await.ok();
    let error = gateway.generate(sized(Some("url"))).await.error(429, "RATE_LIMITED");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("account")));
    gateway.generate(sized(Some("b64_json"))).await.ok();
    gateway.finish().await;
}
