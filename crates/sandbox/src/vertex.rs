//! Vertex AI: the models of the Gemini API for a project in a region, Imagen, and access tokens.

mod imagen;
mod token;

use crate::calls::CallHandle;
use crate::core::Core;
use crate::google::{Ask, Surface, count, counted, errors, find, model_and_verb, noted, parse_json, run};
use crate::provider::Provider;
use crate::refused::Refused;
use crate::strangers::fit;
use crate::wire;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde::Deserialize;
use std::sync::Arc;
use token::Tokens;

/// The region that has every Gemini model and no Imagen.
const GLOBAL: &str = "global";

/// The emulator's state.
pub(crate) struct Vertex {
    core: Arc<Core>,
    tokens: Tokens,
}

/// The routes below `/vertex`.
pub(crate) fn router(core: Arc<Core>) -> Router {
    let emulator = Arc::new(Vertex {
        core,
        tokens: Tokens::default(),
    });
    let model = "/projects/{project}/locations/{region}/publishers/google/models/{call}";
    let mut router = Router::new()
        .route(token::PATH, post(token::give))
        .route("/service-account.json", get(token::account));
    for version in ["/v1", "/v1beta1"] {
        router = router.route(&format!("{version}{model}"), post(call));
    }
    router.fallback(unknown).with_state(emulator)
}

async fn unknown() -> Response {
    errors::no_path().into_response()
}

#[derive(Deserialize)]
struct Place {
    region: String,
    call: String,
}

#[derive(Deserialize)]
struct Parameters {
    alt: Option<String>,
}

async fn call(
    State(emulator): State<Arc<Vertex>>,
    Path(place): Path<Place>,
    Query(parameters): Query<Parameters>,
    Extension(log): Extension<CallHandle>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let core = Arc::clone(&emulator.core);
    let work = async {
        emulator.authorize(&headers)?;
        let (model, verb) = model_and_verb(&place.call).ok_or_else(errors::no_path)?;
        let fields = parse_json(body).await?;
        log.note(Provider::Vertex, model, &noted(&fields, None));
        let streamed = match verb {
            "predict" if place.region != GLOBAL => {
                let fields = fit(fields, |fields| imagen::Ask::read(fields, model).is_ok());
                let ask = imagen::Ask::read(&fields, model)?;
                log.note(Provider::Vertex, model, &noted(&fields, Some(ask.prompt())));
                return Ok(imagen::run(&core, ask).await);
            }
            "countTokens" => {
                let known = find(model).ok_or_else(|| errors::no_model(model, verb))?;
                let ask = Ask::read(&counted(fields), known, Surface::Vertex)?;
                return Ok(wire::json(StatusCode::OK, &count(&ask)));
            }
            "generateContent" => false,
            "streamGenerateContent" if parameters.alt.as_deref() == Some("sse") => true,
            _ => return Err(errors::no_model(model, verb)),
        };
        let known = find(model).ok_or_else(|| errors::no_model(model, verb))?;
        let fields = fit(fields, |fields| Ask::read(fields, known, Surface::Vertex).is_ok());
        let ask = Ask::read(&fields, known, Surface::Vertex)?;
        log.note(Provider::Vertex, model, &noted(&fields, Some(ask.prompt())));
        Ok(run(&core, ask, streamed).await)
    };
    work.await.unwrap_or_else(|error: Refused| error.into_response())
}

impl Vertex {
    fn authorize(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let value = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .ok_or_else(|| errors::unauthenticated("CREDENTIALS_MISSING"))?;
        let token = value
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| errors::unauthenticated("CREDENTIALS_MISSING"))?;
        self.tokens.check(token, self.core.now())
    }
}
