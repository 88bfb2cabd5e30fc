//! What operators and owners do in the arena: entries, publishing, whose votes count, the demonstration.

use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::{answered, competition, fields, state_of};
use crate::api::caller::Caller;
use crate::api::operator::internal;
use crate::api::query::Parameters;
use crate::arena::{demo, exhibits, is_sandbox, told};
use crate::auth::Scope;
use crate::db::arena::{ExhibitFilter, ExhibitRow, ExhibitState};
use crate::http::path::PathPart;
use crate::http::state::AppState;
use crate::operator::{ID_CHARS_MAX, Refusal};
use crate::problem::Problem;

/// Longest id of a request.
const REQUEST_ID_CHARS_MAX: usize = 64;
/// Pictures of one answer.
const PAGE: i64 = 100;

/// `POST /v1/arena/entries`: hangs the image of a request as an entry of a competition.
pub(in crate::api) async fn enter(State(state): State<AppState>, caller: Caller, request: Request) -> Response {
    let made = async {
        caller.require(Scope::Admin)?;
        let (id, request_id, account_id) = fields(&state, request, |fields| {
            let id = fields.text("competition", ID_CHARS_MAX);
            let request_id = fields.text("request_id", REQUEST_ID_CHARS_MAX);
            let account_id = fields.text("account_id", ID_CHARS_MAX);
            (
                fields.required("competition", id, "is the id of a competition"),
                fields.required("request_id", request_id, "is the id of a completed request"),
                account_id.value(),
            )
        })
        .await?;
        let (Some(id), Some(request_id)) = (id, request_id) else {
            return Err(Problem::internal());
        };
        let competition = competition(&state, &id)?;
        let settings = Value::Object(competition.settings.clone());
        let order = exhibits::HangOrder {
            account_id: account_id.as_deref().unwrap_or(&caller.identity.account_id),
            key_id: None,
            generation_id: &request_id,
            position: 0,
            competition: Some(competition),
            prompt: &competition.prompt,
            settings: &settings,
            state: ExhibitState::Shown,
            now: state.generator.clock.now(),
        };
        let exhibit = exhibits::hang(&state.generator, &state.spool, order).await?;
        Ok(told::exhibit(&exhibit, &state.generator.catalog))
    };
    answered(StatusCode::CREATED, made.await)
}

/// `POST /v1/arena/exhibits`: publishes an image of one's own request in the gallery.
pub(in crate::api) async fn publish(State(state): State<AppState>, caller: Caller, request: Request) -> Response {
    let made = async {
        caller.require(Scope::Generate)?;
        let read = fields(&state, request, |fields| {
            let request_id = fields.text("request_id", REQUEST_ID_CHARS_MAX);
            let prompt = fields.read("prompt", |value| {
                let text = value.as_str().map(str::trim).unwrap_or_default();
                let fits = (1..=exhibits::PROMPT_CHARS_MAX).contains(&text.chars().count());
                fits.then(|| text.to_owned())
                    .ok_or_else(|| format!("must be a text of 1 to {} characters", exhibits::PROMPT_CHARS_MAX))
            });
            let position = fields.integer("position", 0..=99);
            let settings = fields.read("settings", |value| {
                value
                    .is_object()
                    .then(|| value.clone())
                    .ok_or_else(|| "must be an object".to_owned())
            });
            (
                fields.required("request_id", request_id, "is the id of a completed request of yours"),
                fields.required("prompt", prompt, "is what was asked, as it is to be shown"),
                position.value().unwrap_or(0),
                settings.value().unwrap_or_else(|| json!({})),
            )
        });
        let (Some(request_id), Some(prompt), position, settings) = read.await? else {
            return Err(Problem::internal());
        };
        // What visitors publish waits for the operator, and is of their own session's requests.
        let identity = &caller.identity;
        let order = exhibits::HangOrder {
            account_id: &identity.account_id,
            key_id: identity.is_visitor.then_some(identity.key_id.as_str()),
            generation_id: &request_id,
            position,
            competition: None,
            prompt: &prompt,
            settings: &settings,
            state: if identity.is_visitor {
                ExhibitState::Waiting
            } else {
                ExhibitState::Shown
            },
            now: state.generator.clock.now(),
        };
        let exhibit = exhibits::hang(&state.generator, &state.spool, order).await?;
        Ok(told::exhibit(&exhibit, &state.generator.catalog))
    };
    answered(StatusCode::CREATED, made.await)
}

