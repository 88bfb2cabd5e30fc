//! Servers that speak OpenAI's Images API with differences: four that people host themselves, and Azure.
//!
//! One small emulator for all; what sets each apart stands in one table.

mod ask;
mod errors;
mod run;
mod servers;

use crate::calls::CallHandle;
use crate::core::Core;
use crate::media;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Extension, Router};
use errors::Reason;
use servers::{Auth, Server};
use std::sync::Arc;

/// One server's state.
pub(crate) struct Emulator {
    core: Arc<Core>,
    server: &'static Server,
}

/// What the path of a call says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Generation,
    Edit,
}

/// The routes of all servers, each below its own prefix.
pub(crate) fn router(core: &Arc<Core>) -> Router {
    servers::all().fold(Router::new(), |router, server| {
        router.nest(&format!("/{}", server.provider), routes(Arc::clone(core), server))
    })
}

fn routes(core: Arc<Core>, server: &'static Server) -> Router {
    let emulator = Arc::new(Emulator { core, server });
    let mut router = Router::new().route("/generated-images/{file}", get(file));
    for path in server.generations {
        router = router.route(path, endpoint(Kind::Generation));
    }
    for path in server.edits {
        router = router.route(path, endpoint(Kind::Edit));
    }
    router.fallback(unknown).with_state(emulator)
}

async fn unknown(State(emulator): State<Arc<Emulator>>) -> Response {
    emulator.refuse(Reason::not_found())
}

async fn file(State(emulator): State<Arc<Emulator>>, Path(file): Path<String>) -> Response {
    media::serve(&emulator.core.media, emulator.core.now(), &file).await
}

/// The parts of a request that differ by server.
struct Received {
    kind: Kind,
    /// The model, where the path names it.
    deployment: Option<String>,
    query: String,
    headers: HeaderMap,
    body: Body,
    log: CallHandle,
}

/// The one endpoint, which generations and edits differ in by their path alone.
fn endpoint(kind: Kind) -> MethodRouter<Arc<Emulator>> {
    post(
        move |State(emulator): State<Arc<Emulator>>,
              deployment: Option<Path<String>>,
              RawQuery(query): RawQuery,
              Extension(log): Extension<CallHandle>,
              headers: HeaderMap,
              body: Body| async move {
            let call = Received {
                kind,
                deployment: deployment.map(|Path(name)| name),
                query: query.unwrap_or_default(),
                headers,
                body,
                log,
            };
            emulator.answer(call).await
        },
    )
}

impl Emulator {
    async fn answer(&self, call: Received) -> Response {
        let base = self.core.base_url_for(&axum::http::Uri::default(), &call.headers);
        let checked = async {
            self.authorize(&call)?;
            ask::read(self.server, call).await
        };
        match checked.await {
            Ok(ask) => run::run(&self.core, base, ask).await,
            Err(reason) => self.refuse(reason),
        }
    }

    fn refuse(&self, reason: Reason) -> Response {
        reason.dressed(self.server.dress).into_response()
    }

    fn authorize(&self, call: &Received) -> Result<(), Reason> {
        let header = |name: &str| call.headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = header(header::AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
        match self.server.auth {
            // Clients that cannot do without a key send one that nobody looks at.
            Auth::None => Ok(()),
            Auth::OptionalBearer if bearer.is_some_and(|key| key.contains("invalid")) => {
                Err(Reason::bad_key("Invalid API key"))
            }
            Auth::OptionalBearer => Ok(()),
            Auth::ApiKey => {
                let key = header("api-key").or(bearer.filter(|_| call.deployment.is_none()));
                let good = key.is_some_and(|key| !key.is_empty() && !key.contains("invalid"));
                if !good {
                    let why = "Access denied due to invalid subscription key or wrong API endpoint. Make sure to \
                               provide a valid key for an active subscription and use a correct regional API \
                               endpoint for your resource.";
                    return Err(Reason::bad_key(why));
                }
                // The version stands in the address, or in the path of the newer API.
                let dated = call.query.split('&').any(|pair| pair.starts_with("api-version=20"));
                if dated || call.deployment.is_none() {
                    Ok(())
                } else {
                    Err(Reason::not_found())
                }
            }
        }
    }
}
