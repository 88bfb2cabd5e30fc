//! Sessions of the site: what they count for, where, and until when; and what visitors may spend.

use gateway::auth::Scope;
use gateway::settings::Settings;
use gateway::settings::visitors::VisitorAccess;
use reqwest::{Method, RequestBuilder, StatusCode};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::harness::{GENERATIONS, Reply, TestGateway, send, try_send};

/// $0.02 by its provider's list, whatever comes of it.
fn flat() -> Value {
    json!({ "model": "xai/grok-imagine-image", "prompt": "a red kite", "size": "1024x1024", "response_format": "url" })
}

const DAY_S: i64 = 86_400;

/// The name and value of the session's cookie of an answer.
fn cookie(reply: &Reply) -> String {
    let all = reply.headers.get_all("set-cookie").iter();
    let texts: Vec<&str> = all.filter_map(|value| value.to_str().ok()).collect();
    let own = texts.iter().find(|text| text.starts_with("pictor_session="));
    let own = own.unwrap_or_else(|| panic!("no cookie of a session: {texts:?}, {}", reply.text()));
    assert!(own.contains("; HttpOnly") && own.contains("; SameSite=Lax"), "{own}");
    own.split(';').next().expect("a pair").to_owned()
}

/// A request of a page of this site.
pub(crate) fn of_page(gateway: &TestGateway, method: Method, path: &str, cookie: &str) -> RequestBuilder {
    gateway
        .anonymous(method, path)
        .header("origin", &gateway.base)
        .header("cookie", cookie)
}

async fn visitor_from(gateway: &TestGateway, address: &str) -> Reply {
    let request = gateway
        .anonymous(Method::POST, "/session")
        .header("origin", &gateway.base)
        .header("x-forwarded-for", address);
    send(request).await
}

pub(super) async fn visitor(gateway: &TestGateway) -> String {
    let reply = visitor_from(gateway, "192.0.2.1").await;
    assert_eq!(reply.ok()["kind"], "visitor");
    cookie(&reply)
}

