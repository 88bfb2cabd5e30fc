//! How one provider is reached: its address, and the credentials that calls are spread over.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use planner::failure::{Failure, FailureKind};
use planner::rotation::{Rest, Rotation};
use providers::{Credential, UpstreamAccess};

use crate::outcome::code_of;

/// A provider that can be called.
#[derive(Debug)]
pub struct Access {
    /// With the first credential.
    endpoint: UpstreamAccess,
    held: Vec<Held>,
    rotation: Mutex<Rotation>,
}

/// One credential with the name by which people know it.
#[derive(Debug)]
struct Held {
    name: Arc<str>,
    credential: Credential,
}

/// What one call goes out with.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// Where to, and with which credential.
    pub endpoint: UpstreamAccess,
    /// The credential's name, where there are several.
    pub name: Option<Arc<str>>,
    place: usize,
}

impl Chosen {
    /// The credential's name, where there are several.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// A credential as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub name: Arc<str>,
    /// Why it is not used, and until when.
    pub rest: Option<Rest>,
}

impl Access {
    /// One with the credential of `endpoint` alone.
    #[must_use]
    pub fn alone(endpoint: UpstreamAccess) -> Self {
        Self {
            held: Vec::new(),
            rotation: Mutex::new(Rotation::new([1])),
            endpoint,
        }
    }

    /// One with several credentials, by name and weight, the first of which is that of `endpoint`.
    #[must_use]
    pub fn spread(endpoint: UpstreamAccess, credentials: impl IntoIterator<Item = (String, u32, Credential)>) -> Self {
        let (mut held, mut weights) = (Vec::new(), Vec::new());
        for (name, weight, credential) in credentials {
            held.push(Held {
                name: name.into(),
                credential,
            });
            weights.push(weight);
        }
        Self {
            endpoint,
            held,
            rotation: Mutex::new(Rotation::new(weights)),
        }
    }

    /// Where it is, with the first credential.
    #[must_use]
    pub const fn endpoint(&self) -> &UpstreamAccess {
        &self.endpoint
    }

    fn rotation(&self) -> MutexGuard<'_, Rotation> {
        // Nothing panics while it is held.
        self.rotation.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at(&self, place: usize) -> Chosen {
        let held = self.held.get(place);
        Chosen {
            endpoint: UpstreamAccess {
                credential: held.map_or_else(|| self.endpoint.credential.clone(), |held| held.credential.clone()),
                ..self.endpoint.clone()
            },
            name: held.map(|held| Arc::clone(&held.name)),
            place,
        }
    }

    /// What the next call to a native model goes out with.
    #[must_use]
    pub fn choose(&self, native_model: &str, now: Timestamp) -> Chosen {
        let place = self.rotation().choose(native_model, &BTreeSet::new(), now);
        self.at(place.unwrap_or_default())
    }

    /// What a call goes out with that asks for a job which the credential `name` handed in. Where it is gone it is another one:
    /// it may be of the same account.
    #[must_use]
    pub fn of_job(&self, name: Option<&str>, native_model: &str, now: Timestamp) -> Chosen {
        let known = name.and_then(|name| self.held.iter().position(|held| &*held.name == name));
        match known {
            Some(place) => self.at(place),
            None if self.held.is_empty() || name.is_none() => self.at(0),
            None => self.choose(native_model, now),
        }
    }

    /// Notes that a call failed, and tells the log when its credential rests for it. Gives another one that may be asked at
    /// once, beside those that were `refused` for this call, when the failure says that this one cannot be used.
    pub fn failed(
        &self,
        used: &Chosen,
        native_model: &str,
        failure: &Failure,
        refused: &mut Refused,
        now: Timestamp,
    ) -> Option<Chosen> {
        let name = used.name()?;
        let mut rotation = self.rotation();
        let rest = rotation.failed(used.place, native_model, failure, now)?;
        refused.0.insert(used.place);
        let other = rotation.choose(native_model, &refused.0, now);
        drop(rotation);
        let scope = if rest.cause == FailureKind::NotPermitted {
            native_model
        } else {
            "all"
        };
        tracing::warn!(provider.id = %self.endpoint.provider, credential = name, model.native = scope, until = %rest.until,
            error.code = code_of(rest.cause), goes_on = other.is_some(),
            "a provider refuses a credential, which rests for a while");
        other.map(|place| self.at(place))
    }

    /// Every credential, where there are several.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Vec<Standing> {
        let rotation = self.rotation();
        let one = |(place, held): (usize, &Held)| Standing {
            name: Arc::clone(&held.name),
            rest: rotation.rest(place, now),
        };
        self.held.iter().enumerate().map(one).collect()
    }

    /// Goes on with the rate limits of a former one, for the credentials that are the same.
    pub fn follow(&self, former: &Self) {
        let is_same = |held: &Held, known: &Held| known.name == held.name && known.credential == held.credential;
        let was = |place: usize| {
            let held = self.held.get(place)?;
            former.held.iter().position(|known| is_same(held, known))
        };
        // A copy, so that no two are locked at once.
        let known = former.rotation().clone();
        self.rotation().follow(&known, was);
    }
}

/// Credentials that were refused for one call.
#[derive(Debug, Clone, Default)]
pub struct Refused(BTreeSet<usize>);
