//! What follows from an entry of the catalogue, worked out once.

use std::fmt;
use std::sync::OnceLock;

/// Something that follows from the entry it stands in. It is no part of what the entry says: all are equal, and a copy of an
/// entry, which may be changed, works it out anew.
pub struct Derived<T>(OnceLock<T>);

impl<T> Derived<T> {
    /// What follows, worked out by the first who asks.
    pub(super) fn get(&self, work_out: impl FnOnce() -> T) -> &T {
        self.0.get_or_init(work_out)
    }
}

impl<T> Default for Derived<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> Clone for Derived<T> {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl<T> PartialEq for Derived<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> fmt::Debug for Derived<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Derived")
    }
}
