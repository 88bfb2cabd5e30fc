//! fal's platform API, which tells of endpoints and their prices and takes no calls: `/fal/api/v1/models` and
//! `/fal/api/v1/models/pricing`.

use super::call::authorize;
use super::endpoints::{Bounds, Endpoint, Images, Kind, Price, Sizes};
use super::errors::{plain, respond};
use crate::refused::Refused;
use crate::wire;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};

/// Endpoints of one question, by the documentation.
const MOST: usize = 50;
/// And when their schemas are asked for too.
const MOST_WITH_SCHEMA: usize = 10;

/// The endpoints that a question names, and whether schemas are wanted.
struct Asked {
    ids: Vec<String>,
    with_schema: bool,
}

fn read(query: Option<&str>) -> Result<Asked, Refused> {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .into_owned()
        .collect();
    let of = |name: &str| {
        let own = pairs.iter().filter(move |(own, _)| own == name);
        // A list may stand in one value as well.
        own.flat_map(|(_, value)| value.split(','))
            .map(ToOwned::to_owned)
            .collect::<Vec<String>>()
    };
    let (ids, with_schema) = (of("endpoint_id"), of("expand").iter().any(|name| name == "openapi-3.0"));
    let most = if with_schema { MOST_WITH_SCHEMA } else { MOST };
    if ids.len() > most {
        return Err(plain(400, format!("At most {most} endpoint IDs are allowed.")));
    }
    Ok(Asked { ids, with_schema })
}

/// `GET /models`: those that are named. One that is not known comes back with its id alone.
pub(super) async fn models(RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    // A key is not asked for, but a wrong one is refused.
    if headers.contains_key("authorization")
        && let Err(failure) = authorize(&headers)
    {
        return respond(failure, None);
    }
    let asked = match read(query.as_deref()) {
        Ok(asked) => asked,
        Err(failure) => return respond(failure, None),
    };
    let one = |id: &String| {
        let Some(endpoint) = Endpoint::find(id) else {
            return json!({ "endpoint_id": id });
        };
        let category = if endpoint.images == Images::None {
            "text-to-image"
        } else {
            "image-to-image"
        };
        let mut told = json!({ "endpoint_id": id, "metadata": {
            "display_name": id, "category": category, "description": "A sandbox endpoint.", "status": "active", "tags": [],
            "updated_at": "2026-01-01T00:00:00Z", "is_favorited": false, "model_url": format!("https://fal.run/{id}"),
            "date": "2026-01-01T00:00:00Z", "highlighted": false, "pinned": false } });
        if asked.with_schema {
            told["openapi"] = openapi(endpoint);
        }
        told
    };
    let models: Vec<Value> = asked.ids.iter().map(one).collect();
    wire::json(
        StatusCode::OK,
        &json!({ "models": models, "next_cursor": null, "has_more": false }),
    )
}

/// `GET /models/pricing`.
pub(super) async fn pricing(RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    if let Err(failure) = authorize(&headers) {
        return respond(failure, None);
    }
    let asked = match read(query.as_deref()) {
        Ok(asked) => asked,
        Err(failure) => return respond(failure, None),
    };
    let known = asked.ids.iter().filter_map(|id| Endpoint::find(id));
    let prices: Vec<Value> = known.filter_map(price).collect();
    wire::json(
        StatusCode::OK,
        &json!({ "prices": prices, "next_cursor": null, "has_more": false }),
    )
}

/// One unit price an endpoint: what goes by quality, size or a flag is told by its plain form.
fn price(endpoint: &Endpoint) -> Option<Value> {
    let (unit, micros) = match endpoint.price {
        Price::Picture(each) => ("images", each),
        Price::Word { field, micros, .. } => ("images", by_default(endpoint, field, micros)?),
        Price::Megapixels { first, .. } => ("megapixels", first),
        Price::WordMegapixels { field, micros } => ("megapixels", by_default(endpoint, field, micros)?),
        Price::Steps(steps) => ("images", steps.first()?.1),
        Price::Table { .. } | Price::GptTokens { .. } => return None,
    };
    let dollars = micros as f64 / 1e6;
    Some(json!({ "endpoint_id": endpoint.id, "unit_price": dollars, "unit": unit, "currency": "USD" }))
}

/// The price at the default of the field that it goes by.
fn by_default(endpoint: &Endpoint, field: &str, micros: &[(&str, i64)]) -> Option<i64> {
    let own = endpoint.fields.iter().find(|own| own.name == field);
    let default = match own.map(|own| own.kind) {
        Some(Kind::Word {
            default: Some(default), ..
        }) => default,
        _ => "1K",
    };
    let found = micros.iter().find(|(begin, _)| default.starts_with(begin));
    found.map(|(_, each)| *each)
}

