//! From what the caller asked to what the offer is sent.

use std::cmp::Reverse;

use super::tier::Scale;
use super::{
    ModelSizes, OfferSizes, Ratio, RatioArgument, RatioOutput, Size, SizeArgument, SizeRequest, SizeSupport, Tier,
    TierArgument, standard_tier, tier_of,
};

/// The size as the offer is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NativeSize {
    /// Nothing is sent.
    Unset,
    /// `auto`.
    Auto,
    /// Exact pixels.
    Exact(Size),
    /// A ratio of the offer's list, with a tier of its list where it has tiers.
    RatioTier(Ratio, Option<Tier>),
    /// A tier of the offer's list; the ratio is `auto` where the offer takes `auto`, else nothing.
    Tier(Tier),
}

/// Why a size parameter came out otherwise than it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The offer's nearest value was used.
    Nearest,
    /// The image is cropped and resampled to what was asked.
    Emulated {
        /// The size that it gets.
        to: Size,
    },
    /// An exact `size` was given as well, and wins.
    Overridden,
    /// The offer takes no size.
    Unsupported,
}

impl Reason {
    /// The name in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Emulated { .. } => "emulated",
            Self::Overridden => "overridden",
            Self::Unsupported => "unsupported",
        }
    }
}

/// One size parameter that came out otherwise than it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeAdjustment {
    /// `size`, `aspect_ratio` or `resolution`, as the caller named it.
    pub parameter: &'static str,
    /// The value that was asked.
    pub requested: String,
    /// The value that is used; `None` when it was dropped.
    pub used: Option<String>,
    /// Why.
    pub reason: Reason,
}

/// What an offer is sent and what will come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedSize {
    /// The size as the offer is told.
    pub native: NativeSize,
    /// The size this stands for: exact, listed or derived. Of a ratio it is a label, and the true output is
    /// measured. `None` when only the provider knows.
    pub nominal: Option<Size>,
    /// Whether that size is known to come, and is no label.
    pub known: bool,
    /// The size that was meant: exact, or that of the shape and scale that were asked for.
    pub wanted: Size,
    /// The size to which the image is cropped at its center and resampled, unless it has it already.
    pub cover: Option<Size>,
    /// What differs from the request.
    pub adjustments: Vec<SizeAdjustment>,
}

/// What is aimed at: a shape and a scale, and exact pixels where those are meant.
#[derive(Debug, Clone, Copy)]
struct Target {
    ratio: Ratio,
    scale: Scale,
    exact: Option<Size>,
}

impl Target {
    fn exact(size: Size) -> Self {
        Self {
            ratio: Ratio::of(size),
            scale: Scale::of_size(size),
            exact: Some(size),
        }
    }

    /// What is aimed at when nothing is named: the model's default, in the shape of the input `like` if there is one.
    fn default_of(model: &ModelSizes, like: Option<Size>) -> Self {
        let default = Self::exact(model.default);
        let ratio = like.map(Ratio::of).filter(|ratio| *ratio != default.ratio);
        let exact = None;
        ratio.map_or(default, |ratio| Self {
            ratio,
            exact,
            ..default
        })
    }

    fn size(self) -> Size {
        self.exact.unwrap_or_else(|| self.scale.shaped(self.ratio))
    }
}

