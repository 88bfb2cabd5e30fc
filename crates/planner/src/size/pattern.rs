//! The grammar of sizes, ratios and tiers as regular expressions, for those who check a request before they send it.
//! The dialect is the common part of ECMA-262, Python and Rust.

/// 1 to 65536, in at most nine digits.
const SIDE: &str = "0{0,4}(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-6])";
/// Decimals above 0, at most three.
const ABOVE_ZERO: &str = r"0{1,5}\.(?:[1-9][0-9]{0,2}|0[1-9][0-9]?|00[1-9])";
/// Above 0 and at most 65536, with at most three decimals.
const TERM: &str = r"(?:0{0,4}(?:(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])(?:\.[0-9]{1,3})?|65536(?:\.0{1,3})?)";
const AUTO: &str = "[aA][uU][tT][oO]";

fn ratio() -> String {
    let term = format!("{TERM}|{ABOVE_ZERO})");
    format!("{term}:{term}")
}

/// What [`super::parse_size`] reads.
#[must_use]
pub fn size() -> String {
    format!("^(?:{AUTO}|{SIDE}[xX]{SIDE}|{})$", ratio())
}

/// What [`super::parse_aspect_ratio`] reads.
#[must_use]
pub fn aspect_ratio() -> String {
    format!("^(?:{AUTO}|{})$", ratio())
}

/// What [`super::parse_resolution`] reads.
#[must_use]
pub fn resolution() -> String {
    let k =
        format!(r"(?:0{{0,4}}(?:(?:[1-9]|[1-5][0-9]|6[0-3])(?:\.[0-9]{{1,3}})?|64(?:\.0{{1,3}})?)|{ABOVE_ZERO})[kK]");
    // A bare number is megapixels, or above these the side of a square in pixels.
    let bare = format!("{TERM}|{ABOVE_ZERO})");
    let megapixels = format!(
        r"(?:0{{0,4}}(?:(?:[1-9][0-9]?|1[0-9]{{2}}|2[0-4][0-9]|25[0-5])(?:\.[0-9]{{1,3}})?|256(?:\.0{{1,3}})?)|{ABOVE_ZERO})[mM][pP]"
    );
    format!("^(?:{AUTO}|{k}|{megapixels}|{bare})$")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::super::{parse_aspect_ratio, parse_resolution, parse_size};
    use super::*;

    fn check(text: &str) -> Result<(), TestCaseError> {
        let matches = |pattern: String| Regex::new(&pattern).expect("a pattern").is_match(text);
        prop_assert_eq!(matches(size()), parse_size(text).is_ok(), "size {}", text);
        prop_assert_eq!(
            matches(aspect_ratio()),
            parse_aspect_ratio(text).is_ok(),
            "ratio {}",
            text
        );
        prop_assert_eq!(matches(resolution()), parse_resolution(text).is_ok(), "tier {}", text);
        Ok(())
    }

    proptest! {
        #[test]
        fn the_patterns_say_what_the_parsers_read(
            text in r"[0-9]{1,6}(\.[0-9]{1,4})?([kK]|[mM][pP]|[x:X][0-9]{1,6}(\.[0-9]{1,4})?)?|[aA]uto|.{0,6}",
        ) {
            check(&text)?;
        }
    }

    #[test]
    fn bounds_agree_too() -> Result<(), TestCaseError> {
        for text in [
            "65536x1",
            "65537x1",
            "1x65536",
            "1x0",
            "65536:1",
            "65536.001:1",
            "65535.999:1",
            "0.001:1",
            "0:1",
            "0.000:1",
            "64K",
            "64.001k",
            "63.999K",
            "0.5K",
            "0K",
            "256",
            "256.001",
            "512",
            "65536",
            "65536.001",
            "257MP",
            "255.999MP",
            "0.25",
            "0.0",
            "AUTO",
            "1.2345K",
            "",
        ] {
            check(text)?;
        }
        Ok(())
    }
}
