//! The same facts as text for programs: `llms.txt` of the site and of each model, and the map of the site.

mod offers;

use std::fmt::Write as _;

use serde_json::Value;

use crate::card::Card;
use crate::facts;
use crate::guides;
use crate::html::escape;
use crate::openapi::Reference;
use crate::pages::docs;
use crate::pages::model::{Shown, bounds, questions};
use crate::samples::{LANGUAGES, Sample};
use crate::words;

/// `llms.txt` of the site: what there is, and where.
#[must_use]
pub fn site(cards: &[Card], reference: &Reference, address: &str) -> String {
    let mut out = format!(
        "# Pictor\n\n> A self-hosted gateway for AI image generation and editing: one OpenAI-compatible API in front of every image model and provider. Base URL of this installation: {address}/openai/v1\n\nEvery page of the documentation is there as Markdown under the same path with .md at its end; every model has an llms.txt below its page. Everything in one file: {address}/llms-full.txt. OpenAPI: {address}/openapi.json\n"
    );
    for group in guides::groups() {
        let _ = write!(out, "\n## {}\n\n", group.name);
        for guide in &group.guides {
            let _ = writeln!(
                out,
                "- [{}]({address}{}.md): {}",
                guide.read.title,
                docs::path(guide),
                guide.read.description
            );
        }
    }
    out.push_str("\n## API reference\n\n");
    for operation in reference.all() {
        let _ = writeln!(
            out,
            "- [{}]({address}{}.md): `{} {}`. {}",
            operation.title(),
            operation.path_of_page(),
            operation.method,
            operation.path,
            operation.summary
        );
    }
    out.push_str("\n## Models\n\n");
    for card in cards.iter().filter(|card| !card.is_retired) {
        let price = card
            .price
            .map_or_else(String::new, |price| format!(", from {} an image", words::price(price)));
        let _ = writeln!(
            out,
            "- [{}]({address}{}/llms.txt): `{}`, {}. {}{price}",
            card.name,
            card.path(),
            card.id,
            card.creator_name,
            card.makes
        );
    }
    out
}

/// Everything: the guides and the text of every model.
#[must_use]
pub fn full(intro: &str, models: &[String], address: &str) -> String {
    let mut out = intro.to_owned();
    for guide in guides::all() {
        let _ = write!(
            out,
            "\n---\n\n{}",
            guide.text.replace(crate::markdown::EXAMPLE_ADDRESS, address)
        );
    }
    for model in models {
        let _ = write!(out, "\n---\n\n{model}");
    }
    out
}

/// `llms.txt` of one model.
#[must_use]
pub fn model(shown: &Shown<'_>) -> String {
    let view = shown.view;
    let model = view.model;
    let mut out = format!("# {}\n\n> {}\n", model.name, model.description);
    section(&mut out, "Quick reference", &quick(shown));
    section(&mut out, "Specification", &specification(shown));
    parameters(&mut out, shown);
    let mut identifiers = vec![format!("Id: `{}`", model.id)];
    identifiers.extend(model.aliases.iter().map(|alias| format!("Alias: `{alias}`")));
    identifiers.extend(
        model
            .alternative_names
            .iter()
            .map(|name| format!("Also known as: {name}")),
    );
    identifiers.extend(view.live_offers().map(|offer| {
        format!(
            "At {} alone: `{}/{}`",
            offer.provider_name, offer.offer.provider, model.id
        )
    }));
    section(&mut out, "Identifiers", &identifiers);
    let mut dates = vec![format!("Released: {}", facts::released(model))];
    dates.extend(view.live_offers().filter_map(|offer| {
        Some(format!(
            "Last day at {}: {}",
            offer.provider_name,
            words::date(offer.offer.sunset?)
        ))
    }));
    section(&mut out, "Dates", &dates);
    if !model.tags.is_empty() {
        section(&mut out, "Tags", &[model.tags.join(", ")]);
    }
    offers::providers(&mut out, shown);
    performance(&mut out, shown);
    arena(&mut out, shown);
    prose(&mut out, shown);
    examples(&mut out, shown);
    out.push_str("\n## Questions\n");
    for (question, answer) in questions(shown) {
        let _ = write!(out, "\n### {question}\n\n{answer}\n");
    }
    out
}

