//! All votes of a world that stand, as numbers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ratings::{Ballot, Outcome, Session};

use crate::db::arena::AsideRow;
use crate::db::{Database, DatabaseError};

/// The names of outcomes in tables, in forms and in the API.
pub(crate) const OUTCOMES: [(&str, Outcome); 4] = [
    ("left", Outcome::Left),
    ("right", Outcome::Right),
    ("as_good", Outcome::AsGood),
    ("both_bad", Outcome::BothBad),
];

/// The outcome of that name.
pub(crate) fn outcome(name: &str) -> Option<Outcome> {
    OUTCOMES
        .iter()
        .find(|(word, _)| *word == name)
        .map(|(_, outcome)| *outcome)
}

/// A vote that stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cast {
    pub(crate) competition: u16,
    pub(crate) voter: u32,
    pub(crate) ballot: Ballot,
    pub(crate) created_at: Timestamp,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    /// The models that have votes, by number.
    pub(crate) models: Vec<String>,
    /// The competitions that have votes, by number.
    pub(crate) competitions: Vec<String>,
    /// Those who voted, by number.
    pub(crate) voters: Vec<String>,
    addresses: Vec<Option<u64>>,
    /// In order of time.
    pub(crate) votes: Vec<Cast>,
    /// Whose votes do not count, and whose were taken back in.
    pub(crate) aside: Vec<AsideRow>,
    newest: Option<String>,
}

/// Numbers for names, in the order in which they come.
#[derive(Default)]
struct Numbers(BTreeMap<String, usize>, Vec<String>);

impl Numbers {
    fn of(&mut self, name: String) -> usize {
        if let Some(number) = self.0.get(&name) {
            return *number;
        }
        let number = self.1.len();
        self.1.push(name.clone());
        self.0.insert(name, number);
        number
    }
}

impl Sheet {
    /// Reads all votes of a world.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn read(database: &Database, sandbox: bool) -> Result<Self, DatabaseError> {
        // Read first: what comes meanwhile is read again by the next one.
        let newest = database.newest_vote(sandbox).await?;
        let rows = database.standing_votes(sandbox).await?;
        let aside = database.aside(sandbox).await?;
        let (mut models, mut competitions) = (Numbers::default(), Numbers::default());
        let (mut voters, mut networks) = (Numbers::default(), Numbers::default());
        let mut addresses = Vec::new();
        let mut votes = Vec::with_capacity(rows.len());
        for row in rows {
            let outcome = outcome(&row.outcome).ok_or(DatabaseError::Content("outcome"))?;
            let voter = voters.of(row.voter);
            if voter == addresses.len() {
                addresses.push(row.address.map(|address| networks.of(address) as u64));
            }
            votes.push(Cast {
                competition: u16::try_from(competitions.of(row.competition)).unwrap_or(u16::MAX),
                voter: u32::try_from(voter).unwrap_or(u32::MAX),
                ballot: Ballot {
                    left: models.of(row.left_model),
                    right: models.of(row.right_model),
                    outcome,
                    decided_ms: row.decided_ms.and_then(|ms| u32::try_from(ms).ok()),
                },
                created_at: row.created_at,
            });
        }
        Ok(Self {
            models: models.1,
            competitions: competitions.1,
            voters: voters.1,
            addresses,
            votes,
            aside,
            newest,
        })
    }

    /// Whether there are no votes that it does not know of.
    pub(super) async fn is_current(&self, database: &Database, sandbox: bool) -> Result<bool, DatabaseError> {
        Ok(database.newest_vote(sandbox).await? == self.newest)
    }

    /// The votes of each voter.
    pub(super) fn sessions(&self) -> Vec<Session> {
        let mut sessions: Vec<Session> = self
            .addresses
            .iter()
            .map(|address| Session {
                address: *address,
                ballots: Vec::new(),
            })
            .collect();
        for vote in &self.votes {
            sessions[vote.voter as usize].ballots.push(vote.ballot);
        }
        sessions
    }

    /// Whether a voter's votes count, by number.
    pub(super) fn counts(&self) -> Vec<bool> {
        let is_aside = |voter: &String| {
            let row = self.aside.iter().find(|row| row.voter == *voter);
            row.is_some_and(|row| row.restored_at.is_none())
        };
        self.voters.iter().map(|voter| !is_aside(voter)).collect()
    }
}
