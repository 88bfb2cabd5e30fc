//! Finds what a caller wrote in what a provider says, however it stands there: in another case, with other blanks, escaped,
//! or only a part of it.

use std::collections::HashSet;
use std::ops::Range;

/// So many letters in a row are no accident.
const RUN_LETTERS: usize = 12;
/// A shorter whole is too common.
const WHOLE_LETTERS: usize = 4;
/// So many letters are enough where dots tell that they were cut off.
const CUT_LETTERS: usize = 5;

/// A text's letters and digits, without case, and where each stands.
struct Letters {
    all: Vec<char>,
    places: Vec<Range<usize>>,
}

impl Letters {
    fn of(text: &str) -> Self {
        let mut letters = Self {
            all: Vec::new(),
            places: Vec::new(),
        };
        let mut at = 0;
        while let Some(first) = text[at..].chars().next() {
            let (meant, length) = escaped(&text[at..]).unwrap_or((Some(first), first.len_utf8()));
            let place = at..at + length;
            for letter in meant.into_iter().filter(|letter| letter.is_alphanumeric()) {
                for low in letter.to_lowercase() {
                    letters.all.push(low);
                    letters.places.push(place.clone());
                }
            }
            at += length;
        }
        letters
    }

    /// Whether a letter stands right before the one at `index`, or right after it.
    fn touches(&self, index: usize, before: bool) -> bool {
        let other = if before { index.checked_sub(1) } else { Some(index + 1) };
        let Some(other) = other.and_then(|other| self.places.get(other)) else {
            return false;
        };
        let own = &self.places[index];
        if before {
            other.end == own.start
        } else {
            own.end == other.start
        }
    }
}

/// The character that an escape stands for, if it stands for one, and the bytes that it takes.
fn escaped(text: &str) -> Option<(Option<char>, usize)> {
    let bytes = text.as_bytes();
    match bytes.first()? {
        b'\\' => {
            let slashes = bytes.iter().take_while(|byte| **byte == b'\\').count();
            match bytes.get(slashes) {
                Some(b'u' | b'U') => {
                    let digits = text.get(slashes + 1..slashes + 5)?;
                    let code = u32::from_str_radix(digits, 16).ok()?;
                    Some((char::from_u32(code), slashes + 5))
                }
                Some(b'n' | b'r' | b't') => Some((None, slashes + 1)),
                _ => Some((None, slashes)),
            }
        }
        b'%' => {
            let mut decoded = Vec::new();
            let mut length = 0;
            while let Some(digits) = text[length..].strip_prefix('%').and_then(|rest| rest.get(..2)) {
                decoded.push(u8::from_str_radix(digits, 16).ok()?);
                length += 3;
                if let Ok(character) = std::str::from_utf8(&decoded) {
                    return Some((character.chars().next(), length));
                }
                if decoded.len() == 4 {
                    return None;
                }
            }
            None
        }
        b'&' => {
            let end = text.bytes().take(10).position(|byte| byte == b';')?;
            let name = &text[1..end];
            let code = match name.strip_prefix('#') {
                Some(number) => match number.strip_prefix(['x', 'X']) {
                    Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                    None => number.parse().ok()?,
                },
                None if matches!(name, "amp" | "lt" | "gt" | "quot" | "apos" | "nbsp") => 0,
                None => return None,
            };
            Some((char::from_u32(code), end + 1))
        }
        _ => None,
    }
}

/// What is not to be repeated.
pub(super) struct Echoes {
    wholes: Vec<Vec<char>>,
}

