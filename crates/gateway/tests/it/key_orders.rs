//! `/v1/keys`: orders, pages, changes and revocations, and who may do what.

mod rights;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Reply, TestGateway, names, send};

/// Fields of a key.
const FIELDS: [&str; 20] = [
    "account_id",
    "budget",
    "created_at",
    "expires_at",
    "id",
    "last_four",
    "log_retention_days",
    "media_ttl_s",
    "models",
    "name",
    "object",
    "providers",
    "rate_limit",
    "response_format",
    "revoked_at",
    "route",
    "rules",
    "scopes",
    "spent",
    "status",
];

/// A key with everything set.
fn whole() -> Value {
    json!({
        "name": "  nightly jobs ", "scopes": ["read", "generate", "read"],
        "budget": { "total_usd": 10, "day_usd": 0.5, "month_usd": 2.000001 },
        "rate_limit": { "requests_per_minute": 30, "concurrent": 4 },
        "models": ["mock-image", "gpt-image-1-mini", "mock-image"], "providers": ["fal", "openai"],
        "route": { "strategy": "cheapest", "avoid": ["replicate"], "max_price_usd": 0.5 },
        "response_format": "b64_json", "expires_at": "2027-01-01T01:00:00+01:00",
    })
}

async fn order(gateway: &TestGateway, body: &Value) -> Reply {
    send(gateway.request(Method::POST, "/v1/keys").json(body)).await
}

/// A key that was made.
async fn made(gateway: &TestGateway, body: &Value) -> Value {
    let reply = order(gateway, body).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    reply.json()
}

/// Makes the account `other`.
async fn other_account(gateway: &TestGateway) {
    let body = json!({ "id": "other", "billing_type": "prepaid" });
    let reply = send(gateway.request(Method::POST, "/v1/accounts").json(&body)).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
}

async fn change(gateway: &TestGateway, id: &Value, body: Value) -> Reply {
    let path = format!("/v1/keys/{}", id.as_str().expect("an id"));
    send(gateway.request(Method::PATCH, &path).json(&body)).await
}

async fn revoke(gateway: &TestGateway, id: &str, query: &str) -> Reply {
    send(gateway.request(Method::DELETE, &format!("/v1/keys/{id}{query}"))).await
}