/// The endpoint's OpenAPI document, as far as its input goes.
fn openapi(endpoint: &Endpoint) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    if endpoint.takes_prompt {
        required.push("prompt");
        properties.insert("prompt".to_owned(), json!({ "type": "string", "title": "Prompt" }));
    }
    match endpoint.images {
        Images::None => {}
        Images::One { field, required: must } => {
            properties.insert(field.to_owned(), json!({ "type": "string" }));
            required.extend(must.then_some(field));
        }
        Images::Png { field } => {
            properties.insert(field.to_owned(), json!({ "type": "string" }));
            required.push(field);
        }
        Images::Many { field, .. } => {
            properties.insert(
                field.to_owned(),
                json!({ "type": "array", "items": { "type": "string" } }),
            );
            required.push(field);
        }
    }
    if let Some(mask) = endpoint.mask_field {
        properties.insert(mask.to_owned(), json!({ "type": "string" }));
    }
    properties.extend(sizes(endpoint.sizes));
    for field in endpoint.fields {
        properties.insert(field.name.to_owned(), property(field.kind));
    }
    if let [first, _, ..] = endpoint.formats {
        let format = json!({ "type": "string", "enum": endpoint.formats, "default": first });
        properties.insert("output_format".to_owned(), format);
    }
    if let Some((least, most)) = endpoint.count {
        let count = json!({ "type": "integer", "minimum": least, "maximum": most, "default": 1 });
        properties.insert("num_images".to_owned(), count);
    }
    if endpoint.has_sync_mode {
        properties.insert("sync_mode".to_owned(), json!({ "type": "boolean", "default": false }));
    }
    if endpoint.has_seed {
        properties.insert(
            "seed".to_owned(),
            json!({ "anyOf": [{ "type": "integer" }, { "type": "null" }] }),
        );
    }
    let input = json!({ "type": "object", "title": "Input", "required": required, "properties": properties });
    let body = json!({ "$ref": "#/components/schemas/SandboxInput" });
    json!({
        "openapi": "3.0.4",
        "info": { "title": endpoint.id, "version": "1.0.0" },
        "paths": { format!("/{}", endpoint.id): { "post": {
            "requestBody": { "required": true, "content": { "application/json": { "schema": body } } } } } },
        "components": { "schemas": { "SandboxInput": input } },
    })
}

fn sizes(sizes: Sizes) -> Map<String, Value> {
    let mut properties = Map::new();
    match sizes {
        Sizes::ImageSize { words, bounds, .. } => {
            let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
            let mut forms = vec![json!({ "type": "string", "enum": names })];
            if bounds != Bounds::Words {
                forms.insert(
                    0,
                    json!({ "type": "object", "properties": { "width": {}, "height": {} } }),
                );
            }
            properties.insert("image_size".to_owned(), json!({ "anyOf": forms }));
        }
        Sizes::Ratio {
            shapes,
            auto,
            default,
            tiers,
        } => {
            let names = shapes.iter().map(|(name, _)| *name).chain(auto.then_some("auto"));
            let names: Vec<&str> = names.collect();
            let default = default.or(auto.then_some("auto"));
            properties.insert(
                "aspect_ratio".to_owned(),
                json!({ "type": "string", "enum": names, "default": default }),
            );
            if !tiers.is_empty() {
                let tier = json!({ "type": "string", "enum": tiers, "default": "1K" });
                properties.insert("resolution".to_owned(), tier);
            }
        }
        Sizes::AnyRatio { default, .. } => {
            properties.insert(
                "aspect_ratio".to_owned(),
                json!({ "type": "string", "default": default }),
            );
        }
        // The factor of `Times` stands among the further fields.
        Sizes::Input | Sizes::Times { .. } => {}
    }
    properties
}

fn property(kind: Kind) -> Value {
    match kind {
        Kind::Word {
            of,
            default: Some(default),
        } => json!({ "type": "string", "enum": of, "default": default }),
        Kind::Word { of, default: None } => json!({ "anyOf": [{ "type": "string", "enum": of }, { "type": "null" }] }),
        Kind::Flag(default) => json!({ "type": "boolean", "default": default }),
        Kind::Integer(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Kind::Number(least, most) => json!({ "type": "number", "minimum": least, "maximum": most }),
        Kind::Text => json!({ "anyOf": [{ "type": "string" }, { "type": "null" }] }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Colors | Kind::Objects => json!({ "type": "array", "items": { "type": "object" } }),
        Kind::Object => json!({ "type": "object" }),
    }
}
