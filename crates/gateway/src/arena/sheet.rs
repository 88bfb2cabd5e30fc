//! All votes of a world that stand, as numbers.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use indexmap::IndexSet;
use jiff::civil::Date;
use jiff::tz::TimeZone;
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

/// Rows read at a time: a few megabytes, however many there are.
const PIECE: u32 = 5_000;

/// The outcome of that name.
pub(crate) fn outcome(name: &str) -> Option<Outcome> {
    OUTCOMES
        .iter()
        .find(|(word, _)| *word == name)
        .map(|(_, outcome)| *outcome)
}

/// A vote that stands, in 32 bytes: a million of them are held at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cast {
    /// Of the pair's id: enough to find the vote again that is taken back.
    pair: u64,
    decided_ms: Option<u32>,
    pub(crate) voter: u32,
    pub(crate) day: Date,
    pub(crate) competition: u16,
    left: u16,
    right: u16,
    outcome: Outcome,
}

impl Cast {
    /// What ratings need of it.
    pub(crate) fn ballot(&self) -> Ballot {
        Ballot {
            left: usize::from(self.left),
            right: usize::from(self.right),
            outcome: self.outcome,
            decided_ms: self.decided_ms,
        }
    }
}

/// See the module. Names have the numbers of their places.
#[derive(Debug, Default, Clone)]
pub(crate) struct Sheet {
    /// The models that have votes.
    pub(crate) models: IndexSet<String>,
    /// The competitions that have votes.
    pub(crate) competitions: IndexSet<String>,
    /// Those who voted.
    pub(crate) voters: IndexSet<String>,
    /// Addresses, and each voter's.
    networks: IndexSet<String>,
    addresses: Vec<Option<u64>>,
    /// In order of days.
    pub(crate) votes: Vec<Cast>,
    /// Whose votes do not count, and whose were taken back in.
    pub(crate) aside: Vec<AsideRow>,
    /// The last row that was read, and how many were read up to it.
    newest: Option<String>,
    rows: i64,
}

/// The number of a name: its place in the order in which they come.
fn number(names: &mut IndexSet<String>, name: String) -> usize {
    names.insert_full(name).0
}

