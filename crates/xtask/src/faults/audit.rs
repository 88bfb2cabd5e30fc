//! Holds the gateways' books against the providers' bill and against what callers got.

use super::asks::{Ask, Repeat, Shape};
use super::caller::{End, OVERLOADED, Story};
use super::records::{Attempt, Billed, Row};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeMap;
use std::time::Duration;

/// So soon it must be told that nothing can be written now; and some time more, as the machine is busy.
const OVERLOADED_WITHIN: Duration = Duration::from_secs(4);
/// The clocks of a gateway and of this process are one, and still a kill is noted a moment after it.
const MOMENT: SignedDuration = SignedDuration::from_secs(1);

/// What must not be, by the rule that it breaks.
#[derive(Debug, Default)]
pub(super) struct Wrongs(BTreeMap<&'static str, Vec<String>>);

impl Wrongs {
    pub(super) fn add(&mut self, rule: &'static str, what: String) {
        self.0.entry(rule).or_default().push(what);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        self.0.iter().map(|(rule, told)| (*rule, told.as_slice()))
    }
}

/// Of the asks that may cost anything, so many are served where any number of tries is paid for.
const SERVED_ALWAYS: f64 = 0.995;

/// Figures of a run.
#[derive(Debug, Default)]
pub(super) struct Figures {
    pub(super) asks: usize,
    pub(super) served: usize,
    /// Refused before anything was spent, for good.
    pub(super) refused_unspent: usize,
    /// Asks of callers who ask once, whose gateway was killed before it had the image: nobody but they could ask again.
    pub(super) struck_once: usize,
    /// Those whose callers' patience ended: nothing can be said of them.
    pub(super) gave_up: usize,
    /// Those that the policy had to serve.
    pub(super) possible: usize,
    pub(super) possible_and_served: usize,
    pub(super) billed_images: usize,
    pub(super) delivered_images: usize,
    /// Paid for and not given, as told in an attempt.
    pub(super) marked_images: usize,
    /// Asks that were paid for more than once, each told.
    pub(super) marked_doubles: usize,
    pub(super) rows: usize,
    pub(super) unknown_rows: usize,
    pub(super) cost_micros: i64,
    pub(super) codes: BTreeMap<String, usize>,
    pub(super) by_shape: BTreeMap<Shape, (usize, usize)>,
}

impl Figures {
    /// Asks that were not refused before anything was spent, by callers whom a kill left a way to ask again.
    pub(super) fn open(&self) -> usize {
        self.asks - self.refused_unspent - self.struck_once
    }

    /// Checks what holds for all asks together.
    pub(super) fn check(&self, when_maybe_billed: &str, wrongs: &mut Wrongs) {
        let least = SERVED_ALWAYS * self.open() as f64;
        if when_maybe_billed == "always" && (self.served as f64) < least {
            let what = format!("{} served, {least:.1} of {} wanted", self.served, self.open());
            wrongs.add("whoever pays for any number of tries is served", what);
        }
    }
}

/// An ask with all that is known of it.
pub(super) struct Case<'a> {
    pub(super) ask: &'a Ask,
    pub(super) story: &'a Story,
    pub(super) rows: &'a [Row],
    pub(super) billed: &'a [Billed],
    pub(super) when_maybe_billed: &'a str,
    /// How many times as long things may take.
    pub(super) patience: f64,
    /// When gateways were killed.
    pub(super) kills: &'a [Timestamp],
}

/// A billed call beside what is on record of it.
struct Matched<'a> {
    billed: &'a Billed,
    attempt: Option<(&'a Row, &'a Attempt)>,
}