/// `PATCH /v1/arena/exhibits/{id}`: shows or hides a picture; its owner's right, and the operator's.
pub(in crate::api) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(id): PathPart,
    request: Request,
) -> Response {
    let changed = async {
        let database = &state.generator.database;
        let (exhibit, is_operator) = to_be_changed(&state, &caller, &id).await?;
        let legal = [ExhibitState::Shown, ExhibitState::Hidden].map(|state| (state.as_str(), state));
        let wanted = state_of(&state, request, &legal, "must be 'shown' or 'hidden'").await?;
        // What an operator hid stays so.
        if !is_operator && wanted == ExhibitState::Shown && exhibit.state != wanted {
            return Err(Problem::permission("Only the operator shows again what was hidden."));
        }
        let done = database.set_exhibit_state(&id, wanted).await;
        done.map_err(|error| internal(&error))?;
        let exhibit = database
            .exhibit(&id)
            .await
            .map_err(|error| internal(&error))?
            .ok_or_else(absent)?;
        Ok(told::exhibit(&exhibit, &state.generator.catalog))
    };
    answered(StatusCode::OK, changed.await)
}

/// `DELETE /v1/arena/exhibits/{id}`: removes a picture for good; its owner's right, and the operator's.
pub(in crate::api) async fn remove(State(state): State<AppState>, caller: Caller, PathPart(id): PathPart) -> Response {
    let removed = async {
        let (exhibit, _) = to_be_changed(&state, &caller, &id).await?;
        exhibits::remove(&state.generator, &exhibit).await?;
        Ok(json!({ "id": exhibit.id, "object": "exhibit", "deleted": true }))
    };
    answered(StatusCode::OK, removed.await)
}

fn absent() -> Problem {
    Refusal::NotFound("There is no such picture of yours.".to_owned()).into()
}

/// A picture that the caller may change, and whether as an operator. One that was removed is not there any more.
async fn to_be_changed(state: &AppState, caller: &Caller, id: &str) -> Result<(ExhibitRow, bool), Problem> {
    let found = state.generator.database.exhibit(id).await;
    let found = found.map_err(|error| internal(&error))?.filter(|row| !row.is_removed());
    let exhibit = found.ok_or_else(absent)?;
    let is_operator = caller.identity.may(Scope::Admin);
    if !is_operator {
        caller.require(Scope::Generate)?;
        if exhibit.account_id != caller.identity.account_id || !is_own(state, caller, &exhibit).await? {
            return Err(absent());
        }
    }
    Ok((exhibit, is_operator))
}

/// Whether a picture is of a request of the caller's own: visitors share an account, and are told apart by their keys.
async fn is_own(state: &AppState, caller: &Caller, exhibit: &ExhibitRow) -> Result<bool, Problem> {
    let identity = &caller.identity;
    if !identity.is_visitor {
        return Ok(true);
    }
    let database = &state.generator.database;
    let request = database.generation(&identity.account_id, &exhibit.generation_id).await;
    let request = request.map_err(|error| internal(&error))?;
    Ok(request.is_some_and(|request| request.start.key_id == identity.key_id))
}

