//! Image tokens by the providers' published rules.

use crate::catalog::pricing::{InputTokens, OutputTokens};
use crate::size::{ModelSizes, NativeSize, OfferSizes, Size, SizeArgument, SizeRequest, SizeSupport, resolve_size};

/// The member of `sizes` that is nearest to `size`: by ratio, then by area.
pub(super) fn nearest(size: Size, sizes: &[Size]) -> Option<Size> {
    let request = SizeRequest {
        size: Some(SizeArgument::Exact(size)),
        aspect_ratio: None,
        resolution: None,
    };
    let model = ModelSizes {
        default: size,
        exact_range: None,
    };
    let offer = OfferSizes {
        support: SizeSupport::Listed(sizes.to_vec()),
        auto: false,
        auto_by_absence: false,
        auto_by_default: false,
        default: None,
        outputs: Vec::new(),
    };
    match resolve_size(&request, &model, &offer).native {
        NativeSize::Exact(found) => Some(found),
        _ => None,
    }
}

/// Tokens of one output image of that quality and size; `None` when the rule does not know the quality.
pub(super) fn output_tokens(rule: &OutputTokens, quality: &str, size: Size) -> Option<u64> {
    match rule {
        OutputTokens::Table { tokens } => {
            let by_size = tokens.get(quality)?;
            let sizes: Vec<Size> = by_size.keys().filter_map(|text| text.parse().ok()).collect();
            by_size.get(&nearest(size, &sizes)?.to_string()).copied()
        }
        OutputTokens::Grid { cells, offset, divisor } => {
            let long_cells = *cells.get(quality)?;
            let long = u64::from(size.width_px.max(size.height_px)).max(1);
            let short = u64::from(size.width_px.min(size.height_px));
            let short_cells = (2 * long_cells * short + long) / (2 * long);
            let pixels = u64::from(size.width_px) * u64::from(size.height_px);
            Some((long_cells * short_cells * (offset + pixels)).div_ceil((*divisor).max(1)))
        }
    }
}

/// Every size that a table of tokens lists for `quality`.
pub(super) fn listed_sizes(rule: &OutputTokens, quality: &str) -> Vec<Size> {
    match rule {
        OutputTokens::Table { tokens } => tokens
            .get(quality)
            .into_iter()
            .flat_map(|by_size| by_size.keys())
            .filter_map(|text| text.parse().ok())
            .collect(),
        OutputTokens::Grid { .. } => Vec::new(),
    }
}

/// Tokens of one input image at the most.
pub(super) fn input_tokens(rule: &InputTokens, size: Size, high_fidelity: bool) -> u64 {
    match rule {
        InputTokens::Bound { max, .. } => *max,
        InputTokens::Tiles {
            base,
            per_tile,
            fit_px,
            tile_px,
            high_square,
            high_other,
            always_high,
            ..
        } => {
            let high = match (high_fidelity || *always_high, size.width_px == size.height_px) {
                (false, _) => 0,
                (true, true) => *high_square,
                (true, false) => *high_other,
            };
            base + per_tile * tiles(size, *fit_px, *tile_px) + high
        }
    }
}

/// Tiles of an image that was shrunk to fit, then until its short side is one tile long. Never enlarged.
fn tiles(size: Size, fit_px: u32, tile_px: u32) -> u64 {
    let (width, height) = (f64::from(size.width_px.max(1)), f64::from(size.height_px.max(1)));
    let fit = (f64::from(fit_px) / width.max(height)).min(1.0);
    let short = (f64::from(tile_px) / (width.min(height) * fit)).min(1.0);
    let tile = f64::from(tile_px.max(1));
    // A rounding error must not add a tile to an image that fits exactly.
    let count = |edge: f64| ((edge * fit * short / tile) - 1e-9).ceil().max(1.0);
    let total = count(width) * count(height);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive whole number below 2^32"
    )]
    let total = total as u64;
    total
}
