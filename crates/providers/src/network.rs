//! Keeps calls to addresses that others chose away from private networks.

use std::{
    collections::HashSet,
    error::Error,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::{
    Client, NoProxy, Proxy, Url,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT_ENCODING, HeaderMap, HeaderValue},
    redirect,
};
use url::Host;

/// Connections that were idle longer are not used again: many servers close them after a minute, and a request sent
/// into a closing connection has an unknown end.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// Whether `ip` is an address of the public internet. Every range with a special meaning is not: private, shared,
/// loopback, link-local, documentation, benchmarking, multicast and reserved ones (IANA's special-purpose registries).
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., _, _)
            | (100, 64..128, _)
            | (169, 254, _)
            | (172, 16..32, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(ip) = ip.to_ipv4_mapped() {
        return is_public_v4(ip);
    }
    let [a, b, c, d, e, f, g, h] = ip.segments();
    // The well-known NAT64 prefix stands for the IPv4 address in it.
    if [a, b, c, d, e, f] == [0x64, 0xff9b, 0, 0, 0, 0] {
        let [g, h] = [g.to_be_bytes(), h.to_be_bytes()];
        return is_public_v4(Ipv4Addr::new(g[0], g[1], h[0], h[1]));
    }
    // Only 2000::/3 is global unicast; within it, protocol assignments (Teredo among them), documentation and 6to4,
    // whose relays can reach what the address hides, are not.
    let special = matches!((a, b), (0x2001, ..0x200 | 0xdb8) | (0x2002, _) | (0x3fff, ..0x1000));
    (0x2000..0x4000).contains(&a) && !special
}

/// `url` with one more segment to its path; `None` for an address that has no path.
pub(crate) fn with_segment(url: &Url, segment: &str) -> Option<Url> {
    let mut url = url.clone();
    url.path_segments_mut().ok()?.pop_if_empty().push(segment);
    Some(url)
}

/// Whether two addresses have the same scheme, host and port.
#[must_use]
pub fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Whether `url` names this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

/// A proxy between this machine and the world. What is on this machine is reached without it.
#[derive(Clone)]
pub struct OutboundProxy {
    url: Url,
    /// Hosts that are reached without it, as `NO_PROXY` writes them.
    except: Option<String>,
}

/// An address may hold a password.
impl fmt::Debug for OutboundProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundProxy")
            .field("host", &self.url.host_str())
            .field("except", &self.except)
            .finish_non_exhaustive()
    }
}

impl OutboundProxy {
    /// The proxy at `url`, for all but the hosts of `except`.
    ///
    /// # Errors
    /// What `url` should be, when it is none of a proxy.
    pub fn new(url: &str, except: Option<&str>) -> Result<Self, &'static str> {
        let url = Url::parse(url.trim()).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or("must be the address of a proxy, such as http://proxy.example:3128")?;
        let except = except.map(ToOwned::to_owned);
        Ok(Self { url, except })
    }

    fn rule(&self) -> Proxy {
        let url = self.url.clone();
        let except = self.except.as_deref().and_then(NoProxy::from_string);
        Proxy::custom(move |target| (!is_loopback(target)).then(|| url.clone())).no_proxy(except)
    }
}

/// Names and addresses that the operator allows although they are not public, or not https.
#[derive(Debug, Clone, Default)]
pub struct GuardConfig {
    /// Hosts as they stand in a URL, in lower case.
    pub allowed_hosts: HashSet<String>,
    /// Time for a connection.
    pub connect_timeout: Option<Duration>,
    /// What we call ourselves.
    pub user_agent: String,
    /// The way to the world.
    pub proxy: Option<OutboundProxy>,
}

/// Time for a connection when nothing else is set.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A client that connects to public addresses only, checked on the addresses that it really connects to.
#[derive(Debug, Clone)]
pub struct GuardedClient {
    pub(crate) client: Client,
    allowed: Arc<HashSet<String>>,
    /// What judges names before a proxy connects to them.
    names: Option<Arc<Resolver>>,
}

impl GuardedClient {
    /// A client with its own connections.
    ///
    /// # Errors
    /// When the TLS or DNS set-up of this machine fails.
    pub fn new(config: GuardConfig) -> Result<Self, reqwest::Error> {
        let allowed = Arc::new(config.allowed_hosts);
        let proxy = config.proxy.as_ref();
        let resolver = Arc::new(Resolver {
            allowed: Arc::clone(&allowed),
            proxy: proxy.and_then(|proxy| proxy.url.host_str().map(str::to_lowercase)),
        });
        let connect_timeout = config.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
        let client = client(&config.user_agent, connect_timeout, Some(&resolver), proxy)?;
        Ok(Self {
            client,
            allowed,
            names: proxy.map(|_| resolver),
        })
    }

