//! Delivers webhooks: to the URL that the caller gave, if it is on this machine, and nowhere else; a few times at most.

use bytes::Bytes;
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use std::sync::OnceLock;
use std::time::Duration;
use tracing::debug;
use url::Host;

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
        let (Some(client), Some(url)) = (self.client(), target(&message.url).filter(is_here)) else {
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

/// Whether a URL leads to this very machine: an emulator is told by anybody where to send what, and must reach nothing else.
fn is_here(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    };
    if !is_here {
        debug!("a webhook is not sent: the sandbox sends them to this machine only");
    }
    is_here
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stay_on_this_machine() {
        let here = |url: &str| target(url).as_ref().is_some_and(is_here);
        for url in [
            "http://127.0.0.1:1/hook",
            "http://127.9.9.9/",
            "http://localhost:2/",
            "https://[::1]/",
            "http://[::ffff:127.0.0.1]/",
        ] {
            assert!(here(url), "{url}");
        }
        for url in [
            "https://example.org/",
            "http://10.0.0.1/",
            "http://0.0.0.0/",
            "http://localhost.example/",
            "http://169.254.169.254/",
        ] {
            assert!(!here(url), "{url}");
        }
    }

    #[test]
    fn only_web_addresses_are_targets() {
        assert!(target("http://127.0.0.1:1/hook?token=1").is_some());
        assert!(target("https://example.org").is_some());
        for url in ["ftp://example.org/", "file:///etc/passwd", "hook", "http://"] {
            assert!(target(url).is_none(), "{url}");
        }
    }
}
