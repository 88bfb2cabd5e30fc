//! Hours of days of the week, in UTC, as one writes them: `mon-fri 08:00-18:00`.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a window must look like, as the end of a sentence.
pub const HOURS_WANTED: &str =
    "must be hours in UTC such as 'mon-fri 08:00-18:00', 'sat' or '22:00-06:00' (past midnight)";
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];
const DAY_MIN: u16 = 24 * 60;

/// Some hours of some days. Those past midnight belong to the day on which they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first and the last day, by their places in the week; absent: every day.
    days: Option<(u8, u8)>,
    /// The first minute of the day.
    from_min: u16,
    /// The minute after the last.
    to_min: u16,
}

impl Window {
    /// Whether `now` is within it.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        let local = now.to_zoned(TimeZone::UTC);
        let minute = u16::try_from(i32::from(local.hour()) * 60 + i32::from(local.minute())).unwrap_or(0);
        let today = u8::try_from(local.weekday().to_monday_zero_offset()).unwrap_or(0);
        let yesterday = (today + 6) % 7;
        if self.from_min < self.to_min {
            return self.is_on(today) && (self.from_min..self.to_min).contains(&minute);
        }
        (self.is_on(today) && minute >= self.from_min) || (self.is_on(yesterday) && minute < self.to_min)
    }

    fn is_on(&self, day: u8) -> bool {
        match self.days {
            None => true,
            Some((first, last)) if first <= last => (first..=last).contains(&day),
            Some((first, last)) => day >= first || day <= last,
        }
    }

    fn is_whole_day(&self) -> bool {
        (self.from_min, self.to_min) == (0, DAY_MIN)
    }
}

impl FromStr for Window {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || HOURS_WANTED.to_owned();
        let folded = text.trim().to_lowercase();
        let mut parts = folded.split_whitespace();
        let (first, second) = (parts.next().ok_or_else(wrong)?, parts.next());
        let (days, times) = match second {
            Some(times) => (Some(first), Some(times)),
            None if first.contains(':') => (None, Some(first)),
            None => (Some(first), None),
        };
        if parts.next().is_some() {
            return Err(wrong());
        }
        let days = days.map(|text| days_of(text).ok_or_else(wrong)).transpose()?;
        let whole = (0, DAY_MIN);
        let (from_min, to_min) = times.map_or(Some(whole), times_of).ok_or_else(wrong)?;
        Ok(Self { days, from_min, to_min })
    }
}

fn days_of(text: &str) -> Option<(u8, u8)> {
    let place = |name: &str| {
        let (_, day) = DAYS.iter().find(|(known, _)| *known == name)?;
        u8::try_from(day.to_monday_zero_offset()).ok()
    };
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some((place(first)?, place(last)?))
}

fn times_of(text: &str) -> Option<(u16, u16)> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minute_of(from)?, minute_of(to)?);
    // From a moment to the same one is no time at all, or a whole day: nobody knows which.
    (from != to && from < DAY_MIN).then_some((from, to))
}

fn minute_of(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let all = hour * 60 + minute;
    (minute < 60 && all <= DAY_MIN).then_some(all)
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |day: u8| DAYS.get(usize::from(day)).map_or("", |(name, _)| name);
        let clock = |minute: u16| format!("{:02}:{:02}", minute / 60, minute % 60);
        let days = self.days.map(|(first, last)| {
            if first == last {
                name(first).to_owned()
            } else {
                format!("{}-{}", name(first), name(last))
            }
        });
        let times = format!("{}-{}", clock(self.from_min), clock(self.to_min));
        match days {
            Some(days) if self.is_whole_day() => f.write_str(&days),
            Some(days) => write!(f, "{days} {times}"),
            None => f.write_str(&times),
        }
    }
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = String::deserialize(reader)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &str) -> Window {
        text.parse().expect(text)
    }

    #[test]
    fn hours_are_read_as_people_write_them_and_told_the_same() {
        for (text, told) in [
            ("mon-fri 08:00-18:00", "mon-fri 08:00-18:00"),
            (" MON-Fri  08:00-18:00 ", "mon-fri 08:00-18:00"),
            ("sat", "sat"),
            ("sat 00:00-24:00", "sat"),
            ("22:00-06:00", "22:00-06:00"),
            ("sat-mon 09:30-10:00", "sat-mon 09:30-10:00"),
        ] {
            assert_eq!(window(text).to_string(), told);
            assert_eq!(window(told), window(text));
        }
        for text in [
            "",
            "noon",
            "mon-xyz",
            "8:00-18:00",
            "08:00",
            "08:00-08:00",
            "24:00-08:00",
            "08:60-09:00",
            "08:00-25:00",
            "mon tue 08:00-09:00",
            "mon,tue",
        ] {
            assert_eq!(text.parse::<Window>(), Err(HOURS_WANTED.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_window_holds_its_first_minute_and_not_the_one_after_its_last() {
        let at = |text: &str| -> Timestamp { text.parse().expect("a time") };
        // 2026-12-01 is a Tuesday.
        for (text, now, holds) in [
            ("tue 08:00-18:00", "2026-12-01T08:00:00Z", true),
            ("tue 08:00-18:00", "2026-12-01T07:59:59Z", false),
            ("tue 08:00-18:00", "2026-12-01T17:59:59Z", true),
            ("tue 08:00-18:00", "2026-12-01T18:00:00Z", false),
            ("mon 08:00-18:00", "2026-12-01T12:00:00Z", false),
            ("sat-tue 08:00-18:00", "2026-12-01T12:00:00Z", true),
            ("sat-mon", "2026-12-01T12:00:00Z", false),
            ("mon 22:00-06:00", "2026-12-01T05:59:00Z", true),
            ("mon 22:00-06:00", "2026-12-01T23:00:00Z", false),
            ("mon 22:00-06:00", "2026-12-01T06:00:00Z", false),
            ("22:00-06:00", "2026-12-01T23:00:00Z", true),
            ("tue", "2026-12-01T23:59:59Z", true),
            // The same moment by another clock.
            ("tue 08:00-18:00", "2026-12-01T09:00:00+02:00", false),
        ] {
            assert_eq!(window(text).holds(at(now)), holds, "{text} at {now}");
        }
    }
}
