//! Sizes and tokens of the GPT Image models, as the resellers of these models count them.

/// Edges of free sizes are multiples of this, in pixels.
const STEP_PX: u32 = 16;
/// The longest edge of a free size, in pixels.
const LONGEST_PX: u32 = 3_840;
/// Free sizes lie between these numbers of pixels.
const LEAST_PIXELS: u64 = 655_360;
const MOST_PIXELS: u64 = 8_294_400;
/// Of a free size, the longer edge may be this many times the shorter.
const MOST_RATIO: f64 = 3.0;
/// Characters of a prompt that make about one token: an estimate, rounded up.
const CHARS_PER_TOKEN: u64 = 4;
/// Tokens of one input image of gpt-image-2 and later: one for each 32x32 pixels, up to this. No formula is
/// published; this one gives the listed prices of edits within a tenth of a cent.
const PATCH_PX: u32 = 32;
const MOST_PATCHES: u64 = 1_536;

/// The size of `allowed` whose shape is nearest to that of `wanted`.
pub(crate) fn nearest(allowed: &[(u32, u32)], wanted: (u32, u32)) -> (u32, u32) {
    let shape = |(width, height): (u32, u32)| (f64::from(width) / f64::from(height.max(1))).ln();
    allowed
        .iter()
        .copied()
        .min_by(|a, b| {
            let distance = |size| (shape(size) - shape(wanted)).abs();
            distance(*a).total_cmp(&distance(*b))
        })
        .unwrap_or(wanted)
}

/// The free size nearest to `wanted`: same shape as far as 3:1 goes, scaled into the allowed range.
pub(crate) fn fit_free((width, height): (u32, u32)) -> (u32, u32) {
    let ratio = (f64::from(width.max(1)) / f64::from(height.max(1))).clamp(1.0 / MOST_RATIO, MOST_RATIO);
    // A step within the limits, so that rounding to multiples of 16 stays inside.
    let slack = f64::from(STEP_PX * (LONGEST_PX / STEP_PX));
    let pixels = (f64::from(width) * f64::from(height)).clamp(700_000.0, 8_200_000.0);
    let mut long = (pixels * ratio.max(1.0 / ratio)).sqrt().min(slack);
    let short = (long / ratio.max(1.0 / ratio)).max(1.0);
    let round = |edge: f64| {
        let steps = (edge / f64::from(STEP_PX)).round().max(1.0);
        steps as u32 * STEP_PX
    };
    let mut short_px = round(short);
    if f64::from(round(long)) > f64::from(short_px) * MOST_RATIO {
        short_px += STEP_PX;
    }
    while u64::from(round(long)) * u64::from(short_px) > MOST_PIXELS {
        long -= f64::from(STEP_PX);
    }
    while u64::from(round(long)) * u64::from(short_px) < LEAST_PIXELS {
        short_px += STEP_PX;
    }
    if ratio >= 1.0 {
        (round(long), short_px)
    } else {
        (short_px, round(long))
    }
}

/// Tokens of a prompt, estimated.
pub(crate) fn text_tokens(prompt: &str) -> u64 {
    let chars = u64::try_from(prompt.chars().count()).unwrap_or(u64::MAX);
    chars.div_ceil(CHARS_PER_TOKEN)
}

/// Output tokens of one picture of gpt-image-1, 1-mini and 1.5, by OpenAI's table.
pub(crate) fn classic_output_tokens(quality: &str, (width, height): (u32, u32)) -> u64 {
    let column = match width.cmp(&height) {
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Less => 1,
        std::cmp::Ordering::Greater => 2,
    };
    match quality {
        "low" => [272, 408, 400][column],
        "high" => [4_160, 6_240, 6_208][column],
        _ => [1_056, 1_584, 1_568][column],
    }
}

/// Output tokens of one picture of gpt-image-2, or of 2.5 (`finer`), by the formula that gives OpenAI's own figures.
pub(crate) fn free_output_tokens(finer: bool, quality: &str, (width, height): (u32, u32)) -> u64 {
    let q: u64 = match (finer, quality) {
        (_, "low") => 16,
        (false, "medium") => 48,
        (true, "medium") => 24,
        (true, "high") => 48,
        (true, "xhigh") => 64,
        _ => 96,
    };
    let (long, short) = (u64::from(width.max(height)).max(1), u64::from(width.min(height)));
    let s = (2 * q * short + long) / (2 * long);
    let pixels = u64::from(width) * u64::from(height);
    (q * s * (2_000_000 + pixels)).div_ceil(4_000_000)
}

