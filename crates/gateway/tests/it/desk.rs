//! The operator's desk: who sees which page, what its forms do, and that sign-ins are told of.

mod log;

use gateway::auth::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Reply, TestGateway, send, try_send};
use super::sessions::{form, of_page, signed_in};

const OF_READERS: [&str; 7] = [
    "/app",
    "/app/requests",
    "/app/usage",
    "/app/keys",
    "/app/accounts",
    "/app/providers",
    "/app/media",
];
const OF_ADMINS: [&str; 7] = [
    "/app/sessions",
    "/app/arena",
    "/app/books?check=1",
    "/app/audit",
    "/app/catalog",
    "/app/settings",
    "/app/accounts/default",
];

async fn page(gateway: &TestGateway, path: &str, cookie: &str) -> Reply {
    let request = of_page(gateway, Method::GET, path, cookie).header("accept", "text/html");
    try_send(request).await.expect("an answer")
}

/// The token that forms of a session carry.
async fn token(gateway: &TestGateway, cookie: &str) -> String {
    let text = page(gateway, "/app", cookie).await.text();
    let token = text.split("name=\"form_token\" value=\"").nth(1).expect("a token");
    token.split('"').next().expect("its end").to_owned()
}

/// The public part of a key.
fn id_of(key: &str) -> &str {
    let public = key.strip_prefix("pk_").and_then(|rest| rest.split_once('.'));
    public.expect("a key").0
}

