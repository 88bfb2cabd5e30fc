//! `/leaderboard`, and the same as CSV and JSON.

use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use planner::money::Micros;
use rust_decimal::Decimal;
use site::arena::Ranked;
use site::card::Card;
use site::charts::Line;
use site::pages::leaderboard::{self, Row, Shown, Trust};
use site::performance::{Calls, Performance};

use super::arena::{rated, tallied};
use super::query::{pairs, value};
use crate::arena::boards::{Board, BoardKey, LEAST_VOTES, Standing};
use crate::arena::{is_sandbox, told};
use crate::http::state::AppState;
use crate::http::{face, respond, visit};
use crate::problem::Problem;

/// Models whose ratings over time are drawn.
const LINES_MAX: usize = 5;

/// A board in words.
pub(super) fn words(state: &AppState, key: &BoardKey) -> String {
    match key {
        BoardKey::Overall => "Overall".to_owned(),
        BoardKey::Mode(mode) => site::words::mode(*mode).to_owned(),
        BoardKey::Category(name) => site::words::capital(&name.replace('-', " ")),
        BoardKey::Competition(id) => state
            .arena
            .competition(id)
            .map_or_else(|| id.clone(), |own| own.name.clone()),
    }
}

fn key(state: &AppState, query: &[(String, String)]) -> BoardKey {
    // An old link must still show something.
    let named = value(query, "board").and_then(|name| BoardKey::named(name, state.arena.competitions()));
    named.unwrap_or(BoardKey::Overall)
}

async fn board(state: &AppState, key: &BoardKey) -> Result<std::sync::Arc<Board>, Problem> {
    state.arena.board(&state.generator, key).await.map_err(|error| {
        tracing::error!(error = %error, "a board could not be made");
        Problem::of_database(&error)
    })
}

/// Ranks of the overall board, by model; none where it cannot be read.
pub(super) async fn ranks(state: &AppState) -> BTreeMap<String, usize> {
    match board(state, &BoardKey::Overall).await {
        Ok(board) => {
            let standings = board.standings.iter();
            standings
                .map(|standing| (standing.model.clone(), standing.rank.rank))
                .collect()
        }
        Err(_) => BTreeMap::new(),
    }
}

/// The page.
pub(super) async fn handle(State(state): State<AppState>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = pairs(query.as_deref());
    let key = key(&state, &query);
    let board = match board(&state, &key).await {
        Ok(board) => board,
        Err(problem) => return problem.into_response(),
    };
    let price = value(&query, "price").filter(|price| leaderboard::PRICES.contains(price));
    let most = price
        .and_then(|price| price.parse::<Decimal>().ok())
        .map(Micros::from_dollars);
    let performance = state.shelf.performance(&state.generator).await;
    let cards = state.shelf.cards(&state.generator);
    let rows: Vec<Row> = board
        .standings
        .iter()
        .map(|standing| row(standing, cards, &performance, board.standings.len()))
        .filter(|row| most.is_none_or(|most| row.price.is_some_and(|price| price <= most)))
        .collect();
    let (modes, others): (Vec<BoardKey>, Vec<BoardKey>) = BoardKey::all(state.arena.competitions())
        .into_iter()
        .partition(|key| matches!(key, BoardKey::Overall | BoardKey::Mode(_)));
    let choices = |keys: Vec<BoardKey>| -> Vec<(String, String)> {
        keys.iter().map(|key| (key.name(), words(&state, key))).collect()
    };
    let page = leaderboard::page(&Shown {
        board: &key.name(),
        title: &words(&state, &key),
        modes: &choices(modes),
        others: &choices(others),
        price,
        ranked: board.standings.len(),
        rows: &rows,
        trust: &trust(&board, cards),
        days: &board.history.iter().map(|(day, _)| *day).collect::<Vec<_>>(),
        lines: &lines(&board, cards),
        sandbox: is_sandbox(&state.generator.upstreams),
    });
    face::page(&page, &visit::of(&state, &headers), &headers)
}

fn name<'a>(cards: &'a [Card], id: &'a str) -> &'a str {
    cards
        .iter()
        .find(|card| card.id == id)
        .map_or(id, |card| card.name.as_str())
}

/// Where a standing stands.
pub(super) const fn ranked(standing: &Standing, of: usize) -> Ranked {
    Ranked {
        rank: standing.rank.rank,
        best: standing.rank.best,
        worst: standing.rank.worst,
        of,
    }
}

fn row(standing: &Standing, cards: &[Card], performance: &Performance, of: usize) -> Row {
    let card = cards.iter().find(|card| card.id == standing.model);
    Row {
        model: (
            card.map_or_else(|| "/models".to_owned(), Card::path),
            name(cards, &standing.model).to_owned(),
        ),
        creator: card.map(|card| card.creator_name.clone()).unwrap_or_default(),
        rank: ranked(standing, of),
        rated: rated(standing.interval),
        record: tallied(standing.record),
        price: card.and_then(|card| card.price),
        p50_ms: performance.of_model(&standing.model).as_ref().and_then(Calls::p50_ms),
    }
}

fn trust(board: &Board, cards: &[Card]) -> Trust {
    let [_, _, as_good, both_bad] = board.outcomes;
    let waiting = board.waiting.iter();
    Trust {
        left: board.sides.share.map(|share| (share, board.sides.chance)),
        votes: board.votes(),
        neither: (as_good, both_bad),
        circles: (board.circles.circular, board.circles.triples),
        aside: board.aside,
        least_votes: LEAST_VOTES,
        waiting: waiting
            .map(|(model, votes)| (name(cards, model).to_owned(), *votes))
            .collect(),
    }
}

fn lines(board: &Board, cards: &[Card]) -> Vec<Line> {
    let best = board.standings.iter().take(LINES_MAX);
    best.map(|standing| {
        let own = |ratings: &Vec<(String, f64)>| {
            let found = ratings.iter().find(|(model, _)| *model == standing.model);
            found.map(|(_, rating)| *rating)
        };
        Line {
            name: name(cards, &standing.model).to_owned(),
            ratings: board.history.iter().map(|(_, ratings)| own(ratings)).collect(),
        }
    })
    .collect()
}

/// The board as JSON.
pub(super) async fn json(State(state): State<AppState>, RawQuery(query): RawQuery) -> Response {
    let key = key(&state, &pairs(query.as_deref()));
    match board(&state, &key).await {
        Ok(board) => {
            let sandbox = is_sandbox(&state.generator.upstreams);
            match told::board(board, &state.generator.catalog, sandbox).await {
                Some(told) => respond::json(StatusCode::OK, &told),
                None => Problem::internal().into_response(),
            }
        }
        Err(problem) => problem.into_response(),
    }
}

/// The board as CSV.
pub(super) async fn csv(State(state): State<AppState>, RawQuery(query): RawQuery) -> Response {
    let key = key(&state, &pairs(query.as_deref()));
    let made = board(&state, &key)
        .await
        .map(|board| told::csv(&board, &state.generator.catalog));
    match made {
        Ok(Ok(bytes)) => respond::fixed("text/csv; charset=utf-8", bytes),
        Ok(Err(error)) => {
            tracing::error!(error = %error, "a board could not be written as CSV");
            Problem::internal().into_response()
        }
        Err(problem) => problem.into_response(),
    }
}
