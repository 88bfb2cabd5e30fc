//! Size resolution against a second, slow and plain implementation of the same rules: logarithms instead of exact
//! fractions, every legal size of a range instead of a search.

#[path = "size_reference/draw.rs"]
mod draw;

use planner::size::{
    ModelSizes, NativeSize, OfferSizes, Ratio, RatioArgument, Reason, Size, SizeArgument, SizeRange, SizeRequest,
    SizeSupport, Tier, TierArgument, resolve_size,
};

use draw::Draw;

/// Below this, two logarithms are the same one, rounded twice.
const SAME: f64 = 1e-11;

/// Pairs of request and offer that are compared.
const PAIRS: u32 = 300_000;

/// What the reference says: native size, nominal size, and the size to crop and resample to.
type Answer = (NativeSize, Option<Size>, Option<Size>);

fn ratio_of(size: Size) -> f64 {
    f64::from(size.width_px) / f64::from(size.height_px)
}

fn area_of(size: Size) -> f64 {
    f64::from(size.width_px) * f64::from(size.height_px)
}

fn area_of_tier(tier: Tier) -> f64 {
    match tier {
        Tier::K(milli) => (1024.0 * f64::from(milli) / 1000.0).powi(2),
        Tier::Megapixels(milli) => 1_048_576.0 * f64::from(milli) / 1000.0,
    }
}

fn off(a: f64, b: f64) -> f64 {
    (a.ln() - b.ln()).abs()
}

/// The first of `items` by a list of keys, each to be small, where nearly equal keys are equal.
fn least<T: Copy>(items: &[T], keys: impl Fn(T) -> Vec<f64>) -> Option<T> {
    let mut best: Option<(T, Vec<f64>)> = None;
    for &item in items {
        let mine = keys(item);
        let better = best.as_ref().is_none_or(|(_, theirs)| {
            let differing = mine.iter().zip(theirs).find(|(a, b)| (*a - *b).abs() > SAME);
            differing.is_some_and(|(a, b)| a < b)
        });
        if better {
            best = Some((item, mine));
        }
    }
    best.map(|(item, _)| item)
}

fn derived(ratio: f64, area: f64) -> Size {
    let height = (area / ratio).sqrt().round().max(1.0);
    Size {
        width_px: (height * ratio).round().max(1.0) as u32,
        height_px: height as u32,
    }
}

fn is_legal(range: &SizeRange, width: u32, height: u32) -> bool {
    let step = range.multiple_of;
    let (short, long) = (width.min(height), width.max(height));
    let pixels = u64::from(width) * u64::from(height);
    width.is_multiple_of(step)
        && height.is_multiple_of(step)
        && short >= range.min_edge_px
        && long <= range.max_edge_px
        && pixels >= range.min_pixels
        && pixels <= range.max_pixels
        && range
            .max_ratio
            .is_none_or(|limit| f64::from(long) <= f64::from(short) * limit + 1e-6)
}

/// The rule for ranges, by looking at every size of it.
fn nearest_in_range(range: &SizeRange, wanted: Size) -> Option<Size> {
    if is_legal(range, wanted.width_px, wanted.height_px) {
        return Some(wanted);
    }
    let sides: Vec<u32> = (range.min_edge_px..=range.max_edge_px)
        .filter(|side| side.is_multiple_of(range.multiple_of))
        .collect();
    let offs = |wanted: u32| -> Vec<f64> {
        sides
            .iter()
            .map(|side| off(f64::from(*side), f64::from(wanted)))
            .collect()
    };
    let (width_off, height_off) = (offs(wanted.width_px), offs(wanted.height_px));
    // The nearest width that goes with each height, and the other way round.
    let (mut by_height, mut by_width) = (vec![f64::INFINITY; sides.len()], vec![f64::INFINITY; sides.len()]);
    let mut legal = Vec::new();
    for (i, &width) in sides.iter().enumerate() {
        for (j, &height) in sides.iter().enumerate() {
            if is_legal(range, width, height) {
                by_height[j] = by_height[j].min(width_off[i]);
                by_width[i] = by_width[i].min(height_off[j]);
                legal.push((i, j));
            }
        }
    }
    legal.retain(|&(i, j)| width_off[i] <= by_height[j] + SAME && height_off[j] <= by_width[i] + SAME);
    let distance = |&(i, j): &(usize, usize)| (width_off[i].powi(2) + height_off[j].powi(2)).sqrt();
    let nearest = legal.iter().map(distance).fold(f64::INFINITY, f64::min);
    legal.retain(|at| distance(at) <= nearest + 5e-4);
    let found = legal.iter().map(|&(i, j)| Size {
        width_px: sides[i],
        height_px: sides[j],
    });
    let found: Vec<Size> = found.collect();
    least(&found, |size| {
        vec![
            off(ratio_of(size), ratio_of(wanted)),
            -area_of(size),
            -f64::from(size.width_px),
        ]
    })
}

