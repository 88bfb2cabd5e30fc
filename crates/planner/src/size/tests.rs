//! The figures of the contract, the tables of two models, and what must hold for every request and offer.

use proptest::prelude::*;

use super::*;

fn size(text: &str) -> Size {
    text.parse().expect("a size in a test")
}

fn sizes(text: &str) -> Vec<Size> {
    text.split(' ').map(size).collect()
}

fn ratios(text: &str) -> Vec<Ratio> {
    text.split(' ')
        .map(|ratio| ratio.parse().expect("a ratio in a test"))
        .collect()
}

fn tiers(text: &str) -> Vec<Tier> {
    text.split_whitespace()
        .map(|tier| tier.parse().expect("a tier in a test"))
        .collect()
}

fn offer(support: SizeSupport) -> OfferSizes {
    OfferSizes {
        support,
        auto: false,
        auto_by_absence: false,
        auto_by_default: false,
        default: None,
        outputs: Vec::new(),
    }
}

fn listed(text: &str) -> OfferSizes {
    offer(SizeSupport::Listed(sizes(text)))
}

fn shaped(of_ratios: &str, of_tiers: &str) -> OfferSizes {
    offer(SizeSupport::Ratios {
        ratios: ratios(of_ratios),
        tiers: tiers(of_tiers),
    })
}

const PLAIN: ModelSizes = ModelSizes {
    default: Size::new(1024, 1024),
    exact_range: None,
};
const EXACT: ModelSizes = ModelSizes {
    default: Size::new(1024, 1024),
    exact_range: Some((1024, 1536)),
};

/// The limits of gpt-image-2.
const WIDE_RANGE: SizeRange = SizeRange {
    min_edge_px: 16,
    max_edge_px: 3840,
    multiple_of: 16,
    min_pixels: 655_360,
    max_pixels: 8_294_400,
    max_ratio: Some(3.0),
};

/// A request from the three texts, `-` for one that is absent.
fn request(text: &str) -> SizeRequest {
    let parts: Vec<&str> = text.split(' ').collect();
    let given = |index: usize| parts.get(index).copied().filter(|part| *part != "-");
    SizeRequest {
        size: given(0).map(|text| parse_size(text).expect("a size argument")),
        aspect_ratio: given(1).map(|text| parse_aspect_ratio(text).expect("a ratio argument")),
        resolution: given(2).map(|text| parse_resolution(text).expect("a tier argument")),
    }
}

fn resolve(text: &str, model: &ModelSizes, offer: &OfferSizes) -> ResolvedSize {
    resolve_size(&request(text), model, offer)
}

fn told(resolved: &ResolvedSize) -> Vec<String> {
    let line = |adjustment: &SizeAdjustment| {
        let used = adjustment.used.as_deref().unwrap_or("null");
        let reason = adjustment.reason.as_str();
        format!("{} {} -> {used} {reason}", adjustment.parameter, adjustment.requested)
    };
    resolved.adjustments.iter().map(line).collect()
}

fn ratio_tier(ratio: &str, tier: &str) -> NativeSize {
    NativeSize::RatioTier(ratios(ratio)[0], tiers(tier).first().copied())
}

#[test]
fn derived_sizes_are_those_of_the_model_pages() {
    let all = "1K 21:9 1563x670, 1K 9:21 670x1564, 1K 16:9 1365x768, 1K 9:16 768x1365, 1K 3:2 1254x836, \
        1K 2:3 836x1254, 1K 4:3 1183x887, 1K 3:4 887x1182, 1K 5:4 1145x916, 1K 4:5 916x1145, \
        1K 1:1 1024x1024, 2K 16:9 2731x1536, 2K 9:16 1536x2731, 2K 4:3 2365x1774, 2K 3:4 1774x2365, \
        2K 1:1 2048x2048, 0.5K 1:1 512x512, 4K 1:1 4096x4096, 1 3:2 1254x836, 0.25 1:1 512x512";
    for row in all.split(", ") {
        let parts: Vec<&str> = row.split(' ').collect();
        let derived = derived_size(ratios(parts[1])[0], tiers(parts[0])[0]);
        assert_eq!(derived.to_string(), parts[2], "{row}");
    }
}

