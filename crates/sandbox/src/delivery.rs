//! Delivers webhooks: to the URL that the caller gave and nowhere else, a few times at most.

use bytes::Bytes;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use std::sync::OnceLock;
use std::time::Duration;
use tracing::debug;

/// How long a receiver may take for one try, as documented by fal.
const TRY_TIMEOUT: Duration = Duration::from_secs(15);
/// The pause after the first failed try; it doubles with each one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Pauses grow no longer than this: the real providers go on for hours, a sandbox for about a minute.
const MAX_PAUSE: Duration = Duration::from_secs(15);

/// One message to deliver.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) url: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// JSON.
    pub(crate) body: Bytes,
    /// How often to try before giving up, at least once.
    pub(crate) tries: u32,
}

/// Sends messages.
#[derive(Default)]
pub(crate) struct Courier {
    client: OnceLock<Option<Client>>,
}

impl Courier {
    /// Tries until the receiver answers with a success; false when it never did.
    pub(crate) async fn deliver(&self, message: &Message) -> bool {
        let (Some(client), Some(url)) = (self.client(), target(&message.url)) else {
            return false;
        };
        let mut pause = FIRST_PAUSE;
        for attempt in 1..=message.tries.max(1) {
            let mut request = client
                .post(url.clone())
                .header("content-type", "application/json")
                .body(message.body.clone());
            for (name, value) in &message.headers {
                request = request.header(*name, value);
            }
            match request.send().await {
                Ok(answer) if answer.status().is_success() => return true,
                Ok(answer) => debug!(status = answer.status().as_u16(), attempt, "webhook refused"),
                // An error's text names the URL, which may carry a secret.
                Err(error) => debug!(timeout = error.is_timeout(), attempt, "webhook not delivered"),
            }
            if attempt < message.tries {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(MAX_PAUSE);
            }
        }
        false
    }

    /// Made at the first use: most sandboxes never deliver anything.
    fn client(&self) -> Option<&Client> {
        let make = || {
            // The client asks the process for its TLS; a second installation changes nothing.
            rustls::crypto::ring::default_provider().install_default().ok();
            Client::builder()
                .timeout(TRY_TIMEOUT)
                .redirect(Policy::none())
                .no_proxy()
                .user_agent("pictor-sandbox")
                .build()
                .inspect_err(|error| debug!(%error, "no client for webhooks"))
                .ok()
        };
        self.client.get_or_init(make).as_ref()
    }
}

/// A URL that messages can go to: http or https.
pub(crate) fn target(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_targets() {
        assert!(target("http://127.0.0.1:1/hook?token=1").is_some());
        assert!(target("https://example.org").is_some());
        for url in ["ftp://example.org/", "file:///etc/passwd", "hook", "http://"] {
            assert!(target(url).is_none(), "{url}");
        }
    }
}
