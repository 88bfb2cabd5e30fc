//! Which requests are asked for, and as what.

use axum::http::{HeaderMap, header};

use super::internal;
use crate::api::caller::Caller;
use crate::api::paging::Paging;
use crate::api::query::{Edge, Parameters};
use crate::auth::Scope;
use crate::db::generations::{Cursor, Filter, Search, Status};
use crate::http::state::AppState;
use crate::problem::Problem;

/// What a query asks for.
#[derive(Debug)]
pub(super) struct Query {
    /// Whose requests.
    pub(super) account_id: String,
    /// Which of them.
    pub(super) filter: Filter,
    /// Which page.
    pub(super) paging: Paging,
    /// Whether all that fit are summed up.
    pub(super) summary: bool,
    /// Whether each is told with its way: providers, attempts and estimate.
    pub(super) attempts: bool,
    /// As what.
    pub(super) form: Form,
}

/// How requests are handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A page, as JSON.
    Page,
    /// All of them, as a file.
    Export(Format),
}

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Values separated by commas (RFC 4180).
    Csv,
    /// One JSON object a line.
    NdJson,
}

/// Longest text that is looked for: ids and a few words.
pub(in crate::api) const SEARCH_CHARS_MAX: usize = 200;

const FORMATS: [(&str, Form); 3] = [
    ("json", Form::Page),
    ("csv", Form::Export(Format::Csv)),
    ("ndjson", Form::Export(Format::NdJson)),
];
/// Media types that a caller may accept.
const TYPES: [(&str, Form); 5] = [
    ("application/json", Form::Page),
    ("*/*", Form::Page),
    ("text/csv", Form::Export(Format::Csv)),
    ("application/x-ndjson", Form::Export(Format::NdJson)),
    ("application/ndjson", Form::Export(Format::NdJson)),
];

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// 400 with all faults; 403 for another account than the key's own.
    pub(super) async fn read(
        state: &AppState,
        caller: &Caller,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        let mut query = Parameters::of(query);
        let account_id = account(caller, &mut query)?;
        let form = query.one_of("format", &FORMATS).unwrap_or_else(|| accepted(headers));
        let paging = match form {
            Form::Page => Paging::read(&mut query),
            Form::Export(_) => Paging::read_unbounded(&mut query),
        };
        let summary = query.switch("summary");
        let attempts = query.switch("attempts");
        if form != Form::Page {
            if summary {
                query.fault("summary", "'summary' goes with pages only, not with a file".to_owned());
            }
            if attempts {
                query.fault(
                    "attempts",
                    "'attempts' goes with pages only, not with a file".to_owned(),
                );
            }
            if paging.ending_before.is_some() {
                let message = "'ending_before' goes with pages only: a file begins with the newest request, or at 'starting_after'";
                query.fault("ending_before", message.to_owned());
            }
        }
        let mut filter = read_filter(state, &mut query);
        filter.starting_after = place(
            state,
            &account_id,
            &mut query,
            "starting_after",
            paging.starting_after.as_deref(),
        )
        .await?;
        filter.ending_before = place(
            state,
            &account_id,
            &mut query,
            "ending_before",
            paging.ending_before.as_deref(),
        )
        .await?;
        query.finish()?;
        Ok(Self {
            account_id,
            filter,
            paging,
            summary,
            attempts,
            form,
        })
    }
}

/// The account that is meant: the key's own, or any for an admin who names it, `*` for all of them.
///
/// # Errors
/// 403.
pub(in crate::api) fn account(caller: &Caller, query: &mut Parameters) -> Result<String, Problem> {
    let own = &caller.identity.account_id;
    match query.text("account_id") {
        Some(other) if other != *own => caller.require(Scope::Admin).map(|()| other),
        _ => Ok(own.clone()),
    }
}

fn read_filter(state: &AppState, query: &mut Parameters) -> Filter {
    let mut filter = Filter {
        created_after: query.time("created_after", Edge::First),
        created_before: query.time("created_before", Edge::Last),
        search: query
            .text("q")
            .filter(|text| !text.trim().is_empty())
            .map(|text| Search {
                model: state
                    .generator
                    .catalog
                    .find(text.trim())
                    .ok()
                    .map(|found| found.model.id.clone()),
                text,
            }),
        ..Filter::default()
    };
    if let Some(search) = &filter.search
        && search.text.chars().count() > SEARCH_CHARS_MAX
    {
        query.fault("q", format!("'q' may have {SEARCH_CHARS_MAX} characters"));
    }
    let states = Status::ALL.map(|status| (status.as_str(), status));
    for (name, _) in Filter::COLUMNS {
        let value = match name {
            "status" => query.one_of(name, &states).map(|status| status.as_str().to_owned()),
            // Requests are noted under the model's id; a name that is no model's any more still finds old ones.
            "model" => query.text(name).map(|given| {
                let found = state.generator.catalog.find(&given);
                found.map_or(given, |found| found.model.id.clone())
            }),
            _ => query.text(name),
        };
        filter.equal.extend(value.map(|value| (name, value)));
    }
    filter
}

async fn place(
    state: &AppState,
    account_id: &str,
    query: &mut Parameters,
    name: &'static str,
    id: Option<&str>,
) -> Result<Option<Cursor>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let found = state.generator.database.cursor(account_id, id).await;
    let found = found.map_err(|error| internal(&error))?;
    if found.is_none() {
        query.fault(
            name,
            format!("'{name}' must be the id of a request: req_ and 27 letters and digits"),
        );
    }
    Ok(found)
}

/// What the caller's program accepts, by the first type that is known here.
fn accepted(headers: &HeaderMap) -> Form {
    let types = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok());
    types
        .flat_map(|list| list.split(','))
        .filter_map(|range| {
            let name = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            TYPES.iter().find(|(known, _)| *known == name).map(|(_, form)| *form)
        })
        .next()
        .unwrap_or(Form::Page)
}
