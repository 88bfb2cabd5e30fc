//! Puts together what the endpoints share: at the start, and when the catalogue is renewed.

use std::net::SocketAddr;
use std::sync::Arc;

use planner::catalog::Catalog;
use planner::failure::FailoverPolicy;
use providers::{GuardedClient, Spool};

use crate::api;
use crate::arena::competitions::Competition;
use crate::arena::{self, Arena};
use crate::auth::Keyring;
use crate::builtin;
use crate::generation::Generator;
use crate::http::cors;
use crate::http::shelf::Shelf;
use crate::http::state::{AppState, Choices, InForceSettings};
use crate::http::visitors::Sessions;
use crate::known_clients::{KnownClients, KnownClientsError};
use crate::settings::Settings;
use crate::shares::Shares;
use crate::start_error::StartError;

/// The state of a gateway that listens at the address of `settings`.
///
/// # Errors
/// [`StartError`] names what cannot be used.
pub(crate) async fn state(
    settings: &Settings,
    generator: Generator,
    (spool, fetcher): (Spool, Arc<GuardedClient>),
    metrics_apart: bool,
) -> Result<AppState, StartError> {
    Ok(AppState {
        sessions: Sessions::open(settings, &generator.database, generator.upstreams.any_real()).await?,
        keyring: Keyring::new(generator.database.clone(), generator.clock.clone()),
        openapi: api::document(&generator.catalog).into(),
        arena: Arena::new(competitions(&generator.catalog, settings)?),
        spool,
        fetcher,
        in_flight: Shares::new(settings.limits.in_flight_generations),
        tasks: generator.tasks.clone(),
        choices: Arc::new(choices(settings)?),
        api_aliases: settings.api_aliases.clone().into(),
        metrics_apart,
        metrics_guarded: are_metrics_guarded(settings, settings.listen),
        has_pages: settings.site,
        trusted_proxies: settings.trusted_proxies.clone().into(),
        shelf: Shelf::new(settings.public_url.as_deref(), settings.own_url()),
        generator,
    })
}

/// Whether `/metrics` takes a key at `address`.
pub(crate) const fn are_metrics_guarded(settings: &Settings, address: SocketAddr) -> bool {
    !settings.metrics_open && !address.ip().is_loopback()
}

/// What the settings say that may change while the gateway serves.
///
/// # Errors
/// [`KnownClientsError`].
pub(crate) fn choices(settings: &Settings) -> Result<Choices, KnownClientsError> {
    let known_clients = if settings.known_clients {
        KnownClients::builtin()?
    } else {
        KnownClients::default()
    };
    Ok(Choices {
        default_model: settings.default_model.clone(),
        response_format: settings.response_format,
        cors: cors::rules(&settings.cors_origins),
        known_clients,
        in_force: InForceSettings::of(settings),
    })
}

/// The state with another catalogue.
///
/// # Errors
/// When a competition does not fit it.
pub(crate) fn renewed(state: AppState, catalog: Catalog, settings: &Settings) -> Result<AppState, StartError> {
    let catalog = with_markup(Arc::new(catalog), settings);
    Ok(AppState {
        openapi: api::document(&catalog).into(),
        arena: Arena::new(competitions(&catalog, settings)?),
        shelf: state.shelf.anew(),
        generator: state.generator.renewed(catalog),
        ..state
    })
}

/// The competitions of a catalogue.
///
/// # Errors
/// [`StartError::Competition`], or [`StartError::Catalog`] for the operator's folder.
pub(crate) fn competitions(catalog: &Catalog, settings: &Settings) -> Result<Vec<Competition>, StartError> {
    let folder = settings.catalog_dir.as_deref();
    let files = builtin::competition_files(folder)?;
    Ok(arena::competitions::read(&files, folder, catalog)?)
}

/// What may follow an attempt that failed.
pub(crate) const fn policy(settings: &Settings) -> FailoverPolicy {
    FailoverPolicy {
        when_maybe_billed: settings.when_maybe_billed,
        on_content_policy: settings.failover_on_content_policy,
    }
}

/// What a start or a renewal makes of a catalogue: with the operator's mark-up on its prices.
pub(crate) fn with_markup(mut catalog: Arc<Catalog>, settings: &Settings) -> Arc<Catalog> {
    if !settings.markup_percent.is_zero() {
        Arc::make_mut(&mut catalog).set_markup(settings.markup_percent);
    }
    catalog
}