async fn by(gateway: &TestGateway, token: &str, path: &str) -> Reply {
    send(gateway.anonymous(Method::GET, path).bearer_auth(token)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_has_what_was_ordered_and_its_secret_is_told_once() {
    let gateway = TestGateway::start().await;
    gateway.clock.advance_s(1);
    let reply = order(&gateway, &whole()).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    assert_eq!(reply.header("cache-control"), "no-store");
    let mut key = reply.json();
    let (id, token) = (key["id"].clone(), key["key"].as_str().expect("a secret").to_owned());
    let secret = token
        .strip_prefix(&format!("pk_{}.", id.as_str().expect("an id")))
        .expect("the id is a part of it");
    assert_eq!(key["last_four"], secret[secret.len() - 4..]);
    key.as_object_mut().expect("an object").remove("key");
    assert_eq!(names(&key), FIELDS);
    for (name, value) in [
        ("object", json!("key")),
        ("name", json!("nightly jobs")),
        ("account_id", json!("default")),
        ("scopes", json!(["generate", "read"])),
        ("status", json!("active")),
        (
            "budget",
            json!({ "total_usd": 10.0, "day_usd": 0.5, "month_usd": 2.000001 }),
        ),
        ("spent", json!({ "total_usd": 0.0, "day_usd": 0.0, "month_usd": 0.0 })),
        ("rate_limit", json!({ "requests_per_minute": 30, "concurrent": 4 })),
        ("models", json!(["mock-image", "gpt-image-1-mini"])),
        ("providers", json!(["fal", "openai"])),
        (
            "route",
            json!({ "strategy": "cheapest", "avoid": ["replicate"], "max_price_usd": 0.5 }),
        ),
        ("response_format", json!("b64_json")),
        ("expires_at", json!("2027-01-01T00:00:00Z")),
        ("created_at", json!(gateway.clock.now().to_string())),
        ("revoked_at", Value::Null),
    ] {
        assert_eq!(key[name], value, "{name}");
    }
    let path = format!("/v1/keys/{}", id.as_str().expect("an id"));
    assert_eq!(gateway.get(&path).await.ok(), key);
    assert_eq!(gateway.get("/v1/keys").await.ok()["data"][0], key);
    by(&gateway, &token, "/v1/balance").await.ok();
    super::harness::check_no_secret(&[secret]);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_order_makes_a_plain_key_and_aliases_become_ids() {
    let gateway = TestGateway::start().await;
    let key = made(&gateway, &json!({})).await;
    assert_eq!(
        (&key["name"], &key["scopes"]),
        (&json!("unnamed"), &json!(["generate", "read"]))
    );
    assert_eq!((&key["models"], &key["providers"]), (&json!([]), &json!([])));
    assert_eq!(
        key["rate_limit"],
        json!({ "requests_per_minute": null, "concurrent": null })
    );
    let catalog = super::harness::catalog();
    let aliased = catalog
        .models()
        .find(|model| !model.aliases.is_empty())
        .expect("some model has an alias");
    let key = made(&gateway, &json!({ "models": [aliased.aliases[0], aliased.id] })).await;
    assert_eq!(key["models"], json!([aliased.id]));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_of_an_order_name_the_field_and_what_was_meant() {
    let gateway = TestGateway::start().await;
    for (body, param, says) in [
        (json!({ "nmae": "x" }), "nmae", "did you mean 'name'?"),
        (json!({ "name": "" }), "name", "1 to 100 characters"),
        (json!({ "name": "a\u{0}b" }), "name", "a line of text"),
        (json!({ "name": null }), "name", "cannot be null"),
        (json!({ "scopes": [] }), "scopes", "at least one"),
        (json!({ "scopes": ["write"] }), "scopes", "generate, read, admin"),
        (json!({ "scopes": "read" }), "scopes", "must be a list"),
        (json!({ "account_id": "nobody" }), "account_id", "there is no 'nobody'"),
        (json!({ "account_id": "a/b" }), "account_id", "letters, digits"),
        (json!({ "budget": 5 }), "budget", "must be an object"),
        (
            json!({ "budget": { "day_usd": -1 } }),
            "budget.day_usd",
            "must not be negative",
        ),
        (
            json!({ "budget": { "day_usd": 0.0000001 } }),
            "budget.day_usd",
            "at most 6 decimals",
        ),
        (
            json!({ "budget": { "day_usd": 1e12 } }),
            "budget.day_usd",
            "at most 1000000000",
        ),
        (
            json!({ "budget": { "day_usd": "5" } }),
            "budget.day_usd",
            "a number such as 12.5",
        ),
        (
            json!({ "budget": { "dayly_usd": 5 } }),
            "budget.dayly_usd",
            "did you mean 'budget.day_usd'?",
        ),
        (
            json!({ "rate_limit": { "requests_per_minute": 0 } }),
            "rate_limit.requests_per_minute",
            "from 1 to",
        ),
        (
            json!({ "rate_limit": { "concurrent": 1.5 } }),
            "rate_limit.concurrent",
            "whole number",
        ),
        (
            json!({ "models": ["gpt-image-1-mimi"] }),
            "models",
            "Did you mean 'gpt-image-1-mini'?",
        ),
        (
            json!({ "models": ["fal/gpt-image-1-mini"] }),
            "models",
            "the provider in 'providers'",
        ),
        (json!({ "models": [7] }), "models", "must be a list"),
        (
            json!({ "providers": ["openia"] }),
            "providers",
            "did you mean 'openai'?",
        ),
        (
            json!({ "response_format": "jpeg" }),
            "response_format",
            "'url' or 'b64_json'",
        ),
        (
            json!({ "expires_at": "2026-08-15T12:00:00Z" }),
            "expires_at",
            "a time to come",
        ),
        (json!({ "expires_at": "tomorrow" }), "expires_at", "a time to come"),
        (json!({ "route": "cheapest" }), "route", "must be an object"),
        (
            json!({ "route": { "strategy": "nearest" } }),
            "route.strategy",
            "cheapest",
        ),
        (
            json!({ "route": { "only": ["openia"] } }),
            "route.only",
            "Did you mean 'openai'?",
        ),
    ] {
        let error = order(&gateway, &body).await.fault(param);
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(says), "{body}: {message}");
    }
    let all = json!({ "name": 5, "models": ["one", "two"], "budget": { "day_usd": -1, "x": 1 }, "extra": true });
    let error = order(&gateway, &all).await.fault("name");
    let faults = error["metadata"]["faults"].as_array().expect("all of them");
    let params: Vec<&str> = faults.iter().filter_map(|fault| fault["param"].as_str()).collect();
    assert_eq!(
        params,
        ["name", "budget.day_usd", "budget.x", "models", "models", "extra"]
    );
    let listed = gateway.get("/v1/keys").await.ok();
    assert_eq!(
        listed["data"].as_array().map(Vec::len),
        Some(1),
        "none of them made a key"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_no_json_object_are_refused() {
    let gateway = TestGateway::start().await;
    let post = |kind: &str, text: &str| {
        let request = gateway.request(Method::POST, "/v1/keys").header("content-type", kind);
        send(request.body(text.to_owned()))
    };
    post("application/json", "").await.error(400, "INVALID_REQUEST");
    post("application/json", "[]").await.error(400, "INVALID_REQUEST");
    post("application/json", "{\"name\": \"x\"")
        .await
        .error(400, "INVALID_REQUEST");
    post("text/plain", "{}").await.error(415, "INVALID_REQUEST");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_leaves_what_it_does_not_name_and_null_clears() {
    let gateway = TestGateway::start().await;
    let mut key = made(&gateway, &whole()).await;
    let id = key["id"].clone();
    key.as_object_mut().expect("an object").remove("key");
    assert_eq!(change(&gateway, &id, json!({})).await.ok(), key, "nothing was named");
    let changed = change(
        &gateway,
        &id,
        json!({ "name": "weekly", "budget": { "day_usd": null, "total_usd": 1.5 } }),
    )
    .await;
    let changed = changed.ok();
    assert_eq!(changed["name"], "weekly");
    assert_eq!(
        changed["budget"],
        json!({ "total_usd": 1.5, "day_usd": null, "month_usd": 2.000001 })
    );
    assert_eq!(
        (&changed["models"], &changed["expires_at"]),
        (&key["models"], &key["expires_at"])
    );
    let clear = json!({ "budget": null, "rate_limit": null, "models": null, "providers": [], "route": null, "response_format": null, "expires_at": null });
    let cleared = change(&gateway, &id, clear).await.ok();
    assert_eq!(
        cleared["budget"],
        json!({ "total_usd": null, "day_usd": null, "month_usd": null })
    );
    assert_eq!(
        cleared["rate_limit"],
        json!({ "requests_per_minute": null, "concurrent": null })
    );
    assert_eq!((&cleared["models"], &cleared["providers"]), (&json!([]), &json!([])));
    assert_eq!(cleared["route"], Value::Null);
    assert_eq!(
        (&cleared["response_format"], &cleared["expires_at"]),
        (&Value::Null, &Value::Null)
    );
    for (body, param) in [
        (json!({ "scopes": ["admin"] }), "scopes"),
        (json!({ "account_id": "default" }), "account_id"),
        (json!({ "name": null }), "name"),
        (json!({ "key": "x" }), "key"),
        (json!({ "expires_at": "2020-01-01T00:00:00Z" }), "expires_at"),
    ] {
        change(&gateway, &id, body).await.fault(param);
    }
    for unknown in ["nobody", "%00", "a%2Fb", "%ff"] {
        let reply = send(
            gateway
                .request(Method::PATCH, &format!("/v1/keys/{unknown}"))
                .json(&json!({})),
        )
        .await;
        reply.error(404, "INVALID_REQUEST");
        gateway
            .get(&format!("/v1/keys/{unknown}"))
            .await
            .error(404, "INVALID_REQUEST");
        revoke(&gateway, unknown, "").await.error(404, "INVALID_REQUEST");
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_at_once_do_not_undo_each_other() {
    let gateway = TestGateway::start().await;
    let id = made(&gateway, &json!({})).await["id"].clone();
    let bodies = [
        json!({ "name": "both" }),
        json!({ "budget": { "day_usd": 1 } }),
        json!({ "budget": { "month_usd": 2 } }),
        json!({ "models": ["mock-image"] }),
        json!({ "rate_limit": { "concurrent": 3 } }),
    ];
    for reply in join_all(bodies.into_iter().map(|body| change(&gateway, &id, body))).await {
        reply.ok();
    }
    let key = gateway
        .get(&format!("/v1/keys/{}", id.as_str().expect("an id")))
        .await
        .ok();
    assert_eq!((&key["name"], &key["models"]), (&json!("both"), &json!(["mock-image"])));
    assert_eq!(
        key["budget"],
        json!({ "total_usd": null, "day_usd": 1.0, "month_usd": 2.0 })
    );
    assert_eq!(key["rate_limit"]["concurrent"], 3);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_filters_show_the_keys_that_fit() {
    let gateway = TestGateway::start().await;
    other_account(&gateway).await;
    let mut made_ids = Vec::new();
    for index in 0..5 {
        gateway.clock.advance_s(1);
        let account = if index == 2 { "other" } else { "default" };
        let expires = if index == 3 {
            json!("2026-08-15T12:01:00Z")
        } else {
            Value::Null
        };
        let key = made(
            &gateway,
            &json!({ "name": format!("{index}"), "account_id": account, "expires_at": expires }),
        )
        .await;
        made_ids.insert(0, key["id"].as_str().expect("an id").to_owned());
    }
    revoke(&gateway, &made_ids[0], "").await.ok();
    gateway.clock.advance_s(60);
    let shown = async |path: &str| -> (Vec<String>, Value) {
        let list = gateway.get(path).await.ok();
        let data = list["data"].as_array().expect("a list").iter();
        (
            data.map(|key| key["name"].as_str().expect("a name").to_owned())
                .collect(),
            list,
        )
    };
    let (all, list) = shown("/v1/keys").await;
    assert_eq!(all, ["4", "3", "2", "1", "0", "first key"]);
    assert_eq!(
        (&list["object"], &list["next_page_url"], &list["previous_page_url"]),
        (&json!("list"), &Value::Null, &Value::Null)
    );
    for (query, expected) in [
        ("status=revoked", vec!["4"]),
        ("status=expired", vec!["3"]),
        ("status=active", vec!["2", "1", "0", "first key"]),
        ("account_id=other", vec!["2"]),
        ("account_id=nobody", vec![]),
        ("account_id=default&status=active", vec!["1", "0", "first key"]),
    ] {
        assert_eq!(shown(&format!("/v1/keys?{query}")).await.0, expected, "{query}");
    }
    let (first, list) = shown("/v1/keys?limit=2&account_id=default").await;
    assert_eq!(first, ["4", "3"]);
    let (second, list) = shown(list["next_page_url"].as_str().expect("there is more")).await;
    assert_eq!(second, ["1", "0"], "the filter is kept");
    let (third, _) = shown(list["next_page_url"].as_str().expect("there is more")).await;
    assert_eq!(third, ["first key"]);
    let (back, _) = shown(list["previous_page_url"].as_str().expect("there was something")).await;
    assert_eq!(back, first);
    for (query, param) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("status=gone", "status"),
        ("stauts=active", "stauts"),
        ("starting_after=nobody", "starting_after"),
        ("starting_after=%00", "starting_after"),
    ] {
        gateway.get(&format!("/v1/keys?{query}")).await.fault(param);
    }
    gateway.finish().await;
}
