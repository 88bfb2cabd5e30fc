//! Who may order keys, and revoking them.

use super::super::harness::{TestGateway, send};
use super::{by, made, other_account, revoke};
use futures_util::future::join_all;
use gateway::auth::Scope;
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_order_keys_and_readers_see_those_of_their_account() {
    let gateway = TestGateway::start().await;
    other_account(&gateway).await;
    let foreign = made(&gateway, &json!({ "account_id": "other" })).await;
    let foreign_path = format!("/v1/keys/{}", foreign["id"].as_str().expect("an id"));
    let reader = gateway.new_key(&[Scope::Read], None).await;
    let maker = gateway.new_key(&[Scope::Generate], None).await;
    let own_path = format!("/v1/keys/{}", reader.row.id);
    for (method, path) in [
        (Method::POST, "/v1/keys"),
        (Method::PATCH, own_path.as_str()),
        (Method::DELETE, own_path.as_str()),
    ] {
        for token in [&reader.token, &maker.token] {
            let request = gateway
                .anonymous(method.clone(), path)
                .bearer_auth(token)
                .json(&json!({}));
            let error = send(request).await.error(403, "PERMISSION_DENIED");
            assert!(
                error["message"].as_str().is_some_and(|text| text.contains("'admin'")),
                "{error}"
            );
        }
    }
    by(&gateway, &maker.token, "/v1/keys")
        .await
        .error(403, "PERMISSION_DENIED");
    by(&gateway, &maker.token, &own_path)
        .await
        .error(403, "PERMISSION_DENIED");
    let seen = by(&gateway, &reader.token, "/v1/keys").await.ok();
    let accounts: Vec<&Value> = seen["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|key| &key["account_id"])
        .collect();
    assert_eq!(accounts, ["default", "default", "default"]);
    by(&gateway, &reader.token, &own_path).await.ok();
    by(&gateway, &reader.token, "/v1/keys?account_id=default").await.ok();
    by(&gateway, &reader.token, "/v1/keys?account_id=other")
        .await
        .error(403, "PERMISSION_DENIED");
    by(&gateway, &reader.token, &foreign_path)
        .await
        .error(404, "INVALID_REQUEST");
    let cursor = format!("/v1/keys?starting_after={}", foreign["id"].as_str().expect("an id"));
    by(&gateway, &reader.token, &cursor).await.fault("starting_after");
    // A key of another account sees its own account alone.
    let seen = by(&gateway, foreign["key"].as_str().expect("a secret"), "/v1/keys")
        .await
        .ok();
    assert_eq!(seen["data"].as_array().map(Vec::len), Some(1));
    gateway.get(&foreign_path).await.ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_stops_at_once_and_stays_revoked() {
    let gateway = TestGateway::start().await;
    let key = made(&gateway, &json!({})).await;
    let (id, token) = (
        key["id"].as_str().expect("an id"),
        key["key"].as_str().expect("a secret"),
    );
    by(&gateway, token, "/v1/balance").await.ok();
    let revoked = revoke(&gateway, id, "").await.ok();
    assert_eq!(
        (&revoked["status"], &revoked["revoked_at"]),
        (&json!("revoked"), &json!(gateway.clock.now().to_string()))
    );
    by(&gateway, token, "/v1/balance")
        .await
        .error(401, "AUTHENTICATION_FAILED");
    gateway.clock.advance_s(60);
    assert_eq!(
        revoke(&gateway, id, "").await.ok(),
        revoked,
        "again is no error and changes nothing"
    );
    assert_eq!(revoke(&gateway, id, "?force=true").await.ok(), revoked);
    revoke(&gateway, id, "?forse=true").await.fault("forse");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_admin_key_is_not_revoked_by_accident() {
    let gateway = TestGateway::start().await;
    let own = gateway
        .key
        .strip_prefix("pk_")
        .and_then(|rest| rest.split_once('.'))
        .expect("a key")
        .0
        .to_owned();
    // Keys that cannot stand in: without the scope, expired, or revoked.
    made(&gateway, &json!({})).await;
    made(
        &gateway,
        &json!({ "scopes": ["admin"], "expires_at": "2026-08-15T12:00:30Z" }),
    )
    .await;
    let gone = made(&gateway, &json!({ "scopes": ["admin"] })).await;
    revoke(&gateway, gone["id"].as_str().expect("an id"), "").await.ok();
    gateway.clock.advance_s(30);
    let reply = revoke(&gateway, &own, "").await;
    let error = reply.error(409, "INVALID_REQUEST");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("?force=true")),
        "{error}"
    );
    assert_eq!(reply.header("x-should-retry"), "false");
    gateway.get("/v1/balance").await.ok();
    let other = made(&gateway, &json!({ "scopes": ["admin"] })).await;
    revoke(&gateway, &own, "").await.ok();
    gateway.get("/v1/balance").await.error(401, "AUTHENTICATION_FAILED");
    let path = format!("/v1/keys/{}?force=true", other["id"].as_str().expect("an id"));
    let token = other["key"].as_str().expect("a secret");
    send(gateway.anonymous(Method::DELETE, &path).bearer_auth(token))
        .await
        .ok();
    by(&gateway, token, "/v1/keys")
        .await
        .error(401, "AUTHENTICATION_FAILED");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_admin_keys_revoked_all_at_once_one_stays() {
    let gateway = TestGateway::start().await;
    for _ in 0..7 {
        made(&gateway, &json!({ "scopes": ["admin"] })).await;
    }
    let listed = gateway.get("/v1/keys").await.ok();
    let ids: Vec<&str> = listed["data"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|key| key["id"].as_str())
        .collect();
    let now = gateway.clock.now();
    let replica = gateway.replica().await;
    let ends = join_all(ids.iter().enumerate().map(|(index, id)| {
        let database = if index % 2 == 0 {
            &gateway.database
        } else {
            &replica.database
        };
        database.revoke_key_but_last_admin(id, now, None)
    }));
    let done = ends.await.into_iter().map(|end| end.expect("the database answers"));
    assert_eq!(
        done.filter(|end| *end == gateway::db::keys::Revocation::Done).count(),
        ids.len() - 1
    );
    replica.finish().await;
    gateway.finish().await;
}
