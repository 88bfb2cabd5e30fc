//! Streams of events: what OpenAI's protocol must make of each, and which partial images are told on the way.

use std::{sync::Mutex, time::Duration};

use futures_util::future::BoxFuture;
use planner::{
    failure::{Failure, FailureKind, Spent},
    mode::Mode,
    native::{ImageForm, NativeValue},
};
use providers::{
    Blob, Driver, DriverConfig, FinishedAttempt, InputImage, Observer, ProviderRequest, Spool, SpoolLimits, SpoolUse,
    adapter,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    CREDENTIAL, PROMPT, request,
    script::{IMAGE_BYTES, SMALL_BYTES, conversation, picture},
    scripted::{Recorded, Scripted},
};

/// What a stream must lead to.
#[derive(Debug, Clone, Copy)]
enum Expected {
    /// So many images of [`IMAGE_BYTES`], and the output tokens told with them.
    Images(usize, u64),
    /// A failure.
    Fails(FailureKind, Spent),
}

use Expected::{Fails, Images};
use FailureKind::{ContentPolicy, EmptyAnswer, Interrupted, LimitReached, RateLimited, ServerError};
use FailureKind::{TimedOut, UnreadableAnswer};
use Spent::{No, Unknown};

/// A partial image by its index and its size in bytes.
type Partial = (u32, usize);

const FIRST: Partial = (0, IMAGE_BYTES);
const SECOND: Partial = (1, IMAGE_BYTES);

/// Every case by the name of its fixture: the partial images that are told, and the end.
const CASES: [(&str, &[Partial], Expected); 23] = [
    ("stream", &[FIRST, (1, SMALL_BYTES)], Images(1, 1956)),
    ("stream_edit", &[FIRST], Images(1, 1956)),
    ("stream_no_partials", &[], Images(1, 1956)),
    ("stream_several", &[FIRST, FIRST], Images(2, 2 * 1856)),
    ("stream_unnamed", &[FIRST], Images(1, 1956)),
    ("stream_unknown_event", &[FIRST], Images(1, 1956)),
    ("stream_broken_partial", &[SECOND], Images(1, 1956)),
    ("stream_kept_open", &[(0, SMALL_BYTES)], Images(1, 1956)),
    ("stream_image_then_cut", &[], Images(1, 1956)),
    ("stream_image_then_error", &[], Images(1, 1956)),
    ("stream_not_streamed", &[], Images(1, 1756)),
    ("stream_error", &[FIRST], Fails(ServerError, Unknown)),
    ("stream_bare_error", &[FIRST], Fails(ServerError, Unknown)),
    ("stream_rate_limited", &[], Fails(RateLimited, No)),
    ("stream_refused_input", &[], Fails(ContentPolicy, No)),
    ("stream_refused_output", &[FIRST], Fails(ContentPolicy, Unknown)),
    ("stream_unfinished", &[FIRST, SECOND], Fails(Interrupted, Unknown)),
    ("stream_half_event", &[FIRST], Fails(Interrupted, Unknown)),
    ("stream_cut", &[FIRST], Fails(Interrupted, Unknown)),
    ("stream_slow", &[FIRST], Fails(TimedOut, Unknown)),
    ("stream_malformed", &[FIRST], Fails(UnreadableAnswer, Unknown)),
    ("stream_empty", &[FIRST], Fails(EmptyAnswer, Unknown)),
    ("stream_too_large", &[], Fails(LimitReached, Unknown)),
];

/// The names of all cases.
pub(crate) fn cases() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|(name, ..)| *name)
}

/// Keeps what it hears.
#[derive(Default)]
struct Partials(Mutex<Vec<(u32, Blob)>>);

impl Observer for Partials {
    fn job_accepted<'a>(&'a self, handle: &'a str) -> BoxFuture<'a, ()> {
        panic!("this protocol keeps no jobs: {handle}");
    }

    fn lost_sight(&self, failure: &Failure) {
        panic!("this protocol keeps no jobs: {failure:?}");
    }

    fn partial_image(&self, index: u32, image: Blob) {
        self.0.lock().expect("no panic holds it").push((index, image));
    }
}

/// A request for a stream; for the edit, with a file.
fn streaming(case: &str, server: &Scripted, spool: &Spool) -> ProviderRequest {
    let mut request = request("openai", server);
    let fields = &mut request.native.fields;
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), NativeValue::Json(value));
    set("stream", json!(true));
    set("partial_images", json!(2));
    if matches!(
        case,
        "stream_several" | "stream_image_then_cut" | "stream_image_then_error"
    ) {
        set("n", json!(2));
    }
    if case == "stream_edit" {
        fields.insert("image[]".to_owned(), NativeValue::Images(vec![0], ImageForm::File));
        request.native.mode = Mode::ImageEdit;
        request.inputs = vec![InputImage {
            blob: spool.scope().store(&picture(SMALL_BYTES)).expect("fits"),
            mime: "image/png".to_owned(),
            extension: "png".to_owned(),
        }];
    }
    request
}

