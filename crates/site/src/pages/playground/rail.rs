//! What stands beside the form: the mask editor, results, the same as code, history.

use std::fmt::Write as _;

use planner::mode::Mode;

use super::{Grid, Shown, Who, outcome};
use crate::html::{Html, escape, icon};
use crate::words;

/// The middle of the page.
pub(super) fn stage(shown: &Shown<'_>) -> Html {
    let mut out = String::from("<div class=\"pg-stage\">");
    if let Some(told) = &shown.outcome {
        let name = shown.chosen.first().map_or("", |chosen| chosen.name.as_str());
        out.push_str(&outcome::section(told, name).0);
    }
    if shown.who == Who::Nobody {
        out.push_str("<p class=\"banner info\">Making images here takes an API key: <a href=\"/app/sign-in?next=/playground\">sign in</a>, or type one below. The operator has not opened the playground to visitors.</p>");
    }
    out.push_str("<noscript><p class=\"banner info\">Without scripts one model is asked at a time, the first, and its answer comes as a page. Painting a mask, several models at once and pictures on their way need scripts.</p></noscript>");
    if shown.mode == Mode::ImageEdit {
        masker(&mut out);
    }
    if shown.outcome.is_none() {
        empty(&mut out, shown);
    }
    results(&mut out);
    code(&mut out, shown.grid);
    out.push_str("</div>\n");
    Html(out)
}

/// What stands where pictures will come: what comes here, and the one thing that brings it.
fn empty(out: &mut String, shown: &Shown<'_>) {
    const EXAMPLE: &str = "A lighthouse above a stormy sea at sunset, oil on canvas";
    let (words, action) = match shown.mode {
        Mode::TextToImage if shown.value("prompt").is_empty() => {
            let path = format!("{}&prompt=", shown.path(&shown.ids(), shown.mode));
            let text: String = url::form_urlencoded::byte_serialize(EXAMPLE.as_bytes()).collect();
            let link = format!(
                "<a class=\"btn\" href=\"{}{text}\">Fill in an example</a>",
                escape(&path)
            );
            ("Say what the picture shows, then generate.", link)
        }
        Mode::TextToImage => ("Generate, and each chosen model answers here.", String::new()),
        Mode::ImageEdit => ("Add a picture, say what shall change, then edit.", String::new()),
        Mode::Upscale => ("Add a picture, then make it larger.", String::new()),
    };
    let _ = writeln!(
        out,
        "<div class=\"state\" data-empty><p class=\"h2\">Pictures come here</p><p>{words} Beside each stand its size, its price and the way that it took; what is made is kept in the history of this device.</p>{action}</div>"
    );
}