#[test]
fn a_ratio_between_two_goes_to_the_nearer_and_a_tie_to_the_wider() {
    let offer = shaped("4:1 8:1", "");
    assert_eq!(resolve("7:1", &PLAIN, &offer).native, ratio_tier("8:1", ""));
    assert_eq!(told(&resolve("7:1", &PLAIN, &offer)), ["size 7:1 -> 8:1 nearest"]);
    assert_eq!(
        told(&resolve("- 7:1", &PLAIN, &offer)),
        ["aspect_ratio 7:1 -> 8:1 nearest"]
    );
    // By |ln| the middle of 4:1 and 9:1 is 6:1, by subtraction it would be nearer to 4:1.
    assert_eq!(
        resolve("6:1", &PLAIN, &shaped("4:1 9:1", "")).native,
        ratio_tier("9:1", "")
    );
    assert_eq!(
        resolve("1:1", &PLAIN, &shaped("2:3 3:2", "")).native,
        ratio_tier("3:2", "")
    );
    assert!((ratio_distance(ratios("4:1")[0], ratios("2:1")[0]) - 2_f64.ln()).abs() < 1e-15);
}

#[test]
fn tiers_are_nearest_by_logarithm() {
    assert_eq!(tier_of(size("1024x1024")), Tier::K(1000));
    assert_eq!(tier_of(size("1536x1024")), Tier::K(1225));
    assert_eq!(standard_tier(size("1536x1024")), Tier::K(1000));
    assert_eq!(standard_tier(size("1536x1536")), Tier::K(2000));
    let known = tiers("0.5K 1K 2K 4K");
    for (wanted, nearest) in [
        ("0.1K", "0.5K"),
        ("1.4K", "1K"),
        ("1.5K", "2K"),
        ("3K", "4K"),
        ("64K", "4K"),
        ("1", "1K"),
        ("4", "2K"),
    ] {
        let found = nearest_tier(tiers(wanted)[0], &known).expect("the list has tiers");
        assert_eq!(found.to_string(), nearest, "{wanted}");
    }
    // A tie (2 is the middle of 1 and 4) goes to more pixels; between equal scales the unit asked for wins.
    assert_eq!(nearest_tier(Tier::K(2000), &tiers("1K 4K")), Some(Tier::K(4000)));
    assert_eq!(
        nearest_tier(Tier::Megapixels(1000), &tiers("1K 1")),
        Some(Tier::Megapixels(1000))
    );
    assert_eq!(nearest_tier(Tier::K(1000), &tiers("1 1K")), Some(Tier::K(1000)));
    assert_eq!(nearest_tier(Tier::K(1000), &[]), None);
    assert!((Tier::Megapixels(250).scale() - 512.0).abs() < 1e-9);
    assert!((Tier::K(2000).scale() - 2048.0).abs() < 1e-9);
}

#[test]
fn an_illegal_size_in_a_range_becomes_the_nearest_legal_one() {
    let by_16 = SizeRange {
        min_pixels: 0,
        max_pixels: u64::MAX,
        max_ratio: None,
        ..WIDE_RANGE
    };
    assert_eq!(by_16.nearest(size("2000x1000")), Some(size("2000x1008")));
    assert_eq!(WIDE_RANGE.nearest(size("2000x1000")), Some(size("2000x1008")));
    assert_eq!(WIDE_RANGE.nearest(size("300x300")), Some(size("816x816")));
    assert_eq!(WIDE_RANGE.nearest(size("3840x2160")), Some(size("3840x2160")));
    assert_eq!(WIDE_RANGE.nearest(size("7680x4320")), Some(size("3840x2160")));
    assert_eq!(WIDE_RANGE.nearest(size("1920x1080")), Some(size("1920x1088")));
    let told_so = told(&resolve("1920x1080", &PLAIN, &offer(SizeSupport::Range(WIDE_RANGE))));
    assert_eq!(told_so, ["size 1920x1080 -> 1920x1088 nearest"]);
}

