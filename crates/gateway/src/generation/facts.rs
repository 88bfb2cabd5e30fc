//! What must be known of a candidate to make an answer of what it gives: small enough to be stored with each call, so that
//! another process can finish it.

use indexmap::IndexMap;
use jiff::civil::Date;
use planner::catalog::Catalog;
use planner::catalog::pricing::Pricing;
use planner::mode::Mode;
use planner::native::{NativeRequest, NativeValue};
use planner::plan::Candidate;
use planner::price::charge::Produced;
use planner::price::estimate::Work;
use planner::price::unbounded::unbounded;
use planner::resolve::{Adjustment, Finish, Resolved};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A value of more bytes, as JSON, is not put on record with each call.
const NATIVE_VALUE_BYTES_MAX: usize = 16 << 10;

/// The facts of one candidate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Facts {
    /// The model's id.
    pub model: String,
    /// The provider's id.
    pub provider: String,
    /// Its model id.
    pub native_model: String,
    /// What is asked of it.
    pub mode: Mode,
    /// The work as prices see it. It holds the length of the prompt, not the prompt; other arguments are in it, secrets only
    /// as being there.
    pub work: Work,
    /// What is done to the images.
    pub finish: Finish,
    /// What was changed on the way.
    pub adjustments: Vec<Adjustment>,
    /// The announced last day of the offer.
    pub sunset: Option<Date>,
    /// What the caller should know.
    pub warnings: Vec<String>,
    /// Images that the call is asked for.
    pub asked: u32,
    /// The fields that the provider is sent, where other calls give other images of the same request: when those come and
    /// this one is lost, it is made once more. So it is where the caller is told later and does not ask again. They hold the
    /// prompt, until the generation ends. Absent when a secret, an image or something large is among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<IndexMap<String, Value>>,
    /// Whether it is made once more even where no other image came: nobody asks again who is told later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told_later: bool,
    /// Tries before this one, after calls that may have been billed.
    #[serde(default)]
    pub tries_before: u32,
}

impl Facts {
    /// Those of a candidate, of a request whose caller waits for the answer or is told later.
    #[must_use]
    pub fn of(candidate: &Candidate<'_>, told_later: bool) -> Self {
        let resolved = &candidate.resolved;
        Self {
            model: resolved.model.id.clone(),
            provider: resolved.offer.provider.clone(),
            native_model: resolved.native.model.clone(),
            mode: resolved.native.mode,
            work: resolved.work.clone(),
            finish: resolved.finish,
            adjustments: resolved.adjustments.clone(),
            sunset: resolved.offer.sunset,
            warnings: sunset_warning(candidate).into_iter().collect(),
            asked: 0,
            native: None,
            told_later,
            tries_before: 0,
        }
    }

    /// Those of one call for `asked` of `missing` images.
    fn for_call(&self, asked: u32, native: &NativeRequest, missing: u32, tries_before: u32) -> Self {
        let plain = |(name, value): (&String, &NativeValue)| match value {
            NativeValue::Json(value) => Some((name.clone(), value.clone())),
            NativeValue::Shared(value) => {
                let is_kept = value.to_string().len() <= NATIVE_VALUE_BYTES_MAX;
                is_kept.then(|| (name.clone(), Value::clone(value)))
            }
            NativeValue::Secret(_) | NativeValue::Image(..) | NativeValue::Images(..) | NativeValue::Mask(_) => None,
        };
        let fields = || native.fields.iter().map(plain).collect();
        Self {
            asked,
            native: (asked < missing || self.told_later).then(fields).flatten(),
            tries_before,
            ..self.clone()
        }
    }

    /// The calls that ask the candidate for `missing` of `wanted` images.
    #[must_use]
    pub fn calls(&self, resolved: &Resolved<'_>, missing: u32, wanted: u32, tries_before: u32) -> Vec<OneCall> {
        let mut before = wanted - missing;
        let call = |images| {
            let native = resolved.call(images, before);
            before += images;
            OneCall {
                images,
                facts: self.for_call(images, &native, missing, tries_before),
                native,
            }
        };
        resolved.fan_out(missing).into_iter().map(call).collect()
    }

    /// The prices that hold for it; `None` when the catalogue has the offer no more.
    #[must_use]
    pub fn pricing<'a>(&self, catalog: &'a Catalog) -> Option<&'a Pricing> {
        let offers = &catalog.model(&self.model)?.offers;
        let offer = offers.iter().find(|offer| offer.provider == self.provider)?;
        Some(&offer.pricing)
    }
}

/// One of the calls that ask a candidate for the images of a request.
#[derive(Debug, Clone)]
pub struct OneCall {
    /// Images that it is asked for.
    pub images: u32,
    /// What it is sent.
    pub native: NativeRequest,
    /// What makes an answer of what it gives.
    pub facts: Facts,
}

/// The call that made an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its place among the attempts.
    pub attempt: i64,
    /// What its charge is found by; with the first image of each call.
    pub produced: Option<Produced>,
}

/// What a caller should know before the first call: an end that comes, and what the estimate cannot bound.
#[must_use]
pub(crate) fn warnings(candidate: &Candidate<'_>) -> Vec<String> {
    let resolved = &candidate.resolved;
    let ends = sunset_warning(candidate).into_iter();
    ends.chain(unbounded(&resolved.offer.pricing, &resolved.work)).collect()
}

/// Tells of an announced last day, and what to use instead.
fn sunset_warning(candidate: &Candidate<'_>) -> Option<String> {
    let (model, offer) = (candidate.resolved.model, candidate.resolved.offer);
    let day = offer.sunset?;
    let verb = if candidate.past_sunset { "ended" } else { "ends" };
    let successor = model.successor.as_ref();
    let instead = successor.map_or_else(String::new, |id| format!(" Use '{id}' instead."));
    Some(format!(
        "'{}' at {} {verb} on {day}.{instead}",
        model.id, offer.provider
    ))
}
