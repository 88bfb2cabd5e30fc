//! What stands in a query after `?`.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use planner::fault::{Fault, echo, listing};
use planner::suggest::nearest;

use crate::problem::Problem;

/// Whether a query that may hold anything else has the switch `name` on.
///
/// # Errors
/// 400 for a value that is neither.
pub(super) fn switch(query: Option<&str>, name: &'static str) -> Result<bool, Problem> {
    let mut query = Parameters::of(query);
    let is_on = query.switch(name);
    query.pairs.clear();
    query.finish()?;
    Ok(is_on)
}

/// What a word says of a switch; without a value it is on.
pub(super) fn on(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "" | "true" | "1" | "yes" => Some(true),
        "false" | "0" | "no" => Some(false),
        _ => None,
    }
}

/// A query that is read name by name. All of its faults are told together, and so is every name that nobody asked for.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    faults: Vec<Fault>,
}

/// A moment of a query. A day alone means all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edge {
    /// The first moment that counts.
    First,
    /// The last one.
    Last,
}

impl Parameters {
    /// The parameters of `query`.
    pub(super) fn of(query: Option<&str>) -> Self {
        // PostgreSQL's texts hold no NUL, so nothing stored has one: with another character the value still finds nothing.
        let text = |text: &str| text.replace('\0', "\u{fffd}");
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        Self {
            pairs: pairs.map(|(name, value)| (text(&name), text(&value))).collect(),
            ..Self::default()
        }
    }

    /// Every value of `name`.
    pub(super) fn texts(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        let (own, others) = std::mem::take(&mut self.pairs)
            .into_iter()
            .partition(|(given, _)| given == name);
        self.pairs = others;
        own.into_iter().map(|(_, value)| value).collect()
    }

    /// The value of `name`.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        let mut values = self.texts(name);
        if values.len() > 1 {
            self.fault(name, format!("'{name}' is given {} times", values.len()));
        }
        values.pop()
    }

    /// The value of `name` if it is one of `legal`.
    pub(super) fn one_of<T: Copy>(&mut self, name: &'static str, legal: &[(&'static str, T)]) -> Option<T> {
        let value = self.text(name)?;
        let found = legal.iter().find(|(word, _)| *word == value);
        if found.is_none() {
            let words: Vec<&str> = legal.iter().map(|(word, _)| *word).collect();
            self.unknown(name, &value, &words);
        }
        found.map(|(_, meaning)| *meaning)
    }

    /// The whole number of `name` between two others.
    pub(super) fn number(&mut self, name: &'static str, least: i64, most: i64) -> Option<i64> {
        let value = self.text(name)?;
        let number = value.parse().ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.fault(name, format!("'{name}' must be a whole number from {least} to {most}"));
        }
        number
    }

    /// Whether `name` is `true`; also when it has no value.
    pub(super) fn switch(&mut self, name: &'static str) -> bool {
        let Some(value) = self.text(name) else { return false };
        let found = on(&value);
        if found.is_none() {
            self.fault(name, format!("'{name}' must be true or false"));
        }
        found.unwrap_or(false)
    }

    /// The time of `name`: RFC 3339, or a day in UTC, of which `edge` is meant.
    pub(super) fn time(&mut self, name: &'static str, edge: Edge) -> Option<Timestamp> {
        let value = self.text(name)?;
        // An unescaped '+' of an offset arrives as a space.
        let time = value.replace(' ', "+").parse().ok().or_else(|| moment(&value, edge));
        if time.is_none() {
            self.fault(
                name,
                format!("'{name}' must be a time such as 2026-01-31T00:00:00Z, or a day such as 2026-01-31"),
            );
        }
        time
    }

    /// Notes a value of `name` that is none of `legal`.
    pub(super) fn unknown(&mut self, name: &'static str, value: &str, legal: &[&str]) {
        let hint =
            nearest(value, legal.iter().copied()).map_or_else(String::new, |near| format!(" Did you mean '{near}'?"));
        self.fault(
            name,
            format!("'{name}' cannot be {}; legal: {}.{hint}", echo(value), listing(legal)),
        );
    }

    /// Notes a fault.
    pub(super) fn fault(&mut self, name: &str, message: String) {
        self.faults.push(Fault::new(name, message));
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// 400 with all faults.
    pub(super) fn finish(mut self) -> Result<(), Problem> {
        for (name, _) in &self.pairs {
            let known = self.known.iter().copied();
            let hint = nearest(name, known).map_or_else(String::new, |near| format!(" Did you mean '{near}'?"));
            let message = format!(
                "there is no parameter {}; those here are {}.{hint}",
                echo(name),
                listing(&self.known)
            );
            self.faults.push(Fault::new(name.as_str(), message));
        }
        if self.faults.is_empty() {
            return Ok(());
        }
        Err(Problem::faults(&self.faults))
    }
}

/// The first or last microsecond of a day in UTC.
fn moment(text: &str, edge: Edge) -> Option<Timestamp> {
    let date: Date = text.parse().ok()?;
    let midnight = |date: Date| Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp());
    match edge {
        Edge::First => midnight(date),
        Edge::Last => Timestamp::from_microsecond(midnight(date.tomorrow().ok()?)?.as_microsecond() - 1).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_alone_is_all_of_it() {
        let mut query = Parameters::of(Some("from=2026-01-31&to=2026-01-31&at=2026-01-31T01:00:00+01:00"));
        let time = |text: &str| text.parse::<Timestamp>().ok();
        assert_eq!(query.time("from", Edge::First), time("2026-01-31T00:00:00Z"));
        assert_eq!(query.time("to", Edge::Last), time("2026-01-31T23:59:59.999999Z"));
        assert_eq!(query.time("at", Edge::Last), time("2026-01-31T00:00:00Z"));
        assert_eq!(query.finish(), Ok(()));
    }

    #[test]
    fn all_faults_are_told_together() {
        let mut query = Parameters::of(Some("limit=0&state=complete&modle=x&twice=1&twice=2"));
        assert_eq!(query.number("limit", 1, 5), None);
        assert_eq!(query.one_of("state", &[("completed", 1)]), None);
        assert_eq!(query.text("model"), None);
        assert_eq!(query.text("twice"), Some("2".to_owned()));
        let problem = query.finish().expect_err("nothing of it is right");
        for text in [
            "from 1 to 5",
            "Did you mean 'completed'?",
            "Did you mean 'model'?",
            "given 2 times",
        ] {
            assert!(problem.message.contains(text), "{text}: {}", problem.message);
        }
    }
}
