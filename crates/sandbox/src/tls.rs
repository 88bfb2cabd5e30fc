//! The self-made certificate of a sandbox that speaks TLS.

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use std::net::IpAddr;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;

/// A certificate could not be made; the text comes from the library.
#[derive(Debug, thiserror::Error)]
#[error("no certificate could be made: {0}")]
pub struct TlsError(String);

/// What is needed to serve TLS, and the certificate that clients must trust.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) certificate_pem: String,
}

/// Makes a key and a certificate for the loopback names, the given address and, if any, the public host.
pub(crate) fn make(address: IpAddr, public_host: Option<&str>) -> Result<Tls, TlsError> {
    let mut names: Vec<String> = vec!["localhost".into(), "127.0.0.1".into(), "::1".into()];
    let others = [Some(address.to_string()), public_host.map(str::to_owned)];
    for name in others.into_iter().flatten() {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(names).map_err(|error| TlsError(error.to_string()))?;
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).map_err(|error| TlsError(error.to_owned()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| {
            builder
                .with_no_client_auth()
                .with_single_cert(vec![cert.der().clone()], key)
        })
        .map_err(|error| TlsError(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Tls {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        certificate_pem: cert.pem(),
    })
}
