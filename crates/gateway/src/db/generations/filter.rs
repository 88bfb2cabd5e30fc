//! Which generations are meant, as conditions of a statement.

use std::borrow::Cow;

use jiff::Timestamp;
use sqlx::Any;
use sqlx::any::AnyArguments;
use sqlx::query::Query;

use super::GenerationRow;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// As it was typed.
    pub text: String,
    /// The model that it names, if it names one.
    pub model: Option<String>,
}

/// Which generations are meant; every field that is set must fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Columns that must have these values, by [`Filter::COLUMNS`].
    pub equal: Vec<(&'static str, String)>,
    /// Made at or after this time.
    pub created_after: Option<Timestamp>,
    /// Made at or before this time.
    pub created_before: Option<Timestamp>,
    /// Older than this place.
    pub starting_after: Option<Cursor>,
    /// Newer than this place.
    pub ending_before: Option<Cursor>,
    /// What is looked for in all that can be told apart by.
    pub search: Option<Search>,
}

/// A place in the list: newest first, those of one moment by id. Ids alone would not do, as PostgreSQL puts texts into the
/// order of some language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    pub(super) created_at: Timestamp,
    pub(super) id: String,
}

impl Cursor {
    /// The place of a generation.
    #[must_use]
    pub fn at(generation: &GenerationRow) -> Self {
        Self {
            created_at: generation.start.created_at,
            id: generation.start.id.clone(),
        }
    }
}

/// A statement with values yet to be bound.
pub(super) type Bound<'q> = Query<'q, Any, AnyArguments>;

/// A value in a condition.
pub(super) enum Argument<'a> {
    Text(Cow<'a, str>),
    Number(i64),
}

/// Conditions as SQL, and their values.
pub(super) struct Conditions<'a> {
    pub(super) sql: String,
    pub(super) arguments: Vec<Argument<'a>>,
}

/// In the place of an account: every one.
pub const EVERY_ACCOUNT: &str = "*";
/// The time in conditions and orders by which an index may be read.
pub(super) const BY_TIME: &str = "generations.created_at";
/// The same where another index is the better one: no index has it.
pub(super) const NOT_BY_TIME: &str = "+generations.created_at";
/// The state of nearly all requests.
const COMPLETED: &str = "completed";
/// States with an index of their own, and its condition, word for word.
const TROUBLE: [&str; 3] = ["upstream_failure", "rejected", "cancelled"];
pub(super) const IS_TROUBLE: &str = "generations.status IN ('upstream_failure', 'rejected', 'cancelled')";
/// Columns of which one value means few requests, or whose index is in the order of the list.
const IN_ORDER: [&str; 10] = [
    "key_id",
    "model",
    "provider",
    "error_code",
    "session_id",
    "trace_id",
    "user",
    "client_request_id",
    "idempotency_key",
    "status",
];

impl Filter {
    /// Names in queries, and their columns.
    pub const COLUMNS: [(&'static str, &'static str); 11] = [
        ("key_id", "key_id"),
        ("status", "status"),
        ("model", "model"),
        ("provider", "provider"),
        ("endpoint", "endpoint"),
        ("error_code", "error_code"),
        ("session_id", "session_id"),
        ("trace_id", "trace_id"),
        ("user", "end_user"),
        ("client_request_id", "client_request_id"),
        ("idempotency_key", "idempotency_key"),
    ];

    /// Those whose field `name` (of [`Self::COLUMNS`]) is `value`.
    #[must_use]
    pub fn of(name: &'static str, value: &str) -> Self {
        Self {
            equal: vec![(name, value.to_owned())],
            ..Self::default()
        }
    }

    /// All but what is looked for. `time` is [`BY_TIME`] or [`NOT_BY_TIME`].
    pub(super) fn conditions<'a>(&'a self, account_id: &'a str, cursor: bool, time: &str) -> Conditions<'a> {
        self.conditions_after(Vec::new(), account_id, cursor, time)
    }

    /// The same for a part of a statement whose earlier parts have these values.
    pub(super) fn conditions_after<'a>(
        &'a self,
        arguments: Vec<Argument<'a>>,
        account_id: &'a str,
        cursor: bool,
        time: &str,
    ) -> Conditions<'a> {
        let mut conditions = Conditions {
            sql: "1 = 1".to_owned(),
            arguments,
        };
        // Of two indices that are in the order of the list neither database knows which one has fewer rows to pass over.
        let has_own = |(name, value): &(&'static str, String)| IN_ORDER.contains(name) && value != COMPLETED;
        let is_narrow = self.equal.iter().any(has_own) || self.search.is_some();
        if account_id != EVERY_ACCOUNT {
            let column = if is_narrow {
                "COALESCE(generations.account_id, '')"
            } else {
                "generations.account_id"
            };
            conditions.add(column, "=", Argument::of(account_id));
        }
        for (name, value) in &self.equal {
            if let Some((_, column)) = Self::COLUMNS.iter().find(|(known, _)| known == name) {
                // Nearly all are completed: the index of states would have them all put in order.
                let column = if value == COMPLETED && *name == "status" {
                    "COALESCE(generations.status, '')".to_owned()
                } else {
                    format!("generations.{column}")
                };
                conditions.add(&column, "=", Argument::of(value));
            }
            if *name == "status" && TROUBLE.contains(&value.as_str()) {
                conditions.sql.push_str(&format!(" AND {IS_TROUBLE}"));
            }
        }
        let micros = |time: Timestamp| Argument::Number(time.as_microsecond());
        if let Some(moment) = self.created_after {
            conditions.add(time, ">=", micros(moment));
        }
        if let Some(moment) = self.created_before {
            conditions.add(time, "<=", micros(moment));
        }
        if let Some((comparison, place)) = self.place().filter(|_| cursor) {
            let beyond = conditions.beyond((time, "generations.id"), comparison, place);
            conditions.sql.push_str(&beyond);
        }
        conditions
    }

    /// The place in the list that is gone on from.
    pub(super) fn place(&self) -> Option<(&'static str, &Cursor)> {
        let before = self.ending_before.as_ref().map(|place| (">", place));
        before.or_else(|| self.starting_after.as_ref().map(|place| ("<", place)))
    }

    /// The direction in which the list is read.
    pub(super) const fn direction(&self) -> &'static str {
        if self.ending_before.is_some() { "ASC" } else { "DESC" }
    }
}

impl<'a> Argument<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> Conditions<'a> {
    /// Notes a value. Returns its place, such as `$3`.
    pub(super) fn argument(&mut self, argument: Argument<'a>) -> String {
        self.arguments.push(argument);
        format!("${}", self.arguments.len())
    }

    fn add(&mut self, column: &str, comparison: &str, argument: Argument<'a>) {
        let place = self.argument(argument);
        self.sql.push_str(&format!(" AND {column} {comparison} {place}"));
    }

    /// That time and id, by these columns, lie beyond a place in the list.
    pub(super) fn beyond(&mut self, columns: (&str, &str), comparison: &str, place: &'a Cursor) -> String {
        let time = self.argument(Argument::Number(place.created_at.as_microsecond()));
        let id = self.argument(Argument::of(&place.id));
        format!(" AND ({}, {}) {comparison} ({time}, {id})", columns.0, columns.1)
    }

    pub(super) fn bind<'q>(&'q self, mut query: Bound<'q>) -> Bound<'q> {
        for argument in &self.arguments {
            query = match argument {
                Argument::Text(text) => query.bind(text.as_ref()),
                Argument::Number(number) => query.bind(*number),
            };
        }
        query
    }
}
