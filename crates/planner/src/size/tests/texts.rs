//! Tables of sizes, and how sizes, ratios and tiers are spelled.

use super::super::*;
use super::{EXACT, PLAIN, WIDE_RANGE, listed, offer, ratios, request, shaped, shown, size};

#[test]
fn the_tables_of_the_two_models_come_true() {
    let by_size = listed("1024x1024 1536x1024 1024x1536");
    let by_ratio = shaped("1:1 3:2 2:3", "");
    let mini = ["1024x1536 2:3 1K", "1536x1024 3:2 1K", "1024x1024 1:1 1K"];
    assert_eq!(
        shown(&size_table(&EXACT, &[&by_size, &by_size])),
        mini,
        "gpt-image-1-mini"
    );
    let larger = [
        "1024x1536 2:3 1K",
        "1536x1024 3:2 1K",
        "1024x1024 1:1 1K",
        "836x1254 2:3 1K nominal",
        "1254x836 3:2 1K nominal",
    ];
    for offers in [[&by_size, &by_size, &by_ratio], [&by_ratio, &by_size, &by_size]] {
        assert_eq!(shown(&size_table(&EXACT, &offers)), larger, "gpt-image-1.5");
    }
    let range = size_range(&EXACT, &[&by_size]).expect("the model has an exact range");
    assert_eq!((range.min_edge_px, range.max_edge_px), (1024, 1536));
    assert!(range.allows(size("1025x1531")) && !range.allows(size("1023x1024")));
}

#[test]
fn tables_group_by_tier_and_use_common_names() {
    let offer = shaped("1:1 16:9", "0.5K 1K");
    let rows = [
        "683x384 16:9 0.5K nominal",
        "512x512 1:1 0.5K nominal",
        "1024x1024 1:1 1K nominal",
        "1365x768 16:9 1K nominal",
    ];
    assert_eq!(shown(&size_table(&PLAIN, &[&offer])), rows);
    let rows = ["1328x1328 1:1 1K", "928x1664 9:16 1K", "1664x928 16:9 1K"];
    assert_eq!(
        shown(&size_table(&PLAIN, &[&listed("1664x928 1328x1328 928x1664")])),
        rows
    );
    // Two squares of one standard tier: the exact tier tells them apart.
    let rows = ["1024x1024 1:1 1K", "1280x1280 1:1 1.25K"];
    assert_eq!(shown(&size_table(&PLAIN, &[&listed("1024x1024 1280x1280")])), rows);
    // One size in two spellings has one row, and it is real if any offer really makes it.
    let (by_area, by_k) = (shaped("32:18", "1"), shaped("16:9", "1K"));
    for offers in [[&by_area, &by_k], [&by_k, &by_area]] {
        assert_eq!(shown(&size_table(&PLAIN, &offers)), ["1365x768 16:9 1K nominal"]);
    }
    for offers in [[&by_area, &listed("1365x768")], [&listed("1365x768"), &by_area]] {
        assert_eq!(shown(&size_table(&PLAIN, &offers)), ["1365x768 16:9 1K"]);
    }
    assert_eq!(size_range(&PLAIN, &[&offer]), None);
    let free = SizeRange {
        multiple_of: 24,
        max_edge_px: 4096,
        max_ratio: None,
        ..WIDE_RANGE
    };
    let (a, b) = (
        self::offer(SizeSupport::Range(WIDE_RANGE)),
        self::offer(SizeSupport::Range(free)),
    );
    let both = SizeRange { multiple_of: 8, ..free };
    assert_eq!(size_range(&PLAIN, &[&a, &offer, &b]), Some(both));
}