struct Played {
    result: Result<FinishedAttempt, Failure>,
    partials: Vec<(u32, Blob)>,
    requests: Vec<Recorded>,
    spool: Spool,
}

async fn play(case: &str) -> Played {
    let server = Scripted::listen().await;
    server.play(conversation("openai", case, &server).expect("a fixture"));
    let spool = Spool::new(SpoolLimits::default());
    let mut config = DriverConfig::default();
    if case == "stream_too_large" {
        config.answer_bytes = 4000;
    }
    let time = if case == "stream_slow" {
        Duration::from_millis(500)
    } else {
        Duration::from_secs(60)
    };
    let driver = Driver::new(config).expect("TLS is there");
    let adapter = adapter("openai").expect("a known protocol");
    let partials = Partials::default();
    let request = streaming(case, &server, &spool);
    let deadline = Instant::now() + time;
    let result = driver.run(adapter, &request, &spool.scope(), deadline, &partials).await;
    Played {
        result,
        partials: partials.0.into_inner().expect("no panic held it"),
        requests: server.finish(),
        spool,
    }
}

fn check_end(case: &str, result: &Result<FinishedAttempt, Failure>, expected: Expected) {
    match (result, expected) {
        (Ok(finished), Images(count, output_tokens)) => {
            assert_eq!(finished.images.len(), count, "{case}");
            for image in &finished.images {
                assert!(
                    image.blob.read_all().expect("readable") == picture(IMAGE_BYTES),
                    "{case}"
                );
            }
            let usage = finished.usage.expect("it is told");
            assert_eq!(
                (usage.input_tokens(), usage.output_tokens()),
                (24, output_tokens),
                "{case}"
            );
            assert_eq!(finished.upstream_id.as_deref(), Some("req_0123"), "{case}");
        }
        (Err(failure), Fails(kind, spent)) => {
            assert_eq!((failure.kind, failure.spent), (kind, spent), "{case}: {failure:?}");
            let shown = format!("{failure:?}");
            for secret in [CREDENTIAL, PROMPT, "iVBOR"] {
                assert!(!shown.contains(secret), "{secret} in {shown}");
            }
            assert!(!failure.message.is_empty(), "{case}");
            assert_eq!(failure.moderation.is_some(), kind == ContentPolicy, "{case}");
            if case == "stream_rate_limited" {
                assert_eq!(failure.retry_after, Some(Duration::from_secs(12)));
            }
        }
        (result, expected) => panic!("{case}: {expected:?} expected, not {result:?}"),
    }
}

#[tokio::test]
async fn streams_keep_the_contract() {
    for (case, partials, expected) in CASES {
        let Played {
            result,
            partials: told,
            requests,
            spool,
        } = play(case).await;
        check_end(case, &result, expected);
        let sizes: Vec<Partial> = told
            .iter()
            .map(|(index, image)| (*index, usize::try_from(image.len()).expect("small")))
            .collect();
        assert_eq!(sizes, partials, "{case}");
        for (_, image) in &told {
            let size_bytes = usize::try_from(image.len()).expect("small");
            assert!(image.read_all().expect("readable") == picture(size_bytes), "{case}");
        }
        assert_eq!(requests.len(), 1, "{case}: a call that may cost money is made once");
        drop((result, told));
        assert_eq!(spool.used(), SpoolUse::default(), "{case} leaves nothing behind");
    }
}

#[tokio::test]
async fn a_stream_is_asked_for_in_json_and_in_a_form() {
    let json = play("stream").await;
    let body: Value = serde_json::from_slice(&json.requests[0].body).expect("JSON");
    assert_eq!((&body["stream"], &body["partial_images"]), (&json!(true), &json!(2)));
    let form = play("stream_edit").await;
    let body = String::from_utf8_lossy(&form.requests[0].body).into_owned();
    for (name, value) in [("stream", "true"), ("partial_images", "2")] {
        assert!(
            body.contains(&format!("name=\"{name}\"\r\n\r\n{value}\r\n")),
            "{name} in the form"
        );
    }
}

#[tokio::test]
async fn partial_images_are_told_before_the_stream_ends() {
    // This stream never ends: what is told was told while it went on.
    let played = play("stream_slow").await;
    assert_eq!(played.partials.len(), 1);
    assert!(played.result.is_err_and(|failure| failure.kind == TimedOut));
}
