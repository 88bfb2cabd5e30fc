//! Models and versions as Replicate tells them, with the OpenAPI schema of each model's inputs.

use super::input::default_value;
use super::models::{Default, Input, Kind, Model};
use serde_json::{Map, Value, json};

/// When all versions here were made, as far as callers are told.
const CREATED_AT: &str = "2026-01-01T00:00:00.000000Z";
/// A version of the packaging tool whose schemas need no corrections by clients.
const COG_VERSION: &str = "0.16.8";

/// A model as `GET /models/{owner}/{name}` tells it.
pub(super) fn model_body(model: &Model) -> Value {
    json!({
        "url": format!("https://replicate.com/{}", model.id),
        "owner": model.parts().0,
        "name": model.parts().1,
        "description": model.about,
        "visibility": "public",
        "github_url": null,
        "paper_url": null,
        "license_url": null,
        "run_count": 0,
        "cover_image_url": null,
        "default_example": null,
        "latest_version": version_body(model),
    })
}

/// All models as `GET /models` tells them.
pub(super) fn models_body() -> Value {
    let results: Vec<Value> = Model::all().map(model_body).collect();
    json!({"previous": null, "next": null, "results": results})
}

/// A model's only version.
pub(super) fn version_body(model: &Model) -> Value {
    json!({
        "id": model.version_id(),
        "created_at": CREATED_AT,
        "cog_version": COG_VERSION,
        "openapi_schema": openapi_schema(model),
    })
}

fn openapi_schema(model: &Model) -> Value {
    let mut schemas = Map::new();
    let mut properties = Map::new();
    for (order, field) in model.inputs.iter().enumerate() {
        properties.insert(field.name.to_owned(), property(field, order));
        if let Kind::Choice(allowed) = field.kind {
            let choice = json!({
                "enum": allowed, "type": "string", "title": field.name, "description": "An enumeration.",
            });
            schemas.insert(field.name.to_owned(), choice);
        }
    }
    let required: Vec<&str> = model
        .inputs
        .iter()
        .filter(|field| matches!(field.default, Default::Required))
        .map(|field| field.name)
        .collect();
    let input = json!({"type": "object", "title": "Input", "required": required, "properties": properties});
    schemas.insert("Input".to_owned(), input);
    let mut output = json!({"type": "string", "format": "uri"});
    if model.lists {
        output = json!({"type": "array", "items": output});
    }
    output["title"] = json!("Output");
    schemas.insert("Output".to_owned(), output);
    json!({
        "openapi": "3.0.2",
        "info": {"title": "Cog", "version": "0.1.0"},
        "paths": {},
        "components": {"schemas": schemas},
    })
}

fn property(field: &Input, order: usize) -> Value {
    let mut property = match field.kind {
        Kind::Choice(_) => {
            json!({"allOf": [{"$ref": format!("#/components/schemas/{}", field.name)}]})
        }
        Kind::Text => json!({"type": "string", "title": title(field.name)}),
        Kind::Secret => json!({
            "type": "string", "title": title(field.name), "format": "password", "writeOnly": true,
            "x-cog-secret": true,
        }),
        Kind::Boolean => json!({"type": "boolean", "title": title(field.name)}),
        Kind::AnyInteger => json!({"type": "integer", "title": title(field.name)}),
        Kind::Integer(least, most) => json!({
            "type": "integer", "title": title(field.name), "minimum": least, "maximum": most,
        }),
        Kind::Number(least, most) => json!({
            "type": "number", "title": title(field.name), "minimum": least, "maximum": most,
        }),
        Kind::Image => json!({"type": "string", "format": "uri", "title": title(field.name)}),
        Kind::Images => json!({
            "type": "array", "items": {"type": "string", "format": "uri"}, "title": title(field.name),
        }),
    };
    property["x-order"] = json!(order);
    property["description"] = json!(field.about);
    if let Some(default) = default_value(field) {
        property["default"] = default;
    } else if matches!(field.default, Default::Nothing) {
        property["nullable"] = json!(true);
    }
    property
}

/// `output_format` -> `Output Format`.
fn title(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_follows_the_table() {
        let model = Model::find("openai", "gpt-image-1").expect("the model is in the table");
        let schemas = &model_body(model)["latest_version"]["openapi_schema"]["components"]["schemas"];
        assert_eq!(schemas["Input"]["required"], json!(["prompt", "openai_api_key"]));
        assert_eq!(schemas["aspect_ratio"]["enum"], json!(["1:1", "3:2", "2:3"]));
        let properties = &schemas["Input"]["properties"];
        assert_eq!(properties["output_compression"]["maximum"], 100);
        assert_eq!(properties["output_format"]["default"], "webp");
        assert_eq!(properties["input_images"]["nullable"], true);
        assert_eq!(properties["number_of_images"]["title"], "Number Of Images");
        assert_eq!(schemas["Output"]["items"]["format"], "uri");
        let flex = Model::find("black-forest-labs", "flux-2-flex").expect("the model is in the table");
        let schemas = &model_body(flex)["latest_version"]["openapi_schema"]["components"]["schemas"];
        assert_eq!(
            schemas["Output"],
            json!({"type": "string", "format": "uri", "title": "Output"})
        );
        assert_eq!(schemas["Input"]["properties"]["guidance"]["minimum"], 1.5);
        assert_eq!(schemas["Input"]["properties"]["input_images"]["default"], json!([]));
    }
}
