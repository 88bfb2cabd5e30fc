//! `/playground`: the page, and the form that is sent without scripts.

mod quote;

use std::sync::Arc;

use axum::Extension;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use planner::catalog::Catalog;
use planner::catalog::model::Model;
use planner::mode::Mode;
use planner::money::Micros;
use planner::view::{ModelView, page_path};
use site::pages::playground::{self, Chosen, Grid, MODELS_MAX, MODES, Outcome, Shown, VALUES_MAX, Who};

use super::query::{pairs, value};
use super::{form, inner, session as sessions};
use crate::auth::Session;
use crate::generation::Generator;
use crate::http::cookie::Cookie;
use crate::http::face;
use crate::http::in_process::InProcess;
use crate::http::session::{self, CallerAddress, FORM_TOKEN};
use crate::http::state::AppState;
use crate::http::visit;
use crate::problem::Problem;

/// What a query holds beside the fields of a request.
const OWN: [&str; 11] = [
    "models",
    "mode",
    "add",
    FORM_TOKEN,
    "inputs",
    "input_size",
    "masked",
    "vary",
    "values",
    "model",
    "response_format",
];

/// What a query asks to be shown.
struct Asked<'a> {
    models: Vec<&'a Model>,
    mode: Mode,
    /// The request's fields.
    values: Vec<(String, String)>,
    /// The input images that are there.
    inputs: quote::InputsTold,
    /// One parameter in several values.
    varied: Option<(String, Vec<String>)>,
}

impl<'a> Asked<'a> {
    /// Reads a query. What it does not know is left out: an old link must still show something.
    fn read(state: &AppState, catalog: &'a Catalog, pairs: &[(String, String)]) -> Self {
        let known = MODES.iter().find(|(_, word, _)| Some(*word) == value(pairs, "mode"));
        let names = pairs
            .iter()
            .filter(|(name, _)| matches!(name.as_str(), "models" | "add"))
            .flat_map(|(_, names)| names.split(','));
        let mut models: Vec<&'a Model> = Vec::new();
        for name in names {
            let Ok(found) = catalog.find(name.trim()) else { continue };
            let is_known = models.iter().any(|model| model.id == found.model.id);
            if !is_known && models.len() < MODELS_MAX {
                models.push(found.model);
            }
        }
        let mode = known.map(|(mode, _, _)| *mode);
        let first_mode = || models.first().and_then(|model| model.modes().first().copied());
        let mode = mode.or_else(first_mode).unwrap_or(Mode::TextToImage);
        if models.is_empty() {
            let available = state.generator.upstreams.available();
            let usual = catalog.models().find(|model| {
                let is_here = model.live_offers().any(|offer| available.contains(&offer.provider));
                is_here && model.modes().contains(&mode)
            });
            models.extend(usual);
        }
        let values = pairs
            .iter()
            .filter(|(name, value)| !OWN.contains(&name.as_str()) && !value.trim().is_empty())
            .cloned();
        Self {
            models,
            mode,
            values: values.collect(),
            inputs: quote::InputsTold::read(pairs),
            varied: varied(pairs),
        }
    }
}

/// The parameter that is to be varied, and its values.
fn varied(pairs: &[(String, String)]) -> Option<(String, Vec<String>)> {
    let name = value(pairs, "vary").filter(|name| !name.is_empty())?;
    let values = value(pairs, "values")?.split(',').map(str::trim);
    let values: Vec<String> = values
        .filter(|value| !value.is_empty())
        .take(VALUES_MAX)
        .map(ToOwned::to_owned)
        .collect();
    (!values.is_empty()).then(|| (name.to_owned(), values))
}

/// The page.
pub(super) async fn show(State(state): State<AppState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let pairs = pairs(query.as_deref());
    let session = match session::current(&state, &headers).await {
        Ok(session) => session,
        Err(problem) => return problem.into_response(),
    };
    match whole(&state, &headers, &pairs, session.as_ref(), None).await {
        Ok(page) => face::own_page(&page, &visit::of(&state, &headers)),
        Err(problem) => problem.into_response(),
    }
}

