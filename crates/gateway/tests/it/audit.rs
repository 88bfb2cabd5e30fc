//! Each change of keys, accounts and money leaves a line: who, what, from where.

use gateway::auth::Scope;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Reply, TestGateway, send};

async fn asked(gateway: &TestGateway, method: Method, path: &str, body: Value) -> Reply {
    gateway.clock.advance_s(1);
    send(gateway.request(method, path).json(&body)).await
}

fn made(reply: &Reply) -> Value {
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    reply.json()
}

/// The lines of the audit with a query, newest first.
async fn lines(gateway: &TestGateway, query: &str) -> Vec<Value> {
    let page = gateway.get(&format!("/v1/audit{query}")).await.ok();
    page["data"].as_array().expect("a list").clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_operators_do_is_told_with_who_and_from_where() {
    let gateway = TestGateway::start().await;
    let key_of = |token: &str| {
        token
            .trim_start_matches("pk_")
            .split('.')
            .next()
            .expect("an id")
            .to_owned()
    };
    let admin = key_of(&gateway.key);
    let order = json!({ "id": "team", "billing_type": "prepaid" });
    made(&asked(&gateway, Method::POST, "/v1/accounts", order.clone()).await);
    let change = json!({ "stores_payloads": true });
    asked(&gateway, Method::PATCH, "/v1/accounts/team", change.clone())
        .await
        .ok();
    let money = json!({ "kind": "top_up", "amount_usd": 5, "id": "first" });
    let posted = asked(&gateway, Method::POST, "/v1/accounts/team/postings", money.clone()).await;
    made(&posted);
    let again = asked(&gateway, Method::POST, "/v1/accounts/team/postings", money.clone()).await;
    again.ok();
    let named = json!({ "name": "robot", "account_id": "team" });
    let new = made(&asked(&gateway, Method::POST, "/v1/keys", named.clone()).await);
    let key = new["id"].as_str().expect("an id");
    let renamed = json!({ "name": "machine" });
    asked(&gateway, Method::PATCH, &format!("/v1/keys/{key}"), renamed.clone())
        .await
        .ok();
    let revoked = asked(&gateway, Method::DELETE, &format!("/v1/keys/{key}"), json!(null)).await;
    revoked.ok();
    // What is refused or done already changes nothing, and leaves no line.
    asked(&gateway, Method::POST, "/v1/accounts", order.clone())
        .await
        .error(409, "INVALID_REQUEST");
    asked(&gateway, Method::DELETE, &format!("/v1/keys/{key}"), json!(null))
        .await
        .ok();

    let told = lines(&gateway, "").await;
    let expected = [
        ("key_revoke", key, json!({ "force": false })),
        ("key_change", key, renamed),
        ("key_create", key, named),
        ("posting_create", "first", money),
        ("account_change", "team", change),
        ("account_create", "team", order),
    ];
    assert_eq!(told.len(), expected.len(), "{told:#?}");
    for (line, (action, target, details)) in told.iter().zip(&expected) {
        assert_eq!(
            (line["action"].as_str(), line["target"].as_str()),
            (Some(*action), Some(*target))
        );
        assert_eq!(line["details"], *details);
        assert_eq!(line["account_id"], "team");
        assert_eq!(
            line["actor"],
            json!({ "type": "key", "id": admin, "account_id": "default" })
        );
        assert_eq!(line["address"], "127.0.0.1");
    }
    assert_eq!(told[0]["request_id"], revoked.id());
    let secret = new["key"].as_str().expect("a secret");
    assert!(
        !json!(told)
            .to_string()
            .contains(secret.split('.').nth(1).expect("a secret"))
    );

    assert_eq!(lines(&gateway, "?action=posting_create").await.len(), 1);
    assert_eq!(lines(&gateway, "?account_id=default").await.len(), 0);
    assert_eq!(lines(&gateway, &format!("?key_id={admin}&limit=2")).await, told[..2]);
    let after = format!("?starting_after={}", told[1]["id"].as_str().expect("an id"));
    assert_eq!(lines(&gateway, &after).await, told[2..]);
    gateway
        .get("/v1/audit?action=nothing")
        .await
        .error(400, "INVALID_REQUEST");
    let reader = gateway.new_key(&[Scope::Read], None).await.token;
    let refused = send(gateway.anonymous(Method::GET, "/v1/audit").bearer_auth(reader)).await;
    refused.error(403, "PERMISSION_DENIED");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_leaves_lines_too() {
    let gateway = TestGateway::start().await;
    gateway
        .pictor(&["ledger", "create-account", "team", "--prepaid"])
        .await
        .ok();
    gateway.pictor(&["ledger", "top-up", "team", "5"]).await.ok();
    let made = gateway.pictor(&["keys", "create", "--account", "team"]).await;
    let token = made.ok();
    gateway.pictor(&["keys", "revoke", token]).await.ok();
    let told = lines(&gateway, "?account_id=team").await;
    let actions: Vec<&str> = told.iter().filter_map(|line| line["action"].as_str()).collect();
    assert_eq!(
        actions,
        ["key_revoke", "key_create", "posting_create", "account_create"]
    );
    for line in &told {
        assert_eq!(line["actor"]["type"], "command_line");
        assert_eq!(line["address"], Value::Null);
    }
    gateway.finish().await;
}
