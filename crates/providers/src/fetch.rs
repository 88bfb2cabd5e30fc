//! Fetches a URL that somebody else chose into the spool: checked before every hop, bounded in size and time.

use std::collections::HashSet;

use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::{
    Client, Method, Response, Url,
    header::{CONTENT_TYPE, HeaderMap, LOCATION},
};
use tokio::time::{Instant, timeout_at};
use url::Host;

use crate::{
    network::{GuardedClient, PrivateAddress, is_loopback, is_private_address, is_public},
    spool::{Blob, SpoolError, SpoolScope},
};

/// Redirects that are followed; links of image hosts take one or two.
pub const REDIRECTS_MAX: usize = 5;
/// Ports of https that may be called unless the operator allows the host: others may be services that are not web servers.
const PORTS: [u16; 2] = [443, 8443];

/// The bounds of one fetch.
#[derive(Debug, Clone, Copy)]
pub struct FetchLimits {
    /// Largest file, in bytes.
    pub size_bytes: u64,
    /// When to give up.
    pub deadline: Instant,
}

/// A fetched file.
#[derive(Debug)]
pub struct Fetched {
    /// Its bytes.
    pub blob: Blob,
    /// What its host says that it is: not to be trusted.
    pub content_type: Option<String>,
}

/// Why a URL was not fetched. The texts are fit for the caller who gave it.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Another scheme than https.
    #[error("the URL must begin with https://")]
    NotHttps,
    /// A user name or password in the URL.
    #[error("the URL must not contain a user name or password")]
    Userinfo,
    /// A port that may not be called.
    #[error("the URL's port must be 443 or 8443")]
    Port,
    /// An address where a name is wanted.
    #[error("the URL must have a host name, not an address")]
    NotAName,
    /// Not a public address.
    #[error("the URL does not lead to a public address")]
    PrivateAddress,
    /// More than [`REDIRECTS_MAX`] redirects.
    #[error("the URL redirects more than {REDIRECTS_MAX} times")]
    TooManyRedirects,
    /// Larger than allowed.
    #[error("the file behind the URL is larger than {size_bytes} bytes")]
    TooLarge {
        /// The bound, in bytes.
        size_bytes: u64,
    },
    /// The deadline passed.
    #[error("the URL did not answer in time")]
    TimedOut,
    /// Another status than success.
    #[error("the URL answered with HTTP status {0}")]
    Status(u16),
    /// No connection, or one that was cut.
    #[error("the URL cannot be reached")]
    Unreachable,
    /// An image whose last bytes are missing.
    #[error("the file behind the URL ends too early")]
    Cut,
    /// The spool refused.
    #[error("the file cannot be kept: {0}")]
    Spool(#[from] SpoolError),
}

impl From<PrivateAddress> for FetchError {
    fn from(_: PrivateAddress) -> Self {
        Self::PrivateAddress
    }
}

/// How one hop may be made.
pub(crate) struct Passage<'a> {
    pub(crate) client: &'a Client,
    pub(crate) headers: Option<&'a HeaderMap>,
    /// Who judges the name, where somebody else chose it.
    pub(crate) guard: Option<&'a GuardedClient>,
}

impl GuardedClient {
    /// Fetches `url` into the spool.
    ///
    /// # Errors
    /// [`FetchError`].
    pub async fn fetch(&self, url: &Url, scope: &SpoolScope, limits: FetchLimits) -> Result<Fetched, FetchError> {
        let gate = |url: &Url| {
            self.check(url)?;
            Ok(Passage {
                client: &self.client,
                headers: None,
                guard: Some(self),
            })
        };
        fetch_through(gate, url, scope, limits).await
    }

    /// Posts `body` to `url`, as webhooks are: to hosts with a name. Redirects are not followed and the answer's body is
    /// dropped. Gives the status.
    ///
    /// # Errors
    /// [`FetchError`], but never for a status.
    pub async fn post(&self, url: &Url, headers: HeaderMap, body: Bytes, deadline: Instant) -> Result<u16, FetchError> {
        self.check_named(url)?;
        self.check_name(url).await?;
        let request = self.client.post(url.clone()).headers(headers).body(body);
        let response = timeout_at(deadline, request.send())
            .await
            .map_err(|_| FetchError::TimedOut)?;
        Ok(response.map_err(|error| from_reqwest(&error))?.status().as_u16())
    }

    /// Posts `body` to `url` and reads what is answered, up to so many bytes. Redirects are not followed. Gives the status and the
    /// answer's body.
    ///
    /// # Errors
    /// [`FetchError`], but never for a status.
    pub async fn ask(
        &self,
        url: &Url,
        headers: HeaderMap,
        body: Bytes,
        (deadline, size_bytes): (Instant, usize),
    ) -> Result<(u16, Vec<u8>), FetchError> {
        self.check(url)?;
        let asked = async {
            self.check_name(url).await?;
            let request = self.client.post(url.clone()).headers(headers).body(body);
            let response = request.send().await.map_err(|error| from_reqwest(&error))?;
            let status = response.status().as_u16();
            let (mut answer, mut stream) = (Vec::new(), response.bytes_stream());
            while let Some(piece) = stream.next().await {
                let piece = piece.map_err(|error| from_reqwest(&error))?;
                if answer.len() + piece.len() > size_bytes {
                    return Err(FetchError::TooLarge {
                        size_bytes: size_bytes as u64,
                    });
                }
                answer.extend_from_slice(&piece);
            }
            Ok((status, answer))
        };
        timeout_at(deadline, asked).await.unwrap_or(Err(FetchError::TimedOut))
    }

