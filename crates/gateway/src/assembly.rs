//! Puts together what the endpoints share: at the start, and when the catalogue is renewed.

use std::net::SocketAddr;
use std::sync::Arc;

use planner::catalog::Catalog;
use providers::{GuardedClient, Spool};

use crate::api;
use crate::arena::competitions::Competition;
use crate::arena::{self, Arena};
use crate::auth::Keyring;
use crate::builtin;
use crate::generation::Generator;
use crate::http::cors;
use crate::http::shelf::Shelf;
use crate::http::state::{AppState, InForceSettings};
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
        default_model: settings.default_model.as_deref().map(Arc::from),
        response_format: settings.response_format,
        cors: cors::rules(&settings.cors_origins),
        api_aliases: settings.api_aliases.clone().into(),
        known_clients: Arc::new(known_clients(settings)?),
        metrics_apart,
        metrics_guarded: are_metrics_guarded(settings, settings.listen),
        has_pages: settings.site,
        trusted_proxies: settings.trusted_proxies.clone().into(),
        in_force: Arc::new(InForceSettings::of(settings)),
        shelf: Shelf::new(settings.public_url.as_deref(), format!("http://{}", settings.listen)),
        generator,
    })
}

/// Whether `/metrics` takes a key at `address`.
pub(crate) const fn are_metrics_guarded(settings: &Settings, address: SocketAddr) -> bool {
    !settings.metrics_open && !address.ip().is_loopback()
}

/// Those of the list, or none.
fn known_clients(settings: &Settings) -> Result<KnownClients, KnownClientsError> {
    if settings.known_clients {
        KnownClients::builtin()
    } else {
        Ok(KnownClients::default())
    }
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
        generator: Generator {
            catalog,
            ..state.generator
        },
        ..state
    })
}

/// The competitions of a catalogue.
///
/// # Errors
/// [`StartError::Competition`], or [`StartError::Catalog`] for the operator's folder.
pub(crate) fn competitions(catalog: &Catalog, settings: &Settings) -> Result<Vec<Competition>, StartError> {
    let files = builtin::competition_files(settings.catalog_dir.as_deref())?;
    Ok(arena::competitions::read(&files, catalog)?)
}

/// What a start or a renewal makes of a catalogue: with the operator's mark-up on its prices.
pub(crate) fn with_markup(mut catalog: Arc<Catalog>, settings: &Settings) -> Arc<Catalog> {
    if !settings.markup_percent.is_zero() {
        Arc::make_mut(&mut catalog).set_markup(settings.markup_percent);
    }
    catalog
}
