//! What is asked for: shapes of requests, how their callers repeat them, and what the providers do to each.

use super::numbers::Numbers;
use super::options::Options;
use serde_json::{Value, json};
use std::time::Duration;

/// What kind of answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    Base64,
    Link,
    Both,
    Edit,
    /// Three images.
    Many,
    /// From providers with queues alone.
    Queue,
    Stream,
    Async,
}

impl Shape {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Link => "link",
            Self::Both => "both",
            Self::Edit => "edit",
            Self::Many => "three images",
            Self::Queue => "queue",
            Self::Stream => "stream",
            Self::Async => "async",
        }
    }
}

/// How a caller asks again when an answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// Not at all: the request log has to do.
    Never,
    /// Under an `Idempotency-Key`.
    Key,
    /// As the official SDKs do, by a counter.
    Counted,
}

/// What a provider's failing call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing was spent; another offer has to do it.
    Refused(&'static str),
    /// Nothing was spent, and the same offer is asked twice more.
    Busy(&'static str),
    /// It may have been paid for, and gives nothing.
    Spent(&'static str),
    /// A hiccup on the way to a job's result, which is still there.
    Hiccup(&'static str),
}

impl Kind {
    fn words(self) -> &'static str {
        let (Self::Refused(words) | Self::Busy(words) | Self::Spent(words) | Self::Hiccup(words)) = self;
        words
    }
}

/// Failures of every provider, by how often each is drawn.
const FAILURES: [(f64, Kind); 11] = [
    (3.0, Kind::Refused("status=429 retry-after=6")),
    (5.0, Kind::Busy("status=429 retry-after=1")),
    // Some say so by the page of a proxy, behind which anything may have happened.
    (3.0, Kind::Spent("status=503")),
    (0.5, Kind::Refused("status=401")),
    (3.0, Kind::Spent("cut")),
    (2.0, Kind::Spent("garbage")),
    (1.0, Kind::Spent("empty")),
    (2.0, Kind::Spent("failed")),
    (2.0, Kind::Spent("status=500")),
    (0.3, Kind::Spent("hang")),
    (0.3, Kind::Spent("stall")),
];
/// What else happens to jobs.
const OF_JOBS: [(f64, Kind); 8] = [
    (4.0, Kind::Hiccup("at=status status=500")),
    (3.0, Kind::Hiccup("at=status status=404")),
    (3.0, Kind::Hiccup("at=status status=401")),
    (3.0, Kind::Hiccup("at=status cut")),
    (3.0, Kind::Hiccup("at=result status=503")),
    (1.0, Kind::Spent("media=404")),
    (1.0, Kind::Spent("media=cut")),
    (1.0, Kind::Spent("media=garbage")),
];

/// What one provider does to one request: its first calls fail.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) provider: &'static str,
    pub(super) kind: Kind,
    pub(super) times: u32,
}

/// One request of a caller.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) place: usize,
    pub(super) shape: Shape,
    pub(super) repeat: Repeat,
    /// Images wanted.
    pub(super) count: usize,
    pub(super) offers: &'static [&'static str],
    pub(super) faults: Vec<Fault>,
    pub(super) prompt: String,
    pub(super) path: &'static str,
    pub(super) body: Value,
    /// The first try hangs up after this time.
    pub(super) hangs_up: Option<Duration>,
}

const SHAPES: [(f64, Shape); 8] = [
    (20.0, Shape::Base64),
    (14.0, Shape::Link),
    (10.0, Shape::Both),
    (8.0, Shape::Edit),
    (12.0, Shape::Many),
    (20.0, Shape::Queue),
    (8.0, Shape::Stream),
    (8.0, Shape::Async),
];

/// How many hang up, and after what time in seconds.
const HANG_UPS: (f64, f64, f64) = (0.08, 0.1, 2.0);
/// Calls that take their time, and how long, in seconds: without them a kill would hardly ever strike one.
const SLOW: (f64, f64, f64) = (0.7, 0.2, 3.0);