#[test]
fn a_side_that_is_legal_stays_where_the_other_is_cut() {
    let free = SizeRange {
        min_edge_px: 1,
        max_edge_px: 14_142,
        multiple_of: 1,
        min_pixels: 0,
        max_pixels: u64::MAX,
        max_ratio: None,
    };
    assert_eq!(free.nearest(size("60000x3000")), Some(size("14142x3000")));
    assert_eq!(free.nearest(size("3000x60000")), Some(size("3000x14142")));
    assert_eq!(free.nearest(size("65536x65536")), Some(size("14142x14142")));
    let bounded = SizeRange {
        min_pixels: 3_686_400,
        max_pixels: 16_777_216,
        max_ratio: Some(16.0),
        ..free
    };
    assert_eq!(bounded.nearest(size("1024x1024")), Some(size("1920x1920")));
    assert_eq!(bounded.nearest(size("16384x16384")), Some(size("4096x4096")));
    let unmeetable = SizeRange {
        min_pixels: 10,
        max_pixels: 9,
        ..free
    };
    assert_eq!(unmeetable.nearest(size("1024x1024")), None);
    let resolved = resolve("640x480", &PLAIN, &offer(SizeSupport::Range(unmeetable)));
    assert_eq!((resolved.native, resolved.nominal), (NativeSize::Unset, None));
}

#[test]
fn listed_sizes_are_hit_or_nearest_by_ratio_then_area() {
    let offer = listed("1024x1024 1536x1024 1024x1536");
    for hit in ["1024x1024", "1536x1024", "1024x1536"] {
        let resolved = resolve(hit, &PLAIN, &offer);
        assert_eq!(
            (resolved.native, told(&resolved)),
            (NativeSize::Exact(size(hit)), vec![])
        );
    }
    let resolved = resolve("1600x900", &PLAIN, &offer);
    assert_eq!(told(&resolved), ["size 1600x900 -> 1536x1024 nearest"]);
    assert_eq!((resolved.nominal, resolved.cover), (Some(size("1536x1024")), None));
    let squares = listed("256x256 512x512 1024x1024");
    assert_eq!(resolve("700x700", &PLAIN, &squares).nominal, Some(size("512x512")));
    assert_eq!(resolve("750x750", &PLAIN, &squares).nominal, Some(size("1024x1024")));
    // The same ratio distance and the same area distance: more pixels.
    assert_eq!(
        resolve("512x512", &PLAIN, &listed("256x256 1024x1024")).nominal,
        Some(size("1024x1024"))
    );
    // All equal: the wider.
    assert_eq!(
        resolve("900x900", &PLAIN, &listed("600x1200 1200x600")).nominal,
        Some(size("1200x600"))
    );
}

#[test]
fn a_default_never_overrides_a_ratio_and_fills_what_is_missing() {
    let offer = listed("1024x1024 1536x1024 1024x1536 3072x2048");
    for (text, native) in [
        ("-", "1024x1024"),
        ("- 3:2", "1536x1024"),
        ("- 16:9", "1536x1024"),
        ("auto 2:3", "1024x1536"),
        ("- 3:2 2K", "3072x2048"),
        ("- - 2K", "1024x1024"),
        ("- 3:2 auto", "1536x1024"),
        ("auto auto auto", "1024x1024"),
    ] {
        let resolved = resolve(text, &PLAIN, &offer);
        assert_eq!(resolved.native, NativeSize::Exact(size(native)), "{text}");
    }
    assert_eq!(told(&resolve("- 3:2 1K", &PLAIN, &offer)), Vec::<String>::new());
    assert_eq!(
        told(&resolve("- - 2K", &PLAIN, &offer)),
        ["resolution 2K -> 1K nearest"]
    );
    assert_eq!(told(&resolve("- - 4", &PLAIN, &offer)), ["resolution 4 -> 1 nearest"]);
    let range = self::offer(SizeSupport::Range(WIDE_RANGE));
    assert_eq!(resolve("- 3:2", &PLAIN, &range).nominal, Some(size("1248x832")));
    assert_eq!(resolve("- - 2K", &PLAIN, &range).nominal, Some(size("2048x2048")));
    assert_eq!(resolve("- 16:9 8K", &PLAIN, &range).nominal, Some(size("3840x2160")));
    assert_eq!(
        told(&resolve("- 16:9 8K", &PLAIN, &range)),
        ["resolution 8K -> 2.813K nearest"]
    );
    assert_eq!(
        told(&resolve("- 4:1", &PLAIN, &range)),
        ["aspect_ratio 4:1 -> 3:1 nearest"]
    );
    let tall = ModelSizes {
        default: size("768x1344"),
        exact_range: None,
    };
    assert_eq!(
        resolve("- - 1K", &tall, &shaped("1:1 9:16 16:9", "1K 2K")).native,
        ratio_tier("9:16", "1K")
    );
}

