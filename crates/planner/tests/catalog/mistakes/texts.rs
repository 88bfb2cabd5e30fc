//! Texts that are no TOML, or no whole one.

use super::{FILE, broken, compare};
use crate::folder::sources;
use planner::catalog::load::load;

#[test]
fn what_is_no_toml_is_told_in_plain_words() {
    // Line, what stands there instead, key, message.
    compare(&[
        (
            "family = \"gpt-image\"",
            "family = \"gpt-image",
            "family",
            "the closing \" is missing",
        ),
        (
            "family = \"gpt-image\"",
            "family = gpt-image\"",
            "family",
            "the opening \" is missing",
        ),
        (
            "family = \"gpt-image\"",
            "family = gpt-image",
            "family",
            "a text stands in quotes: \"gpt-image\"",
        ),
        (
            "family = \"gpt-image\"",
            "family = flux",
            "family",
            "a text stands in quotes: \"flux\"",
        ),
        (
            "family = \"gpt-image\"",
            "family = nano",
            "family",
            "a text stands in quotes: \"nano\"",
        ),
        (
            "family = \"gpt-image\"",
            "family = ",
            "family",
            "the value after `=` is missing",
        ),
        (
            "family = \"gpt-image\"",
            "family \"gpt-image\"",
            "family",
            "the `=` after the key is missing",
        ),
        (
            "family = \"gpt-image\"",
            "family: \"gpt-image\"",
            "family",
            "a key takes its value by `=`, not by `:`",
        ),
        (
            "family = \"gpt-image\"",
            "family",
            "family",
            "the key has no value: `=` and the value are missing",
        ),
        (
            "family = \"gpt-image\"",
            "the family = \"gpt-image\"",
            "the",
            "a key has no spaces",
        ),
        (
            "family = \"gpt-image\"",
            "family = \"gpt-image\",",
            "family",
            "no comma stands at the end of a line",
        ),
        (
            "family = \"gpt-image\"",
            "family = \"gpt-image\" // a family",
            "family",
            "a comment begins with #",
        ),
        ("family = \"gpt-image\"", "// a family", "", "a comment begins with #"),
        (
            "family = \"gpt-image\"",
            "family = 'gpt-image",
            "family",
            "the closing ' is missing",
        ),
        (
            "family = \"gpt-image\"",
            "family = “gpt-image”",
            "family",
            "quotes are straight: \"",
        ),
        (
            "family = \"gpt-image\"",
            "family = null",
            "family",
            "there is no null: leave the key out",
        ),
        (
            "family = \"gpt-image\"",
            "family = \"gpt\\-image\"",
            "family",
            "a backslash means more in double quotes: write two, or put the text in single ones",
        ),
        (
            "featured = true",
            "featured = True",
            "featured",
            "`true` has small letters only",
        ),
        ("featured = true", "featured = yes", "featured", "yes is written `true`"),
        (
            "[prose]",
            "[prose",
            "prose",
            "the bracket after the table's name is missing",
        ),
        ("[prose]", "[prose]]", "prose", "there is one `]` too many"),
        (
            "max_px = 1536",
            "max_px 1536",
            "exact_range.max_px",
            "the `=` after the key is missing",
        ),
        (
            "max_px = 1536",
            "max_px = 1,536",
            "exact_range.max_px",
            "a number has no commas",
        ),
        (
            "max_px = 1536",
            "max_px = 01536",
            "exact_range.max_px",
            "a number has no leading zero",
        ),
        (
            "aliases = [\"gpt-image-1.5-2025-12-16\"]",
            "aliases = [\"gpt-image-1.5-2025-12-16]",
            "aliases.[0]",
            "the closing \" is missing",
        ),
        (
            "aliases = [\"gpt-image-1.5-2025-12-16\"]",
            "aliases = [\"gpt-image-1.5-2025-12-16\"",
            "aliases",
            "the `]` that closes this list is missing",
        ),
        (
            "aliases = [\"gpt-image-1.5-2025-12-16\"]",
            "aliases = [\"a\" \"b\"]",
            "aliases.[1]",
            "a comma between two values is missing",
        ),
        (
            "size = { form = \"wxh\" }",
            "size = { form = \"wxh\"",
            "offers.[0].common.fields.size",
            "the `}` that closes this table is missing",
        ),
        (
            "size = { form = \"wxh\" }",
            "size = { form = \"wxh }",
            "offers.[0].common.fields.size",
            "the closing \" is missing",
        ),
        (
            "size = { form = \"wxh\" }",
            "size = { form \"wxh\" }",
            "offers.[0].common.fields.size.form",
            "the `=` after the key is missing",
        ),
        (
            "size = { form = \"wxh\" }",
            "size = { form = \"wxh\" to = \"s\" }",
            "offers.[0].common.fields.size.to",
            "a comma between two keys is missing",
        ),
        (
            "size = { form = \"wxh\" }",
            "size = { form = \"wxh\", form = \"wxh\" }",
            "offers.[0].common.fields.size.form",
            "'form' is given twice",
        ),
        (
            "n = {}",
            "n {}",
            "offers.[0].common.fields.n",
            "the `=` after the key is missing",
        ),
    ]);
}

