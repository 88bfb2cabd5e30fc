//! API keys: making them and recognizing them.

use jiff::Timestamp;
use planner::request::ResponseFormat;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::db::keys::KeyRow;
use crate::db::{DEFAULT_ACCOUNT, Database, DatabaseError};
use crate::ids::random_text;

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Spend money: generations and edits.
    Generate,
    /// Read the account's requests and balance.
    Read,
    /// Everything, keys included.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Generate, Self::Read, Self::Admin];

    /// The name in the API and in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }
}

/// A recognized key.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Account.
    pub account_id: String,
    /// Key.
    pub key_id: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// How it gets images when a request does not say.
    pub response_format: Option<ResponseFormat>,
}

impl Identity {
    /// Whether the key may do it. Admins may do everything.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }
}

/// Why a key is not recognized.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// There is none.
    #[error("An API key is missing. Send it as 'Authorization: Bearer pk_...'.")]
    Missing,
    /// It is not one of ours.
    #[error("This is not a Pictor API key: it must look like 'pk_<id>.<secret>'.")]
    Malformed,
    /// It is not known, or its secret is wrong.
    #[error("This API key is not known here.")]
    Unknown,
    /// It was revoked.
    #[error("This API key was revoked.")]
    Revoked,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Letters of a key's public part.
const ID_CHARS: usize = 12;
/// Letters of a key's secret: 40 base-62 characters are 238 bits.
const SECRET_CHARS: usize = 40;

/// A key that was just made; its secret is shown this once.
#[derive(Debug)]
pub struct NewKey {
    /// What is stored.
    pub row: KeyRow,
    /// What its owner gets.
    pub token: String,
}

/// A secret is long and random, so a plain hash hides it: there is nothing to guess.
fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// Makes a key. It works once its row is stored.
#[must_use]
pub fn mint(name: &str, scopes: &[Scope], response_format: Option<ResponseFormat>, now: Timestamp) -> NewKey {
    let (id, secret) = (random_text(ID_CHARS), random_text(SECRET_CHARS));
    let row = KeyRow {
        account_id: DEFAULT_ACCOUNT.to_owned(),
        name: name.to_owned(),
        secret_hash: hash(&secret),
        last_four: secret[SECRET_CHARS - 4..].to_owned(),
        scopes: scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(","),
        response_format: response_format.map(|format| format.as_str().to_owned()),
        created_at: now,
        revoked_at: None,
        id: id.clone(),
    };
    NewKey {
        row,
        token: format!("pk_{id}.{secret}"),
    }
}

/// Makes and stores a key.
///
/// # Errors
/// [`DatabaseError`].
pub async fn create(
    database: &Database,
    name: &str,
    scopes: &[Scope],
    response_format: Option<ResponseFormat>,
    now: Timestamp,
) -> Result<NewKey, DatabaseError> {
    let key = mint(name, scopes, response_format, now);
    database.insert_key(&key.row).await?;
    Ok(key)
}

/// Recognizes the key in an `Authorization` header.
///
/// # Errors
/// [`AuthError`] says what is wrong with it.
pub async fn authenticate(database: &Database, authorization: Option<&str>) -> Result<Identity, AuthError> {
    let header = authorization.ok_or(AuthError::Missing)?;
    let (scheme, token) = header.split_once(' ').ok_or(AuthError::Malformed)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(AuthError::Malformed);
    }
    let (id, secret) = token
        .trim()
        .strip_prefix("pk_")
        .and_then(|rest| rest.split_once('.'))
        .ok_or(AuthError::Malformed)?;
    let row = database.key(id).await?;
    // An unknown id costs as much time as a wrong secret.
    let stored = row.as_ref().map_or_else(|| hash(""), |row| row.secret_hash.clone());
    let matches: bool = stored.as_bytes().ct_eq(hash(secret).as_bytes()).into();
    let row = row.filter(|_| matches).ok_or(AuthError::Unknown)?;
    if row.revoked_at.is_some() {
        return Err(AuthError::Revoked);
    }
    let scopes = Scope::ALL
        .into_iter()
        .filter(|scope| row.scopes.split(',').any(|name| name == scope.as_str()))
        .collect();
    let response_format = match row.response_format.as_deref() {
        Some("b64_json") => Some(ResponseFormat::B64Json),
        Some("url") => Some(ResponseFormat::Url),
        _ => None,
    };
    Ok(Identity {
        account_id: row.account_id,
        key_id: row.id,
        scopes,
        response_format,
    })
}
