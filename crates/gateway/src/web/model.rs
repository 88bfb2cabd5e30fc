//! `/models/{creator}/{model}` and what is below it.

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use planner::catalog::Catalog;
use planner::catalog::lookup::NotFound;
use planner::catalog::model::Model;
use planner::mode::Mode;
use planner::view::{ModelView, page_path};
use site::pages::model::{self, Shown};
use site::picture::Picture;
use site::plates::{self, Hung};

use super::asked::{self, Wish};
use super::elsewhere::{moved, see};
use super::query::{pairs, value};
use crate::generation::Generator;
use crate::http::face;
use crate::http::shelf::providers;
use crate::http::state::AppState;
use crate::http::visit;
use crate::outcome::GenerationError;
use crate::problem::Problem;

/// The size that the form for sizes begins with: no model makes it as it is.
const FIRST_SIZE: &str = "1600x900";

/// The day, in UTC.
pub(super) fn today(generator: &Generator) -> Date {
    generator.clock.now().to_zoned(TimeZone::UTC).date()
}

/// The model of a path, or where to go instead.
fn find<'a>(catalog: &'a Catalog, creator: &str, name: &str, rest: &str) -> Result<&'a Model, Response> {
    let Some(model) = catalog.model(name) else {
        let cause = match catalog.find(name) {
            Err(cause) => cause,
            Ok(_) => NotFound::Unknown { suggestion: None },
        };
        let error = GenerationError::Model {
            name: name.to_owned(),
            cause,
        };
        return Err(Problem::of_generation(&error).into_response());
    };
    if model.id == name && model.creator == creator {
        Ok(model)
    } else {
        Err(moved(&format!("{}{rest}", page_path(model))))
    }
}

/// The page.
pub(super) async fn handle(
    State(state): State<AppState>,
    Path((creator, name)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let catalog = &state.generator.catalog;
    let model = match find(catalog, &creator, &name, "") {
        Ok(model) => model,
        Err(other) => return other,
    };
    let visit = visit::of(&state, &headers);
    let pairs = pairs(query.as_deref());
    let page = told(&state, model, &visit.address, &pairs, model::page).await;
    face::page(&page, &visit, &headers)
}

/// The same as text for machines.
pub(super) async fn text(
    State(state): State<AppState>,
    Path((creator, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let catalog = &state.generator.catalog;
    let model = match find(catalog, &creator, &name, "/llms.txt") {
        Ok(model) => model,
        Err(other) => return other,
    };
    let address = visit::of(&state, &headers).address;
    let text = told(&state, model, &address, &[], |shown| site::machine::model(&shown)).await;
    face::text("text/markdown; charset=utf-8", text, &headers)
}

/// Pages that hosted services have of their own are sections here.
pub(super) async fn section(
    State(state): State<AppState>,
    Path((creator, name, section)): Path<(String, String, String)>,
) -> Response {
    if section == "gallery" {
        return match find(&state.generator.catalog, &creator, &name, "") {
            Ok(model) => see(&format!("/gallery?model={}", model.id)),
            Err(other) => other,
        };
    }
    let place = match section.as_str() {
        "api" => "#code",
        "providers" => "#prices",
        "benchmarks" => "#arena",
        _ => return crate::http::fallback::at(&format!("/models/{creator}/{name}/{section}")).into_response(),
    };
    match find(&state.generator.catalog, &creator, &name, place) {
        Ok(model) => see(&format!("{}{place}", page_path(model))),
        Err(other) => other,
    }
}

/// Gathers what is told of a model, and tells it.
pub(super) async fn told<T>(
    state: &AppState,
    model: &Model,
    address: &str,
    query: &[(String, String)],
    tell: impl FnOnce(Shown<'_>) -> T,
) -> T {
    let generator = &state.generator;
    let catalog = &generator.catalog;
    let performance = state.shelf.performance(generator).await;
    let view = ModelView::of(catalog, model, generator.upstreams.available());
    let own = |name: &str| value(query, name);
    let asks = own("ask");
    let price = match asks {
        Some("price") => Wish {
            mode: own("mode").and_then(|name| Mode::ALL.into_iter().find(|mode| mode.as_str() == name)),
            quality: own("quality"),
            size: own("size"),
            n: own("n").and_then(|n| n.parse().ok()),
            ..Wish::default()
        },
        _ => Wish::default(),
    };
    let size = match asks {
        Some("size") => Wish {
            size: own("size"),
            aspect_ratio: own("aspect_ratio"),
            resolution: own("resolution"),
            ..Wish::default()
        },
        _ => Wish {
            size: Some(FIRST_SIZE),
            ..Wish::default()
        },
    };
    let arena = super::in_arena::of(state, model).await;
    let hung = state.shelf.hung(generator).await;
    tell(Shown {
        arena: &arena,
        successor: model.successor.as_deref().and_then(|id| catalog.model(id)),
        providers: &providers(generator),
        performance: &performance,
        today: today(generator),
        address,
        picture: &picture(state, &hung, &view),
        price: &asked::price(generator, &view, price),
        size: &asked::size(generator, &view, size),
        view: &view,
    })
}

/// The large picture of a model.
fn picture(state: &AppState, hung: &Hung, view: &ModelView<'_>) -> Picture {
    let cards = state.shelf.cards(&state.generator);
    let card = cards.iter().find(|card| card.id == view.model.id);
    card.map_or_else(
        || Picture::Frame {
            ratios: Vec::new(),
            is_free: false,
        },
        |card| plates::wide(card, hung),
    )
}
