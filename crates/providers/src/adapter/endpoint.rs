//! Where a provider is, and the credential for it.

use std::fmt;

use indexmap::IndexMap;
use planner::failure::{Blame, Failure, FailureKind};
use reqwest::{Url, header::HeaderValue};
use url::Host;

use crate::network::{is_loopback, same_origin};

/// A provider's secret, given to us. It shows nowhere but in the header that it is sent in.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential(String);

impl Credential {
    /// Wraps the secret.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credential(..)")
    }
}

/// A provider as the operator set it up.
#[derive(Debug, Clone)]
pub struct UpstreamAccess {
    /// The provider's name in the catalogue.
    pub provider: String,
    /// Where its API begins, such as `https://api.openai.com/v1`.
    pub base_url: Url,
    /// Our credential there.
    pub credential: Credential,
    /// The protocol's own settings. Those that end in `_url` are further addresses of the provider.
    pub options: IndexMap<String, String>,
}

impl UpstreamAccess {
    /// The address `path` under `base_url`. Each segment is escaped, and none can climb.
    ///
    /// # Errors
    /// A [`Failure`] when the base cannot carry a path.
    pub fn url(&self, path: &str) -> Result<Url, Failure> {
        extend(&self.base_url, path)
    }

    /// The address `path` under the option `name`, or under `default` when it is not set.
    ///
    /// # Errors
    /// A [`Failure`] when the option is not an address.
    pub fn option_url(&self, name: &str, default: &str, path: &str) -> Result<Url, Failure> {
        let base = self.options.get(name).map_or(default, String::as_str);
        let base =
            Url::parse(base).map_err(|_| misconfigured(format!("the provider's option `{name}` is no address")))?;
        extend(&base, path)
    }

    /// A whole number among the options.
    ///
    /// # Errors
    /// A [`Failure`] when the option is not a number.
    pub fn option_u64(&self, name: &str) -> Result<Option<u64>, Failure> {
        let parse = |text: &String| {
            text.parse()
                .map_err(|_| misconfigured(format!("the provider's option `{name}` is no whole number")))
        };
        self.options.get(name).map(parse).transpose()
    }

    /// The header value `<scheme> <credential>`.
    ///
    /// # Errors
    /// A [`Failure`] when the credential has characters that no header can carry.
    pub fn authorization(&self, scheme: &str) -> Result<HeaderValue, Failure> {
        secret(&format!("{scheme} {}", self.credential.expose()))
    }

    /// The credential alone, for the headers that take it so.
    ///
    /// # Errors
    /// A [`Failure`] when the credential has characters that no header can carry.
    pub fn key(&self) -> Result<HeaderValue, Failure> {
        secret(self.credential.expose())
    }

    /// Whether `url` is on one of the provider's own hosts, where the credential may go: that of the base address, those
    /// of the options that end in `_url`, and over https all of the domain that the option `own_domain` names.
    #[must_use]
    pub fn owns(&self, url: &Url) -> bool {
        same_origin(&self.base_url, url)
            || self
                .options
                .iter()
                .filter(|(name, _)| name.ends_with("_url"))
                .filter_map(|(_, value)| Url::parse(value).ok())
                .any(|own| same_origin(&own, url))
            || self.options.get("own_domain").is_some_and(|own| is_within(url, own))
    }

    /// Whether the provider is on this machine, as the sandbox is.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.base_url)
    }
}

fn extend(base: &Url, path: &str) -> Result<Url, Failure> {
    let mut url = base.clone();
    url.path_segments_mut()
        .map_err(|()| misconfigured("the provider's base address cannot carry a path"))?
        .pop_if_empty()
        .extend(path.split('/').filter(|segment| !segment.is_empty()));
    Ok(url)
}

/// A header value that no log shows, and that the driver sends to the provider's own hosts only.
fn secret(text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Failure::new(
            FailureKind::BadCredential,
            "the provider's credential has characters that cannot be sent",
        )
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// Whether `url` is https on its usual port, at `domain` itself or below it.
fn is_within(url: &Url, domain: &str) -> bool {
    let Some(Host::Domain(host)) = url.host() else {
        return false;
    };
    let below = host
        .strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    // A bare top-level domain belongs to nobody.
    below && domain.contains('.') && url.scheme() == "https" && url.port().is_none()
}

/// A fault of the set-up: nothing was sent, and no caller can help it.
pub(crate) fn misconfigured(message: impl Into<String>) -> Failure {
    Failure {
        blame: Blame::Us,
        ..Failure::new(FailureKind::NotPermitted, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::sample;

    fn endpoint(base: &str) -> UpstreamAccess {
        sample::access(base, "sk-secret", &[("rest_url", "https://rest.example/x")])
    }

    #[test]
    fn paths_extend_the_base_and_cannot_climb() {
        for base in ["https://a.example/v1", "https://a.example/v1/"] {
            let url = endpoint(base).url("models/x y/../z?q/predictions").expect("an address");
            assert_eq!(url.as_str(), "https://a.example/v1/models/x%20y/z%3Fq/predictions");
        }
    }

    #[test]
    fn only_own_hosts_are_owned() {
        let endpoint = endpoint("https://a.example/v1");
        let owns = |url: &str| endpoint.owns(&Url::parse(url).expect("an address"));
        assert!(owns("https://a.example/other") && owns("https://a.example:443/") && owns("https://rest.example/"));
        assert!(!owns("http://a.example/v1") && !owns("https://a.example:444/v1") && !owns("https://b.a.example/v1"));
    }

    #[test]
    fn a_domain_is_owned_with_all_below_it() {
        let mut endpoint = endpoint("https://api.a.example/v1");
        endpoint.options.insert("own_domain".to_owned(), "a.example".to_owned());
        let owns = |url: &str| endpoint.owns(&Url::parse(url).expect("an address"));
        assert!(
            owns("https://api.eu.a.example/v1?id=1") && owns("https://a.example/") && owns("https://x.a.example:443/")
        );
        for foreign in [
            "http://api.eu.a.example/",
            "https://api.eu.a.example:8443/",
            "https://xa.example/",
            "https://a.example.evil.example/",
            "https://a.example@evil.example/",
            "https://10.0.0.1/",
        ] {
            assert!(!owns(foreign), "{foreign}");
        }
        endpoint.options.insert("own_domain".to_owned(), "example".to_owned());
        assert!(!endpoint.owns(&Url::parse("https://b.example/").expect("an address")));
    }

    #[test]
    fn the_credential_never_shows() {
        let endpoint = endpoint("https://a.example/v1");
        assert!(!format!("{endpoint:?}").contains("secret"));
        let value = endpoint.authorization("Bearer").expect("plain characters");
        assert!(!format!("{value:?}").contains("secret"));
        assert_eq!(value.to_str().expect("plain characters"), "Bearer sk-secret");
    }
}
