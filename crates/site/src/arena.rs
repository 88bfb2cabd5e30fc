//! What the pages of the arena have in common: ratings, records, pictures on show.

use planner::money::Micros;

use crate::html::{Html, escape};
use crate::words;

/// A rating with its bounds, in Elo points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rated {
    /// The estimate.
    pub rating: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// The ranks that a model may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranked {
    /// Its place.
    pub rank: usize,
    /// The best place that it may hold.
    pub best: usize,
    /// The worst.
    pub worst: usize,
    /// Of how many.
    pub of: usize,
}

impl Ranked {
    /// `1–3`, or `2` where there is no doubt.
    #[must_use]
    pub fn range(self) -> String {
        if self.best == self.worst {
            self.best.to_string()
        } else {
            format!("{}–{}", self.best, self.worst)
        }
    }
}

/// Votes for, against and for neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tallied {
    /// For it.
    pub won: u64,
    /// Against it.
    pub lost: u64,
    /// Both will do.
    pub as_good: u64,
    /// None will do.
    pub both_bad: u64,
}

impl Tallied {
    /// All of them.
    #[must_use]
    pub const fn votes(self) -> u64 {
        self.won + self.lost + self.as_good + self.both_bad
    }

    /// For neither.
    #[must_use]
    pub const fn tied(self) -> u64 {
        self.as_good + self.both_bad
    }

    /// `won 19, tied 4, lost 16`.
    #[must_use]
    pub fn told(self) -> String {
        format!("won {}, tied {}, lost {}", self.won, self.tied(), self.lost)
    }

    /// The share of votes for it, without those for neither: `54 %`.
    #[must_use]
    pub fn share(self) -> String {
        let whole = self.won + self.lost;
        if whole == 0 {
            return "none".to_owned();
        }
        format!("{} %", (self.won * 100 + whole / 2) / whole)
    }
}

/// A picture on show.
#[derive(Debug, Clone, PartialEq)]
pub struct Exhibit {
    /// Where its file is.
    pub path: String,
    /// Where it is told of by itself.
    pub page: String,
    /// Width in pixels.
    pub width_px: u32,
    /// Height in pixels.
    pub height_px: u32,
    /// Path of the model's page, and the model's name.
    pub model: (String, String),
    /// The provider's name.
    pub provider: String,
    /// What was asked.
    pub prompt: String,
    /// What it cost.
    pub cost: Option<Micros>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// The name of its competition.
    pub competition: Option<String>,
    /// Where the same can be asked again.
    pub again: Option<String>,
    /// Whether the sandbox drew it.
    pub sandbox: bool,
}

/// A picture that is seen beside another: where its file is, what it is, its width and its height in pixels.
pub type Seen<'a> = (&'a str, String, u32, u32);

/// Two pictures over each other, with an edge that moves between them and one zoom for both. Without scripts each is seen
/// by half; both have a place of their own besides.
#[must_use]
pub fn closer(title: &str, pictures: [Seen<'_>; 2]) -> String {
    // The first lies over the second, and is seen left of the edge.
    let [(second, second_alt, width, height), (first, first_alt, ..)] = pictures;
    format!(
        "<div class=\"closer\" data-closer role=\"group\" aria-label=\"{title}\"><div class=\"slide\"><img src=\"{first}\" alt=\"{}\" width=\"{width}\" height=\"{height}\" loading=\"lazy\" decoding=\"async\"><img class=\"top-img\" src=\"{second}\" alt=\"{}\" width=\"{width}\" height=\"{height}\" loading=\"lazy\" decoding=\"async\"></div><label class=\"slide-at small\" data-scripted hidden><span class=\"nowrap\">Edge between them</span> <input type=\"range\" min=\"0\" max=\"100\" value=\"50\" data-edge></label><label class=\"slide-at small\" data-scripted hidden><span class=\"nowrap\">Zoom both</span> <input type=\"range\" min=\"1\" max=\"8\" step=\"0.5\" value=\"1\" data-zoomer></label></div>",
        escape(&first_alt),
        escape(&second_alt),
    )
}

/// What a model of the operator's says of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    /// The model.
    pub judge: String,
    /// What speaks for the picture.
    pub plus: Vec<String>,
    /// What speaks against it.
    pub minus: Vec<String>,
}

