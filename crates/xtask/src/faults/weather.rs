//! Kills and outages while callers ask, and how soon it serves again after each.

use super::gateway::Gateway;
use super::http::Client;
use super::numbers::Numbers;
use super::options::OUTAGE_MIN_S;
use super::outages::Outage;
use super::pace::pause;
use super::site::Site;
use crate::{Outcome, console};
use jiff::Timestamp;
use serde_json::json;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The pause between two kills, in seconds.
pub(super) const KILL_EVERY_S: (f64, f64) = (1.0, 8.0);
/// The pause between two outages, in seconds.
const OUTAGE_EVERY_S: (f64, f64) = (2.0, 8.0);
/// So soon it must serve after an outage.
pub(super) const SERVES_WITHIN: Duration = Duration::from_secs(5);
/// So long it is waited for that.
const RECOVERY_MAX: Duration = Duration::from_secs(90);
const LOOK: Duration = Duration::from_millis(100);
/// How often it is told how far it is, in seconds.
const REPORT_EVERY_S: f64 = 15.0;
/// A call that shows whether it serves; a provider may be resting, so it is given some time.
const PROBE_WAITS: Duration = Duration::from_secs(10);
/// So soon it must be told whether it lives, at any time.
const ALIVE_WITHIN: Duration = Duration::from_secs(2);

/// What happened, and what callers must not see of it.
#[derive(Default)]
pub(super) struct Weather {
    /// Callers are done.
    pub(super) is_over: AtomicBool,
    kills: Mutex<Vec<Timestamp>>,
    /// Held while it is looked how soon it serves again: a kill would be taken for a slow return.
    quiet: Mutex<()>,
    told: Mutex<Vec<Passed>>,
    /// Times at which a gateway did not say that it lives, and what was away.
    dumb: Mutex<Vec<String>>,
    current: Mutex<Option<Outage>>,
}

/// An outage that is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passed {
    pub(super) outage: Option<Outage>,
    pub(super) lasted: Duration,
    /// From its end until every gateway served; nothing where they never did.
    pub(super) serves_after: Option<Duration>,
}

impl Weather {
    /// Kills gateways now and then, as often as wanted.
    pub(super) fn kill(&self, site: &Site, gateways: &[Gateway]) {
        let mut numbers = Numbers::of(site.options.seed, 1);
        while self.kills().len() < site.options.kills && !self.is_over.load(Ordering::SeqCst) {
            self.wait(numbers.between(KILL_EVERY_S.0, KILL_EVERY_S.1));
            let quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
            let gateway = &gateways[numbers.below(gateways.len())];
            if gateway.kill() {
                let mut kills = self.kills.lock().unwrap_or_else(PoisonError::into_inner);
                kills.push(Timestamp::now());
            }
            drop(quiet);
        }
    }

    /// Takes things away, one after the other.
    ///
    /// # Errors
    /// Something does not come back.
    pub(super) fn blow(&self, site: &Site, gateways: &[Gateway], client: &Client) -> Outcome {
        let mut numbers = Numbers::of(site.options.seed, 2);
        let outages = Outage::of(site)?;
        while !outages.is_empty() && !self.is_over.load(Ordering::SeqCst) {
            self.wait(numbers.between(OUTAGE_EVERY_S.0, OUTAGE_EVERY_S.1));
            let outage = outages[numbers.below(outages.len())];
            let lasts_s = numbers.between(OUTAGE_MIN_S, site.options.outage_max_s.max(OUTAGE_MIN_S));
            let one = numbers.below(gateways.len());
            let held = match outage.begin(site, gateways, one) {
                Ok(held) => held,
                Err(why) => {
                    console::line(&format!("    {}: {why}", outage.name()));
                    continue;
                }
            };
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(outage);
            let begun = Instant::now();
            self.wait(lasts_s);
            let lasted = begun.elapsed();
            let quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
            held.end(site)?;
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = None;
            let serves_after = self.recovery(site, gateways, client);
            drop(quiet);
            self.tell(Passed {
                outage: Some(outage),
                lasted,
                serves_after,
            });
        }
        Ok(())
    }

    /// Tells now and then how far it is; `done` counts asks that have ended.
    pub(super) fn report(&self, site: &Site, done: &AtomicUsize) {
        let begun = Instant::now();
        while !self.is_over.load(Ordering::SeqCst) {
            self.wait(REPORT_EVERY_S);
            let current = *self.current.lock().unwrap_or_else(PoisonError::into_inner);
            console::line(&format!(
                "    {}: {} of {} asks, {} kills, {} outages, away now: {}",
                console::duration(begun.elapsed()),
                done.load(Ordering::SeqCst),
                site.options.generations,
                self.kills().len(),
                self.passed().len(),
                current.map_or("nothing", Outage::name)
            ));
        }
    }

    /// Asks all the time whether the gateways live.
    pub(super) fn watch(&self, site: &Site, gateways: &[Gateway], client: &Client) {
        let within = ALIVE_WITHIN.mul_f64(site.options.patience);
        while !self.is_over.load(Ordering::SeqCst) {
            pause(LOOK * 5);
            for gateway in gateways {
                let current = *self.current.lock().unwrap_or_else(PoisonError::into_inner);
                let is_old = gateway.age().is_some_and(|age| age > within);
                if !gateway.serves() || !is_old || current == Some(Outage::FrozenGateway) {
                    continue;
                }
                let (pid, sent) = (gateway.pid(), Instant::now());
                let answer = client.get_soon(&format!("{}/healthz", site.base(gateway.place)), within);
                let now = *self.current.lock().unwrap_or_else(PoisonError::into_inner);
                let lives = answer.is_ok_and(|answer| answer.status == 200);
                if !lives && gateway.serves() && gateway.pid() == pid && now == current {
                    let during = current.map_or("nothing", Outage::name);
                    let what = format!(
                        "gateway {} did not say within {:?} that it lives, while away: {during}",
                        gateway.place,
                        sent.elapsed()
                    );
                    self.dumb.lock().unwrap_or_else(PoisonError::into_inner).push(what);
                }
            }
        }
    }

    /// How soon every gateway serves, seen from now.
    pub(super) fn recovery(&self, site: &Site, gateways: &[Gateway], client: &Client) -> Option<Duration> {
        let begun = Instant::now();
        for gateway in gateways {
            loop {
                let body = json!({ "model": "tiny", "prompt": format!("probe {:?}", begun.elapsed()), "size": "128x128", "response_format": "b64_json" });
                let url = format!("{}/openai/v1/images/generations", site.base(gateway.place));
                let answer = client.post(&url, &[], &body, Some(PROBE_WAITS));
                if answer.is_ok_and(|answer| answer.status == 200) {
                    break;
                }
                if begun.elapsed() > RECOVERY_MAX {
                    return None;
                }
                pause(LOOK);
            }
        }
        Some(begun.elapsed())
    }

    /// Notes an outage, or the end of them all.
    pub(super) fn tell(&self, passed: Passed) {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).push(passed);
    }

    /// When gateways were killed.
    pub(super) fn kills(&self) -> Vec<Timestamp> {
        self.kills.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All outages that are over.
    pub(super) fn passed(&self) -> Vec<Passed> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// When a gateway did not say that it lives.
    pub(super) fn dumb(&self) -> Vec<String> {
        self.dumb.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits, but not for longer than callers ask.
    fn wait(&self, seconds: f64) {
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        while Instant::now() < until && !self.is_over.load(Ordering::SeqCst) {
            pause(LOOK.min(until.saturating_duration_since(Instant::now())));
        }
    }
}
