//! What the endpoints share, and how it is renewed while requests are under way.

use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::FromRef;
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
use crate::renewal::Source;
use crate::settings::Settings;
use crate::settings::in_force::{self, InForce};
use crate::shares::Shares;

/// The state in force. Whoever takes it has it as it was then: an endpoint goes on with the one that it began with.
#[derive(Clone)]
pub(crate) struct Current(Arc<RwLock<AppState>>);

impl Current {
    /// One that begins with `state`.
    pub(crate) fn new(state: AppState) -> Self {
        Self(Arc::new(RwLock::new(state)))
    }

    /// The one in force.
    pub(crate) fn get(&self) -> AppState {
        // Nothing panics while it is held for writing.
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another one in force.
    pub(crate) fn set(&self, state: AppState) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

impl FromRef<Current> for AppState {
    fn from_ref(current: &Current) -> Self {
        current.get()
    }
}

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
    /// What the operator may change while the gateway serves.
    pub choices: Arc<Choices>,
    /// Paths under which OpenAI's routes are served too.
    pub api_aliases: Arc<[String]>,
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

/// What the operator may change while the gateway serves, beside the catalogue and who serves it.
pub(crate) struct Choices {
    /// The model of requests that name none.
    pub default_model: Option<String>,
    /// How images come where nobody says.
    pub response_format: ResponseFormat,
    /// Which pages may call the API.
    pub cors: Option<CorsLayer>,
    /// Clients with a `response_format` of their own; none where the operator switched that off.
    pub known_clients: KnownClients,
    /// The settings, for operators.
    pub in_force: InForceSettings,
}

/// The settings as operators see them: without secrets.
#[derive(Debug)]
pub(crate) struct InForceSettings {
    /// Every one.
    pub settings: Vec<InForce>,
    /// The folder of the operator's own catalogue files.
    pub catalog_dir: Option<String>,
    /// Where the catalogue below that folder is from.
    pub catalog_source: Source,
    /// Where pictures lie, in words.
    pub store: String,
}

impl InForceSettings {
    pub(crate) fn of(settings: &Settings) -> Self {
        let folder = settings.catalog_dir.as_ref();
        Self {
            settings: in_force::all(settings),
            catalog_dir: folder.map(|folder| folder.display().to_string()),
            catalog_source: Source::of(settings),
            store: settings.media_url.as_deref().map_or_else(
                || format!("the folder {}", settings.data_dir.join("media").display()),
                in_force::without_secret,
            ),
        }
    }
}
