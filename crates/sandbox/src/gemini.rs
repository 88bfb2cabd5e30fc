//! The Gemini API: routes and keys. The work behind them is shared with Vertex AI, files but for.

mod files;

use crate::calls::CallHandle;
use crate::core::Core;
use crate::google::{Ask, Surface, count, counted, errors, find, listed, model_and_verb, noted, parse_json, run};
use crate::provider::Provider;
use crate::refused::Refused;
use crate::strangers::fit;
use crate::wire;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use files::Files;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// The emulator's state.
pub(crate) struct Gemini {
    core: Arc<Core>,
    files: Files,
}

/// The routes below `/gemini`.
pub(crate) fn router(core: Arc<Core>) -> Router {
    let emulator = Arc::new(Gemini {
        core,
        files: Files::default(),
    });
    let mut router = Router::new();
    for version in ["/v1beta", "/v1"] {
        router = router
            .route(&format!("{version}/models"), get(list))
            .route(&format!("{version}/models/{{call}}"), get(one).post(call))
            .route(&format!("/upload{version}/files"), post(files::upload))
            .route(&format!("{version}/files"), get(files::list))
            .route(
                &format!("{version}/files/{{id}}"),
                get(files::one).delete(files::delete),
            );
    }
    router.fallback(unknown).with_state(emulator)
}

/// What stands in an address.
#[derive(Deserialize)]
struct Parameters {
    key: Option<String>,
    alt: Option<String>,
}

/// A key begins with `AIza`; one that says `invalid` or `expired` is. It may stand in a header or in the address.
fn authorize(headers: &HeaderMap, parameters: &Parameters) -> Result<(), Refused> {
    let header = headers.get("x-goog-api-key").and_then(|value| value.to_str().ok());
    match header.or(parameters.key.as_deref()) {
        None | Some("") => Err(errors::no_key()),
        Some(key) if key.starts_with("AIza") && !key.contains("invalid") && !key.contains("expired") => Ok(()),
        Some(_) => Err(errors::bad_key()),
    }
}

async fn unknown() -> Response {
    errors::no_path().into_response()
}

async fn list(headers: HeaderMap, Query(parameters): Query<Parameters>) -> Response {
    match authorize(&headers, &parameters) {
        Ok(()) => wire::json(StatusCode::OK, &json!({"models": listed()})),
        Err(error) => error.into_response(),
    }
}

async fn one(Path(id): Path<String>, headers: HeaderMap, Query(parameters): Query<Parameters>) -> Response {
    if let Err(error) = authorize(&headers, &parameters) {
        return error.into_response();
    }
    let name = format!("models/{id}");
    match listed().into_iter().find(|model| model["name"] == name.as_str()) {
        Some(model) => wire::json(StatusCode::OK, &model),
        None => errors::no_model(&id, "GetModel").into_response(),
    }
}

/// A call that was understood.
enum Called {
    /// Its tokens are all that was wanted.
    Counted(Value),
    Asked {
        ask: Ask,
        streamed: bool,
    },
}

async fn call(
    State(emulator): State<Arc<Gemini>>,
    Path(last): Path<String>,
    Query(parameters): Query<Parameters>,
    Extension(log): Extension<CallHandle>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let checked = async {
        let (model, verb) = model_and_verb(&last).ok_or_else(errors::no_path)?;
        authorize(&headers, &parameters)?;
        let mut fields = parse_json(body).await?;
        log.note(Provider::Gemini, model, &noted(&fields, None));
        let streamed = match verb {
            "countTokens" => {
                let known = find(model).ok_or_else(|| errors::no_model(model, verb))?;
                let mut fields = counted(fields);
                emulator.files.put_in(&mut fields, &emulator.core)?;
                let ask = Ask::read(&fields, known, Surface::Gemini)?;
                return Ok(Called::Counted(count(&ask)));
            }
            "generateContent" => false,
            "streamGenerateContent" if parameters.alt.as_deref() == Some("sse") => true,
            _ => return Err(errors::no_model(model, verb)),
        };
        let known = find(model).ok_or_else(|| errors::no_model(model, verb))?;
        emulator.files.put_in(&mut fields, &emulator.core)?;
        let fields = fit(fields, |fields| Ask::read(fields, known, Surface::Gemini).is_ok());
        let ask = Ask::read(&fields, known, Surface::Gemini)?;
        log.note(Provider::Gemini, model, &noted(&fields, Some(ask.prompt())));
        Ok(Called::Asked { ask, streamed })
    };
    match checked.await {
        Ok(Called::Counted(tokens)) => wire::json(StatusCode::OK, &tokens),
        Ok(Called::Asked { ask, streamed }) => run(&emulator.core, ask, streamed).await,
        Err(error) => error.into_response(),
    }
}
