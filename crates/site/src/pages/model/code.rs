//! Code that runs as it stands, for every mode and in every language.

use std::fmt::Write as _;

use planner::mode::Mode;

use super::Sheet;
use crate::html::{Html, code, escape};
use crate::samples::{INPUT_FILE, LANGUAGES, MASK_FILE, Sample};
use crate::words;

pub(super) fn section(sheet: &Sheet<'_>) -> Html {
    let shown = sheet.shown;
    let mut out = format!(
        "<section id=\"code\" class=\"sec\" aria-labelledby=\"h-code\"><header><h2 id=\"h-code\">Code</h2><p>Runs as it stands against this installation. Any OpenAI SDK works: only the base URL and the key change.</p></header>\n<dl class=\"endpoint\"><dt>Base URL</dt><dd class=\"mono\">{}/openai/v1</dd><dt>Model</dt><dd class=\"mono\">{}</dd></dl>\n",
        escape(shown.address),
        escape(&shown.view.model.id)
    );
    for mode in &shown.view.modes {
        let sample = Sample::of(shown.view, *mode);
        let path = if *mode == Mode::TextToImage {
            "generations"
        } else {
            "edits"
        };
        let _ = writeln!(
            out,
            "<h3 class=\"h-sample\">{} <span class=\"hint\">POST /images/{path}</span></h3>",
            words::mode(*mode)
        );
        if *mode != Mode::TextToImage {
            let mask = if sample.mask {
                format!(", and <code>{MASK_FILE}</code>, as large and transparent where it may change,")
            } else {
                String::new()
            };
            let _ = writeln!(
                out,
                "<p class=\"hint under\">A picture of yours as <code>{INPUT_FILE}</code>{mask} must lie beside it.</p>"
            );
        }
        out.push_str(&tabs(&sample, shown.address));
    }
    out.push_str("</section>");
    Html(out)
}

fn tabs(sample: &Sample, address: &str) -> String {
    let group = format!("lang-{}", sample.mode);
    let title = words::mode(sample.mode);
    let mut bar = String::new();
    let mut panes = String::new();
    for (place, (value, name, language)) in LANGUAGES.into_iter().enumerate() {
        let checked = if place == 0 { " checked" } else { "" };
        let _ = write!(
            bar,
            "<label><input type=\"radio\" name=\"{group}\" value=\"{value}\"{checked}>{name}</label>"
        );
        let label = format!("{title} in {name}");
        let _ = writeln!(
            panes,
            "<div class=\"pane\">{}</div>",
            code(language, &label, &sample.text(value, address))
        );
    }
    format!(
        "<div class=\"tabs\"><div class=\"bar\" role=\"radiogroup\" aria-label=\"Language\">{bar}</div>\n{panes}</div>\n"
    )
}
