//! The words of a fault switch.

use super::{BodyFault, Faults, FileFault, JobCall, MediaFault, Moderation, RefusalFault, Rule};
use std::time::Duration;

/// The largest padded image: past the gateway's own limit of an upstream answer, and still bearable in memory.
const MAX_HUGE_BYTES: u64 = 512 * 1024 * 1024;
/// The longest delay: longer than any client waits.
const MAX_DELAY: Duration = Duration::from_secs(3_600);

/// Reads the words of one switch.
pub(super) fn parse_words(words: &str) -> Result<Rule, String> {
    let mut rule = Rule::default();
    let mut stage = None;
    for word in words.split_whitespace() {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        match name {
            "stage" => stage = Some(parse_stage(value)?),
            "at" => rule.call = parse_call(value)?,
            "provider" if value == "*" => rule.provider = None,
            "provider" => {
                let provider = value.parse();
                rule.provider = Some(provider.map_err(|()| format!("no provider '{value}' here"))?);
            }
            "model" => rule.model = Some(value.to_owned()),
            "once" => rule.times = Some(1),
            "times" => rule.times = Some(parse_number(name, value)?),
            _ => parse_fault(&mut rule.faults, name, value)?,
        }
    }
    if let Some(stage) = stage {
        rule.faults.moderation = Some(stage);
    }
    Ok(rule)
}

fn parse_fault(faults: &mut Faults, name: &str, value: &str) -> Result<(), String> {
    match name {
        "status" => {
            let status: u16 = parse_number(name, value)?;
            if !(400..=599).contains(&status) {
                return Err(format!("status {status} is not an error, 400 to 599"));
            }
            refusal(faults).status = Some(status);
        }
        "quota" => refusal(faults).quota = true,
        "retry-after" | "retry_after" => {
            refusal(faults).retry_after = Some(parse_duration(value)?);
        }
        "message" => refusal(faults).message = Some(value.replace('_', " ")),
        "delay" => faults.delay = Some(parse_duration(value)?),
        "hang" => faults.hang = true,
        "cut" => faults.body = Some(BodyFault::Cut),
        "stall" => faults.body = Some(BodyFault::Stall),
        "garbage" => faults.body = Some(BodyFault::Garbage),
        "empty" => faults.body = Some(BodyFault::Empty),
        // The control route may say {"moderation": "output"}.
        "moderation" if !value.is_empty() => faults.moderation = Some(parse_stage(value)?),
        "moderation" => {
            faults.moderation = faults.moderation.or(Some(Moderation::Input));
        }
        "failed" => faults.failed = true,
        "huge" => faults.file = Some(FileFault::Padded(parse_size(value)?)),
        "half" => faults.file = Some(FileFault::Half),
        "trailing" => faults.file = Some(FileFault::Trailing),
        "media" => faults.media = Some(parse_media(value)?),
        "billed" => faults.billed = true,
        _ => return Err(format!("unknown fault word '{name}'")),
    }
    Ok(())
}

fn refusal(faults: &mut Faults) -> &mut RefusalFault {
    faults.refusal.get_or_insert_default()
}

fn parse_stage(value: &str) -> Result<Moderation, String> {
    match value {
        "input" => Ok(Moderation::Input),
        "output" => Ok(Moderation::Output),
        _ => Err(format!("stage is input or output, not '{value}'")),
    }
}

fn parse_call(value: &str) -> Result<JobCall, String> {
    match value {
        "submit" => Ok(JobCall::Submit),
        "status" => Ok(JobCall::Status),
        "result" => Ok(JobCall::Result),
        _ => Err(format!("at is submit, status or result, not '{value}'")),
    }
}

fn parse_media(value: &str) -> Result<MediaFault, String> {
    match value {
        "cut" => Ok(MediaFault::Cut),
        "garbage" => Ok(MediaFault::Garbage),
        "hang" => Ok(MediaFault::Hang),
        _ => {
            let status: u16 = parse_number("media", value)?;
            if (400..=599).contains(&status) {
                Ok(MediaFault::Status(status))
            } else {
                Err(format!("media={status} is not an error, 400 to 599"))
            }
        }
    }
}

fn parse_number<N: std::str::FromStr>(name: &str, value: &str) -> Result<N, String> {
    value
        .parse()
        .map_err(|_| format!("{name} must be a number, not '{value}'"))
}

/// `2s`, `500ms`, `1.5` (seconds).
fn parse_duration(value: &str) -> Result<Duration, String> {
    let (digits, unit_s) = match value.strip_suffix("ms") {
        Some(digits) => (digits, 0.001),
        None => (value.strip_suffix('s').unwrap_or(value), 1.0),
    };
    let bad = || format!("'{value}' is not a time such as 2s or 500ms");
    let number: f64 = digits.parse().map_err(|_| bad())?;
    let duration = Duration::try_from_secs_f64(number * unit_s).map_err(|_| bad())?;
    Ok(duration.min(MAX_DELAY))
}

/// `32MiB`, `5MB`, `64KiB`, `900000`.
fn parse_size(value: &str) -> Result<u64, String> {
    let at = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (digits, unit) = value.split_at(at);
    let unit_bytes: u64 = match unit {
        "" | "B" => 1,
        "KB" => 1_000,
        "KiB" => 1_024,
        "MB" => 1_000_000,
        "MiB" => 1_048_576,
        _ => return Err(format!("'{value}' is not a size such as 32MiB")),
    };
    let number: u64 = parse_number("huge", digits)?;
    let size_bytes = number.saturating_mul(unit_bytes);
    if size_bytes > MAX_HUGE_BYTES {
        return Err(format!("huge={value} is more than 512MiB"));
    }
    Ok(size_bytes)
}
