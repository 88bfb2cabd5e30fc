//! `/v1/arena`: competitions, blind pairs, votes and boards, for tools of one's own; and what operators do there.

pub(super) mod operator;
pub(super) mod reports;
pub(super) mod suggestions;

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::operator::{body, internal};
use super::query::Parameters;
use crate::arena::battles::{self, Voter};
use crate::arena::boards::BoardKey;
use crate::arena::competitions::Competition;
use crate::arena::sheet::OUTCOMES;
use crate::arena::{is_sandbox, told};
use crate::auth::Scope;
use crate::db::arena::ExhibitFilter;
use crate::erasure::voter_of;
use crate::http::path::PathPart;
use crate::http::state::AppState;
use crate::http::{respond, visit};
use crate::operator::Refusal;
use crate::operator::fields::Fields;
use crate::problem::Problem;

/// Longest name by which a tool tells its voters apart.
const VOTER_CHARS_MAX: usize = 200;
/// Longest id that is looked up.
const ID_CHARS_MAX: usize = 64;
/// Entries that are counted: more than all models in all competitions.
const ENTRIES_MAX: i64 = 10_000;

fn answered(status: StatusCode, made: Result<Value, Problem>) -> Response {
    match made {
        Ok(body) => respond::json(status, &body),
        Err(problem) => problem.into_response(),
    }
}

/// Who votes through a key: the key alone, or somebody that it names.
fn voter(caller: &Caller, named: Option<&str>) -> Voter {
    let key = &caller.identity.key_id;
    let id = named.map_or_else(|| format!("key-{key}"), |named| voter_of(key, named));
    Voter { id, address: None }
}

/// Reads a body by `read`, which may note faults; all are told together.
async fn fields<T>(state: &AppState, request: Request, read: impl FnOnce(&mut Fields<'_>) -> T) -> Result<T, Problem> {
    let received = body(state, request).await?;
    let given: Map<String, Value> = received.fields;
    let mut fields = Fields::new(&given);
    let read = read(&mut fields);
    let mut faults = received.faults;
    faults.extend(fields.finish());
    if faults.is_empty() {
        Ok(read)
    } else {
        Err(Problem::faults(&faults))
    }
}

/// Reads a body that asks for a state. `wanted` says what it must be where it is missing.
async fn state_of<T: Copy>(
    state: &AppState,
    request: Request,
    legal: &[(&str, T)],
    wanted: &str,
) -> Result<T, Problem> {
    let read = fields(state, request, |fields| {
        let given = fields.choice("state", legal);
        fields.required("state", given, wanted)
    });
    read.await?.ok_or_else(Problem::internal)
}

/// A text as it came; who keeps it says how long it may be.
fn text(value: &Value) -> Result<String, String> {
    let text = value.as_str().map(ToOwned::to_owned);
    text.ok_or_else(|| "must be a text".to_owned())
}

fn no_competition(id: &str) -> Problem {
    Refusal::NotFound(format!(
        "There is no competition {}; GET /v1/arena/competitions lists them.",
        planner::fault::echo(id)
    ))
    .into()
}

/// The competition of that id.
fn competition<'a>(state: &'a AppState, id: &str) -> Result<&'a Competition, Problem> {
    state.arena.competition(id).ok_or_else(|| no_competition(id))
}

/// `GET /v1/arena/competitions`.
pub(super) async fn competitions(State(state): State<AppState>, caller: Caller, headers: HeaderMap) -> Response {
    let told = async {
        caller.require(Scope::Read)?;
        let generator = &state.generator;
        let filter = ExhibitFilter {
            sandbox: is_sandbox(&generator.upstreams),
            ..ExhibitFilter::default()
        };
        let entries = generator.database.exhibits(&filter, 0, ENTRIES_MAX).await;
        let entries = entries.map_err(|error| internal(&error))?;
        let address = visit::of(&state, &headers).address;
        let of_competition = |competition: &Competition| {
            let models = competition.models(&generator.catalog, generator.upstreams.available());
            let counted = models.into_iter().map(|model| {
                let own = |entry: &&crate::db::arena::ExhibitRow| {
                    entry.model == model.id && entry.competition.as_ref() == Some(&competition.id)
                };
                (model.id.clone(), entries.iter().filter(own).count() as u64)
            });
            told::competition(competition, &counted.collect::<Vec<_>>(), &address)
        };
        let data: Vec<Value> = state.arena.competitions().iter().map(of_competition).collect();
        Ok(json!({ "object": "list", "sandbox": filter.sandbox, "data": data }))
    };
    answered(StatusCode::OK, told.await)
}

