//! `/docs`: guides and the reference, each with its twin in Markdown.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use planner::mode::Mode;
use planner::view::ModelView;
use site::guides;
use site::markdown::EXAMPLE_ADDRESS;
use site::pages::reference::ErrorCode;
use site::pages::{docs, reference};
use site::samples::Sample;

use crate::http::face;
use crate::http::fallback;
use crate::http::state::AppState;
use crate::http::visit;
use crate::problem::codes;

const MARKDOWN: &str = "text/markdown; charset=utf-8";

/// How ratings are made, where hosted services have it.
pub(super) async fn methodology() -> Response {
    super::elsewhere::moved("/docs/arena")
}

/// The list of all pages.
pub(super) async fn index(State(state): State<AppState>, headers: HeaderMap) -> Response {
    let page = docs::index(state.shelf.reference(&state.openapi));
    face::page(&page, &visit::of(&state, &headers), &headers)
}

/// A guide, its twin, or the first page of the reference.
pub(super) async fn guide(State(state): State<AppState>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    if name == "api" || name == "api.md" {
        return show(&state, None, name.ends_with(".md"), &headers);
    }
    let visit = visit::of(&state, &headers);
    let slug = name.strip_suffix(".md");
    let Some(guide) = guides::find(slug.unwrap_or(&name)) else {
        return fallback::at(&format!("/docs/{name}")).into_response();
    };
    if slug.is_some() {
        return face::text(MARKDOWN, guide.text.replace(EXAMPLE_ADDRESS, &visit.address), &headers);
    }
    let page = docs::guide(guide, state.shelf.reference(&state.openapi), &visit.address);
    face::page(&page, &visit, &headers)
}

/// One operation of the reference, or its twin.
pub(super) async fn operation(State(state): State<AppState>, Path(name): Path<String>, headers: HeaderMap) -> Response {
    let slug = name.strip_suffix(".md");
    show(&state, Some(slug.unwrap_or(&name)), slug.is_some(), &headers)
}

fn show(state: &AppState, slug: Option<&str>, as_markdown: bool, headers: &HeaderMap) -> Response {
    let reference = state.shelf.reference(&state.openapi);
    let Some(operation) = reference.find(slug) else {
        return fallback::at(&format!("/docs/api/{}", slug.unwrap_or_default())).into_response();
    };
    let visit = visit::of(state, headers);
    if as_markdown {
        return face::text(
            MARKDOWN,
            reference::markdown(reference, operation, &visit.address, &codes()),
            headers,
        );
    }
    let sample = sample(state, &operation.path);
    let page = reference::page(reference, operation, (sample.as_ref(), &visit.address), &codes());
    face::page(&page, &visit, headers)
}

/// The codes of errors.
fn codes() -> Vec<ErrorCode> {
    let told = |code: &codes::Code| ErrorCode {
        name: code.name,
        status: code.status.as_u16(),
        when: code.when,
        again: code.again.as_str(),
    };
    codes::ALL.iter().map(told).collect()
}

/// What calls an operation that makes images.
fn sample(state: &AppState, path: &str) -> Option<Sample> {
    let mode = match path {
        "/openai/v1/images/generations" => Mode::TextToImage,
        "/openai/v1/images/edits" => Mode::ImageEdit,
        _ => return None,
    };
    let generator = &state.generator;
    let catalog = &generator.catalog;
    let model = catalog
        .models()
        .find(|model| model.featured && model.modes().contains(&mode))?;
    Some(Sample::of(
        &ModelView::of(catalog, model, generator.upstreams.available()),
        mode,
    ))
}