/// `GET /v1/arena/exhibits`: pictures on show; for operators those in another state too.
pub(in crate::api) async fn exhibits(
    State(state): State<AppState>,
    caller: Caller,
    RawQuery(query): RawQuery,
) -> Response {
    let told = async {
        caller.require(Scope::Read)?;
        let mut query = Parameters::of(query.as_deref());
        let filter = ExhibitFilter {
            sandbox: is_sandbox(&state.generator.upstreams),
            model: query.text("model"),
            competition: query.text("competition"),
            state: query.one_of("state", &ExhibitState::ALL.map(|state| (state.as_str(), state))),
        };
        let skip = query.number("skip", 0, i64::MAX).unwrap_or(0);
        query.finish()?;
        if filter.state.is_some_and(|state| state != ExhibitState::Shown) {
            caller.require(Scope::Admin)?;
        }
        let database = &state.generator.database;
        let rows = database
            .exhibits(&filter, skip, PAGE)
            .await
            .map_err(|error| internal(&error))?;
        let total = database
            .count_exhibits(&filter)
            .await
            .map_err(|error| internal(&error))?;
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let opinions = database.opinions(&ids).await.map_err(|error| internal(&error))?;
        let told = |row: &ExhibitRow| {
            let mut exhibit = told::exhibit(row, &state.generator.catalog);
            exhibit["opinion"] = opinions.get(&row.id).map_or(Value::Null, told::opinion);
            exhibit
        };
        let data: Vec<Value> = rows.iter().map(told).collect();
        Ok(json!({ "object": "list", "total": total, "data": data }))
    };
    answered(StatusCode::OK, told.await)
}

/// `GET /v1/arena/voters`: who was set aside, and why.
pub(in crate::api) async fn voters(State(state): State<AppState>, caller: Caller) -> Response {
    let told = async {
        caller.require(Scope::Admin)?;
        // So that what the newest votes show is among them.
        let boards = state
            .arena
            .boards(&state.generator)
            .await
            .map_err(|error| internal(&error))?;
        let data: Vec<Value> = boards.sheet.aside.iter().map(told::aside).collect();
        Ok(json!({ "object": "list", "data": data }))
    };
    answered(StatusCode::OK, told.await)
}

/// `PATCH /v1/arena/voters/{id}`: takes a voter's votes back in, or sets them aside again.
pub(in crate::api) async fn restore(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(id): PathPart,
    request: Request,
) -> Response {
    let changed = async {
        caller.require(Scope::Admin)?;
        let counts = fields(&state, request, |fields| {
            let counts = fields.boolean("counts");
            fields.required("counts", counts, "must be true or false")
        });
        let counts = counts.await?.ok_or_else(Problem::internal)?;
        let generator = &state.generator;
        let restored_at = counts.then(|| generator.clock.now());
        let known = generator.database.restore_voter(&id, restored_at).await;
        if !known.map_err(|error| internal(&error))? {
            return Err(Refusal::NotFound("No such voter was ever set aside.".to_owned()).into());
        }
        state.arena.changed().await;
        let rows = generator.database.aside(is_sandbox(&generator.upstreams)).await;
        let rows = rows.map_err(|error| internal(&error))?;
        let row = rows.iter().find(|row| row.voter == id).ok_or_else(Problem::internal)?;
        Ok(told::aside(row))
    };
    answered(StatusCode::OK, changed.await)
}

/// `POST /v1/arena/demo`: votes without preference on the sandbox's entries.
pub(in crate::api) async fn demonstrate(State(state): State<AppState>, caller: Caller, request: Request) -> Response {
    let made = async {
        caller.require(Scope::Admin)?;
        let votes = fields(&state, request, |fields| {
            fields.integer("votes", 1..=demo::VOTES_MAX).value()
        });
        let count = usize::try_from(votes.await?.unwrap_or(demo::VOTES_MAX / 10)).unwrap_or(0);
        let added = demo::draw_votes(&state.arena, &state.generator, count).await?;
        Ok(json!({ "object": "arena.demo", "votes": added }))
    };
    answered(StatusCode::CREATED, made.await)
}
