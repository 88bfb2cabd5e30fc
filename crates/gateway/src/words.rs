//! The words of a text, folded, so that two spellings of one word are one.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// The first of the signs each of which is taken for a word, as none stands between words there.
const SIGNS_FROM: char = '\u{2e80}';
/// Signs that are not seen and stand within words: soft hyphens, joiners, marks of direction.
const UNSEEN: [char; 10] = [
    '\u{ad}', '\u{34f}', '\u{61c}', '\u{180e}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{200e}', '\u{200f}', '\u{feff}',
];

/// The words of a text, folded: compatible spellings are one (full width, ligatures), as are cases.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    let seen = text.chars().filter(|sign| !UNSEEN.contains(sign));
    let folded = seen.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    for sign in folded {
        let is_letter = sign.is_alphanumeric() || (is_combining_mark(sign) && !word.is_empty());
        let stands_alone = is_letter && sign >= SIGNS_FROM;
        if is_letter && !stands_alone {
            word.push(sign);
            continue;
        }
        if !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
        if stands_alone {
            found.push(sign.to_string());
        }
    }
    if !word.is_empty() {
        found.push(word);
    }
    found
}