fn section(out: &mut String, title: &str, rows: &[String]) {
    if rows.is_empty() {
        return;
    }
    let _ = write!(out, "\n## {title}\n\n");
    for row in rows {
        let _ = writeln!(out, "- {row}");
    }
}

fn quick(shown: &Shown<'_>) -> Vec<String> {
    let view = shown.view;
    let mut rows = vec![
        format!("Model: `{}`", view.model.id),
        format!("Base URL: {}/openai/v1", shown.address),
        format!("Kind: {}", facts::kind(&view.modes)),
        format!("Creator: {}", view.model.creator_name),
        format!("Page: {}{}", shown.address, view.page_path()),
    ];
    if let Some(from) = facts::from(view, &view.prices()) {
        let conditions = if from.conditions.is_empty() {
            String::new()
        } else {
            format!(" ({})", from.conditions)
        };
        rows.push(format!(
            "Starting price: {} an image at {}{conditions}",
            words::price(from.price),
            words::list(&from.providers)
        ));
    }
    if let Some(successor) = shown.successor {
        rows.push(format!("Successor: `{}`", successor.id));
    }
    rows
}

fn specification(shown: &Shown<'_>) -> Vec<String> {
    let view = shown.view;
    let modes: Vec<&str> = view.modes.iter().map(|mode| mode.as_str()).collect();
    let mut rows = vec![
        format!("Modes: {}", words::list(&modes)),
        format!("Makes: {}", facts::makes(view)),
        format!("Sizes: {}", facts::sizes(view)),
        format!("Capabilities: {}", words::list(&view.capabilities)),
    ];
    for row in view.sizes() {
        let nominal = if row.nominal {
            ", a name: the true size is measured"
        } else {
            ""
        };
        rows.push(format!(
            "Size: `{}`, or aspect_ratio `{}` and resolution `{}`{nominal}",
            row.size, row.aspect_ratio, row.resolution
        ));
    }
    rows
}

fn parameters(out: &mut String, shown: &Shown<'_>) {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let rows: Vec<String> = shown
        .view
        .parameters()
        .iter()
        .map(|parameter| {
            let mut row = format!(
                "`{}` ({}{})",
                parameter.name,
                parameter.types.join(" or "),
                if parameter.required { ", required" } else { "" }
            );
            let modes: Vec<&str> = parameter.modes.iter().map(|mode| mode.as_str()).collect();
            let _ = write!(row, ": {} Modes: {}.", parameter.description, modes.join(", "));
            if !parameter.values.is_empty() {
                let values: Vec<String> = parameter.values.iter().map(text).collect();
                let _ = write!(row, " Values: {}.", values.join(", "));
            }
            for bound in bounds(parameter) {
                let _ = write!(row, " {bound}.");
            }
            if let Some(default) = &parameter.default {
                let _ = write!(row, " Default: {}.", text(default));
            }
            for (provider, value) in &parameter.defaults {
                let _ = write!(row, " Left out it is {} at {provider}.", text(value));
            }
            let handlings: Vec<String> = parameter
                .at
                .iter()
                .map(|(provider, at)| format!("{provider} {}", at.handling))
                .collect();
            let _ = write!(row, " Handling: {}.", handlings.join(", "));
            row
        })
        .collect();
    section(out, "API parameters", &rows);
}