impl Ask {
    /// Draws the request of this place. `picture` is a data link to a picture that can be edited.
    pub(super) fn draw(options: &Options, place: usize, picture: &str) -> Self {
        let mut numbers = Numbers::of(options.seed, place as u64 + 1_000);
        let shape = numbers.choose(&SHAPES);
        let repeat = match shape {
            // Such an answer cannot be sent again.
            Shape::Stream => Repeat::Never,
            _ => numbers.choose(&[(4.0, Repeat::Key), (3.0, Repeat::Counted), (3.0, Repeat::Never)]),
        };
        let offers: &[&str] = match shape {
            Shape::Edit => &["openai", "fal"],
            Shape::Queue => &["fal", "replicate"],
            _ => &["vllm", "runware", "fal"],
        };
        let faults: Vec<Fault> = offers
            .iter()
            .filter_map(|provider| Fault::draw(&mut numbers, provider, options.faulty))
            .collect();
        let mut prompt = format!("dune {place} of {}", options.seed);
        if numbers.happens(SLOW.0) {
            let delay_ms = numbers.between(SLOW.1, SLOW.2) * 1_000.0;
            prompt += &format!(" [[fault: delay={delay_ms:.0}ms]]");
        }
        for Fault { provider, kind, times } in &faults {
            prompt += &format!(" [[fault: provider={provider} {} times={times}]]", kind.words());
        }
        let hangs_up = (shape != Shape::Async && numbers.happens(HANG_UPS.0))
            .then(|| Duration::from_secs_f64(numbers.between(HANG_UPS.1, HANG_UPS.2)));
        let strategy = numbers.choose(&[(1.0, "balanced"), (1.0, "cheapest")]);
        Self {
            place,
            shape,
            repeat,
            count: if shape == Shape::Many { 3 } else { 1 },
            offers,
            path: path(shape),
            body: body(shape, &prompt, strategy, picture, numbers.happens(0.5)),
            faults,
            prompt,
            hangs_up,
        }
    }

    /// What the caller calls it, in `x-request-id` and as its key.
    pub(super) fn name(&self, seed: u64) -> String {
        format!("faults-{seed}-{}", self.place)
    }

    /// Whether the providers' faults leave the policy no choice but to serve it, in whatever order they are asked.
    pub(super) fn can_be_served(&self, when_maybe_billed: &str) -> bool {
        let of = |provider: &str| self.faults.iter().find(|fault| fault.provider == provider);
        let does = |provider: &&str| match of(provider) {
            None => true,
            Some(fault) => match fault.kind {
                Kind::Hiccup(_) => true,
                Kind::Busy(_) => fault.times <= 2 && self.count == 1,
                Kind::Refused(_) | Kind::Spent(_) => false,
            },
        };
        let spent = self
            .faults
            .iter()
            .filter(|fault| matches!(fault.kind, Kind::Spent(_)))
            .count();
        let allowed = match (when_maybe_billed, self.count) {
            ("always", _) => usize::MAX,
            ("once", 1) => 1,
            // Each image has its own chance, and the calls for all of them share the faults.
            _ => 0,
        };
        spent <= allowed && self.offers.iter().any(does)
    }

    /// Whether a provider may have been paid for something that it then did not give.
    pub(super) fn spoils(&self, provider: &str) -> bool {
        let mut of = self.faults.iter().filter(|fault| fault.provider == provider);
        of.any(|fault| matches!(fault.kind, Kind::Spent(_)))
    }
}

impl Fault {
    fn draw(numbers: &mut Numbers, provider: &'static str, faulty: f64) -> Option<Self> {
        let mut times = 0;
        while numbers.happens(faulty) {
            times += 1;
        }
        let has_jobs = ["fal", "replicate"].contains(&provider);
        let kind = if has_jobs && numbers.happens(0.4) {
            numbers.choose(&OF_JOBS)
        } else {
            numbers.choose(&FAILURES)
        };
        (times > 0).then_some(Self { provider, kind, times })
    }
}

