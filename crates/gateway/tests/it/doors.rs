//! Every route by every kind of key: who gets in, made from `/openapi.json`, so that a new route has to say whom it lets in.

use std::collections::BTreeMap;

use gateway::auth::{self, KeyOrder, Scope};
use gateway::db::DEFAULT_ACCOUNT;
use gateway::db::keys::KeyTerms;
use jiff::SignedDuration;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Reply, TestGateway, send};
use super::requests::other_account;

/// Whom an operation lets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// Everybody.
    Open,
    /// Every key.
    Key,
    /// Keys with this scope.
    Scoped(Scope),
    /// Keys that made what it is about, and admins.
    Own,
}

use Door::{Key, Open, Own, Scoped};

/// Every operation by its id.
const DOORS: [(&str, Door); 54] = [
    ("audit", Scoped(Scope::Admin)),
    ("balance", Scoped(Scope::Read)),
    ("changeAccount", Scoped(Scope::Admin)),
    ("changeExhibit", Own),
    ("deleteExhibit", Own),
    ("changeKey", Scoped(Scope::Admin)),
    ("changeReport", Scoped(Scope::Admin)),
    ("changeSuggestion", Scoped(Scope::Admin)),
    ("changeVoter", Scoped(Scope::Admin)),
    ("createAccount", Scoped(Scope::Admin)),
    ("createBattle", Scoped(Scope::Read)),
    ("createEntry", Scoped(Scope::Admin)),
    ("createKey", Scoped(Scope::Admin)),
    ("createPosting", Scoped(Scope::Admin)),
    ("deleteOpinion", Scoped(Scope::Admin)),
    ("demonstrate", Scoped(Scope::Admin)),
    ("editImages", Scoped(Scope::Generate)),
    ("editImagesAtDeployment", Scoped(Scope::Generate)),
    ("eraseUser", Scoped(Scope::Admin)),
    ("generateImages", Scoped(Scope::Generate)),
    ("generateImagesAtDeployment", Scoped(Scope::Generate)),
    ("healthz", Open),
    ("leaderboard", Scoped(Scope::Read)),
    ("linkSecret", Scoped(Scope::Admin)),
    ("listAccounts", Scoped(Scope::Admin)),
    ("listCompetitions", Scoped(Scope::Read)),
    ("listExhibits", Scoped(Scope::Read)),
    ("listKeys", Scoped(Scope::Read)),
    ("listModels", Key),
    ("listPostings", Scoped(Scope::Admin)),
    ("listReports", Scoped(Scope::Admin)),
    ("listRequests", Scoped(Scope::Read)),
    ("listSuggestions", Scoped(Scope::Admin)),
    ("listVoters", Scoped(Scope::Admin)),
    ("media", Open),
    ("metrics", Open),
    ("openapi", Open),
    ("providerHealth", Scoped(Scope::Read)),
    ("publish", Scoped(Scope::Generate)),
    ("purgeRequest", Own),
    ("putOpinion", Scoped(Scope::Admin)),
    ("readyz", Open),
    ("reportExhibit", Scoped(Scope::Read)),
    ("retrieveAccount", Scoped(Scope::Admin)),
    ("retrieveKey", Scoped(Scope::Read)),
    ("retrieveModel", Key),
    ("retrieveRequest", Scoped(Scope::Read)),
    ("rotateLinkSecret", Scoped(Scope::Admin)),
    ("rotateWebhookSecret", Scoped(Scope::Admin)),
    ("suggest", Scoped(Scope::Read)),
    ("takeVoteBack", Scoped(Scope::Read)),
    ("usage", Scoped(Scope::Read)),
    ("vote", Scoped(Scope::Read)),
    ("webhookSecret", Scoped(Scope::Generate)),
];
/// Told beside the others, as it ends the key that it is asked with.
const REVOKE: (&str, Door) = ("revokeKey", Scoped(Scope::Admin));

/// An operation as the document has it.
struct Operation {
    id: String,
    method: Method,
    path: String,
}

async fn operations(gateway: &TestGateway) -> Vec<Operation> {
    let document = gateway.get("/openapi.json").await.ok();
    let paths = document["paths"].as_object().expect("paths");
    let told = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods");
        methods.iter().map(move |(method, operation)| Operation {
            id: operation["operationId"].as_str().expect("an id").to_owned(),
            method: method.to_uppercase().parse().expect("a method"),
            path: path.clone(),
        })
    });
    told.collect()
}

