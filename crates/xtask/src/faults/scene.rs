//! A run from its first start to the last look at the books.

use super::asks::{Ask, Repeat};
use super::audit::{Case, Figures, Wrongs};
use super::caller::{self, End, Story};
use super::gateway::Gateway;
use super::http::Client;
use super::outages::Outage;
use super::pace::pause;
use super::records;
use super::site::{DEADLINE_S, Site};
use super::weather::{KILL_EVERY_S, Passed, SERVES_WITHIN, Weather};
use crate::{Outcome, console};
use jiff::Timestamp;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::scope;
use std::time::{Duration, Instant};

/// How long a first start may take.
const START_MAX: Duration = Duration::from_secs(60);
/// How long it is waited for that all requests end, once all is quiet: a deadline, and some time for what follows it.
const SETTLE_MAX: Duration = Duration::from_secs(DEADLINE_S + 90);
/// The least time between two asks of a caller's, in seconds, where no kills set the pace.
const ASK_EVERY_S: f64 = 0.05;
const LOOK: Duration = Duration::from_millis(100);

/// All that can be told of a run.
pub(super) struct Told {
    pub(super) wrongs: Wrongs,
    pub(super) figures: Figures,
    pub(super) passed: Vec<Passed>,
    pub(super) kills: usize,
    pub(super) starts: usize,
    pub(super) vain_starts: usize,
    pub(super) longest_served: Duration,
    pub(super) errors: BTreeMap<String, (usize, Duration)>,
    pub(super) replays: usize,
    pub(super) took: Duration,
    pub(super) settled_after: Option<Duration>,
    pub(super) verified: String,
}

/// Plays a whole run.
///
/// # Errors
/// It could not be played; what went wrong in it is told instead.
pub(super) fn play(site: &Site) -> Outcome<Told> {
    let begun = Instant::now();
    let gateways: Vec<Gateway> = (0..site.ports.len()).map(Gateway::new).collect();
    let weather = Weather::default();
    scope(|threads| {
        for gateway in &gateways {
            threads.spawn(|| gateway.supervise(site));
            // The first one makes the database and the first key.
            if let Err(why) = until_serving(gateway) {
                gateways.iter().for_each(Gateway::stop);
                return Err(why);
            }
        }
        let told = go_on(site, &gateways, &weather, begun);
        weather.is_over.store(true, Ordering::SeqCst);
        gateways.iter().for_each(Gateway::stop);
        told
    })
}

fn until_serving(gateway: &Gateway) -> Outcome {
    let begun = Instant::now();
    while !gateway.serves() {
        if begun.elapsed() > START_MAX || !gateway.own_ends().is_empty() {
            return Err(format!(
                "gateway {} does not start: {:?}",
                gateway.place,
                gateway.own_ends()
            ));
        }
        pause(LOOK);
    }
    Ok(())
}

