//! What the arena knows of a model, for its page.

use planner::catalog::model::Model;
use site::pages::compare;
use site::pages::model::{Competed, InArena};

use super::arena::{rated, tallied};
use super::gallery;
use super::leaderboard::{ranked, words};
use crate::arena::boards::{Board, BoardKey};
use crate::arena::is_sandbox;
use crate::db::DatabaseError;
use crate::db::arena::ExhibitFilter;
use crate::http::state::AppState;

/// Opponents that are shown: those met most.
const OPPONENTS_MAX: usize = 8;
/// Pictures that are shown.
const PICTURES_MAX: usize = 6;
/// Entries of one model that are looked at.
const ENTRIES_MAX: i64 = 500;
/// Categories for which it is best.
const BEST_MAX: usize = 3;

/// Gathers it. Where something cannot be read, the page does without.
pub(super) async fn of(state: &AppState, model: &Model) -> InArena {
    match gathered(state, model).await {
        Ok(told) => told,
        Err(error) => {
            tracing::error!(error = %error, "what the arena knows of a model could not be read");
            InArena::default()
        }
    }
}

async fn gathered(state: &AppState, model: &Model) -> Result<InArena, DatabaseError> {
    let sandbox = is_sandbox(&state.generator.upstreams);
    let filter = ExhibitFilter {
        sandbox,
        model: Some(model.id.clone()),
        ..ExhibitFilter::default()
    };
    let database = &state.generator.database;
    let exhibits = database.exhibits(&filter, 0, ENTRIES_MAX).await?;
    let mut told = InArena {
        total: u64::try_from(database.count_exhibits(&filter).await?).unwrap_or(0),
        exhibits: exhibits
            .iter()
            .take(PICTURES_MAX)
            .map(|row| gallery::exhibit(state, row))
            .collect(),
        sandbox,
        ..InArena::default()
    };
    for key in BoardKey::all(state.arena.competitions()) {
        let board = state.arena.board(&state.generator, &key).await?;
        let standing = board.standing(&model.id);
        let record = standing.map(|standing| tallied(standing.record));
        let rank = standing.map(|standing| ranked(standing, board.standings.len()));
        let (name, title) = (key.name(), words(state, &key));
        match &key {
            BoardKey::Competition(id) => {
                let entry = exhibits.iter().find(|row| row.competition.as_ref() == Some(id));
                let competition = state.arena.competition(id);
                let own = board.record(&model.id);
                if let Some(competition) = competition.filter(|_| entry.is_some() || own.votes() > 0.0) {
                    told.competitions.push(Competed {
                        board: name,
                        name: title,
                        prompt: competition.prompt.clone(),
                        picture: entry.map(|row| {
                            let side = |px: i64| u32::try_from(px).unwrap_or(1);
                            (gallery::path(row), side(row.width_px), side(row.height_px))
                        }),
                        rank,
                        record: tallied(own),
                    });
                }
            }
            BoardKey::Category(_) => {
                if let (Some(rank), Some(record)) = (rank, record) {
                    told.best_for.push((name, title, rank, record));
                }
            }
            BoardKey::Overall | BoardKey::Mode(_) => {
                if let (Some(rank), Some(standing)) = (rank, standing) {
                    told.boards.push((name, title, rank, rated(standing.interval)));
                }
                if key == BoardKey::Overall {
                    told.opponents = opponents(state, model, &board);
                }
            }
        }
    }
    told.best_for.sort_by_key(|(_, _, rank, _)| rank.rank);
    told.best_for.truncate(BEST_MAX);
    Ok(told)
}

fn opponents(state: &AppState, model: &Model, board: &Board) -> Vec<(String, String, site::arena::Tallied)> {
    let cards = state.shelf.cards(&state.generator);
    let key = |id: &str| cards.iter().find(|card| card.id == id).map(|card| card.key());
    let own = key(&model.id).unwrap_or_default();
    let met = board.met(&model.id).into_iter().take(OPPONENTS_MAX);
    met.filter_map(|(other, record)| {
        let card = cards.iter().find(|card| card.id == other)?;
        let path = compare::path([own.as_str(), card.key().as_str()]);
        Some((path, card.name.clone(), tallied(record)))
    })
    .collect()
}
