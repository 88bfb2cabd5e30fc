//! The guides, and the list of them.

use std::fmt::Write as _;

use crate::frame::{Page, Section};
use crate::guides::{self, Guide};
use crate::html::{Html, escape};
use crate::markdown::document;
use crate::openapi::Reference;

/// The navigation beside every page of the documentation. `current` is the path of the page.
#[must_use]
pub(crate) fn navigation(reference: &Reference, current: &str) -> String {
    let mut out = String::from(
        "<nav class=\"d-nav\" aria-label=\"Documentation\"><details class=\"fold\" open><summary>Documentation</summary>\n",
    );
    let link = |path: &str, mark: &str, name: &str| {
        let here = if path == current { " aria-current=\"page\"" } else { "" };
        format!("<li><a href=\"{path}\"{here}>{mark}{}</a></li>", escape(name))
    };
    for group in guides::groups() {
        let _ = write!(out, "<p class=\"h4\">{}</p><ul>", escape(&group.name));
        for guide in &group.guides {
            out.push_str(&link(&path(guide), "", &guide.read.title));
        }
        out.push_str("</ul>");
    }
    for (name, operations) in reference.groups() {
        let _ = write!(out, "<p class=\"h4\">{name}</p><ul>");
        for operation in operations {
            let mark = format!("<span class=\"mt\">{}</span>", operation.short_method());
            out.push_str(&link(&operation.path_of_page(), &mark, &operation.title()));
        }
        out.push_str("</ul>");
    }
    out.push_str("</details></nav>");
    out
}

/// The path of a guide.
#[must_use]
pub fn path(guide: &Guide) -> String {
    format!("/docs/{}", guide.slug)
}

/// `/docs`.
#[must_use]
pub fn index(reference: &Reference) -> Page {
    let mut out = String::from(
        "<div class=\"wrap\"><header class=\"pagehead split\"><h1>Documentation</h1><p class=\"lede\">Guides, and the reference of the API. Each page is there as Markdown too: add .md to its path.</p></header>\n<form class=\"bigsearch\" action=\"/search\" role=\"search\" aria-label=\"Search the documentation\"><label class=\"sr\" for=\"dq\">Search models and docs</label><input id=\"dq\" name=\"q\" type=\"search\" placeholder=\"Search the documentation\"><button class=\"btn main big\" type=\"submit\">Search</button></form>\n<div class=\"sec doc-groups\">\n",
    );
    for group in guides::groups() {
        let _ = write!(out, "<section><h2>{}</h2><ul role=\"list\">", escape(&group.name));
        for guide in &group.guides {
            let _ = write!(
                out,
                "<li><a href=\"{}\">{}</a></li>",
                path(guide),
                escape(&guide.read.title)
            );
        }
        out.push_str("</ul></section>\n");
    }
    out.push_str("<section><h2>API reference</h2><ul role=\"list\">");
    for (_, operations) in reference.groups() {
        for operation in operations {
            let _ = write!(
                out,
                "<li><a href=\"{}\"><span class=\"mono small dimmer\">{}</span> {}</a></li>",
                operation.path_of_page(),
                operation.short_method(),
                escape(&operation.title())
            );
        }
    }
    out.push_str("</ul></section>\n</div></div>");
    Page {
        description: "Guides of Pictor and the reference of its API.".to_owned(),
        class: "p-docs",
        twin: Some("/llms.txt".to_owned()),
        ..Page::new(Section::Docs, "/docs", "Documentation", Html(out))
    }
}

/// One guide, with the reader's own address in its samples.
#[must_use]
pub fn guide(guide: &Guide, reference: &Reference, address: &str) -> Page {
    let read = document(guide.text, address);
    let own = path(guide);
    let sections: String = read
        .sections
        .iter()
        .map(|(id, text)| format!("<li><a href=\"#{id}\">{}</a></li>", escape(text)))
        .collect();
    let aside = if sections.is_empty() {
        String::new()
    } else {
        format!(
            "<aside class=\"d-side\" aria-label=\"On this page\"><div class=\"stick\"><nav aria-label=\"Sections\"><h2 class=\"h4\">On this page</h2><ul role=\"list\" class=\"small\">{sections}</ul></nav><p class=\"hint\"><a href=\"{own}.md\">This page as Markdown</a></p></div></aside>"
        )
    };
    let main = format!(
        "<div class=\"docs wrap\">\n{}\n<article class=\"d-main\">\n<p class=\"kicker\">{}</p><h1>{}</h1>\n<div class=\"prose stack\">{}</div>\n{}</article>\n{aside}\n</div>",
        navigation(reference, &own),
        escape(group_of(guide)),
        escape(&read.title),
        read.body,
        neighbors(guide)
    );
    Page {
        description: read.description.clone(),
        class: "p-docs",
        twin: Some(format!("{own}.md")),
        ..Page::new(Section::Docs, own, read.title, Html(main))
    }
}

fn group_of(guide: &Guide) -> &'static str {
    let group = guides::groups()
        .iter()
        .find(|group| group.guides.iter().any(|own| own.slug == guide.slug));
    group.map_or("", |group| group.name.as_str())
}

fn neighbors(guide: &Guide) -> String {
    let all: Vec<&Guide> = guides::all().collect();
    let Some(place) = all.iter().position(|own| own.slug == guide.slug) else {
        return String::new();
    };
    let link = |word: &str, other: Option<&&Guide>| {
        other.map_or_else(
            || "<span></span>".to_owned(),
            |other| {
                format!(
                    "<a href=\"{}\"><span class=\"hint\">{word}</span>{}</a>",
                    path(other),
                    escape(&other.read.title)
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