/// A key of the default account, by its scopes.
async fn key(gateway: &TestGateway, scopes: &[Scope], terms: KeyTerms) -> auth::NewKey {
    let order = KeyOrder {
        account_id: DEFAULT_ACCOUNT.to_owned(),
        name: "test".to_owned(),
        scopes: scopes.to_vec(),
        terms,
    };
    auth::create(&gateway.database, order, gateway.clock.now())
        .await
        .expect("a key is made")
}

/// Asks an operation about `id`, with nothing that it could do.
async fn ask(gateway: &TestGateway, operation: &Operation, id: &str, token: Option<&str>) -> Reply {
    let mut path = operation.path.clone();
    for name in ["{id}", "{model}", "{file}", "{battle}"] {
        path = path.replace(name, id);
    }
    let mut request = gateway.anonymous(operation.method.clone(), &path);
    if operation.method != Method::GET {
        request = request.json(&json!({ "no such field": 1 }));
    }
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    send(request).await
}

fn is_let_in(reply: &Reply) -> bool {
    ![StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&reply.status)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_lets_in_whom_it_should_and_nobody_else() {
    let gateway = TestGateway::embedded().await;
    let now = gateway.clock.now();
    let all = [Scope::Generate, Scope::Read, Scope::Admin];
    let revoked = key(&gateway, &all, KeyTerms::default()).await;
    let done = gateway.database.revoke_key(&revoked.row.id, now, None).await;
    assert!(done.expect("the database answers"));
    let soon = now.checked_add(SignedDuration::from_secs(1)).expect("a time");
    let ends = KeyTerms {
        expires_at: Some(soon),
        ..KeyTerms::default()
    };
    let expired = key(&gateway, &all, ends).await.token;
    gateway.clock.advance_s(2);
    let strangers = [
        ("none", None),
        ("revoked", Some(revoked.token.as_str())),
        ("expired", Some(expired.as_str())),
        ("unknown", Some("pk_aaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbb")),
        ("malformed", Some("sk-123")),
    ];
    let doors: BTreeMap<&str, Door> = DOORS.into_iter().chain([REVOKE]).collect();
    let operations = operations(&gateway).await;
    let described: Vec<&str> = operations.iter().map(|operation| operation.id.as_str()).collect();
    for id in &described {
        assert!(doors.contains_key(id), "'{id}' is in no row of the table of doors");
    }
    for id in doors.keys() {
        assert!(described.contains(id), "'{id}' is no operation any more");
    }
    for operation in &operations {
        let door = doors[operation.id.as_str()];
        for (kind, token) in strangers {
            let reply = ask(&gateway, operation, "nothing", token).await;
            let is_stranger = reply.status == StatusCode::UNAUTHORIZED;
            assert_eq!(
                is_stranger,
                door != Open,
                "{} with a key that is {kind}: {}",
                operation.id,
                reply.text()
            );
        }
        for scope in all {
            let token = key(&gateway, &[scope], KeyTerms::default()).await.token;
            let reply = ask(&gateway, operation, "nothing", Some(&token)).await;
            let expected = match door {
                Open | Key | Own => true,
                Scoped(needed) => scope == Scope::Admin || scope == needed,
            };
            assert_eq!(
                is_let_in(&reply),
                expected,
                "{} with the scope {}: {}",
                operation.id,
                scope.as_str(),
                reply.text()
            );
        }
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_another_accounts_is_not_there() {
    let gateway = TestGateway::embedded().await;
    let done = gateway
        .generate(json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "response_format": "b64_json" }))
        .await;
    done.ok();
    let other = other_account(&gateway, &[Scope::Generate, Scope::Read]).await;
    let own = gateway
        .key
        .trim_start_matches("pk_")
        .split('.')
        .next()
        .expect("an id")
        .to_owned();
    let operations = operations(&gateway).await;
    let one = |id: &str| {
        operations
            .iter()
            .find(|operation| operation.id == id)
            .expect("it is there")
    };
    for (id, about) in [
        ("retrieveRequest", done.id()),
        ("purgeRequest", done.id()),
        ("retrieveKey", own),
    ] {
        let reply = ask(&gateway, one(id), &about, Some(&other)).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{id}: {}", reply.text());
    }
    for list in ["listRequests", "usage"] {
        let told = ask(&gateway, one(list), "", Some(&other)).await.ok();
        assert_eq!(told["data"], json!([]), "{list}");
    }
    let keys = ask(&gateway, one("listKeys"), "", Some(&other)).await.ok();
    let owners: Vec<&Value> = keys["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|key| &key["account_id"])
        .collect();
    assert_eq!(owners, ["other"]);
    gateway.finish().await;
}
