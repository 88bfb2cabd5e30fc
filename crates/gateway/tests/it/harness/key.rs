//! An API key that a test makes over HTTP, and what is done with it.

use reqwest::{Method, StatusCode};
use serde_json::Value;

use super::{GENERATIONS, Reply, TestGateway, send};

/// A key as its maker knows it.
pub(crate) struct Key {
    /// Where it is shown and changed.
    pub(crate) path: String,
    /// Its secret.
    pub(crate) token: String,
}

impl Key {
    /// Makes a key of these terms.
    pub(crate) async fn made(gateway: &TestGateway, terms: &Value) -> Self {
        let reply = send(gateway.request(Method::POST, "/v1/keys").json(terms)).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
        let key = reply.json();
        Self {
            path: format!("/v1/keys/{}", key["id"].as_str().expect("an id")),
            token: key["key"].as_str().expect("a secret").to_owned(),
        }
    }

    /// Generates with it.
    pub(crate) async fn generate(&self, gateway: &TestGateway, body: &Value) -> Reply {
        self.post(gateway, GENERATIONS, body).await
    }

    /// Posts with it.
    pub(crate) async fn post(&self, gateway: &TestGateway, path: &str, body: &Value) -> Reply {
        let request = gateway.anonymous(Method::POST, path).bearer_auth(&self.token);
        send(request.json(body)).await
    }

    /// Changes its terms. Gives the key as it then is.
    pub(crate) async fn change(&self, gateway: &TestGateway, terms: Value) -> Value {
        send(gateway.request(Method::PATCH, &self.path).json(&terms)).await.ok()
    }

    /// What was spent with it.
    pub(crate) async fn spent(&self, gateway: &TestGateway) -> Value {
        gateway.get(&self.path).await.ok()["spent"].clone()
    }
}
