//! A caller: asks, waits, asks again as callers of its kind do, and keeps what it got.

use super::asks::{Ask, Repeat, Shape};
use super::http::{Answer, Broken, Client};
use super::numbers::Numbers;
use super::pace::pause;
use super::pictures::{self, Print};
use super::site::Site;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How long a caller goes on trying: longer than a deadline and an outage together. Kills all along may keep one from an
/// answer for longer: each start gives a job whose file cannot be had a minute of its own.
const PATIENCE: Duration = Duration::from_secs(300);
/// The code of what cannot be taken now.
pub(super) const OVERLOADED: &str = "OVERLOADED";
/// Pauses between two tries, in seconds.
const PAUSE_S: (f64, f64) = (0.3, 1.5);
/// Pauses between two looks for the end of what is not waited for.
const LOOK: Duration = Duration::from_millis(500);

/// How it ended for the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Images.
    Served,
    /// An error that says that asking again is of no use.
    Refused(u16, String),
    /// The connection broke, and the caller does not ask again.
    Lost,
    /// It was refused again and again, or heard nothing, until its patience ended.
    GaveUp(String),
}

/// What a caller can tell.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub(super) end: End,
    /// The id of the answered request, where there was an answer.
    pub(super) id: Option<String>,
    pub(super) images: Vec<Print>,
    /// Tries that reached a gateway.
    pub(super) tries: u32,
    /// The longest wait for an answer that told of images.
    pub(super) longest_served: Duration,
    /// The wait until it was refused as nothing could be taken, where that was the first try: later ones may wait for what
    /// became of an earlier one before they are.
    pub(super) refused_after: Duration,
    /// Errors by their code: how many, and the longest wait for one.
    pub(super) errors: BTreeMap<String, (usize, Duration)>,
    /// What must not be.
    pub(super) wrongs: Vec<String>,
}

/// Asks, until it is answered or of no use any more.
pub(super) fn ask(site: &Site, client: &Client, ask: &Ask) -> Story {
    let mut numbers = Numbers::of(site.options.seed, ask.place as u64 + 10_000_000);
    let begun = Instant::now();
    let mut story = Story {
        end: End::GaveUp("nobody listened".to_owned()),
        id: None,
        images: Vec::new(),
        tries: 0,
        longest_served: Duration::ZERO,
        refused_after: Duration::ZERO,
        errors: BTreeMap::new(),
        wrongs: Vec::new(),
    };
    let mut hangs_up = ask.hangs_up;
    while begun.elapsed() < PATIENCE {
        let base = site.base(numbers.below(site.ports.len()));
        let sent = Instant::now();
        let headers = headers(site, ask, story.tries);
        match client.post(&format!("{base}{}", ask.path), &headers, &ask.body, hangs_up.take()) {
            Err(Broken::Unsent) => {}
            Err(Broken::Lost(_)) => {
                story.tries += 1;
                story.end = End::Lost;
                if ask.repeat == Repeat::Never {
                    return story;
                }
            }
            Ok(answer) => {
                story.tries += 1;
                if let Some(end) = story.hear(ask, &answer, sent.elapsed()) {
                    story.end = end;
                    break;
                }
            }
        }
        pause(Duration::from_secs_f64(numbers.between(PAUSE_S.0, PAUSE_S.1)));
    }
    if story.end == End::Lost {
        // Each time it asked, the gateway died, or could not say yet.
        story.end = End::GaveUp("no answer".to_owned());
    }
    if story.end == End::Served {
        story.look(site, client, ask, begun);
    }
    story
}

/// What goes with each try.
pub(super) fn headers(site: &Site, ask: &Ask, tries: u32) -> Vec<(&'static str, String)> {
    let name = ask.name(site.options.seed);
    let mut headers = vec![("x-request-id", name.clone())];
    match ask.repeat {
        Repeat::Never => {}
        Repeat::Key => headers.push(("idempotency-key", name)),
        Repeat::Counted => headers.push(("x-stainless-retry-count", tries.to_string())),
    }
    if ask.shape == Shape::Async {
        headers.push(("prefer", "respond-async".to_owned()));
    }
    headers
}

impl Story {
    /// Takes an answer in; the end, if it is one.
    fn hear(&mut self, ask: &Ask, answer: &Answer, waited: Duration) -> Option<End> {
        if answer.status == 200 && ask.shape == Shape::Stream {
            self.longest_served = self.longest_served.max(waited);
            return Some(self.hear_events(answer));
        }
        let body = answer.json();
        if answer.status == 200 || answer.status == 202 {
            self.longest_served = self.longest_served.max(waited);
            self.id = body["id"].as_str().map(ToOwned::to_owned);
            if answer.status == 200 {
                self.take(&body["data"], ask.count);
            }
            return Some(End::Served);
        }
        let code = answer.code();
        if code.is_empty() {
            self.wrongs
                .push(format!("HTTP {} without an error's code", answer.status));
        }
        if code == OVERLOADED && self.tries == 1 {
            self.refused_after = waited;
        }
        let of_code = self.errors.entry(code.clone()).or_default();
        *of_code = (of_code.0 + 1, of_code.1.max(waited));
        let again = answer
            .should_retry
            .unwrap_or(matches!(answer.status, 408 | 429 | 500..));
        if !again {
            return Some(End::Refused(answer.status, code));
        }
        self.end = End::GaveUp(code);
        None
    }