impl Echoes {
    pub(super) fn of<'a>(texts: impl Iterator<Item = &'a str>) -> Self {
        let wholes = texts
            .map(|text| Letters::of(text).all)
            .filter(|letters| letters.len() >= WHOLE_LETTERS)
            .collect();
        Self { wholes }
    }

    /// Marks every run of letters that is in a whole too. The runs of what a provider says are gathered, not the wholes':
    /// only it is bounded.
    fn mark_runs(&self, letters: &Letters, is_echo: &mut [bool]) {
        let said: HashSet<&[char]> = letters.all.windows(RUN_LETTERS).collect();
        if said.is_empty() {
            return;
        }
        let written = self.wholes.iter().flat_map(|whole| whole.windows(RUN_LETTERS));
        let repeated: HashSet<&[char]> = written.filter(|run| said.contains(run)).collect();
        for (start, run) in letters.all.windows(RUN_LETTERS).enumerate() {
            if repeated.contains(run) {
                is_echo[start..start + RUN_LETTERS].fill(true);
            }
        }
    }

    /// The text with every echo replaced.
    pub(super) fn replace(&self, text: &str, by: &str) -> String {
        if self.wholes.is_empty() {
            return text.to_owned();
        }
        let letters = Letters::of(text);
        let mut is_echo = vec![false; letters.all.len()];
        self.mark_runs(&letters, &mut is_echo);
        for whole in &self.wholes {
            if whole.len() < RUN_LETTERS {
                for (start, window) in letters.all.windows(whole.len()).enumerate() {
                    let end = start + whole.len() - 1;
                    if window == whole && !letters.touches(start, true) && !letters.touches(end, false) {
                        is_echo[start..=end].fill(true);
                    }
                }
            }
            mark_cut(text, &letters, whole, &mut is_echo);
        }
        let mut cleaned = String::with_capacity(text.len());
        let mut from = 0;
        let mut index = 0;
        while index < is_echo.len() {
            if !is_echo[index] {
                index += 1;
                continue;
            }
            let start = letters.places[index].start;
            while is_echo.get(index + 1) == Some(&true) {
                index += 1;
            }
            cleaned.push_str(text.get(from..start).unwrap_or_default());
            cleaned.push_str(by);
            from = letters.places[index].end;
            index += 1;
        }
        cleaned.push_str(&text[from..]);
        cleaned
    }
}

/// Marks the beginning of a text that breaks off in dots.
fn mark_cut(text: &str, letters: &Letters, whole: &[char], is_echo: &mut [bool]) {
    for (dots, _) in text.match_indices("...").chain(text.match_indices('\u{2026}')) {
        let end = letters.places.partition_point(|place| place.end <= dots);
        let most = end.min(whole.len());
        let longest = (CUT_LETTERS..=most)
            .rev()
            .find(|length| letters.all[end - length..end] == whole[..*length]);
        if let Some(length) = longest {
            is_echo[end - length..end].fill(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROMPT: &str = "A lonely \"Lighthouse\"\nover the caf\u{e9}, at dusk & storm";

    fn cleaned(text: &str) -> String {
        Echoes::of([PROMPT, "A Fox"].into_iter()).replace(text, "[prompt]")
    }

    #[test]
    fn a_prompt_is_found_in_every_form() {
        for (text, right) in [
            (
                "bad: a lonely \"lighthouse\" OVER THE CAF\u{c9}, at dusk & storm!",
                "bad: [prompt]!",
            ),
            (
                r#"{"x":"A lonely \"Lighthouse\"\nover the caf\u00e9, at dusk & storm"}"#,
                r#"{"x":"[prompt]"}"#,
            ),
            (
                r#""{\"x\":\"A lonely \\\"Lighthouse\\\"\\nover the caf\\u00e9, at dusk & storm\"}""#,
                r#""{\"x\":\"[prompt]\"}""#,
            ),
            (
                "q=A%20lonely%20%22Lighthouse%22%0Aover+the+caf%C3%A9%2C+at+dusk+%26+storm&z=1",
                "q=[prompt]&z=1",
            ),
            (
                "A lonely &quot;Lighthouse&#34;  over the caf&#xe9;, at dusk &amp; storm.",
                "[prompt].",
            ),
            (
                "the words 'lighthouse over the' are not allowed",
                "the words '[prompt]' are not allowed",
            ),
            (
                "prompt 'A lonel...' is not allowed",
                "prompt '[prompt]...' is not allowed",
            ),
            ("prompt 'A lone\u{2026}'", "prompt '[prompt]\u{2026}'"),
            ("no  A FOX  here", "no  [prompt]  here"),
            ("no alfa foxes here", "no alfa foxes here"),
            (
                "prompt must have at most 500 characters",
                "prompt must have at most 500 characters",
            ),
        ] {
            assert_eq!(cleaned(text), right, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,80}", prompt in ".{0,40}") {
            let echoes = Echoes::of(std::iter::once(prompt.as_str()));
            let cleaned = echoes.replace(&text, "[prompt]");
            prop_assert!(cleaned.chars().count() <= text.chars().count() + 8 * text.chars().count());
        }

        #[test]
        fn escapes_of_any_kind_are_read(text in r"[\\u0-9a-f%&#;x.\u{e9}]{0,40}") {
            Echoes::of(["abcdef0123456789"].into_iter()).replace(&text, "");
        }
    }
}
