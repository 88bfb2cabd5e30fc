//! What providers export of their bills, read into one form.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};
use planner::money::{Micros, decimal};
use serde_json::Value;

use super::super::super::Failed;

/// An amount for a model on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BilledLine {
    /// The day in UTC.
    pub(super) day: Date,
    /// The provider's name of the model, where the export says it.
    pub(super) model: Option<String>,
    /// Millionths of a dollar.
    pub(super) micros: i64,
}

/// A file of a provider's.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Export {
    /// Its amounts.
    pub(super) lines: Vec<BilledLine>,
}

impl Export {
    /// The first and the last day that it is about.
    pub(super) fn days(&self) -> Option<(Date, Date)> {
        let days = || self.lines.iter().map(|line| line.day);
        days().min().zip(days().max())
    }
}

/// Reads what `provider` exported.
pub(super) fn read(provider: &str, text: &str) -> Result<Export, Failed> {
    let is_json = text.trim_start().starts_with(['{', '[']);
    match (provider, is_json) {
        ("openai", false) => openai_csv(text),
        ("openai", true) => pages(text)?.iter().try_fold(Export::default(), openai_page),
        ("fal", true) => pages(text)?.iter().try_fold(Export::default(), fal_page),
        ("fal", false) => Err("fal documents no CSV export: save the answer of GET https://api.fal.ai/v1/models/usage with timeframe=day and timezone=UTC".into()),
        (other, _) => Err(format!(
            "no export of '{other}' is documented; known are OpenAI's (the cost export of the dashboard as CSV, or the answer of \
             GET /v1/organization/costs with group_by=line_item) and fal's (the answer of GET /v1/models/usage)"
        )
        .into()),
    }
}

/// The cost export of OpenAI's dashboard. Columns are found by name; an hour or day without use is a row without an amount.
fn openai_csv(text: &str) -> Result<Export, Failed> {
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let heads = reader.headers()?.clone();
    let column = |name: &str| heads.iter().position(|head| head.trim() == name);
    let (Some(amount), Some(start)) = (
        column("amount_value"),
        column("start_time").or_else(|| column("start_time_iso")),
    ) else {
        return Err(
            "this is not OpenAI's export of costs, which has the columns start_time and amount_value; an export of \
             usage has no amounts"
                .into(),
        );
    };
    let (currency, item) = (column("amount_currency"), column("line_item"));
    let mut export = Export::default();
    for row in reader.records() {
        let row = row?;
        let cell = |column: Option<usize>| column.and_then(|column| row.get(column)).unwrap_or_default().trim();
        if cell(Some(amount)).is_empty() {
            continue;
        }
        // A quoted cell may have several lines.
        let line = row.position().map_or(0, csv::Position::line);
        in_dollars(cell(currency)).map_err(|error| format!("line {line}: {error}"))?;
        let day =
            day_of(cell(Some(start))).ok_or_else(|| format!("line {line}: '{}' is no time", cell(Some(start))))?;
        export.lines.push(BilledLine {
            day,
            model: model_of(cell(item)),
            micros: micros(cell(Some(amount)))
                .ok_or_else(|| format!("line {line}: '{}' is no amount", cell(Some(amount))))?,
        });
    }
    Ok(export)
}

/// One page of `GET /v1/organization/costs`.
fn openai_page(mut export: Export, page: &Value) -> Result<Export, Failed> {
    let buckets = page["data"]
        .as_array()
        .ok_or("this is no page of OpenAI's costs: it has no list 'data'")?;
    for bucket in buckets {
        let start = bucket["start_time"].to_string();
        let day = day_of(&start).ok_or_else(|| format!("start_time {start} is no time"))?;
        for result in bucket["results"].as_array().into_iter().flatten() {
            let amount = &result["amount"];
            in_dollars(amount["currency"].as_str().unwrap_or_default())?;
            export.lines.push(BilledLine {
                day,
                model: model_of(result["line_item"].as_str().unwrap_or_default()),
                micros: micros(&plain(&amount["value"])).ok_or_else(|| format!("{} is no amount", amount["value"]))?,
            });
        }
    }
    Ok(export)
}

/// One page of fal's `GET /v1/models/usage`.
fn fal_page(mut export: Export, page: &Value) -> Result<Export, Failed> {
    let buckets = page["time_series"].as_array();
    for bucket in buckets.ok_or("this is no page of fal's usage: it has no list 'time_series'")? {
        let start = bucket["bucket"].as_str().unwrap_or_default();
        let day = day_of(start).ok_or_else(|| format!("bucket '{start}' is no time"))?;
        for result in bucket["results"].as_array().into_iter().flatten() {
            in_dollars(result["currency"].as_str().unwrap_or_default())?;
            export.lines.push(BilledLine {
                day,
                model: result["endpoint_id"].as_str().map(ToOwned::to_owned),
                micros: micros(&plain(&result["cost"])).ok_or_else(|| format!("{} is no amount", result["cost"]))?,
            });
        }
    }
    Ok(export)
}

