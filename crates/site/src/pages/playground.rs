//! `/playground`: one prompt at up to four models, with what each makes and costs told before.
//!
//! The form holds the fields of the API under their own names, so that it can be sent as it is; what chooses models and mode
//! are links, which carry the rest of the settings.

mod fields;
mod outcome;
mod rail;

use std::fmt::Write as _;

use planner::mode::Mode;
use planner::money::Micros;
use planner::view::ParameterView;

use crate::frame::{Page, Section};
use crate::html::{Html, escape, icon, money};
use crate::words;

pub use outcome::{Delivered, Outcome};

/// Models that are asked at once at the most.
pub const MODELS_MAX: usize = 4;
/// Values of one parameter that are asked for at once at the most.
pub const VALUES_MAX: usize = 12;

/// The modes of the page in the order of its tabs: mode, word in the URL, name.
pub const MODES: [(Mode, &str, &str); 3] = [
    (Mode::TextToImage, "generate", "Generate"),
    (Mode::ImageEdit, "edit", "Edit"),
    (Mode::Upscale, "upscale", "Upscale"),
];

/// The word of a mode in the URL.
#[must_use]
pub fn word(mode: Mode) -> &'static str {
    MODES
        .iter()
        .find(|(known, _, _)| *known == mode)
        .map_or("generate", |(_, word, _)| word)
}

/// A model that was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Chosen {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Path of its page.
    pub path: String,
    /// What it takes, over all modes.
    pub parameters: Vec<ParameterView>,
    /// What it can be asked.
    pub modes: Vec<Mode>,
    /// Most input images.
    pub inputs_max: u32,
    /// What this request would become there.
    pub quote: Quote,
    /// Half of its calls take longer, in milliseconds.
    pub usual_ms: Option<u64>,
}

impl Chosen {
    /// Whether it can be asked in a mode.
    #[must_use]
    pub fn serves(&self, mode: Mode) -> bool {
        self.modes.contains(&mode)
    }
}

/// What a request would become at a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Quote {
    /// What it would cost at the most.
    pub cost: Option<Micros>,
    /// The size that comes, in words.
    pub makes: Option<String>,
    /// Providers in the order in which they are tried.
    pub providers: Vec<String>,
    /// What is wrong with the request, or why none can be asked.
    pub faults: Vec<String>,
}

/// One parameter in several values at every model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// How many models.
    pub models: usize,
    /// How many values.
    pub values: usize,
    /// What all of it costs at the most; `None` where some of it cannot be made as it is.
    pub cost: Option<Micros>,
}

/// Who pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A visitor. `left` of the budget can be spent, where it is known.
    Visitor {
        /// Amount.
        left: Option<Micros>,
    },
    /// Somebody who signed in with a key.
    Key {
        /// The key's name.
        name: String,
        /// What it may still spend, where something bounds that.
        left: Option<Micros>,
    },
    /// Nobody yet: visitors need a key here.
    Nobody,
}

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Shown<'a> {
    /// The chosen models, one to [`MODELS_MAX`].
    pub chosen: Vec<Chosen>,
    /// Every model that can be called: id, name, modes.
    pub choices: Vec<(String, String, Vec<Mode>)>,
    /// What one parameter in several values costs, where that is asked.
    pub grid: Option<Grid>,
    /// What is asked of them.
    pub mode: Mode,
    /// The settings of the URL.
    pub values: &'a [(String, String)],
    /// Who pays.
    pub who: Who,
    /// The token of the session's forms.
    pub form_token: Option<&'a str>,
    /// What came of a form that was sent.
    pub outcome: Option<Outcome>,
    /// The installation's own address.
    pub address: &'a str,
}

impl Shown<'_> {
    /// The setting of that name.
    fn value(&self, name: &str) -> &str {
        self.values
            .iter()
            .find(|(own, _)| own == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// The page's path with these models and this mode, and with all settings.
    fn path(&self, models: &[&str], mode: Mode) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("models", &models.join(","));
        query.append_pair("mode", word(mode));
        for (name, value) in self.values {
            query.append_pair(name, value);
        }
        // Commas may stand in a query as they are.
        format!("/playground?{}", query.finish().replace("%2C", ","))
    }

    fn ids(&self) -> Vec<&str> {
        self.chosen.iter().map(|chosen| chosen.id.as_str()).collect()
    }
}

/// The page.
#[must_use]
pub fn page(shown: &Shown<'_>) -> Page {
    let mut out = String::from("<h1 class=\"sr\">Playground</h1>\n");
    let _ = write!(
        out,
        "<div class=\"pg\" data-playground data-mode=\"{}\">",
        word(shown.mode)
    );
    form(&mut out, shown);
    out.push_str(&rail::stage(shown).0);
    out.push_str(rail::HISTORY);
    out.push_str("</div>\n<div class=\"toasts\" role=\"status\" aria-live=\"polite\"></div>");
    Page {
        class: "p-pg",
        description: "Try up to four image models on one prompt, with the price before and after.".to_owned(),
        modules: &["playground.js"],
        ..Page::new(Section::Playground, "/playground", "Playground", Html(out))
    }
}

