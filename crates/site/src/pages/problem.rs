//! An error as a page: what was wrong, and where to go from here.

use crate::frame::{Page, Section};
use crate::html::{Html, escape};

/// The page of an error. `message` is the same that programs get.
#[must_use]
pub fn page(path: &str, status: u16, code: &str, message: &str, request_id: Option<&str>) -> Page {
    let title = match status {
        404 => "Not here",
        400 | 405 | 413 | 415 => "Not understood",
        401 | 403 => "Not allowed",
        429 | 503 => "Too busy",
        _ => "Something went wrong",
    };
    let id = request_id.map_or_else(String::new, |id| {
        format!("<dt>Request</dt><dd class=\"mono\">{}</dd>", escape(id))
    });
    let main = format!(
        "<div class=\"wrap\"><header class=\"pagehead\"><p class=\"kicker\">{status}</p><h1>{title}</h1><p class=\"lede\">{}</p></header>\n<dl class=\"facts\"><dt>Code</dt><dd class=\"mono\">{}</dd>{id}</dl>\n<div class=\"row under\"><a class=\"btn main\" href=\"/models\">All models</a><a class=\"btn\" href=\"/docs\">Documentation</a><a class=\"btn bare\" href=\"/\">Home</a></div></div>",
        escape(message),
        escape(code)
    );
    Page::new(Section::None, path, title, Html(main))
}
