//! `/compare`: up to four models side by side.

use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use planner::mode::Mode;
use planner::size::Tier;
use planner::view::ModelView;
use site::arena::Exhibit;
use site::card::Card;
use site::filter::COMPARED_MAX;
use site::pages::compare::{self, Compared, Priced, PricedAs};

use super::arena::{rated, tallied};
use super::asked::{self, Wish};
use super::elsewhere::see;
use super::gallery;
use super::model::today;
use super::query::pairs;
use crate::arena::boards::{Board, BoardKey};
use crate::arena::is_sandbox;
use crate::db::DatabaseError;
use crate::db::arena::{ExhibitFilter, ExhibitRow};
use crate::generation::Generator;
use crate::http::face;
use crate::http::fallback;
use crate::http::state::AppState;
use crate::http::visit;
use crate::problem::Problem;

/// From the boxes of a list to the path of the comparison.
pub(super) async fn choose(State(state): State<AppState>, RawQuery(query): RawQuery) -> Response {
    let pairs = pairs(query.as_deref());
    let cards = state.shelf.cards(&state.generator);
    let mut chosen: Vec<&str> = Vec::new();
    for (_, key) in pairs.iter().filter(|(name, _)| name == "compare") {
        let is_known = cards.iter().any(|card| card.key() == *key);
        if is_known && !chosen.contains(&key.as_str()) && chosen.len() < COMPARED_MAX {
            chosen.push(key);
        }
    }
    if chosen.is_empty() {
        return see("/models");
    }
    see(&compare::path(chosen))
}

/// The models of a path: `creator/model` each, or a model's id alone.
fn named<'a>(cards: &'a [Card], path: &str) -> Option<Vec<&'a Card>> {
    let mut found: Vec<&Card> = Vec::new();
    let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
    while let Some(part) = parts.next() {
        let own = |card: &&Card| {
            parts
                .peek()
                .is_some_and(|next| card.creator == part && card.id == **next)
        };
        let card = match cards.iter().find(own) {
            Some(card) => {
                parts.next();
                card
            }
            None => cards.iter().find(|card| card.id == part)?,
        };
        if !found.iter().any(|other| other.id == card.id) {
            found.push(card);
        }
    }
    (!found.is_empty() && found.len() <= COMPARED_MAX).then_some(found)
}

/// The comparison.
pub(super) async fn handle(State(state): State<AppState>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    let generator = &state.generator;
    let Some(cards) = named(state.shelf.cards(generator), &path) else {
        return fallback::at(&format!("/compare/{path}")).into_response();
    };
    let board = match state.arena.board(generator, &BoardKey::Overall).await {
        Ok(board) => board,
        Err(error) => {
            tracing::error!(error = %error, "a board could not be made");
            return Problem::of_database(&error).into_response();
        }
    };
    let ids: Vec<&str> = cards.iter().map(|card| card.id.as_str()).collect();
    let pictures = match pictures(&state, &ids).await {
        Ok(pictures) => pictures,
        Err(error) => {
            tracing::error!(error = %error, "pictures on show could not be read");
            return Problem::of_database(&error).into_response();
        }
    };
    let models: Vec<Compared<'_>> = cards
        .iter()
        .copied()
        .zip(pictures)
        .filter_map(|(card, pictures)| compared(generator, card, (&board, pictures), &ids))
        .collect();
    let performance = state.shelf.performance(generator).await;
    let hung = state.shelf.hung(generator).await;
    let page = compare::page(&models, &hung, &performance, today(generator));
    face::page(&page, &visit::of(&state, &headers), &headers)
}

/// Pictures that are looked at of each model: more than its entries in all competitions.
const PICTURES_MAX: i64 = 200;