#[test]
fn auto_goes_to_the_provider_that_takes_it() {
    let with_auto = |offer: OfferSizes| OfferSizes { auto: true, ..offer };
    let by_size = with_auto(listed("1024x1024 1536x1024"));
    for text in ["auto", "- auto", "- - auto", "auto auto auto"] {
        assert_eq!(resolve(text, &PLAIN, &by_size).native, NativeSize::Auto, "{text}");
    }
    assert_eq!(
        resolve("auto 3:2", &PLAIN, &by_size).native,
        NativeSize::Exact(size("1536x1024"))
    );
    assert_eq!(
        resolve("-", &PLAIN, &by_size).native,
        NativeSize::Exact(size("1024x1024"))
    );
    let by_ratio = with_auto(shaped("1:1 16:9", "1K 2K"));
    assert_eq!(
        resolve("- auto 2K", &PLAIN, &by_ratio).native,
        NativeSize::Tier(Tier::K(2000))
    );
    assert_eq!(resolve("- - 2K", &PLAIN, &by_ratio).native, ratio_tier("1:1", "2K"));
    assert_eq!(
        resolve("- auto 2K", &PLAIN, &shaped("1:1", "1K 2K")).native,
        ratio_tier("1:1", "2K")
    );
}

#[test]
fn ratio_offers_get_the_nearest_ratio_and_tier_in_their_own_spelling() {
    let offer = shaped("1:1 16:9 21:9 19.5:9 9:16", "1K 2K 4K");
    let resolved = resolve("1365x768", &PLAIN, &offer);
    assert_eq!(
        (resolved.native, resolved.adjustments.len()),
        (ratio_tier("16:9", "1K"), 0)
    );
    // The middle between 2K and 4K is sqrt(8)K; 3840x2160 is 2.81K and just below.
    for (asked, tier, label) in [("3840x2160", "2K", "2731x1536"), ("4096x2160", "4K", "5461x3072")] {
        let resolved = resolve(asked, &PLAIN, &offer);
        assert_eq!(
            (resolved.native, resolved.nominal),
            (ratio_tier("16:9", tier), Some(size(label)))
        );
        assert_eq!(told(&resolved), [format!("size {asked} -> {label} nearest")]);
    }
    for (asked, sent) in [("7:3", "21:9"), ("13:6", "19.5:9"), ("32:18", "16:9"), ("2:2", "1:1")] {
        let resolved = resolve(&format!("- {asked} 1.1k"), &PLAIN, &offer);
        let NativeSize::RatioTier(ratio, tier) = resolved.native else {
            panic!("{resolved:?}")
        };
        assert_eq!((ratio.to_string().as_str(), tier), (sent, Some(Tier::K(1000))));
        assert_eq!(told(&resolved), ["resolution 1.1K -> 1K nearest"]);
    }
    // 662x397 is what 5:3 comes to at 0.5K, although a ratio of its own comes nearer to it.
    assert_eq!(
        resolve("662x397", &PLAIN, &shaped("662:397 5:3", "0.5K")).native,
        ratio_tier("5:3", "0.5K")
    );
    let megapixels = shaped("1:1", "0.25 1");
    let resolved = resolve("1024x1024", &PLAIN, &megapixels);
    assert_eq!(
        (resolved.native, resolved.adjustments.len()),
        (ratio_tier("1:1", "1"), 0)
    );
    let only_tiers = self::offer(SizeSupport::Ratios {
        ratios: vec![],
        tiers: tiers("1K 2K"),
    });
    assert_eq!(
        resolve("- 3:2 4K", &PLAIN, &only_tiers).native,
        NativeSize::Tier(Tier::K(2000))
    );
    let so = ["aspect_ratio 3:2 -> null unsupported", "resolution 4K -> 2K nearest"];
    assert_eq!(told(&resolve("- 3:2 4K", &PLAIN, &only_tiers)), so);
}

