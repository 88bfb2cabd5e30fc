//! `POST /v1/images/generations` and `/v1/images/edits`: the work, the bill and the answer.

use super::ask::{Ask, check, load, model_id};
use super::errors::Refused;
use super::models::size_px;
use super::{RequestId, authorize};
use crate::bill::{BillEntry, micros_from_nanos};
use crate::calls::CallHandle;
use crate::core::Core;
use crate::faults::{BodyFault, Call, Faults, Stage};
use crate::latency::Pace;
use crate::media::NewMedia;
use crate::names::{seed_from, sha256_hex};
use crate::pictures::{Drawing, Drawn};
use crate::provider::Provider;
use crate::segments::{self, Segment};
use crate::strangers::fit;
use crate::wire::{self, MAX_JSON_BYTES, read_body};
use axum::Extension;
use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::future::try_join_all;
use imaging::{Bitmap, ImageFormat};
use scenes::Detail;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

/// How long links live. The provider only says that they are temporary.
const MEDIA_TTL: Duration = Duration::from_secs(3_600);
/// Every picture is one of these.
const FORMAT: ImageFormat = ImageFormat::Jpeg;

/// What a picture is made from.
struct Job {
    core: Arc<Core>,
    id: String,
    ask: Ask,
    inputs: Arc<[Bitmap]>,
    faults: Faults,
    base_url: String,
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
    answer(core, id, &call, base_url, &headers, body, false).await
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
    answer(core, id, &call, base_url, &headers, body, true).await
}

async fn answer(
    core: Arc<Core>,
    RequestId(id): RequestId,
    call: &CallHandle,
    base_url: String,
    headers: &HeaderMap,
    body: Body,
    edit: bool,
) -> Response {
    let checked = async {
        authorize(headers)?;
        let body = read_json(body).await?;
        call.note_fields(Provider::Xai, &model_id(&body)?, &body);
        let body = fit(body, |body| check(body, edit).is_ok());
        let ask = check(&body, edit)?;
        let inputs = if edit { load(&core, &body).await? } else { Vec::new() };
        Ok::<_, Refused>((ask, inputs))
    };
    let (ask, inputs) = match checked.await {
        Ok(checked) => checked,
        Err(refused) => return refused.to_response(),
    };
    let faults = core.faults.take(Call::Submit, Provider::Xai, ask.model.id, &ask.prompt);
    let job = Job {
        core: Arc::clone(&core),
        id,
        ask,
        inputs: inputs.into(),
        faults: faults.clone(),
        base_url,
    };
    // A task of its own: as at the real service, a client that hangs up pays all the same.
    let response = match core.tasks.spawn(job.run()).await {
        Ok(Ok(response)) => response,
        Ok(Err(refused)) => return refused.to_response(),
        Err(error) => {
            warn!(%error, "an image task ended early");
            return Refused::server_error().to_response();
        }
    };
    faults.hang().await;
    wire::spoil(response, faults.body).await
}

async fn read_json(body: Body) -> Result<Map<String, Value>, Refused> {
    let bytes = read_body(body, MAX_JSON_BYTES)
        .await
        .map_err(|_| Refused::bare(413, "Payload Too Large"))?;
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Err(Refused::unreadable("invalid type, expected a map")),
        Err(_) => Err(Refused::bare(400, "Failed to parse the request body as JSON")),
    }
}

impl Job {
    async fn run(self) -> Result<Response, Refused> {
        let model = self.ask.model.id;
        self.faults.wait().await;
        if let Some(refusal) = &self.faults.refusal {
            self.charge_if_asked();
            return Err(Refused::by_fault(refusal, model));
        }
        if self.faults.moderation == Some(Stage::Input) {
            self.charge_if_asked();
            return Err(Refused::moderated(model));
        }
        if self.faults.failed {
            self.charge_if_asked();
            return Err(Refused::server_error());
        }
        let (width, height) = self.size_px();
        let pixels = u64::from(width) * u64::from(height);
        let spread = seed_from(&self.id, 0);
        let pace = self.core.latency.work(Pace::Medium, "low", pixels, spread);
        tokio::time::sleep(pace).await;
        if self.faults.body == Some(BodyFault::Empty) {
            return Ok(self.whole(Vec::new(), 0));
        }
        let drawings = (0..self.ask.count).map(|index| self.core.pictures.draw(self.drawing(index)));
        let drawn = try_join_all(drawings).await.map_err(|error| {
            warn!(%error, "a picture could not be drawn");
            Refused::server_error()
        })?;
        // A picture that is held back was made all the same.
        self.charge();
        Ok(self.whole(drawn, self.ticks()))
    }

