//! Pairs that were handed out, and the votes on them.

use jiff::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::flag;
use crate::db::{Database, DatabaseError, time};

/// A pair that was handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BattleRow {
    /// Id.
    pub id: String,
    /// The competition.
    pub competition: String,
    /// The picture on the left.
    pub left_exhibit: String,
    /// The picture on the right.
    pub right_exhibit: String,
    /// The name under which the left one is fetched.
    pub left_picture: String,
    /// The name under which the right one is fetched.
    pub right_picture: String,
    /// Who may vote.
    pub voter: String,
    /// Hash of the address that it was handed out to.
    pub address: Option<String>,
    /// Whether the sandbox drew the pictures.
    pub sandbox: bool,
    /// When.
    pub created_at: Timestamp,
}

/// A vote, or that it was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoteRow {
    /// Id, sorted by time.
    pub id: String,
    /// The pair.
    pub battle_id: String,
    /// Whether it takes the vote back.
    pub takes_back: bool,
    /// The competition.
    pub competition: String,
    /// The model on the left.
    pub left_model: String,
    /// The model on the right.
    pub right_model: String,
    /// `left`, `right`, `as_good` or `both_bad`.
    pub outcome: String,
    /// Who.
    pub voter: String,
    /// Hash of the address.
    pub address: Option<String>,
    /// From both pictures seen to the vote, where it was measured.
    pub decided_ms: Option<i64>,
    /// Whether the sandbox drew the pictures.
    pub sandbox: bool,
    /// When.
    pub created_at: Timestamp,
}

/// What ratings need of a vote, or of its taking back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CastRow {
    /// Id, sorted by time.
    pub id: String,
    /// The pair.
    pub battle_id: String,
    /// Whether it takes the vote on the pair back.
    pub takes_back: bool,
    /// The competition.
    pub competition: String,
    /// The model on the left.
    pub left_model: String,
    /// The model on the right.
    pub right_model: String,
    /// `left`, `right`, `as_good` or `both_bad`.
    pub outcome: String,
    /// Who.
    pub voter: String,
    /// Hash of the address.
    pub address: Option<String>,
    /// How long it took to decide.
    pub decided_ms: Option<i64>,
    /// When.
    pub created_at: Timestamp,
}

const VOTE: &str = "vote";
const TAKEN_BACK: &str = "taken_back";
/// Votes inserted by one statement: 12 values each, far below what the databases take.
const VOTES_AT_ONCE: usize = 50;

const BATTLE: &str =
    "id, competition, left_exhibit, right_exhibit, left_picture, right_picture, voter, address, sandbox, created_at";

fn read_battle(row: &AnyRow) -> Result<BattleRow, DatabaseError> {
    let sandbox: i64 = row.try_get("sandbox")?;
    Ok(BattleRow {
        id: row.try_get("id")?,
        competition: row.try_get("competition")?,
        left_exhibit: row.try_get("left_exhibit")?,
        right_exhibit: row.try_get("right_exhibit")?,
        left_picture: row.try_get("left_picture")?,
        right_picture: row.try_get("right_picture")?,
        voter: row.try_get("voter")?,
        address: row.try_get("address")?,
        sandbox: sandbox != 0,
        created_at: time(row.try_get("created_at")?, "created_at")?,
    })
}

