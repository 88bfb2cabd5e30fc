//! `/gallery`: pictures on show.

use std::collections::BTreeMap;

use axum::extract::{Path, RawQuery, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use planner::money::Micros;
use planner::view;
use serde_json::{Map, Value};
use site::arena::{Exhibit, Opinion};
use site::pages::gallery::{self, Shown};
use site::told::typed;

use super::elsewhere::see;
use super::form;
use super::pictures::image;
use super::query::{pairs, value};
use crate::arena::battles::Voter;
use crate::arena::{exhibits, is_sandbox, reports};
use crate::db::DatabaseError;
use crate::db::arena::{ExhibitFilter, ExhibitRow, ExhibitState};
use crate::http::session::CallerAddress;
use crate::http::shelf::{exhibit_file, exhibit_page};
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
    exhibit_file(&row.id)
}

/// A picture as pages show it.
pub(super) fn exhibit(state: &AppState, row: &ExhibitRow) -> Exhibit {
    let generator = &state.generator;
    let model = generator.catalog.model(&row.model);
    let upstream = generator.upstreams.get(&row.provider);
    let competition = row.competition.as_deref().and_then(|id| state.arena.competition(id));
    Exhibit {
        path: path(row),
        page: page_path(row),
        width_px: u32::try_from(row.width_px).unwrap_or(1),
        height_px: u32::try_from(row.height_px).unwrap_or(1),
        model: (
            model.map_or_else(|| "/models".to_owned(), view::page_path),
            model.map_or_else(|| row.model.clone(), |model| model.name.clone()),
        ),
        provider: upstream.map_or_else(|| row.provider.clone(), |upstream| upstream.name.clone()),
        prompt: row.prompt.clone(),
        cost: row.cost_micros.map(Micros),
        duration_ms: row.duration_ms.and_then(|ms| u64::try_from(ms).ok()),
        competition: competition.map(|own| own.name.clone()),
        again: model
            .filter(|_| row.competition.is_none())
            .map(|model| again(&model.id, row)),
        sandbox: row.sandbox,
    }
}

/// Where a picture on show is told of by itself.
pub(super) fn page_path(row: &ExhibitRow) -> String {
    exhibit_page(&row.id)
}

/// The settings of a picture as the playground takes them.
fn again(model: &str, row: &ExhibitRow) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("models", model);
    query.append_pair("prompt", &row.prompt);
    for (name, value) in settings(row) {
        query.append_pair(&name, &value);
    }
    format!("/playground?{}", query.finish())
}

/// What was asked beside the prompt, as one would type it.
fn settings(row: &ExhibitRow) -> Vec<(String, String)> {
    let settings: Map<String, Value> = serde_json::from_str(&row.settings).unwrap_or_default();
    settings
        .into_iter()
        .map(|(name, value)| (name, typed(&value)))
        .collect()
}

/// What a machine says of each of these pictures.
pub(super) async fn opinions<const MANY: usize>(
    state: &AppState,
    ids: [&str; MANY],
) -> Result<[Option<Opinion>; MANY], DatabaseError> {
    let mut rows = state.generator.database.opinions(&ids).await?;
    Ok(ids.map(|id| {
        let row = rows.remove(id)?;
        Some(Opinion {
            judge: row.judge,
            plus: row.plus,
            minus: row.minus,
        })
    }))
}

/// A picture that is on show.
async fn shown(state: &AppState, id: &str) -> Result<Option<ExhibitRow>, DatabaseError> {
    let found = state.generator.database.exhibit(&id.replace('\0', "")).await?;
    Ok(found.filter(|row| row.state == ExhibitState::Shown))
}

/// The page of one picture.
async fn one(
    state: &AppState,
    id: &str,
    query: &[(String, String)],
    headers: &HeaderMap,
) -> Result<Response, DatabaseError> {
    let Some(row) = shown(state, id).await? else {
        return Ok(fallback::at(&format!("/gallery/{id}")).into_response());
    };
    // Others of the same order, else by the same model.
    let like = ExhibitFilter {
        sandbox: row.sandbox,
        competition: row.competition.clone(),
        model: row.competition.is_none().then(|| row.model.clone()),
        state: None,
    };
    let rows = state.generator.database.exhibits(&like, 0, PAGE).await?;
    let others: Vec<(String, Exhibit)> = rows
        .iter()
        .filter(|other| other.id != row.id)
        .map(|other| (other.id.clone(), exhibit(state, other)))
        .collect();
    let name = |(id, other): &(String, Exhibit)| {
        let what = if row.competition.is_some() {
            other.model.1.clone()
        } else {
            other.prompt.chars().take(60).collect()
        };
        (id.clone(), what)
    };
    let beside = value(query, "beside").and_then(|wanted| others.iter().find(|(id, _)| id == wanted));
    let [opinion] = opinions(state, [&row.id]).await?;
    let page = gallery::picture(&gallery::One {
        id: &row.id,
        exhibit: &exhibit(state, &row),
        settings: &settings(&row),
        opinion: opinion.as_ref(),
        others: &others.iter().map(name).collect::<Vec<_>>(),
        beside: beside.map(|(id, other)| (id.as_str(), other)),
        reported: value(query, "reported").is_some(),
    });
    Ok(face::page(&page, &visit::of(state, headers), headers))
}

/// Takes a report of a form.
pub(super) async fn report(
    State(state): State<AppState>,
    Path(id): Path<String>,
    CallerAddress(address): CallerAddress,
    headers: HeaderMap,
    request: Request,
) -> Response {
    // The cookie of voters comes to the arena's pages alone: here people are told apart by their addresses.
    let address = state.sessions.hash(address);
    let reporter = Voter {
        id: format!("at-{address}"),
        address: Some(address),
    };
    let answer = async {
        let form = form::posted(&state, &headers, request).await?;
        let reason = value(&form, "reason").unwrap_or_default();
        let (report, _) = reports::report(&state.generator, &reporter, &id.replace('\0', ""), reason).await?;
        Ok::<_, Problem>(see(&format!("/gallery/{}?reported=1", report.exhibit_id)))
    };
    answer
        .await
        .unwrap_or_else(|problem| form::refusal(&state, &headers, "/gallery", &problem))
}

/// `/gallery/{id}`: the page of a picture on show, and `/gallery/{id}.webp`: its file.
pub(super) async fn file(
    State(state): State<AppState>,
    Path(file): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Some(id) = file.strip_suffix(".webp") else {
        let page = one(&state, &file, &pairs(query.as_deref()), &headers).await;
        return page.unwrap_or_else(|error| broken(&error));
    };
    // It may be hidden at any time.
    let cache = "public, max-age=300";
    file_of(&state, shown(&state, id).await, cache, &format!("/gallery/{file}")).await
}

/// The file of the picture that was found; `path` is where it was looked for.
pub(super) async fn file_of(
    state: &AppState,
    found: Result<Option<ExhibitRow>, DatabaseError>,
    cache: &'static str,
    path: &str,
) -> Response {
    let row = match found {
        Ok(Some(row)) if !row.is_removed() => row,
        Ok(_) => return fallback::at(path).into_response(),
        Err(error) => return broken(&error),
    };
    match exhibits::file(&state.generator, &state.spool, &row).await {
        Ok(bytes) => image("image/webp", cache, bytes),
        Err(refusal) => Problem::from(refusal).into_response(),
    }
}

fn broken(error: &DatabaseError) -> Response {
    tracing::error!(error = %error, "a picture could not be looked up");
    Problem::of_database(error).into_response()
}
