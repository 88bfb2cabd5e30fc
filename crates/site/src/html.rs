//! Small parts of pages: what is escaped and what is markup, money, badges, code.

use std::fmt::{self, Write as _};

use planner::handling::Handling;
use planner::money::Micros;

pub use crate::escape::escape;

use crate::highlight::{Language, highlight};
use crate::words;

/// Markup that is put into a page as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Html(pub String);

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Html {}

/// An icon of the sprite.
#[must_use]
pub fn icon(name: &str) -> Html {
    Html(format!(
        r##"<svg class="i" aria-hidden="true"><use href="#{name}"/></svg>"##
    ))
}

/// A price or an estimate: a ring, dotted where it is nothing.
#[must_use]
pub fn money(price: Micros) -> Html {
    if price == Micros::ZERO {
        return Html(r#"<span class="money none">free</span>"#.to_owned());
    }
    Html(format!(
        r#"<span class="money">{}<span class="sr"> estimated</span></span>"#,
        words::price(price)
    ))
}

/// What happened, as a glyph and a word.
#[must_use]
pub fn status(kind: &str, text: &str) -> Html {
    let glyph = match kind {
        "ok" => "circle-check",
        "warn" => "triangle-alert",
        "fail" => "circle-x",
        "info" => "info",
        _ => "circle-minus",
    };
    Html(format!(
        r#"<span class="st {kind}">{}{}</span>"#,
        icon(glyph),
        escape(text)
    ))
}

/// How a parameter is handled; with the native name in the place of the word where there is one.
#[must_use]
pub fn hand(handling: Handling, native_name: Option<&str>) -> Html {
    let mark = icon(&format!("h-{handling}"));
    Html(match native_name.filter(|_| handling == Handling::Renamed) {
        Some(name) => format!(
            r#"<span class="hand {handling}">{mark}<span class="as">{}</span><span class="sr">, {handling}</span></span>"#,
            escape(name)
        ),
        None => format!(r#"<span class="hand {handling}">{mark}{handling}</span>"#),
    })
}

/// The same in a box, as legends and the reference show it.
#[must_use]
pub fn hand_box(handling: Handling) -> Html {
    let mark = icon(&format!("h-{handling}"));
    Html(format!(r#"<span class="hand {handling} box">{mark}{handling}</span>"#))
}

/// A block of code that can be copied. `label` names it for whoever cannot see it.
#[must_use]
pub fn code(language: Language, label: &str, text: &str) -> Html {
    block("code", "code", language, label, text)
}

/// A block of what a program answers.
#[must_use]
pub fn output(language: Language, label: &str, text: &str) -> Html {
    block("code out", "samp", language, label, text)
}

fn block(class: &str, element: &str, language: Language, label: &str, text: &str) -> Html {
    let text = text.trim_end_matches('\n');
    Html(format!(
        r##"<div class="{class}"><pre tabindex="0" role="region" aria-label="{}"><{element}>{}</{element}></pre><div class="act"><button class="btn sm bare" type="button" data-copy><svg class="i" aria-hidden="true"><use href="#copy"/></svg><span>Copy</span></button></div></div>"##,
        escape(label),
        highlight(language, text)
    ))
}

/// Values as tags of typed text.
#[must_use]
pub fn value_tags<'a>(values: impl IntoIterator<Item = &'a str>) -> Html {
    let mut out = String::new();
    for value in values {
        let _ = write!(out, r#"<li class="tag v">{}</li>"#, escape(value));
    }
    if out.is_empty() {
        return Html::default();
    }
    Html(format!(r#"<ul class="tags">{out}</ul>"#))
}

/// The page that a template makes.
pub(crate) fn rendered(template: &impl askama::Template) -> String {
    template.render().expect("writing to a string does not fail")
}

/// An attribute that makes a text safe as an id: letters, digits, `-`, `_` and `.`.
#[must_use]
pub fn slug(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for sign in text.to_lowercase().chars() {
        if sign.is_ascii_alphanumeric() || matches!(sign, '_' | '.') {
            out.push(sign);
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_matches('-').to_owned()
}
