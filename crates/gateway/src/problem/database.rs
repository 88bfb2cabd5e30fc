//! The face of a database that fails.

use super::Problem;
use crate::db::DatabaseError;

impl Problem {
    /// What the caller is told when the database fails: to come back soon where that may help. Nothing was spent.
    #[must_use]
    pub fn of_database(error: &DatabaseError) -> Self {
        if error.is_away() {
            Self::overloaded(
                "This gateway cannot write its books at this time, so nothing was begun. Try again shortly.",
            )
        } else {
            Self::internal()
        }
    }
}