/// A shape and a scale as the caller gave them.
#[derive(Debug, Clone, Copy)]
struct Shape {
    /// The parameter that carries the ratio, and the ratio.
    ratio: Option<(&'static str, Ratio)>,
    tier: Option<Tier>,
}

/// Resolves a request without [`SizeRequest::conflicts`] for one offer of a model.
///
/// Exact pixels win over a ratio and a tier, these over either alone, and that over the model's default. What is not
/// given of ratio and tier is that of the default; `auto` alone goes to an offer that takes it.
#[must_use]
pub fn resolve_size(request: &SizeRequest, model: &ModelSizes, offer: &OfferSizes) -> ResolvedSize {
    resolve_size_like(request, model, offer, None)
}

/// The same for an edit of an image of the size `like`, whose shape holds where none is named and the offer has no `auto`.
#[must_use]
pub fn resolve_size_like(
    request: &SizeRequest,
    model: &ModelSizes,
    offer: &OfferSizes,
    like: Option<Size>,
) -> ResolvedSize {
    if let Some(SizeArgument::Exact(size)) = request.size {
        return resolve_exact(size, request, model, offer);
    }
    let ratio = match (request.size, request.aspect_ratio) {
        (Some(SizeArgument::Ratio(ratio)), _) => Some(("size", ratio)),
        (_, Some(RatioArgument::Ratio(ratio))) => Some(("aspect_ratio", ratio)),
        _ => None,
    };
    let tier = match request.resolution {
        Some(TierArgument::Tier(tier)) => Some(tier),
        _ => None,
    };
    let auto_shape = request.size == Some(SizeArgument::Auto) || request.aspect_ratio == Some(RatioArgument::Auto);
    let auto = auto_shape || request.resolution == Some(TierArgument::Auto);
    let default = Target::default_of(model, like);
    if ratio.is_some() || tier.is_some() {
        let auto_shape = auto_shape || offer.auto_by_default || like.is_some();
        return resolve_shape(Shape { ratio, tier }, auto_shape, default, model, offer);
    }
    let Placed { native, nominal, known } = if (auto || offer.auto_by_default || like.is_some()) && offer.auto {
        Placed {
            native: NativeSize::Auto,
            nominal: offer.default,
            known: false,
        }
    } else {
        place(default, model, offer)
    };
    ResolvedSize {
        native,
        nominal,
        known,
        wanted: default.size(),
        cover: None,
        adjustments: Vec::new(),
    }
}

fn resolve_exact(size: Size, request: &SizeRequest, model: &ModelSizes, offer: &OfferSizes) -> ResolvedSize {
    let Placed { native, nominal, known } = place(Target::exact(size), model, offer);
    let cover = (model.is_exact(size) && native != NativeSize::Exact(size)).then_some(size);
    let mut adjustments = Vec::new();
    if nominal != Some(size) {
        let (used, reason) = match (cover, native) {
            (Some(_), _) => (nominal, Reason::Emulated { to: size }),
            (None, NativeSize::Unset) => (None, Reason::Unsupported),
            (None, _) => (nominal, Reason::Nearest),
        };
        adjustments.push(SizeAdjustment {
            parameter: "size",
            requested: size.to_string(),
            used: used.map(|used| used.to_string()),
            reason,
        });
    }
    // What agrees with a size that the offer does not take goes with it.
    let dropped = adjustments.iter().any(|change| change.reason == Reason::Unsupported);
    let mut override_unless = |agrees: bool, parameter, requested: String| {
        if !agrees || dropped {
            let reason = if agrees {
                Reason::Unsupported
            } else {
                Reason::Overridden
            };
            adjustments.push(SizeAdjustment {
                parameter,
                requested,
                used: None,
                reason,
            });
        }
    };
    if let Some(RatioArgument::Ratio(ratio)) = request.aspect_ratio {
        override_unless(ratio.names(size), "aspect_ratio", ratio.to_string());
    }
    if let Some(TierArgument::Tier(tier)) = request.resolution {
        override_unless(tier.names(size), "resolution", tier.to_string());
    }
    ResolvedSize {
        native,
        nominal,
        known,
        wanted: size,
        cover,
        adjustments,
    }
}

fn resolve_shape(
    shape: Shape,
    auto_shape: bool,
    default: Target,
    model: &ModelSizes,
    offer: &OfferSizes,
) -> ResolvedSize {
    let target = Target {
        ratio: shape.ratio.map_or(default.ratio, |(_, ratio)| ratio),
        scale: shape.tier.map_or(default.scale, Scale::of_tier),
        exact: None,
    };
    let Placed {
        mut native,
        nominal,
        known,
    } = place(target, model, offer);
    if let (NativeSize::RatioTier(_, Some(tier)), true, None, true) = (native, auto_shape, shape.ratio, offer.auto) {
        native = NativeSize::Tier(tier);
    }
    let names = nominal.map(|size| names(size, shape, native, default, (model, offer)));
    let mut adjustments = Vec::new();
    if let Some((parameter, ratio)) = shape.ratio {
        let used = used_ratio(ratio, native, nominal, names);
        adjustments.extend(adjustment(parameter, ratio.to_string(), used));
    }
    if let Some(tier) = shape.tier {
        let used = used_tier(tier, native, nominal, names);
        adjustments.extend(adjustment("resolution", tier.to_string(), used));
    }
    ResolvedSize {
        native,
        nominal,
        known,
        wanted: target.size(),
        cover: None,
        adjustments,
    }
}

/// The plainest ratio and tier that may be told as used: asked for in place of what was asked, they lead to the same.
/// Those that were asked for come first, where `size` can be said to have them.
fn names(
    size: Size,
    shape: Shape,
    native: NativeSize,
    default: Target,
    (model, offer): (&ModelSizes, &OfferSizes),
) -> (Ratio, Tier) {
    let in_unit = |tier: Tier| shape.tier.map_or(tier, |asked| tier.in_unit_of(asked));
    let asked_ratio = shape.ratio.map(|(_, asked)| asked).filter(|asked| asked.names(size));
    let asked_tier = shape.tier.filter(|asked| asked.names(size));
    let ratios = asked_ratio.into_iter().chain([Ratio::label(size), Ratio::of(size)]);
    let exact = in_unit(tier_of(size));
    let tiers = asked_tier.into_iter().chain([in_unit(standard_tier(size)), exact]);
    let ratios: Vec<(usize, Ratio)> = ratios.enumerate().collect();
    let tiers: Vec<(usize, Tier)> = tiers.enumerate().collect();
    let leads_back = |ratio: Ratio, tier: Tier| {
        let target = Target {
            ratio: if shape.ratio.is_some() { ratio } else { default.ratio },
            scale: if shape.tier.is_some() {
                Scale::of_tier(tier)
            } else {
                default.scale
            },
            exact: None,
        };
        place(target, model, offer).native == native
    };
    let pairs = ratios
        .iter()
        .flat_map(|ratio| tiers.iter().map(move |tier| (*ratio, *tier)));
    let plainest = pairs
        .filter(|((_, ratio), (_, tier))| leads_back(*ratio, *tier))
        .min_by_key(|((ratio, _), (tier, _))| ratio + tier);
    plainest.map_or((Ratio::of(size), exact), |((_, ratio), (_, tier))| (ratio, tier))
}

/// What became of a ratio or tier.
enum Used {
    AsAsked,
    Nearest(String),
    Dropped,
}

fn used_ratio(asked: Ratio, native: NativeSize, nominal: Option<Size>, names: Option<(Ratio, Tier)>) -> Used {
    match (native, nominal) {
        (NativeSize::RatioTier(ratio, _), _) if ratio == asked => Used::AsAsked,
        (NativeSize::RatioTier(ratio, _), _) => Used::Nearest(ratio.to_string()),
        (NativeSize::Tier(_), _) | (_, None) => Used::Dropped,
        (NativeSize::Unset, Some(size)) if asked.names(size) => Used::AsAsked,
        (NativeSize::Unset, Some(_)) => Used::Dropped,
        _ => match names {
            Some((ratio, _)) if ratio != asked => Used::Nearest(ratio.to_string()),
            _ => Used::AsAsked,
        },
    }
}

fn used_tier(asked: Tier, native: NativeSize, nominal: Option<Size>, names: Option<(Ratio, Tier)>) -> Used {
    match (native, nominal) {
        (NativeSize::RatioTier(_, Some(tier)) | NativeSize::Tier(tier), _) => {
            if tier.is_same_scale(asked) {
                Used::AsAsked
            } else {
                Used::Nearest(tier.to_string())
            }
        }
        (_, None) => Used::Dropped,
        (NativeSize::Unset, Some(size)) if asked.names(size) => Used::AsAsked,
        (NativeSize::Unset, Some(_)) => Used::Dropped,
        _ => match names {
            Some((_, tier)) if tier != asked => Used::Nearest(tier.to_string()),
            _ => Used::AsAsked,
        },
    }
}

fn adjustment(parameter: &'static str, requested: String, used: Used) -> Option<SizeAdjustment> {
    let (used, reason) = match used {
        Used::AsAsked => return None,
        Used::Nearest(used) => (Some(used), Reason::Nearest),
        Used::Dropped => (None, Reason::Unsupported),
    };
    Some(SizeAdjustment {
        parameter,
        requested,
        used,
        reason,
    })
}

/// What an offer is told, and what that stands for.
#[derive(Debug, Clone, Copy)]
struct Placed {
    native: NativeSize,
    nominal: Option<Size>,
    /// Whether the nominal size is what comes.
    known: bool,
}

impl Placed {
    const fn exactly(size: Size) -> Self {
        Self {
            native: NativeSize::Exact(size),
            nominal: Some(size),
            known: true,
        }
    }
}

/// The offer's best for a target, and the size that stands for.
fn place(target: Target, model: &ModelSizes, offer: &OfferSizes) -> Placed {
    let placed = match &offer.support {
        SizeSupport::Listed(sizes) => place_listed(target, sizes),
        SizeSupport::Range(range) => range.nearest(target.size()).map(Placed::exactly),
        SizeSupport::Ratios { ratios, tiers } => place_ratio(target, (ratios, tiers), &offer.outputs, model.default),
        SizeSupport::Fixed => None,
    };
    placed.unwrap_or(Placed {
        native: NativeSize::Unset,
        nominal: offer.default,
        known: false,
    })
}

/// Nearest by ratio, then by scale, then more pixels, then the wider. An exact hit is nearest in all.
fn place_listed(target: Target, sizes: &[Size]) -> Option<Placed> {
    let nearest = sizes.iter().copied().min_by_key(|size| {
        let ratio = target.ratio.distance(Ratio::of(*size));
        (
            ratio,
            target.scale.distance(Scale::of_size(*size)),
            Reverse(size.rank()),
        )
    });
    nearest.map(Placed::exactly)
}

/// A ratio and tier of which the target is what comes or the derived size, else the nearest of each.
fn place_ratio(
    target: Target,
    (ratios, tiers): (&[Ratio], &[Tier]),
    outputs: &[RatioOutput],
    default: Size,
) -> Option<Placed> {
    let made = |output: &&RatioOutput| target.exact == Some(output.size);
    if let Some(output) = outputs.iter().find(made) {
        return Some(Placed {
            native: NativeSize::RatioTier(output.ratio, output.tier),
            ..Placed::exactly(output.size)
        });
    }
    let tier = target.scale.nearest(tiers);
    let Some(mut ratio) = target.ratio.nearest(ratios) else {
        let scale = Scale::of_tier(tier?);
        return Some(Placed {
            native: NativeSize::Tier(tier?),
            nominal: Some(scale.shaped(Ratio::of(default))),
            known: false,
        });
    };
    let scale = tier.map_or_else(|| Scale::of_size(default), Scale::of_tier);
    if let Some(size) = target.exact {
        // Rounded sides may be nearer to another ratio of a dense list than to the one they were derived from.
        let derived = |ratio: &Ratio| scale.shaped(*ratio) == size;
        let spelled: Vec<Ratio> = ratios.iter().copied().filter(derived).collect();
        ratio = target.ratio.nearest(&spelled).unwrap_or(ratio);
    }
    let output = outputs
        .iter()
        .find(|output| (output.ratio, output.tier) == (ratio, tier));
    Some(Placed {
        native: NativeSize::RatioTier(ratio, tier),
        nominal: Some(output.map_or_else(|| scale.shaped(ratio), |output| output.size)),
        known: output.is_some(),
    })
}
