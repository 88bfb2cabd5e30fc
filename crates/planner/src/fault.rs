//! What is wrong with a caller's request, said so that the caller can mend it.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    /// The field at fault, in the caller's spelling.
    pub param: String,
    /// What was wrong and what would be right. Never holds a prompt or a secret.
    pub message: String,
}

impl Fault {
    /// A fault of one field.
    #[must_use]
    pub fn new(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            param: param.into(),
            message: message.into(),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Longest piece of a caller's value that is repeated in an error.
const ECHO_CHARS_MAX: usize = 40;

/// A caller's value as it may be repeated in an error: quoted, one line, shortened.
#[must_use]
pub fn echo(value: &str) -> String {
    let mut shown: String = value.chars().filter(|c| !c.is_control()).take(ECHO_CHARS_MAX).collect();
    if value.chars().count() > ECHO_CHARS_MAX {
        shown.push('…');
    }
    format!("'{shown}'")
}

/// Names in a row, as an error lists what is legal.
#[must_use]
pub fn listing<S: AsRef<str>>(names: &[S]) -> String {
    names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}
