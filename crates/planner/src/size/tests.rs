//! The figures of the contract, the tables of two models, and what must hold for every request and offer.

mod properties;
mod texts;

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