impl Database {
    /// Notes a pair that is handed out.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn insert_battle(&self, battle: &BattleRow) -> Result<(), DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "INSERT INTO arena_battles ({BATTLE}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        ));
        sqlx::query(sql)
            .bind(&battle.id)
            .bind(&battle.competition)
            .bind(&battle.left_exhibit)
            .bind(&battle.right_exhibit)
            .bind(&battle.left_picture)
            .bind(&battle.right_picture)
            .bind(&battle.voter)
            .bind(battle.address.as_deref())
            .bind(flag(battle.sandbox))
            .bind(battle.created_at.as_microsecond())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The pair of that id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn battle(&self, id: &str) -> Result<Option<BattleRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {BATTLE} FROM arena_battles WHERE id = $1"));
        let row = sqlx::query(sql).bind(id).fetch_optional(&self.pool).await?;
        row.as_ref().map(read_battle).transpose()
    }

    /// The pair that has a picture of that name.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn battle_of_picture(&self, picture: &str) -> Result<Option<BattleRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {BATTLE} FROM arena_battles WHERE left_picture = $1 OR right_picture = $1"
        ));
        let row = sqlx::query(sql).bind(picture).fetch_optional(&self.pool).await?;
        row.as_ref().map(read_battle).transpose()
    }

    /// The voter's newest pair since `since` on which there is no vote yet.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn open_battle(
        &self,
        voter: &str,
        sandbox: bool,
        since: Timestamp,
    ) -> Result<Option<BattleRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!(
            "SELECT {BATTLE} FROM arena_battles WHERE voter = $1 AND sandbox = $2 AND created_at >= $3 \
             AND NOT EXISTS (SELECT 1 FROM arena_votes WHERE arena_votes.battle_id = arena_battles.id) \
             ORDER BY created_at DESC LIMIT 1"
        ));
        let row = sqlx::query(sql)
            .bind(voter)
            .bind(flag(sandbox))
            .bind(since.as_microsecond())
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(read_battle).transpose()
    }

    /// Pairs handed out since `since`: to the voter, and to the address.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn count_battles(
        &self,
        voter: &str,
        address: Option<&str>,
        since: Timestamp,
    ) -> Result<(i64, i64), DatabaseError> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM arena_battles WHERE voter = $1 AND created_at >= $3) AS by_voter, \
             (SELECT COUNT(*) FROM arena_battles WHERE address = $2 AND created_at >= $3) AS by_address",
        )
        .bind(voter)
        .bind(address.map(ToOwned::to_owned))
        .bind(since.as_microsecond())
        .fetch_one(&self.pool)
        .await?;
        Ok((row.try_get("by_voter")?, row.try_get("by_address")?))
    }

    /// Forgets up to `limit` pairs from before `before` on which nobody voted.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn forget_battles(&self, before: Timestamp, limit: i64) -> Result<u64, DatabaseError> {
        let done = sqlx::query(
            "DELETE FROM arena_battles WHERE id IN (SELECT id FROM arena_battles WHERE created_at < $1 \
             AND NOT EXISTS (SELECT 1 FROM arena_votes WHERE arena_votes.battle_id = arena_battles.id) LIMIT $2)",
        )
        .bind(before.as_microsecond())
        .bind(limit)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected())
    }

    /// Adds votes, in one transaction. Returns how many were new: a pair has one vote, which is taken back at most once.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn insert_votes(&self, votes: &[VoteRow]) -> Result<u64, DatabaseError> {
        let mut transaction = self.begin_write().await?;
        let mut added = 0;
        for some in votes.chunks(VOTES_AT_ONCE) {
            let places = crate::db::rows::places(12, some.len());
            let sql = sqlx::AssertSqlSafe(format!(
                "INSERT INTO arena_votes (id, battle_id, kind, competition, left_model, right_model, outcome, voter, address, \
                 decided_ms, sandbox, created_at) VALUES {places} ON CONFLICT DO NOTHING"
            ));
            let mut query = sqlx::query(sql);
            for vote in some {
                query = query
                    .bind(&vote.id)
                    .bind(&vote.battle_id)
                    .bind(if vote.takes_back { TAKEN_BACK } else { VOTE })
                    .bind(&vote.competition)
                    .bind(&vote.left_model)
                    .bind(&vote.right_model)
                    .bind(&vote.outcome)
                    .bind(&vote.voter)
                    .bind(vote.address.as_deref())
                    .bind(vote.decided_ms)
                    .bind(flag(vote.sandbox))
                    .bind(vote.created_at.as_microsecond());
            }
            added += query.execute(&mut *transaction).await?.rows_affected();
        }
        transaction.commit().await?;
        Ok(added)
    }

    /// The vote on a pair, and whether it was taken back.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn vote_on(&self, battle_id: &str) -> Result<Option<(String, bool)>, DatabaseError> {
        let rows = sqlx::query("SELECT kind, outcome FROM arena_votes WHERE battle_id = $1")
            .bind(battle_id)
            .fetch_all(&self.pool)
            .await?;
        let mut found = None;
        for row in &rows {
            let (kind, outcome): (String, String) = (row.try_get("kind")?, row.try_get("outcome")?);
            let (told, taken_back) = found.get_or_insert((outcome.clone(), false));
            if kind == TAKEN_BACK {
                *taken_back = true;
            } else {
                *told = outcome;
            }
        }
        Ok(found)
    }

    /// Votes of a voter since `since`, those taken back too.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn count_votes(&self, voter: &str, since: Timestamp) -> Result<i64, DatabaseError> {
        let row = sqlx::query(
            "SELECT COUNT(*) AS found FROM arena_votes WHERE voter = $1 AND created_at >= $2 AND kind = $3",
        )
        .bind(voter)
        .bind(since.as_microsecond())
        .bind(VOTE)
        .fetch_one(&self.pool)
        .await?;
        Ok(row.try_get("found")?)
    }

    /// Forgets a voter: pairs and votes. Returns how many rows of votes there were.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn forget_voter(&self, voter: &str) -> Result<u64, DatabaseError> {
        let mut transaction = self.begin_write().await?;
        let votes = sqlx::query("DELETE FROM arena_votes WHERE voter = $1")
            .bind(voter)
            .execute(&mut *transaction)
            .await?;
        for table in ["arena_battles", "arena_aside"] {
            let sql = sqlx::AssertSqlSafe(format!("DELETE FROM {table} WHERE voter = $1"));
            sqlx::query(sql).bind(voter).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(votes.rows_affected())
    }

    /// The newest row of a world's votes: when it is the same, nothing has changed.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn newest_vote(&self, sandbox: bool) -> Result<Option<String>, DatabaseError> {
        let row = sqlx::query("SELECT MAX(id) AS newest FROM arena_votes WHERE sandbox = $1")
            .bind(flag(sandbox))
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get("newest")?)
    }

    /// The first `limit` rows of a world's votes with an id up to `last` and past `after`, votes and takings back, in the
    /// order of ids.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn vote_rows(
        &self,
        sandbox: bool,
        (after, last): (&str, &str),
        limit: u32,
    ) -> Result<Vec<CastRow>, DatabaseError> {
        let rows = sqlx::query(
            "SELECT id, battle_id, kind, competition, left_model, right_model, outcome, voter, address, decided_ms, created_at \
             FROM arena_votes WHERE sandbox = $1 AND id > $2 AND id <= $3 ORDER BY id LIMIT $4",
        )
        .bind(flag(sandbox))
        .bind(after)
        .bind(last)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let kind: String = row.try_get("kind")?;
                Ok(CastRow {
                    id: row.try_get("id")?,
                    battle_id: row.try_get("battle_id")?,
                    takes_back: kind == TAKEN_BACK,
                    competition: row.try_get("competition")?,
                    left_model: row.try_get("left_model")?,
                    right_model: row.try_get("right_model")?,
                    outcome: row.try_get("outcome")?,
                    voter: row.try_get("voter")?,
                    address: row.try_get("address")?,
                    decided_ms: row.try_get("decided_ms")?,
                    created_at: time(row.try_get("created_at")?, "created_at")?,
                })
            })
            .collect()
    }

    /// How many rows of a world's votes have an id up to `last`.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn count_vote_rows(&self, sandbox: bool, last: &str) -> Result<i64, DatabaseError> {
        let row = sqlx::query("SELECT COUNT(*) AS found FROM arena_votes WHERE sandbox = $1 AND id <= $2")
            .bind(flag(sandbox))
            .bind(last)
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get("found")?)
    }
}
