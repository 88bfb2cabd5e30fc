//! The questions to each protocol, and how its answers are read.

use planner::catalog::pricing::{Direction, Metric};
use providers::UpstreamAccess;
use rust_decimal::Decimal;
use serde_json::Value;
use url::Url;

use super::ask::{Asker, Scheme};
use super::told::{Inventory, Printed, Standing, Told};
use crate::cli::Failed;

/// Protocols whose APIs tell something of their models without cost.
pub(super) const ASKED: [&str; 6] = ["openai", "xai", "gemini", "fal", "replicate", "openrouter"];
/// Models that fal tells of at once with their schemas.
const FAL_SCHEMAS_AT_ONCE: usize = 10;
/// Models that fal tells the prices of at once.
const FAL_PRICES_AT_ONCE: usize = 50;
/// The option of fal's address for what is not a call.
const FAL_API: &str = "api_url";
/// Pages of a list, so that a provider that never ends one does not hold us.
const PAGES_MAX: usize = 50;
/// Ticks of a dollar at xAI.
const TICKS: i64 = 10_000_000_000;

/// How a protocol shows the credential.
pub(super) fn scheme(protocol: &str) -> Scheme {
    match protocol {
        "fal" => Scheme::Key,
        "gemini" => Scheme::Google,
        _ => Scheme::Bearer,
    }
}

/// What the provider tells of the native models `ids`.
pub(super) async fn take(protocol: &str, asker: &Asker<'_>, ids: &[&str]) -> Result<Inventory, Failed> {
    match protocol {
        "openai" => openai(asker, ids).await,
        "xai" => xai(asker, ids).await,
        "gemini" => gemini(asker, ids).await,
        "fal" => fal(asker, ids).await,
        "replicate" => replicate(asker, ids).await,
        "openrouter" => openrouter(asker, ids).await,
        other => Err(format!(
            "the API of protocol '{other}' tells nothing of its models without cost, as far as is documented; those that do: {}",
            ASKED.join(", ")
        )
        .into()),
    }
}

fn rows<'a>(answer: &'a Value, name: &str) -> &'a [Value] {
    answer[name].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_default()
}

/// Of `ids` those that `listed` has, and the others of `listed`.
fn sorted(listed: Vec<Told>, ids: &[&str]) -> (Vec<Told>, Vec<String>) {
    let told = ids.iter().map(|id| {
        let found = listed.iter().find(|told| told.id == *id);
        found.cloned().unwrap_or_else(|| Told::absent(id))
    });
    let told = told.collect();
    let others = listed.into_iter().map(|told| told.id);
    (told, others.filter(|id| !ids.contains(&id.as_str())).collect())
}

async fn openai(asker: &Asker<'_>, ids: &[&str]) -> Result<Inventory, Failed> {
    let answer = asker.list(&["models"], &[]).await?;
    let listed = rows(&answer, "data").iter().map(|row| Told {
        ends: row["shutdown_date"].as_str().and_then(|day| day.parse().ok()),
        ..Told::listed(text(row, "id"))
    });
    let (told, others) = sorted(listed.collect(), ids);
    Ok(Inventory {
        told,
        others,
        unasked: "prices and parameters, which this API does not show",
    })
}

async fn xai(asker: &Asker<'_>, ids: &[&str]) -> Result<Inventory, Failed> {
    let answer = asker.list(&["image-generation-models"], &[]).await?;
    let listed = rows(&answer, "models").iter().map(|row| {
        let prices = rows(row, "pricing").iter().filter_map(|price| {
            Some(Printed {
                direction: Direction::Output,
                unit: Ok(Metric::Image),
                dollars: Decimal::from(price["price_per_image"].as_i64()?) / Decimal::from(TICKS),
                quality: price["quality"].as_str().map(ToOwned::to_owned),
                resolution: price["resolution"].as_str().map(ToOwned::to_owned),
            })
        });
        Told {
            prices: prices.collect(),
            ..Told::listed(text(row, "id"))
        }
    });
    let (told, others) = sorted(listed.collect(), ids);
    Ok(Inventory {
        told,
        others,
        unasked: "parameters and the price of inputs, which this API does not show",
    })
}