    fn size_px(&self) -> (u32, u32) {
        let first = self.inputs.first();
        let shape = self
            .ask
            .shape
            .or_else(|| first.map(|first| (f64::from(first.width_px()), f64::from(first.height_px()))));
        size_px(shape.unwrap_or((1.0, 1.0)), self.ask.resolution)
    }

    fn ticks(&self) -> i64 {
        let ask = &self.ask;
        ask.model
            .ticks(ask.resolution, ask.quality, ask.count, self.inputs.len())
    }

    fn drawing(&self, index: u32) -> Drawing {
        let ask = &self.ask;
        Drawing {
            detail: match ask.quality {
                "low" => Detail::Low,
                _ => Detail::Medium,
            },
            inputs: Arc::clone(&self.inputs),
            format: FORMAT,
            quality: Some(90),
            file: self.faults.file,
            ..Drawing::new(&ask.prompt, ask.model.id, self.size_px(), seed_from(&self.id, index))
        }
    }

    /// The answer: links or base64, and the price.
    fn whole(&self, drawn: Vec<Drawn>, ticks: i64) -> Response {
        let mut parts = vec![Segment::Text("{\"data\":[".to_owned())];
        for (index, drawn) in drawn.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            parts.push(Segment::Text(format!("{comma}{{")));
            let blocked = self.faults.moderation == Some(Stage::Output);
            match (blocked, self.ask.base64) {
                (true, true) => parts.push(Segment::Text("\"b64_json\":\"\"".to_owned())),
                (true, false) => parts.push(Segment::Text("\"url\":\"\"".to_owned())),
                (false, true) => {
                    parts.push(Segment::Text("\"b64_json\":\"".to_owned()));
                    parts.push(Segment::Base64(drawn.bytes));
                    parts.push(Segment::Text("\"".to_owned()));
                }
                (false, false) => parts.push(Segment::Text(format!("\"url\":\"{}\"", self.publish(drawn)))),
            }
            let rest = json!({
                "mime_type": FORMAT.mime_type(), "revised_prompt": "", "respect_moderation": !blocked,
            });
            parts.push(Segment::Text(format!(",{}", &rest.to_string()[1..])));
        }
        parts.push(Segment::Text(format!(
            "],\"usage\":{{\"cost_in_usd_ticks\":{ticks}}}}}"
        )));
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::CONTENT_LENGTH, HeaderValue::from(segments::size_bytes(&parts))),
        ];
        (headers, segments::body(parts)).into_response()
    }

    fn publish(&self, drawn: Drawn) -> String {
        let media = NewMedia {
            bytes: drawn.bytes,
            content_type: FORMAT.mime_type().to_owned(),
            ttl: MEDIA_TTL,
            fault: self.faults.media,
        };
        let id = self.core.media.put(media, self.core.now());
        format!("{}/xai/media/{id}/image.jpeg", self.base_url)
    }

    fn charge_if_asked(&self) {
        if self.faults.billed {
            self.charge();
        }
    }

    fn charge(&self) {
        let ask = &self.ask;
        let (width, height) = self.size_px();
        self.core.bill.record(BillEntry {
            provider: Provider::Xai,
            model: ask.model.id.to_owned(),
            call_id: self.id.clone(),
            prompt_sha256: sha256_hex(&ask.prompt),
            images: ask.count,
            quality: Some(ask.quality.to_owned()).filter(|_| ask.model.has_quality()),
            size: Some(format!("{width}x{height}")),
            // Ten ticks are a nanodollar.
            micros: micros_from_nanos(i128::from(self.ticks()) / 10),
            tokens: None,
            at: self.core.now(),
            reason: format!(
                "{} pictures at {}, {} inputs",
                ask.count,
                ask.resolution,
                self.inputs.len()
            ),
        });
    }
}
