//! About the model, its details, and questions that its facts answer.

use std::fmt::Write as _;

use planner::mode::Mode;

use super::{Sheet, Shown};
use crate::facts;
use crate::here::Service;
use crate::html::{Html, escape};
use crate::markdown::inline;
use crate::words;

pub(super) fn section(sheet: &Sheet<'_>) -> Html {
    let model = sheet.shown.view.model;
    let prose = &model.prose;
    let mut out = String::from(
        "<section id=\"about\" class=\"sec\" aria-labelledby=\"h-about\"><header><h2 id=\"h-about\">About the model</h2></header>\n",
    );
    if !prose.overview.is_empty() {
        let _ = writeln!(out, "<p class=\"lede wide\">{}</p>", inline(&prose.overview));
    }
    let mut parts = String::new();
    list(&mut parts, "Strengths", &prose.strengths);
    list(&mut parts, "Limitations", &prose.limitations);
    paragraph(&mut parts, "Technical background", &prose.technical_background);
    paragraph(&mut parts, "Best for", &prose.best_for);
    if !parts.is_empty() {
        let _ = writeln!(out, "<div class=\"two\">{parts}</div>");
    }
    out.push_str(&details(sheet));
    out.push_str("</section>");
    Html(out)
}

fn list(out: &mut String, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let items: String = items.iter().map(|item| format!("<li>{}</li>", inline(item))).collect();
    let _ = write!(out, "<div class=\"prose\"><h3>{title}</h3><ul>{items}</ul></div>");
}

fn paragraph(out: &mut String, title: &str, text: &str) {
    if !text.is_empty() {
        let _ = write!(
            out,
            "<div class=\"prose\"><h3>{title}</h3><p>{}</p></div>",
            inline(text)
        );
    }
}

fn details(sheet: &Sheet<'_>) -> String {
    let view = sheet.shown.view;
    let model = view.model;
    let mut out = String::from("<dl class=\"facts allfacts\">");
    let mut fact = |name: &str, value: String| {
        let _ = write!(out, "<dt>{name}</dt><dd>{value}</dd>");
    };
    fact("Id", format!("<span class=\"mono\">{}</span>", escape(&model.id)));
    let mut names: Vec<String> = model
        .aliases
        .iter()
        .map(|name| format!("<span class=\"mono\">{}</span>", escape(name)))
        .collect();
    names.extend(model.alternative_names.iter().map(|name| escape(name)));
    if !names.is_empty() {
        fact("Also known as", names.join(", "));
    }
    fact("Creator", escape(&model.creator_name));
    if let Some(family) = &model.family {
        fact("Family", format!("<a href=\"/models?q={0}\">{0}</a>", escape(family)));
    }
    fact("Released", facts::released(model));
    fact("Sunset", escape(&sunset(sheet)));
    if let Some(successor) = sheet.shown.successor {
        fact(
            "Successor",
            format!(
                "<a href=\"{}\">{}</a>",
                planner::view::page_path(successor),
                escape(&successor.name)
            ),
        );
    }
    if let Some(most) = sheet.parameter("prompt").and_then(|prompt| prompt.max_chars) {
        fact("Prompt", format!("up to {} characters", words::number(most)));
    }
    match facts::most_inputs(view) {
        0 => {}
        most => fact("Input images", format!("up to {most}")),
    }
    if !model.tags.is_empty() {
        let tags: String = model
            .tags
            .iter()
            .map(|tag| format!("<li class=\"tag\">{}</li>", escape(tag)))
            .collect();
        fact("Tags", format!("<ul class=\"tags\">{tags}</ul>"));
    }
    out.push_str("</dl>");
    out
}

fn sunset(sheet: &Sheet<'_>) -> String {
    let named: Vec<String> = sheet
        .shown
        .view
        .live_offers()
        .filter_map(|offer| Some(format!("{} {}", offer.provider_name, words::date(offer.offer.sunset?))))
        .collect();
    let silent: Vec<&str> = sheet
        .shown
        .view
        .live_offers()
        .filter(|offer| offer.offer.sunset.is_none())
        .map(|offer| offer.provider_name)
        .collect();
    match (named.is_empty(), silent.is_empty()) {
        (true, _) => "none named".to_owned(),
        (false, true) => words::list(&named),
        (false, false) => format!("{}; {} none named", words::list(&named), words::list(&silent)),
    }
}

