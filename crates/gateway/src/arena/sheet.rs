//! All votes of a world that stand, as numbers.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;
use ratings::{Ballot, Outcome, Session};

use crate::db::arena::{AsideRow, CastRow};
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
    /// Of the pair's id: enough to find the vote again that is taken back.
    pair: u64,
}

/// See the module.
#[derive(Debug, Default, Clone)]
pub(crate) struct Sheet {
    /// The models that have votes, by number.
    pub(crate) models: Vec<String>,
    /// The competitions that have votes, by number.
    pub(crate) competitions: Vec<String>,
    /// Those who voted, by number.
    pub(crate) voters: Vec<String>,
    /// Addresses by number, and each voter's.
    networks: Vec<String>,
    addresses: Vec<Option<u64>>,
    /// In order of time.
    pub(crate) votes: Vec<Cast>,
    /// Whose votes do not count, and whose were taken back in.
    pub(crate) aside: Vec<AsideRow>,
    /// The last row that was read, and how many were read up to it.
    newest: Option<String>,
    rows: i64,
}

/// Numbers for names, in the order in which they come.
struct Numbers {
    known: HashMap<String, usize>,
    names: Vec<String>,
}

impl Numbers {
    /// Those that have their numbers already.
    fn of(names: Vec<String>) -> Self {
        let numbered = names.iter().enumerate();
        let known = numbered.map(|(number, name)| (name.clone(), number)).collect();
        Self { known, names }
    }

    fn number(&mut self, name: String) -> usize {
        if let Some(number) = self.known.get(&name) {
            return *number;
        }
        let number = self.names.len();
        self.names.push(name.clone());
        self.known.insert(name, number);
        number
    }
}

fn pair_of(battle_id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    battle_id.hash(&mut hasher);
    hasher.finish()
}

impl Sheet {
    /// The votes of a world as they are now. Of those that `known` has only what came since is read, unless rows were removed
    /// or came late: then all of them.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub(super) async fn read(database: &Database, sandbox: bool, known: Option<Self>) -> Result<Self, DatabaseError> {
        let mut sheet = known.unwrap_or_default();
        let is_whole = match &sheet.newest {
            Some(newest) => database.count_vote_rows(sandbox, newest).await? == sheet.rows,
            None => true,
        };
        if !is_whole {
            sheet = Self::default();
        }
        // Read first: what comes meanwhile is read by the next one.
        if let Some(newest) = database.newest_vote(sandbox).await? {
            let after = sheet.newest.clone().unwrap_or_default();
            let rows = database.vote_rows(sandbox, (&after, &newest)).await?;
            sheet.add(rows)?;
            sheet.newest = Some(newest);
        }
        sheet.aside = database.aside(sandbox).await?;
        Ok(sheet)
    }

    /// Adds votes, and takes back those that were.
    fn add(&mut self, rows: Vec<CastRow>) -> Result<(), DatabaseError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut models = Numbers::of(std::mem::take(&mut self.models));
        let mut competitions = Numbers::of(std::mem::take(&mut self.competitions));
        let mut voters = Numbers::of(std::mem::take(&mut self.voters));
        let mut networks = Numbers::of(std::mem::take(&mut self.networks));
        let mut taken_back = Vec::new();
        self.rows += i64::try_from(rows.len()).unwrap_or(i64::MAX);
        for row in rows {
            if row.takes_back {
                taken_back.push(pair_of(&row.battle_id));
                continue;
            }
            let outcome = outcome(&row.outcome).ok_or(DatabaseError::Content("outcome"))?;
            let voter = voters.number(row.voter);
            if voter == self.addresses.len() {
                self.addresses
                    .push(row.address.map(|address| networks.number(address) as u64));
            }
            self.votes.push(Cast {
                competition: u16::try_from(competitions.number(row.competition)).unwrap_or(u16::MAX),
                voter: u32::try_from(voter).unwrap_or(u32::MAX),
                ballot: Ballot {
                    left: models.number(row.left_model),
                    right: models.number(row.right_model),
                    outcome,
                    decided_ms: row.decided_ms.and_then(|ms| u32::try_from(ms).ok()),
                },
                created_at: row.created_at,
                pair: pair_of(&row.battle_id),
            });
        }
        if !taken_back.is_empty() {
            taken_back.sort_unstable();
            self.votes.retain(|vote| taken_back.binary_search(&vote.pair).is_err());
        }
        // Nearly in order already: what comes is newer, but for what was backdated.
        self.votes.sort_by_key(|vote| vote.created_at);
        self.models = models.names;
        self.competitions = competitions.names;
        self.voters = voters.names;
        self.networks = networks.names;
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn row(battle: &str, voter: &str, second: i64, takes_back: bool) -> CastRow {
        CastRow {
            battle_id: battle.to_owned(),
            takes_back,
            competition: "c".to_owned(),
            left_model: "a".to_owned(),
            right_model: "b".to_owned(),
            outcome: "left".to_owned(),
            voter: voter.to_owned(),
            address: Some(format!("near {voter}")),
            decided_ms: Some(2_000),
            created_at: Timestamp::from_second(second).expect("a time"),
        }
    }

    #[test]
    fn what_is_added_piece_by_piece_is_what_is_read_at_once() {
        let rows = [
            row("1", "x", 30, false),
            row("2", "y", 10, false),
            row("3", "x", 40, false),
            row("2", "y", 50, true),
            row("4", "z", 20, false),
        ];
        let mut whole = Sheet::default();
        whole.add(rows.to_vec()).expect("good rows");
        for cut in 1..rows.len() {
            let mut sheet = Sheet::default();
            sheet.add(rows[..cut].to_vec()).expect("good rows");
            sheet.add(rows[cut..].to_vec()).expect("good rows");
            let told = |sheet: &Sheet| {
                let votes: Vec<(u32, i64)> = sheet
                    .votes
                    .iter()
                    .map(|vote| (vote.voter, vote.created_at.as_second()))
                    .collect();
                (votes, sheet.voters.clone(), sheet.addresses.clone(), sheet.rows)
            };
            assert_eq!(told(&sheet), told(&whole), "cut at {cut}");
        }
        assert_eq!(whole.votes.len(), 3, "one was taken back");
    }
}
