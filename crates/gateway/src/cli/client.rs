//! Talking to a running gateway.

use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, Client, Method, RequestBuilder, Response};
use serde_json::Value;

use super::Failed;
use super::output::write;
use crate::FIRST_KEY_FILE;
use crate::settings::Settings;

/// Where the gateway is and who asks.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct Target {
    /// Address of the gateway.
    #[arg(long, env = "PICTOR_URL", default_value = "http://127.0.0.1:8484")]
    url: String,
    /// API key; the first key of a gateway in this folder when none is given.
    #[arg(long, env = "PICTOR_API_KEY", hide_env_values = true)]
    key: Option<String>,
}

/// Longer than any generation may take by default, so that the gateway's own answer is seen.
const TIMEOUT: Duration = Duration::from_secs(600);

/// How long is waited for a gateway that may not be there.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);

/// A gateway that can be asked.
pub(super) struct Gateway {
    http: Client,
    url: String,
    key: String,
}

impl Gateway {
    /// The gateway of `target`.
    pub(super) fn new(target: &Target) -> Result<Self, Failed> {
        let key = match &target.key {
            Some(key) => key.clone(),
            None => {
                let folder = std::env::var("PICTOR_DATA_DIR").unwrap_or_else(|_| "pictor-data".to_owned());
                first_key(Path::new(&folder)).ok_or("no API key: give --key or set PICTOR_API_KEY")?
            }
        };
        Self::at(&target.url, key, TIMEOUT, [])
    }

    /// The gateway that these settings make, if it runs: at `PICTOR_URL`, else where it would listen.
    pub(super) fn of(settings: &Settings) -> Result<Self, Failed> {
        let url = std::env::var("PICTOR_URL").unwrap_or_else(|_| settings.own_url());
        let key = std::env::var("PICTOR_API_KEY").ok();
        let key = key.or_else(|| first_key(&settings.data_dir)).unwrap_or_default();
        // Nobody else may have signed it.
        let own = settings
            .tls_certificate
            .as_ref()
            .and_then(|path| std::fs::read(path).ok());
        let trusted = own.and_then(|pem| Certificate::from_pem_bundle(&pem).ok());
        Self::at(&url, key, LOOK_TIMEOUT, trusted.unwrap_or_default())
    }

    fn at(
        url: &str,
        key: String,
        timeout: Duration,
        trusted: impl IntoIterator<Item = Certificate>,
    ) -> Result<Self, Failed> {
        providers::install_crypto();
        let http = Client::builder().timeout(timeout).tls_certs_merge(trusted).build()?;
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self { http, url, key })
    }

    /// Where it is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Whether a gateway runs there.
    pub(super) async fn runs(&self) -> bool {
        let answer = self.http.get(format!("{}/healthz", self.url)).send().await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// The status of an answer without a key.
    pub(super) async fn status(&self, path: &str) -> Result<reqwest::StatusCode, Failed> {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await;
        Ok(answer.map_err(|error| self.unreachable(&error))?.status())
    }

    /// A request with another key.
    pub(super) fn request_as(&self, key: &str, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(key)
    }

    /// A request with the key.
    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.url))
            .bearer_auth(&self.key)
    }

    /// The JSON answer of a request.
    pub(super) async fn json(&self, request: RequestBuilder) -> Result<Value, Failed> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        checked(response).await
    }

    /// Writes the answer of a request to standard output as it comes.
    pub(super) async fn pour(&self, request: RequestBuilder) -> Result<(), Failed> {
        let mut response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return checked(response).await.map(drop);
        }
        while let Some(piece) = response.chunk().await? {
            if !write(&piece) {
                break;
            }
        }
        Ok(())
    }

    /// The bytes behind a link.
    pub(super) async fn bytes(&self, link: &str) -> Result<Vec<u8>, Failed> {
        let response = self
            .http
            .get(link)
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        Ok(response.error_for_status()?.bytes().await?.to_vec())
    }

    fn unreachable(&self, error: &reqwest::Error) -> String {
        if error.is_connect() {
            return format!(
                "no gateway answers at {}; start one with 'pictor serve', or give --url",
                self.url
            );
        }
        format!("{}: {error}", self.url)
    }
}

fn first_key(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string(folder.join(FIRST_KEY_FILE)).ok()?;
    Some(text.trim().to_owned())
}

async fn checked(response: Response) -> Result<Value, Failed> {
    let status = response.status();
    let text = response.text().await?;
    let value: Value = serde_json::from_str(&text).map_err(|_| format!("the answer (HTTP {status}) is not JSON"))?;
    if status.is_success() {
        return Ok(value);
    }
    let error = &value["error"];
    let code = error["code"].as_str().unwrap_or("unknown");
    Err(format!(
        "{code} (HTTP {}): {}",
        status.as_u16(),
        error["message"].as_str().unwrap_or("no message")
    )
    .into())
}
