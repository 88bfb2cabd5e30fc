//! Markdown of the guides and of the catalogue's prose as HTML.

use std::collections::HashMap;

use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use crate::highlight::Language;
use crate::html::{Html, code, slug};

/// A text of the guides, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its first heading.
    pub title: String,
    /// Its first paragraph, without marks.
    pub description: String,
    /// What follows both.
    pub body: Html,
    /// Headings of the second level: id and text.
    pub sections: Vec<(String, String)>,
    /// Every word of it, for the search.
    pub text: String,
}

const fn options() -> Options {
    Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH)
}

/// One line of prose: emphasis, code and links, no paragraphs.
#[must_use]
pub fn inline(text: &str) -> Html {
    let events = Parser::new_ext(text, options()).filter_map(|event| match event {
        Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph) => None,
        Event::Start(Tag::Strong) => Some(Event::InlineHtml("<b>".into())),
        Event::End(TagEnd::Strong) => Some(Event::InlineHtml("</b>".into())),
        Event::Html(raw) | Event::InlineHtml(raw) => Some(Event::Text(raw)),
        event => Some(event),
    });
    Html(written(events))
}

/// A line of prose without its marks.
#[must_use]
pub fn plain(text: &str) -> String {
    let mut out = String::new();
    for event in Parser::new_ext(text, options()) {
        match event {
            Event::Text(text) | Event::Code(text) => out.push_str(&text),
            Event::SoftBreak | Event::HardBreak => out.push(' '),
            _ => {}
        }
    }
    out
}

fn written<'a>(events: impl Iterator<Item = Event<'a>>) -> String {
    let mut out = String::new();
    html::push_html(&mut out, events.map(relinked));
    out.trim().to_owned()
}

/// A guide. `address` takes the place of the address that guides name as an example.
#[must_use]
pub fn document(text: &str, address: &str) -> Document {
    let text = text.replace(EXAMPLE_ADDRESS, address);
    let events: Vec<Event<'_>> = Parser::new_ext(&text, options()).collect();
    let mut reader = Reader::default();
    let mut body = Vec::new();
    let mut place = 0;
    while place < events.len() {
        place = reader.take(&events, place, &mut body);
    }
    Document {
        title: reader.title.unwrap_or_default(),
        description: reader.description.unwrap_or_default(),
        body: Html(written(body.into_iter())),
        sections: reader.sections,
        text: reader.text,
    }
}

/// The address that guides name, which becomes the reader's own.
pub const EXAMPLE_ADDRESS: &str = "http://127.0.0.1:8484";

#[derive(Default)]
struct Reader {
    title: Option<String>,
    description: Option<String>,
    sections: Vec<(String, String)>,
    used: HashMap<String, usize>,
    /// Blocks of code and tables so far: each has a name of its own for whoever cannot see it.
    blocks: usize,
    tables: usize,
    text: String,
}

impl Reader {
    /// Takes what begins at `place`, and tells where the next begins.
    fn take<'a>(&mut self, events: &[Event<'a>], place: usize, body: &mut Vec<Event<'a>>) -> usize {
        match &events[place] {
            Event::Start(Tag::Heading { level, .. }) => {
                let end = end_of(events, place);
                self.heading(*level, &events[place + 1..end], body);
                end + 1
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let end = end_of(events, place);
                let text = words(&events[place..end]);
                self.say(&text);
                self.blocks += 1;
                body.push(Event::Html(CowStr::from(block(kind, &text, self.blocks).0)));
                end + 1
            }
            Event::Start(Tag::Paragraph) if self.description.is_none() => {
                let end = end_of(events, place);
                let text = words(&events[place..end]);
                self.say(&text);
                let lede = format!(
                    "<p class=\"lede\">{}</p>",
                    written(events[place + 1..end].iter().cloned())
                );
                self.description = Some(text);
                body.push(Event::Html(CowStr::from(lede)));
                end + 1
            }
            // Tables scroll by themselves where a page is narrow.
            Event::Start(Tag::Table(_)) => {
                self.tables += 1;
                let open = format!(
                    r#"<div class="scroll" tabindex="0" role="region" aria-label="Table {}">"#,
                    self.tables
                );
                body.push(Event::Html(CowStr::from(open)));
                body.push(events[place].clone());
                place + 1
            }
            Event::End(TagEnd::Table) => {
                body.push(events[place].clone());
                body.push(Event::Html("</div>".into()));
                place + 1
            }
            event => {
                if let Event::Text(text) | Event::Code(text) = event {
                    self.say(text);
                }
                body.push(event.clone());
                place + 1
            }
        }
    }

    fn say(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push(' ');
    }

    fn heading<'a>(&mut self, level: HeadingLevel, inside: &[Event<'a>], body: &mut Vec<Event<'a>>) {
        let text = words(inside);
        self.say(&text);
        if level == HeadingLevel::H1 && self.title.is_none() {
            self.title = Some(text);
            return;
        }
        let mut id = slug(&text);
        let times = self.used.entry(id.clone()).or_insert(0);
        *times += 1;
        if *times > 1 {
            id = format!("{id}-{times}");
        }
        let inner = written(inside.iter().cloned());
        let (name, level) = if level <= HeadingLevel::H2 {
            self.sections.push((id.clone(), text));
            ("h2", HeadingLevel::H2)
        } else {
            ("h3", level)
        };
        let class = if level == HeadingLevel::H2 { "" } else { " class=\"h3\"" };
        let html = format!("<{name} id=\"{id}\"{class}><a class=\"anchor\" href=\"#{id}\">{inner}</a></{name}>");
        body.push(Event::Html(CowStr::from(html)));
    }
}

