//! From a ratio and a tier to pixels, as each family of models draws them.

use super::errors;
use super::family::Family;
use crate::gpt_image::{fit_free, nearest};
use crate::refused::Refused;

/// Ratios that the API knows.
pub(super) const RATIOS: &[&str] = &[
    "1:1", "1:2", "1:4", "1:8", "2:1", "2:3", "3:2", "3:4", "4:1", "4:3", "4:5", "5:4", "8:1", "9:16", "16:9",
    "9:19.5", "19.5:9", "9:20", "20:9", "9:21", "21:9", "auto",
];
/// Tiers of the Images API.
pub(super) const TIERS: &[&str] = &["512", "1K", "2K", "4K"];
/// Sizes of the GPT Image models before the second.
const CLASSIC: &[(u32, u32)] = &[(1024, 1024), (1024, 1536), (1536, 1024)];
/// Gemini 2.5's sizes, by OpenRouter's own documentation.
const GEMINI_25: &[(u32, u32)] = &[
    (1024, 1024),
    (832, 1248),
    (1248, 832),
    (864, 1184),
    (1184, 864),
    (896, 1152),
    (1152, 896),
    (768, 1344),
    (1344, 768),
    (1536, 672),
];
/// Sizes of Gemini 3 and later at 1K, by Google's table; other tiers are multiples.
const GEMINI_3: &[(u32, u32)] = &[
    (1024, 1024),
    (512, 2048),
    (384, 3072),
    (848, 1264),
    (1264, 848),
    (896, 1200),
    (1200, 896),
    (928, 1152),
    (1152, 928),
    (768, 1376),
    (1376, 768),
    (1584, 672),
    (2048, 512),
    (3072, 384),
];

/// What a caller asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Wanted {
    /// Width against height.
    pub(super) ratio: Option<f64>,
    /// One of [`TIERS`].
    pub(super) tier: Option<&'static str>,
    /// Exact pixels.
    pub(super) exact_px: Option<(u32, u32)>,
}

/// A ratio by its name; `auto` leaves it open.
pub(super) fn ratio(name: &str) -> Option<f64> {
    let (width, height) = name.split_once(':')?;
    Some(width.parse::<f64>().ok()? / height.parse::<f64>().ok()?)
}

/// `size` is a tier or WxH, and may say nothing else than the two fields that it stands for.
pub(super) fn with_size(wanted: Wanted, size: &str) -> Result<Wanted, Refused> {
    let conflict = || errors::invalid("size", "it conflicts with resolution or aspect_ratio");
    if let Some(tier) = TIERS.iter().copied().find(|tier| tier.eq_ignore_ascii_case(size)) {
        return match wanted.tier {
            Some(other) if other != tier => Err(conflict()),
            _ => Ok(Wanted {
                tier: Some(tier),
                ..wanted
            }),
        };
    }
    let edges = size
        .split_once('x')
        .and_then(|(width, height)| Some((width.parse::<u32>().ok()?, height.parse::<u32>().ok()?)))
        .filter(|(width, height)| *width > 0 && *height > 0);
    let Some((width, height)) = edges else {
        return Err(errors::invalid("size", "expected a tier or WIDTHxHEIGHT"));
    };
    let own = f64::from(width) / f64::from(height);
    let same_ratio = wanted.ratio.is_none_or(|ratio| (ratio / own).ln().abs() < 0.05);
    if !same_ratio || wanted.tier.is_some_and(|tier| tier != tier_of(width, height)) {
        return Err(conflict());
    }
    Ok(Wanted {
        exact_px: Some((width, height)),
        ..wanted
    })
}

fn tier_of(width: u32, height: u32) -> &'static str {
    let edge = (f64::from(width) * f64::from(height)).sqrt();
    match edge {
        ..768.0 => "512",
        ..1536.0 => "1K",
        ..3072.0 => "2K",
        _ => "4K",
    }
}

