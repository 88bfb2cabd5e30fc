//! The catalogue, and the ways to the providers, that were put in force last, for what runs in the background: requests go on
//! with those that they began with.

use std::sync::{Arc, PoisonError, RwLock};

use planner::catalog::Catalog;

use super::Generator;
use crate::upstreams::Upstreams;

/// What is in force. Cheap to clone; all clones are renewed together.
#[derive(Debug, Clone)]
pub struct Newest(Arc<RwLock<InForce>>);

#[derive(Debug, Clone)]
struct InForce {
    catalog: Arc<Catalog>,
    upstreams: Arc<Upstreams>,
}

impl Newest {
    /// One that begins with these.
    #[must_use]
    pub fn new(catalog: Arc<Catalog>, upstreams: Arc<Upstreams>) -> Self {
        Self(Arc::new(RwLock::new(InForce { catalog, upstreams })))
    }

    fn get(&self) -> InForce {
        // Nothing panics while it is held for writing.
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, change: impl FnOnce(&mut InForce)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Generator {
    /// The same with what is in force now.
    #[must_use]
    pub fn in_force(&self) -> Self {
        let InForce { catalog, upstreams } = self.newest.get();
        Self {
            catalog,
            upstreams,
            ..self.clone()
        }
    }

    /// The same with another catalogue, which is from now on in force for every clone that asks.
    #[must_use]
    pub(crate) fn renewed(self, catalog: Arc<Catalog>) -> Self {
        self.newest.change(|in_force| in_force.catalog = Arc::clone(&catalog));
        Self { catalog, ..self }
    }

    /// The same with other ways to the providers, which are from now on those of every clone that asks. They go on with the
    /// rate limits that the former ones met.
    #[must_use]
    pub(crate) fn reaching(self, upstreams: Arc<Upstreams>) -> Self {
        upstreams.follow(&self.upstreams);
        self.newest
            .change(|in_force| in_force.upstreams = Arc::clone(&upstreams));
        Self { upstreams, ..self }
    }
}
