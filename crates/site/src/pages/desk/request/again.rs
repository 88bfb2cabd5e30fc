//! A request once more: as code, where it would go now, and its pictures in the gallery.

use std::fmt::Write as _;

use planner::explain::{Explanation, OfferExplanation};
use serde_json::{Map, Value, json};

use super::{Shown, lane_name, or_dash};
use crate::highlight::Language;
use crate::html::{code, escape, icon};
use crate::pages::desk::{choice_field, held, table};
use crate::pages::model::made;
use crate::told::{list, text, typed};

/// The part of the page that tells it.
pub(super) fn section(shown: &Shown<'_>) -> String {
    let request = shown.request;
    let is_edit = text(request, "endpoint").ends_with("/edits");
    let kept = request["payloads"]["request"].as_object();
    let mut told = Vec::new();
    if kept.is_none() {
        told.push("The texts of this request are not kept, so that the prompt and what else was set are left to you.");
    }
    if is_edit {
        told.push("Its input images are not kept: <code>input.png</code> stands for yours.");
    }
    let told: String = told
        .iter()
        .map(|text| format!("<p class=\"hint\">{text}</p>"))
        .collect();
    let mut stand_in = Map::new();
    stand_in.insert("model".to_owned(), json!(text(request, "model")));
    stand_in.insert("prompt".to_owned(), json!("…"));
    let fields = kept.unwrap_or(&stand_in);
    let mut out = format!(
        "<section id=\"again\"><h3>The call again</h3>{told}<details><summary>As curl</summary>{}</details>",
        code(Language::Shell, "The call again as curl", &curl(shown, fields, is_edit))
    );
    match (shown.explanation, shown.explained_at) {
        (Some(explanation), _) => out.push_str(&explained(shown, explanation, kept.is_none())),
        (None, Some(path)) => {
            let _ = write!(
                out,
                "<p><a class=\"btn sm\" href=\"{}\">{}Where it would go now, and why</a></p>",
                escape(path),
                icon("search")
            );
        }
        (None, None) => {}
    }
    out.push_str("</section>\n");
    out
}

/// The request as curl sends it: JSON, or a form where it has input images.
fn curl(shown: &Shown<'_>, fields: &Map<String, Value>, is_edit: bool) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
    let mut lines = vec![
        format!("curl \"{}{}\"", shown.address, text(shown.request, "endpoint")),
        "-H \"Authorization: Bearer $PICTOR_API_KEY\"".to_owned(),
    ];
    if is_edit {
        lines.push("-F 'image[]=@input.png'".to_owned());
        let own = fields.iter().filter(|(_, value)| !value.is_null());
        lines.extend(own.map(|(name, value)| format!("-F {}", quoted(&format!("{name}={}", typed(value))))));
    } else {
        let body = serde_json::to_string_pretty(fields).unwrap_or_default();
        lines.push("-H \"Content-Type: application/json\"".to_owned());
        lines.push(format!("-d {}", quoted(&body)));
    }
    lines.join(" \\\n  ")
}

/// Every offer: those that would be tried now, in their order, then the others, each with its reason.
fn explained(shown: &Shown<'_>, explanation: &Explanation, is_guess: bool) -> String {
    let mut out = String::from("<h4 class=\"h4\">Where it would go now</h4>");
    let faults = explanation.faults.iter().map(|fault| fault.message.as_str());
    for fault in faults {
        let _ = write!(out, "<p class=\"banner warn\">{}</p>", escape(fault));
    }
    let mut offers: Vec<&OfferExplanation> = explanation.offers.iter().collect();
    offers.sort_by_key(|offer| offer.place.unwrap_or(usize::MAX));
    let rows: String = offers.into_iter().map(|offer| row(shown, offer)).collect();
    out.push_str(&table(
        "Where it would go now",
        &[("Turn", false), ("Offer", false), ("At most", true)],
        &rows,
    ));
    let guess = if is_guess {
        " A sample’s prompt stands for its own, which is not kept."
    } else {
        ""
    };
    let _ = write!(
        out,
        "<p class=\"hint\">Planned with what is known of the providers at this moment; nothing was made.{guess}</p>"
    );
    out
}

fn row(shown: &Shown<'_>, offer: &OfferExplanation) -> String {
    let place = offer.place.map_or_else(
        || "<span class=\"dimmer\">not tried</span>".to_owned(),
        |place| format!("{place}."),
    );
    let sent = offer.sent.as_ref();
    let makes = sent
        .and_then(made)
        .map_or_else(String::new, |size| format!("; makes {size}"));
    format!(
        "<tr><td class=\"num nowrap\">{place}</td><th scope=\"row\" class=\"wrapped\">{} <span class=\"hint mono\">{}</span><br><span class=\"hint\">{}{}</span></th><td class=\"n\">{}</td></tr>\n",
        escape(lane_name(shown, &offer.provider)),
        escape(offer.native_model.as_deref().unwrap_or_default()),
        escape(or_dash(&offer.reason)),
        escape(&makes),
        sent.map_or_else(String::new, |sent| held(sent.total_cost_micros)),
    )
}

/// Publishing is its owner's choice: the form stands where a picture is kept, with what is to be shown beside it.
pub(super) fn publish(out: &mut String, shown: &Shown<'_>) {
    let request = shown.request;
    let account = text(request, "account_id");
    let is_own = account.is_empty() || account == shown.desk.account_id;
    let many = list(&request["result"], "data").len();
    if !is_own || many == 0 {
        return;
    }
    let places: Vec<(String, String)> = (0..many)
        .map(|place| (place.to_string(), format!("Picture {} of {many}", place + 1)))
        .collect();
    let places: Vec<(&str, &str)> = places
        .iter()
        .map(|(value, words)| (value.as_str(), words.as_str()))
        .collect();
    let which = if many > 1 {
        choice_field("dr-n", "position", "Which", &places, "0")
    } else {
        String::new()
    };
    let form = format!(
        "{which}<div class=\"field\"><label for=\"dr-p\">The prompt, as it is to be shown</label><textarea id=\"dr-p\" name=\"prompt\" rows=\"2\" maxlength=\"4000\" required>{}</textarea></div><button class=\"btn sm\" type=\"submit\">Hang it in the gallery</button>",
        escape(text(&request["payloads"]["request"], "prompt"))
    );
    let path = format!("/app/requests/{}/publish", text(request, "id"));
    let _ = write!(
        out,
        "<details class=\"more\"><summary>Publish a picture</summary>{}</details>",
        shown.desk.form(&path, "stack", &form)
    );
}
