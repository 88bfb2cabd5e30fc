//! What was done by operators: who, what, from where. Written with the change itself, and only ever added to.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::AnyConnection;
use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::link::Link;
use super::{Database, DatabaseError, time};

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A key was made.
    KeyCreate,
    /// A key was changed.
    KeyChange,
    /// A key was revoked.
    KeyRevoke,
    /// An account was made.
    AccountCreate,
    /// An account was changed.
    AccountChange,
    /// Money was moved.
    PostingCreate,
    /// What a request asked and got was forgotten.
    RequestPurge,
    /// Somebody signed in to the desk.
    SignIn,
    /// Somebody tried to, and was refused.
    SignInRefused,
    /// Somebody signed out.
    SignOut,
    /// A session was ended by somebody else.
    SessionEnd,
    /// All that an end user's requests asked and got was forgotten.
    UserErase,
    /// A secret of the gateway's own was replaced.
    SecretRotate,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::KeyCreate,
        Self::KeyChange,
        Self::KeyRevoke,
        Self::AccountCreate,
        Self::AccountChange,
        Self::PostingCreate,
        Self::RequestPurge,
        Self::SignIn,
        Self::SignInRefused,
        Self::SignOut,
        Self::SessionEnd,
        Self::UserErase,
        Self::SecretRotate,
    ];

    /// The name in the table and in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyCreate => "key_create",
            Self::KeyChange => "key_change",
            Self::KeyRevoke => "key_revoke",
            Self::AccountCreate => "account_create",
            Self::AccountChange => "account_change",
            Self::PostingCreate => "posting_create",
            Self::RequestPurge => "request_purge",
            Self::SignIn => "sign_in",
            Self::SignInRefused => "sign_in_refused",
            Self::SignOut => "sign_out",
            Self::SessionEnd => "session_end",
            Self::UserErase => "user_erase",
            Self::SecretRotate => "secret_rotate",
        }
    }
}

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// Somebody with an API key, over HTTP.
    Key {
        /// The key; `None` where none was recognized.
        id: Option<String>,
        /// Its account.
        account_id: Option<String>,
        /// Where the request came from.
        address: Option<String>,
        /// The request.
        request_id: String,
    },
    /// Somebody on the machine itself.
    CommandLine {
        /// The name of the machine's user, where it is known.
        user: Option<String>,
    },
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Id, sorted by time.
    pub id: String,
    /// When.
    pub created_at: Timestamp,
    /// What.
    pub action: Action,
    /// Who, and from where.
    pub actor: Actor,
    /// The account that it concerns.
    pub account_id: Option<String>,
    /// The id of the key, account, posting or request that it was done to.
    pub target: Option<String>,
    /// What was ordered, without secrets.
    pub details: Value,
}

/// Which lines are meant; every field that is set must fit.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Only those that concern this account.
    pub account_id: Option<String>,
    /// Only this action.
    pub action: Option<Action>,
    /// Only what was done by this key.
    pub key_id: Option<String>,
    /// Only what was done to this.
    pub target: Option<String>,
    /// Only those after this one in the list.
    pub starting_after: Option<String>,
    /// Only those before it.
    pub ending_before: Option<String>,
}

const COLUMNS: &str =
    "id, created_at, action, actor_type, actor_id, actor_account_id, address, request_id, account_id, target, details";

fn insert_sql() -> String {
    format!("INSERT INTO audit ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
}

/// An actor as it stands in its columns: type, id, account, address, request.
type ActorColumns<'a> = (
    &'static str,
    Option<&'a str>,
    Option<&'a str>,
    Option<&'a str>,
    Option<&'a str>,
);

fn columns(actor: &Actor) -> ActorColumns<'_> {
    match actor {
        Actor::Key {
            id,
            account_id,
            address,
            request_id,
        } => (
            "key",
            id.as_deref(),
            account_id.as_deref(),
            address.as_deref(),
            Some(request_id),
        ),
        Actor::CommandLine { user } => ("command_line", user.as_deref(), None, None, None),
    }
}

