//! Faults on demand: by switches in a prompt, and by the control route.
//!
#![doc = include_str!("../data/faults.md")]

mod named;
mod parse;

use crate::provider::Provider;
pub(crate) use named::NamedFaults;
use parse::parse_words;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How faults are asked for, as shown by `GET /_sandbox/help` and by the command line.
pub const FAULTS_HELP: &str = include_str!("../data/faults.md");

/// Faults waiting on the control route; a test asks for a handful.
const MAX_QUEUED: usize = 1_000;
/// Prompts whose `once` and `times` are counted; the oldest is forgotten, and would strike again.
const MAX_COUNTED: usize = 10_000;
const OPEN: &str = "[[fault:";
const CLOSE: &str = "]]";

/// Which call of a job a fault strikes. Providers without jobs know only `Submit`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum JobCall {
    #[default]
    Submit,
    Status,
    Result,
}

/// A refusal by HTTP status, to be put in the provider's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RefusalFault {
    /// None where only `quota` was asked for: each provider has its own status for that.
    pub(crate) status: Option<u16>,
    pub(crate) quota: bool,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) message: Option<String>,
}

/// What becomes of the body of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyFault {
    Cut,
    Stall,
    Garbage,
    Empty,
}

/// When a safety check struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moderation {
    Input,
    Output,
}

impl Moderation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

/// What becomes of an image as it is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FileFault {
    /// It is padded to so many bytes.
    Padded(u64),
    /// Its second half is missing.
    Half,
    /// More follows its end.
    Trailing,
}

/// What becomes of a result's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MediaFault {
    Status(u16),
    Cut,
    Garbage,
    Hang,
}

/// All faults that strike one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    pub(crate) delay: Option<Duration>,
    pub(crate) hang: bool,
    pub(crate) refusal: Option<RefusalFault>,
    pub(crate) body: Option<BodyFault>,
    pub(crate) moderation: Option<Moderation>,
    pub(crate) failed: bool,
    pub(crate) file: Option<FileFault>,
    pub(crate) media: Option<MediaFault>,
    pub(crate) billed: bool,
}

impl Faults {
    /// Waits out `delay`, if any.
    pub(crate) async fn wait(&self) {
        if let Some(delay) = self.delay {
            tokio::time::sleep(delay).await;
        }
    }

    /// Never returns if the answer is to hang: the caller's patience or the sandbox's end stops it.
    pub(crate) async fn hang(&self) {
        if self.hang {
            std::future::pending::<()>().await;
        }
    }

    /// Takes over what is not set here yet.
    fn merge(&mut self, other: Self) {
        self.delay = self.delay.or(other.delay);
        self.hang |= other.hang;
        self.refusal = self.refusal.take().or(other.refusal);
        self.body = self.body.or(other.body);
        self.moderation = self.moderation.or(other.moderation);
        self.failed |= other.failed;
        self.file = self.file.or(other.file);
        self.media = self.media.or(other.media);
        self.billed |= other.billed;
    }

    fn bad_switch(why: &str) -> Self {
        Self {
            refusal: Some(RefusalFault {
                status: Some(400),
                message: Some(format!("Sandbox: {why}. GET /_sandbox/help lists the words.")),
                ..RefusalFault::default()
            }),
            ..Self::default()
        }
    }
}

/// Faults with the conditions under which they strike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rule {
    faults: Faults,
    call: JobCall,
    provider: Option<Provider>,
    model: Option<String>,
    times: Option<u32>,
}

impl Rule {
    fn fits(&self, call: JobCall, provider: Provider, model: &str) -> bool {
        self.call == call
            && self.provider.is_none_or(|wanted| wanted == provider)
            && self.model.as_deref().is_none_or(|wanted| wanted == model)
    }
}

/// A request to the control route.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FaultOrder {
    #[serde(default)]
    provider: Option<String>,
    #[serde(default)]
    model: Option<String>,
    fault: Value,
    #[serde(default)]
    times: Option<u32>,
}

struct Queued {
    rule: Rule,
    left: Option<u32>,
    shown: Value,
}

/// The waiting faults and the counts behind `once` and `times`.
#[derive(Default)]
pub(crate) struct FaultBook {
    state: Mutex<State>,
    /// Words that stand for several.
    pub(crate) named: NamedFaults,
    /// Whether nobody may order any.
    refuses: AtomicBool,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Queued>,
    struck: HashMap<[u8; 32], u32>,
    order: VecDeque<[u8; 32]>,
}

impl FaultBook {
    /// From now on nobody orders any faults.
    pub(crate) fn refuse_orders(&self) {
        self.refuses.store(true, Ordering::Relaxed);
    }