#[test]
fn sizes_in_the_exact_range_come_out_exactly_on_every_offer() {
    let by_size = listed("1024x1024 1536x1024 1024x1536");
    let by_ratio = shaped("1:1 3:2 2:3", "");
    for hit in ["1024x1024", "1536x1024"] {
        assert_eq!(resolve(hit, &EXACT, &by_size).cover, None);
    }
    let resolved = resolve("1400x1030", &EXACT, &by_size);
    assert_eq!(resolved.native, NativeSize::Exact(size("1536x1024")));
    assert_eq!(resolved.cover, Some(size("1400x1030")));
    let to = size("1400x1030");
    assert_eq!(resolved.adjustments[0].reason, Reason::Emulated { to });
    assert_eq!(told(&resolved), ["size 1400x1030 -> 1536x1024 emulated"]);
    let resolved = resolve("1536x1024", &EXACT, &by_ratio);
    assert_eq!(
        (resolved.native, resolved.cover),
        (ratio_tier("3:2", ""), Some(size("1536x1024")))
    );
    // The label of a ratio is met without a word, but the image is still held to it.
    let resolved = resolve("1024x1024", &EXACT, &by_ratio);
    assert_eq!(
        (resolved.cover, resolved.adjustments.len()),
        (Some(size("1024x1024")), 0)
    );
    for outside in ["1023x1200", "1200x1537", "1254x836"] {
        assert_eq!(resolve(outside, &EXACT, &by_size).cover, None, "{outside}");
    }
    assert_eq!(resolve("- 16:9", &EXACT, &by_size).cover, None);
    assert_eq!(resolve("-", &EXACT, &by_ratio).cover, None);
    let resolved = resolve("1400x1400", &EXACT, &offer(SizeSupport::Fixed));
    assert_eq!(
        (resolved.native, resolved.cover),
        (NativeSize::Unset, Some(size("1400x1400")))
    );
}

#[test]
fn exact_pixels_win_and_say_what_they_overrule() {
    let offer = listed("1024x1024 1536x1024");
    assert_eq!(told(&resolve("1536x1024 3:2 1K", &PLAIN, &offer)), Vec::<String>::new());
    let so = [
        "aspect_ratio 16:9 -> null overridden",
        "resolution 4K -> null overridden",
    ];
    assert_eq!(told(&resolve("1024x1024 16:9 4K", &PLAIN, &offer)), so);
}

#[test]
fn an_offer_without_sizes_drops_what_it_does_not_do_anyway() {
    let blind = offer(SizeSupport::Fixed);
    let known = OfferSizes {
        default: Some(size("1024x1024")),
        ..blind.clone()
    };
    assert_eq!(
        told(&resolve("640x480", &PLAIN, &blind)),
        ["size 640x480 -> null unsupported"]
    );
    let so = [
        "aspect_ratio 1:1 -> null unsupported",
        "resolution 2K -> null unsupported",
    ];
    assert_eq!(told(&resolve("- 1:1 2K", &PLAIN, &blind)), so);
    assert_eq!(told(&resolve("- 1:1 2K", &PLAIN, &known)), so[1..]);
    assert_eq!(told(&resolve("1024x1024", &PLAIN, &known)), Vec::<String>::new());
    assert_eq!(resolve("-", &PLAIN, &known).nominal, Some(size("1024x1024")));
}

