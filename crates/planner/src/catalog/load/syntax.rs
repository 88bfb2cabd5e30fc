//! Texts that are no TOML: the mistakes that people make, in their words.

use toml::de::{DeTable, DeValue, Error};

use crate::catalog::mistake::Mistake;
use crate::catalog::mistake::place::{Step, deepest, dotted, key, line_of, path_at, readable};

/// Stands for the key of a line that cannot be read; no catalogue has it.
const PROBE: &str = "line-that-cannot-be-read";

/// Longest part of a value that a message repeats.
const SHOWN_CHARS: usize = 40;

/// The mistake that keeps `text` from being TOML, if one does.
pub(super) fn mistake(file: &str, text: &str) -> Option<Mistake> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let error = telling(&errors)?;
    let root = DeValue::Table(table.into_inner());
    let told = |offset: usize, path: &[Step], message: String| Mistake {
        file: file.to_owned(),
        line: line_of(text, offset),
        key: dotted(path),
        message,
    };
    let offset = start(error);
    if closing_quote(error.message()).is_none()
        && let Some((opening, path, message)) = unclosed(&root, &errors, offset)
    {
        return Some(told(opening, &path, message.to_owned()));
    }
    // A head that is not closed takes no place in what could be read.
    let is_head = error.message().starts_with("unclosed ");
    let mut path = match path_at(&root, offset) {
        Some(path) if !is_head => path,
        _ => path_of_line(text, offset),
    };
    if error.message() == "duplicate key" {
        let name = error.span().and_then(|span| text.get(span)).unwrap_or_default();
        if path.last() != Some(&key(name)) {
            path.push(key(name));
        }
        return Some(told(offset, &path, duplicate(text, offset, name)));
    }
    // A text of several lines breaks off at the file's end; its mistake is where it begins.
    let offset = match closing_quote(error.message()) {
        Some(quote) if quote.len() > 1 => deepest(&root, &path).0,
        _ => offset,
    };
    let message = hint(text, error).unwrap_or_else(|| error.message().to_owned());
    Some(told(offset, &path, message))
}

fn start(error: &Error) -> usize {
    error.span().map_or(0, |span| span.start)
}

/// The error that tells most. A text without its closing quote swallows what follows, and what follows is found first.
fn telling(errors: &[Error]) -> Option<&Error> {
    let first = errors.first()?;
    let mut open_texts = errors.iter().filter(|error| closing_quote(error.message()).is_some());
    Some(open_texts.find(|error| start(error) <= start(first)).unwrap_or(first))
}

/// The bracket that is never closed around `offset`: where it opens, its key and what to say. The first error inside it
/// is about what follows.
fn unclosed(root: &DeValue<'_>, errors: &[Error], offset: usize) -> Option<(usize, Vec<Step>, &'static str)> {
    let says = |part: &str| errors.iter().any(|error| error.message().starts_with(part));
    let (list, table) = (says("unclosed array, "), says("unclosed inline table, "));
    let mut path = path_at(root, offset).filter(|_| list || table)?;
    while !path.is_empty() {
        let (opening, _, value) = deepest(root, &path);
        let message = match value {
            DeValue::Array(_) if list => Some("the `]` that closes this list is missing"),
            DeValue::Table(_) if table => Some("the `}` that closes this table is missing"),
            _ => None,
        };
        if let Some(message) = message.filter(|_| opening < offset) {
            return Some((opening, path, message));
        }
        path.pop();
    }
    None
}

/// The key of a line of which nothing could be read: what stands before its `=`, below the table that it is in.
fn path_of_line(text: &str, offset: usize) -> Vec<Step> {
    let begin = line_start(text, offset);
    let (before, line) = (&text[..begin], line_at(text, offset));
    let head = line.trim_start_matches('[');
    let name = head.split(['=', ':', ']', '#', ' ', '\t']).next().unwrap_or_default();
    if !name.starts_with(|first: char| first.is_alphanumeric() || "_-".contains(first)) {
        return Vec::new();
    }
    let brackets = line.len() - head.len();
    if brackets > 0 {
        let probe = format!("{before}{}{name}{}\n", "[".repeat(brackets), "]".repeat(brackets));
        return path_at(&readable(&probe), begin + brackets).unwrap_or_else(|| vec![key(name)]);
    }
    let probe = format!("{before}{PROBE} = 0\n");
    let mut path = path_at(&readable(&probe), begin).unwrap_or_default();
    path.pop();
    path.push(key(name));
    path
}

fn line_start(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.rfind('\n').map_or(0, |at| at + 1)
}

/// The line around a byte, without the spaces around it.
fn line_at(text: &str, offset: usize) -> &str {
    let rest = &text[line_start(text, offset)..];
    rest.lines().next().unwrap_or_default().trim()
}

