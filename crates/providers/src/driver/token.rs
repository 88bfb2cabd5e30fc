//! Access tokens: asked for when a call needs one, kept until shortly before their end, and asked for anew when refused.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use planner::failure::Failure;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use tokio::{
    sync::Mutex as AsyncMutex,
    time::{Instant, timeout_at},
};

use super::{Attempt, Driver, SendError, not_answered, out_of_time};
use crate::adapter::{Call, Credential, Grant, Reply, Stage, Step, misconfigured};

/// A token that ends sooner than this is not used again: the call may wait in a line, and clocks differ.
const MARGIN: Duration = Duration::from_secs(180);
/// Accounts whose tokens are kept; an operator has a few.
const ACCOUNTS_MAX: usize = 64;
/// Repeats of a call for a token. Nothing is spent yet, so the next candidate is as good.
const REPEATS_MAX: u32 = 2;

/// The tokens of every account in use.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    slots: Mutex<HashMap<Vec<u8>, Slot>>,
}

/// One account's token. Whoever asks for a new one holds the lock, so that others wait for it and don't ask too.
type Slot = Arc<AsyncMutex<Option<Held>>>;

#[derive(Debug, Clone)]
struct Held {
    token: Credential,
    until: Instant,
}

impl Tokens {
    fn slot(&self, grant: &Grant) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let key = grant.fingerprint().as_ref().to_vec();
        if slots.len() >= ACCOUNTS_MAX && !slots.contains_key(&key) {
            slots.clear();
        }
        Arc::clone(slots.entry(key).or_default())
    }
}

/// Why a call that needs a token has no answer.
pub(super) enum Unanswered {
    /// It was sent, or should have been.
    Sent(SendError),
    /// There is no token.
    NoToken(Failure),
}

impl Driver {
    /// Makes `call` with a token. A refused token is replaced once: whoever refuses it has done nothing.
    pub(super) async fn send_with_token(
        &self,
        attempt: &Attempt<'_>,
        call: &Call,
        grant: &Grant,
    ) -> Result<Reply, Unanswered> {
        let token = self.token(attempt, grant, None).await?;
        let reply = self.send_as(attempt, call, &token).await?;
        if reply.status != 401 {
            return Ok(reply);
        }
        let token = self.token(attempt, grant, Some(&token)).await?;
        self.send_as(attempt, call, &token).await
    }

    async fn send_as(&self, attempt: &Attempt<'_>, call: &Call, token: &Credential) -> Result<Reply, Unanswered> {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .map_err(|_| Unanswered::NoToken(misconfigured("the access token has characters that cannot be sent")))?;
        value.set_sensitive(true);
        let call = call.clone().header(AUTHORIZATION, value);
        self.send(attempt, &call).await.map_err(Unanswered::Sent)
    }

    /// A token other than `refused`.
    async fn token(
        &self,
        attempt: &Attempt<'_>,
        grant: &Grant,
        refused: Option<&Credential>,
    ) -> Result<Credential, Unanswered> {
        let slot = self.tokens.slot(grant);
        let mut held = timeout_at(attempt.deadline, slot.lock())
            .await
            .map_err(|_| Unanswered::NoToken(out_of_time(attempt, Stage::Token)))?;
        if let Some(held) = held.as_ref()
            && Some(&held.token) != refused
            && held.until > Instant::now()
        {
            return Ok(held.token.clone());
        }
        let fresh = self.ask(attempt, grant).await.map_err(Unanswered::NoToken)?;
        *held = Some(fresh.clone());
        Ok(fresh.token)
    }

    async fn ask(&self, attempt: &Attempt<'_>, grant: &Grant) -> Result<Held, Failure> {
        let mut repeats = 0;
        loop {
            let now_s = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs();
            let asked_at = Instant::now();
            let failure = match self.send(attempt, &grant.call(now_s)?).await {
                Ok(reply) => match Grant::read(&attempt.request.endpoint.provider, &reply) {
                    Ok(token) => {
                        return Ok(Held {
                            token: Credential::new(token.secret),
                            until: asked_at + token.lasts.saturating_sub(MARGIN),
                        });
                    }
                    Err(failure) if reply.is_hiccup() => failure,
                    Err(failure) => return Err(failure),
                },
                Err(error) => match not_answered(attempt, Stage::Token, &error) {
                    Step::Again(failure) => failure,
                    Step::Fail(failure) => return Err(failure),
                    Step::Done(_) | Step::Call(_) => return Err(out_of_time(attempt, Stage::Token)),
                },
            };
            let wait = self.hiccup_wait(repeats, failure.retry_after);
            if repeats >= REPEATS_MAX || Instant::now() + wait >= attempt.deadline {
                return Err(failure);
            }
            tokio::time::sleep(wait).await;
            repeats += 1;
        }
    }
}
