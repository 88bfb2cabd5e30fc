//! Why a gateway does not start.

use crate::arena::competitions::CompetitionError;
use crate::builtin;
use crate::db::DatabaseError;
use crate::first_key::FirstKeyError;
use crate::known_clients::KnownClientsError;
use crate::media::store::StoreError;
use crate::renewal::RenewalError;
use crate::serve::tls::TlsError;
use crate::upstreams::UpstreamError;

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder or address cannot be used.
    #[error("{what}: {cause}")]
    Io {
        /// Which.
        what: String,
        /// Why.
        cause: std::io::Error,
    },
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The first key.
    #[error(transparent)]
    FirstKey(#[from] FirstKeyError),
    /// The object store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The list of known clients.
    #[error(transparent)]
    KnownClients(#[from] KnownClientsError),
    /// A provider.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The sandbox.
    #[error("sandbox: {0}")]
    Sandbox(#[from] sandbox::StartError),
    /// The operator's folder of the catalogue.
    #[error(transparent)]
    Catalog(#[from] builtin::CatalogError),
    /// Where a newer catalogue comes from.
    #[error(transparent)]
    Renewal(#[from] RenewalError),
    /// The gateway's own certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A competition.
    #[error(transparent)]
    Competition(#[from] CompetitionError),
    /// The HTTP client.
    #[error("HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}