fn path(shape: Shape) -> &'static str {
    match shape {
        Shape::Edit => "/openai/v1/images/edits",
        _ => "/openai/v1/images/generations",
    }
}

fn body(shape: Shape, prompt: &str, strategy: &str, picture: &str, as_link: bool) -> Value {
    let format = match shape {
        Shape::Base64 | Shape::Stream => "b64_json",
        Shape::Link | Shape::Async => "url",
        Shape::Both => "both",
        _ if as_link => "url",
        _ => "b64_json",
    };
    let mut body = json!({ "prompt": prompt, "response_format": format, "route": { "strategy": strategy } });
    match shape {
        Shape::Edit => {
            body["model"] = json!("gpt-image-1-mini");
            body["images"] = json!([{ "image_url": picture }]);
            body["quality"] = json!("low");
            body["size"] = json!("1024x1024");
            body["route"]["only"] = json!(["openai", "fal"]);
        }
        Shape::Queue => {
            body["model"] = json!("queued");
            body["size"] = json!("512x512");
        }
        _ => {
            body["model"] = json!("tiny");
            body["size"] = json!("128x128");
        }
    }
    if shape == Shape::Many {
        body["n"] = json!(3);
    }
    if shape == Shape::Stream {
        body["stream"] = json!(true);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options::read(&["--seed", "5"]).expect("a legal command line")
    }

    #[test]
    fn a_seed_asks_for_the_same_again() {
        for place in 0..50 {
            let (one, other) = (Ask::draw(&options(), place, ""), Ask::draw(&options(), place, ""));
            assert_eq!((one.body, one.repeat), (other.body, other.repeat));
        }
    }

    #[test]
    fn three_in_ten_first_calls_fail() {
        let asks: Vec<Ask> = (0..2_000).map(|place| Ask::draw(&options(), place, "")).collect();
        let offers: usize = asks.iter().map(|ask| ask.offers.len()).sum();
        let faults: usize = asks.iter().map(|ask| ask.faults.len()).sum();
        let share = faults as f64 / offers as f64;
        assert!((0.27..0.33).contains(&share), "{share}");
    }

    #[test]
    fn nothing_hangs_until_a_deadline_in_the_short_run() {
        let options = Options::read(&crate::faults::SHORT).expect("a legal command line");
        for place in 0..options.generations {
            let ask = Ask::draw(&options, place, "");
            // A file that cannot be had is asked for as long, if its process died.
            let hangs = |fault: &Fault| {
                let words = fault.kind.words();
                ["hang", "stall"].contains(&words) || words.starts_with("media=")
            };
            assert!(!ask.faults.iter().any(hangs), "{place}: {:?}", ask.faults);
        }
    }

    #[test]
    fn what_must_be_served_follows_from_the_faults() {
        let mut ask = Ask::draw(&options(), 0, "");
        ask.count = 1;
        ask.offers = &["fal", "replicate"];
        let fault = |provider, kind| Fault {
            provider,
            kind,
            times: 1,
        };
        for (faults, once, always) in [
            (vec![], true, true),
            (vec![fault("fal", Kind::Spent("cut"))], true, true),
            (
                vec![fault("fal", Kind::Spent("cut")), fault("replicate", Kind::Busy(""))],
                true,
                true,
            ),
            (
                vec![fault("fal", Kind::Spent("cut")), fault("replicate", Kind::Refused(""))],
                false,
                false,
            ),
            (
                vec![fault("fal", Kind::Spent("cut")), fault("replicate", Kind::Spent("cut"))],
                false,
                false,
            ),
        ] {
            ask.faults = faults;
            assert_eq!(ask.can_be_served("once"), once, "{:?}", ask.faults);
            assert_eq!(ask.can_be_served("always"), always, "{:?}", ask.faults);
        }
    }
}
