//! `/v1/accounts/{id}/postings`: movements of an account's money, and those that an operator orders.

use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use planner::fault::echo;
use planner::money::Micros;
use serde_json::{Value, json};

use crate::api::caller::Caller;
use crate::api::operator::{body, internal};
use crate::api::paging::Paging;
use crate::api::query::Parameters;
use crate::auth::Scope;
use crate::db::ledger::history::{PostingFilter, PostingRow};
use crate::http::path::PathPart;
use crate::http::respond;
use crate::http::state::AppState;
use crate::operator::{accounts, postings};
use crate::problem::Problem;

/// Says that nothing moved this time.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The account's postings, newest first, those of the gateway's own included.
pub(in crate::api) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(id): PathPart,
    RawQuery(query): RawQuery,
) -> Response {
    match page(&state, &caller, id, query.as_deref()).await {
        Ok(page) => respond::json(StatusCode::OK, &page),
        Err(problem) => problem.into_response(),
    }
}

async fn page(state: &AppState, caller: &Caller, account_id: String, query: Option<&str>) -> Result<Value, Problem> {
    caller.require(Scope::Admin)?;
    let database = &state.generator.database;
    accounts::found(database, &account_id).await?;
    let mut parameters = Parameters::of(query);
    let paging = Paging::read(&mut parameters);
    for (name, id) in [
        ("starting_after", &paging.starting_after),
        ("ending_before", &paging.ending_before),
    ] {
        let Some(id) = id else { continue };
        let found = database.posting(id).await.map_err(|error| internal(&error))?;
        if found.is_none_or(|posting| posting.account_id != account_id) {
            parameters.fault(
                name,
                format!("'{name}' must be the id of a posting: there is no {}", echo(id)),
            );
        }
    }
    parameters.finish()?;
    let path = format!("/v1/accounts/{account_id}/postings");
    let filter = PostingFilter {
        account_id,
        starting_after: paging.starting_after.clone(),
        ending_before: paging.ending_before.clone(),
    };
    let found = database.postings_of(&filter, paging.wanted()).await;
    let rows = found.map_err(|error| internal(&error))?;
    Ok(paging
        .page(&path, query, rows, |posting| posting.id.as_str())
        .json(posting_json))
}

/// Moves money. The same id and content again is answered with the posting that is there.
pub(in crate::api) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    PathPart(id): PathPart,
    request: Request,
) -> Response {
    let posted = async {
        caller.require(Scope::Admin)?;
        let header = request.headers().get(postings::ID_HEADER);
        // What is no text is no id either, and told as such.
        let header = header.map(|value| value.to_str().unwrap_or_default().to_owned());
        let received = body(&state, request).await?;
        let (database, now) = (&state.generator.database, state.generator.clock.now());
        let witness = caller.witness(&state);
        let (given, faults) = (&received.fields, received.faults);
        let posted = postings::post(database, &id, given, header.as_deref(), faults, now, &witness).await?;
        Ok::<_, Problem>(posted)
    };
    match posted.await {
        Ok((posting, false)) => respond::json(StatusCode::CREATED, &posting_json(&posting)),
        Ok((posting, true)) => {
            let mut response = respond::json(StatusCode::OK, &posting_json(&posting));
            response
                .headers_mut()
                .insert(REPLAYED, HeaderValue::from_static("true"));
            response
        }
        Err(problem) => problem.into_response(),
    }
}

fn posting_json(posting: &PostingRow) -> Value {
    let dollars = |micros: i64| Micros(micros).as_json_dollars();
    let entries = posting.entries.iter();
    let entries: Vec<Value> = entries
        .map(|(book, amount)| json!({ "book": book, "amount_usd": dollars(*amount) }))
        .collect();
    json!({
        "id": posting.id,
        "object": "posting",
        "kind": posting.kind,
        "account_id": posting.account_id,
        "amount_usd": dollars(posting.available_micros()),
        "request_id": posting.generation_id,
        "key_id": posting.key_id,
        "note": posting.note,
        "entries": entries,
        "created_at": posting.created_at.to_string(),
    })
}