impl Case<'_> {
    /// Checks everything, and adds to the figures.
    pub(super) fn check(&self, wrongs: &mut Wrongs, figures: &mut Figures) {
        for wrong in &self.story.wrongs {
            wrongs.add("answers are whole and no more than asked for", self.told(wrong));
        }
        self.check_errors(wrongs);
        let matched = self.matched();
        self.check_paid(&matched, wrongs, figures);
        self.check_rows(&matched, wrongs, figures);
        self.check_doubles(&matched, wrongs, figures);
        self.check_served(wrongs, figures);
    }

    fn check_errors(&self, wrongs: &mut Wrongs) {
        if let Some((count, _)) = self.story.errors.get("INTERNAL_ERROR") {
            wrongs.add("no error is INTERNAL_ERROR", self.told(&format!("{count} times")));
        }
        let refused_after = self.story.refused_after;
        if refused_after > OVERLOADED_WITHIN.mul_f64(self.patience) {
            let what = self.told(&format!("after {refused_after:.1?}"));
            wrongs.add("what cannot be taken is refused soon", what);
        }
        let is_completed =
            |row: &Row| row.status == "completed" && self.story.id.as_ref().is_none_or(|id| *id == row.id);
        if self.story.end == End::Served && !self.rows.iter().any(is_completed) {
            let rows: Vec<String> = self.rows.iter().map(Row::about).collect();
            wrongs.add(
                "what was delivered is on record and charged",
                self.told(&rows.join(", ")),
            );
        }
    }

    /// Finds the attempt of each billed call: by the provider's id, else by what is left of that provider's.
    fn matched(&self) -> Vec<Matched<'_>> {
        let mut attempts: Vec<Option<(&Row, &Attempt)>> = self
            .rows
            .iter()
            .flat_map(|row| row.attempts.iter().map(move |attempt| Some((row, attempt))))
            .collect();
        let mut take = |fits: &dyn Fn(&Attempt) -> bool| {
            let found = attempts
                .iter_mut()
                .find(|slot| slot.is_some_and(|(_, attempt)| fits(attempt)));
            found.and_then(Option::take)
        };
        let mut matched: Vec<Matched<'_>> = self
            .billed
            .iter()
            .map(|billed| Matched {
                billed,
                attempt: take(&|attempt| attempt.provider == billed.provider && attempt.upstream_id == billed.call_id),
            })
            .collect();
        let ways: [fn(&Attempt) -> bool; 3] = [Attempt::succeeded, Attempt::is_marked, |_| true];
        for way in ways {
            for one in matched.iter_mut().filter(|one| one.attempt.is_none()) {
                one.attempt = take(&|attempt| attempt.provider == one.billed.provider && way(attempt));
            }
        }
        matched
    }

    fn check_paid(&self, matched: &[Matched<'_>], wrongs: &mut Wrongs, figures: &mut Figures) {
        for Matched { billed, attempt } in matched {
            figures.billed_images += billed.images;
            let call = format!("{} {}", billed.provider, billed.call_id);
            match attempt {
                None => wrongs.add("every paid call is on record", self.told(&call)),
                Some((_, attempt)) if attempt.succeeded() => {}
                Some((_, attempt)) if attempt.spent == "no" => {
                    let what = format!("{call}: {} {}", attempt.outcome, attempt.code);
                    wrongs.add("what was paid is not told as unspent", self.told(&what));
                }
                Some((row, attempt)) => {
                    figures.marked_images += billed.images;
                    let is_job = ["fal", "replicate"].contains(&billed.provider.as_str());
                    let has_all = self.found(row) >= self.ask.count;
                    let has_cause = self.ask.spoils(&billed.provider) || self.was_struck(attempt.started_at, row);
                    if !has_cause && !has_all {
                        let what = format!("{call}: {} {} in {}", attempt.outcome, attempt.code, row.about());
                        wrongs.add("only a provider or a death makes an image doubtful", self.told(&what));
                    }
                    if is_job && attempt.upstream_id == billed.call_id && !self.ask.spoils(&billed.provider) && !has_all
                    {
                        let what = format!("{call}: {} {} in {}", attempt.outcome, attempt.code, row.about());
                        wrongs.add("no job that was known and paid is given up", self.told(&what));
                    }
                }
            }
        }
    }

    /// Whether a gateway was killed after `begun` and before the request ended.
    fn was_struck(&self, begun: Timestamp, row: &Row) -> bool {
        let struck = |kill: &Timestamp| *kill >= begun - MOMENT && *kill <= row.ended_at + MOMENT;
        self.kills.iter().any(struck)
    }

    /// Images of a request that its caller got, or that are found.
    fn found(&self, row: &Row) -> usize {
        let is_answered = match self.story.id.as_deref() {
            Some(id) => id == row.id,
            // A stream does not tell its id.
            None => row.status == "completed",
        };
        let delivered = if is_answered && self.story.end == End::Served {
            self.story.images.len()
        } else {
            0
        };
        let stored = row.stored.as_ref().map_or(0, Vec::len);
        delivered.max(stored)
    }

    fn check_rows(&self, matched: &[Matched<'_>], wrongs: &mut Wrongs, figures: &mut Figures) {
        for row in self.rows {
            figures.rows += 1;
            figures.cost_micros += row.cost_micros;
            figures.unknown_rows += usize::from(row.error_code == "OUTCOME_UNKNOWN");
            let about = row.about();
            let of_row = matched.iter().filter_map(|one| Some((one.billed, one.attempt?)));
            let paid: usize = of_row
                .filter(|(_, (of, attempt))| of.id == row.id && attempt.succeeded())
                .map(|(billed, _)| billed.images)
                .sum();
            let found = self.found(row);
            figures.delivered_images += found;
            if row.stored.is_none() {
                wrongs.add("stored images can be had", self.told(&about));
            }
            if row.status == "completed" && found == 0 || found < paid.min(self.ask.count) {
                let what = format!("{about}: {found} of {paid} images ({:?})", self.story.end);
                wrongs.add("no paid image is lost", self.told(&what));
            }
            if paid > self.ask.count || found > self.ask.count {
                let what = format!("{about}: {paid} taken, {found} found, {} asked for", self.ask.count);
                wrongs.add("no more images than asked for", self.told(&what));
            }
            let costs: i64 = row
                .attempts
                .iter()
                .filter(|one| one.succeeded())
                .map(|one| one.cost_micros)
                .sum();
            if row.cost_micros != costs {
                let what = format!("{about}: {} charged, {costs} by its calls", row.cost_micros);
                wrongs.add("charged is what was delivered", self.told(&what));
            }
            if row.cost_micros > row.estimate_micros && row.cost_basis != "reported" {
                let what = format!("{about}: {} charged, {} held", row.cost_micros, row.estimate_micros);
                wrongs.add("no more is charged than was held", self.told(&what));
            }
        }
    }

    fn check_doubles(&self, matched: &[Matched<'_>], wrongs: &mut Wrongs, figures: &mut Figures) {
        // Who asks again without saying so asks for something new.
        let chains: Vec<Vec<&Row>> = if self.ask.repeat == Repeat::Never {
            self.rows.iter().map(|row| vec![row]).collect()
        } else {
            vec![self.rows.iter().collect()]
        };
        for chain in chains {
            let in_chain = |id: &str| chain.iter().any(|row| row.id == id);
            let of_chain = matched
                .iter()
                .filter(|one| one.attempt.is_some_and(|(row, _)| in_chain(&row.id)));
            let paid: usize = of_chain.map(|one| one.billed.images).sum();
            let attempts = || chain.iter().flat_map(|row| &row.attempts);
            let marked = attempts().filter(|attempt| attempt.is_marked()).count();
            if paid > self.ask.count {
                if marked == 0 {
                    let what = format!(
                        "{paid} paid, {} asked for, over {} requests",
                        self.ask.count,
                        chain.len()
                    );
                    wrongs.add("a double is told", self.told(&what));
                } else {
                    figures.marked_doubles += 1;
                }
            }
            let allowed = match self.when_maybe_billed {
                "never" => 1,
                "once" => 2,
                _ => usize::MAX,
            };
            if self.ask.count == 1 && marked > allowed {
                let what = format!(
                    "{marked} calls may have been paid for nothing, over {} requests",
                    chain.len()
                );
                wrongs.add("no more doubts than when_maybe_billed allows", self.told(&what));
            }
        }
    }

    fn check_served(&self, wrongs: &mut Wrongs, figures: &mut Figures) {
        let served = self.story.end == End::Served && !self.story.images.is_empty()
            || self
                .rows
                .iter()
                .any(|row| row.status == "completed" && self.found(row) > 0);
        let of_shape = figures.by_shape.entry(self.ask.shape).or_default();
        of_shape.0 += 1;
        of_shape.1 += usize::from(served);
        figures.asks += 1;
        figures.served += usize::from(served);
        figures.gave_up += usize::from(matches!(self.story.end, End::GaveUp(_)));
        if let End::Refused(_, code) | End::GaveUp(code) = &self.story.end {
            *figures.codes.entry(code.clone()).or_default() += 1;
        }
        let marked = self
            .rows
            .iter()
            .flat_map(|row| &row.attempts)
            .filter(|attempt| attempt.is_marked())
            .count();
        let is_struck = self.rows.iter().any(|row| self.was_struck(row.created_at, row));
        if !served && marked == 0 && self.billed.is_empty() {
            figures.refused_unspent += 1;
        } else if !served && self.ask.repeat == Repeat::Never && is_struck {
            figures.struck_once += 1;
        }
        // What a death made of it is not the faults' doing: the policy allows as many doubts as it allows.
        let doubts = match self.when_maybe_billed {
            "always" => usize::MAX,
            "once" => 1,
            _ => 0,
        };
        // Who is told later does not ask again either.
        let asks_again = self.ask.repeat != Repeat::Never && self.ask.shape != Shape::Async;
        // Who asks once and was refused for a while is not served then.
        let is_refused = self.rows.iter().all(|row| row.error_code == OVERLOADED);
        let had_a_chance = self.story.tries > 0
            && (asks_again || !(is_struck || is_refused))
            && marked <= doubts
            && !matches!(&self.story.end, End::GaveUp(_))
            && !self.rows.is_empty();
        if had_a_chance && self.ask.can_be_served(self.when_maybe_billed) {
            figures.possible += 1;
            figures.possible_and_served += usize::from(served);
            if !served {
                let rows: Vec<String> = self.rows.iter().map(Row::about).collect();
                let what = format!("{:?}; {}", self.story.end, rows.join(", "));
                wrongs.add("what the policy makes possible is served", self.told(&what));
            }
        }
    }

    fn told(&self, what: &str) -> String {
        let Ask {
            place,
            shape,
            repeat,
            prompt,
            ..
        } = self.ask;
        format!("ask {place} ({}, {repeat:?}): {what} -- {prompt}", shape.name())
    }
}
