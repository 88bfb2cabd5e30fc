//! Google's Vertex AI: Gemini models by `generateContent`, Imagen models by `predict`, for a project in a region.
//!
//! Native fields of Gemini models are those of the Gemini API. Of Imagen models (native ids that begin with `imagen`)
//! `prompt`, `image` and `mask` become the instance; every other name is dotted, as `parameters.sampleCount`.
//!
//! | option | values | default |
//! |---|---|---|
//! | `project` | id of the Google Cloud project | the base address's `/projects/<id>`, else the service account's own |
//! | `region` | `global`, `us`, `eu`, or a region such as `europe-west4` | `global`; Imagen, which is not served there, takes `us-central1` |
//! | `token_url` | where access tokens are had | the service account's `token_uri` |
//!
//! The credential is the JSON of a service account's key, or an access token as it is.

mod account;
mod imagen;

use planner::failure::{Failure, FailureKind};
use reqwest::{Method, Url, header::AUTHORIZATION};

use self::account::Access;
use crate::{
    adapter::{
        Adapter, Call, Job, Patience, ProviderRequest, Reply, Stage, State, Step, UpstreamAccess, misconfigured,
    },
    google::{answered, content_body},
};

/// The host that serves `global`; regions have hosts of their own.
const GLOBAL_HOST: &str = "aiplatform.googleapis.com";
/// The region when none is set.
const GLOBAL: &str = "global";
/// Where Imagen is asked when the region is `global`.
const IMAGEN_REGION: &str = "us-central1";

/// The adapter.
#[derive(Debug)]
pub(crate) struct Vertex;

impl Adapter for Vertex {
    fn start(&self, request: &ProviderRequest, _state: &mut State) -> Result<Call, Failure> {
        let endpoint = &request.endpoint;
        let access = Access::read(endpoint)?;
        let project = project(endpoint, &access)?;
        let is_imagen = is_imagen(request);
        let region = region(endpoint, is_imagen)?;
        let (verb, body) = if is_imagen {
            ("predict", imagen::body(request)?)
        } else {
            ("generateContent", content_body(request)?)
        };
        let model = &request.native.model;
        let path = format!("{project}locations/{region}/publishers/google/models/{model}:{verb}");
        let mut url = endpoint.url(&path)?;
        set_regional_host(&mut url, region)?;
        let mut call = Call::new(Method::POST, url, Stage::Submit).body(body);
        match access {
            Access::Token => call.headers.insert(AUTHORIZATION, endpoint.authorization("Bearer")?),
            Access::Account { grant, .. } => {
                call.grant = Some(grant);
                None
            }
        };
        call.patience = Patience::Work;
        Ok(call)
    }

    fn resume(&self, _request: &ProviderRequest, _state: &mut State, _handle: &str) -> Result<Call, Failure> {
        Err(Failure::new(
            FailureKind::JobLost,
            "this provider answers at once and keeps no jobs",
        ))
    }

    fn next(&self, request: &ProviderRequest, _state: &mut State, reply: Reply) -> Step {
        let provider = &request.endpoint.provider;
        if is_imagen(request) {
            imagen::answered(provider, &reply)
        } else {
            answered(provider, &reply)
        }
    }

    fn cancel(&self, _request: &ProviderRequest, _job: &Job) -> Option<Call> {
        None
    }
}

/// The part of the path that names the project; nothing when the base address does.
fn project(endpoint: &UpstreamAccess, access: &Access) -> Result<String, Failure> {
    if endpoint.base_url.path().contains("/projects/") {
        return Ok(String::new());
    }
    endpoint
        .options
        .get("project")
        .map(String::as_str)
        .or(access.project())
        .map(|project| format!("projects/{project}/"))
        .ok_or_else(|| misconfigured("the provider's option `project` is not set"))
}

fn is_imagen(request: &ProviderRequest) -> bool {
    request.native.model.starts_with("imagen")
}

fn region(endpoint: &UpstreamAccess, is_imagen: bool) -> Result<&str, Failure> {
    let region = endpoint.options.get("region").map_or(GLOBAL, String::as_str);
    // It becomes part of a host.
    let plain = !region.is_empty()
        && region
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    match region {
        GLOBAL if is_imagen => Ok(IMAGEN_REGION),
        region if plain => Ok(region),
        _ => Err(misconfigured("the provider's option `region` is no region")),
    }
}

/// Puts the region's host in the place of the global one. Any other host, such as a proxy's, stays.
fn set_regional_host(url: &mut Url, region: &str) -> Result<(), Failure> {
    if region == GLOBAL || url.host_str() != Some(GLOBAL_HOST) {
        return Ok(());
    }
    let host = match region {
        "us" | "eu" => format!("aiplatform.{region}.rep.googleapis.com"),
        region => format!("{region}-{GLOBAL_HOST}"),
    };
    url.set_host(Some(&host))
        .map_err(|_| misconfigured("the provider's option `region` is no region"))
}

#[cfg(test)]
mod tests {
    use planner::native::NativeValue;

    use super::*;
    use crate::adapter::sample;

    fn request(base: &str, model: &str, options: &[(&str, &str)]) -> ProviderRequest {
        let prompt = ("prompt", NativeValue::Json("a fox".into()));
        sample::request(sample::access(base, "ya29.token", options), model, vec![prompt])
    }

    #[test]
    fn regions_have_hosts_of_their_own() {
        let google = "https://aiplatform.googleapis.com/v1";
        let gemini = "gemini-3-pro-image";
        for (base, model, region, expected) in [
            (
                google,
                gemini,
                "global",
                "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google/models/gemini-3-pro-image:generateContent",
            ),
            (
                google,
                gemini,
                "europe-west4",
                "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4/publishers/google/models/gemini-3-pro-image:generateContent",
            ),
            (
                google,
                gemini,
                "eu",
                "https://aiplatform.eu.rep.googleapis.com/v1/projects/p/locations/eu/publishers/google/models/gemini-3-pro-image:generateContent",
            ),
            (
                google,
                "imagen-4.0-generate-001",
                "global",
                "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1/publishers/google/models/imagen-4.0-generate-001:predict",
            ),
            (
                "http://127.0.0.1:1/v1/projects/sandbox",
                gemini,
                "us",
                "http://127.0.0.1:1/v1/projects/sandbox/locations/us/publishers/google/models/gemini-3-pro-image:generateContent",
            ),
            (
                "https://proxy.example/google",
                gemini,
                "us",
                "https://proxy.example/google/projects/p/locations/us/publishers/google/models/gemini-3-pro-image:generateContent",
            ),
        ] {
            let options = [("project", "p"), ("region", region), ("own_domain", "googleapis.com")];
            let request = request(base, model, &options);
            let call = Vertex.start(&request, &mut State::new(1)).expect("a call");
            assert_eq!(call.url.as_str(), expected);
            assert!(request.endpoint.owns(&call.url), "the credential goes there");
        }
    }

    #[test]
    fn a_region_is_no_way_to_another_host() {
        let google = "https://aiplatform.googleapis.com/v1";
        for region in ["", "evil.example/", "EU", "a@b", "a.b"] {
            let options = [("project", "p"), ("region", region)];
            let failure = Vertex
                .start(&request(google, "gemini-3-pro-image", &options), &mut State::new(1))
                .expect_err("no region");
            assert!(failure.message.contains("region"), "{region}");
        }
        let failure = Vertex
            .start(&request(google, "gemini-3-pro-image", &[]), &mut State::new(1))
            .expect_err("no project");
        assert!(failure.message.contains("project"));
    }
}
