//! What an operator sets, over HTTP or on the command line: keys, accounts and movements of money, read by the same rules.

pub(crate) mod accounts;
pub(crate) mod fields;
pub(crate) mod keys;
pub(crate) mod postings;
pub(crate) mod witness;

use std::time::Duration;

use planner::fault::Fault;

use crate::db::DatabaseError;

/// Why what the operator wants is not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// Fields are wrong.
    #[error("{}", told(.0))]
    Faults(Vec<Fault>),
    /// Nothing has this id.
    #[error("{0}")]
    NotFound(String),
    /// It does not go with what is there.
    #[error("{0}")]
    Conflict(String),
    /// Its id stands for something else already.
    #[error("{0}")]
    Taken(String),
    /// It was done too often.
    #[error("{message}")]
    TooOften {
        /// What, and by which limit.
        message: String,
        /// When to try again.
        wait: Duration,
    },
    /// Something else failed.
    #[error("{0}")]
    Failed(String),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

fn told(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Longest id that somebody else than Pictor may choose.
pub(crate) const ID_CHARS_MAX: usize = 64;

/// Whether `id` may be an id of an account or a posting: letters and digits of ASCII, `-`, `_` and `.`. What is not has
/// never been stored, so that nobody need look for it.
pub(crate) fn is_id(id: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(legal)
}

/// What an id must be, for errors.
const ID_WANTED: &str = "must be 1 to 64 letters, digits, '-', '_' or '.'";

#[cfg(test)]
mod tests {
    use super::is_id;

    #[test]
    fn ids_are_short_and_plain() {
        for id in ["a", "team-7", "acct_9.x", &"a".repeat(64)] {
            assert!(is_id(id), "{id}");
        }
        for id in ["", "a b", "req_1/charge", "é", "a\0", &"a".repeat(65)] {
            assert!(!is_id(id), "{id}");
        }
    }
}
