//! What of a key can be set on the command line: the same as the body of `POST /v1/keys`, so that both are read by the same rules.

use clap::ValueEnum;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Map, Number, Value, json};

/// What is set for a key.
#[derive(Debug, clap::Args)]
pub(super) struct Terms {
    /// How it gets images when a request does not say.
    #[arg(long, value_enum)]
    response_format: Option<FormatName>,
    /// Dollars that it may spend in all.
    #[arg(long, value_name = "USD", value_parser = dollars)]
    budget_total: Option<Number>,
    /// Dollars that it may spend on a day, in UTC.
    #[arg(long, value_name = "USD", value_parser = dollars)]
    budget_day: Option<Number>,
    /// Dollars that it may spend in a month, in UTC.
    #[arg(long, value_name = "USD", value_parser = dollars)]
    budget_month: Option<Number>,
    /// Requests in any minute.
    #[arg(long, value_name = "COUNT")]
    requests_per_minute: Option<i64>,
    /// Generations at one time.
    #[arg(long, value_name = "COUNT")]
    concurrent: Option<i64>,
    /// A model that it may use; may be given several times. All when none is given.
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,
    /// A provider that may serve it; may be given several times. All when none is given.
    #[arg(long = "provider", value_name = "PROVIDER")]
    providers: Vec<String>,
    /// The longest side of an image, in pixels.
    #[arg(long, value_name = "PIXELS")]
    max_edge_px: Option<i64>,
    /// The most pixels of an image.
    #[arg(long, value_name = "PIXELS")]
    max_pixels: Option<i64>,
    /// A format that its images may have; may be given several times.
    #[arg(long = "output-format", value_name = "FORMAT")]
    output_formats: Vec<String>,
    /// A quality that its images may have; may be given several times.
    #[arg(long = "quality", value_name = "QUALITY")]
    qualities: Vec<String>,
    /// Hours in UTC at which it may make images, such as 'mon-fri 08:00-18:00'; may be given several times.
    #[arg(long, value_name = "HOURS")]
    hours: Vec<String>,
    /// A region in which its images may be made, such as 'eu'; may be given several times.
    #[arg(long = "region", value_name = "REGION")]
    regions: Vec<String>,
    /// Days that its requests stay in the log. 0: nothing that is written in them is kept.
    #[arg(long, value_name = "DAYS")]
    log_retention_days: Option<i64>,
    /// Seconds that its images are kept. 0: they go out with the answer and are not kept.
    #[arg(long, value_name = "SECONDS")]
    media_ttl: Option<i64>,
    /// How its requests are routed where they do not say, such as '{"strategy": "cheapest"}'.
    #[arg(long, value_name = "JSON", value_parser = object)]
    route: Option<Value>,
    /// When it ends: a time such as 2030-01-31T12:00:00Z, or the first day on which it works no more, in UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires: Option<Timestamp>,
}

/// Response formats by name.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum FormatName {
    /// Links.
    Url,
    /// Base64 text.
    B64Json,
    /// Both.
    Both,
}

impl Terms {
    /// As an object of the API, in which what was not given does not stand.
    pub(super) fn fields(&self) -> Map<String, Value> {
        let format = self.response_format.and_then(|format| format.to_possible_value());
        let list = |texts: &[String]| (!texts.is_empty()).then(|| json!(texts));
        given([
            ("response_format", format.map(|format| json!(format.get_name()))),
            (
                "budget",
                inner([
                    ("total_usd", self.budget_total.as_ref().map(|amount| json!(amount))),
                    ("day_usd", self.budget_day.as_ref().map(|amount| json!(amount))),
                    ("month_usd", self.budget_month.as_ref().map(|amount| json!(amount))),
                ]),
            ),
            (
                "rate_limit",
                inner([
                    (
                        "requests_per_minute",
                        self.requests_per_minute.map(|count| json!(count)),
                    ),
                    ("concurrent", self.concurrent.map(|count| json!(count))),
                ]),
            ),
            ("models", list(&self.models)),
            ("providers", list(&self.providers)),
            (
                "rules",
                inner([
                    ("max_edge_px", self.max_edge_px.map(|px| json!(px))),
                    ("max_pixels", self.max_pixels.map(|pixels| json!(pixels))),
                    ("output_formats", list(&self.output_formats)),
                    ("qualities", list(&self.qualities)),
                    ("hours", list(&self.hours)),
                    ("regions", list(&self.regions)),
                ]),
            ),
            ("log_retention_days", self.log_retention_days.map(|days| json!(days))),
            ("media_ttl_s", self.media_ttl.map(|seconds| json!(seconds))),
            ("route", self.route.clone()),
            ("expires_at", self.expires.map(|time| json!(time.to_string()))),
        ])
    }
}

/// An object of the fields that were given.
fn given<const N: usize>(fields: [(&str, Option<Value>); N]) -> Map<String, Value> {
    let set = fields.into_iter();
    set.filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

/// The same within another one; `None` where nothing was given.
fn inner<const N: usize>(fields: [(&str, Option<Value>); N]) -> Option<Value> {
    Some(given(fields))
        .filter(|fields| !fields.is_empty())
        .map(Value::Object)
}

/// An amount of dollars, digit by digit.
pub(in crate::cli) fn dollars(text: &str) -> Result<Number, String> {
    let amount: rust_decimal::Decimal = text
        .trim_start_matches('$')
        .parse()
        .map_err(|_| "it must be an amount of dollars such as 12.5")?;
    amount
        .normalize()
        .to_string()
        .parse()
        .map_err(|_| "it is too large".to_owned())
}

fn object(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("it must be a JSON object: {error}"))
}

fn time(text: &str) -> Result<Timestamp, String> {
    let midnight = || Some(text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
    text.parse()
        .ok()
        .or_else(midnight)
        .ok_or_else(|| "it must be a time such as 2030-01-31T12:00:00Z, or a day such as 2030-01-31".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_times_are_read_as_people_write_them() {
        for (text, number) in [
            ("5", "5"),
            ("0.10", "0.1"),
            ("$12.345678", "12.345678"),
            (".5", "0.5"),
            ("-3", "-3"),
        ] {
            assert_eq!(dollars(text).map(|number| number.to_string()), Ok(number.to_owned()));
        }
        for text in ["", "five", "1,5", "1e400"] {
            assert!(dollars(text).is_err(), "{text}");
        }
        let day = time("2030-01-31").expect("a day");
        assert_eq!(day, time("2030-01-31T00:00:00Z").expect("a time"));
        assert_eq!(time("2030-01-31T01:00:00+01:00"), Ok(day));
        assert!(time("tomorrow").is_err());
    }
}
