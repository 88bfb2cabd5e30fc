//! What came of a form that was sent without scripts.

use std::fmt::Write as _;

use planner::money::Micros;

use crate::html::{Html, escape, icon, status};
use crate::words;

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Images.
    Made {
        /// They.
        images: Vec<Delivered>,
        /// The request's id.
        id: String,
        /// The charge.
        charge: Option<Micros>,
        /// What was changed or dropped: parameter, asked, used.
        adjusted: Vec<String>,
        /// How the calls went, in words.
        route: String,
    },
    /// None.
    Refused {
        /// HTTP status.
        status: u16,
        /// Why, as programs are told it.
        message: String,
        /// The request's id.
        id: String,
    },
}

/// An image that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Where it is.
    pub url: String,
    /// Its size, such as `1024x1024`.
    pub size: String,
    /// Its format.
    pub format: String,
}

/// The part of the page that tells it.
pub(super) fn section(outcome: &Outcome, name: &str) -> Html {
    let mut out =
        String::from("<section class=\"results\" aria-labelledby=\"rs-o\"><h2 id=\"rs-o\" class=\"h3\">Result</h2>");
    match outcome {
        Outcome::Refused { status, message, id } => {
            // A budget that is spent is the visitor's news, not a fault.
            let (kind, title) = match status {
                402 => ("info", "The budget is spent"),
                429 | 503 => ("warn", "Too much at once"),
                _ => ("fail", "Nothing was made"),
            };
            let _ = write!(
                out,
                "<div class=\"banner {kind}\" role=\"alert\"><p><b>{title}.</b> {}</p><p class=\"hint mono\">{}</p></div>",
                escape(message),
                escape(id)
            );
        }
        Outcome::Made {
            images,
            id,
            charge,
            adjusted,
            route,
        } => {
            out.push_str("<div class=\"res2\">");
            for (index, image) in images.iter().enumerate() {
                let (width, height) = image.size.split_once('x').unwrap_or(("1", "1"));
                let _ = write!(
                    out,
                    "<figure class=\"plate\"><a href=\"{0}\"><img src=\"{0}\" alt=\"Image {1} of {2}\" width=\"{3}\" height=\"{4}\"></a><figcaption class=\"label\"><span class=\"title\">{2}</span><span class=\"num full\">{5}, {6}. {7}</span><span class=\"row tight acts\"><a class=\"btn sm\" href=\"{0}\" download>{8}Save</a></span></figcaption></figure>",
                    escape(&image.url),
                    index + 1,
                    escape(name),
                    escape(width),
                    escape(height),
                    escape(&image.size.replace('x', " × ")),
                    escape(&image.format),
                    escape(route),
                    icon("download"),
                );
            }
            out.push_str("</div><dl class=\"facts\">");
            if let Some(charge) = charge {
                let _ = write!(
                    out,
                    "<dt>Charged</dt><dd class=\"num\"><span class=\"money paid\">{}<span class=\"sr\"> charged</span></span></dd>",
                    words::price(*charge)
                );
            }
            let changed = if adjusted.is_empty() {
                status("ok", "nothing adjusted").0
            } else {
                escape(&adjusted.join("; "))
            };
            let _ = write!(
                out,
                "<dt>Adjusted</dt><dd>{changed}</dd><dt>Request</dt><dd class=\"mono\">{}</dd></dl>",
                escape(id)
            );
        }
    }
    out.push_str("</section>");
    Html(out)
}