async fn audited(gateway: &TestGateway, action: &str) -> Vec<Value> {
    let found = gateway.get(&format!("/v1/audit?action={action}")).await.ok();
    found["data"].as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_page_is_for_who_may_see_it() {
    let gateway = TestGateway::embedded().await;
    let made = gateway
        .generate(json!({ "model": "gpt-image-1.5", "prompt": "<b>a kite</b>", "size": "1600x900", "seed": 7, "response_format": "url" }))
        .await;
    made.ok();
    let one = format!("/app/requests/{}", made.id());
    let admin = signed_in(&gateway, &gateway.key).await;
    for path in OF_READERS.into_iter().chain(OF_ADMINS).chain([one.as_str()]) {
        let shown = page(&gateway, path, &admin).await;
        assert_eq!(shown.status, StatusCode::OK, "{path}: {}", shown.text());
        assert_eq!(shown.header("cache-control"), "no-store", "{path}");
    }
    let told = page(&gateway, &one, &admin).await.text();
    for part in [
        "Time line",
        "Why in this order",
        "Given back",
        "left out",
        "1536 × 1024",
        "PICTOR_API_KEY",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(
        page(&gateway, "/app/books?check=1", &admin)
            .await
            .text()
            .contains("every rule holds")
    );

    let other = super::requests::other_account(&gateway, &[Scope::Read]).await;
    let reader = signed_in(&gateway, &other).await;
    for path in OF_READERS {
        let shown = page(&gateway, path, &reader).await;
        assert_eq!(shown.status, StatusCode::OK, "{path}: {}", shown.text());
        assert!(
            !shown.text().contains(&made.id()),
            "{path} shows another account's request"
        );
    }
    for path in OF_ADMINS {
        assert_eq!(
            page(&gateway, path, &reader).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
    }
    assert_eq!(page(&gateway, &one, &reader).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        page(&gateway, "/app/requests?account=default", &reader).await.status,
        StatusCode::OK,
        "told on the page, which keeps its filters"
    );
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client");
    for path in OF_READERS.into_iter().chain(OF_ADMINS) {
        let answer = client.get(format!("{}{path}", gateway.base));
        let answer = try_send(answer).await.expect("an answer");
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        let to = answer.header("location");
        assert!(to.starts_with("/app/sign-in?next=%2Fapp"), "{to}");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_searched_filtered_and_summed_up_on_the_server() {
    let gateway = TestGateway::embedded().await;
    let mut made = Vec::new();
    for place in 0..3 {
        let order = gateway
            .request(Method::POST, super::harness::GENERATIONS)
            .header("x-request-id", format!("order-{place}"))
            .json(&json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" }));
        let reply = send(order).await;
        reply.ok();
        made.push(reply.id());
        gateway.clock.advance_s(1);
    }
    let admin = signed_in(&gateway, &gateway.key).await;
    let rows = |text: &str| text.matches("data-request=").count();
    assert_eq!(rows(&page(&gateway, "/app/requests", &admin).await.text()), 3);
    assert_eq!(rows(&page(&gateway, "/app/requests?q=order-1", &admin).await.text()), 1);
    let whole = format!("/app/requests?status=rejected&q={}", made[1]);
    assert_eq!(
        rows(&page(&gateway, &whole, &admin).await.text()),
        1,
        "an id is found whatever the filters"
    );
    let none = page(&gateway, "/app/requests?status=rejected", &admin).await.text();
    assert!(none.contains("No request fits"), "{none}");
    let wrong = page(&gateway, "/app/requests?status=sideways", &admin).await;
    assert_eq!(wrong.status, StatusCode::OK);
    assert!(wrong.text().contains("role=\"alert\""), "{}", wrong.text());
    let totals = page(&gateway, "/app/requests/totals?days=all", &admin).await.text();
    assert!(
        totals.contains("<p class=\"fig\">3</p>") && !totals.contains("<html"),
        "{totals}"
    );
    let row = page(&gateway, &format!("/app/requests/{}/row", made[0]), &admin)
        .await
        .text();
    assert!(row.starts_with(&format!("<tr data-request=\"{}\"", made[0])), "{row}");
    let export = page(&gateway, "/app/requests/export?format=csv&q=order-2", &admin).await;
    assert!(
        export.text().contains(&made[2]) && !export.text().contains(&made[0]),
        "{}",
        export.text()
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_used_changed_and_revoked_by_forms() {
    let gateway = TestGateway::embedded().await;
    let admin = signed_in(&gateway, &gateway.key).await;
    let token = token(&gateway, &admin).await;
    let sent = async |path: &str, fields: &[(&str, &str)]| {
        let fields = [&[("form_token", token.as_str())][..], fields].concat();
        form(&gateway, path, &admin, &fields).await
    };
    let order = [
        ("name", "robot"),
        ("account_id", "default"),
        ("scopes", "generate"),
        ("scopes", "read"),
        ("day_usd", "2.50"),
    ];
    let made = sent("/app/keys", &order).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.text());
    let text = made.text();
    let key = text
        .split("pk_")
        .nth(1)
        .and_then(|rest| rest.split(['<', '"']).next())
        .expect("the key");
    let key = format!("pk_{key}");
    assert!(
        !page(&gateway, "/app/keys", &admin).await.text().contains(&key),
        "it is shown once"
    );
    let works = || gateway.anonymous(Method::GET, "/v1/balance").bearer_auth(&key);
    send(works()).await.ok();
    let id = id_of(&key);
    let path = format!("/app/keys/{id}");
    let changed = sent(&path, &[("name", "machine"), ("requests_per_minute", "30")]).await;
    assert_eq!(changed.status, StatusCode::SEE_OTHER, "{}", changed.text());
    let told = gateway.get(&format!("/v1/keys/{id}")).await.ok();
    assert_eq!(
        (
            &told["name"],
            &told["rate_limit"]["requests_per_minute"],
            &told["budget"]["day_usd"]
        ),
        (&json!("machine"), &json!(30), &Value::Null)
    );
    let wrong = sent(&path, &[("name", "machine"), ("day_usd", "much")]).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(
        wrong.text().contains("role=\"alert\"") && wrong.text().contains("value=\"much\""),
        "{}",
        wrong.text()
    );
    // A form from elsewhere, or from another session, does nothing.
    let other = signed_in(&gateway, &gateway.key).await;
    form(&gateway, &format!("{path}/revoke"), &other, &[("form_token", &token)]).await;
    form(&gateway, &format!("{path}/revoke"), &admin, &[]).await;
    let foreign = gateway
        .anonymous(Method::POST, &format!("{path}/revoke"))
        .header("origin", "http://evil.example")
        .header("cookie", &admin)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("form_token={token}"));
    let foreign = try_send(foreign).await.expect("an answer");
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    send(works()).await.ok();
    let revoked = sent(&format!("{path}/revoke"), &[]).await;
    assert_eq!(revoked.status, StatusCode::SEE_OTHER, "{}", revoked.text());
    send(works()).await.error(401, "AUTHENTICATION_FAILED");
    // The audit knows who did it, from where.
    let line = &audited(&gateway, "key_revoke").await[0];
    assert_eq!((&line["target"], &line["address"]), (&json!(id), &json!("127.0.0.1")));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_moves_once_however_often_its_form_is_sent() {
    let gateway = TestGateway::embedded().await;
    let admin = signed_in(&gateway, &gateway.key).await;
    let token = token(&gateway, &admin).await;
    let fields = [
        ("form_token", token.as_str()),
        ("id", "team"),
        ("billing_type", "prepaid"),
    ];
    let made = form(&gateway, "/app/accounts", &admin, &fields).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text());
    assert_eq!(made.header("location"), "/app/accounts/team");
    let shown = page(&gateway, "/app/accounts/team", &admin).await.text();
    let id = shown
        .split("name=\"id\" value=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .expect("an id");
    let fields = [
        ("form_token", token.as_str()),
        ("kind", "top_up"),
        ("amount_usd", "12.5"),
        ("note", "paid"),
        ("id", id),
    ];
    for _ in 0..2 {
        let posted = form(&gateway, "/app/accounts/team/postings", &admin, &fields).await;
        assert_eq!(posted.status, StatusCode::SEE_OTHER, "{}", posted.text());
    }
    let account = gateway.get("/v1/accounts/team").await.ok();
    assert_eq!(account["balance"]["available_usd"], 12.5);
    let shown = page(&gateway, "/app/accounts/team?done=1", &admin).await.text();
    assert!(
        shown.contains("$12.50") && shown.contains("top up") && shown.contains("paid"),
        "{shown}"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ins_are_told_of_whether_they_succeed_or_not() {
    let gateway = TestGateway::embedded().await;
    form(&gateway, "/app/sign-in", "", &[("key", "pk_guess.guess")]).await;
    gateway.clock.advance_s(1);
    form(&gateway, "/app/sign-in", "", &[("key", "nonsense")]).await;
    let cookie = signed_in(&gateway, &gateway.key).await;
    let token = token(&gateway, &cookie).await;
    form(&gateway, "/app/sign-out", &cookie, &[("form_token", &token)]).await;
    let own = id_of(&gateway.key);
    for action in ["sign_in", "sign_out"] {
        let lines = audited(&gateway, action).await;
        assert_eq!(lines.len(), 1, "{action}");
        assert_eq!(
            (&lines[0]["target"], &lines[0]["actor"]["id"]),
            (&json!(own), &json!(own)),
            "{action}"
        );
        assert_eq!(lines[0]["address"], "127.0.0.1");
    }
    let refused = audited(&gateway, "sign_in_refused").await;
    assert_eq!(refused.len(), 2);
    assert_eq!(
        (&refused[0]["target"], &refused[1]["target"]),
        (&Value::Null, &json!("guess"))
    );
    assert_eq!(refused[1]["actor"]["id"], Value::Null);
    assert!(!json!(refused).to_string().contains("nonsense"));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_begins_and_ends_is_heard_at_the_desk() {
    let gateway = TestGateway::embedded().await;
    let admin = signed_in(&gateway, &gateway.key).await;
    let events = of_page(&gateway, Method::GET, "/app/requests/events", &admin)
        .send()
        .await;
    let mut events = events.expect("an answer");
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    let made = gateway
        .generate(json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" }))
        .await;
    made.ok();
    let mut heard = String::new();
    while !heard.contains("event: ended") {
        let piece = events.chunk().await.expect("the stream goes on").expect("a piece");
        heard.push_str(&String::from_utf8_lossy(&piece));
    }
    let began = heard.find("event: began").expect("it began");
    assert!(heard[began..].contains(&made.id()), "{heard}");
    gateway.finish().await;
}