fn go_on(site: &Site, gateways: &[Gateway], weather: &Weather, begun: Instant) -> Outcome<Told> {
    let options = &site.options;
    let file = site.data_dir(0).join("first-key");
    let key = std::fs::read_to_string(&file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let client = Client::new(key.trim());
    let picture = picture(site, &client)?;
    let asks: Vec<Ask> = (0..options.generations)
        .map(|place| Ask::draw(options, place, &picture))
        .collect();
    console::line(&format!(
        "    seed {}: {} asks, {} kills, {} gateways, disk {}",
        options.seed,
        asks.len(),
        options.kills,
        gateways.len(),
        if site.has_disk { "of its own" } else { "left alone" }
    ));
    let done = AtomicUsize::new(0);
    let stories = scope(|threads| {
        let killer = threads.spawn(|| weather.kill(site, gateways));
        let blower = threads.spawn(|| weather.blow(site, gateways, &client));
        threads.spawn(|| weather.watch(site, gateways, &client));
        threads.spawn(|| weather.report(site, &done));
        let stories = ask_all(site, &client, &asks, (weather, &done));
        killer.join().map_err(|_| "the killer failed")?;
        weather.is_over.store(true, Ordering::SeqCst);
        blower.join().map_err(|_| "the outages failed")??;
        Ok::<_, String>(stories)
    })?;
    let serves_after = weather.recovery(site, gateways, &client);
    weather.tell(Passed {
        outage: None,
        lasted: Duration::ZERO,
        serves_after,
    });
    let settled_after = settle(site, &client)?;
    let mut told = Told {
        wrongs: Wrongs::default(),
        figures: Figures::default(),
        passed: weather.passed(),
        kills: weather.kills().len(),
        starts: gateways
            .iter()
            .map(|gateway| gateway.starts.load(Ordering::SeqCst))
            .sum(),
        vain_starts: gateways
            .iter()
            .map(|gateway| gateway.vain_starts.load(Ordering::SeqCst))
            .sum(),
        longest_served: stories
            .iter()
            .map(|story| story.longest_served)
            .max()
            .unwrap_or_default(),
        errors: BTreeMap::new(),
        replays: 0,
        took: Duration::ZERO,
        settled_after,
        verified: String::new(),
    };
    told.check_run(site, gateways, weather);
    told.check_cases(site, &client, (&asks, &stories), &weather.kills())?;
    told.check_replays(site, &client, &asks, &stories);
    told.verify(site)?;
    told.took = begun.elapsed();
    Ok(told)
}

/// A picture to edit, as a data link.
fn picture(site: &Site, client: &Client) -> Outcome<String> {
    let body = json!({ "model": "tiny", "prompt": "a picture to edit", "size": "128x128", "response_format": "b64_json", "output_format": "png" });
    let answer = client.post(
        &format!("{}/openai/v1/images/generations", site.base(0)),
        &[],
        &body,
        None,
    );
    let answer = answer.map_err(|broken| format!("the first picture: {broken:?}"))?;
    let json = answer.json();
    let text = json["data"][0]["b64_json"].as_str();
    let text = text.ok_or_else(|| format!("the first picture: HTTP {} {}", answer.status, json["error"]["message"]))?;
    Ok(format!("data:image/png;base64,{text}"))
}

/// All asks, each not before its time, nor before as many kills as come before it: these wait until it was seen how soon the
/// gateways serve after an outage, and shall all strike something.
fn ask_all(site: &Site, client: &Client, asks: &[Ask], (weather, done): (&Weather, &AtomicUsize)) -> Vec<Story> {
    let kills_s = site.options.kills as f64 * (KILL_EVERY_S.0 + KILL_EVERY_S.1) / 2.0;
    let lasts_s = site.options.lasts_s.max(kills_s);
    let every = Duration::from_secs_f64(ASK_EVERY_S.max(lasts_s / asks.len().max(1) as f64));
    let (next, begun) = (AtomicUsize::new(0), Instant::now());
    let stories: Mutex<HashMap<usize, Story>> = Mutex::default();
    scope(|threads| {
        for _ in 0..site.options.at_once {
            threads.spawn(|| {
                while let Some(ask) = asks.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let due = every * u32::try_from(ask.place).unwrap_or(u32::MAX);
                    pause(due.saturating_sub(begun.elapsed()));
                    let kills_before = ask.place * site.options.kills / asks.len();
                    while weather.kills().len() < kills_before {
                        pause(LOOK);
                    }
                    let story = caller::ask(site, client, ask);
                    done.fetch_add(1, Ordering::SeqCst);
                    stories
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(ask.place, story);
                }
            });
        }
    });
    let mut stories = stories.into_inner().unwrap_or_else(PoisonError::into_inner);
    asks.iter().filter_map(|ask| stories.remove(&ask.place)).collect()
}

/// Waits until no request is under way; how long that took, or nothing when some never end.
fn settle(site: &Site, client: &Client) -> Outcome<Option<Duration>> {
    let begun = Instant::now();
    while records::open(site, client)? > 0 {
        if begun.elapsed() > SETTLE_MAX {
            return Ok(None);
        }
        pause(LOOK);
    }
    Ok(Some(begun.elapsed()))
}

