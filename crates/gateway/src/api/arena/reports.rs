//! Reports of pictures on show, and what a machine says of them.

use std::collections::BTreeSet;

use axum::extract::{RawQuery, Request, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::{VOTER_CHARS_MAX, answered, fields, state_of, text, voter};
use crate::api::caller::Caller;
use crate::api::operator::internal;
use crate::api::query::Parameters;
use crate::arena::reports::{JUDGE_CHARS_MAX, POINT_CHARS_MAX, POINTS_MAX};
use crate::arena::{reports, told};
use crate::auth::Scope;
use crate::db::arena::{ExhibitState, OpinionRow, ReportRow, ReportState};
use crate::http::path::PathPart;
use crate::http::state::AppState;
use crate::operator::Refusal;
use crate::operator::fields::{Fields, Given};
use crate::problem::Problem;

/// Reports of one answer.
const PAGE: i64 = 200;

/// `POST /v1/arena/exhibits/{id}/reports`: notes what is wrong with a picture on show.
pub(in crate::api) async fn report(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(id): PathPart,
    request: Request,
) -> Response {
    let made = async {
        caller.require(Scope::Read)?;
        let read = fields(&state, request, |fields| {
            let reason = fields.read("reason", text);
            let named = fields.text("voter", VOTER_CHARS_MAX);
            let wanted = format!("is what is wrong, in 1 to {} characters", reports::REASON_CHARS_MAX);
            (fields.required("reason", reason, &wanted), named.value())
        });
        let (reason, named) = read.await?;
        let reason = reason.ok_or_else(Problem::internal)?;
        let reporter = voter(&caller, named.as_deref());
        let (row, is_new) = reports::report(&state.generator, &reporter, &id, &reason).await?;
        Ok((told::report(&row), is_new))
    };
    let (status, told) = match made.await {
        Ok((told, true)) => (StatusCode::CREATED, Ok(told)),
        Ok((told, false)) => (StatusCode::OK, Ok(told)),
        Err(problem) => (StatusCode::CREATED, Err(problem)),
    };
    answered(status, told)
}

/// `GET /v1/arena/reports`: reports, for operators, each with its picture.
pub(in crate::api) async fn list(State(state): State<AppState>, caller: Caller, RawQuery(query): RawQuery) -> Response {
    let told = async {
        caller.require(Scope::Admin)?;
        let mut query = Parameters::of(query.as_deref());
        let wanted = query.one_of("state", &ReportState::ALL.map(|state| (state.as_str(), state)));
        query.finish()?;
        let database = &state.generator.database;
        let rows = database.reports(wanted.unwrap_or(ReportState::Waiting), PAGE).await;
        let rows = rows.map_err(|error| internal(&error))?;
        let ids: BTreeSet<&str> = rows.iter().map(|row| row.exhibit_id.as_str()).collect();
        let exhibits = database.exhibits_of(&ids.into_iter().collect::<Vec<_>>()).await;
        let exhibits = exhibits.map_err(|error| internal(&error))?;
        let told = |row: &ReportRow| {
            let exhibit = exhibits.iter().find(|exhibit| exhibit.id == row.exhibit_id);
            let mut report = told::report(row);
            report["exhibit"] = exhibit.map_or(Value::Null, |row| told::exhibit(row, &state.generator.catalog));
            report
        };
        let data: Vec<Value> = rows.iter().map(told).collect();
        Ok(json!({ "object": "list", "data": data }))
    };
    answered(StatusCode::OK, told.await)
}

/// `PATCH /v1/arena/reports/{id}`: answers a report.
pub(in crate::api) async fn decide(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(id): PathPart,
    request: Request,
) -> Response {
    let changed = async {
        caller.require(Scope::Admin)?;
        let legal = [ReportState::Upheld, ReportState::Dismissed].map(|state| (state.as_str(), state));
        let wanted = state_of(&state, request, &legal, "must be 'upheld' or 'dismissed'").await?;
        let row = reports::decide(&state.generator, &id, wanted).await?;
        Ok(told::report(&row))
    };
    answered(StatusCode::OK, changed.await)
}

/// `PUT /v1/arena/exhibits/{id}/opinion`: keeps what a model of the operator's says of a picture. It is no vote.
pub(in crate::api) async fn judge(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(id): PathPart,
    request: Request,
) -> Response {
    let made = async {
        caller.require(Scope::Admin)?;
        let read = fields(&state, request, |fields| {
            let judge = fields.text("judge", JUDGE_CHARS_MAX);
            let judge = fields.required("judge", judge, "is the name of the model whose opinion it is");
            let (plus, minus) = (points(fields, "plus"), points(fields, "minus"));
            (judge, plus, minus)
        });
        let (Some(judge), plus, minus) = read.await? else {
            return Err(Problem::internal());
        };
        let database = &state.generator.database;
        let known = database.exhibit(&id).await.map_err(|error| internal(&error))?;
        // What nobody has hung is its owner's, and of what was taken down nothing is to be said any more.
        if !known.is_some_and(|known| known.state != ExhibitState::Private && known.may_be_paired()) {
            return Err(
                Refusal::NotFound("No such picture hangs in the gallery or in a competition.".to_owned()).into(),
            );
        }
        let row = OpinionRow {
            exhibit_id: id.clone(),
            judge,
            plus,
            minus,
            created_at: state.generator.clock.now(),
        };
        database.put_opinion(&row).await.map_err(|error| internal(&error))?;
        Ok(told::opinion(&row))
    };
    answered(StatusCode::OK, made.await)
}

/// `DELETE /v1/arena/exhibits/{id}/opinion`: forgets it.
pub(in crate::api) async fn forget_opinion(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(id): PathPart,
) -> Response {
    let done = async {
        caller.require(Scope::Admin)?;
        let dropped = state.generator.database.drop_opinion(&id).await;
        if !dropped.map_err(|error| internal(&error))? {
            return Err(Refusal::NotFound("No machine said anything of this picture.".to_owned()).into());
        }
        Ok(json!({ "exhibit": id, "object": "arena.opinion", "deleted": true }))
    };
    answered(StatusCode::OK, done.await)
}

/// Points for or against a picture; none where there are none.
fn points(fields: &mut Fields<'_>, name: &'static str) -> Vec<String> {
    let given: Given<Vec<String>> = fields.read(name, |value| {
        let texts: Option<Vec<String>> = value.as_array().and_then(|list| {
            let text = |one: &Value| {
                let text = one.as_str()?.trim();
                let fits = (1..=POINT_CHARS_MAX).contains(&text.chars().count()) && !text.contains('\0');
                fits.then(|| text.to_owned())
            };
            list.iter().map(text).collect()
        });
        texts
            .filter(|texts| texts.len() <= POINTS_MAX)
            .ok_or_else(|| format!("must be a list of at most {POINTS_MAX} texts of 1 to {POINT_CHARS_MAX} characters"))
    });
    given.value().unwrap_or_default()
}
