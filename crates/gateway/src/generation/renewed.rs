//! The catalogue that was put in force last, for what runs in the background: requests go on with the one that they began with.

use std::sync::{Arc, PoisonError, RwLock};

use planner::catalog::Catalog;

use super::Generator;

/// The catalogue in force. Cheap to clone; all clones are renewed together.
#[derive(Debug, Clone)]
pub struct Newest(Arc<RwLock<Arc<Catalog>>>);

impl Newest {
    /// One that begins with `catalog`.
    #[must_use]
    pub fn new(catalog: Arc<Catalog>) -> Self {
        Self(Arc::new(RwLock::new(catalog)))
    }

    fn get(&self) -> Arc<Catalog> {
        // Nothing panics while it is held for writing.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Generator {
    /// The same with the catalogue in force now.
    #[must_use]
    pub fn in_force(&self) -> Self {
        Self {
            catalog: self.newest.get(),
            ..self.clone()
        }
    }

    /// The same with another catalogue, which is from now on in force for every clone that asks.
    #[must_use]
    pub(crate) fn renewed(self, catalog: Arc<Catalog>) -> Self {
        *self.newest.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&catalog);
        Self { catalog, ..self }
    }
}