#[test]
fn texts_are_read_strictly_and_errors_say_what_is_right() {
    assert_eq!(parse_size("1024X1024"), Ok(SizeArgument::Exact(size("1024x1024"))));
    assert_eq!(parse_size("AUTO"), Ok(SizeArgument::Auto));
    assert_eq!(parse_size("65536x1"), Ok(SizeArgument::Exact(Size::new(65_536, 1))));
    assert_eq!(
        parse_size("19.5:9").map(|size| format!("{size:?}").contains("Ratio")),
        Ok(true)
    );
    let long = "9".repeat(100_000);
    for (text, error) in [
        ("banana", SizeSyntaxError::Size),
        ("", SizeSyntaxError::Size),
        ("1x", SizeSyntaxError::Size),
        ("x1", SizeSyntaxError::Size),
        ("１x１", SizeSyntaxError::Size),
        ("+1x1", SizeSyntaxError::Size),
        ("1x1x1", SizeSyntaxError::Size),
        (" 1x1", SizeSyntaxError::Size),
        ("1*1", SizeSyntaxError::Size),
        ("1024", SizeSyntaxError::Size),
        ("1.5x1", SizeSyntaxError::Size),
        ("0x0", SizeSyntaxError::Side),
        ("99999999x1", SizeSyntaxError::Side),
        ("65537x1", SizeSyntaxError::Side),
        ("99999999999999999999999x1", SizeSyntaxError::Side),
        ("1:0", SizeSyntaxError::RatioTerm),
        ("0.000:1", SizeSyntaxError::RatioTerm),
        ("65537:1", SizeSyntaxError::RatioTerm),
        (":", SizeSyntaxError::Ratio),
        ("1:2:3", SizeSyntaxError::Ratio),
        ("-1:2", SizeSyntaxError::Ratio),
        ("NaN:1", SizeSyntaxError::Ratio),
        ("16:9x1", SizeSyntaxError::Ratio),
    ] {
        assert_eq!(parse_size(text), Err(error), "{text}");
    }
    assert_eq!(parse_size(&format!("{long}x1")), Err(SizeSyntaxError::Side));
    assert_eq!(parse_size(&format!("{long}:1")), Err(SizeSyntaxError::Ratio));
    for error in [SizeSyntaxError::Side, SizeSyntaxError::RatioTerm] {
        assert!(error.to_string().contains(&MAX_SIDE_PX.to_string()));
    }
}

#[test]
fn tiers_are_read_in_both_units_and_any_case() {
    for (text, tier) in [
        ("1k", Tier::K(1000)),
        ("0.5K", Tier::K(500)),
        ("1.5k", Tier::K(1500)),
        ("64K", Tier::K(64_000)),
        ("0.25", Tier::Megapixels(250)),
        ("1", Tier::Megapixels(1000)),
        ("1MP", Tier::Megapixels(1000)),
        ("2.5mp", Tier::Megapixels(2500)),
        ("256", Tier::Megapixels(256_000)),
        ("512", Tier::K(500)),
        ("1024", Tier::K(1000)),
        ("65536", Tier::K(64_000)),
    ] {
        assert_eq!(parse_resolution(text), Ok(TierArgument::Tier(tier)), "{text}");
        assert_eq!(tier.to_string().parse(), Ok(tier));
    }
    assert_eq!(parse_resolution("Auto"), Ok(TierArgument::Auto));
    for text in ["0K", "0", "257MP", "65537", "65K", "999999999"] {
        assert_eq!(parse_resolution(text), Err(SizeSyntaxError::TierScale), "{text}");
    }
    for text in ["", "K", "1KK", "MP", "1 K", "-1K", "1G", "1e3K", "banana", "0.0005K"] {
        assert_eq!(parse_resolution(text), Err(SizeSyntaxError::Tier), "{text}");
    }
}

#[test]
fn two_spellings_of_the_ratio_must_agree() {
    let conflict = request("16:9 4:3").conflicts().expect("they disagree");
    assert!(
        conflict
            .to_string()
            .starts_with("size 16:9 and aspect_ratio 4:3 are two spellings")
    );
    for text in [
        "16:9 32:18",
        "16:9 auto",
        "auto 4:3",
        "1024x1024 4:3",
        "16:9",
        "- 4:3",
        "-",
    ] {
        assert_eq!(request(text).conflicts(), None, "{text}");
    }
}

#[test]
fn ratios_are_equal_by_value_and_written_as_spelled() {
    for text in ["21:9", "6:4", "19.5:9", "1:1"] {
        assert_eq!(ratios(text)[0].to_string(), text);
    }
    assert_eq!(ratios("19.50:09.0")[0].to_string(), "19.5:9");
    assert_eq!(ratios("6:4"), ratios("3:2"));
    assert_ne!(ratios("16:9"), ratios("9:16"));
    assert_eq!(Ratio::of(size("1536x1024")).to_string(), "3:2");
    assert_eq!(ratios("19.5:9")[0].transposed().to_string(), "9:19.5");
    assert!((ratios("19.5:9")[0].value() - 19.5 / 9.0).abs() < 1e-12);
}
