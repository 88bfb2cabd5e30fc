//! The API as pages ask it within the process, with everything that is around it.

use axum::Router;

/// An extension of the pages' requests. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct InProcess(pub(crate) Router);