fn shown(rows: &[SizeTableRow]) -> Vec<String> {
    let line = |row: &SizeTableRow| {
        let nominal = if row.nominal { " nominal" } else { "" };
        format!("{} {} {}{nominal}", row.size, row.aspect_ratio, row.resolution)
    };
    rows.iter().map(line).collect()
}

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

fn any_size() -> impl Strategy<Value = Size> {
    let side = || prop_oneof![1_u32..=64, 64_u32..=4096, 1_u32..=MAX_SIDE_PX];
    (side(), side()).prop_map(|(width_px, height_px)| Size { width_px, height_px })
}

fn any_ratio() -> impl Strategy<Value = Ratio> {
    let named = prop::sample::select(ratios("1:1 3:2 2:3 16:9 9:16 21:9 19.5:9 9:19.5 6:4 4:1 8:1 1:8"));
    prop_oneof![named, any_size().prop_map(Ratio::of)]
}

fn any_tier() -> impl Strategy<Value = Tier> {
    let named = prop::sample::select(tiers("0.5K 1K 2K 4K 0.25 1 4 16"));
    prop_oneof![4 => named, 1 => (1_u32..=64_000).prop_map(Tier::K), 1 => (1_u32..=256_000).prop_map(Tier::Megapixels)]
}

fn any_range() -> impl Strategy<Value = SizeRange> {
    let step = prop::sample::select(vec![0_u32, 1, 8, 16, 32, 64]);
    let ratio = prop::option::of(1.0_f64..20.0);
    (
        step,
        1_u32..=2048,
        0_u32..=4096,
        0_u64..=2_000_000,
        0_u64..=20_000_000,
        ratio,
    )
        .prop_map(
            |(multiple_of, min_edge_px, more_px, min_pixels, more, max_ratio)| SizeRange {
                min_edge_px,
                max_edge_px: min_edge_px + more_px,
                multiple_of,
                min_pixels,
                max_pixels: min_pixels + more,
                max_ratio,
            },
        )
}

fn any_offer() -> impl Strategy<Value = OfferSizes> {
    let lists = (
        prop::collection::vec(any_ratio(), 0..8),
        prop::collection::vec(any_tier(), 0..5),
    );
    let support = prop_oneof![
        prop::collection::vec(any_size(), 0..10).prop_map(SizeSupport::Listed),
        any_range().prop_map(SizeSupport::Range),
        lists.prop_map(|(ratios, tiers)| SizeSupport::Ratios { ratios, tiers }),
        Just(SizeSupport::Fixed),
    ];
    (support, any::<bool>(), prop::option::of(any_size())).prop_map(|(support, auto, default)| OfferSizes {
        support,
        auto,
        auto_by_absence: false,
        auto_by_default: false,
        default,
        outputs: Vec::new(),
    })
}

fn any_model() -> impl Strategy<Value = ModelSizes> {
    let default = prop_oneof![Just(size("1024x1024")), any_size()];
    let exact = prop::option::of((1_u32..=1500, 0_u32..=1500));
    (default, exact).prop_map(|(default, exact)| ModelSizes {
        default,
        exact_range: exact.map(|(min_px, more_px)| (min_px, min_px + more_px)),
    })
}

fn any_request() -> impl Strategy<Value = SizeRequest> {
    let size = prop_oneof![
        4 => any_size().prop_map(SizeArgument::Exact),
        2 => any_ratio().prop_map(SizeArgument::Ratio),
        1 => Just(SizeArgument::Auto),
    ];
    let ratio = prop_oneof![4 => any_ratio().prop_map(RatioArgument::Ratio), 1 => Just(RatioArgument::Auto)];
    let tier = prop_oneof![4 => any_tier().prop_map(TierArgument::Tier), 1 => Just(TierArgument::Auto)];
    let all = (prop::option::of(size), prop::option::of(ratio), prop::option::of(tier));
    all.prop_map(|(size, aspect_ratio, resolution)| SizeRequest {
        size,
        aspect_ratio,
        resolution,
    })
}

