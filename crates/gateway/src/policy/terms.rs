//! Terms that no prompt may hold: found as whole words, in any case and any of Unicode's spellings.

use std::collections::HashMap;

use crate::words::words;

/// A list of terms, each of one word or several in a row.
#[derive(Debug, Default)]
pub struct Terms {
    terms: Vec<Term>,
    /// Their places, by their first words.
    by_first: HashMap<String, Vec<usize>>,
}

#[derive(Debug)]
struct Term {
    text: String,
    words: Vec<String>,
}

impl Terms {
    /// The terms of a list. One without a word is never found.
    #[must_use]
    pub fn new(list: &[String]) -> Self {
        let mut own = Self::default();
        for text in list {
            let words = words(text);
            let Some(first) = words.first() else { continue };
            own.by_first.entry(first.clone()).or_default().push(own.terms.len());
            own.terms.push(Term {
                text: text.clone(),
                words,
            });
        }
        own
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// The first term that a text holds, as it stands in the list.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<&str> {
        if self.is_empty() {
            return None;
        }
        let words = words(text);
        (0..words.len()).find_map(|start| {
            let rest = &words[start..];
            let mut places = self.by_first.get(rest.first()?)?.iter();
            let place = places.find(|place| rest.starts_with(&self.terms[**place].words))?;
            Some(self.terms[*place].text.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(terms: &[&str], text: &str) -> Option<String> {
        let list: Vec<String> = terms.iter().map(|term| (*term).to_owned()).collect();
        Terms::new(&list).find(text).map(ToOwned::to_owned)
    }

    #[test]
    fn terms_are_whole_words_in_any_case_and_spelling() {
        for (term, text) in [
            ("gun", "A GUN on a table"),
            ("gun", "gun"),
            ("Gun", "(gun)"),
            ("gun", "a ｇｕｎ"),
            ("gun", "a gu\u{ad}n, hidden"),
            ("straße", "STRASSE bei Nacht"),
            ("ΣΟΦΟΣ", "σοφος"),
            ("café", "a cafe\u{301} in Paris"),
            ("office", "an oﬃce"),
            ("red kite", "the Red\n  KITE flies"),
            ("red kite", "red-kite"),
            ("血", "一滴血落下"),
            ("流血", "他在流血。"),
        ] {
            assert_eq!(found(&[term], text).as_deref(), Some(term), "{text}");
        }
    }

    #[test]
    fn parts_of_words_and_other_words_are_not_found() {
        for (term, text) in [
            ("gun", "a gunwale, begun"),
            ("red kite", "a kite, red"),
            ("red kite", "red and a kite"),
            ("cafe", "a café"),
            ("流血", "流了血"),
            ("gun", ""),
        ] {
            assert_eq!(found(&[term], text), None, "{text}");
        }
        assert_eq!(found(&[], "anything"), None);
        assert_eq!(found(&["...", "gun"], "... a gun"), Some("gun".to_owned()));
        assert_eq!(
            found(&["red", "red kite"], "a red kite"),
            Some("red".to_owned()),
            "the first in the list"
        );
    }
}