    /// The same as [`Self::check`] for what is called again and again: bare addresses are refused, and names of this machine.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn check_named(&self, url: &Url) -> Result<(), FetchError> {
        self.check(url)?;
        if self.allows(url) {
            return Ok(());
        }
        if is_loopback(url) {
            return Err(FetchError::PrivateAddress);
        }
        match url.host() {
            Some(Host::Domain(_)) => Ok(()),
            Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => Err(FetchError::NotAName),
        }
    }

    /// Judges what can be told before connecting; names are judged by the addresses that are connected to.
    ///
    /// # Errors
    /// [`FetchError`].
    pub fn check(&self, url: &Url) -> Result<(), FetchError> {
        let allowed = self.allows(url);
        if url.scheme() != "https" && !(allowed && url.scheme() == "http") {
            return Err(FetchError::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Userinfo);
        }
        if allowed {
            return Ok(());
        }
        let public = match url.host() {
            Some(Host::Ipv4(ip)) => is_public(ip.into()),
            Some(Host::Ipv6(ip)) => is_public(ip.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        };
        if !public {
            return Err(FetchError::PrivateAddress);
        }
        if !url.port_or_known_default().is_some_and(|port| PORTS.contains(&port)) {
            return Err(FetchError::Port);
        }
        Ok(())
    }
}

/// Follows `url` hop by hop; `gate` judges each.
pub(crate) async fn fetch_through<'a>(
    gate: impl Fn(&Url) -> Result<Passage<'a>, FetchError>,
    url: &Url,
    scope: &SpoolScope,
    limits: FetchLimits,
) -> Result<Fetched, FetchError> {
    let hops = async {
        let mut url = url.clone();
        let mut seen = HashSet::new();
        loop {
            let passage = gate(&url)?;
            if let Some(guard) = passage.guard {
                guard.check_name(&url).await?;
            }
            let mut request = passage.client.request(Method::GET, url.clone());
            if let Some(headers) = passage.headers {
                request = request.headers(headers.clone());
            }
            let response = request.send().await.map_err(|error| from_reqwest(&error))?;
            let status = response.status();
            if status.is_success() {
                return receive(response, scope, limits.size_bytes).await;
            }
            let next = response.headers().get(LOCATION).filter(|_| status.is_redirection());
            let next = next
                .and_then(|value| value.to_str().ok())
                .and_then(|text| url.join(text).ok());
            let Some(next) = next else {
                return Err(FetchError::Status(status.as_u16()));
            };
            seen.insert(std::mem::replace(&mut url, next));
            if seen.len() > REDIRECTS_MAX || seen.contains(&url) {
                return Err(FetchError::TooManyRedirects);
            }
        }
    };
    timeout_at(limits.deadline, hops)
        .await
        .unwrap_or(Err(FetchError::TimedOut))
}

async fn receive(response: Response, scope: &SpoolScope, size_bytes: u64) -> Result<Fetched, FetchError> {
    if response.content_length().is_some_and(|length| length > size_bytes) {
        return Err(FetchError::TooLarge { size_bytes });
    }
    let content_type = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(str::to_owned);
    let mut writer = scope.writer();
    let mut stream = response.bytes_stream();
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| from_reqwest(&error))?;
        if piece.len() as u64 > size_bytes - writer.size_bytes() {
            return Err(FetchError::TooLarge { size_bytes });
        }
        writer.write(&piece)?;
    }
    Ok(Fetched {
        blob: writer.finish()?,
        content_type,
    })
}

fn from_reqwest(error: &reqwest::Error) -> FetchError {
    if is_private_address(error) {
        FetchError::PrivateAddress
    } else if error.is_timeout() {
        FetchError::TimedOut
    } else {
        FetchError::Unreachable
    }
}

impl FetchError {
    /// Whether the same URL may answer later. Hosts of files refuse for a moment what they give in the next; only 410
    /// says in so many words that the file is gone.
    pub(crate) fn is_hiccup(&self) -> bool {
        match self {
            Self::Status(status) => matches!(status, 401 | 403 | 404 | 408 | 425 | 429 | 500..),
            // Room comes back when others have got their images.
            Self::Unreachable | Self::TimedOut | Self::Cut | Self::Spool(_) => true,
            Self::NotHttps
            | Self::Userinfo
            | Self::Port
            | Self::NotAName
            | Self::PrivateAddress
            | Self::TooManyRedirects
            | Self::TooLarge { .. } => false,
        }
    }
}
