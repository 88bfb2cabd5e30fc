//! Looking for requests: by the beginnings of ids, by what they have in common, by words of prompts that are kept.

use std::borrow::Cow;

use sqlx::AssertSqlSafe;

use super::COLUMNS;
use super::filter::{Argument, BY_TIME, Conditions, Filter, NOT_BY_TIME, Search};
use crate::db::{Database, DatabaseError};

/// Most matches that are put in order; past them the list is walked from its newest end, where one is found soon.
const FEW: i64 = 2_000;
/// Most words of a prompt that it is found by.
const WORDS_MAX: usize = 64;
/// Lengths of words that are kept: one letter alone says nothing, where letters make words.
const WORD_CHARS: std::ops::RangeInclusive<usize> = 2..=40;
/// The first of the signs each of which is taken for a word, as none stands between words there.
const SIGNS_FROM: char = '\u{2e80}';
/// A sign that stands after all others.
const LAST: char = '\u{10ffff}';

/// One way in which requests are found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// A column has this value; its index is in the order of the list.
    Equal(&'static str, String),
    /// A column begins so; whether only a few do.
    Begins(&'static str, String, bool),
    /// All of these words, the rarest first.
    Words(Vec<String>),
}

/// The words by which a text is found: each once, in small letters.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut note = |word: String| {
        if found.len() < WORDS_MAX && !found.contains(&word) {
            found.push(word);
        }
    };
    let lower = text.to_lowercase();
    for part in lower.split(|sign: char| !sign.is_alphanumeric()) {
        let mut word = String::new();
        for sign in part.chars() {
            if sign >= SIGNS_FROM {
                note(sign.to_string());
            } else {
                word.push(sign);
            }
        }
        if WORD_CHARS.contains(&word.chars().count()) {
            note(word);
        }
    }
    found
}

impl Database {
    /// The ways in which what is looked for may be found; `None` where nothing is looked for.
    pub(super) async fn ways(&self, filter: &Filter) -> Result<Option<Vec<Way>>, DatabaseError> {
        match &filter.search {
            Some(search) => self.ways_of(search).await.map(Some),
            None => Ok(None),
        }
    }

    async fn ways_of(&self, search: &Search) -> Result<Vec<Way>, DatabaseError> {
        let text = search.text.trim();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let mut ways: Vec<Way> = search
            .model
            .iter()
            .map(|model| Way::Equal("model", model.clone()))
            .collect();
        for column in ["key_id", "trace_id", "idempotency_key"] {
            ways.push(Way::Equal(column, text.to_owned()));
        }
        ways.push(Way::Equal("provider", text.to_lowercase()));
        ways.push(Way::Equal("error_code", text.to_uppercase()));
        let begin = ["client_request_id", "session_id", "end_user"].into_iter();
        for column in begin.chain(text.starts_with("req_").then_some("id")) {
            let sql = format!(
                "SELECT 1 AS one FROM generations WHERE {column} >= $1 AND {column} < $2 LIMIT {}",
                FEW + 1
            );
            match self.count_few(sql, &[text, &format!("{text}{LAST}")]).await? {
                0 => {}
                count => ways.push(Way::Begins(column, text.to_owned(), count <= FEW)),
            }
        }
        let mut counted = Vec::new();
        for word in words(text) {
            let sql = format!("SELECT 1 AS one FROM request_words WHERE word = $1 LIMIT {}", FEW + 1);
            let count = self.count_few(sql, &[&word]).await?;
            if count == 0 {
                return Ok(ways);
            }
            counted.push((count, word));
        }
        counted.sort();
        if !counted.is_empty() {
            ways.push(Way::Words(counted.into_iter().map(|(_, word)| word).collect()));
        }
        Ok(ways)
    }

    async fn count_few(&self, sql: String, values: &[&str]) -> Result<i64, DatabaseError> {
        let sql = format!("SELECT COUNT(*) FROM ({sql}) AS few");
        let mut query = sqlx::query_as(AssertSqlSafe(sql));
        for value in values {
            query = query.bind((*value).to_owned());
        }
        let (count,): (i64,) = query.fetch_one(&self.pool).await?;
        Ok(count)
    }
}

impl<'a> Conditions<'a> {
    /// That a column begins so.
    fn begins(&mut self, column: &str, text: &'a str) -> String {
        let from = self.argument(Argument::of(text));
        let to = self.argument(Argument::Text(Cow::Owned(format!("{text}{LAST}"))));
        format!("{column} >= {from} AND {column} < {to}")
    }

    /// That the request of a row of `request_words` has these words, too.
    fn has_words(&mut self, words: &'a [String]) -> String {
        let mut sql = String::new();
        for word in words {
            let place = self.argument(Argument::of(word));
            sql.push_str(&format!(
                " AND EXISTS (SELECT 1 FROM request_words AS other WHERE other.word = {place} \
                 AND other.created_at = request_words.created_at AND other.generation_id = request_words.generation_id)"
            ));
        }
        sql
    }
}