/// Sends a form of a page. Its answer may be anything, a redirect too.
pub(crate) async fn form(gateway: &TestGateway, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Reply {
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let request = client
        .post(format!("{}{path}", gateway.base))
        .header("origin", &gateway.base)
        .header("cookie", cookie)
        .header("accept", "text/html,application/xhtml+xml")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    try_send(request).await.expect("an answer")
}

pub(crate) async fn signed_in(gateway: &TestGateway, key: &str) -> String {
    let reply = form(gateway, "/app/sign-in", "", &[("key", key), ("next", "/app")]).await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.text());
    assert_eq!(reply.header("location"), "/app");
    cookie(&reply)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_counts_as_its_key_for_pages_of_this_site_alone() {
    let gateway = TestGateway::start().await;
    let session = signed_in(&gateway, &gateway.key).await;
    let keys = |headers: &[(&str, &str)]| {
        let request = gateway.anonymous(Method::GET, "/v1/keys").header("cookie", &session);
        headers
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
    };
    for own in [("origin", gateway.base.as_str()), ("sec-fetch-site", "same-origin")] {
        send(keys(&[own])).await.ok();
    }
    for foreign in [
        &[][..],
        &[("origin", "http://evil.example")],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "none")],
    ] {
        send(keys(foreign)).await.error(403, "PERMISSION_DENIED");
    }
    // A key of its own goes before it, wherever it comes from.
    let both = keys(&[("origin", "http://evil.example")]).bearer_auth(&gateway.key);
    send(both).await.ok();
    let wrong = keys(&[("origin", gateway.base.as_str())]).bearer_auth("pk_none.none");
    send(wrong).await.error(401, "AUTHENTICATION_FAILED");
    // It spends as its key does.
    let made = send(of_page(&gateway, Method::POST, GENERATIONS, &session).json(&flat())).await;
    let recorded = gateway.recorded(&made.id()).await;
    assert_eq!(made.ok()["metadata"]["cost"], 0.02);
    assert_eq!(recorded["status"], "completed");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_key_with_a_sign_out_and_with_time() {
    let gateway = TestGateway::start().await;
    let is_over = |session: String| {
        let request = of_page(&gateway, Method::GET, "/v1/balance", &session);
        async move { send(request).await.status == StatusCode::UNAUTHORIZED }
    };
    let key = gateway.new_key(&[Scope::Read], None).await;
    let first = signed_in(&gateway, &key.token).await;
    assert!(!is_over(first.clone()).await);
    gateway.clock.advance_s(11 * 3_600);
    assert!(!is_over(first.clone()).await, "used within twelve hours");
    gateway.clock.advance_s(11 * 3_600);
    assert!(!is_over(first.clone()).await, "twelve hours since it was last used");

    // A form that was stolen from another session, or has no token, ends nothing.
    let other = signed_in(&gateway, &key.token).await;
    let page = send(gateway.anonymous(Method::GET, "/app").header("cookie", &first))
        .await
        .text();
    let token = page.split("name=\"form_token\" value=\"").nth(1).expect("a token");
    let token = token.split('"').next().expect("its end");
    for fields in [&[][..], &[("form_token", "")], &[("form_token", token)]] {
        let reply = form(&gateway, "/app/sign-out", &other, fields).await;
        reply.error(403, "PERMISSION_DENIED");
    }
    let out = form(&gateway, "/app/sign-out", &first, &[("form_token", token)]).await;
    assert_eq!(out.status, StatusCode::SEE_OTHER);
    assert!(is_over(first).await);
    assert!(!is_over(other.clone()).await);
    gateway.clock.advance_s(12 * 3_600 + 60);
    assert!(is_over(other).await);

    let last = signed_in(&gateway, &key.token).await;
    let path = format!("/v1/keys/{}", key.row.id);
    send(gateway.request(Method::DELETE, &path)).await.ok();
    assert!(is_over(last).await, "its key is revoked");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_takes_a_key_that_may_read_and_few_attempts() {
    let gateway = TestGateway::start().await;
    let maker = gateway.new_key(&[Scope::Generate], None).await;
    let refused = form(&gateway, "/app/sign-in", "", &[("key", &maker.token)]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text().contains("may not sign in"), "{}", refused.text());
    let mut last = refused;
    for _ in 0..25 {
        last = form(&gateway, "/app/sign-in", "", &[("key", "pk_guess.guess")]).await;
        assert!(!last.headers.contains_key("set-cookie"));
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS);
    let right = form(&gateway, "/app/sign-in", "", &[("key", &gateway.key)]).await;
    assert_eq!(
        right.status,
        StatusCode::TOO_MANY_REQUESTS,
        "the right one has to wait, too"
    );
    let foreign = gateway
        .anonymous(Method::POST, "/app/sign-in")
        .header("origin", "http://evil.example")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("key={}", gateway.key));
    let refused = try_send(foreign).await.expect("an answer");
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_see_their_own_requests_and_nothing_else() {
    let gateway = TestGateway::embedded().await;
    let (one, other) = (visitor(&gateway).await, visitor(&gateway).await);
    assert_ne!(one, other);
    let order = of_page(&gateway, Method::POST, GENERATIONS, &one)
        .header("x-request-id", "mine")
        .json(&flat());
    let made = send(order).await;
    made.ok();
    let id = made.id();
    for name in [id.as_str(), "mine"] {
        let path = format!("/v1/requests/{name}");
        let own = send(of_page(&gateway, Method::GET, &path, &one)).await.ok();
        assert_eq!(own["id"], id);
        assert!(own["result"]["data"][0]["url"].is_string(), "{own}");
        send(of_page(&gateway, Method::GET, &path, &other))
            .await
            .error(404, "INVALID_REQUEST");
    }
    for query in ["", "?client_request_id=mine", "?format=ndjson"] {
        let path = format!("/v1/requests{query}");
        let own = send(of_page(&gateway, Method::GET, &path, &one)).await.text();
        assert!(own.contains(&id), "{own}");
        let theirs = send(of_page(&gateway, Method::GET, &path, &other)).await;
        assert!(!theirs.text().contains(&id), "{}", theirs.text());
    }
    let named = send(of_page(&gateway, Method::GET, "/v1/requests?account_id=default", &one)).await;
    named.error(403, "PERMISSION_DENIED");
    for path in [
        "/v1/balance",
        "/v1/keys",
        "/v1/usage",
        "/v1/accounts",
        "/v1/webhooks/secret",
        "/v1/health/providers",
    ] {
        let refused = send(of_page(&gateway, Method::GET, path, &one)).await;
        refused.error(403, "PERMISSION_DENIED");
    }
    let hooked = json!({ "model": "mock-image", "prompt": "x", "webhook_url": "https://example.com/hook" });
    let order = of_page(&gateway, Method::POST, GENERATIONS, &one)
        .header("prefer", "respond-async")
        .json(&hooked);
    send(order).await.fault("webhook_url");
    // Nor does the operator's list of keys show who was here.
    let keys = gateway.get("/v1/keys").await.ok();
    assert_eq!(keys["data"].as_array().map(Vec::len), Some(1), "{keys}");
    gateway.finish().await;
}

async fn budgets(change: impl FnOnce(&mut Settings)) -> TestGateway {
    TestGateway::embedded_with(|settings| {
        settings.visitors.session_usd = Some(Decimal::from(1_000));
        settings.visitors.address_day_usd = Some(Decimal::from(1_000));
        settings.visitors.day_usd = Some(Decimal::from(1_000));
        settings.visitors.concurrent = 1_000;
        settings.visitors.address_concurrent = 1_000;
        settings.visitors.requests_per_minute = 10_000;
        change(settings);
    })
    .await
}

/// So many visitors, all at once, each from an address of its own or all from one. Returns how many got an image, and what
/// one of the others was told.
async fn crowd(gateway: &TestGateway, visitors: usize, of_one_address: bool) -> (usize, Option<Value>) {
    let mut sessions = Vec::new();
    for number in 0..visitors {
        let address = if of_one_address { 1 } else { number };
        let reply = visitor_from(gateway, &format!("198.51.{}.{}", address / 250, address % 250 + 1)).await;
        reply.ok();
        sessions.push(cookie(&reply));
    }
    let asked = sessions
        .iter()
        .map(|session| send(of_page(gateway, Method::POST, GENERATIONS, session).json(&flat())));
    let replies = futures_util::future::join_all(asked).await;
    let made = replies.iter().filter(|reply| reply.status == StatusCode::OK).count();
    let refused = replies.iter().find(|reply| reply.status != StatusCode::OK);
    (made, refused.map(|reply| reply.error(402, "BUDGET_EXCEEDED")))
}

/// What visitors' account was charged, in millionths of a dollar.
async fn charged(gateway: &TestGateway) -> Value {
    gateway.get("/v1/usage?account_id=playground").await.ok()["totals"]["cost_micros"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_visitors_at_once_spend_no_cent_past_the_day_s_budget() {
    let gateway = budgets(|settings| settings.visitors.day_usd = Some(Decimal::new(75, 2))).await;
    let (made, refused) = crowd(&gateway, 200, false).await;
    // $0.75 pays for 37 images of $0.02.
    assert_eq!(made, 37);
    let message = refused.expect("the others are refused")["message"].clone();
    assert_eq!(
        message,
        "The budget of all visitors (day_usd) is exceeded: $0.02 required, $0.01 available"
    );
    assert_eq!(charged(&gateway).await, 740_000);
    // The next day has a budget of its own.
    gateway.clock.advance_s(DAY_S);
    let (made, _) = crowd(&gateway, 40, false).await;
    assert_eq!(made, 37);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_of_one_address_share_its_budget_and_each_session_has_its_own() {
    let gateway = budgets(|settings| {
        settings.visitors.address_day_usd = Some(Decimal::new(11, 2));
        settings.visitors.session_usd = Some(Decimal::new(5, 2));
    })
    .await;
    let session = visitor(&gateway).await;
    let ask = || of_page(&gateway, Method::POST, GENERATIONS, &session).json(&flat());
    for _ in 0..2 {
        send(ask()).await.ok();
    }
    let error = send(ask()).await.error(402, "BUDGET_EXCEEDED");
    assert_eq!(
        error["message"],
        "The budget of this API key (total_usd) is exceeded: $0.02 required, $0.01 available"
    );
    let told = send(of_page(&gateway, Method::POST, "/session", &session)).await.ok();
    assert_eq!(told["left"]["amount"], 0.01);
    let (made, refused) = crowd(&gateway, 20, true).await;
    assert_eq!(made, 5);
    let message = refused.expect("the others are refused")["message"].clone();
    assert_eq!(
        message,
        "The budget of visitors from this address (address_day_usd) is exceeded: $0.02 required, $0.01 available"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_providers_are_not_for_visitors_until_the_operator_says_so() {
    let gateway = TestGateway::start().await;
    let refused = visitor_from(&gateway, "192.0.2.1").await;
    refused.error(401, "AUTHENTICATION_FAILED");
    gateway.finish().await;
    let open = TestGateway::with(|settings| settings.visitors.access = VisitorAccess::On).await;
    let session = visitor(&open).await;
    send(of_page(&open, Method::POST, GENERATIONS, &session).json(&flat()))
        .await
        .ok();
    let foreign = open
        .anonymous(Method::POST, "/session")
        .header("origin", "http://evil.example");
    send(foreign).await.error(403, "PERMISSION_DENIED");
    open.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_https_the_cookie_is_secure() {
    let gateway = TestGateway::embedded_with(|settings| {
        settings.public_url = Some("https://pictor.example".to_owned());
    })
    .await;
    let request = |origin: &str| {
        gateway
            .anonymous(Method::POST, "/session")
            .header("origin", origin.to_owned())
            .header("host", "pictor.example")
    };
    let reply = send(request("https://pictor.example")).await;
    assert!(
        reply.header("set-cookie").contains("; Secure"),
        "{}",
        reply.header("set-cookie")
    );
    send(request("http://pictor.example"))
        .await
        .error(403, "PERMISSION_DENIED");
    gateway.finish().await;
}