fn form(out: &mut String, shown: &Shown<'_>) {
    let is_generation = shown.mode == Mode::TextToImage;
    let mut action = url::form_urlencoded::Serializer::new(String::new());
    action.append_pair("models", &shown.ids().join(","));
    action.append_pair("mode", word(shown.mode));
    if let Some(token) = shown.form_token {
        action.append_pair("form_token", token);
    }
    let encoding = if is_generation {
        ""
    } else {
        " enctype=\"multipart/form-data\""
    };
    let _ = writeln!(
        out,
        "<form class=\"pg-form\" action=\"/playground?{}\" method=\"post\"{encoding} aria-label=\"Request\" data-request>",
        escape(&action.finish())
    );
    modes(out, shown);
    models(out, shown);
    if let Some(first) = shown.chosen.first() {
        let _ = write!(
            out,
            "<input type=\"hidden\" name=\"model\" value=\"{}\"><input type=\"hidden\" name=\"response_format\" value=\"url\">",
            escape(&first.id)
        );
    }
    out.push_str(&fields::all(shown).0);
    run(out, shown);
    out.push_str(
        "</form>\n<form id=\"pg-add\" action=\"/playground\" class=\"sr\" aria-label=\"Add a model\" hidden></form>\n",
    );
}

fn modes(out: &mut String, shown: &Shown<'_>) {
    out.push_str("<nav class=\"seg\" aria-label=\"Mode\" data-live=\"modes\">");
    for (mode, _, name) in MODES {
        let current = if mode == shown.mode {
            " aria-current=\"true\""
        } else {
            ""
        };
        let _ = write!(
            out,
            "<a href=\"{}\"{current} data-go>{name}</a>",
            escape(&shown.path(&shown.ids(), mode))
        );
    }
    out.push_str("</nav>\n");
}

/// The chosen models, each with its price, and the way to one more.
fn models(out: &mut String, shown: &Shown<'_>) {
    let ids = shown.ids();
    let _ = write!(
        out,
        "<div class=\"field\" data-live=\"models\"><span class=\"lbl\">Models <span class=\"hint\">{} of {MODELS_MAX}</span></span>\n<ul class=\"picked\" role=\"list\">",
        ids.len()
    );
    for chosen in &shown.chosen {
        let rest: Vec<&str> = ids.iter().copied().filter(|id| *id != chosen.id).collect();
        let _ = write!(
            out,
            "<li data-model=\"{}\" data-name=\"{}\" data-cost=\"{}\" data-usual=\"{}\"><span class=\"grow\"><a href=\"{}\"><b>{}</b></a> <span class=\"hint\">{}</span></span>{}",
            escape(&chosen.id),
            escape(&chosen.name),
            chosen.quote.cost.map_or(String::new(), |cost| cost.0.to_string()),
            chosen.usual_ms.map_or(String::new(), |ms| ms.to_string()),
            escape(&chosen.path),
            escape(&chosen.name),
            escape(&by(shown.mode, chosen)),
            chosen.quote.cost.map_or(Html::default(), money),
        );
        if !rest.is_empty() {
            let _ = write!(
                out,
                "<a class=\"btn bare icon sm\" href=\"{}\" data-go>{}<span class=\"sr\">Remove {}</span></a>",
                escape(&shown.path(&rest, shown.mode)),
                icon("x"),
                escape(&chosen.name)
            );
        }
        out.push_str("</li>");
    }
    out.push_str("</ul>\n");
    for chosen in &shown.chosen {
        for fault in &chosen.quote.faults {
            let _ = write!(
                out,
                "<p class=\"hint\"><b>{}</b>: {}</p>",
                escape(&chosen.name),
                escape(fault)
            );
        }
    }
    if ids.len() < MODELS_MAX {
        add(out, shown, &ids);
    }
    out.push_str("</div>\n");
}

/// Who would make it, in a few words.
fn by(mode: Mode, chosen: &Chosen) -> String {
    if !chosen.serves(mode) {
        return format!("cannot be asked to {}", word(mode));
    }
    match chosen.quote.providers.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first}, then {}", rest.join(", ")),
    }
}

fn add(out: &mut String, shown: &Shown<'_>, ids: &[&str]) {
    let mut options = String::new();
    for (id, name, modes) in &shown.choices {
        if ids.contains(&id.as_str()) || !modes.contains(&shown.mode) {
            continue;
        }
        let _ = write!(options, "<option value=\"{}\">{}</option>", escape(id), escape(name));
    }
    let _ = write!(
        out,
        "<div class=\"row tight\"><label class=\"sr\" for=\"pg-more\">One more model</label><select id=\"pg-more\" name=\"add\" form=\"pg-add\">{options}</select><button class=\"btn sm nowrap\" type=\"submit\" form=\"pg-add\" name=\"models\" value=\"{}\" data-add>{}Add</button></div>",
        escape(&ids.join(",")),
        icon("plus"),
    );
}

/// What it costs in all, what is left, and the one button.
fn run(out: &mut String, shown: &Shown<'_>) {
    let total: i64 = shown
        .chosen
        .iter()
        .filter_map(|chosen| chosen.quote.cost)
        .map(|cost| cost.0)
        .sum();
    let n: usize = shown.value("n").parse().unwrap_or(1);
    let pictures = words::count(n * shown.chosen.len(), "image");
    let left = match &shown.who {
        Who::Visitor { left: Some(left) } => format!("; {} left for you today", words::price(*left)),
        Who::Visitor { left: None } => "; without a key, from the budget for visitors".to_owned(),
        Who::Key { name, left } => {
            let left = left.map_or_else(String::new, |left| format!(", {} left", words::price(left)));
            format!("; paid by the key “{}”{left}", escape(name))
        }
        Who::Nobody => "; it takes a key or a sign-in".to_owned(),
    };
    let _ = writeln!(
        out,
        "<div class=\"run\"><div class=\"grow\" data-live=\"price\"><p class=\"num strong\">{} at most</p><p class=\"hint num\" data-left>{pictures}<span data-payer>{left}</span></p></div><button class=\"btn main big\" type=\"submit\">{} <kbd>Ctrl ↵</kbd></button></div>",
        money(Micros(total)),
        MODES
            .iter()
            .find(|(mode, _, _)| *mode == shown.mode)
            .map_or("Generate", |(_, _, name)| name),
    );
}
