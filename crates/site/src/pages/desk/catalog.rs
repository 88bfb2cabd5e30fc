//! `/app/catalog`: what of the catalogue is the operator's own, off, old, or about to end.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::civil::Date;
use planner::catalog::stale::{Doubt, OLD_DAYS};

use super::{Desk, Place, empty, table};
use crate::frame::Page;
use crate::html::{escape, status};
use crate::words;

/// Why something of the catalogue is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// A file of the operator's own took the place of a built-in one, or added to them.
    Own,
    /// No provider here serves it.
    Off,
    /// It may be true no more.
    Doubt(Doubt),
    /// It is served no more.
    Retired,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A model's or provider's id.
    pub id: String,
    /// Its page, if it has one.
    pub path: Option<String>,
    /// The provider of the offer that is meant.
    pub provider: Option<String>,
    /// Why.
    pub why: Why,
}

/// Where newer catalogues are looked for, and what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source<'a> {
    /// The address.
    pub url: &'a str,
    /// When the signed catalogue was made that is in force; `None` while it is the built-in one.
    pub made_at: Option<Timestamp>,
    /// When it was looked for the last time.
    pub looked_at: Option<Timestamp>,
    /// Why that look found nothing to take, where it failed.
    pub error: Option<&'a str>,
}

/// What the page shows.
#[derive(Debug)]
pub struct Shown<'a> {
    /// Who looks.
    pub desk: &'a Desk,
    /// Models and offers in all.
    pub counts: (usize, usize),
    /// The operator's own folder of files.
    pub folder: Option<&'a str>,
    /// Where newer catalogues are looked for, if anywhere.
    pub source: Option<Source<'a>>,
    /// Today.
    pub today: Date,
    /// What is told of.
    pub findings: &'a [Finding],
}

/// The page.
#[must_use]
pub fn page(shown: &Shown<'_>) -> Page {
    let folder = shown.folder.map_or_else(
        || "<code>catalog_dir</code> names a folder of files of your own.".to_owned(),
        |folder| format!("Files of your own are in <code>{}</code>.", escape(folder)),
    );
    let base = base(shown.source);
    let mut out = format!(
        "<p class=\"dim\">{}, {}. {base} {folder}</p>",
        words::count(shown.counts.0, "model"),
        words::count(shown.counts.1, "offer")
    );
    if let Some(error) = shown.source.and_then(|source| source.error) {
        let _ = write!(
            out,
            "<p class=\"banner warn\">The last look found nothing to take: {}</p>",
            escape(error)
        );
    }
    let old = format!("Read more than {OLD_DAYS} days ago: providers change them without a word.");
    // In the order of `kind_of`.
    let kinds = [
        (
            "Your own",
            "Files of your folder that add to the built-in ones or take their place.",
        ),
        (
            "Ending",
            "Past its announced last day an offer stands at the end of every plan.",
        ),
        ("Old prices", old.as_str()),
        ("Off", "Models that no provider serves here: none has a credential."),
    ];
    if shown.findings.is_empty() {
        out.push_str(&empty(
            "Nothing to tell",
            "No file is overridden, no model is off, no price is old, no last day is near.",
            "<a class=\"btn\" href=\"/models\">All models</a>",
        ));
    }
    for (kind, (title, what)) in kinds.into_iter().enumerate() {
        let found: Vec<&Finding> = shown
            .findings
            .iter()
            .filter(|finding| kind_of(&finding.why) == kind)
            .collect();
        if found.is_empty() {
            continue;
        }
        let rows: String = found.iter().map(|finding| row(finding, shown.today)).collect();
        let _ = write!(
            out,
            "<section class=\"stack\"><h2 class=\"h3\">{title} <span class=\"hint num\">{}</span></h2><p class=\"hint\">{what}</p>{}</section>",
            found.len(),
            table(title, &[("What", false), ("Provider", false), ("State", false)], &rows)
        );
    }
    shown.desk.page(Place::Catalog, "Catalogue", "", &out)
}

/// Which catalogue is in force, as sentences.
fn base(source: Option<Source<'_>>) -> String {
    let Some(source) = source else {
        return "It is the one built into this version.".to_owned();
    };
    let url = escape(source.url);
    let which = source.made_at.map_or_else(
        || format!("It is the one built into this version: none of <code>{url}</code> was taken yet."),
        |made_at| {
            format!(
                "It is the signed one of <code>{url}</code>, made {}.",
                words::moment(made_at)
            )
        },
    );
    let looked = source.looked_at.map_or_else(String::new, |looked_at| {
        format!(" The last look for a newer one was {}.", words::moment(looked_at))
    });
    format!("{which}{looked}")
}

/// The place of the section in which a finding stands.
const fn kind_of(why: &Why) -> usize {
    match why {
        Why::Own => 0,
        Why::Doubt(Doubt::EndsSoon { .. } | Doubt::Unconfirmed { .. } | Doubt::SeenLongAgo { .. }) | Why::Retired => 1,
        Why::Doubt(Doubt::OldFigures { .. }) => 2,
        Why::Off => 3,
    }
}

fn row(finding: &Finding, today: Date) -> String {
    let days = |from: Date, to: Date| from.until(to).map_or(0, |span| span.get_days());
    let why = match &finding.why {
        Why::Own => status("info", "your own"),
        Why::Off => status("off", "off"),
        Why::Retired => status("off", "retired"),
        Why::Doubt(Doubt::OldFigures { as_of }) => status(
            "warn",
            &format!("{}, {} days ago", words::date(*as_of), days(*as_of, today)),
        ),
        Why::Doubt(Doubt::EndsSoon { sunset }) => status(
            "warn",
            &match days(today, *sunset) {
                0 => "ends today".to_owned(),
                many => format!(
                    "ends on {}, in {}",
                    words::date(*sunset),
                    words::count(usize::try_from(many).unwrap_or(0), "day")
                ),
            },
        ),
        Why::Doubt(doubt) => status("fail", &doubt.to_string()),
    };
    let name = finding.path.as_ref().map_or_else(
        || escape(&finding.id),
        |path| format!("<a href=\"{}\">{}</a>", escape(path), escape(&finding.id)),
    );
    format!(
        "<tr><th scope=\"row\">{name}</th><td>{}</td><td>{why}</td></tr>\n",
        finding.provider.as_deref().map_or_else(String::new, escape)
    )
}