impl Told {
    /// What concerns no single request.
    fn check_run(&mut self, site: &Site, gateways: &[Gateway], weather: &Weather) {
        for end in gateways.iter().flat_map(Gateway::own_ends) {
            self.wrongs.add("a gateway ends only when it is killed", end);
        }
        for what in weather.dumb() {
            self.wrongs.add("a gateway says at any time that it lives", what);
        }
        if self.settled_after.is_none() {
            self.wrongs.add(
                "all requests end",
                format!("some are open {SETTLE_MAX:?} after the last fault"),
            );
        }
        let in_time = SERVES_WITHIN.mul_f64(site.options.patience);
        for passed in weather.passed() {
            let name = passed.outage.map_or("all", Outage::name);
            let lasted = passed.lasted;
            match passed.serves_after {
                Some(after) if after <= in_time => {}
                Some(after) => {
                    let what = format!("{name} (away for {lasted:.1?}): after {after:.1?}");
                    self.wrongs.add("it serves within 5 s of an outage's end", what);
                }
                None => {
                    let what = format!("{name} (away for {lasted:.1?}): never");
                    self.wrongs.add("it serves within 5 s of an outage's end", what);
                }
            }
        }
    }

    fn check_cases(
        &mut self,
        site: &Site,
        client: &Client,
        (asks, stories): (&[Ask], &[Story]),
        kills: &[Timestamp],
    ) -> Outcome {
        let bill = records::bill(site, client)?;
        for (ask, story) in asks.iter().zip(stories) {
            let rows = records::rows(site, client, ask)?;
            let case = Case {
                ask,
                story,
                rows: &rows,
                billed: records::billed(&bill, ask),
                when_maybe_billed: &site.options.when_maybe_billed,
                patience: site.options.patience,
                kills,
            };
            for (code, (count, longest)) in &story.errors {
                let of_code = self.errors.entry(code.clone()).or_default();
                *of_code = (of_code.0 + count, of_code.1.max(*longest));
            }
            case.check(&mut self.wrongs, &mut self.figures);
        }
        self.figures.check(&site.options.when_maybe_billed, &mut self.wrongs);
        Ok(())
    }

    /// Whoever has a key gets the same again.
    fn check_replays(&mut self, site: &Site, client: &Client, asks: &[Ask], stories: &[Story]) {
        let served: Vec<(&Ask, &Story)> = asks
            .iter()
            .zip(stories)
            .filter(|(ask, story)| ask.repeat == Repeat::Key && story.end == End::Served && !story.images.is_empty())
            .collect();
        let next = AtomicUsize::new(0);
        let differing: Mutex<Vec<String>> = Mutex::default();
        scope(|threads| {
            for _ in 0..site.options.at_once {
                threads.spawn(|| {
                    while let Some((ask, story)) = served.get(next.fetch_add(1, Ordering::SeqCst)) {
                        if let Some(told) = replayed(site, client, ask, story) {
                            differing.lock().unwrap_or_else(PoisonError::into_inner).push(told);
                        }
                    }
                });
            }
        });
        self.replays = served.len();
        for told in differing.into_inner().unwrap_or_else(PoisonError::into_inner) {
            self.wrongs.add("a key gives the first answer again", told);
        }
    }

    fn verify(&mut self, site: &Site) -> Outcome {
        let output = site.command(0, &["ledger", "verify"]).output();
        let output = output.map_err(|error| format!("cannot run `pictor ledger verify`: {error}"))?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        if !output.status.success() {
            self.wrongs.add("the books are right", said.clone());
        }
        self.verified = said.lines().last().unwrap_or_default().to_owned();
        Ok(())
    }
}

/// What a key gives that is not the first answer.
fn replayed(site: &Site, client: &Client, ask: &Ask, story: &Story) -> Option<String> {
    let url = format!("{}{}", site.base(0), ask.path);
    let answer = client.post(&url, &caller::headers(site, ask, 1), &ask.body, None);
    let told = match &answer {
        Ok(answer) if [200, 202].contains(&answer.status) => {
            let id = answer.json()["id"].as_str().map(ToOwned::to_owned);
            if answer.is_replay && id == story.id {
                return None;
            }
            format!("another answer: {id:?}")
        }
        Ok(answer) => format!("HTTP {} {}", answer.status, answer.code()),
        Err(broken) => format!("{broken:?}"),
    };
    Some(format!("ask {} ({:?}): {told} -- {}", ask.place, ask.shape, ask.prompt))
}
