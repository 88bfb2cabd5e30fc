//! The head of a model's page: its label, its picture, and what ends.

use askama::Template;
use jiff::civil::Date;
use planner::view::OfferView;

use super::Sheet;
use crate::facts;
use crate::here::Service;
use crate::html::{Html, escape, icon, money, rendered, status};
use crate::picture::Picture;
use crate::words;

/// Letters of a picture's prompt that are told beside it.
const PROMPT_CHARS: usize = 240;

#[derive(Template)]
#[template(path = "model/hero.html", whitespace = "minimize")]
struct Hero<'a> {
    kind: &'static str,
    name: &'a str,
    id: &'a str,
    compare: String,
    description: Html,
    by: String,
    makes: String,
    size: String,
    from: Html,
    here: Html,
    rank: Html,
    figure: Html,
    is_live: bool,
}

pub(super) fn hero(sheet: &Sheet<'_>) -> Html {
    let view = sheet.shown.view;
    let model = view.model;
    let released = model
        .released
        .map_or_else(String::new, |day| format!(", {}", words::date(day)));
    let hero = Hero {
        kind: facts::kind(&view.modes),
        name: &model.name,
        id: &model.id,
        compare: format!("{}/{}", model.creator, model.id),
        description: crate::markdown::inline(&model.description),
        by: format!("{}{released}", model.creator_name),
        makes: facts::makes(view),
        size: facts::sizes(view),
        from: from(sheet),
        here: here(sheet),
        rank: super::arena::rank(sheet.shown.arena),
        figure: figure(sheet),
        is_live: !model.is_disabled(),
    };
    Html(rendered(&hero))
}

fn from(sheet: &Sheet<'_>) -> Html {
    let view = sheet.shown.view;
    facts::from(view, &view.prices()).map_or_else(
        || Html("No price is known".to_owned()),
        |from| {
            let conditions = if from.conditions.is_empty() {
                String::new()
            } else {
                format!(" <span class=\"dimmer\">{}</span>", escape(&from.conditions))
            };
            Html(format!(
                "{} an image at {}{conditions}",
                money(from.price),
                escape(&words::list(&from.providers))
            ))
        },
    )
}

/// How its providers do here.
fn here(sheet: &Sheet<'_>) -> Html {
    let view = sheet.shown.view;
    let providers = sheet.shown.providers;
    let live: Vec<&OfferView<'_>> = view.live_offers().collect();
    if live.is_empty() {
        return status("off", "no provider serves it");
    }
    let served: Vec<&&OfferView<'_>> = live.iter().filter(|offer| offer.available).collect();
    if served.is_empty() {
        return status("off", "no provider of it has a credential here");
    }
    let healthy = served
        .iter()
        .filter(|offer| !providers.fails(&offer.offer.provider, &offer.native_models()))
        .count();
    let of = served.len();
    let told = format!(
        "{healthy} of {of} {} healthy",
        if of == 1 { "provider" } else { "providers" }
    );
    let kind = if healthy == of { "ok" } else { "warn" };
    let p50 = sheet
        .shown
        .performance
        .of_model(&view.model.id)
        .and_then(|calls| calls.p50_ms());
    let p50 = p50.map_or_else(String::new, |ms| {
        format!(" <span class=\"dimmer nowrap\">p50 {}</span>", words::duration(ms))
    });
    Html(format!("{}{p50}", status(kind, &told)))
}

fn figure(sheet: &Sheet<'_>) -> Html {
    let name = sheet.name();
    match sheet.shown.picture {
        picture @ Picture::OnShow { prompt, page, .. } => Html(format!(
            "<figure class=\"plate\">{}<figcaption><span class=\"q\">“{}”</span><span>Made here by {name}: <a href=\"{page}\">on show in the gallery</a></span></figcaption></figure>",
            picture.html(&format!("Picture by {name}: {prompt}"), false),
            escape(&words::start(prompt, PROMPT_CHARS)),
            name = escape(name),
        )),
        picture @ Picture::Sandbox { prompt, .. } => Html(format!(
            "<figure class=\"plate\">{}<figcaption><span class=\"q\">“{}”</span><span>Sandbox picture: says nothing of the model’s hand</span></figcaption></figure>",
            picture.html(&format!("Sandbox picture for {name}: {prompt}"), false),
            escape(prompt)
        )),
        picture @ Picture::Frame { .. } => Html(format!(
            "<figure class=\"plate\">{}<figcaption><span>No picture yet: the shapes that it makes, to scale</span></figcaption></figure>",
            picture.html("", false)
        )),
    }
}

