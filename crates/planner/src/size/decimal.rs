//! Decimal numbers with at most three places, kept in thousandths.

use std::fmt;

/// Most digits before the point; longer numbers are out of every range here.
const MAX_WHOLE_DIGITS: usize = 9;

/// Reads ASCII digits with at most three decimals. No sign, exponent, blank or bare point.
pub(super) fn parse_milli(text: &str) -> Option<u64> {
    let (whole, decimals) = match text.split_once('.') {
        Some((whole, decimals)) if (1..=3).contains(&decimals.len()) => (whole, decimals),
        Some(_) => return None,
        None => (text, ""),
    };
    if whole.is_empty()
        || whole.len() > MAX_WHOLE_DIGITS
        || !whole.bytes().chain(decimals.bytes()).all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    format!("{whole}{decimals:0<3}").parse().ok()
}

/// A number of thousandths, written with no more decimals than it needs.
pub(super) struct Milli(pub(super) u64);

impl fmt::Display for Milli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, decimals) = (self.0 / 1000, self.0 % 1000);
        if decimals == 0 {
            return write!(f, "{whole}");
        }
        let decimals = format!("{decimals:03}");
        write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_thousandths_and_written_shortest() {
        for (text, milli, shown) in [
            ("1", 1000, "1"),
            ("0.5", 500, "0.5"),
            ("0.25", 250, "0.25"),
            ("19.50", 19_500, "19.5"),
            ("0.001", 1, "0.001"),
            ("007", 7000, "7"),
            ("0", 0, "0"),
        ] {
            assert_eq!(parse_milli(text), Some(milli), "{text}");
            assert_eq!(Milli(milli).to_string(), shown);
        }
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "1.2345",
            " 1",
            "1 ",
            "１",
            "1.2.3",
            "1234567890",
        ] {
            assert_eq!(parse_milli(text), None, "{text}");
        }
    }
}