/// The edge of a square of a tier, in pixels.
pub(super) fn edge_px(tier: &str) -> u32 {
    match tier {
        "512" => 512,
        "2K" => 2_048,
        "4K" => 4_096,
        _ => 1_024,
    }
}

/// The tier that a model draws at.
pub(super) fn tier(family: Family, wanted: Wanted) -> &'static str {
    let asked = wanted
        .tier
        .or_else(|| wanted.exact_px.map(|(width, height)| tier_of(width, height)));
    match family {
        Family::Gemini25 | Family::GptMini => "1K",
        // The least that it makes.
        Family::Seedream => asked.filter(|tier| matches!(*tier, "2K" | "4K")).unwrap_or("2K"),
        Family::Gemini3Pro => asked.filter(|tier| *tier != "512").unwrap_or("1K"),
        Family::Gemini31Flash | Family::Gpt2 => asked.unwrap_or("1K"),
    }
}

/// The pixels that a model draws: the supported size nearest to what was asked for.
pub(super) fn pixels(family: Family, wanted: Wanted) -> (u32, u32) {
    let tier_px = edge_px(tier(family, wanted));
    let shape = wanted
        .exact_px
        .unwrap_or_else(|| by_ratio(wanted.ratio.unwrap_or(1.0), tier_px));
    match family {
        Family::Gemini25 => nearest(GEMINI_25, shape),
        Family::GptMini => nearest(CLASSIC, shape),
        Family::Gpt2 => fit_free(shape),
        Family::Seedream => wanted.exact_px.unwrap_or_else(|| by_ratio(ratio_of(shape), tier_px)),
        Family::Gemini31Flash | Family::Gemini3Pro => {
            let (width, height) = nearest(GEMINI_3, shape);
            (width * tier_px / 1_024, height * tier_px / 1_024)
        }
    }
}

fn ratio_of((width, height): (u32, u32)) -> f64 {
    f64::from(width) / f64::from(height.max(1))
}

/// Multiples of 16 with about the area of a square of that edge.
fn by_ratio(ratio: f64, edge_px: u32) -> (u32, u32) {
    let height = f64::from(edge_px) / ratio.sqrt();
    let round = |edge: f64| (edge / 16.0).round().max(1.0) as u32 * 16;
    (round(height * ratio), round(height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_family_draws_its_own_sizes() {
        let wanted = |name: &str, tier| Wanted {
            ratio: ratio(name),
            tier,
            exact_px: None,
        };
        for (family, name, tier, expected) in [
            (Family::Gemini25, "16:9", Some("4K"), (1344, 768)),
            (Family::Gemini31Flash, "16:9", None, (1376, 768)),
            (Family::Gemini31Flash, "1:1", Some("512"), (512, 512)),
            (Family::Gemini31Flash, "auto", Some("4K"), (4096, 4096)),
            (Family::Gemini3Pro, "21:9", Some("2K"), (3168, 1344)),
            (Family::GptMini, "3:2", None, (1536, 1024)),
            (Family::Seedream, "1:1", None, (2048, 2048)),
            (Family::Seedream, "16:9", Some("2K"), (2736, 1536)),
        ] {
            assert_eq!(pixels(family, wanted(name, tier)), expected, "{family:?} {name}");
        }
    }

    #[test]
    fn sizes_that_contradict_are_refused() {
        let wide = Wanted {
            ratio: ratio("16:9"),
            ..Wanted::default()
        };
        assert!(with_size(wide, "1920x1080").is_ok_and(|wanted| wanted.exact_px == Some((1920, 1080))));
        assert!(with_size(wide, "1024x1024").is_err());
        let large = Wanted {
            tier: Some("4K"),
            ..Wanted::default()
        };
        assert!(with_size(large, "1K").is_err() && with_size(large, "1024x1024").is_err());
        assert!(with_size(large, "4k").is_ok());
        for bad in ["", "large", "10", "0x10", "1024*1024", "-1x5"] {
            assert!(with_size(Wanted::default(), bad).is_err(), "{bad}");
        }
    }
}
