//! A broken file is reported with its name, line and key.

use planner::catalog::load::{Mistake, load};

use crate::folder::sources;

const FILE: &str = "models/openai/gpt-image-1.5.toml";

/// The mistakes of the folder after one change of one line of a model's file, and the number of that line.
fn broken(line: &str, instead: &str) -> (Vec<Mistake>, usize) {
    let mut sources = sources();
    let (_, text) = sources
        .iter_mut()
        .find(|(name, _)| name == FILE)
        .expect("the model's file");
    let at = text
        .lines()
        .position(|other| other == line)
        .unwrap_or_else(|| panic!("no line {line}"));
    let lines: Vec<&str> = text
        .lines()
        .enumerate()
        .map(|(index, other)| if index == at { instead } else { other })
        .collect();
    *text = lines.join("\n");
    let borrowed: Vec<(&str, &str)> = sources
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    (load(&borrowed).expect_err("it has a mistake"), at + 1)
}

#[test]
fn every_mistake_names_its_file_line_and_key() {
    // Line, what stands there instead, key, how many lines below the first one, part of the message.
    let cases = [
        (
            "provider = \"fal\"",
            "provider = \"fall\"",
            "offers.[1].provider",
            0,
            "unknown provider 'fall'; did you mean 'fal'?",
        ),
        (
            "successor = \"gpt-image-2\"",
            "successor = \"gpt-image-3\"",
            "successor",
            0,
            "unknown model 'gpt-image-3'; did you mean",
        ),
        (
            "n = {}",
            "sparkle = {}",
            "offers.[0].common.fields.sparkle",
            0,
            "'sparkle' is not a parameter",
        ),
        (
            "user = {}",
            "user = { to = \"n\" }",
            "offers.[0].common.fields.user",
            0,
            "'n' is already sent as 'n'",
        ),
        (
            "sunset = \"2026-12-01\"",
            "sunset = \"2026-13-01\"",
            "offers.[0].sunset",
            0,
            "month",
        ),
        (
            "sunset = \"2026-12-01\"",
            "sunste = \"2026-12-01\"",
            "offers.[0].sunste",
            0,
            "unknown field `sunste`",
        ),
        ("featured = true", "featured = \"yes\"", "featured", 0, "invalid type"),
        ("min_px = 1024", "min_px = -1", "exact_range.min_px", 0, "invalid value"),
        (
            "n = {}",
            "n = {}\nimage = {}",
            "offers.[0].common.fields.image",
            1,
            "are for image and mask",
        ),
        (
            "auto_quality = \"high\"",
            "auto_quality = \"best\"",
            "offers.[0].pricing.auto_quality",
            0,
            "no quality 'best'",
        ),
        (
            "as_of = \"2026-07-24\"",
            "as_of = \"last July\"",
            "offers.[0].pricing.as_of",
            0,
            "",
        ),
        (
            "sizes = { listed = [\"1024x1024\", \"1536x1024\", \"1024x1536\"], auto = true }",
            "sizes = { listed = [\"1024\"] }",
            "offers.[0].common.sizes.listed",
            0,
            "",
        ),
        (
            "  { type = \"output\", metric = \"image\", unit_price = \"0.009\", quality = [\"low\"], size = [\"1024x1024\"] },",
            "  { type = \"output\", metric = \"image\", unit_price = \"-1\" },",
            "offers.[0].pricing.components.[0]",
            0,
            "a price is not negative",
        ),
        (
            "aliases = [\"gpt-image-1.5-2025-12-16\"]",
            "aliases = [\"gpt-image-2\"]",
            "aliases.[0]",
            0,
            "already names the model",
        ),
        ("family = \"gpt-image\"", "family = ", "", 0, ""),
    ];
    for (line, instead, key, below, message) in cases {
        let (mistakes, at) = broken(line, instead);
        let ours: Vec<&Mistake> = mistakes.iter().filter(|mistake| mistake.file == FILE).collect();
        let [mistake] = ours[..] else {
            panic!("{instead}: {ours:#?}")
        };
        assert_eq!(
            (mistake.line, mistake.key.as_str()),
            (at + below, key),
            "{instead}: {mistake}"
        );
        assert!(mistake.message.contains(message), "{instead}: {mistake}");
    }
}

#[test]
fn all_mistakes_are_told_together() {
    let mut sources = sources();
    for (name, text) in &mut sources {
        if name.starts_with("models/openai/gpt-image") {
            *text = text.replace("provider = \"fal\"", "provider = \"fla\"");
        }
    }
    let borrowed: Vec<(&str, &str)> = sources
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let files: Vec<String> = load(&borrowed)
        .expect_err("four mistakes")
        .into_iter()
        .map(|mistake| mistake.file)
        .collect();
    let expected = ["gpt-image-1-mini", "gpt-image-1.5", "gpt-image-1", "gpt-image-2"]
        .map(|id| format!("models/openai/{id}.toml"));
    assert_eq!(files, expected);
}

#[test]
fn a_later_file_takes_the_place_of_an_earlier_one() {
    let mut sources = sources();
    let (_, text) = sources.iter().find(|(name, _)| name == FILE).expect("the model's file");
    let own = text.replace("name = \"GPT Image 1.5\"", "name = \"Ours\"");
    sources.push(("models/ours.toml".to_owned(), own));
    let borrowed: Vec<(&str, &str)> = sources
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let catalog = load(&borrowed).expect("no mistake");
    assert_eq!(
        catalog.model("gpt-image-1.5").map(|model| model.name.as_str()),
        Some("Ours")
    );
}