/// A number that fits into what a vote keeps of it.
fn small<T: TryFrom<usize>>(number: usize, column: &'static str) -> Result<T, DatabaseError> {
    T::try_from(number).map_err(|_| DatabaseError::Content(column))
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
        Self::read_by(PIECE, database, sandbox, known).await
    }

    async fn read_by(
        piece: u32,
        database: &Database,
        sandbox: bool,
        known: Option<Self>,
    ) -> Result<Self, DatabaseError> {
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
            let mut after = sheet.newest.clone().unwrap_or_default();
            let mut taken_back = Vec::new();
            while after != newest {
                let rows = database.vote_rows(sandbox, (&after, &newest), piece).await?;
                let Some(last) = rows.last() else { break };
                after.clone_from(&last.id);
                for row in rows {
                    taken_back.extend(sheet.add(row)?);
                }
            }
            sheet.settle(taken_back);
            sheet.newest = Some(newest);
        }
        sheet.aside = database.aside(sandbox).await?;
        Ok(sheet)
    }

    /// Adds a vote, or returns the pair of one that was taken back: see [`Sheet::settle`].
    fn add(&mut self, row: CastRow) -> Result<Option<u64>, DatabaseError> {
        self.rows += 1;
        let pair = pair_of(&row.battle_id);
        if row.takes_back {
            return Ok(Some(pair));
        }
        let outcome = outcome(&row.outcome).ok_or(DatabaseError::Content("outcome"))?;
        let voter = number(&mut self.voters, row.voter);
        if voter == self.addresses.len() {
            let address = row.address.map(|address| number(&mut self.networks, address) as u64);
            self.addresses.push(address);
        }
        self.votes.push(Cast {
            pair,
            decided_ms: row.decided_ms.and_then(|ms| u32::try_from(ms).ok()),
            voter: small(voter, "voter")?,
            day: row.created_at.to_zoned(TimeZone::UTC).date(),
            competition: small(number(&mut self.competitions, row.competition), "competition")?,
            left: small(number(&mut self.models, row.left_model), "left_model")?,
            right: small(number(&mut self.models, row.right_model), "right_model")?,
            outcome,
        });
        Ok(None)
    }

    /// Takes back the votes on these pairs, and puts the rest in order.
    fn settle(&mut self, mut taken_back: Vec<u64>) {
        if !taken_back.is_empty() {
            taken_back.sort_unstable();
            self.votes.retain(|vote| taken_back.binary_search(&vote.pair).is_err());
        }
        // Nearly in order already: what comes is newer, but for what was backdated.
        self.votes.sort_by_key(|vote| vote.day);
    }

    /// Whether there are no votes that it does not know of.
    pub(super) async fn is_current(&self, database: &Database, sandbox: bool) -> Result<bool, DatabaseError> {
        Ok(database.newest_vote(sandbox).await? == self.newest)
    }

    /// The votes of each voter.
    pub(super) fn sessions(&self) -> Vec<Session> {
        let mut counts = vec![0; self.addresses.len()];
        for vote in &self.votes {
            counts[vote.voter as usize] += 1;
        }
        let voters = self.addresses.iter().zip(counts);
        let mut sessions: Vec<Session> = voters
            .map(|(address, count)| Session {
                address: *address,
                ballots: Vec::with_capacity(count),
            })
            .collect();
        for vote in &self.votes {
            sessions[vote.voter as usize].ballots.push(vote.ballot());
        }
        sessions
    }

    /// Whether a voter's votes count, by number.
    pub(super) fn counts(&self) -> Vec<bool> {
        let mut counts = vec![true; self.voters.len()];
        for row in self.aside.iter().filter(|row| row.restored_at.is_none()) {
            if let Some(voter) = self.voters.get_index_of(&row.voter) {
                counts[voter] = false;
            }
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::arena::VoteRow;
    use jiff::Timestamp;

    const DAY_S: i64 = 86_400;

    fn row((id, battle, voter): (u32, &str, &str), day: i64, takes_back: bool) -> VoteRow {
        VoteRow {
            id: format!("vote-{id}"),
            battle_id: battle.to_owned(),
            takes_back,
            competition: "c".to_owned(),
            left_model: format!("left of {battle}"),
            right_model: "b".to_owned(),
            outcome: "left".to_owned(),
            voter: voter.to_owned(),
            address: Some(format!("near {voter}")),
            decided_ms: Some(2_000),
            sandbox: false,
            created_at: Timestamp::from_second(day * DAY_S).expect("a time"),
        }
    }

    /// All that a sheet says.
    fn told(sheet: Sheet) -> impl PartialEq + std::fmt::Debug {
        let names = [sheet.models, sheet.competitions, sheet.voters, sheet.networks];
        (names, sheet.addresses, sheet.votes, sheet.newest, sheet.rows)
    }

    #[tokio::test]
    async fn what_is_read_in_pieces_is_what_is_read_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("votes.db").display());
        let database = Database::open(&url, Timestamp::UNIX_EPOCH).await.expect("a database");
        let rows = [
            row((1, "1", "x"), 30, false),
            row((2, "2", "y"), 10, false),
            row((3, "3", "x"), 40, false),
            row((4, "2", "y"), 50, true),
            row((5, "4", "z"), 20, false),
        ];
        let mut known = None;
        for (count, new) in rows.iter().enumerate() {
            database.insert_votes(std::slice::from_ref(new)).await.expect("a row");
            let whole = Sheet::read(&database, false, None).await.expect("votes");
            for piece in 1..=3 {
                let sheet = Sheet::read_by(piece, &database, false, None).await.expect("votes");
                assert_eq!(told(sheet), told(whole.clone()), "{count} rows by {piece}");
            }
            let more = Sheet::read_by(2, &database, false, known).await.expect("votes");
            assert_eq!(told(more.clone()), told(whole), "{count} rows, one after the other");
            known = Some(more);
        }
        let sheet = known.expect("votes");
        let days: Vec<i64> = sheet.votes.iter().map(|vote| vote.day.day().into()).collect();
        assert_eq!(days, [21, 31, 10], "one was taken back");
        // What comes late, below what was read, is not missed.
        let late = row((0, "0", "w"), 1, false);
        database.insert_votes(&[late]).await.expect("a row");
        let sheet = Sheet::read(&database, false, Some(sheet)).await.expect("votes");
        assert_eq!((sheet.votes.len(), sheet.rows), (4, 6));
        let other = Sheet::read(&database, true, None).await.expect("votes");
        assert_eq!((other.votes.len(), other.newest), (0, None), "another world's");
        database.close().await;
    }
}