/// Adds a line, if there is one, to what a transaction does.
pub(super) async fn insert(connection: &mut AnyConnection, row: Option<&AuditRow>) -> Result<(), DatabaseError> {
    let Some(row) = row else { return Ok(()) };
    let (kind, id, account_id, address, request_id) = columns(&row.actor);
    sqlx::query(sqlx::AssertSqlSafe(insert_sql()))
        .bind(row.id.as_str())
        .bind(row.created_at.as_microsecond())
        .bind(row.action.as_str())
        .bind(kind)
        .bind(id)
        .bind(account_id)
        .bind(address)
        .bind(request_id)
        .bind(row.account_id.as_deref())
        .bind(row.target.as_deref())
        .bind(row.details.to_string())
        .execute(connection)
        .await?;
    Ok(())
}

/// The same on the connection of the writer.
pub(super) async fn insert_by(link: &mut Link, row: &AuditRow) -> Result<(), DatabaseError> {
    let (kind, id, account_id, address, request_id) = columns(&row.actor);
    let details = row.details.to_string();
    let values = [
        (&row.id).into(),
        row.created_at.as_microsecond().into(),
        row.action.as_str().into(),
        kind.into(),
        id.into(),
        account_id.into(),
        address.into(),
        request_id.into(),
        row.account_id.as_deref().into(),
        row.target.as_deref().into(),
        (&details).into(),
    ];
    link.execute(&insert_sql(), &values).await?;
    Ok(())
}

fn read(row: &AnyRow) -> Result<AuditRow, DatabaseError> {
    let action: String = row.try_get("action")?;
    let kind: String = row.try_get("actor_type")?;
    let details: String = row.try_get("details")?;
    let actor_id = row.try_get("actor_id")?;
    Ok(AuditRow {
        id: row.try_get("id")?,
        created_at: time(row.try_get("created_at")?, "created_at")?,
        action: Action::ALL
            .into_iter()
            .find(|known| known.as_str() == action)
            .ok_or(DatabaseError::Content("action"))?,
        actor: match kind.as_str() {
            "command_line" => Actor::CommandLine { user: actor_id },
            _ => Actor::Key {
                id: actor_id,
                account_id: row.try_get("actor_account_id")?,
                address: row.try_get("address")?,
                request_id: row.try_get::<Option<String>, _>("request_id")?.unwrap_or_default(),
            },
        },
        account_id: row.try_get("account_id")?,
        target: row.try_get("target")?,
        details: serde_json::from_str(&details).unwrap_or_default(),
    })
}

impl Database {
    /// Adds a line about what changes nothing else.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn tell_audit(&self, row: &AuditRow) -> Result<(), DatabaseError> {
        let mut transaction = self.begin_write().await?;
        insert(&mut transaction, Some(row)).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The line of that id.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn audit_line(&self, id: &str) -> Result<Option<AuditRow>, DatabaseError> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM audit WHERE id = $1"));
        let row = sqlx::query(sql).bind(id).fetch_optional(&self.pool).await?;
        row.as_ref().map(read).transpose()
    }

    /// Lines that fit, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn audit(&self, filter: &AuditFilter, limit: i64) -> Result<Vec<AuditRow>, DatabaseError> {
        let backwards = filter.ending_before.is_some();
        let (edge, direction) = if backwards { (">", "ASC") } else { ("<", "DESC") };
        let sql = format!(
            "SELECT {COLUMNS} FROM audit WHERE (CAST($1 AS TEXT) IS NULL OR account_id = $1) \
             AND (CAST($2 AS TEXT) IS NULL OR action = $2) \
             AND (CAST($3 AS TEXT) IS NULL OR (actor_type = 'key' AND actor_id = $3)) \
             AND (CAST($4 AS TEXT) IS NULL OR (created_at, id) {edge} (SELECT created_at, id FROM audit WHERE id = $4)) \
             AND (CAST($6 AS TEXT) IS NULL OR target = $6) ORDER BY created_at {direction}, id {direction} LIMIT $5"
        );
        let cursor = filter.ending_before.as_deref().or(filter.starting_after.as_deref());
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(filter.account_id.as_deref())
            .bind(filter.action.map(Action::as_str))
            .bind(filter.key_id.as_deref())
            .bind(cursor)
            .bind(limit)
            .bind(filter.target.as_deref())
            .fetch_all(&self.pool)
            .await?;
        let mut lines: Vec<AuditRow> = rows.iter().map(read).collect::<Result<_, _>>()?;
        if backwards {
            lines.reverse();
        }
        Ok(lines)
    }
}