    /// The faults that strike this call, by the control route and by the prompt's switches; counts them as used.
    pub(crate) fn take(&self, call: JobCall, provider: Provider, model: &str, prompt: &str) -> Faults {
        if self.refuses.load(Ordering::Relaxed) {
            return Faults::default();
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut faults = state.take_queued(call, provider, model).unwrap_or_default();
        for (index, switch) in switches(prompt).enumerate() {
            let rule = match parse_words(&self.named.spell_out(switch)) {
                Ok(rule) => rule,
                Err(why) => {
                    faults.merge(Faults::bad_switch(&why));
                    continue;
                }
            };
            if !rule.fits(call, provider, model) {
                continue;
            }
            if let Some(times) = rule.times
                && state.count(prompt, index) > times
            {
                continue;
            }
            faults.merge(rule.faults);
        }
        faults
    }

    /// Puts a fault in the queue.
    ///
    /// # Errors
    /// A text for the caller when the order makes no sense or the queue is full.
    pub(crate) fn push(&self, order: FaultOrder) -> Result<Value, String> {
        let words = match &order.fault {
            Value::String(words) => words.clone(),
            Value::Object(fields) => fields
                .iter()
                .filter(|(_, value)| !matches!(value, Value::Bool(false) | Value::Null))
                .map(|(name, value)| match value {
                    Value::Bool(_) => name.clone(),
                    Value::String(text) => format!("{name}={}", text.replace(' ', "_")),
                    other => format!("{name}={other}"),
                })
                .collect::<Vec<_>>()
                .join(" "),
            _ => return Err("fault must be an object or a text".to_owned()),
        };
        let mut rule = parse_words(&self.named.spell_out(&words))?;
        match order.provider.as_deref() {
            None | Some("*") => {}
            Some(name) => {
                let provider = name.parse();
                rule.provider = Some(provider.map_err(|()| format!("no provider '{name}' here"))?);
            }
        }
        rule.model = order.model.or(rule.model);
        let left = order.times.or(rule.times);
        if left == Some(0) {
            return Err("times must be at least 1".to_owned());
        }
        let shown = json!({"provider": rule.provider, "model": rule.model, "fault": words});
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.queue.len() == MAX_QUEUED {
            return Err(format!("{MAX_QUEUED} faults are waiting already"));
        }
        state.queue.push_back(Queued {
            rule,
            left,
            shown: shown.clone(),
        });
        Ok(shown)
    }

    /// The waiting faults, oldest first.
    pub(crate) fn list(&self) -> Vec<Value> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = state.queue.iter().map(|queued| {
            let mut shown = queued.shown.clone();
            shown["times"] = json!(queued.left);
            shown
        });
        shown.collect()
    }

    /// Forgets waiting faults and counts.
    pub(crate) fn clear(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }
}

impl State {
    fn take_queued(&mut self, call: JobCall, provider: Provider, model: &str) -> Option<Faults> {
        let at = self
            .queue
            .iter()
            .position(|queued| queued.rule.fits(call, provider, model))?;
        let queued = &mut self.queue[at];
        let faults = queued.rule.faults.clone();
        if let Some(left) = &mut queued.left {
            *left -= 1;
            if *left == 0 {
                self.queue.remove(at);
            }
        }
        Some(faults)
    }

    /// How often this switch of this prompt was met, this time included.
    fn count(&mut self, prompt: &str, index: usize) -> u32 {
        let key: [u8; 32] = Sha256::new()
            .chain_update(prompt.as_bytes())
            .chain_update(index.to_le_bytes())
            .finalize()
            .into();
        if !self.struck.contains_key(&key) {
            if self.order.len() == MAX_COUNTED
                && let Some(oldest) = self.order.pop_front()
            {
                self.struck.remove(&oldest);
            }
            self.order.push_back(key);
        }
        let count = self.struck.entry(key).or_insert(0);
        *count = count.saturating_add(1);
        *count
    }
}

/// The words of each switch in a prompt.
fn switches(prompt: &str) -> impl Iterator<Item = &str> {
    prompt
        .split(OPEN)
        .skip(1)
        .filter_map(|rest| rest.split_once(CLOSE).map(|(words, _)| words))
}

/// The prompt without its switches, as the picture is drawn from it.
pub(crate) fn strip(prompt: &str) -> String {
    let mut stripped = String::with_capacity(prompt.len());
    let mut rest = prompt;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let Some((_, tail)) = after.split_once(CLOSE) else {
            break;
        };
        stripped.push_str(before);
        rest = tail;
    }
    stripped.push_str(rest);
    stripped.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