/// `POST /v1/arena/battles`: a pair to vote on.
pub(super) async fn battle(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let made = async {
        caller.require(Scope::Read)?;
        caller.take_turn(&state).await?;
        let (wanted, named) = fields(&state, request, |fields| {
            let wanted = fields.text("competition", ID_CHARS_MAX);
            let named = fields.text("voter", VOTER_CHARS_MAX);
            (wanted.value(), named.value())
        })
        .await?;
        let wanted = wanted.map(|id| competition(&state, &id)).transpose()?;
        let voter = voter(&caller, named.as_deref());
        let battle = battles::hand_out(&state.arena, &state.generator, &voter, wanted, true).await?;
        let battle = battle.ok_or_else(|| {
            Refusal::Conflict("No competition has entries of two models yet; 'pictor arena run' makes them.".to_owned())
        })?;
        let competition = competition(&state, &battle.competition)?;
        Ok(told::battle(&battle, competition, &visit::of(&state, &headers).address))
    };
    answered(StatusCode::CREATED, made.await)
}

/// `POST /v1/arena/votes`: a vote, and what is told after it.
pub(super) async fn vote(State(state): State<AppState>, caller: Caller, request: Request) -> Response {
    let made = async {
        caller.require(Scope::Read)?;
        let (battle, said, decided_ms, named) = fields(&state, request, |fields| {
            let battle = fields.text("battle", ID_CHARS_MAX);
            let said = fields.choice("vote", &OUTCOMES);
            let decided_ms = fields.integer("decided_ms", 0..=i64::MAX);
            let named = fields.text("voter", VOTER_CHARS_MAX);
            let battle = fields.required("battle", battle, "is the id of a pair from POST /v1/arena/battles");
            let said = fields.required("vote", said, "must be 'left', 'right', 'as_good' or 'both_bad'");
            (battle, said, decided_ms.value(), named.value())
        })
        .await?;
        let (Some(battle), Some(said)) = (battle, said) else {
            return Err(Problem::internal());
        };
        let voter = voter(&caller, named.as_deref());
        battles::vote(&state.arena, &state.generator, &voter, &battle, (said, decided_ms)).await?;
        reveal(&state, &voter, &battle).await
    };
    answered(StatusCode::CREATED, made.await)
}

async fn reveal(state: &AppState, voter: &Voter, battle: &str) -> Result<Value, Problem> {
    let revealed = battles::reveal(&state.arena, &state.generator, voter, battle).await?;
    let revealed = revealed.ok_or_else(Problem::internal)?;
    Ok(told::revealed(&revealed, &state.generator.catalog))
}

/// `DELETE /v1/arena/votes/{battle}`: takes a vote back.
pub(super) async fn take_back(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(battle): PathPart,
    RawQuery(query): RawQuery,
) -> Response {
    let done = async {
        caller.require(Scope::Read)?;
        let mut query = Parameters::of(query.as_deref());
        let named = query.text("voter");
        query.finish()?;
        let voter = voter(&caller, named.as_deref());
        battles::take_back(&state.arena, &state.generator, &voter, &battle).await?;
        reveal(&state, &voter, &battle).await
    };
    answered(StatusCode::OK, done.await)
}

/// `GET /v1/arena/leaderboard`: one board.
pub(super) async fn leaderboard(State(state): State<AppState>, caller: Caller, RawQuery(query): RawQuery) -> Response {
    let told = async {
        caller.require(Scope::Read)?;
        let mut query = Parameters::of(query.as_deref());
        let name = query.text("board").unwrap_or_else(|| BoardKey::Overall.name());
        let competitions = state.arena.competitions();
        let key = BoardKey::named(&name, competitions);
        if key.is_none() {
            let names: Vec<String> = BoardKey::all(competitions).iter().map(BoardKey::name).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            query.unknown("board", &name, &names);
        }
        query.finish()?;
        let key = key.ok_or_else(Problem::internal)?;
        let board = state.arena.board(&state.generator, &key).await;
        let board = board.map_err(|error| internal(&error))?;
        let sandbox = is_sandbox(&state.generator.upstreams);
        let told = told::board(board, &state.generator.catalog, sandbox).await;
        told.ok_or_else(Problem::internal)
    };
    answered(StatusCode::OK, told.await)
}
