//! Figures, days and lists as people read them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use planner::mode::Mode;
use planner::money::Micros;
use planner::size::{Size, Tier};
use rust_decimal::Decimal;

/// A price with as many decimals as it has, at least three below a dollar and two above: `$0.050`, `$1.25`.
#[must_use]
pub fn price(price: Micros) -> String {
    let dollars = price.dollars();
    let least = if dollars < Decimal::ONE { 3 } else { 2 };
    padded(dollars, least)
}

/// A rate as it stands in a price list: `$5`, `$1.25`, `$0.003`.
#[must_use]
pub fn rate(dollars: Decimal) -> String {
    let dollars = dollars.normalize();
    if dollars.scale() == 1 {
        padded(dollars, 2)
    } else {
        padded(dollars, 0)
    }
}

fn padded(dollars: Decimal, least: u32) -> String {
    let mut dollars = dollars.normalize();
    if dollars.scale() < least {
        dollars.rescale(least);
    }
    format!("${dollars}")
}

/// `1 December 2026`.
#[must_use]
pub fn date(day: Date) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let month = usize::try_from(day.month()).unwrap_or(1).clamp(1, 12);
    format!("{} {} {}", day.day(), MONTHS[month - 1], day.year())
}

/// `1 Dec`, for labels.
#[must_use]
pub fn short_date(day: Date) -> String {
    let long = date(day);
    let mut parts = long.split(' ');
    let (number, month) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{number} {}", month.chars().take(3).collect::<String>())
}

/// `1 December 2026, 09:19:29 UTC`.
#[must_use]
pub fn moment(time: Timestamp) -> String {
    let civil = time.to_zoned(TimeZone::UTC).datetime();
    format!("{}, {} UTC", date(civil.date()), civil.time().strftime("%H:%M:%S"))
}

/// `1 Dec 09:19:29`, for lists whose times are all in UTC.
#[must_use]
pub fn brief(time: Timestamp) -> String {
    let civil = time.to_zoned(TimeZone::UTC).datetime();
    format!("{} {}", short_date(civil.date()), civil.time().strftime("%H:%M:%S"))
}

/// `830 B`, `83 KB`, `1.2 GB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000)];
    let unit = UNITS.into_iter().find(|(_, size)| count >= *size);
    match unit {
        None => format!("{count} B"),
        Some(("KB", size)) => format!("{} KB", (count + size / 2) / size),
        Some((name, size)) => {
            let tenths = (count.saturating_mul(10) + size / 2) / size;
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
    }
}

/// `340 ms`, `9.4 s`, `128 s`.
#[must_use]
pub fn duration(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..100_000 => format!("{}.{} s", (ms + 50) / 1_000, (ms + 50) % 1_000 / 100),
        _ => format!("{} s", (ms + 500) / 1_000),
    }
}

/// `98.1 %` of `part` in `whole`; `none` of nothing.
#[must_use]
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "none".to_owned();
    }
    let tenths = (part * 1_000 + whole / 2) / whole;
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// `1,284`.
#[must_use]
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number of the catalogue, without a fraction where it has none.
#[must_use]
pub fn plain(value: f64) -> String {
    let is_whole = value.fract() == 0.0 && value.abs() < 1e15;
    if is_whole {
        format!("{value:.0}")
    } else {
        value.to_string()
    }
}

/// `a, b and c`.
#[must_use]
pub fn list<T: AsRef<str>>(items: &[T]) -> String {
    match items {
        [] => "none".to_owned(),
        [one] => one.as_ref().to_owned(),
        [many @ .., last] => {
            let many: Vec<&str> = many.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", many.join(", "), last.as_ref())
        }
    }
}

/// `1 model`, `2 models`.
#[must_use]
pub fn count(number: usize, one: &str) -> String {
    if number == 1 {
        format!("1 {one}")
    } else {
        format!("{number} {one}s")
    }
}

/// The first letter as a capital.
#[must_use]
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `1024 × 1024`.
#[must_use]
pub fn size(size: Size) -> String {
    format!("{} × {}", size.width_px, size.height_px)
}

/// `2K`, or `0.25 MP`.
#[must_use]
pub fn tier(tier: Tier) -> String {
    match tier {
        Tier::K(_) => tier.to_string(),
        Tier::Megapixels(_) => format!("{tier} MP"),
    }
}

/// A mode as a title.
#[must_use]
pub const fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::TextToImage => "Text to image",
        Mode::ImageEdit => "Image edit",
        Mode::Upscale => "Upscale",
    }
}

/// A mode in a word, for tables.
#[must_use]
pub const fn short_mode(mode: Mode) -> &'static str {
    match mode {
        Mode::TextToImage => "text",
        Mode::ImageEdit => "edit",
        Mode::Upscale => "upscale",
    }
}

/// Modes as one line: `Text and edit`.
#[must_use]
pub fn modes(modes: &[Mode]) -> String {
    let words: Vec<&str> = modes.iter().map(|mode| short_mode(*mode)).collect();
    capital(&list(&words))
}

/// The first `chars` letters of a text, with a sign where it goes on.
#[must_use]
pub fn start(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_have_as_many_decimals_as_they_differ_by() {
        let told = |micros: i64| price(Micros(micros));
        assert_eq!(told(50_000), "$0.050");
        assert_eq!(told(134_400), "$0.1344");
        assert_eq!(told(1_250_000), "$1.25");
        assert_eq!(told(5_000_000), "$5.00");
        assert_eq!(rate(Decimal::from(5)), "$5");
        assert_eq!(rate("1.25".parse().expect("a decimal")), "$1.25");
        assert_eq!(rate("2.5".parse().expect("a decimal")), "$2.50");
    }

    #[test]
    fn times_shares_and_numbers_are_read_at_a_glance() {
        assert_eq!(duration(340), "340 ms");
        assert_eq!(duration(18_234), "18.2 s");
        assert_eq!(duration(9_999), "10.0 s");
        assert_eq!(duration(128_400), "128 s");
        assert_eq!(percent(210, 214), "98.1 %");
        assert_eq!(percent(0, 0), "none");
        assert_eq!(number(1_284), "1,284");
        assert_eq!(number(32_000), "32,000");
        assert_eq!(number(7), "7");
        assert_eq!(list(&["a", "b", "c"]), "a, b and c");
        assert_eq!(short_date(jiff::civil::date(2026, 12, 1)), "1 Dec");
    }
}