/// The editor of masks, hidden until it is opened.
fn masker(out: &mut String) {
    let tool = |name: &str, glyph: &str, label: &str, key: &str, pressed: bool| {
        format!(
            "<button class=\"btn sm\" type=\"button\" data-tool=\"{name}\" aria-pressed=\"{pressed}\">{}{label} <kbd>{key}</kbd></button>",
            icon(glyph)
        )
    };
    let act = |name: &str, glyph: &str, label: &str| {
        format!(
            "<button class=\"btn sm icon\" type=\"button\" data-do=\"{name}\" aria-label=\"{label}\">{}</button>",
            icon(glyph)
        )
    };
    let word = |name: &str, glyph: &str, label: &str| {
        format!(
            "<button class=\"btn sm\" type=\"button\" data-do=\"{name}\">{}{label}</button>",
            icon(glyph)
        )
    };
    let number = |name: &str| {
        format!(
            "<label class=\"row tight\"><span class=\"hint\">{name}</span><input type=\"number\" name=\"{name}\" value=\"0\" min=\"0\" aria-label=\"{name} in pixels\"></label>"
        )
    };
    let _ = write!(
        out,
        "<section class=\"masker\" aria-labelledby=\"mk-h\" data-masker hidden>\n<header class=\"row between\"><h2 id=\"mk-h\" class=\"h3\">Mask of image 1 <span class=\"hint\">Paint what may change</span></h2><div class=\"row tight\"><span class=\"hint num\" data-cover aria-live=\"polite\">0 % of the picture</span><button class=\"btn sm\" type=\"button\" data-do=\"drop\">Without mask</button><button class=\"btn sm main\" type=\"button\" data-do=\"done\">Done</button></div></header>\n<div class=\"tools\" role=\"toolbar\" aria-label=\"Mask tools\" aria-controls=\"mk-c\"><span class=\"set\">{}{}{}</span><span class=\"size\"><label class=\"small nowrap\" for=\"mk-s\">Size</label><input id=\"mk-s\" type=\"range\" min=\"4\" max=\"400\" value=\"96\" data-size><output class=\"num small\" for=\"mk-s\" data-sizeout>96 px</output></span><span class=\"set\">{}{}{}{}</span><span class=\"set\">{}{}{}{}<label class=\"btn sm icon\"><input class=\"sr\" type=\"file\" accept=\"image/png\" data-load><span class=\"sr\">Load a mask file</span>{}</label></span></div>\n",
        tool("brush", "brush", "Brush", "B", true),
        tool("erase", "eraser", "Erase", "E", false),
        tool("rect", "square-dashed", "Rectangle", "R", false),
        act("undo", "undo-2", "Undo"),
        act("redo", "redo-2", "Redo"),
        word("invert", "contrast", "Invert"),
        word("clear", "trash-2", "Clear"),
        act("out", "zoom-out", "Zoom out"),
        act("in", "zoom-in", "Zoom in"),
        word("fit", "scan-search", "Whole picture"),
        act("save", "download", "Save the mask as PNG"),
        icon("upload"),
    );
    let _ = write!(
        out,
        "<div class=\"canvas\" data-view tabindex=\"0\" role=\"region\" aria-label=\"Picture to be masked\"><div class=\"sheet\" data-sheet><canvas id=\"mk-c\" tabindex=\"0\" role=\"application\" aria-label=\"Mask canvas\" aria-describedby=\"mk-help\"></canvas></div></div>\n<div class=\"under row between\"><form class=\"byrect\" data-rect aria-label=\"Mask by numbers\"><span class=\"small nowrap\">By numbers</span>{}{}{}{}<button class=\"btn sm\" type=\"submit\">Add</button></form><p class=\"hint\" id=\"mk-help\">Keys on the picture: arrows move (with Shift farther, with Ctrl painting), Space paints, <kbd>[</kbd> <kbd>]</kbd> size, <kbd>Ctrl Z</kbd> undo, + and - zoom; dragging with the middle button or two fingers moves it</p></div></section>\n",
        number("x"),
        number("y"),
        number("width"),
        number("height"),
    );
}