/// One page, a list of pages, or one page a line.
fn pages(text: &str) -> Result<Vec<Value>, Failed> {
    let read: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    let mut pages = Vec::new();
    for value in read.map_err(|error| format!("the export is no JSON: {error}"))? {
        match value {
            Value::Array(several) => pages.extend(several),
            one => pages.push(one),
        }
    }
    Ok(pages)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn in_dollars(currency: &str) -> Result<(), String> {
    if currency.is_empty() || currency.eq_ignore_ascii_case("usd") {
        return Ok(());
    }
    Err(format!(
        "the amount is in '{currency}', and the books are in US dollars"
    ))
}

/// The day in UTC of a time: in seconds since 1970, with a zone, or without one, which is UTC.
fn day_of(text: &str) -> Option<Date> {
    if let Ok(seconds) = text.parse::<f64>() {
        let time = Timestamp::from_second(seconds as i64).ok()?;
        return Some(time.to_zoned(TimeZone::UTC).date());
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.to_zoned(TimeZone::UTC).date());
    }
    text.parse::<civil::DateTime>().map(|time| time.date()).ok()
}

/// `gpt-image-2, image_output_tokens` is about the model before the comma.
fn model_of(item: &str) -> Option<String> {
    let name = item.split(',').next().unwrap_or_default().trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Exact, then rounded once: exports have many more digits than the books.
fn micros(amount: &str) -> Option<i64> {
    decimal(amount).map(|exact| Micros::from_dollars(exact).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(day: &str, model: Option<&str>, micros: i64) -> BilledLine {
        BilledLine {
            day: day.parse().expect("a day"),
            model: model.map(ToOwned::to_owned),
            micros,
        }
    }

    #[test]
    fn openai_s_cost_export_has_empty_buckets_and_many_digits() {
        let text = "\u{feff}start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,quantity,quantity_unit,line_item\n\
            1790467200,1790553600,2026-09-27T00:00:00+00:00,2026-09-28T00:00:00+00:00,,,,,\n\
            1790553600,1790640000,2026-09-28T00:00:00,2026-09-29T00:00:00,0.003835980000000000000000000000,usd,,,\n\
            1790553600.0,1790640000,2026-09-28T00:00:00,2026-09-29T00:00:00,0.5,usd,1000,tokens,\"gpt-image-2, image_output_tokens\"\n";
        let export = read("openai", text).expect("it is one");
        assert_eq!(
            export.lines,
            [
                line("2026-09-28", None, 3_836),
                line("2026-09-28", Some("gpt-image-2"), 500_000)
            ]
        );
        let usage = "start_time,end_time,start_time_iso,end_time_iso,num_model_requests\n1,2,3,4,5\n";
        let told = read("openai", usage).expect_err("no amounts").to_string();
        assert!(told.contains("amount_value"), "{told}");
        let euros = text.replace("0.5,usd", "0.5,eur");
        let told = read("openai", &euros).expect_err("not dollars").to_string();
        assert!(told.starts_with("line 4: ") && told.contains("'eur'"), "{told}");
        let broken = euros.replace(",usd,,,\n", ",usd,,,\"of two\nlines\"\n");
        let told = read("openai", &broken).expect_err("not dollars").to_string();
        assert!(told.starts_with("line 5: "), "{told}");
    }

    #[test]
    fn answers_of_cost_apis_are_read_page_by_page() {
        let page = r#"{"object":"page","data":[{"object":"bucket","start_time":1790553600,"end_time":1790640000,"results":[
            {"object":"organization.costs.result","amount":{"value":0.06,"currency":"usd"},"line_item":"gpt-image-2, image_input","project_id":null},
            {"object":"organization.costs.result","amount":{"value":"1e-6","currency":"usd"},"line_item":null}]}]}"#;
        let two = format!("{page}\n{page}");
        let export = read("openai", &two).expect("two pages");
        assert_eq!(export.lines.len(), 4);
        assert_eq!(export.lines[0], line("2026-09-28", Some("gpt-image-2"), 60_000));
        assert_eq!(export.lines[1], line("2026-09-28", None, 1));
        let fal = r#"[{"time_series":[{"bucket":"2026-09-28T00:00:00Z","results":[{"endpoint_id":"fal-ai/flux/dev","unit":"image",
            "quantity":4,"unit_price":0.1,"cost":0.4,"currency":"USD"}]}],"next_cursor":null,"has_more":false}]"#;
        let export = read("fal", fal).expect("a list of one page");
        assert_eq!(export.lines, [line("2026-09-28", Some("fal-ai/flux/dev"), 400_000)]);
        assert!(read("fal", "a,b\n").is_err());
        assert!(
            read("replicate", "a,b\n")
                .expect_err("none is known")
                .to_string()
                .contains("documented")
        );
    }
}
