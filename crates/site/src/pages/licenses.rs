//! What is shipped, and under which licenses.

use std::fmt::Write as _;

use crate::frame::{Page, Section};
use crate::highlight::Language;
use crate::html::{Html, escape, output};
use crate::words;

include!(concat!(env!("OUT_DIR"), "/crates.rs"));

const FONTS: &str = include_str!("../../assets/licenses/fonts.txt");
const OFL: &str = include_str!("../../assets/licenses/OFL-1.1.txt");
const LUCIDE: &str = include_str!("../../assets/licenses/lucide.txt");
const OWN: &str = include_str!("../../../../LICENSE");

/// The page.
#[must_use]
pub fn page() -> Page {
    let mut out = String::from(
        "<div class=\"wrap\"><header class=\"pagehead split\"><h1>Licenses</h1><p class=\"lede\">Pictor is under the Apache License 2.0. It contains the work of others, listed here.</p></header>\n",
    );
    part(&mut out, "own", "Pictor", &[("Apache License 2.0", OWN)]);
    part(
        &mut out,
        "fonts",
        "Fonts",
        &[
            ("Which, and where they come from", FONTS),
            ("SIL Open Font License 1.1", OFL),
        ],
    );
    part(&mut out, "icons", "Icons", &[("Lucide and Feather", LUCIDE)]);
    let _ = write!(
        out,
        "<section class=\"sec\" aria-labelledby=\"l-crates\"><header><h2 id=\"l-crates\">Crates</h2><p>{}</p></header>",
        if CRATES.is_empty() {
            "This build could not list them; Cargo.lock does.".to_owned()
        } else {
            words::count(CRATES.len(), "crate")
        }
    );
    out.push_str("<ul class=\"crate-list\" role=\"list\">");
    for (name, version, license) in CRATES {
        let _ = writeln!(
            out,
            "<li><code>{}</code> {} <span class=\"hint\">{}</span></li>",
            escape(name),
            escape(version),
            escape(license)
        );
    }
    out.push_str("</ul></section></div>");
    Page {
        description: "Licenses of Pictor and of the fonts, icons and crates in it.".to_owned(),
        ..Page::new(Section::None, "/licenses", "Licenses", Html(out))
    }
}

fn part(out: &mut String, id: &str, title: &str, texts: &[(&str, &str)]) {
    let _ = write!(
        out,
        "<section class=\"sec\" aria-labelledby=\"l-{id}\"><h2 id=\"l-{id}\">{title}</h2>"
    );
    for (name, text) in texts {
        let _ = write!(
            out,
            "<details class=\"more\"><summary>{name}</summary>{}</details>",
            output(Language::Plain, name, text)
        );
    }
    out.push_str("</section>\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_listed_and_what_only_tests_use_is_not() {
        let has = |name: &str| {
            CRATES
                .iter()
                .any(|(own, _, license)| *own == name && !license.is_empty())
        };
        assert!(has("askama") && has("pulldown-cmark") && has("serde"), "{CRATES:?}");
        assert!(!has("proptest") && !has("ureq"), "{CRATES:?}");
    }
}
