//! The answer: in one piece, or as server-sent events with partial images.

use super::OpenAi;
use super::errors;
use super::run::Submission;
use super::usage;
use crate::bill::BilledTokens;
use crate::core::Core;
use crate::faults::Moderation;
use crate::segments::Images;
use crate::sse::Stream;
use crate::wire;
use crate::work::{Made, Work};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Does the work, and answers.
pub(super) async fn answer(emulator: &OpenAi, id: String, submission: Submission) -> Response {
    let images = u64::try_from(submission.images.len());
    emulator.limits.count_images(images.unwrap_or(u64::MAX));
    let core = &emulator.core;
    match Work::new(core, id, submission, String::new()).run(core).await {
        Ok((work, made)) if work.ask.ask.stream => streamed(core, &work, &made),
        Ok((work, made)) => whole(core, &work, made).await,
        Err(refused) => refused.into_response(),
    }
}

/// All images in base64, with what they came to.
async fn whole(core: &Core, work: &Work<Submission>, made: Made) -> Response {
    let ask = &work.ask.ask;
    let tokens = usage::tokens(ask, made.size_px, &made.inputs_px);
    let usage = usage::object(ask.model.generation, &tokens, false);
    let mut answer = described(work, made.size_px, json!({"created": core.now().as_second()}));
    let mut images = Images::default();
    let data = made.pictures.into_iter();
    answer["data"] = data.map(|drawn| json!({"b64_json": images.put(drawn.bytes)})).collect();
    answer["usage"] = usage;
    wire::spoil(images.json(&answer), work.faults.body).await
}

/// The events of all images, one image after the other: its partial images, then the image itself.
fn streamed(core: &Core, work: &Work<Submission>, made: &Made) -> Response {
    let (ask, faults) = (&work.ask.ask, &work.faults);
    let error = if faults.failed {
        Some(errors::server_error())
    } else if faults.moderation == Some(Moderation::Output) {
        Some(errors::moderation(Moderation::Output))
    } else {
        None
    };
    let stream = Stream {
        prefix: if work.ask.edit {
            "image_edit"
        } else {
            "image_generation"
        },
        told: described(work, made.size_px, json!({"created_at": core.now().as_second()})),
        pause: made.step,
        error: error.map(|mut refused| refused.body["error"].take()),
        fault: faults.body,
    };
    let all = usage::tokens(ask, made.size_px, &made.inputs_px);
    // Every image tells its own usage; the inputs count with the first one, so that the sum is the call's.
    stream.answer(&made.pictures, |index| {
        let of_first = |count| if index == 0 { count } else { 0 };
        let tokens = BilledTokens {
            text_in: of_first(all.text_in),
            image_in: of_first(all.image_in),
            text_out: 0,
            image_out: usage::image_tokens(ask, made.size_px),
        };
        Some(usage::object(ask.model.generation, &tokens, true))
    })
}

/// What an answer says about its images.
fn described(work: &Work<Submission>, size_px: (u32, u32), mut answer: Value) -> Value {
    let ask = &work.ask.ask;
    answer["background"] = json!(if ask.transparent { "transparent" } else { "opaque" });
    answer["output_format"] = json!(ask.format.name());
    answer["size"] = json!(format!("{}x{}", size_px.0, size_px.1));
    answer["quality"] = json!(ask.quality);
    answer
}