/// What ends, what has ended, and what cannot be called here.
pub(super) fn banners(sheet: &Sheet<'_>) -> Html {
    let view = sheet.shown.view;
    let mut out = String::new();
    let successor = sheet.shown.successor.map_or_else(String::new, |successor| {
        format!(
            " <span class=\"nowrap\">Successor: <a href=\"{}\">{}</a></span>",
            planner::view::page_path(successor),
            escape(&successor.name)
        )
    });
    if view.model.is_disabled() {
        let why = if view.model.offers.iter().any(|offer| !offer.retired) {
            "This model is switched off on this gateway."
        } else {
            "No provider runs this model any more."
        };
        banner(
            &mut out,
            "fail",
            "circle-x",
            why,
            &format!("Requests for it are refused.{successor}"),
        );
        return Html(out);
    }
    if !view.available {
        let names: Vec<&str> = sheet.columns.iter().map(|(_, name)| *name).collect();
        let text = format!(
            "It runs at {}: give one of them a credential.",
            escape(&words::list(&names))
        );
        banner(&mut out, "info", "info", "This model cannot be called here yet.", &text);
    }
    let mut ending: Vec<(Date, &OfferView<'_>)> = view
        .live_offers()
        .filter_map(|offer| Some((offer.offer.sunset?, offer)))
        .collect();
    ending.sort_by_key(|(day, _)| *day);
    let staying: Vec<&str> = view
        .live_offers()
        .filter(|offer| offer.offer.sunset.is_none())
        .map(|offer| offer.provider_name)
        .collect();
    for (day, offer) in ending {
        let (bold, text) = end(offer.provider_name, day, sheet.shown.today, &staying);
        banner(&mut out, "warn", "calendar-clock", &bold, &format!("{text}{successor}"));
    }
    if sheet
        .columns
        .iter()
        .any(|(id, _)| sheet.shown.providers.service(id) == Service::Off)
        && view.available
    {
        let off: Vec<&str> = sheet
            .columns
            .iter()
            .filter(|(id, _)| sheet.shown.providers.service(id) == Service::Off)
            .map(|(_, name)| *name)
            .collect();
        let text = format!(
            "{} {} no credential here, so requests go to the others.",
            words::list(&off),
            if off.len() == 1 { "has" } else { "have" }
        );
        banner(
            &mut out,
            "info",
            "info",
            "Not every provider can be called.",
            &escape(&text),
        );
    }
    Html(out)
}

fn end(provider: &str, day: Date, today: Date, staying: &[&str]) -> (String, String) {
    let shown = words::date(day);
    let bold = if day < today {
        format!("{provider} named {shown} as its last day for this model.")
    } else {
        format!("{provider} switches this model off on {shown}.")
    };
    let others = match staying {
        [] => "Since then".to_owned(),
        [one] => format!("{one} has named no date and goes on serving it; from then on"),
        many => format!(
            "{} have named no date and go on serving it; from then on",
            words::list(many)
        ),
    };
    let text = if staying.is_empty() {
        String::new()
    } else {
        format!("{others} {provider}’s offer is tried last.")
    };
    (escape(&bold), escape(&text))
}

fn banner(out: &mut String, kind: &str, glyph: &str, bold: &str, text: &str) {
    out.push_str(&format!(
        "<div class=\"banner {kind}\" role=\"note\">{}<div><b>{bold}</b> {text}</div></div>\n",
        icon(glyph)
    ));
}
