//! Sessions of the site: each acts for a key, so that sign-in, playground and API know one rule of who may do what.

use jiff::SignedDuration;
use subtle::ConstantTimeEq as _;

use super::{AuthError, Identity, Keyring, SECRET_CHARS, Scope, hash};
use crate::db::DatabaseError;
use crate::db::audit::AuditRow;
use crate::db::sessions::{NewVisitor, SessionKind, SessionRow, VisitorRules};
use crate::ids::random_text;

/// How long a session lasts after it was last used.
pub const IDLE: SignedDuration = SignedDuration::from_hours(12);
/// How exactly it is noted when it was last used.
const SEEN: SignedDuration = SignedDuration::from_mins(1);
/// Letters of a form's token.
const FORM_TOKEN_CHARS: usize = 32;

/// A session that lasts.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id: a hash of its secret.
    pub id: String,
    /// Who has it.
    pub kind: SessionKind,
    /// The key that it acts for, with its account and scopes.
    pub identity: Identity,
    /// What forms of its pages carry, so that no other page can send them.
    pub form_token: String,
}

impl Session {
    /// Whether a form that carries `token` is one of this session's pages.
    #[must_use]
    pub fn owns_form(&self, token: &str) -> bool {
        self.form_token.as_bytes().ct_eq(token.as_bytes()).into()
    }
}

/// A session that has just begun; its secret goes into a cookie and is nowhere else.
#[derive(Debug)]
pub struct BegunSession {
    /// The session.
    pub session: Session,
    /// Its secret.
    pub secret: String,
}

impl Keyring {
    /// The session with this secret.
    ///
    /// # Errors
    /// [`AuthError`] when there is none, when it is over, or when its key is.
    pub async fn session(&self, secret: &str) -> Result<Session, AuthError> {
        let id = hash(secret);
        let row = match self.sessions.get(&id) {
            Some(row) => row,
            None => {
                let row = self.database.session(&id).await?.ok_or(AuthError::SessionOver)?;
                self.sessions.insert(id.clone(), row.clone());
                row
            }
        };
        let now = self.clock.now();
        if row.revoked_at.is_some() || now.duration_since(row.last_seen_at) >= IDLE {
            return Err(AuthError::SessionOver);
        }
        let session = self.acting(row.clone(), secret).await?;
        if now.duration_since(row.last_seen_at) >= SEEN {
            self.database.see_session(&id, now).await?;
            let seen = SessionRow {
                last_seen_at: now,
                ..row
            };
            self.sessions.insert(id, seen);
        }
        Ok(session)
    }

    /// Begins the session of a visitor who comes from the address of `pool`.
    ///
    /// # Errors
    /// [`AuthError`] when it cannot be stored.
    pub async fn begin_visit(&self, rules: &VisitorRules, pool: String) -> Result<BegunSession, AuthError> {
        let secret = random_text(SECRET_CHARS);
        let visitor = NewVisitor {
            id: hash(&secret),
            pool,
            pool_limits: rules.address,
            limits: rules.session,
        };
        let row = self.database.insert_visitor(&visitor, self.clock.now()).await?;
        self.begun(row, secret).await
    }

    /// Begins a session with a key that may read or do everything; `tell` makes the line of the audit about it.
    ///
    /// # Errors
    /// [`AuthError`] when the key is none, or may not sign in.
    pub async fn sign_in(
        &self,
        key: &str,
        tell: impl FnOnce(&Identity) -> AuditRow + Send,
    ) -> Result<BegunSession, AuthError> {
        let identity = self.recognize(key.trim()).await?;
        if !identity.may(Scope::Read) {
            return Err(AuthError::MayNotSignIn);
        }
        let secret = random_text(SECRET_CHARS);
        let told = tell(&identity);
        let row = self
            .database
            .insert_session(&hash(&secret), &identity.key_id, self.clock.now(), &told)
            .await?;
        self.begun(row, secret).await
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn end_session(&self, id: &str) -> Result<(), DatabaseError> {
        self.database.revoke_session(id, self.clock.now()).await?;
        self.sessions.invalidate(id);
        Ok(())
    }

    /// Ends somebody's session that began with a key, with the line that tells of it. Returns whether it went on until now.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub async fn end_signed_in(&self, id: &str, told: &AuditRow) -> Result<bool, DatabaseError> {
        let was_on = self.database.end_signed_in(id, self.clock.now(), told).await?;
        self.sessions.invalidate(id);
        Ok(was_on)
    }

    async fn begun(&self, row: SessionRow, secret: String) -> Result<BegunSession, AuthError> {
        self.sessions.insert(row.id.clone(), row.clone());
        let session = self.acting(row, &secret).await?;
        Ok(BegunSession { session, secret })
    }

    async fn acting(&self, row: SessionRow, secret: &str) -> Result<Session, AuthError> {
        let known = self.known(&row.key_id).await?.ok_or(AuthError::SessionOver)?;
        self.works(&known)?;
        let identity = Identity {
            is_visitor: row.kind == SessionKind::Visitor,
            ..known.identity.clone()
        };
        Ok(Session {
            form_token: hash(&format!("form {secret}"))[..FORM_TOKEN_CHARS].to_owned(),
            id: row.id,
            kind: row.kind,
            identity,
        })
    }
}
