//! Files of callers: sent, or pointed to.

use providers::Blob;

/// A file that the caller sent or pointed to.
#[derive(Debug, Clone)]
pub struct Upload {
    /// The field that it came in.
    pub param: String,
    /// Its bytes.
    pub blob: Blob,
}

/// A file of the caller's that is yet to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The field that names it.
    pub param: String,
    /// Where it is.
    pub url: String,
    /// Its place among the input images; `None`: it is the mask.
    pub place: Option<usize>,
}