/// Questions and their answers in Markdown, made from the facts alone.
#[must_use]
pub fn questions(shown: &Shown<'_>) -> Vec<(String, String)> {
    let view = shown.view;
    let model = view.model;
    let name = &model.name;
    let mut told = Vec::new();
    let names: Vec<&str> = view.live_offers().map(|offer| offer.provider_name).collect();
    if let Some(from) = facts::from(view, &view.prices()) {
        let conditions = if from.conditions.is_empty() {
            String::new()
        } else {
            format!(" ({})", from.conditions)
        };
        told.push((
            format!("What does {name} cost?"),
            format!(
                "From {} for one image{conditions}, at {}. Ask with `?dryRun=true` before a call; `metadata.cost` tells after it. The table above has every price by provider.",
                words::price(from.price),
                words::list(&from.providers)
            ),
        ));
    }
    if !names.is_empty() {
        let languages = "cURL, JavaScript, Python and `pictor`'s own command line";
        told.push((
            format!("How do I call {name}?"),
            format!(
                "Send an OpenAI images request to `{}/openai/v1` with the model `{}`. Any OpenAI SDK will do; samples in {languages} stand above.",
                shown.address, model.id
            ),
        ));
        told.push(("Which providers serve it?".to_owned(), providers(shown, &names)));
        told.push((
            "How large can pictures be?".to_owned(),
            format!(
                "{}. What a size becomes at each provider is shown under Sizes.",
                facts::sizes(view)
            ),
        ));
    }
    if view.modes.contains(&Mode::ImageEdit) {
        told.push(("Can it edit only a part of a picture?".to_owned(), mask(shown)));
    }
    for offer in view.live_offers() {
        if let Some(day) = offer.offer.sunset {
            told.push((
                format!("What happens at {} on {}?", offer.provider_name, words::date(day)),
                end(shown, offer.provider_name),
            ));
        }
    }
    if model.is_disabled() {
        let instead = shown.successor.map_or_else(String::new, |successor| {
            format!(" Use {} (`{}`) instead.", successor.name, successor.id)
        });
        told.push((
            format!("Can {name} still be called?"),
            format!("No: no provider of it is left here, and requests are refused.{instead}"),
        ));
    }
    told
}

fn providers(shown: &Shown<'_>, names: &[&str]) -> String {
    let view = shown.view;
    let forced = view
        .live_offers()
        .next()
        .map(|offer| format!("{}/{}", offer.offer.provider, view.model.id));
    let force = forced.map_or_else(String::new, |forced| format!(" To force one, write `{forced}`."));
    let off: Vec<&str> = view
        .live_offers()
        .filter(|offer| shown.providers.service(&offer.offer.provider) == Service::Off)
        .map(|offer| offer.provider_name)
        .collect();
    let off = if off.is_empty() {
        String::new()
    } else {
        format!(" Without a credential here: {}.", words::list(&off))
    };
    if names.len() > 1 {
        format!(
            "{}. A request goes to the one that fits it and does best by price, speed and success, and to the next when it fails.{force}{off}",
            words::list(names)
        )
    } else {
        format!("{} alone.{off}", words::list(names))
    }
}

fn mask(shown: &Shown<'_>) -> String {
    let view = shown.view;
    let takes = |offer: &&planner::view::OfferView<'_>| {
        offer
            .modes
            .iter()
            .any(|(_, mode)| mode.inputs.as_ref().is_some_and(|inputs| inputs.mask.is_some()))
    };
    let with: Vec<&str> = view
        .live_offers()
        .filter(takes)
        .map(|offer| offer.provider_name)
        .collect();
    let without: Vec<&str> = view
        .live_offers()
        .filter(|offer| !takes(offer) && offer.offer.modes.contains_key(&Mode::ImageEdit))
        .map(|offer| offer.provider_name)
        .collect();
    if with.is_empty() {
        return "Not with a mask: say in the prompt what shall change and what shall stay.".to_owned();
    }
    let never = if without.is_empty() {
        String::new()
    } else {
        format!(" A request with a mask never goes to {}.", words::list(&without))
    };
    format!(
        "Yes, with a mask: a PNG as large as the first input, transparent where it may change. {} {} one.{never}",
        words::list(&with),
        if with.len() == 1 { "takes" } else { "take" }
    )
}

fn end(shown: &Shown<'_>, provider: &str) -> String {
    let others: Vec<&str> = shown
        .view
        .live_offers()
        .filter(|offer| offer.provider_name != provider && offer.offer.sunset.is_none())
        .map(|offer| offer.provider_name)
        .collect();
    let successor = shown
        .successor
        .map_or_else(String::new, |successor| format!(" that names {}", successor.name));
    if others.is_empty() {
        format!(
            "{provider} ends its offer. Pictor goes on trying it until it is marked as retired; from then on the answer is an error{successor}."
        )
    } else {
        format!(
            "{provider} ends its own offer, and from then on it is tried last. Requests go on through {}. If none is left, the answer is an error{successor}.",
            words::list(&others)
        )
    }
}

pub(super) fn questions_section(sheet: &Sheet<'_>) -> Html {
    let mut out =
        String::from("<section id=\"faq\" class=\"sec\" aria-labelledby=\"h-faq\"><h2 id=\"h-faq\">Questions</h2>\n");
    for (place, (question, answer)) in questions(&sheet.shown).iter().enumerate() {
        let open = if place == 0 { " open" } else { "" };
        let _ = writeln!(
            out,
            "<details class=\"q\"{open}><summary>{}</summary><div class=\"prose\"><p>{}</p></div></details>",
            escape(question),
            inline(answer)
        );
    }
    out.push_str("</section>");
    Html(out)
}