fn is_legal(native: NativeSize, offer: &OfferSizes) -> bool {
    match (native, &offer.support) {
        (NativeSize::Unset, SizeSupport::Fixed) => true,
        (NativeSize::Unset, SizeSupport::Listed(sizes)) => sizes.is_empty(),
        (NativeSize::Unset, SizeSupport::Range(range)) => range.nearest(size("1024x1024")).is_none(),
        (NativeSize::Unset, SizeSupport::Ratios { ratios, tiers }) => ratios.is_empty() && tiers.is_empty(),
        (NativeSize::Auto, _) => offer.auto,
        (NativeSize::Exact(size), SizeSupport::Listed(sizes)) => sizes.contains(&size),
        (NativeSize::Exact(size), SizeSupport::Range(range)) => range.allows(size),
        (NativeSize::RatioTier(ratio, tier), SizeSupport::Ratios { ratios, tiers }) => {
            let spelled = |known: &Ratio| known.to_string() == ratio.to_string();
            ratios.iter().any(spelled) && tier.map_or(tiers.is_empty(), |tier| tiers.contains(&tier))
        }
        (NativeSize::Tier(tier), SizeSupport::Ratios { ratios, tiers }) => {
            tiers.contains(&tier) && (ratios.is_empty() || offer.auto)
        }
        _ => false,
    }
}

