//! `GET /v1/usage`: what was spent, by day, model, provider, API key or end user.

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use planner::fault::echo;
use planner::money::Micros;
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::query::{Edge, Parameters};
use super::requests::account;
use crate::auth::Scope;
use crate::db::DatabaseError;
use crate::db::generations::{Grouping, Spending, SpendingFilter};
use crate::http::respond;
use crate::http::state::AppState;
use crate::ledger::date_of;
use crate::problem::Problem;

/// Most groups of one answer: 30 days of some thirty models, in a tenth of a megabyte.
const USAGE_GROUPS_MAX: usize = 1_000;

/// The account's spending.
pub(super) async fn handle(State(state): State<AppState>, caller: Caller, RawQuery(query): RawQuery) -> Response {
    let answer = async {
        caller.require(Scope::Read)?;
        let mut query = Parameters::of(query.as_deref());
        let account_id = account(&caller, &mut query)?;
        let groupings = groupings(&mut query);
        let filter = SpendingFilter {
            created_after: query.time("created_after", Edge::First),
            created_before: query.time("created_before", Edge::Last),
            key_id: query.text("key_id"),
        };
        query.finish()?;
        let body = usage(&state, &account_id, &groupings, &filter).await.map_err(|error| {
            tracing::error!(error = %error, "spending could not be read");
            Problem::internal()
        })?;
        Ok::<_, Problem>(respond::json(StatusCode::OK, &body))
    };
    answer.await.unwrap_or_else(IntoResponse::into_response)
}

/// By what to group: `group_by=day,model`, or the parameter several times.
fn groupings(query: &mut Parameters) -> Vec<Grouping> {
    const NAME: &str = "group_by";
    let given = query.texts(NAME);
    if given.is_empty() {
        return vec![Grouping::Day];
    }
    let mut found: Vec<Grouping> = Vec::new();
    for word in given.iter().flat_map(|value| value.split(',')).map(str::trim) {
        match Grouping::ALL.into_iter().find(|grouping| grouping.as_str() == word) {
            Some(grouping) if found.contains(&grouping) => {
                query.fault(NAME, format!("'{NAME}' names {} twice", echo(word)));
            }
            Some(grouping) => found.push(grouping),
            None => query.unknown(NAME, word, &Grouping::ALL.map(Grouping::as_str)),
        }
    }
    found
}

async fn usage(
    state: &AppState,
    account_id: &str,
    groupings: &[Grouping],
    filter: &SpendingFilter,
) -> Result<Value, DatabaseError> {
    let database = &state.generator.database;
    let wanted = i64::try_from(USAGE_GROUPS_MAX + 1).unwrap_or(i64::MAX);
    let mut groups = database.spending(account_id, groupings, filter, wanted).await?;
    let truncated = groups.len() > USAGE_GROUPS_MAX;
    groups.truncate(USAGE_GROUPS_MAX);
    // Not the sum of the groups: some may be cut off, and a request of two providers stands in two of them.
    let totals = database.spending(account_id, &[], filter, 1).await?;
    let totals = totals.first().map(|totals| Value::Object(amounts(totals)));
    let rows: Vec<Value> = groups.iter().map(|group| row(groupings, group)).collect();
    Ok(json!({
        "object": "usage",
        "group_by": groupings.iter().map(|grouping| grouping.as_str()).collect::<Vec<_>>(),
        "created_after": filter.created_after.map(|time| time.to_string()),
        "created_before": filter.created_before.map(|time| time.to_string()),
        "currency": "usd",
        "data": rows,
        "totals": totals,
        "truncated": truncated,
    }))
}

fn row(groupings: &[Grouping], spending: &Spending) -> Value {
    let mut told = Map::new();
    for (grouping, value) in groupings.iter().zip(&spending.group) {
        let value = match grouping {
            Grouping::Day => {
                let date = value.as_deref().and_then(|day| date_of(day.parse().ok()?));
                date.map(|date| Value::from(date.to_string()))
            }
            _ => value.clone().map(Value::from),
        };
        told.insert(grouping.as_str().to_owned(), value.unwrap_or_default());
    }
    told.extend(amounts(spending));
    Value::Object(told)
}

fn amounts(spending: &Spending) -> Map<String, Value> {
    let cost = Micros(spending.cost_micros).as_json_dollars();
    let named = [
        ("requests", json!(spending.requests)),
        ("completed", json!(spending.completed)),
        ("cost", json!(cost)),
        ("cost_micros", json!(spending.cost_micros)),
    ];
    named
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
