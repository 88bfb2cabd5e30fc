//! Offers: one provider's way to run one model.

use indexmap::IndexMap;
use jiff::civil::Date;
use serde_json::Value;

use crate::catalog::derived::Derived;
use crate::catalog::pricing::Pricing;
use crate::catalog::text::{SizeText, list_from_text};
use crate::format::Format;
use crate::mode::Mode;
use crate::size::{OfferSizes, Ratio, RatioOutput, Size, SizeRange, SizeSupport, Tier};

pub use crate::catalog::inputs::{InputsSpec, MaskPolarity};

/// An offer as its TOML table says it. What stands outside `modes` holds for every mode.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The provider's id.
    pub provider: String,
    /// Where it is served while its provider's region is `global`, where that is one place.
    #[serde(default)]
    pub region: Option<String>,
    /// First day.
    #[serde(default)]
    pub released: Option<Date>,
    /// Announced last day. It demotes the offer and warns; it does not take it out.
    #[serde(default)]
    pub sunset: Option<Date>,
    /// The day on which it was found that the end came as announced.
    #[serde(default)]
    pub end_confirmed: Option<Date>,
    /// The last day on which it was found to be served although its end was announced.
    #[serde(default)]
    pub still_served: Option<Date>,
    /// Gone for good.
    #[serde(default)]
    pub retired: bool,
    /// Switched off by the operator.
    #[serde(skip)]
    pub switched_off: bool,
    /// Arguments without which the offer is not planned.
    #[serde(default)]
    pub requires: Vec<String>,
    /// What holds in every mode.
    #[serde(default)]
    pub common: ModeSpec,
    /// The modes that it serves, and what differs there.
    pub modes: IndexMap<Mode, ModeSpec>,
    /// What it costs.
    pub pricing: Pricing,
    /// What holds in each mode.
    #[serde(skip)]
    in_modes: Derived<IndexMap<Mode, ModeOffer>>,
}

/// What one mode of an offer takes. In the catalogue every key is optional; a mode's own key wins over the common one.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct ModeSpec {
    /// The provider's model id.
    pub model: Option<String>,
    /// Images in one call; 1 when absent.
    pub max_n: Option<u32>,
    /// Sizes.
    pub sizes: Option<SizesSpec>,
    /// Input images.
    pub inputs: Option<InputsSpec>,
    /// How many times larger each side becomes, where a mode that enlarges has one factor only.
    pub scale: Option<f64>,
    /// The format that comes when none is asked for.
    pub default_format: Option<Format>,
    /// Native fields by canonical parameter.
    pub fields: IndexMap<String, Field>,
    /// Parameters of `common` that this mode lacks.
    pub without: Vec<String>,
    /// Native fields that are always sent.
    pub constants: IndexMap<String, Value>,
    /// Native fields that the provider documents and that Pictor has no parameter for: callers' values go there unchanged.
    pub passthrough: Vec<String>,
}

/// Sizes that an offer takes: one of `listed`, `range` and `ratios`.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct SizesSpec {
    /// Sizes by name.
    #[serde(deserialize_with = "list_from_text")]
    pub listed: Vec<Size>,
    /// Any size within bounds.
    pub range: Option<RangeSpec>,
    /// Ratios.
    #[serde(deserialize_with = "list_from_text")]
    pub ratios: Vec<Ratio>,
    /// Tiers of the ratios.
    #[serde(deserialize_with = "list_from_text")]
    pub tiers: Vec<Tier>,
    /// Whether the provider takes `auto`.
    pub auto: bool,
    /// Whether it says `auto` by having no field for it.
    pub auto_by_absence: bool,
    /// Whether `auto` holds when the caller names no size, so that an edit keeps the shape of its input.
    pub auto_by_default: bool,
    /// The sizes that truly come of ratios, where they are known: by ratio at 1K (`3:2`), or
    /// by ratio and tier (`3:2 2K`).
    #[serde(deserialize_with = "outputs_from_text")]
    pub outputs: Vec<RatioOutput>,
}