fn nearest_tier(area: f64, in_megapixels: bool, tiers: &[Tier]) -> Option<Tier> {
    least(tiers, |tier| {
        let other_unit = matches!(tier, Tier::Megapixels(_)) != in_megapixels;
        vec![
            off(area_of_tier(tier), area),
            -area_of_tier(tier).ln(),
            f64::from(u8::from(other_unit)),
        ]
    })
}

fn nearest_ratio(ratio: f64, ratios: &[Ratio]) -> Option<Ratio> {
    least(ratios, |known| vec![off(known.value(), ratio), -known.value()])
}

struct Wanted {
    ratio: f64,
    area: f64,
    in_megapixels: bool,
    exact: Option<Size>,
}

fn place(wanted: &Wanted, model: &ModelSizes, offer: &OfferSizes) -> (NativeSize, Option<Size>) {
    let unset = (NativeSize::Unset, offer.default);
    match &offer.support {
        SizeSupport::Fixed => unset,
        SizeSupport::Listed(sizes) => {
            let found = least(sizes, |size| {
                let by_scale = off(area_of(size), wanted.area) / 2.0;
                vec![
                    off(ratio_of(size), wanted.ratio),
                    by_scale,
                    -area_of(size),
                    -f64::from(size.width_px),
                ]
            });
            found.map_or(unset, |size| (NativeSize::Exact(size), Some(size)))
        }
        SizeSupport::Range(range) => {
            let size = wanted.exact.unwrap_or_else(|| derived(wanted.ratio, wanted.area));
            nearest_in_range(range, size).map_or(unset, |size| (NativeSize::Exact(size), Some(size)))
        }
        SizeSupport::Ratios { ratios, tiers } => {
            let tier = nearest_tier(wanted.area, wanted.in_megapixels, tiers);
            let area = tier.map_or_else(|| area_of(model.default), area_of_tier);
            let spelled: Vec<Ratio> = ratios
                .iter()
                .copied()
                .filter(|ratio| Some(derived(ratio.value(), area)) == wanted.exact)
                .collect();
            let ratio = nearest_ratio(wanted.ratio, &spelled).or_else(|| nearest_ratio(wanted.ratio, ratios));
            match (ratio, tier) {
                (Some(ratio), tier) => (NativeSize::RatioTier(ratio, tier), Some(derived(ratio.value(), area))),
                (None, Some(tier)) => (NativeSize::Tier(tier), Some(derived(ratio_of(model.default), area))),
                (None, None) => unset,
            }
        }
    }
}

