//! Search over models, guides and the reference.

use std::fmt::Write as _;

use crate::card::Card;
use crate::frame::{Page, Section};
use crate::guides;
use crate::html::{Html, escape};
use crate::openapi::Reference;
use crate::pages::docs;
use crate::words;

/// Most models and most pages that one search shows.
const HITS_MAX: usize = 20;
/// Letters around a word that was found.
const AROUND_CHARS: usize = 90;

struct Hit {
    path: String,
    title: String,
    text: String,
    /// How well it fits; more is better.
    weight: usize,
}

/// The page.
#[must_use]
pub fn page(query: &str, cards: &[Card], reference: &Reference) -> Page {
    let words: Vec<String> = query
        .to_lowercase()
        .split_whitespace()
        .take(8)
        .map(ToOwned::to_owned)
        .collect();
    let mut out = format!(
        "<div class=\"wrap\"><header class=\"pagehead\"><h1>Search</h1></header>\n<form class=\"bigsearch\" action=\"/search\" aria-label=\"Search\"><label class=\"sr\" for=\"sq\">Search models and docs, by words</label><input id=\"sq\" name=\"q\" type=\"search\" value=\"{}\" placeholder=\"A model, a parameter, an error…\"><button class=\"btn main big\" type=\"submit\">Search</button></form>\n",
        escape(query)
    );
    if !words.is_empty() {
        let models = models(&words, cards);
        let pages = pages(&words, reference);
        if models.is_empty() && pages.is_empty() {
            out.push_str("<div class=\"state under\"><p class=\"h2\">Nothing was found</p><p>No model and no page has all of these words. Fewer words find more.</p><a class=\"btn\" href=\"/docs\">All pages</a></div>");
        }
        section(&mut out, "Models", "s-m", &models);
        section(&mut out, "Documentation", "s-d", &pages);
    }
    out.push_str("</div>");
    Page {
        search: query.to_owned(),
        description: "Search over the models and the documentation of this installation.".to_owned(),
        ..Page::new(Section::None, "/search", "Search", Html(out))
    }
}

fn section(out: &mut String, title: &str, id: &str, hits: &[Hit]) {
    if hits.is_empty() {
        return;
    }
    let _ = write!(
        out,
        "<section class=\"sec\" aria-labelledby=\"{id}\"><header><h2 id=\"{id}\">{title}</h2><p>{}</p></header><ul class=\"hits\" role=\"list\">",
        words::count(hits.len(), "hit")
    );
    for hit in hits {
        let _ = writeln!(
            out,
            "<li><h3><a href=\"{}\">{}</a></h3><p>{}</p></li>",
            hit.path,
            escape(&hit.title),
            hit.text
        );
    }
    out.push_str("</ul></section>");
}

fn best(mut hits: Vec<Hit>) -> Vec<Hit> {
    hits.sort_by_key(|hit| std::cmp::Reverse(hit.weight));
    hits.truncate(HITS_MAX);
    hits
}

fn models(words: &[String], cards: &[Card]) -> Vec<Hit> {
    let fits = cards
        .iter()
        .filter(|card| words.iter().all(|word| card.text.contains(word.as_str())));
    let hits = fits.map(|card| {
        let name = card.name.to_lowercase();
        Hit {
            path: card.path(),
            title: card.name.clone(),
            text: format!("{}. {}", escape(&card.creator_name), escape(&card.makes)),
            weight: words
                .iter()
                .filter(|word| name.contains(word.as_str()) || card.id.contains(word.as_str()))
                .count(),
        }
    });
    best(hits.collect())
}

fn pages(words: &[String], reference: &Reference) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut take = |path: String, title: &str, text: &str| {
        let (small_title, small) = (title.to_lowercase(), text.to_lowercase());
        if !words
            .iter()
            .all(|word| small.contains(word.as_str()) || small_title.contains(word.as_str()))
        {
            return;
        }
        let in_title = words.iter().filter(|word| small_title.contains(word.as_str())).count();
        let often: usize = words
            .iter()
            .map(|word| small.matches(word.as_str()).count().min(10))
            .sum();
        hits.push(Hit {
            path,
            title: title.to_owned(),
            text: excerpt(text, words),
            weight: in_title * 100 + often,
        });
    };
    for guide in guides::all() {
        take(docs::path(guide), &guide.read.title, &guide.read.text);
    }
    for operation in reference.all() {
        let text = format!(
            "{} {} {} {}",
            operation.method,
            operation.path,
            operation.summary,
            reference.words(operation)
        );
        take(operation.path_of_page(), &operation.title(), &text);
    }
    best(hits)
}

/// The text around the first word that was found, the words marked.
fn excerpt(text: &str, words: &[String]) -> String {
    let letters: Vec<char> = text.chars().collect();
    let small: Vec<char> = letters
        .iter()
        .map(|letter| letter.to_lowercase().next().unwrap_or(*letter))
        .collect();
    let find = |word: &str| {
        let word: Vec<char> = word.chars().collect();
        small.windows(word.len().max(1)).position(|window| window == word)
    };
    let at = words.iter().filter_map(|word| find(word)).min().unwrap_or(0);
    let from = at.saturating_sub(AROUND_CHARS);
    let to = (at + 2 * AROUND_CHARS).min(letters.len());
    let mut out = String::new();
    if from > 0 {
        out.push('…');
    }
    let mut place = from;
    while place < to {
        let hit = words
            .iter()
            .map(|word| word.chars().collect::<Vec<char>>())
            .find(|word| !word.is_empty() && place + word.len() <= to && small[place..place + word.len()] == word[..]);
        match hit {
            Some(word) => {
                let found: String = letters[place..place + word.len()].iter().collect();
                let _ = write!(out, "<mark>{}</mark>", escape(&found));
                place += word.len();
            }
            None => {
                out.push_str(&escape(&letters[place].to_string()));
                place += 1;
            }
        }
    }
    if to < letters.len() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_marks_the_words_and_escapes_the_rest() {
        let words = vec!["hold".to_owned()];
        let found = excerpt("Money is <b>HOLD</b> before the call.", &words);
        assert_eq!(found, "Money is &lt;b&gt;<mark>HOLD</mark>&lt;/b&gt; before the call.");
    }
}
