//! The catalogue, described.

use serde_json::{Value, json};

use super::reference;

/// Models as they are told.
pub(super) fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": text });
    let maybe = json!({ "type": ["string", "null"] });
    let day = json!({ "type": ["string", "null"], "format": "date" });
    let flag = json!({ "type": "boolean" });
    let start = json!({ "type": ["object", "null"], "required": ["provider", "conditions"], "properties": {
        "provider": text,
        "conditions": { "type": "object", "description": "What must be asked for; null where nothing must.", "properties": { "quality": maybe, "size": maybe } } } });
    let size = json!({ "type": "object", "required": ["size", "aspect_ratio", "resolution", "nominal"], "properties": {
        "size": text, "aspect_ratio": text, "resolution": text,
        "nominal": { "type": "boolean", "description": "Whether the size is a label of the ratio and tier, and the true output is measured." } } });
    json!({
        "ModelList": { "type": "object", "required": ["object", "data"], "properties": {
            "object": { "const": "list" }, "data": { "type": "array", "items": reference("Model") } } },
        "Model": { "type": "object", "required": ["id", "object", "created", "owned_by", "name", "description", "creator", "modes", "status", "model_status", "available", "providers", "starting_price"], "properties": {
            "id": text, "object": { "const": "model" },
            "created": { "type": "integer", "minimum": 1, "description": "The day of its release, or of its first figure in the catalogue, in Unix seconds." },
            "owned_by": text, "name": text, "description": text, "creator": text, "creator_organization": text,
            "modality": { "const": "image" },
            "modes": { "type": "array", "items": { "enum": ["text-to-image", "image-edit", "upscale"] } },
            "capabilities": texts,
            "status": { "enum": ["enabled", "disabled"] },
            "model_status": { "enum": ["active", "deprecated", "retired"] },
            "available": flag, "sunset": day, "successor": maybe, "featured": flag, "free": flag,
            "tags": texts, "aliases": texts, "alternative_names": texts,
            "starting_price": { "type": ["number", "null"], "minimum": 0, "description": "Dollars for one image: the least at any live offer over the qualities that it takes and the sizes that it lists. What goes in is not counted." },
            "starting_price_offer": start,
            "providers": texts, "image_url": maybe, "model_page_path": text,
            "schema": { "type": "object", "description": "JSON Schema of a request; with ?schema=true, as what follows." },
            "sizes": { "type": "array", "items": size },
            "size_range": { "type": ["object", "null"], "description": "Bounds between which any size may be named." },
            "offers": { "type": "array", "items": reference("Offer") } } },
        "Offer": { "type": "object", "required": ["provider", "modes", "pricing", "lifecycle"], "properties": {
            "provider": text,
            "modes": { "type": "object", "description": "What holds in each mode.", "additionalProperties": reference("OfferMode") },
            "requires": { "type": "array", "items": text, "description": "Arguments without which it is not tried." },
            "pricing": { "type": "object", "required": ["currency", "source", "as_of", "components"], "properties": {
                "currency": { "const": "USD" }, "source": text, "as_of": { "type": "string", "format": "date" },
                "basis": { "enum": ["reported", "usage", "table"] }, "notes": texts, "auto_quality": maybe,
                "components": { "type": "array", "items": { "type": "object" } } } },
            "lifecycle": { "type": "object", "required": ["status", "retired"], "properties": {
                "status": { "enum": ["active", "deprecated", "retired", "switched off"] },
                "released": day, "sunset": day, "end_confirmed": day, "still_served": day, "retired": flag } } } },
        "OfferMode": { "type": "object", "required": ["model", "max_n", "default_format", "sizes", "parameters", "passthrough"], "properties": {
            "model": { "type": "string", "description": "The provider's own id." },
            "max_n": { "type": "integer", "minimum": 1, "description": "Images of one call; more come in several." },
            "default_format": text,
            "sizes": { "type": "object" },
            "inputs": { "type": ["object", "null"], "description": "How many input images it takes, in which formats, and their limits." },
            "scale": { "type": "number" },
            "parameters": { "type": "object", "description": "The parameters that it takes, by their names here.", "additionalProperties": reference("OfferParameter") },
            "passthrough": { "type": "array", "items": text, "description": "Further fields that the provider documents. A request may hold them by these names; they go through unchanged." } } },
        "OfferParameter": { "type": "object", "required": ["native", "handling"], "properties": {
            "native": { "type": "string", "description": "Its name there." },
            "handling": { "enum": ["passthrough", "renamed", "converted", "emulated", "unsupported"] },
            "type": text,
            "values": { "type": "array", "items": {}, "description": "The values that this offer takes, in the words of this API." },
            "min": { "type": "number" }, "max": { "type": "number" },
            "min_chars": { "type": "integer" }, "max_chars": { "type": "integer" },
            "default": { "description": "What holds there when nothing is sent." } } },
    })
}