async fn gemini(asker: &Asker<'_>, ids: &[&str]) -> Result<Inventory, Failed> {
    let mut listed = Vec::new();
    let mut page: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let mut query = vec![("pageSize", "1000")];
        query.extend(page.as_deref().map(|token| ("pageToken", token)));
        let answer = asker.list(&["models"], &query).await?;
        let names = rows(&answer, "models").iter().map(|row| text(row, "name"));
        listed.extend(names.map(|name| Told::listed(name.trim_start_matches("models/"))));
        page = answer["nextPageToken"].as_str().map(ToOwned::to_owned);
        if page.is_none() {
            let (told, others) = sorted(listed, ids);
            return Ok(Inventory {
                told,
                others,
                unasked: "ends, prices and parameters, which this API does not show",
            });
        }
    }
    // What is on a page that was not read would count as gone.
    Err(format!("the list of models does not end: {PAGES_MAX} pages were read, and there are more").into())
}

async fn fal(asker: &Asker<'_>, ids: &[&str]) -> Result<Inventory, Failed> {
    let expand = [("expand", "openapi-3.0")];
    let models = fal_rows(asker, (&["models"], &expand), ids, FAL_SCHEMAS_AT_ONCE).await?;
    if models.is_empty() && !ids.is_empty() {
        return Err("fal knows none of the catalogue's models; is api_url its address?".into());
    }
    let models: Vec<&Value> = models.iter().flat_map(|answer| rows(answer, "models")).collect();
    let told = ids.iter().map(|id| {
        let row = models.iter().find(|row| text(row, "endpoint_id") == *id);
        // One that is not known comes back without anything but its id, or not at all.
        let Some(row) = row.filter(|row| row["metadata"].is_object()) else {
            return Told::absent(id);
        };
        Told {
            standing: match text(&row["metadata"], "status") {
                "deprecated" => Standing::Deprecated,
                _ => Standing::Listed,
            },
            input: fal_input(&row["openapi"]),
            ..Told::listed(id)
        }
    });
    let mut told: Vec<Told> = told.collect();
    let prices = fal_rows(asker, (&["models", "pricing"], &[]), ids, FAL_PRICES_AT_ONCE).await?;
    for price in prices.iter().flat_map(|answer| rows(answer, "prices")) {
        let own = told.iter_mut().find(|told| told.id == text(price, "endpoint_id"));
        let (Some(own), Some(dollars)) = (own, decimal(&price["unit_price"])) else {
            continue;
        };
        own.prices.push(Printed {
            direction: Direction::Output,
            unit: metric(text(price, "unit")),
            dollars,
            quality: None,
            resolution: None,
        });
    }
    Ok(Inventory {
        told,
        others: Vec::new(),
        unasked: "steps of prices that go by quality or size: fal's API shows one unit price a model",
    })
}

/// What fal answers of `ids`, so many asked for at once. One that it does not know may cost the answer of all: then each is
/// asked for by itself.
async fn fal_rows(
    asker: &Asker<'_>,
    (path, more): (&[&str], &[(&str, &str)]),
    ids: &[&str],
    at_once: usize,
) -> Result<Vec<Value>, Failed> {
    let api = option(asker.endpoint, FAL_API)?;
    let ask = async |some: &[&str]| {
        let mut query: Vec<(&str, &str)> = some.iter().map(|id| ("endpoint_id", *id)).collect();
        query.extend(more);
        asker.get_from(api.clone(), path, &query).await
    };
    let mut answers = Vec::new();
    for some in ids.chunks(at_once) {
        match ask(some).await? {
            Some(answer) => answers.push(answer),
            None if some.len() == 1 => {}
            None => {
                for id in some {
                    answers.extend(ask(&[id]).await?);
                }
            }
        }
    }
    Ok(answers)
}