/// Reads `{ "3:2" = "1536x1024", "1:1 2K" = "2048x2048" }`.
fn outputs_from_text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<RatioOutput>, D::Error> {
    let texts: IndexMap<String, SizeText> = serde::Deserialize::deserialize(deserializer)?;
    let read = |(key, size): (String, SizeText)| {
        let (ratio, tier) = match key.split_once(' ') {
            Some((ratio, tier)) => (ratio, Some(tier)),
            None => (key.as_str(), None),
        };
        Ok(RatioOutput {
            ratio: ratio.parse().map_err(serde::de::Error::custom)?,
            tier: tier.map(str::parse).transpose().map_err(serde::de::Error::custom)?,
            size: size.0,
        })
    };
    texts.into_iter().map(read).collect()
}

/// Bounds of free sizes.
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeSpec {
    /// Shortest edge.
    pub min_edge_px: u32,
    /// Longest edge.
    pub max_edge_px: u32,
    /// Both edges are multiples of this.
    #[serde(default = "one")]
    pub multiple_of: u32,
    /// Least area.
    #[serde(default)]
    pub min_pixels: u64,
    /// Greatest area.
    #[serde(default = "unbounded")]
    pub max_pixels: u64,
    /// Longest edge against shortest.
    #[serde(default)]
    pub max_ratio: Option<f64>,
}

const fn one() -> u32 {
    1
}

const fn unbounded() -> u64 {
    u64::MAX
}

impl SizesSpec {
    /// The form in which sizes are resolved.
    #[must_use]
    pub fn to_offer_sizes(&self) -> OfferSizes {
        let support = if let Some(range) = &self.range {
            SizeSupport::Range(SizeRange {
                min_edge_px: range.min_edge_px,
                max_edge_px: range.max_edge_px,
                multiple_of: range.multiple_of,
                min_pixels: range.min_pixels,
                max_pixels: range.max_pixels,
                max_ratio: range.max_ratio,
            })
        } else if !self.ratios.is_empty() {
            SizeSupport::Ratios {
                ratios: self.ratios.clone(),
                tiers: self.tiers.clone(),
            }
        } else if !self.listed.is_empty() {
            SizeSupport::Listed(self.listed.clone())
        } else {
            SizeSupport::Fixed
        };
        OfferSizes {
            support,
            auto: self.auto || self.auto_by_absence,
            auto_by_absence: self.auto_by_absence,
            auto_by_default: self.auto_by_default,
            default: None,
            outputs: self.outputs_by_tier(),
        }
    }

    /// Those that name no tier are the sizes at 1K; at another tier the edges are so many times as long.
    fn outputs_by_tier(&self) -> Vec<RatioOutput> {
        let at = |output: &RatioOutput, tier: Tier| {
            let times = tier.scale() / Tier::K(1000).scale();
            let side = |px: u32| (f64::from(px) * times).round() as u32;
            RatioOutput {
                tier: Some(tier),
                size: Size::new(side(output.size.width_px), side(output.size.height_px)),
                ..*output
            }
        };
        let named = self.outputs.iter().filter(|output| output.tier.is_some()).copied();
        let scaled = self
            .outputs
            .iter()
            .filter(|output| output.tier.is_none())
            .flat_map(|output| {
                let tiers = self.tiers.iter();
                let all: Vec<RatioOutput> = tiers.map(|tier| at(output, *tier)).collect();
                if all.is_empty() { vec![*output] } else { all }
            });
        named.chain(scaled).collect()
    }
}

/// How a canonical argument becomes a native field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// The value as it is.
    #[default]
    Plain,
    /// `1024x1024`.
    Wxh,
    /// `{"width": 1024, "height": 1024}`.
    SizeObject,
    /// `3:2`.
    Ratio,
    /// `1K`.
    Tier,
    /// `1` or `0.25`.
    Megapixels,
    /// A file part of a multipart body.
    File,
    /// A URL or data URI.
    Link,
    /// A list of URLs or data URIs.
    LinkList,
}

/// A native field.
#[derive(Debug, Clone, PartialEq, serde::Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Field {
    /// Native name; the canonical one when absent.
    pub to: Option<String>,
    /// Native form.
    pub form: Form,
    /// The values that this offer takes, where they are fewer than the model's.
    pub values: Option<Vec<Value>>,
    /// Native values by canonical ones; it also limits the values.
    pub map: IndexMap<String, Value>,
    /// Least number.
    pub min: Option<f64>,
    /// Greatest number.
    pub max: Option<f64>,
    /// Shortest text in characters.
    pub min_chars: Option<usize>,
    /// Longest text in characters.
    pub max_chars: Option<usize>,
    /// The value that holds at this provider when none is sent.
    pub default: Option<Value>,
    /// Whether the default is sent all the same, because the provider insists on a value.
    pub always: bool,
}

