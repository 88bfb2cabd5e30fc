//! One fault at one place of one request, for every place: the k-th statement, write to a file or piece of an answer fails,
//! hangs, or the process dies there. Afterwards nothing is lost, nothing is double, and the books are right.
//!
//! The suite tries one place of each shape. All of them: `PICTOR_TEST_ALL_FAULTS=1 cargo test -p gateway --test it single_faults`.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt, stream};
use imaging::ImageFormat;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::edits::data_url;
use super::harness::{EDITS, GENERATIONS, Process, Reply, Site, plain, try_send, with};

/// Orders a fault of the process.
const STRIKE: &str = "PICTOR_TEST_STRIKE";
/// Asks for all places.
const ALL: &str = "PICTOR_TEST_ALL_FAULTS";
/// Places at which a process may be struck.
const KINDS: [&str; 4] = ["file", "socket", "statement", "spool"];
/// What happens there.
const FAULTS: [&str; 3] = ["fail", "die", "hang"];
/// Lets all bytes of images go to files of the spool, so that those can be struck.
const SPOOL: (&str, &str) = ("PICTOR_LIMITS_GENERATION_MEMORY_BYTES", "0");
/// A caller who does not read is another matter, and tried elsewhere.
const CANNOT_HANG: (&str, &str) = ("socket", "hang");
/// What the suite tries, of each shape one.
const OF_SUITE: [(&str, &str, usize); 8] = [
    ("statement", "hang", 12),
    ("file", "fail", 1),
    ("spool", "fail", 2),
    ("statement", "die", 9),
    ("file", "die", 2),
    ("socket", "fail", 1),
    ("statement", "fail", 5),
    ("spool", "die", 1),
];
/// More than any request has.
const PLACES_MAX: usize = 100;
/// Tries at one time: each waits for a lease more than it works.
const AT_ONCE: usize = 4;
const KEY: &str = "once-only";
/// Longer than a lease lasts and a request takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A kind of request.
#[derive(Clone)]
struct Shape {
    name: &'static str,
    path: &'static str,
    body: Value,
    images: usize,
    /// Calls that make them all.
    calls: usize,
    is_stream: bool,
    is_async: bool,
}

fn shapes() -> Vec<Shape> {
    let sync =
        json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes", "quality": "low", "output_format": "jpeg" });
    let queue = json!({ "model": "fal/flux.1-schnell", "prompt": "dunes", "size": "512x512" });
    let picture = data_url("image/png", &plain((64, 64), [9, 2, 3, 255], ImageFormat::Png));
    let shape = |name, body: Value| Shape {
        name,
        path: GENERATIONS,
        body,
        images: 1,
        calls: 1,
        is_stream: false,
        is_async: false,
    };
    vec![
        shape("b64", with(sync.clone(), json!({ "response_format": "b64_json" }))),
        shape("link", with(sync.clone(), json!({ "response_format": "url" }))),
        shape("both", with(sync.clone(), json!({ "response_format": "both" }))),
        Shape {
            path: EDITS,
            ..shape(
                "edit",
                with(sync.clone(), json!({ "images": [{ "image_url": picture }] })),
            )
        },
        shape("queue", queue.clone()),
        Shape {
            images: 3,
            calls: 3,
            ..shape(
                "several",
                json!({ "model": "fal/flux.2-pro", "prompt": "dunes", "n": 3, "size": "1024x1024" }),
            )
        },
        Shape {
            is_stream: true,
            ..shape("stream", with(sync, json!({ "stream": true })))
        },
        Shape {
            is_async: true,
            ..shape("async", queue)
        },
    ]
}

impl Shape {
    fn request(&self, process: &Process) -> RequestBuilder {
        let request = process.request(Method::POST, self.path).json(&self.body);
        let request = if self.is_stream {
            // A stream cannot be sent again: it is found by its mark.
            request.header("x-request-id", KEY)
        } else {
            request.header("idempotency-key", KEY)
        };
        if self.is_async {
            request.header("prefer", "respond-async")
        } else {
            request
        }
    }
}

/// A process under one order to fail, and those that follow it.
struct Run {
    site: Site,
    process: Process,
    /// Whether it died.
    died: bool,
}

impl Run {
    /// An answer, or that none came. A process that has died is followed by another one.
    async fn ask(&mut self, request: RequestBuilder) -> Option<Reply> {
        let reply = try_send(request).await;
        // Where a dead process listened another one may listen by now, which knows no key of this one, or is about to stop.
        let is_odd = reply.as_ref().map_or(true, |reply| {
            [StatusCode::UNAUTHORIZED, StatusCode::SERVICE_UNAVAILABLE].contains(&reply.status)
        });
        if is_odd && self.process.has_ended().await {
            self.died = true;
            self.process = self.site.serve(&[]).await;
        }
        reply.ok()
    }

