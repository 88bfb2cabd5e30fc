//! What every page has around it: head, header, strip of the sandbox, footer.

use askama::Template;

use crate::assets::href;
use crate::html::{Html, rendered};
use crate::icons::sprite;

/// Who looks, and at what installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The installation's own address, without a slash at its end.
    pub address: String,
    /// The theme that the reader chose.
    pub theme: Option<Theme>,
    /// Whether every provider is played by the sandbox.
    pub sandbox: bool,
    /// Whether the reader signed in to the desk.
    pub is_signed_in: bool,
    /// The program's version.
    pub version: &'static str,
}

/// A color theme that was chosen over the system's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark ink on light paper.
    Light,
    /// Light ink on dark paper.
    Dark,
}

impl Theme {
    /// The theme of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            _ => None,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The part of the site that a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// None of those in the header.
    None,
    /// `/models`.
    Models,
    /// `/playground`.
    Playground,
    /// `/arena`.
    Arena,
    /// `/leaderboard`.
    Leaderboard,
    /// `/gallery`.
    Gallery,
    /// `/docs`.
    Docs,
}

/// The parts of the site in the header: name, path.
const SECTIONS: [(Section, &str, &str); 6] = [
    (Section::Models, "Models", "/models"),
    (Section::Playground, "Playground", "/playground"),
    (Section::Arena, "Arena", "/arena"),
    (Section::Leaderboard, "Leaderboard", "/leaderboard"),
    (Section::Gallery, "Gallery", "/gallery"),
    (Section::Docs, "Docs", "/docs"),
];

/// One page, before what is around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Its title, without the name of the site.
    pub title: String,
    /// One or two sentences for search engines and previews.
    pub description: String,
    /// Its own path.
    pub path: String,
    /// Where it belongs.
    pub section: Section,
    /// Class of its body.
    pub class: &'static str,
    /// Scripts beyond that of every page.
    pub scripts: &'static [&'static str],
    /// The same as modules, which import others by `./name.js`.
    pub modules: &'static [&'static str],
    /// Path of a picture for link previews; absent: the drawing that stands for every page.
    pub picture: Option<String>,
    /// Path of the same as text for machines.
    pub twin: Option<String>,
    /// What stands in the field of the search.
    pub search: String,
    /// Everything between header and footer.
    pub main: Html,
}

impl Page {
    /// A page of a section, with nothing special about it.
    #[must_use]
    pub fn new(section: Section, path: impl Into<String>, title: impl Into<String>, main: Html) -> Self {
        Self {
            title: title.into(),
            description: String::new(),
            path: path.into(),
            section,
            class: "p-page",
            scripts: &[],
            modules: &[],
            picture: None,
            twin: None,
            search: String::new(),
            main,
        }
    }
}

/// The longer of two titles that search engines show whole.
#[must_use]
pub(crate) fn title(long: String, short: String) -> String {
    /// Letters that are shown, without the name of the site.
    const SHOWN_CHARS: usize = 60;
    if long.chars().count() <= SHOWN_CHARS {
        long
    } else {
        short
    }
}

/// Width and height of the drawing for link previews, in pixels: what most services show whole.
pub(crate) const PREVIEW_PX: (u32, u32) = (1_200, 630);

/// One entry of the navigation.
struct Entry {
    name: &'static str,
    path: &'static str,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "base.html", whitespace = "minimize")]
struct Base<'a> {
    page: &'a Page,
    visit: &'a Visit,
    theme: Option<&'static str>,
    theme_word: &'static str,
    nav: Vec<Entry>,
    sprite: Html,
    css: &'static str,
    mark: &'static str,
    preview: &'static str,
    preview_px: (u32, u32),
    scripts: Vec<&'static str>,
    modules: Vec<&'static str>,
    fonts: [&'static str; 2],
}

/// The whole page as HTML.
#[must_use]
pub fn whole(page: &Page, visit: &Visit) -> String {
    let nav = SECTIONS.into_iter().map(|(section, name, path)| Entry {
        name,
        path,
        is_current: section == page.section,
    });
    let scripts = std::iter::once("site.js").chain(page.scripts.iter().copied());
    // Those of the frame itself: it is the same on every page.
    const OWN: &str = r##"<use href="#mark"/><use href="#search"/><use href="#sun-moon"/><use href="#menu"/>"##;
    let base = Base {
        page,
        visit,
        theme: visit.theme.map(Theme::as_str),
        theme_word: visit.theme.map_or("as the system", Theme::as_str),
        nav: nav.collect(),
        sprite: Html(sprite(&format!("{OWN}{}", page.main))),
        css: href("site.css"),
        mark: href("mark.svg"),
        preview: href("preview.png"),
        preview_px: PREVIEW_PX,
        scripts: scripts.map(href).collect(),
        modules: page.modules.iter().copied().map(href).collect(),
        fonts: [href("newsreader-display.woff2"), href("hanken-grotesk.woff2")],
    };
    rendered(&base)
}