/// Input tokens of one picture of gpt-image-1 and the models like it: tiles of 512 pixels after shrinking.
pub(crate) fn classic_input_tokens(high_fidelity: bool, (width, height): (u32, u32)) -> u64 {
    let (mut w, mut h) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let fit = (2_048.0 / w.max(h)).min(1.0);
    (w, h) = (w * fit, h * fit);
    let shrink = (512.0 / w.min(h)).min(1.0);
    (w, h) = (w * shrink, h * shrink);
    let tiles = (w / 512.0).ceil() * (h / 512.0).ceil();
    let detail = match (high_fidelity, width == height) {
        (false, _) => 0,
        (true, true) => 4_160,
        (true, false) => 6_240,
    };
    65 + 129 * tiles as u64 + detail
}

/// Input tokens of one picture of gpt-image-2 and later.
pub(crate) fn free_input_tokens((width, height): (u32, u32)) -> u64 {
    let patches = u64::from(width.div_ceil(PATCH_PX)) * u64::from(height.div_ceil(PATCH_PX));
    patches.min(MOST_PATCHES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formula_gives_the_published_tokens() {
        for (size, two_high, finer_xhigh) in [
            ((1024, 768), 4_815, 2_140),
            ((1024, 1024), 7_024, 3_122),
            ((1536, 1024), 5_488, 2_459),
            ((1024, 1536), 5_488, 2_459),
            ((1920, 1080), 5_280, 2_347),
            ((2048, 2048), 14_272, 6_343),
            ((3840, 2160), 13_342, 5_930),
        ] {
            assert_eq!(free_output_tokens(false, "high", size), two_high);
            assert_eq!(free_output_tokens(true, "xhigh", size), finer_xhigh);
        }
        assert_eq!(free_output_tokens(false, "low", (1024, 1024)), 196);
        assert_eq!(free_output_tokens(true, "medium", (1024, 1024)), 439);
        assert_eq!(free_output_tokens(true, "max", (1024, 1024)), 7_024);
    }

    #[test]
    fn input_tokens_follow_the_tiles() {
        assert_eq!(classic_input_tokens(false, (1024, 1024)), 194);
        assert_eq!(classic_input_tokens(true, (1024, 1024)), 4_354);
        assert_eq!(classic_input_tokens(false, (1536, 1024)), 65 + 129 * 2);
        assert_eq!(free_input_tokens((1024, 1024)), 1_024);
        assert_eq!(free_input_tokens((3840, 2160)), 1_536);
    }

    #[test]
    fn free_sizes_stay_inside_their_limits() {
        for input in [
            (1, 1),
            (64, 64),
            (333, 777),
            (1024, 1024),
            (4000, 1000),
            (1, 5000),
            (9000, 9000),
            (8000, 2700),
            (1280, 720),
        ] {
            let (width, height) = fit_free(input);
            let (long, short) = (width.max(height), width.min(height));
            let pixels = u64::from(width) * u64::from(height);
            assert!(width % 16 == 0 && height % 16 == 0, "{input:?}: {width}x{height}");
            assert!(long <= 3_840 && long <= short * 3, "{input:?}: {width}x{height}");
            assert!((655_360..=8_294_400).contains(&pixels), "{input:?}: {width}x{height}");
        }
        assert_eq!(fit_free((1024, 1024)), (1024, 1024));
        assert_eq!(fit_free((1920, 1280)), (1920, 1280));
    }

    #[test]
    fn the_nearest_shape_is_chosen() {
        let classic = [(1024, 1024), (1536, 1024), (1024, 1536)];
        assert_eq!(nearest(&classic, (4000, 3000)), (1536, 1024));
        assert_eq!(nearest(&classic, (600, 700)), (1024, 1024));
        assert_eq!(nearest(&classic, (9, 16)), (1024, 1536));
    }
}