    /// The images that the caller has at last, by asking for as long as it takes.
    async fn images(&mut self, shape: &Shape) -> usize {
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        loop {
            looks.tick().await;
            let request = if shape.is_stream || shape.is_async {
                self.process.request(Method::GET, &format!("/v1/requests/{KEY}"))
            } else {
                shape.request(&self.process)
            };
            let Some(reply) = self.ask(request).await else { continue };
            let told = reply.json();
            let count = |answer: &Value| answer["data"].as_array().map_or(0, Vec::len);
            match (reply.status, told["status"].as_str()) {
                // The answer itself, or the request with it.
                (StatusCode::OK, None) => return count(&told),
                (StatusCode::OK, Some("completed")) => return count(&told["result"]),
                (StatusCode::OK, Some("processing")) => {}
                // It never began, or nobody knows what became of it.
                _ => drop(self.ask(shape.request(&self.process)).await),
            }
        }
    }
}

impl Run {
    /// Waits until no request is under way, also if what the request left to do is what the process dies of.
    async fn settle(&mut self) {
        let mut looks = tokio::time::interval(Duration::from_millis(100));
        let settled = async {
            loop {
                looks.tick().await;
                let open = self
                    .process
                    .request(Method::GET, "/v1/requests?status=processing&limit=1");
                if self
                    .ask(open)
                    .await
                    .is_some_and(|reply| reply.ok()["data"] == json!([]))
                {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.expect("all requests end");
    }
}

/// Lets one thing fail during a request. Returns whether there was such a thing.
async fn strike(shape: &Shape, kind: &str, place: usize, fault: &str) -> bool {
    let site = Site::new().await;
    let order = format!("{kind}:{place}:{fault}");
    let process = site.serve(&[(STRIKE, order.as_str()), SPOOL]).await;
    let mut run = Run {
        site,
        process,
        died: false,
    };
    let first = run.ask(shape.request(&run.process)).await;
    let has_answer = first.is_some_and(|reply| reply.status == StatusCode::OK);
    // A stream that arrived leaves nothing behind.
    if !(shape.is_stream && has_answer) {
        let images = tokio::time::timeout(PATIENCE, run.images(shape)).await;
        assert_eq!(images.expect("it ends"), shape.images);
    }
    run.settle().await;
    let Run {
        site,
        mut process,
        died,
    } = run;
    let most = if died { 2 * shape.calls } else { shape.calls };
    let submits = site.submits().await;
    assert!((shape.calls..=most).contains(&submits), "{submits} calls");
    process.terminate();
    let status = process.ended().await;
    let log = process.log().await;
    let is_struck = died || log.iter().any(|line| line.contains("struck at"));
    // What the request left to do may be done as it stops.
    assert!(status.success() || is_struck && fault == "die", "{status}: {log:#?}");
    site.finish_after_kills().await;
    is_struck
}

/// Some places of one kind, as long as there is such a one.
async fn sweep(shape: Shape, kind: &'static str, fault: &'static str, places: Vec<usize>) -> Option<String> {
    for place in places {
        let struck = AssertUnwindSafe(strike(&shape, kind, place, fault))
            .catch_unwind()
            .await;
        match struck {
            Ok(true) => {}
            Ok(false) => return None,
            Err(_) => return Some(format!("{} after {kind}:{place}:{fault}", shape.name)),
        }
    }
    None
}

#[tokio::test(flavor = "multi_thread")]
async fn one_fault_anywhere_loses_nothing_and_doubles_nothing() {
    let is_whole = std::env::var(ALL).is_ok();
    let mut sweeps = Vec::new();
    for (number, shape) in shapes().into_iter().enumerate() {
        for kind in KINDS.into_iter().filter(|_| is_whole) {
            for fault in FAULTS.into_iter().filter(|fault| (kind, *fault) != CANNOT_HANG) {
                sweeps.push(sweep(shape.clone(), kind, fault, (1..PLACES_MAX).collect()));
            }
        }
        if !is_whole {
            let (kind, fault, place) = OF_SUITE[number % OF_SUITE.len()];
            sweeps.push(sweep(shape, kind, fault, vec![place]));
        }
    }
    let failed: Vec<String> = stream::iter(sweeps)
        .buffer_unordered(AT_ONCE)
        .filter_map(async |failed| failed)
        .collect()
        .await;
    assert!(failed.is_empty(), "it does not end well: {failed:#?}");
}
