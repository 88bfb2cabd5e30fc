//! What holds for all sizes, ratios, tiers and offers.

use super::super::*;
use super::{PLAIN, offer, ratios, shown, size, tiers};
use proptest::prelude::*;

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
