//! What a request chose: the values of further fields, and the format of its files.

use imaging::ImageFormat;

/// The value of a further field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Word {
    Choice(&'static str),
    Flag(bool),
    Number(f64),
}

/// The further fields that have a value, by default or by the caller.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Chosen(Vec<(&'static str, Word)>);

impl Chosen {
    pub(super) fn push(&mut self, name: &'static str, value: Word) {
        self.0.push((name, value));
    }

    fn get(&self, name: &str) -> Option<Word> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The word of a field; empty without one.
    pub(super) fn choice(&self, name: &str) -> &'static str {
        match self.get(name) {
            Some(Word::Choice(word)) => word,
            _ => "",
        }
    }

    /// Whether a flag is set.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.get(name) == Some(Word::Flag(true))
    }

    /// The number of a field, if the caller gave one.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Some(Word::Number(number)) => Some(number),
            _ => None,
        }
    }
}

/// The format of a word of `output_format`.
pub(super) fn format_of(name: &str) -> ImageFormat {
    match name {
        "jpeg" | "jpg" => ImageFormat::Jpeg,
        "webp" => ImageFormat::Webp,
        _ => ImageFormat::Png,
    }
}
