//! API keys: making them and recognizing them.

mod sessions;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use moka::sync::Cache;
use planner::request::ResponseFormat;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::clock::Clock;
use crate::db::accounts::AccountTerms;
use crate::db::keys::{KeyRow, KeyTerms};
use crate::db::sessions::SessionRow;
use crate::db::{Database, DatabaseError};
use crate::ids::random_text;

pub use sessions::{BegunSession, IDLE, Session};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Spend money: generations and edits.
    Generate,
    /// Read the account's requests and balance.
    Read,
    /// Everything, for every account: keys, accounts and their money included.
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
    /// Its name for people.
    pub key_name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// How it gets images when a request does not say.
    pub response_format: Option<ResponseFormat>,
    /// What its owner set.
    pub terms: KeyTerms,
    /// What is set for its account.
    pub account: AccountTerms,
    /// When the turn after all that were taken is due, as it was read: see [`crate::db::keys::turns`].
    pub next_request_at: i64,
    /// Whether a visitor of the site calls, who sees nothing of the account but the own requests.
    pub is_visitor: bool,
}

impl Identity {
    /// Whether the key may do it. Admins may do everything.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || self.scopes.contains(&Scope::Admin)
    }

    /// Whether what it asks and gets is kept: its account's choice, unless the key says that nothing is.
    #[must_use]
    pub fn stores_payloads(&self) -> bool {
        self.account.stores_payloads && !self.terms.keeps_no_texts()
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
    /// Its time is over.
    #[error("This API key has expired.")]
    Expired,
    /// The session was ended, or nobody used it for [`IDLE`].
    #[error("This session has ended.")]
    SessionOver,
    /// Its scopes do not let anything be seen.
    #[error("This API key may not sign in: it needs the scope 'read' or 'admin'.")]
    MayNotSignIn,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

/// Letters of a key's public part.
const ID_CHARS: usize = 12;
/// Letters of a key's secret: 40 base-62 characters are 238 bits.
const SECRET_CHARS: usize = 40;

/// A key to be made.
#[derive(Debug, Clone)]
pub struct KeyOrder {
    /// The account that pays.
    pub account_id: String,
    /// Name for people.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// What else is set.
    pub terms: KeyTerms,
}

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
pub fn mint(order: KeyOrder, now: Timestamp) -> NewKey {
    let (id, secret) = (random_text(ID_CHARS), random_text(SECRET_CHARS));
    let names: Vec<&str> = order.scopes.iter().map(|scope| scope.as_str()).collect();
    let row = KeyRow {
        account_id: order.account_id,
        name: order.name,
        secret_hash: hash(&secret),
        last_four: secret[SECRET_CHARS - 4..].to_owned(),
        scopes: names.join(","),
        terms: order.terms,
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
pub async fn create(database: &Database, order: KeyOrder, now: Timestamp) -> Result<NewKey, DatabaseError> {
    let key = mint(order, now);
    database.insert_key(&key.row, None).await?;
    Ok(key)
}

/// How long a key is believed without looking at its row: a revoked one stops working on every replica within a second.
const BELIEVED: Duration = Duration::from_millis(500);
/// Keys that are remembered at one time; more only cost a look into the database each.
const REMEMBERED_MAX: u64 = 10_000;

/// Recognizes keys. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Keyring {
    database: Database,
    clock: Clock,
    known: Cache<String, Arc<Known>>,
    sessions: Cache<String, SessionRow>,
}

/// A key as it was read.
#[derive(Debug)]
struct Known {
    row: KeyRow,
    identity: Identity,
}

impl Keyring {
    /// The keys of `database`.
    #[must_use]
    pub fn new(database: Database, clock: Clock) -> Self {
        Self {
            database,
            clock,
            known: Cache::builder()
                .max_capacity(REMEMBERED_MAX)
                .time_to_live(BELIEVED)
                .build(),
            sessions: Cache::builder()
                .max_capacity(REMEMBERED_MAX)
                .time_to_live(BELIEVED)
                .build(),
        }
    }

    /// Recognizes the key in an `Authorization` header.
    ///
    /// # Errors
    /// [`AuthError`] says what is wrong with it.
    pub async fn authenticate(&self, authorization: Option<&str>) -> Result<Identity, AuthError> {
        let header = authorization.ok_or(AuthError::Missing)?;
        let (scheme, token) = header.split_once(' ').ok_or(AuthError::Malformed)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(AuthError::Malformed);
        }
        self.recognize(token.trim()).await
    }

    /// Recognizes a key by itself.
    ///
    /// # Errors
    /// [`AuthError`] says what is wrong with it.
    pub async fn recognize(&self, token: &str) -> Result<Identity, AuthError> {
        let (id, secret) = token
            .strip_prefix("pk_")
            .and_then(|rest| rest.split_once('.'))
            .ok_or(AuthError::Malformed)?;
        let known = self.known(id).await?;
        // An unknown id costs as much time as a wrong secret.
        let stored = known
            .as_ref()
            .map_or_else(|| hash(""), |known| known.row.secret_hash.clone());
        let matches: bool = stored.as_bytes().ct_eq(hash(secret).as_bytes()).into();
        let known = known.filter(|_| matches).ok_or(AuthError::Unknown)?;
        self.works(&known)?;
        Ok(known.identity.clone())
    }

    /// Refuses a key whose time is over.
    fn works(&self, known: &Known) -> Result<(), AuthError> {
        if known.row.revoked_at.is_some() {
            return Err(AuthError::Revoked);
        }
        if known.row.terms.expires_at.is_some_and(|end| end <= self.clock.now()) {
            return Err(AuthError::Expired);
        }
        Ok(())
    }

    /// Forgets what was read of a key, as it was changed here.
    pub fn forget(&self, id: &str) {
        self.known.invalidate(id);
    }

    async fn known(&self, id: &str) -> Result<Option<Arc<Known>>, DatabaseError> {
        if let Some(known) = self.known.get(id) {
            return Ok(Some(known));
        }
        let Some(used) = self.database.key(id).await? else {
            return Ok(None);
        };
        let row = used.key;
        let Some(account) = self.database.account(&row.account_id).await? else {
            return Ok(None);
        };
        let identity = Identity {
            account_id: row.account_id.clone(),
            key_id: row.id.clone(),
            key_name: row.name.clone(),
            scopes: scopes_of(&row),
            response_format: row.terms.response_format.as_deref().and_then(ResponseFormat::named),
            terms: row.terms.clone(),
            account: account.terms(),
            next_request_at: used.next_request_at,
            is_visitor: false,
        };
        let known = Arc::new(Known { row, identity });
        self.known.insert(id.to_owned(), Arc::clone(&known));
        Ok(Some(known))
    }
}

/// What a stored key may do.
#[must_use]
pub fn scopes_of(row: &KeyRow) -> Vec<Scope> {
    let named = |scope: &Scope| row.scopes.split(',').any(|name| name == scope.as_str());
    Scope::ALL.into_iter().filter(named).collect()
}