/// The schema of what is posted: named by the paths, else the one whose name ends in `Input`.
fn fal_input(openapi: &Value) -> Option<(Value, String)> {
    let schemas = openapi["components"]["schemas"].as_object()?;
    let posted = openapi["paths"]
        .as_object()
        .into_iter()
        .flatten()
        .find_map(|(_, path)| {
            let schema = &path["post"]["requestBody"]["content"]["application/json"]["schema"];
            schema["$ref"]
                .as_str()?
                .strip_prefix("#/components/schemas/")
                .map(ToOwned::to_owned)
        });
    let name = posted.or_else(|| schemas.keys().find(|name| name.ends_with("Input")).cloned())?;
    Some((openapi.clone(), name))
}

async fn replicate(asker: &Asker<'_>, ids: &[&str]) -> Result<Inventory, Failed> {
    let mut told = Vec::new();
    for id in ids {
        let (owner, name) = id.split_once('/').unwrap_or((id, ""));
        told.push(match asker.get(&["models", owner, name], &[]).await? {
            None => Told::absent(id),
            Some(model) => {
                let schema = &model["latest_version"]["openapi_schema"];
                let has_input = schema["components"]["schemas"]["Input"].is_object();
                Told {
                    input: has_input.then(|| (schema.clone(), "Input".to_owned())),
                    ..Told::listed(id)
                }
            }
        });
    }
    Ok(Inventory {
        told,
        others: Vec::new(),
        unasked: "ends and prices, which this API does not show",
    })
}

async fn openrouter(asker: &Asker<'_>, ids: &[&str]) -> Result<Inventory, Failed> {
    let answer = asker.list(&["images", "models"], &[]).await?;
    let listed = rows(&answer, "data").iter().map(|row| Told::listed(text(row, "id")));
    let (mut told, others) = sorted(listed.collect(), ids);
    for own in told.iter_mut().filter(|own| own.standing == Standing::Listed) {
        let (author, slug) = own.id.split_once('/').unwrap_or((&own.id, ""));
        let answer = asker.get(&["images", "models", author, slug, "endpoints"], &[]).await?;
        let hosts = answer.iter().flat_map(|answer| rows(answer, "endpoints"));
        own.prices = hosts
            .flat_map(|host| rows(host, "pricing"))
            .filter_map(openrouter_price)
            .collect();
    }
    Ok(Inventory {
        told,
        others,
        unasked: "parameters, which this API describes in its own words",
    })
}

fn openrouter_price(price: &Value) -> Option<Printed> {
    Some(Printed {
        direction: match text(price, "billable") {
            "output_image" => Direction::Output,
            "input_image" | "input_reference" => Direction::Input,
            _ => return None,
        },
        // Tokens of images are meant: those of text are no image's.
        unit: match text(price, "unit") {
            "token" => Ok(Metric::TokenImage),
            unit => metric(unit),
        },
        dollars: decimal(&price["cost_usd"])?,
        quality: None,
        resolution: price["variant"].as_str().map(ToOwned::to_owned),
    })
}

/// A unit in the words of the catalogue, else as it is.
fn metric(unit: &str) -> Result<Metric, String> {
    match unit.trim_end_matches('s') {
        "image" => Ok(Metric::Image),
        "megapixel" => Ok(Metric::Megapixel),
        _ => Err(unit.to_owned()),
    }
}

/// An amount as it is written: a number of JSON stands there in its own digits, very small ones with an exponent.
fn decimal(value: &Value) -> Option<Decimal> {
    planner::money::decimal(&site::told::typed(value))
}

fn option(endpoint: &UpstreamAccess, name: &str) -> Result<Url, Failed> {
    let address = endpoint.options.get(name);
    let address = address.ok_or_else(|| format!("provider '{}' needs the option {name}", endpoint.provider))?;
    Ok(Url::parse(address)?)
}
