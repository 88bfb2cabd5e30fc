//! Asking a provider for what it tells without cost.

use std::time::Duration;

use providers::{OutboundProxy, UpstreamAccess};
use reqwest::header::{AUTHORIZATION, HeaderName};
use reqwest::{Client, StatusCode};
use serde_json::Value;
use url::Url;

use crate::cli::Failed;

/// Longer than any list takes to come.
const PATIENCE: Duration = Duration::from_secs(60);
/// No list of models is longer.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// How a provider wants to be shown the credential.
#[derive(Debug, Clone, Copy)]
pub(super) enum Scheme {
    /// `Authorization: Bearer ...`
    Bearer,
    /// `Authorization: Key ...`
    Key,
    /// `x-goog-api-key: ...`
    Google,
}

/// A provider that can be asked.
pub(super) struct Asker<'a> {
    http: Client,
    scheme: Scheme,
    /// Where it is, with the credential.
    pub(super) endpoint: &'a UpstreamAccess,
}

impl<'a> Asker<'a> {
    /// The provider behind `endpoint`.
    pub(super) fn new(
        endpoint: &'a UpstreamAccess,
        scheme: Scheme,
        proxy: Option<&OutboundProxy>,
    ) -> Result<Self, reqwest::Error> {
        let http = providers::asking_client(proxy)?;
        Ok(Self { http, scheme, endpoint })
    }

    /// What `path` under the base address answers; `None` where nothing is there.
    pub(super) async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Option<Value>, Failed> {
        let base = self.endpoint.base_url.clone();
        self.get_from(base, path, query).await
    }

    /// The same under another address of the provider.
    pub(super) async fn get_from(
        &self,
        mut url: Url,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<Value>, Failed> {
        url.path_segments_mut()
            .map_err(|()| "the provider's address has no path")?
            .pop_if_empty()
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        // Its query is no secret, but long.
        let shown = format!("{}{}", url.origin().ascii_serialization(), url.path());
        let secret = self.endpoint.credential.expose();
        let (name, value) = match self.scheme {
            Scheme::Bearer => (AUTHORIZATION, format!("Bearer {secret}")),
            Scheme::Key => (AUTHORIZATION, format!("Key {secret}")),
            Scheme::Google => (HeaderName::from_static("x-goog-api-key"), secret.to_owned()),
        };
        let sent = self.http.get(url).header(name, value).timeout(PATIENCE).send().await;
        // An error of the client's may hold the address, never the credential.
        let mut answer = sent.map_err(|error| format!("{shown}: {}", error.without_url()))?;
        let status = answer.status();
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if !status.is_success() {
            // Its text may repeat a part of the credential.
            let hint = match status {
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST => {
                    ": it does not take the credential, or not for this"
                }
                StatusCode::TOO_MANY_REQUESTS => ": it wants to be asked more slowly; try again later",
                _ => "",
            };
            return Err(format!("{shown} answered {status}{hint}").into());
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            if bytes.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(format!("{shown} answered with more than {ANSWER_BYTES_MAX} bytes").into());
            }
            bytes.extend_from_slice(&chunk);
        }
        let value =
            serde_json::from_slice(&bytes).map_err(|error| format!("{shown} did not answer in JSON: {error}"))?;
        Ok(Some(value))
    }

    /// What must be there.
    pub(super) async fn list(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, Failed> {
        let found = self.get(path, query).await?;
        found.ok_or_else(|| format!("{} has no /{}", self.endpoint.base_url, path.join("/")).into())
    }
}
