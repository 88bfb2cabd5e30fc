//! TLS of the gateway's own: certificates from files, read anew once they have changed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::settings::Settings;
use crate::watched::{LOOK, Watched};

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be read as what it should be.
    #[error("{setting}: {path}: {cause}")]
    File {
        /// The setting that names it.
        setting: &'static str,
        /// Where it is.
        path: PathBuf,
        /// Why.
        cause: pem::Error,
    },
    /// The certificate and its key.
    #[error("tls_certificate and tls_key: {0}")]
    Pair(#[from] rustls::Error),
    /// The certificates by which clients are known.
    #[error("tls_client_ca: {0}")]
    Clients(#[from] VerifierBuilderError),
}

/// The files of the settings.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

/// The way into a gateway that speaks TLS.
pub(crate) struct Tls {
    files: Files,
    /// With the certificate in force.
    acceptor: RwLock<TlsAcceptor>,
}

impl Tls {
    /// That of the settings, if they have one.
    ///
    /// # Errors
    /// [`TlsError`] names the file at fault.
    pub(crate) fn of(settings: &Settings) -> Result<Option<Arc<Self>>, TlsError> {
        let Some((certificate, key)) = settings.tls_certificate.clone().zip(settings.tls_key.clone()) else {
            return Ok(None);
        };
        let client_ca = settings.tls_client_ca.clone();
        let files = Files {
            certificate,
            key,
            client_ca,
        };
        let acceptor = RwLock::new(files.read()?);
        Ok(Some(Arc::new(Self { files, acceptor })))
    }

    /// Agrees on TLS with who has connected.
    ///
    /// # Errors
    /// What the other side sent is no TLS, or not acceptable.
    pub(super) async fn agree(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let acceptor = self.acceptor.read().unwrap_or_else(PoisonError::into_inner).clone();
        acceptor.accept(stream).await
    }

    /// Takes other certificates as soon as they are there and fit together, until the gateway stops. Connections keep those
    /// with which they began.
    pub(crate) async fn keep_current(self: Arc<Self>, stopping: CancellationToken) {
        let mut watched = self.files.watched();
        loop {
            tokio::select! {
                () = stopping.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            if !watched.have_changed() {
                continue;
            }
            match self.files.read() {
                Ok(acceptor) => {
                    *self.acceptor.write().unwrap_or_else(PoisonError::into_inner) = acceptor;
                    tracing::info!("another certificate is in force");
                }
                // Perhaps one of two files is written already: the next change is looked at again.
                Err(error) => tracing::warn!(error = %error, "the certificate in force stays"),
            }
        }
    }
}

impl Files {
    fn read(&self) -> Result<TlsAcceptor, TlsError> {
        let chain = certificates("tls_certificate", &self.certificate)?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(wrong("tls_key", &self.key))?;
        let provider = Arc::new(ring::default_provider());
        let builder =
            ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let builder = match &self.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let mut roots = RootCertStore::empty();
                for certificate in certificates("tls_client_ca", path)? {
                    roots.add(certificate)?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    fn watched(&self) -> Watched {
        let paths = [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()];
        Watched::of(paths.into_iter().flatten().cloned().collect())
    }
}

fn certificates(setting: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read.map_err(wrong(setting, path))? {
        none if none.is_empty() => Err(wrong(setting, path)(pem::Error::NoItemsFound)),
        found => Ok(found),
    }
}

fn wrong(setting: &'static str, path: &Path) -> impl Fn(pem::Error) -> TlsError {
    let path = path.to_path_buf();
    move |cause| TlsError::File {
        setting,
        path: path.clone(),
        cause,
    }
}