/// Where what begins at `place` ends.
fn end_of(events: &[Event<'_>], place: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, event) in events[place..].iter().enumerate() {
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return place + offset;
        }
    }
    events.len() - 1
}

fn words(events: &[Event<'_>]) -> String {
    let mut out = String::new();
    for event in events {
        match event {
            Event::Text(text) | Event::Code(text) => out.push_str(text),
            Event::SoftBreak | Event::HardBreak => out.push(' '),
            _ => {}
        }
    }
    out
}

fn block(kind: &CodeBlockKind<'_>, text: &str, number: usize) -> Html {
    let info = match kind {
        CodeBlockKind::Fenced(info) => info.as_ref(),
        CodeBlockKind::Indented => "",
    };
    let language = Language::of_fence(info);
    let label = match language {
        Language::Plain => format!("Sample {number}"),
        known => format!("Sample {number} in {}", known.name()),
    };
    code(language, &label, text)
}

/// Guides name each other by their files, so that they can be read in a repository too.
fn relinked(event: Event<'_>) -> Event<'_> {
    let Event::Start(Tag::Link { dest_url, .. }) = &event else {
        return event;
    };
    let (path, fragment) = match dest_url.split_once('#') {
        Some((path, fragment)) => (path, format!("#{fragment}")),
        None => (dest_url.as_ref(), String::new()),
    };
    let Some(guide) = path.strip_suffix(".md").filter(|_| !path.contains("://")) else {
        return event;
    };
    let name = guide.rsplit('/').next().unwrap_or(guide);
    let href = format!("/docs/{name}{fragment}");
    match event {
        Event::Start(Tag::Link {
            link_type, title, id, ..
        }) => Event::Start(Tag::Link {
            link_type,
            dest_url: href.into(),
            title,
            id,
        }),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guide_is_title_description_and_body() {
        let text = "# Errors\n\nEvery *error* has one shape.\n\n## Codes\n\nSee [money](money.md#holds).\n\n```sh\ncurl http://127.0.0.1:8484/healthz\n```\n\n## Codes\n\n| a | b |\n|---|---|\n| 1 | 2 |\n";
        let read = document(text, "https://images.example.com");
        assert_eq!(
            (read.title.as_str(), read.description.as_str()),
            ("Errors", "Every error has one shape.")
        );
        assert_eq!(read.sections[0], ("codes".to_owned(), "Codes".to_owned()));
        assert_eq!(read.sections[1].0, "codes-2");
        let html = &read.body.0;
        assert!(html.starts_with("<p class=\"lede\">Every <em>error</em>"), "{html}");
        assert!(html.contains("href=\"/docs/money#holds\""), "{html}");
        assert!(
            html.contains("https://images.example.com/healthz") && !html.contains("127.0.0.1"),
            "{html}"
        );
        assert!(html.contains("<div class=\"scroll\""), "{html}");
        assert!(read.text.contains("curl"), "{}", read.text);
    }

    #[test]
    fn prose_of_the_catalogue_has_no_paragraphs_and_no_markup_of_its_own() {
        assert_eq!(
            inline("**Fast.** With `auto` it <i>decides</i>.").0,
            "<b>Fast.</b> With <code>auto</code> it &lt;i&gt;decides&lt;/i&gt;."
        );
        assert_eq!(plain("**Fast.** With `auto`."), "Fast. With auto.");
    }
}