async fn whole(
    state: &AppState,
    headers: &HeaderMap,
    pairs: &[(String, String)],
    session: Option<&Session>,
    outcome: Option<Outcome>,
) -> Result<site::frame::Page, Problem> {
    let generator = &state.generator;
    let catalog = Arc::clone(&generator.catalog);
    let asked = Asked::read(state, &catalog, pairs);
    let performance = state.shelf.performance(generator).await;
    let chosen = asked.models.iter().map(|model| {
        let view = ModelView::of(&catalog, model, generator.upstreams.available());
        let parameters = view.parameters();
        Chosen {
            id: model.id.clone(),
            name: model.name.clone(),
            path: page_path(model),
            quote: quote::of(generator, &view, &parameters, asked.mode, &asked.values, asked.inputs),
            modes: view.modes.clone(),
            inputs_max: site::facts::most_inputs(&view),
            usual_ms: performance.of_model(&model.id).and_then(|calls| calls.p50_ms()),
            parameters,
        }
    });
    let chosen: Vec<Chosen> = chosen.collect();
    let grid = asked.varied.as_ref().map(|varied| grid(generator, &asked, varied));
    let cards = state.shelf.cards(generator).iter();
    let choices = cards
        .filter(|card| card.is_available && !card.is_retired)
        .map(|card| (card.id.clone(), card.name.clone(), card.modes.clone()));
    let who = match session {
        Some(session) if session.identity.is_visitor => Who::Visitor {
            left: sessions::left(state, session).await?,
        },
        Some(session) => Who::Key {
            name: session.identity.key_name.clone(),
            left: sessions::left(state, session).await?,
        },
        None if state.sessions.has_visitors() => Who::Visitor { left: None },
        None => Who::Nobody,
    };
    let address = visit::of(state, headers).address;
    let shown = Shown {
        chosen,
        grid,
        choices: choices.collect(),
        mode: asked.mode,
        values: &asked.values,
        who,
        form_token: session.map(|session| session.form_token.as_str()),
        outcome,
        address: &address,
    };
    Ok(playground::page(&shown))
}

/// What all requests of a grid cost at the most, each asked for by itself: a value may cost several times another.
fn grid(generator: &Generator, asked: &Asked<'_>, (name, varied): &(String, Vec<String>)) -> Grid {
    let mut grid = Grid {
        models: asked.models.len(),
        values: varied.len(),
        cost: Some(Micros::ZERO),
    };
    for model in &asked.models {
        let view = ModelView::of(&generator.catalog, model, generator.upstreams.available());
        let parameters = view.parameters();
        for value in varied {
            let mut values = asked.values.clone();
            values.retain(|(own, _)| own != name);
            values.push((name.clone(), value.clone()));
            let cell = quote::of(generator, &view, &parameters, asked.mode, &values, asked.inputs);
            grid.cost = grid
                .cost
                .zip(cell.cost)
                .map(|(sum, own)| Micros(sum.0.saturating_add(own.0)));
        }
    }
    grid
}

/// Asks the API as the form says, and answers with the page.
pub(super) async fn send(
    State(state): State<AppState>,
    Extension(api): Extension<InProcess>,
    address: CallerAddress,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let mut pairs = pairs(query.as_deref());
    let entered = enter(&state, &headers, address, value(&pairs, FORM_TOKEN)).await;
    let (session, cookie) = match entered {
        Ok(entered) => entered,
        Err(problem) => return answer(&state, &headers, &pairs, None, None, &problem).await,
    };
    let catalog = Arc::clone(&state.generator.catalog);
    let mode = Asked::read(&state, &catalog, &pairs).mode;
    let own = inner::Own {
        headers: &headers,
        cookie: cookie.as_ref(),
    };
    let answered = if mode == Mode::TextToImage {
        match form::read(request).await {
            Ok(form) => {
                pairs.retain(|(name, _)| OWN.contains(&name.as_str()));
                pairs.extend(form.pairs.clone());
                inner::generate(api, &own, &catalog, &form.pairs).await
            }
            Err(problem) => Err(problem),
        }
    } else {
        inner::edit(api, &own, request).await
    };
    let (status, outcome) = match answered {
        Ok(answered) => answered,
        Err(problem) => return answer(&state, &headers, &pairs, Some(&session), cookie, &problem).await,
    };
    shown(&state, &headers, &pairs, Some(&session), cookie, (status, outcome)).await
}

/// Who sends the form: the session whose page it stood on, or a visitor whose session begins now.
pub(super) async fn enter(
    state: &AppState,
    headers: &HeaderMap,
    address: CallerAddress,
    token: Option<&str>,
) -> Result<(Session, Option<Cookie>), Problem> {
    if session::current(state, headers).await?.is_some() {
        let session = session::of_form(state, headers, token).await?;
        return Ok((session, None));
    }
    session::visit(state, headers, address).await
}

/// The page with a refusal.
async fn answer(
    state: &AppState,
    headers: &HeaderMap,
    pairs: &[(String, String)],
    session: Option<&Session>,
    cookie: Option<Cookie>,
    problem: &Problem,
) -> Response {
    let outcome = Outcome::Refused {
        status: problem.status.as_u16(),
        message: problem.message.clone(),
        id: String::new(),
    };
    shown(state, headers, pairs, session, cookie, (problem.status, outcome)).await
}

async fn shown(
    state: &AppState,
    headers: &HeaderMap,
    pairs: &[(String, String)],
    session: Option<&Session>,
    cookie: Option<Cookie>,
    (status, outcome): (StatusCode, Outcome),
) -> Response {
    match whole(state, headers, pairs, session, Some(outcome)).await {
        Ok(page) => {
            let mut response = face::own_page(&page, &visit::of(state, headers));
            *response.status_mut() = status;
            if let Some(cookie) = cookie {
                cookie.put(&mut response);
            }
            response
        }
        Err(problem) => problem.into_response(),
    }
}