/// The statement for a part of the list: each way finds as many as are wanted, in the order of the list.
pub(super) fn statement<'a>(
    filter: &'a Filter,
    account_id: &'a str,
    ways: &'a [Way],
    limit: i64,
) -> (String, Conditions<'a>) {
    let direction = filter.direction();
    let mut all = Conditions {
        sql: String::new(),
        arguments: Vec::new(),
    };
    let mut parts = Vec::new();
    for way in ways {
        let time = match way {
            Way::Begins(_, _, true) | Way::Words(_) => NOT_BY_TIME,
            _ => BY_TIME,
        };
        // Each has values of its own: the places of those before it are taken.
        let base = filter.conditions_after(all.arguments, account_id, true, time);
        let base_sql = base.sql;
        all.arguments = base.arguments;
        let (from, condition, order) = match way {
            Way::Equal(column, value) => {
                let place = all.argument(Argument::of(value));
                let condition = format!("generations.{column} = {place}");
                (
                    "generations",
                    condition,
                    format!("{BY_TIME} {direction}, generations.id {direction}"),
                )
            }
            Way::Begins(column, text, is_few) => {
                let condition = if *is_few {
                    all.begins(&format!("generations.{column}"), text)
                } else {
                    all.begins(&format!("COALESCE(generations.{column}, '')"), text)
                };
                (
                    "generations",
                    condition,
                    format!("{time} {direction}, generations.id {direction}"),
                )
            }
            Way::Words(words) => (
                "request_words CROSS JOIN generations",
                of_words(filter, &mut all, words),
                format!("request_words.created_at {direction}, request_words.generation_id {direction}"),
            ),
        };
        parts.push(format!(
            "SELECT id FROM (SELECT generations.id AS id FROM {from} WHERE {base_sql} AND {condition} ORDER BY {order} LIMIT {limit}) AS way_{}",
            parts.len()
        ));
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM generations WHERE id IN ({}) ORDER BY created_at {direction}, id {direction} LIMIT {limit}",
        parts.join(" UNION ")
    );
    (sql, all)
}

/// That a row of `request_words` is one of these words', at its place in the list, and its request has the others.
fn of_words<'a>(filter: &'a Filter, all: &mut Conditions<'a>, words: &'a [String]) -> String {
    let (first, others) = words
        .split_first()
        .map_or(("", words), |(first, others)| (first.as_str(), others));
    let place = all.argument(Argument::of(first));
    let mut sql = format!("generations.id = request_words.generation_id AND request_words.word = {place}");
    if let Some(moment) = filter.created_after {
        let place = all.argument(Argument::Number(moment.as_microsecond()));
        sql.push_str(&format!(" AND request_words.created_at >= {place}"));
    }
    if let Some((comparison, cursor)) = filter.place() {
        let columns = ("request_words.created_at", "request_words.generation_id");
        sql.push_str(&all.beyond(columns, comparison, cursor));
    }
    sql.push_str(&all.has_words(others));
    sql
}

/// The condition of all that any way finds, for sums.
pub(super) fn any<'a>(conditions: &mut Conditions<'a>, ways: &'a [Way]) {
    let mut parts = Vec::new();
    for way in ways {
        parts.push(match way {
            Way::Equal(column, value) => {
                let place = conditions.argument(Argument::of(value));
                format!("SELECT id FROM generations WHERE {column} = {place}")
            }
            Way::Begins(column, text, _) => {
                let condition = conditions.begins(column, text);
                format!("SELECT id FROM generations WHERE {condition}")
            }
            Way::Words(words) => {
                let (first, others) = words
                    .split_first()
                    .map_or(("", &words[..]), |(first, others)| (first.as_str(), others));
                let place = conditions.argument(Argument::of(first));
                let others = conditions.has_words(others);
                format!("SELECT generation_id FROM request_words WHERE word = {place}{others}")
            }
        });
    }
    conditions
        .sql
        .push_str(&format!(" AND generations.id IN ({})", parts.join(" UNION ")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_by_its_words() {
        assert_eq!(words("A red kite, a RED sea: x2"), ["red", "kite", "sea", "x2"]);
        assert_eq!(words("赤い凧 kite"), ["赤", "い", "凧", "kite"]);
        assert_eq!(words(&"word ".repeat(200)), ["word"]);
    }

    #[test]
    fn each_way_has_places_of_its_own() {
        let filter = Filter::of("user", "ann");
        let ways = ["a", "b"].map(|key| Way::Equal("key_id", key.to_owned()));
        let (sql, conditions) = statement(&filter, "team", &ways, 3);
        assert_eq!(conditions.arguments.len(), 6);
        for place in 1..=6 {
            assert_eq!(sql.matches(&format!("${place}")).count(), 1, "{sql}");
        }
    }
}
