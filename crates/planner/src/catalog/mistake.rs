//! Mistakes in the catalogue's files, and where they stand.

pub(super) mod place;
pub(super) mod suggest;

use std::fmt;

/// One mistake in a file of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The file's name as it was given.
    pub file: String,
    /// Line, from 1; 0 when the mistake is of the whole file.
    pub line: usize,
    /// Dotted key, empty when the text could not be read that far.
    pub key: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// A file's name and its text. The name's first folder says what it holds:
/// `parameters.toml`, `providers/<id>.toml`, `models/<creator>/<model>.toml`.
pub type Source<'a> = (&'a str, &'a str);
