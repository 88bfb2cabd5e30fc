//! The contract of every protocol: one table of cases, the same for all, played over real connections.

mod bodies;
mod cases;
mod compatible;
mod driver;
mod guard;
mod log;
mod script;
mod scripted;
mod streams;
mod subjects;
mod tokens;

use std::{path::Path, sync::Mutex, time::Duration};

use cases::{
    CASES,
    Expected::{self, Fails, Images},
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, ready},
};
use indexmap::IndexMap;
use planner::{
    failure::{Failure, FailureKind, Spent},
    mode::Mode,
    native::{ImageForm, NativeRequest, NativeValue},
};
use providers::{
    Blob, Credential, Driver, DriverConfig, FinishedAttempt, InputImage, Observer, ProviderRequest, Spool, SpoolLimits,
    UpstreamAccess, adapter,
};
use script::{CREDENTIAL, HUGE_BYTES, IMAGE_BYTES, conversation, picture};
use scripted::{Recorded, Scripted};
use subjects::subject;
use tokio::time::Instant;

/// The prompt of all tests; it must not show in any failure.
const PROMPT: &str = "a lighthouse at dusk, oil on canvas";

struct Played {
    result: Result<FinishedAttempt, Failure>,
    requests: Vec<Recorded>,
    spool: Spool,
    handles: Vec<String>,
    log: String,
}

#[derive(Default)]
struct Handles(Mutex<Vec<String>>);

impl Observer for Handles {
    fn job_accepted<'a>(&'a self, handle: &'a str) -> BoxFuture<'a, ()> {
        self.0.lock().expect("no panic holds it").push(handle.to_owned());
        ready(()).boxed()
    }

    // On a busy machine a fifth of a short time passes between two polls.
    fn lost_sight(&self, _failure: &Failure) {}

    fn partial_image(&self, index: u32, _image: Blob) {
        panic!("nobody asked for partial image {index}");
    }
}

/// The protocol of a subject: what follows a dash is one of several ways in which it is spoken.
fn spoken(subject: &str) -> &str {
    subject.split('-').next().unwrap_or(subject)
}

/// A provider of this protocol at the scripted server.
fn endpoint(protocol: &str, server: &Scripted) -> UpstreamAccess {
    let subject = subject(protocol);
    UpstreamAccess {
        provider: format!("{protocol}-test"),
        base_url: format!("{}{}", server.base, subject.base_path)
            .parse()
            .expect("an address"),
        credential: Credential::new(CREDENTIAL),
        options: (subject.options)(&server.base),
    }
}

/// A request for one image, as the catalogue would make it.
fn request(protocol: &str, server: &Scripted) -> ProviderRequest {
    request_of("success", protocol, server)
}

/// The same, with the model that `case` is played with.
fn request_of(case: &str, protocol: &str, server: &Scripted) -> ProviderRequest {
    let subject = subject(protocol);
    let mut native = NativeRequest {
        model: (subject.model)(case).to_owned(),
        mode: Mode::TextToImage,
        fields: IndexMap::from([
            ("prompt".to_owned(), NativeValue::Json(PROMPT.into())),
            ("quality".to_owned(), NativeValue::Json("high".into())),
        ]),
    };
    (subject.adjust)(case, &mut native);
    ProviderRequest {
        endpoint: endpoint(protocol, server),
        native,
        inputs: Vec::new(),
        mask: None,
    }
}

/// Adds `sizes_bytes.len()` input images as links.
fn with_links(mut request: ProviderRequest, spool: &Spool, sizes_bytes: &[usize]) -> ProviderRequest {
    let scope = spool.scope();
    request.native.mode = Mode::ImageEdit;
    request.inputs = sizes_bytes
        .iter()
        .map(|size_bytes| InputImage {
            blob: scope.store(&picture(*size_bytes)).expect("fits"),
            mime: "image/png".to_owned(),
            extension: "png".to_owned(),
        })
        .collect();
    let links = NativeValue::Images((0..sizes_bytes.len()).collect(), ImageForm::Link);
    request.native.fields.insert("image_urls".to_owned(), links);
    request
}

async fn play(protocol: &str, case: &str) -> Option<Played> {
    let server = Scripted::listen().await;
    server.play(conversation(protocol, case, &server)?);
    let spool = Spool::new(SpoolLimits::default());
    let mut request = request_of(case, protocol, &server);
    if case.starts_with("upload") {
        request = with_links(request, &spool, &[IMAGE_BYTES]);
    }
    let mut config = DriverConfig {
        hiccup_first: Duration::from_millis(10),
        ..DriverConfig::default()
    };
    if case.starts_with("too_large") {
        config.answer_bytes = 4000;
    }
    if case == "poll_hiccups" {
        // One poll of that case is never answered.
        config.quick_timeout = Duration::from_secs(2);
    }
    let time = if case == "slow" {
        Duration::from_millis(500)
    } else {
        Duration::from_secs(60)
    };
    let driver = Driver::new(config).expect("TLS is there");
    let adapter = adapter(spoken(protocol)).expect("a known protocol");
    let handles = Handles::default();
    let log = log::Log::default();
    let listening = tracing::subscriber::set_default(log.clone());
    let result = driver
        .run(adapter, &request, &spool.scope(), Instant::now() + time, &handles)
        .await;
    drop((request, listening));
    let requests = server.finish();
    let handles = handles.0.into_inner().expect("no panic held it");
    Some(Played {
        result,
        requests,
        spool,
        handles,
        log: log.text(),
    })
}

