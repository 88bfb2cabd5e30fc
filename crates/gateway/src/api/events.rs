//! `stream: true`: the answer as server-sent events.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, stream};
use planner::request::ResponseFormat;
use providers::Node;
use serde_json::{Value, json};
use tokio::select;
use tokio::sync::oneshot::Receiver;
use tokio::sync::oneshot::error::RecvError;
use tokio::time::sleep;

use super::answer::faces;
use super::undelivered::Undelivered;
use crate::clock::Clock;
use crate::generation::Generated;
use crate::generation::answer::{QUALITIES, background, usage_json, usage_of};
use crate::generation::news::{AttemptNews, Heard};
use crate::generation::partials::{Partial, Partials};
use crate::media::process::Inspected;
use crate::problem::Problem;

/// Proxies cut connections that are silent for 30 seconds and more.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Parts of the body.
type Pieces = BoxStream<'static, Result<Bytes, std::io::Error>>;

/// The stream: comments while the generation runs, partial images as they come, calls to providers for those who want to hear
/// of them, then an event for each image, or an
/// `error` event.
pub(super) fn answer(
    clock: Clock,
    (endpoint, format): (&'static str, ResponseFormat),
    outcome: Receiver<Undelivered>,
    (partials, news): (Option<Partials>, Option<Heard>),
) -> Response {
    let waiting = Waiting {
        clock,
        prefix: if endpoint.ends_with("edits") {
            "image_edit"
        } else {
            "image_generation"
        },
        format,
        outcome,
        partials,
        news,
    };
    let events = stream::unfold(Some(waiting), |waiting| async move {
        let mut waiting = waiting?;
        let (pieces, goes_on) = waiting.next().await;
        Some((pieces, goes_on.then_some(waiting)))
    });
    let body = Body::from_stream(stream::iter([piece(": accepted\n\n")]).chain(events.flatten()));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/event-stream; charset=utf-8"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // nginx would hold events back otherwise.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// What the stream waits for.
struct Waiting {
    clock: Clock,
    /// Of the events' names.
    prefix: &'static str,
    /// How the finished images come.
    format: ResponseFormat,
    outcome: Receiver<Undelivered>,
    partials: Option<Partials>,
    news: Option<Heard>,
}

enum News {
    Attempt(AttemptNews),
    Partial(Partial),
    Outcome(Box<Result<Undelivered, RecvError>>),
    Silence,
}

impl Waiting {
    /// What is to be sent next, and whether more follows.
    async fn next(&mut self) -> (Pieces, bool) {
        // What came first is sent first: partial images that wait go out before the end.
        let news = select! {
            biased;
            Some(news) = next_news(self.news.as_mut()) => News::Attempt(news),
            Some(partial) = next_of(self.partials.as_mut()) => News::Partial(partial),
            outcome = &mut self.outcome => News::Outcome(Box::new(outcome)),
            () = sleep(KEEP_ALIVE) => News::Silence,
        };
        match news {
            News::Silence => (pieces(": waiting\n\n".into()), true),
            News::Attempt(news) => (attempt(&news), true),
            News::Partial(partial) => (self.partial(partial).await, true),
            News::Outcome(outcome) => (self.end(*outcome), false),
        }
    }

    /// The end of the stream.
    fn end(&self, outcome: Result<Undelivered, RecvError>) -> Pieces {
        let Ok(undelivered) = outcome else {
            return failed(&Problem::lost());
        };
        let events = match undelivered.outcome() {
            Some((_, Ok(generated))) => self.completed(generated),
            Some((_, Err(error))) => failed(&Problem::of_generation(error)),
            None => failed(&Problem::lost()),
        };
        // Reached only when everything before it was taken.
        let end = stream::once(async move { drop(undelivered.delivered()) }).filter_map(|()| async { None });
        events.chain(end).boxed()
    }

    /// A partial image in the form that was asked for; nothing when that cannot be made.
    async fn partial(&self, partial: Partial) -> Pieces {
        let finished = match &self.partials {
            Some(partials) => partials.finish(partial).await,
            None => None,
        };
        let Some(partial) = finished else {
            return stream::empty().boxed();
        };
        // Several images have several partials of one index: OpenAI's events do not say whose they are.
        let index = ("partial_image_index".to_owned(), Node::Json(Value::from(partial.index)));
        let bytes = ("b64_json".to_owned(), Node::Base64(partial.image.blob.clone()));
        self.event(
            "partial_image",
            &partial.image,
            partial.quality.as_deref(),
            vec![bytes, index],
        )
    }

    /// One `completed` event for each image.
    fn completed(&self, generated: &Generated) -> Pieces {
        let events: Vec<_> = generated
            .images
            .iter()
            .enumerate()
            .map(|(index, delivered)| {
                // The whole call's usage stands on the first event, so that the sum over events is right.
                let usage = usage_of(generated).filter(|_| index == 0);
                let usage = usage.map(|(usage, _)| usage).unwrap_or_default();
                let mut more = faces(self.format, delivered);
                more.push(("usage".to_owned(), Node::Json(usage_json(&usage))));
                self.event("completed", &delivered.image, generated.quality.as_deref(), more)
            })
            .collect();
        stream::iter(events).flatten().boxed()
    }

    /// An event with an image. What it says of the image is measured.
    fn event(&self, kind: &str, image: &Inspected, quality: Option<&str>, more: Vec<(String, Node)>) -> Pieces {
        let kind = format!("{}.{kind}", self.prefix);
        let info = &image.info;
        let json = |name: &str, value: Value| (name.to_owned(), Node::Json(value));
        let mut fields = vec![
            json("type", kind.as_str().into()),
            json("created_at", self.clock.now().as_second().into()),
            json("size", format!("{}x{}", info.width_px, info.height_px).into()),
            json("output_format", info.format.to_string().into()),
            json("background", background(image).into()),
            json("quality", word(quality).into()),
        ];
        fields.extend(more);
        pieces(format!("event: {kind}\ndata: "))
            .chain(providers::Body::json(&Node::Object(fields)).stream())
            .chain(pieces("\n\n".to_owned()))
            .boxed()
    }
}

/// The quality in the words of OpenAI's events.
fn word(quality: Option<&str>) -> &str {
    quality.filter(|word| QUALITIES.contains(word)).unwrap_or("auto")
}

/// An event of ours: what became of a call.
fn attempt(news: &AttemptNews) -> Pieces {
    const NAME: &str = "pictor.attempt";
    let mut told = json!(news);
    told["type"] = NAME.into();
    pieces(format!("event: {NAME}\ndata: {told}\n\n"))
}

/// The next of the calls; waits forever when nobody asked for them.
async fn next_news(news: Option<&mut Heard>) -> Option<AttemptNews> {
    match news {
        Some(news) => news.next().await,
        None => std::future::pending().await,
    }
}

/// The next partial image; waits forever when none was asked for.
async fn next_of(partials: Option<&mut Partials>) -> Option<Partial> {
    match partials {
        Some(partials) => partials.next().await,
        None => std::future::pending().await,
    }
}

fn piece(text: impl Into<Bytes>) -> Result<Bytes, std::io::Error> {
    Ok(text.into())
}

fn pieces(text: String) -> Pieces {
    stream::iter([piece(text)]).boxed()
}

fn failed(problem: &Problem) -> Pieces {
    pieces(format!("event: error\ndata: {}\n\n", problem.body()))
}
