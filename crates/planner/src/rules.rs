//! What an API key may ask for beyond models and providers: sizes, formats, qualities, hours.

mod hours;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use hours::{HOURS_WANTED, Window};

use crate::fault::listing;
use crate::format::Format;
use crate::region::{is_in, whereabouts};
use crate::resolve::Resolved;
use crate::size::Size;

/// The rules of a key. What is absent or empty binds nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// The longest side of an image, in pixels.
    pub max_edge_px: Option<u32>,
    /// The most pixels of an image.
    pub max_pixels: Option<u64>,
    /// The only formats that images come in.
    pub output_formats: Vec<Format>,
    /// The only qualities, in the words of models; `hd` and `standard` are `high` and `medium`.
    pub qualities: Vec<String>,
    /// When it may make images, in UTC.
    pub hours: Vec<Window>,
    /// The only regions in which its images are made; `us` holds `us-central1` too.
    pub regions: Vec<String>,
}

/// A rule that a request breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// The rule's name, as it is set.
    pub rule: &'static str,
    /// The parameter at fault; none where it is the time.
    pub param: Option<&'static str>,
    /// What would be allowed, as it is set.
    pub allowed: Value,
    /// What is wrong and what would be right.
    pub message: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Rules {
    /// No rules.
    pub const NONE: Self = Self {
        max_edge_px: None,
        max_pixels: None,
        output_formats: Vec::new(),
        qualities: Vec::new(),
        hours: Vec::new(),
        regions: Vec::new(),
    };

    /// Whether nothing is bound.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }

    /// Whether images may be made at `now`.
    ///
    /// # Errors
    /// [`Breach`].
    pub fn check_hour(&self, now: jiff::Timestamp) -> Result<(), Breach> {
        if self.hours.is_empty() || self.hours.iter().any(|window| window.holds(now)) {
            return Ok(());
        }
        let allowed: Vec<String> = self.hours.iter().map(ToString::to_string).collect();
        Err(Breach {
            rule: "hours",
            param: None,
            message: format!(
                "This API key's rule 'hours' lets it make images at other times: {} (UTC). It is {} UTC",
                allowed.join(", "),
                now.strftime("%a %H:%M")
            ),
            allowed: json!(allowed),
        })
    }

    /// The rule that what an offer in `region` would give breaks, if it breaks one. What is not known beforehand is not allowed.
    #[must_use]
    pub fn breach(&self, resolved: &Resolved<'_>, region: Option<&str>) -> Option<Breach> {
        if self.is_empty() {
            return None;
        }
        let size = resolved.finish.cover.or(resolved.work.size);
        let by_size = self.too_long(size).or_else(|| self.too_large(size));
        let by_form = || self.other_format(resolved).or_else(|| self.other_quality(resolved));
        by_size
            .or_else(by_form)
            .or_else(|| self.elsewhere(&resolved.offer.provider, region))
    }

    fn elsewhere(&self, provider: &str, region: Option<&str>) -> Option<Breach> {
        if self.regions.is_empty() || is_in(region, &self.regions) {
            return None;
        }
        Some(Breach {
            rule: "regions",
            param: Some("model"),
            allowed: json!(self.regions),
            message: format!(
                "This API key's rule 'regions' allows {}, and {provider} {}",
                listing(&self.regions),
                whereabouts(region)
            ),
        })
    }

    fn too_long(&self, size: Option<Size>) -> Option<Breach> {
        let most = self.max_edge_px?;
        if size.is_some_and(|size| size.width_px.max(size.height_px) <= most) {
            return None;
        }
        Some(Breach {
            rule: "max_edge_px",
            param: Some("size"),
            allowed: json!(most),
            message: format!(
                "This API key's rule 'max_edge_px' allows images of at most {most} pixels a side, and this request would give {}: ask for a smaller 'size'",
                told(size)
            ),
        })
    }

    fn too_large(&self, size: Option<Size>) -> Option<Breach> {
        let most = self.max_pixels?;
        let pixels = |size: Size| u64::from(size.width_px) * u64::from(size.height_px);
        if size.is_some_and(|size| pixels(size) <= most) {
            return None;
        }
        Some(Breach {
            rule: "max_pixels",
            param: Some("size"),
            allowed: json!(most),
            message: format!(
                "This API key's rule 'max_pixels' allows images of at most {most} pixels, and this request would give {}: ask for a smaller 'size'",
                told(size)
            ),
        })
    }

    fn other_format(&self, resolved: &Resolved<'_>) -> Option<Breach> {
        let mode_offer = resolved.offer.in_mode(resolved.native.mode);
        let own = mode_offer.map_or(Format::Png, |offer| offer.default_format);
        let format = resolved.finish.format.unwrap_or(own);
        if self.output_formats.is_empty() || self.output_formats.contains(&format) {
            return None;
        }
        let allowed: Vec<&str> = self.output_formats.iter().map(|format| format.as_str()).collect();
        Some(Breach {
            rule: "output_formats",
            param: Some("output_format"),
            message: format!(
                "This API key's rule 'output_formats' allows {}, and this request would give {format}: name one of them in 'output_format'",
                listing(&allowed)
            ),
            allowed: json!(allowed),
        })
    }

    fn other_quality(&self, resolved: &Resolved<'_>) -> Option<Breach> {
        if self.qualities.is_empty() {
            return None;
        }
        let mode = resolved.native.mode;
        // What has no qualities cannot be of a wrong one.
        let field = resolved.offer.in_mode(mode)?.fields.get("quality")?;
        let asked = resolved.work.quality.as_deref().filter(|quality| *quality != "auto");
        let usual = || resolved.offer.pricing.auto_quality(mode);
        let quality = asked.or_else(usual).or_else(|| field.default.as_ref()?.as_str());
        let is_allowed = |quality: &str| self.qualities.iter().any(|one| canonical(one) == canonical(quality));
        if quality.is_some_and(is_allowed) {
            return None;
        }
        Some(Breach {
            rule: "qualities",
            param: Some("quality"),
            allowed: json!(self.qualities),
            message: format!(
                "This API key's rule 'qualities' allows {}, and this request would be made in {}: name one of them in 'quality'",
                listing(&self.qualities),
                quality.unwrap_or("one that is not known beforehand")
            ),
        })
    }
}

fn told(size: Option<Size>) -> String {
    size.map_or_else(
        || "one that is not known beforehand".to_owned(),
        |size| size.to_string(),
    )
}

/// Two words for one quality are one.
fn canonical(quality: &str) -> &str {
    match quality {
        "hd" => "high",
        "standard" => "medium",
        other => other,
    }
}