fn reference(request: &SizeRequest, model: &ModelSizes, offer: &OfferSizes) -> Answer {
    let default = Wanted {
        ratio: ratio_of(model.default),
        area: area_of(model.default),
        in_megapixels: false,
        exact: Some(model.default),
    };
    if let Some(SizeArgument::Exact(size)) = request.size {
        let wanted = Wanted {
            ratio: ratio_of(size),
            area: area_of(size),
            in_megapixels: false,
            exact: Some(size),
        };
        let (native, nominal) = place(&wanted, model, offer);
        let inside = |(min, max): (u32, u32)| {
            size.width_px.min(size.height_px) >= min && size.width_px.max(size.height_px) <= max
        };
        let cover = model.exact_range.is_some_and(inside) && native != NativeSize::Exact(size);
        return (native, nominal, cover.then_some(size));
    }
    let ratio = match (request.size, request.aspect_ratio) {
        (Some(SizeArgument::Ratio(ratio)), _) | (_, Some(RatioArgument::Ratio(ratio))) => Some(ratio),
        _ => None,
    };
    let tier = match request.resolution {
        Some(TierArgument::Tier(tier)) => Some(tier),
        _ => None,
    };
    let shape_is_auto = request.size == Some(SizeArgument::Auto) || request.aspect_ratio == Some(RatioArgument::Auto);
    if ratio.is_none() && tier.is_none() {
        let auto = shape_is_auto || request.resolution == Some(TierArgument::Auto);
        if auto && offer.auto {
            return (NativeSize::Auto, offer.default, None);
        }
        let (native, nominal) = place(&default, model, offer);
        return (native, nominal, None);
    }
    let wanted = Wanted {
        ratio: ratio.map_or(default.ratio, Ratio::value),
        area: tier.map_or(default.area, area_of_tier),
        in_megapixels: matches!(tier, Some(Tier::Megapixels(_))),
        exact: None,
    };
    let (native, nominal) = place(&wanted, model, offer);
    let native = match native {
        NativeSize::RatioTier(_, Some(tier)) if ratio.is_none() && shape_is_auto && offer.auto => {
            NativeSize::Tier(tier)
        }
        native => native,
    };
    (native, nominal, None)
}

#[test]
fn random_requests_resolve_as_the_plain_rules_say() {
    let mut draw = Draw(20_260_801);
    let (mut snapped, mut covered) = (0_u32, 0_u32);
    for _ in 0..PAIRS {
        let (model, offer) = (draw.model(), draw.offer());
        let request = draw.request(&offer);
        let resolved = resolve_size(&request, &model, &offer);
        let expected = reference(&request, &model, &offer);
        let found = (resolved.native, resolved.nominal, resolved.cover);
        assert_eq!(found, expected, "{request:?}\n{model:?}\n{offer:?}");
        snapped += u32::from(resolved.adjustments.iter().any(|told| told.reason == Reason::Nearest));
        covered += u32::from(resolved.cover.is_some());
    }
    // The draw must reach the interesting cases, or the comparison proves little.
    assert!(
        snapped > PAIRS / 4 && covered > PAIRS / 100,
        "{snapped} snapped, {covered} covered"
    );
}

/// Compares the search in `range` with looking at all of it, for `count` requests.
fn compare_range(range: &SizeRange, seed: u64, count: u32) {
    let mut draw = Draw(seed);
    for _ in 0..count {
        let wanted = draw.size();
        assert_eq!(
            range.nearest(wanted),
            nearest_in_range(range, wanted),
            "{wanted} in {range:?}"
        );
    }
}

#[test]
fn the_largest_real_grid_is_searched_without_a_miss() {
    let range = SizeRange {
        min_edge_px: 16,
        max_edge_px: 3840,
        multiple_of: 16,
        min_pixels: 655_360,
        max_pixels: 8_294_400,
        max_ratio: Some(3.0),
    };
    compare_range(&range, 7, 120);
}

#[test]
fn single_pixel_steps_are_searched_without_a_miss() {
    let free = SizeRange {
        min_edge_px: 200,
        max_edge_px: 420,
        multiple_of: 1,
        min_pixels: 0,
        max_pixels: u64::MAX,
        max_ratio: None,
    };
    compare_range(&free, 11, 20);
    compare_range(
        &SizeRange {
            min_pixels: 90_000,
            max_ratio: Some(1.5),
            ..free
        },
        12,
        40,
    );
    compare_range(
        &SizeRange {
            max_pixels: 70_000,
            max_ratio: Some(2.0),
            ..free
        },
        13,
        40,
    );
}

#[test]
fn a_square_may_be_drawn_out_only_where_it_gains() {
    let range = SizeRange {
        min_edge_px: 16,
        max_edge_px: 3840,
        multiple_of: 16,
        min_pixels: 655_360,
        max_pixels: 8_294_400,
        max_ratio: Some(3.0),
    };
    let square = |side_px: u32| Size {
        width_px: side_px,
        height_px: side_px,
    };
    for side_px in (17..816).step_by(61) {
        let found = nearest_in_range(&range, square(side_px)).expect("the range is not empty");
        assert_eq!(range.nearest(square(side_px)), Some(found), "{side_px}");
    }
    assert_eq!(nearest_in_range(&range, square(300)), Some(square(816)));
}