/// What each model made in the competitions that several of them took part in.
async fn pictures(state: &AppState, ids: &[&str]) -> Result<Vec<Vec<(String, Option<Exhibit>)>>, DatabaseError> {
    let mut entries = Vec::new();
    for id in ids {
        let filter = ExhibitFilter {
            sandbox: is_sandbox(&state.generator.upstreams),
            model: Some((*id).to_owned()),
            ..ExhibitFilter::default()
        };
        entries.push(state.generator.database.exhibits(&filter, 0, PICTURES_MAX).await?);
    }
    let first = |own: &[ExhibitRow], competition: &str| {
        let entry = own
            .iter()
            .find(|entry| entry.competition.as_deref() == Some(competition));
        entry.map(|entry| gallery::exhibit(state, entry))
    };
    let shared = state.arena.competitions().iter().filter(|competition| {
        let takes_part = |own: &&Vec<ExhibitRow>| {
            own.iter()
                .any(|entry| entry.competition.as_ref() == Some(&competition.id))
        };
        entries.iter().filter(takes_part).count() > 1
    });
    let shared: Vec<(&str, &str)> = shared.map(|own| (own.id.as_str(), own.name.as_str())).collect();
    let of_model = |own: &Vec<ExhibitRow>| {
        let pictures = shared.iter();
        pictures
            .map(|(id, name)| ((*name).to_owned(), first(own, id)))
            .collect()
    };
    Ok(entries.iter().map(of_model).collect())
}

fn compared<'a>(
    generator: &Generator,
    card: &'a Card,
    (board, pictures): (&Board, Vec<(String, Option<Exhibit>)>),
    ids: &[&str],
) -> Option<Compared<'a>> {
    let catalog = &generator.catalog;
    let view = ModelView::of(catalog, catalog.model(&card.id)?, generator.upstreams.available());
    let usual = planner::catalog::model::DEFAULT_SIZE;
    let kinds = [
        PricedAs::Exact(usual),
        PricedAs::Tier(Tier::K(2_000)),
        PricedAs::Tier(Tier::K(4_000)),
    ];
    let prices = kinds
        .into_iter()
        .map(|kind| (kind, least(generator, &view, card, kind)));
    Some(Compared {
        prices: prices.collect(),
        parameters: view.parameters(),
        rated: board.standing(&card.id).map(|standing| rated(standing.interval)),
        against: ids
            .iter()
            .map(|other| tallied(board.head_to_head(&card.id, other)))
            .collect(),
        pictures,
        card,
    })
}

/// The quality at which models are compared, where they have it.
const QUALITY: &str = "medium";

/// The least price at any provider, where the model makes such a picture.
fn least(generator: &Generator, view: &ModelView<'_>, card: &Card, kind: PricedAs) -> Option<Priced> {
    let mode = view.modes.iter().copied().find(|mode| *mode != Mode::Upscale)?;
    let parameters = view.parameters();
    let qualities = parameters.iter().find(|parameter| parameter.name == "quality");
    let has_quality = qualities.is_some_and(|quality| quality.values.iter().any(|value| value == QUALITY));
    let size = match kind {
        PricedAs::Exact(size) => Some(size.to_string()),
        PricedAs::Tier(_) => None,
    };
    let wish = Wish {
        mode: Some(mode),
        quality: has_quality.then_some(QUALITY),
        size: size.as_deref(),
        resolution: match kind {
            PricedAs::Exact(_) => None,
            PricedAs::Tier(tier) => {
                let reaches = |largest: Tier| largest.scale() >= tier.scale() * 0.97;
                if !card.largest.is_some_and(reaches) {
                    return None;
                }
                Some(if tier == Tier::K(4_000) { "4K" } else { "2K" })
            }
        },
        ..Wish::default()
    };
    let asked = asked::price(generator, view, wish);
    let sent = asked.explanation.offers.iter().filter_map(|offer| offer.sent.as_ref());
    let cheapest = sent.min_by_key(|sent| sent.total_cost_micros)?;
    let changed = |name: &'static str| cheapest.adjustments.iter().find(move |one| one.parameter == name);
    let is_tier = matches!(kind, PricedAs::Tier(_));
    if is_tier && ["resolution", "size"].into_iter().any(|name| changed(name).is_some()) {
        return None;
    }
    Some(Priced {
        cost: cheapest.total_cost_micros,
        quality: wish.quality.filter(|_| changed("quality").is_none()).map(|_| QUALITY),
        instead: changed("size").map(|one| match one.used.as_str() {
            Some(used) => used.replace('x', " × "),
            None => "a size of its own".to_owned(),
        }),
    })
}
