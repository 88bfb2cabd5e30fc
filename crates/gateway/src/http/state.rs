//! What the endpoints share.

use std::sync::Arc;

use ipnet::IpNet;
use planner::request::ResponseFormat;
use providers::{GuardedClient, Spool};
use tokio_util::task::TaskTracker;
use tower_http::cors::CorsLayer;

use super::shelf::Shelf;
use super::visitors::Sessions;
use crate::arena::Arena;
use crate::auth::Keyring;
use crate::generation::Generator;
use crate::known_clients::KnownClients;
use crate::shares::Shares;

/// Shared by all endpoints. Cheap to clone.
#[derive(Clone)]
pub(crate) struct AppState {
    /// Generations.
    pub generator: Generator,
    /// API keys, and sessions that act for them.
    pub keyring: Keyring,
    /// The rules of sessions.
    pub sessions: Sessions,
    /// Where bytes are held.
    pub spool: Spool,
    /// The client to what callers name.
    pub fetcher: Arc<GuardedClient>,
    /// A permit for each generation that may run.
    pub in_flight: Shares,
    /// Generations under way: a caller who hangs up does not end them.
    pub tasks: TaskTracker,
    /// The model of requests that name none.
    pub default_model: Option<Arc<str>>,
    /// How images come where nobody says.
    pub response_format: ResponseFormat,
    /// Which pages may call the API.
    pub cors: Option<CorsLayer>,
    /// Paths under which OpenAI's routes are served too.
    pub api_aliases: Arc<[String]>,
    /// Clients with a `response_format` of their own; none where the operator switched that off.
    pub known_clients: Arc<KnownClients>,
    /// Whether `/metrics` is served at an address of its own.
    pub metrics_apart: bool,
    /// Whether `/metrics` takes a key here.
    pub metrics_guarded: bool,
    /// The OpenAPI document.
    pub openapi: Arc<str>,
    /// Whether there are pages beside the API.
    pub has_pages: bool,
    /// Proxies that are believed when they say whom they speak for.
    pub trusted_proxies: Arc<[IpNet]>,
    /// What the pages show over and over.
    pub shelf: Shelf,
    /// Competitions, votes and boards.
    pub arena: Arena,
}
