//! Who calls an endpoint.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderName, header};

use crate::auth::{AuthError, Identity, Scope};
use crate::db::keys::turns;
use crate::http::envelope::RequestContext;
use crate::http::session;
use crate::http::state::AppState;
use crate::known_clients::KnownClient;
use crate::operator::witness::Witness;
use crate::problem::Problem;

const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// A recognized caller and the request's own facts. An endpoint that names it in its arguments cannot forget the check.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// The key.
    pub(super) identity: Identity,
    /// The request.
    pub(super) context: RequestContext,
    /// The program that calls, where it is a known one.
    pub(super) client: Option<KnownClient>,
}

impl Caller {
    /// Refuses keys without the scope.
    pub(super) fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.identity.may(scope) {
            return Ok(());
        }
        Err(Problem::permission(&format!(
            "This API key lacks the scope '{}'.",
            scope.as_str()
        )))
    }

    /// Refuses whoever may not see requests. Returns the key whose requests alone are seen, for a visitor: others spend from
    /// the same account.
    pub(super) fn require_requests(&self) -> Result<Option<&str>, Problem> {
        if self.identity.is_visitor {
            return Ok(Some(&self.identity.key_id));
        }
        self.require(Scope::Read).map(|()| None)
    }

    /// Refuses visitors what concerns their whole account.
    pub(super) fn refuse_visitor(&self, what: &str) -> Result<(), Problem> {
        if self.identity.is_visitor {
            return Err(Problem::permission(&format!(
                "Visitors have no {what}: it takes an API key."
            )));
        }
        Ok(())
    }

    /// The caller as the one who does something that is told of.
    pub(super) fn witness(&self, state: &AppState) -> Witness {
        let identity = &self.identity;
        let key = (identity.key_id.as_str(), identity.account_id.as_str());
        let now = state.generator.clock.now();
        Witness::of_key(Some(key), self.context.address, &self.context.id, now)
    }

    /// Refuses a request that is past the key's limit by the minute, as far as its row was read.
    pub(super) fn look_at_turn(&self, state: &AppState) -> Result<(), Problem> {
        let Some(per_minute) = self.identity.terms.limits.requests_per_minute else {
            return Ok(());
        };
        let due_in = turns::due_in(per_minute, self.identity.next_request_at, state.generator.clock.now());
        due_in.map_or(Ok(()), |due_in| Err(Problem::out_of_turn(per_minute, due_in)))
    }

    /// Counts a request that begins no generation against the key's limit by the minute, if it has one.
    pub(super) async fn take_turn(&self, state: &AppState) -> Result<(), Problem> {
        let Some(per_minute) = self.identity.terms.limits.requests_per_minute else {
            return Ok(());
        };
        let (database, now) = (&state.generator.database, state.generator.clock.now());
        match database.take_turn(&self.identity.key_id, now).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(due_in)) => Err(Problem::out_of_turn(per_minute, due_in)),
            Err(error) => {
                tracing::error!(error = %error, "a request could not be counted");
                Err(Problem::of_database(&error))
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    AppState: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let state = &AppState::from_ref(state);
        let context = parts
            .extensions
            .get::<RequestContext>()
            .cloned()
            .ok_or_else(Problem::internal)?;
        let text = |name: HeaderName| parts.headers.get(name).map(|value| value.to_str().unwrap_or(""));
        // The one place where a session counts as a key: for pages of this site, and only where no key is sent.
        if !parts.headers.contains_key(header::AUTHORIZATION)
            && !parts.headers.contains_key(API_KEY)
            && session::has_cookie(&parts.headers)
        {
            let session = session::own(state, &parts.headers).await?;
            return Ok(Self {
                identity: session.identity,
                context,
                client: None,
            });
        }
        // Azure's SDKs have a header of their own for the key alone.
        let bare = || text(API_KEY).map(|key| format!("Bearer {key}"));
        let authorization = text(header::AUTHORIZATION).map(ToOwned::to_owned).or_else(bare);
        match state.keyring.authenticate(authorization.as_deref()).await {
            Ok(identity) => Ok(Self {
                identity,
                context,
                client: state.choices.known_clients.of(&parts.headers).cloned(),
            }),
            Err(AuthError::Database(error)) => {
                tracing::error!(error = %error, "an API key could not be looked up");
                Err(Problem::of_database(&error))
            }
            Err(
                error @ (AuthError::Missing
                | AuthError::Malformed
                | AuthError::Unknown
                | AuthError::Revoked
                | AuthError::Expired
                | AuthError::SessionOver
                | AuthError::MayNotSignIn),
            ) => Err(Problem::authentication(&error.to_string())),
        }
    }
}