fn results(out: &mut String) {
    let button = |act: &str, glyph: &str, label: &str| {
        format!(
            "<button class=\"btn sm\" type=\"button\" data-act=\"{act}\">{}{label}</button>",
            icon(glyph)
        )
    };
    let _ = write!(
        out,
        "<section class=\"results\" aria-labelledby=\"rs-h\" data-results hidden><header class=\"row between\"><h2 id=\"rs-h\" class=\"h3\">Results</h2><div class=\"row tight\"><fieldset class=\"seg sm fit\"><legend class=\"sr\">Layout</legend><label><input type=\"radio\" name=\"lay\" value=\"side\" checked>Side by side</label><label><input type=\"radio\" name=\"lay\" value=\"slider\">Slider</label><label data-beforeafter hidden><input type=\"radio\" name=\"lay\" value=\"before\">Before and after</label></fieldset><label class=\"row tight small\"><span class=\"nowrap\">Zoom all</span><input type=\"range\" min=\"1\" max=\"8\" step=\"0.5\" value=\"1\" data-zoom></label></div></header>\n<div class=\"slide\" data-slide hidden></div><label class=\"slide-at small\" data-slideat hidden>Edge between them <input type=\"range\" min=\"0\" max=\"100\" value=\"50\"></label>\n<div class=\"res2\" data-list></div></section>\n<template data-result><figure class=\"plate partial\" aria-busy=\"true\"><div class=\"ph\" data-picture></div><div class=\"bar-p\" data-bar><svg viewBox=\"0 0 100 3\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect width=\"0\" height=\"3\"/></svg></div><figcaption class=\"label\"><span class=\"row between grow\"><span class=\"title\" data-title></span><span class=\"money\" data-money></span></span><span class=\"num full\" data-facts role=\"status\"></span><span class=\"full\" data-note></span><span class=\"row tight acts\" data-waiting><button class=\"btn sm\" type=\"button\" data-act=\"stop\">{}Stop waiting</button><span class=\"hint\">It goes on and is kept: history finds it.</span></span><span class=\"row tight acts\" data-done hidden>{}{}{}{}{}{}{}<span class=\"hint mono full\" data-request-id></span></span><details class=\"more full\" data-record hidden><summary>The request as it is on record</summary><div class=\"code\"><pre tabindex=\"0\" role=\"region\" aria-label=\"The request as it is on record\"><code></code></pre></div></details><span hidden>{}{}{}</span></figcaption></figure></template>\n",
        icon("square"),
        button("save", "download", "Save"),
        button("use", "corner-down-left", "Use as input"),
        button("same", "rotate-ccw", "Same settings"),
        button("seed", "plus", "Reuse the seed"),
        button("code", "code", "Code"),
        button("request", "list", "Request"),
        button("publish", "image-plus", "Publish"),
        // What scripts say of a result has its signs from here.
        icon("circle-check"),
        icon("triangle-alert"),
        icon("circle-x"),
    );
}

fn code(out: &mut String, grid: Option<Grid>) {
    let grid = grid.map_or_else(String::new, |grid| {
        let cost = grid.cost.map_or_else(
            || "not all of which can be made".to_owned(),
            |cost| format!("{} at most", words::price(cost)),
        );
        format!("{} × {} requests, {cost}", grid.models, grid.values)
    });
    let _ = write!(
        out,
        "<section class=\"ascode\" data-scripted hidden><div class=\"row between baseline\"><details class=\"more grow\"><summary>The same as code</summary><div class=\"code\"><pre tabindex=\"0\" role=\"region\" aria-label=\"The same request as code\"><code data-code></code></pre><div class=\"act\"><button class=\"btn sm bare\" type=\"button\" data-copy>{}<span>Copy</span></button></div></div></details><span class=\"row tight\"><button class=\"btn sm bare\" type=\"button\" data-link>{}<span>Link to these settings</span></button><button class=\"btn sm bare\" type=\"button\" data-preset>{}Save as preset</button></span></div>\n<details class=\"more\"><summary>Vary one parameter</summary><div class=\"duo\"><div class=\"field\"><label for=\"pg-vp\">Parameter</label><select id=\"pg-vp\" data-vary><option value=\"\">none</option></select></div><div class=\"field\"><label for=\"pg-vv\">Values <span class=\"hint\">with commas between</span></label><input id=\"pg-vv\" type=\"text\" data-values autocomplete=\"off\" placeholder=\"1, 2, 3\"></div></div><p class=\"hint\" data-grid data-live=\"grid\">{grid}</p></details>\n<details class=\"more\"><summary>Use an API key</summary><div class=\"field\"><label for=\"pg-key\">API key <span class=\"hint\">stays in this tab and goes to this host alone</span></label><input id=\"pg-key\" type=\"password\" class=\"mono\" autocomplete=\"one-time-code\" placeholder=\"pk_…\" data-key></div></details></section>\n",
        icon("copy"),
        icon("link"),
        icon("bookmark"),
    );
}

/// What was made on this device.
pub(super) const HISTORY: &str = "<aside class=\"pg-hist\" aria-labelledby=\"hs-h\" data-history hidden><h2 id=\"hs-h\" class=\"h3\">History</h2><p class=\"row between hint\"><span>On this device only</span><button class=\"btn sm bare\" type=\"button\" data-clear>Clear</button></p><ol role=\"list\" data-past></ol><h2 class=\"h3\">Presets</h2><ul role=\"list\" data-presets></ul></aside>\n";