    /// Judges a name by what it resolves to here, where a proxy makes the connection. One that only the proxy can resolve
    /// is left to it.
    pub(crate) async fn check_name(&self, url: &Url) -> Result<(), PrivateAddress> {
        let (Some(names), Some(Host::Domain(name))) = (&self.names, url.host()) else {
            return Ok(());
        };
        match names.public(name, names.allowed.contains(name)).await {
            Ok(_) => Ok(()),
            Err(error) if error.is::<PrivateAddress>() => Err(PrivateAddress),
            Err(_) => Ok(()),
        }
    }

    /// Whether the operator allows this host by name.
    pub(crate) fn allows(&self, url: &Url) -> bool {
        url.host_str().is_some_and(|host| self.allowed.contains(host))
    }
}

/// Chooses the cryptography of this process's TLS; whoever chose before stays chosen.
pub fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Losing a race to another thread leaves the provider that it set.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// A client without redirects or cookies, and with no other proxy than the one given. Where this machine has no certificates to trust, it still reaches
/// what needs none, as the sandbox.
pub(crate) fn client(
    user_agent: &str,
    connect_timeout: Duration,
    resolver: Option<&Arc<Resolver>>,
    proxy: Option<&OutboundProxy>,
) -> Result<Client, reqwest::Error> {
    install_crypto();
    // Images do not get smaller: nobody shall compress them for us. What comes compressed all the same is decoded.
    let plain = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
    let builder = || {
        let builder = Client::builder()
            .default_headers(plain.clone())
            .user_agent(user_agent)
            .connect_timeout(connect_timeout)
            .pool_idle_timeout(POOL_IDLE)
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy();
        let builder = match proxy {
            Some(proxy) => builder.proxy(proxy.rule()),
            None => builder,
        };
        match resolver {
            Some(resolver) => builder.dns_resolver(Arc::clone(resolver)),
            None => builder,
        }
    };
    builder().build().or_else(|error| {
        tracing::warn!(%error, "no trusted certificates on this machine: https calls will fail");
        builder().tls_certs_only([]).build()
    })
}

/// A client by which an operator's own command asks a provider for what it tells: as that of calls, without their limits.
///
/// # Errors
/// When there is no usable cryptography on this machine.
pub fn asking_client(proxy: Option<&OutboundProxy>) -> Result<Client, reqwest::Error> {
    client("pictor", CONNECT_TIMEOUT, None, proxy)
}

/// Drops private addresses from what a name resolves to.
#[derive(Debug, Clone)]
pub(crate) struct Resolver {
    allowed: Arc<HashSet<String>>,
    /// The operator's proxy, which may be private.
    proxy: Option<String>,
}

impl Resolver {
    /// The public addresses of a name, or all where it `is_allowed`.
    async fn public(&self, name: &str, is_allowed: bool) -> Result<Vec<SocketAddr>, Box<dyn Error + Send + Sync>> {
        let found: Vec<SocketAddr> = tokio::net::lookup_host((name, 0)).await?.collect();
        let addresses = found.iter().copied();
        let public: Vec<SocketAddr> = addresses
            .filter(|address| is_allowed || is_public(address.ip()))
            .collect();
        if public.is_empty() && !found.is_empty() {
            return Err(PrivateAddress.into());
        }
        Ok(public)
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let name = name.as_str();
            let is_allowed = resolver.allowed.contains(name) || resolver.proxy.as_deref() == Some(name);
            let addresses = resolver.public(name, is_allowed).await?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// A name that resolves to private addresses alone.
#[derive(Debug)]
pub(crate) struct PrivateAddress;

impl fmt::Display for PrivateAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name resolves to a private address")
    }
}

impl Error for PrivateAddress {}

/// Whether `error` comes from the resolver's refusal.
pub(crate) fn is_private_address(error: &reqwest::Error) -> bool {
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = source {
        if error.is::<PrivateAddress>() {
            return true;
        }
        source = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_ranges_are_not_public() {
        for ip in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.1.2.3",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(ip.parse().expect("an address")), "{ip}");
        }
    }

    #[test]
    fn the_internet_is_public() {
        for ip in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:200::1",
            "2001:4860::8888",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "3ffe::1",
        ] {
            assert!(is_public(ip.parse().expect("an address")), "{ip}");
        }
    }

    #[test]
    fn spellings_of_loopback_are_seen_through() {
        for url in [
            "http://127.1/",
            "http://0x7f.1/",
            "http://2130706433/",
            "http://[::1]/",
            "http://LOCALHOST:1/",
            "http://a.localhost/",
        ] {
            assert!(is_loopback(&Url::parse(url).expect("an address")), "{url}");
        }
        assert!(!is_loopback(
            &Url::parse("http://localhost.example/").expect("an address")
        ));
    }
}