/// The quote that is missing at a text's end, if the reader says so.
fn closing_quote(message: &str) -> Option<&'static str> {
    match message {
        "invalid basic string, expected `\"`" => Some("\""),
        "invalid literal string, expected `'`" => Some("'"),
        "invalid multi-line basic string, expected `\"`" => Some("\"\"\""),
        "invalid multi-line literal string, expected `'`" => Some("'''"),
        _ => None,
    }
}

/// A better word than the reader's, where there is one.
fn hint(text: &str, error: &Error) -> Option<String> {
    let message = error.message();
    if let Some(quote) = closing_quote(message) {
        return Some(format!("the closing {quote} is missing"));
    }
    let span = error.span()?;
    let line = line_at(text, span.start);
    let after = text.get(span.start..)?.lines().next().unwrap_or_default().trim();
    let what = message.split_once(", expected").map_or(message, |(what, _)| what);
    let told = match what {
        "missing opening quote" => "the opening \" is missing".to_owned(),
        "key with no value" => without_value(line, after).to_owned(),
        "unexpected key or value" => after_value(after).to_owned(),
        "missing comma between array elements"
        | "missing comma between key-value pairs"
        | "extra assignment between key-value pairs"
            if line.matches('"').count() % 2 == 1 =>
        {
            "this line has an odd number of quotes: one is missing".to_owned()
        }
        "missing comma between array elements" => "a comma between two values is missing".to_owned(),
        "missing comma between key-value pairs" | "extra assignment between key-value pairs" => {
            "a comma between two keys is missing".to_owned()
        }
        "missing assignment between key-value pairs" => "the `=` after the key is missing".to_owned(),
        "missing escaped value" => {
            "a backslash means more in double quotes: write two, or put the text in single ones".to_owned()
        }
        "unexpected leading zero" => "a number has no leading zero".to_owned(),
        "unclosed table" | "unclosed array table" => "the bracket after the table's name is missing".to_owned(),
        "string values must be quoted" | "invalid boolean" | "invalid float" | "invalid integer" => {
            return bare(text.get(span)?.trim());
        }
        _ => return None,
    };
    Some(told)
}

/// What a key lacks; `after` is what follows its first word.
fn without_value(line: &str, after: &str) -> &'static str {
    if line.starts_with("//") {
        "a comment begins with #"
    } else if line.split_whitespace().next().is_some_and(|word| word.ends_with(':')) || after.starts_with(':') {
        "a key takes its value by `=`, not by `:`"
    } else if after.is_empty() || after.starts_with('#') {
        "the key has no value: `=` and the value are missing"
    } else if after
        .split_once('=')
        .is_some_and(|(words, _)| !words.contains(['"', '\'']))
    {
        "a key has no spaces"
    } else {
        "the `=` after the key is missing"
    }
}

/// What is too much behind a value.
fn after_value(after: &str) -> &'static str {
    let behind = after.strip_prefix(',');
    if behind.is_some_and(|behind| behind.starts_with(|next: char| next.is_ascii_digit())) {
        "a number has no commas"
    } else if behind.is_some() {
        "no comma stands at the end of a line"
    } else if after.starts_with(']') {
        "there is one `]` too many"
    } else if after.starts_with("//") {
        "a comment begins with #"
    } else {
        "one key to a line: something follows its value"
    }
}

/// What is wrong with a value that has no quotes and is no number, date or boolean.
fn bare(value: &str) -> Option<String> {
    let told = match value.to_lowercase().as_str() {
        "" => "the value after `=` is missing".to_owned(),
        word @ ("true" | "false") => format!("`{word}` has small letters only"),
        "yes" | "on" => "yes is written `true`".to_owned(),
        "no" | "off" => "no is written `false`".to_owned(),
        "null" | "none" | "nil" => "there is no null: leave the key out".to_owned(),
        other if other.starts_with(['“', '”', '„', '‘', '’']) => "quotes are straight: \"".to_owned(),
        other if other.contains(" //") => "a comment begins with #".to_owned(),
        other if other.starts_with(char::is_alphabetic) => {
            let shown: String = value.chars().take(SHOWN_CHARS).collect();
            format!("a text stands in quotes: \"{shown}\"")
        }
        _ => return None,
    };
    Some(told)
}

/// That `name` is given twice, and where it was given first: in the same table, or as the head of the same one.
fn duplicate(text: &str, offset: usize, name: &str) -> String {
    let line = line_at(text, offset);
    let is_head = line.starts_with('[');
    let above: Vec<&str> = text[..line_start(text, offset)].lines().map(str::trim).collect();
    let own_table = above.iter().enumerate().rev();
    let first = own_table
        .take_while(|(_, other)| is_head || !other.starts_with('['))
        .find(|(_, other)| match other.split_once('=') {
            _ if is_head => **other == line,
            Some((before, _)) => before.trim() == name,
            None => false,
        });
    match first {
        Some((index, _)) => format!("'{name}' is given twice, first in line {}", index + 1),
        None => format!("'{name}' is given twice"),
    }
}