/// The result of a resolution, asked for again.
fn again(native: NativeSize) -> SizeRequest {
    match native {
        NativeSize::Unset => SizeRequest::default(),
        NativeSize::Auto => SizeRequest {
            size: Some(SizeArgument::Auto),
            ..SizeRequest::default()
        },
        NativeSize::Exact(size) => SizeRequest {
            size: Some(SizeArgument::Exact(size)),
            ..SizeRequest::default()
        },
        NativeSize::RatioTier(ratio, tier) => SizeRequest {
            size: None,
            aspect_ratio: Some(RatioArgument::Ratio(ratio)),
            resolution: tier.map(TierArgument::Tier),
        },
        NativeSize::Tier(tier) => SizeRequest {
            size: None,
            aspect_ratio: Some(RatioArgument::Auto),
            resolution: Some(TierArgument::Tier(tier)),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_result_is_legal_for_the_offer(request in any_request(), model in any_model(), offer in any_offer()) {
        let resolved = resolve_size(&request, &model, &offer);
        prop_assert!(is_legal(resolved.native, &offer), "{:?}", resolved);
        if let NativeSize::Exact(size) = resolved.native {
            prop_assert_eq!(resolved.nominal, Some(size));
        }
        for adjustment in &resolved.adjustments {
            prop_assert!(matches!(adjustment.parameter, "size" | "aspect_ratio" | "resolution"));
            prop_assert_ne!(adjustment.used.as_ref(), Some(&adjustment.requested));
        }
    }

    #[test]
    fn resolving_the_result_again_changes_nothing(request in any_request(), model in any_model(), offer in any_offer()) {
        let first = resolve_size(&request, &model, &offer);
        let second = resolve_size(&again(first.native), &model, &offer);
        prop_assert_eq!((first.native, first.nominal), (second.native, second.nominal));
        prop_assert_eq!(second.adjustments, vec![]);
    }

    #[test]
    fn a_label_spells_its_ratio_and_tier(ratio in any_ratio(), tier in any_tier(), list in prop::collection::vec(any_ratio(), 0..6)) {
        let mut ratios = list;
        ratios.push(ratio);
        let offer = offer(SizeSupport::Ratios { ratios, tiers: vec![tier] });
        let label = derived_size(ratio, tier);
        let request = SizeRequest { size: Some(SizeArgument::Exact(label)), ..SizeRequest::default() };
        let resolved = resolve_size(&request, &PLAIN, &offer);
        prop_assert_eq!(resolved.nominal, Some(label));
        prop_assert_eq!(resolved.adjustments, vec![]);
    }

    #[test]
    fn the_order_of_lists_does_not_matter(request in any_request(), model in any_model(), offer in any_offer(), turn in 0_usize..8) {
        let mut turned = offer.clone();
        match &mut turned.support {
            SizeSupport::Listed(sizes) => { sizes.reverse(); let by = turn.min(sizes.len()); sizes.rotate_left(by); }
            SizeSupport::Ratios { ratios, tiers } => {
                ratios.reverse();
                let by = turn.min(ratios.len());
                ratios.rotate_left(by);
                tiers.reverse();
            }
            _ => {}
        }
        prop_assert_eq!(resolve_size(&request, &model, &offer), resolve_size(&request, &model, &turned));
        let (here, there) = (size_table(&model, &[&offer]), size_table(&model, &[&turned]));
        prop_assert_eq!(shown(&here), shown(&there));
    }

    #[test]
    fn exact_hits_are_untouched(wanted in any_size(), mut list in prop::collection::vec(any_size(), 0..10), range in any_range(), model in any_model()) {
        list.push(wanted);
        let request = SizeRequest { size: Some(SizeArgument::Exact(wanted)), ..SizeRequest::default() };
        let untouched = ResolvedSize { native: NativeSize::Exact(wanted), nominal: Some(wanted), known: true, wanted, cover: None, adjustments: vec![] };
        let mut supports = vec![SizeSupport::Listed(list)];
        if range.allows(wanted) {
            supports.push(SizeSupport::Range(range));
        }
        for support in supports {
            prop_assert_eq!(&resolve_size(&request, &model, &offer(support)), &untouched);
        }
    }

    #[test]
    fn an_exact_range_is_kept_on_every_offer(wanted in any_size(), model in any_model(), offer in any_offer()) {
        let request = SizeRequest { size: Some(SizeArgument::Exact(wanted)), ..SizeRequest::default() };
        let resolved = resolve_size(&request, &model, &offer);
        if model.is_exact(wanted) {
            prop_assert!(resolved.cover == Some(wanted) || resolved.native == NativeSize::Exact(wanted));
        } else {
            prop_assert_eq!(resolved.cover, None);
        }
    }

    #[test]
    fn rows_of_a_table_lead_back_to_their_sizes(model in any_model(), list in prop::collection::vec(any_size(), 1..10)) {
        let offer = offer(SizeSupport::Listed(list));
        for row in size_table(&model, &[&offer]) {
            let shape = SizeRequest { size: None, aspect_ratio: Some(RatioArgument::Ratio(row.aspect_ratio)), resolution: Some(TierArgument::Tier(row.resolution)) };
            prop_assert_eq!(resolve_size(&shape, &model, &offer).nominal, Some(row.size));
        }
    }

    #[test]
    fn written_sizes_ratios_and_tiers_read_back(size in any_size(), ratio in any_ratio(), tier in any_tier()) {
        prop_assert_eq!(size.to_string().parse::<Size>(), Ok(size));
        prop_assert_eq!(tier.to_string().parse::<Tier>(), Ok(tier));
        let read = ratio.to_string().parse::<Ratio>().map(|read| (read, read.to_string()));
        prop_assert_eq!(read, Ok((ratio, ratio.to_string())));
    }

    #[test]
    fn no_text_is_too_odd(text in any::<String>(), almost in "[0-9]{0,6}[.x:*]?[0-9]{0,6}[.:xXkKmMpP]{0,2}[0-9]{0,4}") {
        for text in [text, almost] {
            let (size, ratio, tier) = (parse_size(&text), parse_aspect_ratio(&text), parse_resolution(&text));
            if let (Ok(SizeArgument::Ratio(a)), Ok(RatioArgument::Ratio(b))) = (size, ratio) {
                prop_assert_eq!(a, b);
            }
            prop_assert!(size.is_err() || tier.is_err() || text.eq_ignore_ascii_case("auto"));
        }
    }
}
