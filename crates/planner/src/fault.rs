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
    let mut shown: String = value.chars().filter(|c| !is_hidden(*c)).take(ECHO_CHARS_MAX).collect();
    if value.chars().count() > ECHO_CHARS_MAX {
        shown.push('…');
    }
    format!("'{shown}'")
}

/// Whether a character steers what shows a text instead of being shown: controls, line and paragraph separators, and marks
/// that turn the direction of writing or have no width.
#[must_use]
pub fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// A text of anybody's as one line for a terminal or a log: characters that would steer it stand as their escapes.
#[must_use]
pub fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_hidden(letter) {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Names in a row, as an error lists what is legal.
#[must_use]
pub fn listing<S: AsRef<str>>(names: &[S]) -> String {
    names.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown_instead() {
        assert_eq!(harmless("a\u{1b}[2Jb\r\nc\u{202e}d"), "a\\u{1b}[2Jb\\r\\nc\\u{202e}d");
        assert_eq!(harmless("größe 図 👍"), "größe 図 👍");
        assert_eq!(echo("x\u{9b}y\u{200b}z"), "'xyz'");
    }
}
