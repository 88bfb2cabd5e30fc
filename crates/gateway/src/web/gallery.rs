//! `/gallery`: pictures on show.

use std::collections::BTreeMap;

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use planner::money::Micros;
use planner::view::page_path;
use site::arena::Exhibit;
use site::pages::gallery::{self, Shown};

use super::arena::image;
use super::query::{pairs, value};
use crate::arena::{exhibits, is_sandbox};
use crate::db::DatabaseError;
use crate::db::arena::{ExhibitFilter, ExhibitRow, ExhibitState};
use crate::http::state::AppState;
use crate::http::{face, fallback, visit};
use crate::problem::Problem;

/// Pictures of a page.
const PAGE: i64 = 48;
/// Pictures among which models are looked for that can be chosen.
const LOOKED_AT: i64 = 10_000;

/// The page.
pub(super) async fn handle(State(state): State<AppState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    match show(&state, &pairs(query.as_deref()), &headers).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(error = %error, "the gallery could not be read");
            Problem::of_database(&error).into_response()
        }
    }
}

async fn show(state: &AppState, query: &[(String, String)], headers: &HeaderMap) -> Result<Response, DatabaseError> {
    let database = &state.generator.database;
    let all = ExhibitFilter {
        sandbox: is_sandbox(&state.generator.upstreams),
        ..ExhibitFilter::default()
    };
    let clean = |text: &str| text.replace('\0', "");
    let filter = ExhibitFilter {
        model: value(query, "model").map(clean),
        competition: value(query, "competition").map(clean),
        ..all.clone()
    };
    let total = database.count_exhibits(&filter).await?;
    let pages = (total + PAGE - 1) / PAGE;
    let number = value(query, "page")
        .and_then(|page| page.parse::<i64>().ok())
        .unwrap_or(1);
    let number = number.clamp(1, pages.max(1));
    let rows = database.exhibits(&filter, (number - 1) * PAGE, PAGE).await?;
    let mut models: BTreeMap<String, String> = BTreeMap::new();
    for row in database.exhibits(&all, 0, LOOKED_AT).await? {
        let name = state
            .generator
            .catalog
            .model(&row.model)
            .map_or(&row.model, |model| &model.name);
        models.entry(row.model.clone()).or_insert_with(|| name.clone());
    }
    let competitions = state.arena.competitions().iter();
    let shown: Vec<Exhibit> = rows.iter().map(|row| exhibit(state, row)).collect();
    let page = gallery::page(&Shown {
        exhibits: &shown,
        total: u64::try_from(total).unwrap_or(0),
        models: &models.into_iter().collect::<Vec<_>>(),
        competitions: &competitions
            .map(|own| (own.id.clone(), own.name.clone()))
            .collect::<Vec<_>>(),
        model: filter.model.as_deref(),
        competition: filter.competition.as_deref(),
        page: (number.unsigned_abs(), pages.unsigned_abs()),
        sandbox: all.sandbox,
    });
    Ok(face::page(&page, &visit::of(state, headers), headers))
}

/// Where the file of a picture on show is.
pub(super) fn path(row: &ExhibitRow) -> String {
    format!("/gallery/{}.webp", row.id)
}

/// A picture as pages show it.
pub(super) fn exhibit(state: &AppState, row: &ExhibitRow) -> Exhibit {
    let generator = &state.generator;
    let model = generator.catalog.model(&row.model);
    let upstream = generator.upstreams.get(&row.provider);
    let competition = row.competition.as_deref().and_then(|id| state.arena.competition(id));
    Exhibit {
        path: path(row),
        width_px: u32::try_from(row.width_px).unwrap_or(1),
        height_px: u32::try_from(row.height_px).unwrap_or(1),
        model: (
            model.map_or_else(|| "/models".to_owned(), page_path),
            model.map_or_else(|| row.model.clone(), |model| model.name.clone()),
        ),
        provider: upstream.map_or_else(|| row.provider.clone(), |upstream| upstream.name.clone()),
        prompt: row.prompt.clone(),
        cost: row.cost_micros.map(Micros),
        duration_ms: row.duration_ms.and_then(|ms| u64::try_from(ms).ok()),
        competition: competition.map(|own| own.name.clone()),
        again: None,
        sandbox: row.sandbox,
    }
}

/// `/gallery/{id}.webp`: the file of a picture on show.
pub(super) async fn file(State(state): State<AppState>, Path(file): Path<String>) -> Response {
    let absent = || fallback::at(&format!("/gallery/{file}")).into_response();
    let id = file.strip_suffix(".webp").unwrap_or_default().replace('\0', "");
    let found = state.generator.database.exhibit(&id).await;
    let row = match found {
        Ok(row) => row.filter(|row| row.state == ExhibitState::Shown.as_str()),
        Err(error) => {
            tracing::error!(error = %error, "a picture on show could not be looked up");
            return Problem::of_database(&error).into_response();
        }
    };
    let Some(row) = row else { return absent() };
    match exhibits::file(&state.generator, &state.spool, &row).await {
        // It may be hidden at any time.
        Ok(bytes) => image("image/webp", "public, max-age=300", bytes),
        Err(refusal) => Problem::from(refusal).into_response(),
    }
}