#[test]
fn what_is_given_twice_is_told_with_its_first_line() {
    // Line, what stands there instead, the first of the two, key, name.
    let cases = [
        (
            "family = \"gpt-image\"",
            "name = \"Twice\"",
            "name = \"GPT Image 1.5\"",
            "name",
            "name",
        ),
        (
            "max_px = 1536",
            "min_px = 1536",
            "min_px = 1024",
            "exact_range.min_px",
            "min_px",
        ),
        (
            "n = {}",
            "prompt = {}",
            "prompt = {}",
            "offers.[0].common.fields.prompt",
            "prompt",
        ),
        (
            "[prose]",
            "[exact_range]",
            "[exact_range]",
            "exact_range",
            "exact_range",
        ),
        (
            "[offers.modes.image-edit]",
            "[offers.modes.text-to-image]",
            "[offers.modes.text-to-image]",
            "offers.[0].modes.text-to-image",
            "text-to-image",
        ),
    ];
    for (line, instead, first, key, name) in cases {
        let sources = sources();
        let (_, text) = sources.iter().find(|(name, _)| name == FILE).expect("the model's file");
        let first = 1 + text
            .lines()
            .position(|other| other == first)
            .expect("the first of the two");
        compare(&[(
            line,
            instead,
            key,
            &format!("'{name}' is given twice, first in line {first}"),
        )]);
    }
}

#[test]
fn a_long_text_without_its_end_is_told_too() {
    let cases = [
        (
            "family = \"gpt-image\"",
            "family = \"\"\"gpt-image",
            "the closing \"\"\" is missing",
        ),
        (
            "family = \"gpt-image\"",
            "family = '''gpt-image",
            "the closing ''' is missing",
        ),
    ];
    for (line, instead, message) in cases {
        let (mistakes, at) = broken(line, instead);
        let [mistake] = &mistakes
            .iter()
            .filter(|mistake| mistake.file == FILE)
            .collect::<Vec<_>>()[..]
        else {
            panic!("{mistakes:#?}")
        };
        assert_eq!(
            (mistake.line, mistake.key.as_str(), mistake.message.as_str()),
            (at, "family", message)
        );
    }
}

/// Letters whose loss or surplus makes no TOML of a file.
const STRUCTURE: [char; 8] = ['"', '[', ']', '{', '}', '=', ',', '#'];

#[test]
fn whatever_is_lost_or_too_much_is_told_in_its_file() {
    let sources = sources();
    let (_, text) = sources.iter().find(|(name, _)| name == FILE).expect("the model's file");
    let lines = text.lines().count();
    let check = |broken: &str, how: &str| {
        let Err(mistakes) = load(&[(FILE, broken)]) else {
            return false;
        };
        for mistake in mistakes {
            assert!(mistake.file == FILE && mistake.line <= lines + 1, "{how}: {mistake}");
            assert!(!mistake.message.is_empty(), "{how}");
        }
        true
    };
    let mut caught = 0;
    for (at, letter) in text
        .char_indices()
        .filter(|(_, letter)| STRUCTURE.contains(letter))
        .step_by(5)
    {
        let (before, after) = (&text[..at], &text[at + letter.len_utf8()..]);
        caught += usize::from(check(&format!("{before}{after}"), &format!("{letter} lost at {at}")));
        caught += usize::from(check(
            &format!("{before}{letter}{letter}{after}"),
            &format!("{letter} twice at {at}"),
        ));
        caught += usize::from(check(before, &format!("cut at {at}")));
    }
    assert!(caught > 200, "only {caught} were mistakes");
}