fn performance(out: &mut String, shown: &Shown<'_>) {
    let mut rows = Vec::new();
    for offer in shown.view.live_offers() {
        if let Some(calls) = shown.performance.at(&shown.view.model.id, &offer.offer.provider) {
            let time = |ms: Option<u64>| ms.map_or_else(|| "none".to_owned(), words::duration);
            rows.push(format!(
                "{}: {} of {} succeeded, p50 {}, p95 {}",
                offer.provider_name,
                words::percent(calls.succeeded, calls.count),
                calls.count,
                time(calls.p50_ms()),
                time(calls.p95_ms())
            ));
        }
    }
    if rows.is_empty() {
        rows.push(format!(
            "No calls in the last {} days at this installation",
            shown.performance.days
        ));
    }
    section(out, "Performance", &rows);
}

/// Ratings, competitions and opponents; nothing where there are no votes.
fn arena(out: &mut String, shown: &Shown<'_>) {
    let arena = shown.arena;
    if arena.is_empty() {
        return;
    }
    let mut rows = Vec::new();
    if arena.sandbox {
        rows.push("Votes are about the sandbox's pictures, or nobody's: they say nothing of the model".to_owned());
    }
    for (_, name, rank, rated) in &arena.boards {
        rows.push(format!(
            "{name}: rating {:.0} ({:.0} to {:.0}), rank {} of {}",
            rated.rating,
            rated.low,
            rated.high,
            rank.range(),
            rank.of
        ));
    }
    for own in &arena.competitions {
        let stands = own.rank.map_or_else(
            || "not ranked yet".to_owned(),
            |rank| format!("rank {} of {}", rank.range(), rank.of),
        );
        rows.push(format!("Competition \"{}\": {stands}, {}", own.name, own.record.told()));
    }
    for (_, name, rank, record) in &arena.best_for {
        rows.push(format!(
            "Category {name}: rank {} of {}, {}, {} of votes for a side",
            rank.range(),
            rank.of,
            record.told(),
            record.share()
        ));
    }
    for (_, name, record) in &arena.opponents {
        rows.push(format!("Against {name}: {}", record.told()));
    }
    section(out, "In the arena", &rows);
    if arena.total > 0 {
        let own = format!(
            "{} pictures: {}/gallery?model={}",
            arena.total, shown.address, shown.view.model.id
        );
        section(out, "Gallery", &[own]);
    }
}

fn prose(out: &mut String, shown: &Shown<'_>) {
    let prose = &shown.view.model.prose;
    if !prose.overview.is_empty() {
        let _ = write!(out, "\n## Overview\n\n{}\n", prose.overview);
    }
    section(out, "Strengths", &prose.strengths);
    section(out, "Limitations", &prose.limitations);
    for (title, text) in [
        ("Technical background", &prose.technical_background),
        ("Best for", &prose.best_for),
    ] {
        if !text.is_empty() {
            let _ = write!(out, "\n## {title}\n\n{text}\n");
        }
    }
}

fn examples(out: &mut String, shown: &Shown<'_>) {
    for mode in &shown.view.modes {
        let sample = Sample::of(shown.view, *mode);
        for (value, name, _) in LANGUAGES {
            let fence = match value {
                "js" => "js",
                "py" => "python",
                _ => "sh",
            };
            let _ = write!(
                out,
                "\n## {} in {name}\n\n```{fence}\n{}\n```\n",
                words::mode(*mode),
                sample.text(value, shown.address)
            );
        }
    }
}

/// The map of the site for search engines.
#[must_use]
pub fn sitemap(cards: &[Card], reference: &Reference, address: &str) -> String {
    let mut paths: Vec<String> = [
        "/",
        "/models",
        "/arena",
        "/leaderboard",
        "/gallery",
        "/docs",
        "/licenses",
    ]
    .map(ToOwned::to_owned)
    .to_vec();
    paths.extend(cards.iter().map(Card::path));
    paths.extend(guides::all().map(docs::path));
    paths.extend(reference.all().iter().map(|operation| operation.path_of_page()));
    let urls: String = paths
        .iter()
        .map(|path| format!("<url><loc>{}</loc></url>\n", escape(&format!("{address}{path}"))))
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n{urls}</urlset>\n"
    )
}