    fn hear_events(&mut self, answer: &Answer) -> End {
        let text = String::from_utf8_lossy(&answer.body);
        let events = text.lines().filter_map(|line| line.strip_prefix("data: "));
        let events: Vec<Value> = events.filter_map(|data| serde_json::from_str(data).ok()).collect();
        if let Some(completed) = events
            .iter()
            .find(|event| event["type"] == "image_generation.completed")
        {
            self.take(&Value::Array(vec![completed.clone()]), 1);
            return End::Served;
        }
        let error = events.iter().find(|event| event["error"].is_object());
        let code = error.and_then(|event| event["error"]["code"].as_str());
        match code {
            Some(code) => End::Refused(200, code.to_owned()),
            None => End::Lost,
        }
    }

    /// Keeps the images that an answer holds; links are looked at later.
    fn take(&mut self, data: &Value, most: usize) {
        let data = data.as_array().map(Vec::as_slice).unwrap_or_default();
        if data.is_empty() || data.len() > most {
            self.wrongs
                .push(format!("{} images where {most} were asked for", data.len()));
        }
        for item in data {
            if let Some(text) = item["b64_json"].as_str() {
                match decoded(text).and_then(|bytes| pictures::whole(&bytes)) {
                    Ok(print) => self.images.push(print),
                    Err(why) => self.wrongs.push(why),
                }
            }
        }
    }

    /// Looks at what was answered by links, or later.
    fn look(&mut self, site: &Site, client: &Client, ask: &Ask, begun: Instant) {
        let Some(id) = self.id.clone().filter(|_| self.images.is_empty()) else {
            return;
        };
        // Images that cannot be had now may be away with the store, for as long as something may be away.
        let away_at_most = Duration::from_secs_f64(site.options.outage_max_s + 20.0);
        let mut completed_since = None;
        while begun.elapsed() < PATIENCE && completed_since.is_none_or(|since: Instant| since.elapsed() < away_at_most)
        {
            for gateway in 0..site.ports.len() {
                let Ok(answer) = client.get(&format!("{}/v1/requests/{id}", site.base(gateway))) else {
                    continue;
                };
                let row = answer.json();
                let is_over = answer.status == 200
                    && !["pending", "processing"].contains(&row["status"].as_str().unwrap_or_default());
                if !is_over {
                    continue;
                }
                if row["status"] != "completed" {
                    let code = row["error_code"].as_str().unwrap_or_default().to_owned();
                    self.end = End::Refused(202, code);
                    return;
                }
                completed_since.get_or_insert_with(Instant::now);
                if let Some(images) = fetched(client, &site.base(gateway), images(&row)) {
                    self.images = images;
                    if self.images.len() > ask.count {
                        self.wrongs.push(format!(
                            "{} images where {} were asked for",
                            self.images.len(),
                            ask.count
                        ));
                    }
                    if !self.images.is_empty() {
                        return;
                    }
                }
            }
            pause(LOOK);
        }
        // Whether it is there after all is seen when everything is quiet.
        self.end = End::Lost;
    }
}

/// Where the images of a request on record stand: in its answer, or in earlier versions beside it.
pub(super) fn images(whole: &Value) -> &Value {
    match &whole["result"]["data"] {
        Value::Null => &whole["data"],
        data => data,
    }
}

/// The prints of images by their links; nothing while one of them cannot be had.
pub(super) fn fetched(client: &Client, base: &str, data: &Value) -> Option<Vec<Print>> {
    let data = data.as_array().map(Vec::as_slice).unwrap_or_default();
    let print = |item: &Value| {
        let url = item["url"].as_str()?;
        // Links name the gateway that signed them, which may be down: every one of them serves them all.
        let path = url.find("/media/").map(|at| &url[at..])?;
        let file = client
            .fetch(&format!("{base}{path}"))
            .ok()
            .filter(|file| file.status == 200)?;
        pictures::whole(&file.body).ok()
    };
    data.iter().map(print).collect()
}

fn decoded(text: &str) -> Result<Vec<u8>, String> {
    use base64::Engine as _;
    let engine = &base64::engine::general_purpose::STANDARD;
    engine
        .decode(text)
        .map_err(|error| format!("base64 that cannot be read: {error}"))
}
