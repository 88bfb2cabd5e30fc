//! Calls as callers make them: each answer whole, or what became of it.

use serde_json::Value;
use std::time::Duration;
use ureq::Agent;

/// The largest answer: three pictures in base64 are far smaller.
const BODY_BYTES_MAX: u64 = 64 << 20;
/// Longer than any generation may take.
const PATIENCE: Duration = Duration::from_secs(240);

/// An answer that came whole.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// `x-should-retry`, where it was told.
    pub(super) should_retry: Option<bool>,
    /// Whether it came by an `Idempotency-Key`.
    pub(super) is_replay: bool,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON; null when it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The error's code, or nothing.
    pub(super) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Why there is no whole answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Nobody listened: nothing was sent.
    Unsent,
    /// It may have arrived; how the connection broke.
    Lost(String),
}

/// One caller's client.
pub(super) struct Client {
    agent: Agent,
    pub(super) key: String,
}

impl Client {
    /// A client that no proxy comes between. It keeps no connections: each call sees the gateway as it is now.
    pub(super) fn new(key: &str) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .http_status_as_error(false)
            .max_idle_connections(0)
            .proxy(None)
            .build();
        Self {
            agent: Agent::new_with_config(config),
            key: key.to_owned(),
        }
    }

    /// Sends JSON with headers; hangs up after a while, where that is given.
    pub(super) fn post(
        &self,
        url: &str,
        headers: &[(&str, String)],
        body: &Value,
        hangs_up: Option<Duration>,
    ) -> Result<Answer, Broken> {
        let mut request = self
            .agent
            .post(url)
            .header("authorization", format!("Bearer {}", self.key));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.header("content-type", "application/json");
        let request = match hangs_up {
            Some(after) => request.config().timeout_global(Some(after)).build(),
            None => request,
        };
        answer(request.send(body.to_string()))
    }

    /// Fetches with the key.
    pub(super) fn get(&self, url: &str) -> Result<Answer, Broken> {
        let request = self
            .agent
            .get(url)
            .header("authorization", format!("Bearer {}", self.key));
        answer(request.call())
    }

    /// The same, for something that answers at once or is given up.
    pub(super) fn get_soon(&self, url: &str, within: Duration) -> Result<Answer, Broken> {
        let request = self.agent.get(url).config().timeout_global(Some(within)).build();
        answer(request.call())
    }

    /// Fetches a file.
    pub(super) fn fetch(&self, url: &str) -> Result<Answer, Broken> {
        answer(self.agent.get(url).call())
    }
}

fn answer(sent: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Answer, Broken> {
    let mut response = sent.map_err(|error| broken(&error))?;
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let should_retry = header("x-should-retry").map(|value| value == "true");
    let is_replay = header("idempotent-replayed") == Some("true");
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(BODY_BYTES_MAX).read_to_vec();
    Ok(Answer {
        status,
        should_retry,
        is_replay,
        body: body.map_err(|error| Broken::Lost(error.to_string()))?,
    })
}

fn broken(error: &ureq::Error) -> Broken {
    match error {
        ureq::Error::ConnectionFailed => Broken::Unsent,
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Broken::Unsent,
        other => Broken::Lost(other.to_string()),
    }
}
