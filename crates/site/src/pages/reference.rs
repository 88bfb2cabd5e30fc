//! The reference of the API, made of its OpenAPI document.

mod schema;

use std::fmt::Write as _;

use super::docs::navigation;
use super::model::MEANINGS;
use crate::frame::{Page, Section};
use crate::highlight::Language;
use crate::html::{Html, code, escape, hand_box};
use crate::markdown::inline;
use crate::openapi::{Operation, Reference};
use crate::samples::{LANGUAGES, Sample};
use crate::words;

pub use schema::markdown;

/// The page of one operation. `sample` calls it where a model is called.
#[must_use]
pub fn page(
    reference: &Reference,
    operation: &Operation,
    (sample, address): (Option<&Sample>, &str),
    codes: &[ErrorCode],
) -> Page {
    let own = operation.path_of_page();
    let group = reference
        .groups()
        .into_iter()
        .find(|(_, operations)| operations.iter().any(|other| other.id == operation.id))
        .map_or("", |(name, _)| name);
    let also = if operation.path.starts_with("/openai/v1") {
        " <span class=\"hint\">also under /v1</span>"
    } else {
        ""
    };
    let mut article = format!(
        "<p class=\"kicker\">{group}</p><h1>{}</h1><p class=\"lede\">{}</p>\n<p class=\"path\"><span class=\"method\">{}</span> <code>{}</code>{also}</p>\n",
        escape(&operation.title()),
        inline(&operation.summary),
        operation.method,
        escape(&operation.path),
    );
    schema::body(&mut article, reference, &operation.content);
    schema::parameters(&mut article, &operation.content);
    schema::answers(&mut article, reference, &operation.content);
    let refuses = |answers: &serde_json::Map<String, serde_json::Value>| answers.contains_key("401");
    if operation.content["responses"].as_object().is_some_and(refuses) {
        article.push_str(&errors(codes));
    }
    article.push_str(&neighbors(reference, operation));
    let main = format!(
        "<div class=\"docs wrap\">\n{}\n<article class=\"d-main\">\n{article}</article>\n<aside class=\"d-side\" aria-label=\"Example\"><div class=\"stick\">{}</div></aside>\n</div>",
        navigation(reference, &own),
        example(operation, sample, address)
    );
    Page {
        description: format!("{} {}: {}", operation.method, operation.path, operation.summary),
        class: "p-docs",
        twin: Some(format!("{own}.md")),
        ..Page::new(
            Section::Docs,
            own,
            format!("{}: API reference", operation.title()),
            Html(main),
        )
    }
}

/// What the badges mean, folded.
fn badges() -> String {
    let mut rows = String::new();
    for (handling, meaning) in MEANINGS {
        let _ = write!(
            rows,
            "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
            hand_box(handling),
            words::capital(meaning)
        );
    }
    format!(
        "<details class=\"more\"><summary>What the badges mean</summary><table class=\"fit\"><tbody>{rows}</tbody></table></details>\n"
    )
}

/// A code of errors, as the reference tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorCode {
    /// Its name.
    pub name: &'static str,
    /// The status that it comes with.
    pub status: u16,
    /// When it comes.
    pub when: &'static str,
    /// Whether it is worth asking again.
    pub again: &'static str,
}

fn errors(codes: &[ErrorCode]) -> String {
    let mut rows = String::new();
    for code in codes {
        let ErrorCode {
            name,
            status,
            when,
            again,
        } = code;
        let _ = writeln!(
            rows,
            "<tr><th scope=\"row\"><code>{name}</code></th><td class=\"n\">{status}</td><td>{when}</td><td>{again}</td></tr>"
        );
    }
    format!(
        "<section class=\"sec\" aria-labelledby=\"d-e\"><header><h2 id=\"d-e\">Errors</h2><p><a href=\"/docs/errors\">More on errors</a></p></header><p class=\"prose\"><code>{{\"error\": {{\"message\", \"type\", \"param\", \"code\"}}}}</code>. Where something was or may have been spent, <code>x-should-retry</code> is <code>false</code>.</p>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table of errors\"><table><thead><tr><th scope=\"col\">Code</th><th scope=\"col\" class=\"n\">Status</th><th scope=\"col\">When</th><th scope=\"col\">Try again</th></tr></thead><tbody>{rows}</tbody></table></div></section>\n"
    )
}

fn neighbors(reference: &Reference, operation: &Operation) -> String {
    let all = reference.all();
    let Some(place) = all.iter().position(|other| other.id == operation.id) else {
        return String::new();
    };
    let link = |word: &str, other: Option<&&Operation>| {
        other.map_or_else(
            || "<span></span>".to_owned(),
            |other| {
                format!(
                    "<a href=\"{}\"><span class=\"hint\">{word}</span>{}</a>",
                    other.path_of_page(),
                    escape(&other.title())
                )
            },
        )
    };
    format!(
        "<nav class=\"pn\" aria-label=\"Neighbors\">{}{}</nav>",
        link("Before", place.checked_sub(1).and_then(|before| all.get(before))),
        link("Next", all.get(place + 1))
    )
}

/// The call in every language, or as a command.
fn example(operation: &Operation, sample: Option<&Sample>, address: &str) -> String {
    if let Some(sample) = sample {
        let (mut bar, mut panes) = (String::new(), String::new());
        for (place, (value, name, language)) in LANGUAGES.into_iter().enumerate() {
            let checked = if place == 0 { " checked" } else { "" };
            let _ = write!(
                bar,
                "<label><input type=\"radio\" name=\"lang-d\" value=\"{value}\"{checked}>{name}</label>"
            );
            let _ = write!(
                panes,
                "<div class=\"pane\">{}</div>",
                code(language, &format!("Request in {name}"), &sample.text(value, address))
            );
        }
        return format!(
            "<div class=\"tabs\"><div class=\"bar\" role=\"radiogroup\" aria-label=\"Language\">{bar}</div>{panes}</div>"
        );
    }
    code(Language::Shell, "Request in cURL", &operation.command(address)).0
}
