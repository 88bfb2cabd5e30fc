//! A broken file is reported with its name, line and key.

#[path = "mistakes/texts.rs"]
mod texts;

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
            "provider = \"fal\"",
            "provider = \"xyz\"",
            "offers.[1].provider",
            0,
            "unknown provider 'xyz'",
        ),
        (
            "featured = true",
            "glitter = true",
            "glitter",
            0,
            "unknown key 'glitter'; legal: 'id', 'name', 'description'",
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
            "unknown key 'sunste'; did you mean 'sunset'?",
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
        ("family = \"gpt-image\"", "family = ", "family", 0, "value"),
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

/// Breaks the file in each way and compares the one mistake in it: its line is the broken one.
fn compare(cases: &[(&str, &str, &str, &str)]) {
    for (line, instead, key, message) in cases {
        let (mistakes, at) = broken(line, instead);
        let ours: Vec<Mistake> = mistakes.into_iter().filter(|mistake| mistake.file == FILE).collect();
        let expected = Mistake {
            file: FILE.to_owned(),
            line: at,
            key: (*key).to_owned(),
            message: (*message).to_owned(),
        };
        assert_eq!(ours, [expected], "{instead}");
    }
}

#[test]
fn a_name_that_nothing_has_comes_with_the_one_that_was_meant() {
    // Line, what stands there instead, key, message.
    compare(&[
        (
            "sunset = \"2026-12-01\"",
            "sunste = \"2026-12-01\"",
            "offers.[0].sunste",
            "unknown key 'sunste'; did you mean 'sunset'?",
        ),
        (
            "featured = true",
            "feature = true",
            "feature",
            "unknown key 'feature'; did you mean 'featured'?",
        ),
        (
            "max_px = 1536",
            "maxpx = 1536",
            "exact_range.maxpx",
            "unknown key 'maxpx'; did you mean 'max_px'? Legal: 'min_px', 'max_px'",
        ),
        (
            "max_px = 1536",
            "glitter = 1536",
            "exact_range.glitter",
            "unknown key 'glitter'; legal: 'min_px', 'max_px'",
        ),
        (
            "[offers.modes.text-to-image]",
            "[offers.modes.text-to-imag]",
            "offers.[0].modes.text-to-imag",
            "unknown value 'text-to-imag'; did you mean 'text-to-image'? \
             Legal: 'text-to-image', 'image-edit', 'upscale'",
        ),
        (
            "[offers.modes.text-to-image]",
            "[offers.modes.text_to_image]",
            "offers.[0].modes.text_to_image",
            "unknown value 'text_to_image'; did you mean 'text-to-image'? \
             Legal: 'text-to-image', 'image-edit', 'upscale'",
        ),
        (
            "[offers.modes.text-to-image]",
            "[offers.modes.painting]",
            "offers.[0].modes.painting",
            "unknown value 'painting'; legal: 'text-to-image', 'image-edit', 'upscale'",
        ),
        (
            "[offers.common]",
            "[offers.comon]",
            "offers.[0].comon",
            "unknown key 'comon'; did you mean 'common'?",
        ),
        (
            "[prose]",
            "[prosa]",
            "prosa",
            "unknown key 'prosa'; did you mean 'prose'?",
        ),
        (
            "default_format = \"png\"",
            "default_format = \"pgn\"",
            "offers.[0].common.default_format",
            "unknown value 'pgn'; did you mean 'png'?",
        ),
        (
            "size = { form = \"wxh\" }",
            "size = { form = \"wxhh\" }",
            "offers.[0].common.fields.size.form",
            "unknown value 'wxhh'; did you mean 'wxh'?",
        ),
        (
            "size = { form = \"wxh\" }",
            "size = { frm = \"wxh\" }",
            "offers.[0].common.fields.size.frm",
            "unknown key 'frm'; did you mean 'form'?",
        ),
        (
            "moderation = { values = [\"low\", \"auto\"], default = \"auto\" }",
            "moderatoin = { values = [\"low\", \"auto\"], default = \"auto\" }",
            "offers.[0].common.fields.moderatoin",
            "'moderatoin' is not a parameter; did you mean 'moderation'? \
             If not, declare it under [parameters.moderatoin]",
        ),
        (
            "inputs = { max = 16, formats = [\"png\", \"webp\", \"jpeg\"], plain_only = true, max_bytes = 52_428_800, mask = \"alpha\" }",
            "inputs = { max = 16, formats = [\"png\", \"webp\", \"jpg\"], mask = \"alhpa\" }",
            "offers.[0].modes.image-edit.inputs.formats.[2]",
            "unknown value 'jpg'; did you mean 'jpeg'?",
        ),
    ]);
}

#[test]
fn a_mistake_inside_a_list_of_tables_is_told_with_its_key() {
    const COMPONENT: &str =
        r#"  { type = "output", metric = "image", unit_price = "0.009", quality = ["low"], size = ["1024x1024"] },"#;
    // Part of the line, what stands there instead, key below the list, message.
    for (part, instead, key, message) in [
        (
            "unit_price",
            "unit_prize",
            ".[0].unit_prize",
            "unknown key 'unit_prize'; did you mean 'unit_price'?",
        ),
        (
            "\"output\"",
            "\"outptu\"",
            ".[0].type",
            "unknown value 'outptu'; did you mean 'output'? Legal: 'input', 'output'",
        ),
        (
            "\"0.009\"",
            "0.009",
            ".[0].unit_price",
            "invalid type: floating point `0.009`, expected a string",
        ),
        (
            "0.009\"",
            "0.009",
            "",
            "this line has an odd number of quotes: one is missing",
        ),
        (" },", "", ".[0]", "the `}` that closes this table is missing"),
    ] {
        let key = format!("offers.[0].pricing.components{key}");
        compare(&[(COMPONENT, &COMPONENT.replace(part, instead), &key, message)]);
    }
}

#[test]
fn all_mistakes_are_told_together() {
    let mut sources = sources();
    let first = ["gpt-image-1-mini", "gpt-image-1.5", "gpt-image-1", "gpt-image-2"];
    let expected = first.map(|id| format!("models/openai/{id}.toml"));
    for (name, text) in &mut sources {
        if expected.contains(name) {
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