impl Opinion {
    /// The points, and that they are a machine's.
    #[must_use]
    pub fn section(&self) -> Html {
        let mut out = format!(
            "<section class=\"opinion\"><h2 class=\"h4\">A machine’s opinion</h2><p class=\"hint\">By {}, which the operator asked. It is no vote, and counts for nothing.</p>",
            escape(&self.judge)
        );
        for (sign, word, points) in [("plus", "for it", &self.plus), ("minus", "against it", &self.minus)] {
            if points.is_empty() {
                continue;
            }
            out.push_str(&format!(
                "<ul class=\"points {sign}\" aria-label=\"What speaks {word}\">"
            ));
            for point in points {
                out.push_str(&format!("<li>{}</li>", escape(point)));
            }
            out.push_str("</ul>");
        }
        out.push_str("</section>");
        Html(out)
    }
}

impl Exhibit {
    /// The picture as one of two.
    #[must_use]
    pub fn seen(&self) -> Seen<'_> {
        (
            &self.path,
            format!("“{}”, by {}", self.prompt, self.model.1),
            self.width_px,
            self.height_px,
        )
    }

    /// The picture with its label, as the gallery hangs it. `whole` tells the model too.
    #[must_use]
    pub fn figure(&self, whole: bool, is_lazy: bool) -> Html {
        let drawn = if self.sandbox { "Sandbox picture: " } else { "" };
        let lazy = if is_lazy { " loading=\"lazy\"" } else { "" };
        let mut out = format!(
            "<figure class=\"plate\"><a href=\"{page}\"><img src=\"{path}\" alt=\"{drawn}{}\" width=\"{}\" height=\"{}\"{lazy} decoding=\"async\"></a><figcaption class=\"label\">",
            escape(&self.prompt),
            self.width_px,
            self.height_px,
            path = self.path,
            page = self.page,
        );
        let paid = self.cost.map(|cost| paid(cost).0).unwrap_or_default();
        if whole {
            out.push_str(&format!(
                "<span class=\"row between grow\"><span class=\"title\"><a href=\"{}\">{}</a></span>{paid}</span>",
                self.model.0,
                escape(&self.model.1)
            ));
        }
        out.push_str(&format!("<span class=\"q\">“{}”</span>", escape(&self.prompt)));
        let mut facts = vec![format!("{} × {}", self.width_px, self.height_px), self.provider.clone()];
        facts.extend(self.competition.clone());
        facts.extend(self.duration_ms.map(words::duration));
        out.push_str(&format!(
            "<span class=\"num grow\">{}</span>",
            escape(&facts.join(", "))
        ));
        if !whole {
            out.push_str(&paid);
        }
        if let Some(again) = &self.again {
            out.push_str(&format!(
                "<a class=\"small\" href=\"{}\">Use settings</a>",
                escape(again)
            ));
        }
        out.push_str("</figcaption></figure>");
        Html(out)
    }
}

/// What was charged.
#[must_use]
pub fn paid(price: Micros) -> Html {
    if price == Micros::ZERO {
        return crate::html::money(price);
    }
    Html(format!(
        "<span class=\"money paid\">{}<span class=\"sr\"> charged</span></span>",
        words::price(price)
    ))
}

/// The note that votes are about pictures of the sandbox.
pub(crate) const SANDBOX_NOTE: &str = "<div class=\"banner info\" role=\"note\"><svg class=\"i\" aria-hidden=\"true\"><use href=\"#info\"/></svg><div><b>Sandbox votes.</b> They are about pictures that Pictor drew itself, or nobody’s at all. They show how the board works and say nothing about the models. <a href=\"/docs/arena\">Run a competition of your own</a></div></div>\n";
