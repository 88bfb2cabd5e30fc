//! The fields of the services: which there are, and what they take.

/// Characters of a prompt.
const MAX_PROMPT_CHARS: usize = 10_000;
/// Seeds; 0 is a random one.
const MAX_SEED: f64 = 4_294_967_294.0;
const RATIOS: &[&str] = &["21:9", "16:9", "3:2", "5:4", "1:1", "4:5", "2:3", "9:16", "9:21"];
const FORMATS: &[&str] = &["jpeg", "png", "webp"];
const STYLES: &[&str] = &[
    "enhance",
    "anime",
    "photographic",
    "digital-art",
    "comic-book",
    "fantasy-art",
    "line-art",
    "analog-film",
    "neon-punk",
    "isometric",
    "low-poly",
    "origami",
    "modeling-compound",
    "cinematic",
    "3d-model",
    "pixel-art",
    "tile-texture",
];
/// The models behind `generate/sd3`.
pub(super) const SD3_MODELS: &[&str] = &["sd3.5-large", "sd3.5-large-turbo", "sd3.5-medium", "sd3.5-flash"];

/// What a field takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// At least one character.
    Prompt,
    /// May be empty.
    Text,
    /// Between these, inclusive.
    Number(f64, f64),
    /// The same, whole.
    Integer(f64, f64),
    Choice(&'static [&'static str]),
}

/// One text field.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
}

const fn optional(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: false,
    }
}

const fn required(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: true,
    }
}

pub(super) const PROMPT: Field = required("prompt", Kind::Prompt);
pub(super) const HINT: Field = optional("prompt", Kind::Text);
pub(super) const SEARCH: Field = required("search_prompt", Kind::Prompt);
pub(super) const SELECT: Field = required("select_prompt", Kind::Prompt);
pub(super) const NEGATIVE: Field = optional("negative_prompt", Kind::Text);
pub(super) const RATIO: Field = optional("aspect_ratio", Kind::Choice(RATIOS));
pub(super) const SEED: Field = optional("seed", Kind::Integer(0.0, MAX_SEED));
pub(super) const FORMAT: Field = optional("output_format", Kind::Choice(FORMATS));
pub(super) const STYLE: Field = optional("style_preset", Kind::Choice(STYLES));
pub(super) const STRENGTH: Field = optional("strength", Kind::Number(0.0, 1.0));
pub(super) const CFG: Field = optional("cfg_scale", Kind::Number(1.0, 10.0));
pub(super) const MODE: Field = optional("mode", Kind::Choice(&["text-to-image", "image-to-image"]));
pub(super) const MODEL: Field = optional("model", Kind::Choice(SD3_MODELS));
pub(super) const LEFT: Field = optional("left", Kind::Integer(0.0, 2_000.0));
pub(super) const RIGHT: Field = optional("right", Kind::Integer(0.0, 2_000.0));
pub(super) const UP: Field = optional("up", Kind::Integer(0.0, 2_000.0));
pub(super) const DOWN: Field = optional("down", Kind::Integer(0.0, 2_000.0));

/// How much may be invented, within a service's own bounds.
pub(super) const fn creativity(least: f64, most: f64) -> Field {
    optional("creativity", Kind::Number(least, most))
}

/// By how many pixels a mask grows, up to a service's own bound.
pub(super) const fn grow_mask(most: f64) -> Field {
    optional("grow_mask", Kind::Number(0.0, most))
}

impl Field {
    /// What is wrong with a value, in the words of the service.
    pub(super) fn fault(&self, text: &str) -> Option<String> {
        let name = self.name;
        let number = |least: f64, most: f64| match text.parse::<f64>() {
            Ok(number) if number.is_finite() && (least..=most).contains(&number) => None,
            Ok(_) => Some(format!("{name}: must be between {least} and {most}")),
            Err(_) => Some(format!("{name}: must be a number")),
        };
        match self.kind {
            Kind::Prompt if text.is_empty() => Some(format!("{name}: cannot be blank")),
            Kind::Prompt | Kind::Text if text.chars().count() > MAX_PROMPT_CHARS => {
                Some(format!("{name}: cannot exceed {MAX_PROMPT_CHARS} characters"))
            }
            Kind::Prompt | Kind::Text => None,
            Kind::Number(least, most) => number(least, most),
            Kind::Integer(least, most) => number(least, most).or_else(|| {
                let whole = text.parse::<f64>().is_ok_and(|number| number.fract() == 0.0);
                (!whole).then(|| format!("{name}: must be a whole number"))
            }),
            Kind::Choice(listed) if listed.contains(&text) => None,
            Kind::Choice(listed) => Some(format!("{name}: must be one of {}", listed.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_begin_with_the_field() {
        for (field, good, bad) in [
            (PROMPT, "a fox", ""),
            (SEED, "4294967294", "4294967295"),
            (SEED, "0", "1.5"),
            (STRENGTH, "0.35", "1.01"),
            (STRENGTH, "1", "NaN"),
            (CFG, "4", "much"),
            (RATIO, "9:21", "4:3"),
            (STYLE, "3d-model", "3D-model"),
        ] {
            assert_eq!(field.fault(good), None, "{}", field.name);
            let fault = field.fault(bad).expect("it is wrong");
            assert!(fault.starts_with(&format!("{}: ", field.name)), "{fault}");
        }
        assert_eq!(NEGATIVE.fault(""), None);
        assert!(NEGATIVE.fault(&"x".repeat(10_001)).is_some());
    }
}
