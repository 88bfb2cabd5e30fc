//! `POST /v1/images/generations` and `/v1/images/edits`: what comes in, what it makes and costs, and the answer.

use super::ask::{Ask, check, load, model_id};
use super::models::size_px;
use super::{RequestId, authorize, errors};
use crate::bill::micros_from_nanos;
use crate::calls::CallHandle;
use crate::core::Core;
use crate::faults::{Moderation, RefusalFault};
use crate::pictures::Drawing;
use crate::provider::Provider;
use crate::refused::Refused;
use crate::segments::Images;
use crate::strangers::fit;
use crate::wire::{self, ObjectError};
use crate::work::{Asked, Cost, End, Inputs, Made, Order, Work};
use axum::Extension;
use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use imaging::ImageFormat;
use scenes::Detail;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How long links live. The provider only says that they are temporary.
const MEDIA_TTL: Duration = Duration::from_secs(3_600);
/// Every picture is one of these.
const FORMAT: ImageFormat = ImageFormat::Jpeg;

impl Asked for Ask {
    fn order(&self) -> Order<'_> {
        Order {
            quality: "low",
            ..Order::new(Provider::Xai, self.model.id, &self.prompt, self.count)
        }
    }

    async fn load(&self, _core: &Core) -> Result<Inputs, Refused> {
        Ok(self.inputs.clone())
    }

    fn size_px(&self, inputs: &Inputs) -> (u32, u32) {
        let first = inputs.first_px();
        let first = first.map(|(width, height)| (f64::from(width), f64::from(height)));
        size_px(self.shape.or(first).unwrap_or((1.0, 1.0)), self.resolution)
    }

    fn dress(&self, drawing: Drawing) -> Drawing {
        Drawing {
            detail: match self.quality {
                "low" => Detail::Low,
                _ => Detail::Medium,
            },
            format: FORMAT,
            quality: Some(90),
            ..drawing
        }
    }

    fn charge(&self, _size_px: (u32, u32), _inputs: &Inputs, _held: bool) -> Cost {
        let inputs = self.inputs.images.len();
        Cost {
            images: self.count,
            // Ten ticks are a nanodollar.
            micros: micros_from_nanos(i128::from(self.ticks()) / 10),
            quality: Some(self.quality.to_owned()).filter(|_| self.model.has_quality),
            tokens: None,
            reason: format!("{} pictures at {}, {inputs} inputs", self.count, self.resolution),
        }
    }

    fn refused(&self, end: End) -> Option<Refused> {
        match end {
            End::Moderated(Moderation::Input) => Some(errors::moderated(self.model.id)),
            // The answer tells it of each picture.
            End::Moderated(Moderation::Output) => None,
            End::Failed | End::Broken => Some(errors::server_error()),
        }
    }

    fn by_fault(&self, refusal: &RefusalFault) -> Refused {
        errors::by_fault(refusal, self.model.id)
    }
}

impl Ask {
    fn ticks(&self) -> i64 {
        let inputs = self.inputs.images.len();
        self.model.ticks(self.resolution, self.quality, self.count, inputs)
    }
}

/// Draws from a prompt.
pub(super) async fn generate(
    State(core): State<Arc<Core>>,
    Extension(id): Extension<RequestId>,
    Extension(call): Extension<CallHandle>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let base_url = core.base_url_for(&uri, &headers);
    let answer = answer(&core, id, &call, base_url, &headers, body, false);
    answer.await.unwrap_or_else(IntoResponse::into_response)
}

/// Draws from a prompt and images.
pub(super) async fn edit(
    State(core): State<Arc<Core>>,
    Extension(id): Extension<RequestId>,
    Extension(call): Extension<CallHandle>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let base_url = core.base_url_for(&uri, &headers);
    let answer = answer(&core, id, &call, base_url, &headers, body, true);
    answer.await.unwrap_or_else(IntoResponse::into_response)
}

async fn answer(
    core: &Arc<Core>,
    RequestId(id): RequestId,
    call: &CallHandle,
    base_url: String,
    headers: &HeaderMap,
    body: Body,
    edit: bool,
) -> Result<Response, Refused> {
    authorize(headers)?;
    let body = wire::read_object(body).await.map_err(|error| match error {
        ObjectError::TooLarge | ObjectError::Broken => errors::bare(413, "Payload Too Large"),
        ObjectError::NotAnObject => errors::unreadable("invalid type, expected a map"),
        ObjectError::NotJson => errors::bare(400, "Failed to parse the request body as JSON"),
    })?;
    call.note_fields(Provider::Xai, &model_id(&body)?, &body);
    let body = fit(body, |body| check(body, edit).is_ok());
    let mut ask = check(&body, edit)?;
    if edit {
        ask.inputs = load(core, &body).await?.into();
    }
    let (work, made) = Work::new(core, id, ask, base_url).run(core).await?;
    let response = whole(core, &work, made);
    Ok(wire::spoil(response, work.faults.body).await)
}

/// The answer: links or base64, and the price.
fn whole(core: &Core, work: &Work<Ask>, made: Made) -> Response {
    let ticks = if made.pictures.is_empty() { 0 } else { work.ask.ticks() };
    let blocked = work.faults.moderation == Some(Moderation::Output);
    let kind = FORMAT.mime_type();
    let name = if work.ask.base64 { "b64_json" } else { "url" };
    let mut images = Images::default();
    let data = made.pictures.into_iter().map(|drawn| {
        let image = match (blocked, work.ask.base64) {
            (true, _) => String::new(),
            (false, true) => images.put(drawn.bytes),
            (false, false) => {
                let file = work.publish(core, drawn.bytes, kind, MEDIA_TTL);
                format!("{}/xai/media/{file}/image.jpeg", work.base_url)
            }
        };
        json!({name: image, "mime_type": kind, "revised_prompt": "", "respect_moderation": !blocked})
    });
    let data: Value = data.collect();
    images.json(&json!({"data": data, "usage": {"cost_in_usd_ticks": ticks}}))
}
