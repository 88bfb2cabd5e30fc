//! The fields of the services: what they take.

use crate::tables;
use serde::Deserialize;

/// Characters of a prompt.
const MAX_PROMPT_CHARS: usize = 10_000;

/// What a field takes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, bound(deserialize = "'de: 'static"))]
pub(super) enum Kind {
    /// At least one character.
    Prompt,
    /// May be empty.
    Text,
    /// Between these, inclusive.
    Number(f64, f64),
    /// The same, whole.
    Integer(f64, f64),
    #[serde(deserialize_with = "tables::list")]
    Choice(&'static [&'static str]),
}

/// One text field.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    #[serde(default)]
    pub(super) required: bool,
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
    use super::super::services;
    use super::*;

    fn field(path: &str, name: &str) -> Field {
        let service = services::find(path).unwrap_or_else(|_| panic!("{path} is in the table"));
        let field = service.fields.iter().find(|field| field.name == name);
        *field.expect("it has the field")
    }

    #[test]
    fn faults_begin_with_the_field() {
        for (name, good, bad) in [
            ("prompt", "a fox", ""),
            ("seed", "4294967294", "4294967295"),
            ("seed", "0", "1.5"),
            ("strength", "0.35", "1.01"),
            ("strength", "1", "NaN"),
            ("cfg_scale", "4", "much"),
            ("aspect_ratio", "9:21", "4:3"),
            ("style_preset", "3d-model", "3D-model"),
        ] {
            let field = field("generate/sd3", name);
            assert_eq!(field.fault(good), None, "{name}");
            let fault = field.fault(bad).expect("it is wrong");
            assert!(fault.starts_with(&format!("{name}: ")), "{fault}");
        }
        let negative = field("generate/core", "negative_prompt");
        assert_eq!(negative.fault(""), None);
        assert!(negative.fault(&"x".repeat(10_001)).is_some());
    }
}