impl Field {
    /// The native name of the field for parameter `name`.
    #[must_use]
    pub fn native_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.to.as_deref().unwrap_or(name)
    }

    /// The values that this offer lists, in canonical words; `None` when it lists none.
    #[must_use]
    pub fn listed(&self) -> Option<Vec<Value>> {
        if self.map.is_empty() {
            return self.values.clone();
        }
        // Keys of TOML are text; numbers and booleans stand there as they are written.
        let value = |key: &String| match serde_json::from_str::<Value>(key) {
            Ok(value @ (Value::Number(_) | Value::Bool(_))) => value,
            _ => Value::from(key.as_str()),
        };
        Some(self.map.keys().map(value).collect())
    }

    /// Whether this offer takes `value`.
    #[must_use]
    pub fn takes(&self, value: &Value) -> bool {
        if !self.map.is_empty() {
            return self.map.contains_key(&key_of(value));
        }
        if let Some(number) = value.as_f64()
            && (self.min.is_some_and(|min| number < min) || self.max.is_some_and(|max| number > max))
        {
            return false;
        }
        self.values.as_ref().is_none_or(|values| values.contains(value))
    }
}

/// A value as the key of a `map`: text bare, anything else as JSON.
#[must_use]
pub fn key_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// One mode of an offer with everything that holds there.
#[derive(Debug, Clone, PartialEq)]
pub struct ModeOffer {
    /// The provider's model id.
    pub model: String,
    /// Images in one call.
    pub max_n: u32,
    /// Sizes.
    pub sizes: OfferSizes,
    /// Input images.
    pub inputs: Option<InputsSpec>,
    /// How many times larger each side becomes, where there is one factor only.
    pub scale: Option<f64>,
    /// The format that comes when none is asked for.
    pub default_format: Format,
    /// Native fields by canonical parameter.
    pub fields: IndexMap<String, Field>,
    /// Native fields that are always sent.
    pub constants: IndexMap<String, Value>,
    /// Further native fields that the provider documents: callers' values go there unchanged.
    pub passthrough: Vec<String>,
}

impl Offer {
    /// Whether it can be planned at all.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        !self.retired && !self.switched_off
    }

    /// Why it is not [`Self::is_live`].
    #[must_use]
    pub const fn end(&self) -> &'static str {
        if self.retired {
            "retired"
        } else {
            "switched off by the operator"
        }
    }

    /// What holds in `mode`; `None` when the offer does not serve it.
    #[must_use]
    pub fn in_mode(&self, mode: Mode) -> Option<&ModeOffer> {
        let all = || self.modes.iter().map(|(mode, own)| (*mode, self.joined(own))).collect();
        self.in_modes.get(all).get(&mode)
    }

    /// What a mode says and what holds in every mode.
    fn joined(&self, own: &ModeSpec) -> ModeOffer {
        let common = &self.common;
        let mut fields: IndexMap<String, Field> = common
            .fields
            .iter()
            .filter(|(name, _)| !own.without.contains(name))
            .map(|(name, field)| (name.clone(), field.clone()))
            .collect();
        fields.extend(own.fields.iter().map(|(name, field)| (name.clone(), field.clone())));
        let mut constants = common.constants.clone();
        constants.extend(own.constants.clone());
        let mut passthrough = common.passthrough.clone();
        passthrough.extend(own.passthrough.iter().cloned());
        passthrough.retain(|name| !own.without.contains(name));
        ModeOffer {
            model: own.model.clone().or_else(|| common.model.clone()).unwrap_or_default(),
            max_n: own.max_n.or(common.max_n).unwrap_or(1),
            sizes: own
                .sizes
                .as_ref()
                .or(common.sizes.as_ref())
                .cloned()
                .unwrap_or_default()
                .to_offer_sizes(),
            inputs: own.inputs.clone().or_else(|| common.inputs.clone()),
            scale: own.scale.or(common.scale),
            default_format: own.default_format.or(common.default_format).unwrap_or(Format::Png),
            fields,
            constants,
            passthrough,
        }
    }
}

/// Longest and shortest side of a model whose sizes come out exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExactRange {
    /// Shortest side.
    pub min_px: u32,
    /// Longest side.
    pub max_px: u32,
}
