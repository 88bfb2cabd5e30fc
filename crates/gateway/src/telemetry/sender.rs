//! Sends to the collector by the HTTP client that is here anyway.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::runtime::Handle;

/// The client. Batches come from threads of their own, so that it brings the runtime along.
#[derive(Debug)]
pub(super) struct Sender {
    client: reqwest::Client,
    runtime: Handle,
    /// Whether the last batch was not taken: told once, and when it is over.
    fails: AtomicBool,
}

impl Sender {
    /// Within the runtime that sends.
    pub(super) fn new(within: Duration) -> Self {
        providers::install_crypto();
        let client = reqwest::Client::builder().timeout(within).build();
        Self {
            client: client.unwrap_or_default(),
            runtime: Handle::current(),
            fails: AtomicBool::new(false),
        }
    }

    fn told(&self, failure: Option<&str>) {
        let failed = self.fails.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(why) if !failed => tracing::warn!(
                error = why,
                "the collector takes no traces and metrics: they are lost until it does"
            ),
            None if failed => tracing::info!("the collector takes traces and metrics again"),
            _ => {}
        }
    }
}

impl HttpClient for Sender {
    fn send_bytes<'life0, 'async_trait>(
        &'life0 self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'async_trait>>
    where
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let client = self.client.clone();
            let sending = self.runtime.spawn(async move {
                let answer = client.execute(reqwest::Request::try_from(request)?).await?;
                let (status, headers) = (answer.status(), answer.headers().clone());
                let mut response = Response::new(answer.bytes().await?);
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                Ok::<_, reqwest::Error>(response)
            });
            let sent = match sending.await {
                Ok(sent) => sent.map_err(reqwest::Error::without_url),
                // The runtime ends.
                Err(error) => return Err(error.into()),
            };
            match &sent {
                Ok(answer) if answer.status().is_success() => self.told(None),
                Ok(answer) => self.told(Some(&format!("it answers {}", answer.status()))),
                Err(error) => self.told(Some(&error.to_string())),
            }
            Ok(sent?)
        })
    }
}