fn check_failure(case: &str, failure: &Failure, kind: FailureKind, spent: Spent) {
    assert_eq!((failure.kind, failure.spent), (kind, spent), "{failure:?}");
    let shown = format!("{failure:?}");
    for secret in [CREDENTIAL, PROMPT, "sig=", "iVBOR"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert!(!failure.message.is_empty() && failure.message.chars().count() <= 500);
    match case {
        "rate_limited" => assert_eq!(failure.retry_after, Some(Duration::from_secs(7))),
        "rate_limited_no_header" => assert_eq!(failure.retry_after, None),
        "invalid_argument" => {
            assert_eq!(failure.param.as_deref(), Some("quality"));
            assert!(failure.message.contains("ultra"), "{}", failure.message);
        }
        "refused_input" | "refused_output" => assert!(failure.moderation.is_some()),
        "html_502" => {
            assert_eq!(failure.status, Some(502));
            assert!(
                failure
                    .excerpt
                    .as_deref()
                    .is_some_and(|text| text.contains("Bad gateway"))
            );
        }
        _ => {}
    }
}

fn check(protocol: &str, case: &str, expected: Expected, played: &Played) {
    let subject = subject(protocol);
    match (&played.result, expected) {
        (Ok(finished), Images(count, size_bytes)) => {
            assert_eq!(finished.images.len(), count);
            for image in &finished.images {
                assert_eq!(image.blob.len(), size_bytes as u64);
                assert!(image.blob.read_all().expect("readable") == picture(size_bytes));
                assert_eq!(image.blob.in_memory(), size_bytes < HUGE_BYTES);
            }
            assert!(played.spool.used().memory <= 4 << 20);
        }
        (Err(failure), Fails(kind, spent)) => {
            let own = subject.spent.iter().find(|(name, _)| *name == case);
            check_failure(case, failure, kind, own.map_or(spent, |(_, own)| *own));
        }
        (result, expected) => panic!("{expected:?} expected, not {result:?}"),
    }
    let calls = played
        .log
        .lines()
        .filter(|line| line.starts_with("upstream_call"))
        .count();
    assert!(calls >= 1 && calls <= played.requests.len().max(1) + 1, "{calls} spans");
    for secret in [CREDENTIAL, PROMPT, "sig=", "iVBOR"] {
        assert!(!played.log.contains(secret), "{secret} in {}", played.log);
    }
    let (name, before) = subject.credential;
    let credential = format!("{before}{CREDENTIAL}");
    for request in &played.requests {
        let expected = (!request.request.contains("cdn:")).then_some(credential.as_str());
        assert_eq!(request.header(name), expected, "{}", request.request);
    }
}

async fn contract(protocol: &str) {
    let subject = subject(protocol);
    for &(case, expected) in CASES {
        let absent = subject.absent.iter().any(|(absent, _)| *absent == case);
        let begun = Instant::now();
        match play(protocol, case).await {
            Some(played) => {
                assert!(!absent, "{protocol}/{case} is said to be impossible");
                eprintln!(
                    "{protocol}/{case}: {:?} {:?}",
                    begun.elapsed(),
                    played.result.as_ref().err()
                );
                check(protocol, case, expected, &played);
                if matches!(expected, Images(..)) {
                    assert_eq!(
                        played.handles.len(),
                        usize::from((subject.is_job)(case)),
                        "a job is told once"
                    );
                }
                let Played { result, spool, .. } = played;
                drop(result);
                assert_eq!(
                    spool.used(),
                    providers::SpoolUse::default(),
                    "{protocol}/{case} leaves nothing behind"
                );
            }
            None => assert!(absent, "{protocol}/{case} has no fixture"),
        }
    }
}

#[tokio::test]
async fn openai_keeps_the_contract() {
    contract("openai").await;
}

#[tokio::test]
async fn bfl_keeps_the_contract() {
    contract("bfl").await;
}

#[tokio::test]
async fn xai_keeps_the_contract() {
    contract("xai").await;
}

#[tokio::test]
async fn ark_keeps_the_contract() {
    contract("ark").await;
}

#[tokio::test]
async fn fal_keeps_the_contract() {
    contract("fal").await;
}

#[tokio::test]
async fn replicate_keeps_the_contract() {
    contract("replicate").await;
}

#[tokio::test]
async fn openrouter_keeps_the_contract() {
    contract("openrouter").await;
}

#[tokio::test]
async fn stability_keeps_the_contract() {
    contract("stability").await;
}

#[tokio::test]
async fn openrouter_keeps_the_contract_by_chat() {
    contract("openrouter-chat").await;
}

#[tokio::test]
async fn gemini_keeps_the_contract() {
    contract("gemini").await;
}

#[tokio::test]
async fn vertex_keeps_the_contract() {
    contract("vertex").await;
}

#[tokio::test]
async fn vertex_keeps_the_contract_by_imagen() {
    contract("vertex-imagen").await;
}

#[tokio::test]
async fn dashscope_keeps_the_contract() {
    contract("dashscope").await;
}

#[tokio::test]
async fn runware_keeps_the_contract() {
    contract("runware").await;
}

#[tokio::test]
async fn fireworks_keeps_the_contract() {
    contract("fireworks").await;
}

#[test]
fn every_fixture_is_a_case() {
    let files = |folder: &Path| {
        let entries = std::fs::read_dir(folder).expect("fixtures");
        let names = entries.map(|entry| entry.expect("a file").file_name().into_string().expect("ASCII"));
        names.collect::<Vec<_>>()
    };
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    for folder in files(&fixtures) {
        let protocol = subject(&folder).protocol;
        for name in files(&fixtures.join(protocol)) {
            let case = name.strip_suffix(".http").expect("a conversation");
            let known = CASES.iter().map(|(known, _)| *known).chain(streams::cases());
            assert!(
                known.into_iter().any(|known| known == case),
                "{protocol}/{name} is never played"
            );
        }
    }
}
