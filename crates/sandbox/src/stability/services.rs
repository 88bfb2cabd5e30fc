//! The services: their fields, the images they take, what they cost, and how large their pictures are.

use super::errors;
use super::fields::{
    CFG, DOWN, FORMAT, Field, HINT, LEFT, MODE, MODEL, NEGATIVE, PROMPT, RATIO, RIGHT, SD3_MODELS, SEARCH, SEED,
    SELECT, STRENGTH, STYLE, UP, creativity, grow_mask,
};
use crate::refused::Refused;
use crate::strangers::Strangers;

/// What comes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A picture with about the area of a square of this edge, in pixels.
    Drawn(u32),
    /// A picture of the input's size.
    Repainted,
    /// The input with a border.
    Extended,
    /// The input with each edge so many times as long.
    Multiplied(u32),
    /// The input at about four megapixels.
    Enlarged,
}

/// Whether a service takes an input image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    None,
    /// Then with a strength.
    Optional,
    Required,
    /// If there is one, and a mask, too.
    Any,
    /// Beside a mask, if one is sent.
    Masked,
}

/// One service.
#[derive(Debug)]
pub(super) struct Service {
    /// Below `stable-image/`.
    pub(super) path: &'static str,
    pub(super) fields: &'static [Field],
    pub(super) input: Input,
    /// Pixels of the input image, least and most.
    pub(super) pixels: (u64, u64),
    /// Whether the input may be at most 2.5 times as long as wide, or as wide as long.
    pub(super) bounded_ratio: bool,
    pub(super) outcome: Outcome,
    /// Tenths of a credit; `generate/sd3` has a price for each model.
    tenths: i64,
    /// Whether it answers with the id of a job.
    pub(super) deferred: bool,
}

/// Bounds of most input images, in pixels.
const USUAL_PIXELS: (u64, u64) = (4_096, 9_437_184);
/// Bounds where only small images are taken.
const SMALL_PIXELS: (u64, u64) = (4_096, 1_048_576);

const PLAIN: Service = Service {
    path: "",
    fields: &[],
    input: Input::Required,
    pixels: USUAL_PIXELS,
    bounded_ratio: false,
    outcome: Outcome::Repainted,
    tenths: 50,
    deferred: false,
};

/// What stands in for a service that is not here.
fn stand_in(path: &'static str) -> Service {
    Service {
        path,
        fields: &[HINT, NEGATIVE, RATIO, SEED, FORMAT, STRENGTH, STYLE, CFG, MODE, MODEL],
        input: Input::Any,
        outcome: Outcome::Drawn(1_024),
        ..PLAIN
    }
}

static STRANGERS: Strangers<Service> = Strangers::new();
/// Of models that a service does not have; it makes no difference to its work.
static STRANGE_MODELS: Strangers<()> = Strangers::new();

/// Every service, with its price as the documentation gives it.
pub(super) const SERVICES: &[Service] = &[
    Service {
        path: "generate/ultra",
        fields: &[PROMPT, NEGATIVE, RATIO, SEED, FORMAT, STRENGTH, STYLE],
        input: Input::Optional,
        outcome: Outcome::Drawn(1_024),
        tenths: 80,
        ..PLAIN
    },
    Service {
        path: "generate/core",
        fields: &[PROMPT, NEGATIVE, RATIO, SEED, FORMAT, STYLE],
        input: Input::None,
        outcome: Outcome::Drawn(1_536),
        tenths: 30,
        ..PLAIN
    },
    Service {
        path: "generate/sd3",
        fields: &[PROMPT, NEGATIVE, RATIO, SEED, FORMAT, STRENGTH, STYLE, CFG, MODE, MODEL],
        input: Input::Optional,
        outcome: Outcome::Drawn(1_024),
        tenths: 65,
        ..PLAIN
    },
    Service {
        path: "upscale/fast",
        fields: &[FORMAT],
        pixels: (1_024, 1_048_576),
        outcome: Outcome::Multiplied(4),
        tenths: 20,
        ..PLAIN
    },
    Service {
        path: "upscale/conservative",
        fields: &[PROMPT, NEGATIVE, SEED, FORMAT, creativity(0.2, 0.5)],
        bounded_ratio: true,
        outcome: Outcome::Enlarged,
        tenths: 400,
        ..PLAIN
    },
    Service {
        path: "upscale/creative",
        fields: &[PROMPT, NEGATIVE, SEED, FORMAT, STYLE, creativity(0.1, 0.5)],
        pixels: SMALL_PIXELS,
        outcome: Outcome::Enlarged,
        tenths: 600,
        deferred: true,
        ..PLAIN
    },
    Service {
        path: "edit/erase",
        fields: &[SEED, FORMAT, grow_mask(20.0)],
        input: Input::Masked,
        ..PLAIN
    },
    Service {
        path: "edit/inpaint",
        fields: &[PROMPT, NEGATIVE, SEED, FORMAT, STYLE, grow_mask(100.0)],
        input: Input::Masked,
        ..PLAIN
    },
    Service {
        path: "edit/outpaint",
        fields: &[HINT, SEED, FORMAT, STYLE, LEFT, RIGHT, UP, DOWN, creativity(0.0, 1.0)],
        bounded_ratio: true,
        outcome: Outcome::Extended,
        tenths: 40,
        ..PLAIN
    },
    Service {
        path: "edit/search-and-replace",
        fields: &[PROMPT, SEARCH, NEGATIVE, SEED, FORMAT, STYLE, grow_mask(20.0)],
        bounded_ratio: true,
        ..PLAIN
    },
    Service {
        path: "edit/search-and-recolor",
        fields: &[PROMPT, SELECT, NEGATIVE, SEED, FORMAT, STYLE, grow_mask(20.0)],
        bounded_ratio: true,
        ..PLAIN
    },
];

/// The service of a path.
pub(super) fn find(path: &str) -> Result<&'static Service, Refused> {
    let known = SERVICES.iter().find(|service| service.path == path);
    known
        .or_else(|| STRANGERS.serve(path, stand_in))
        .ok_or_else(errors::not_found)
}

impl Service {
    /// How bills, faults and the log name it: by its path, or by the model where it has several.
    pub(super) fn label(&self, model: Option<&str>) -> String {
        if self.has("model") {
            let model = model.unwrap_or("sd3.5-large");
            if !SD3_MODELS.contains(&model) {
                STRANGE_MODELS.serve(model, |_| ());
            }
            return model.to_owned();
        }
        format!("stable-image/{}", self.path)
    }

    /// Whether there is such a field.
    pub(super) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name)
    }

    /// What it costs, USD 1e-6: a credit is a cent.
    pub(super) fn micros(&self, label: &str) -> i64 {
        let tenths = match label {
            "sd3.5-large-turbo" => 40,
            "sd3.5-medium" => 35,
            "sd3.5-flash" => 25,
            _ => self.tenths,
        };
        tenths * 1_000
    }
}
