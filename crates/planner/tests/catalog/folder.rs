//! Reading the shipped folder, and asking things of it.

use std::fs;
use std::path::{Path, PathBuf};

use planner::catalog::Catalog;
use planner::catalog::load::load;
use planner::catalog::model::Model;
use planner::catalog::offer::{ModeOffer, Offer};
use planner::fault::Fault;
use planner::format::Format;
use planner::mode::Mode;
use planner::request::{Endpoint, ImageRequest, InputFacts, Inputs, parse};
use planner::resolve::{Resolution, Resolved, resolve};
use serde_json::Value;

/// Every file of the folder that holds models, providers or parameters: name from the folder on, and text.
pub(crate) fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog");
    let mut files = vec![root.join("parameters.toml")];
    walk(&root.join("providers"), &mut files);
    walk(&root.join("models"), &mut files);
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(&root).expect("it was found below the folder");
        let name = name.to_str().expect("names are ASCII").replace('\\', "/");
        (name, fs::read_to_string(path).expect("a readable file"))
    };
    files.iter().map(read).collect()
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .expect("a readable folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(path);
        }
    }
}

pub(crate) fn catalog() -> Catalog {
    let sources = sources();
    let borrowed: Vec<(&str, &str)> = sources
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    load(&borrowed).unwrap_or_else(|mistakes| {
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        panic!("the catalogue has mistakes:\n{}", lines.join("\n"))
    })
}

pub(crate) fn model<'a>(catalog: &'a Catalog, id: &str) -> &'a Model {
    catalog.model(id).unwrap_or_else(|| panic!("no model {id}"))
}

pub(crate) fn offer<'a>(model: &'a Model, provider: &str) -> &'a Offer {
    model
        .offers
        .iter()
        .find(|offer| offer.provider == provider)
        .unwrap_or_else(|| panic!("no offer of {}", model.id))
}

pub(crate) fn mode_offer(catalog: &Catalog, id: &str, provider: &str, mode: Mode) -> ModeOffer {
    offer(model(catalog, id), provider)
        .in_mode(mode)
        .cloned()
        .unwrap_or_else(|| panic!("{id} at {provider} lacks {mode}"))
}

/// A request as it is read from JSON; the prompt is added where one is needed and none is given.
pub(crate) fn request(catalog: &Catalog, endpoint: Endpoint, fields: Value) -> ImageRequest {
    let Value::Object(mut fields) = fields else {
        panic!("a request is an object")
    };
    if !fields.contains_key("prompt") && !fields.contains_key("scale_factor") {
        fields.insert("prompt".to_owned(), Value::from("A red bicycle"));
    }
    let (request, faults) = parse(endpoint, &fields, false, catalog);
    assert_eq!(faults, [], "{fields:?}");
    request
}

/// Text to image, resolved for every offer of `id`.
pub(crate) fn generate<'a>(catalog: &'a Catalog, id: &str, fields: Value) -> Result<Resolution<'a>, Vec<Fault>> {
    let request = request(catalog, Endpoint::Generations, fields);
    resolve(catalog, model(catalog, id), &request, &Inputs::default())
}

/// An edit or an upscale, resolved for every offer of `id`.
pub(crate) fn edit<'a>(
    catalog: &'a Catalog,
    id: &str,
    fields: Value,
    inputs: &Inputs,
) -> Result<Resolution<'a>, Vec<Fault>> {
    let request = request(catalog, Endpoint::Edits, fields);
    resolve(catalog, model(catalog, id), &request, inputs)
}

pub(crate) fn at<'r, 'a>(resolution: &'r Resolution<'a>, provider: &str) -> &'r Resolved<'a> {
    let found = resolution
        .offers
        .iter()
        .find(|resolved| resolved.offer.provider == provider);
    found.unwrap_or_else(|| panic!("{provider} cannot serve it: {:?}", resolution.refusals))
}

pub(crate) fn png(width_px: u32, height_px: u32) -> InputFacts {
    InputFacts {
        format: Format::Png,
        width_px,
        height_px,
        has_alpha: true,
        is_plain: true,
        size_bytes: 1_000_000,
    }
}

pub(crate) fn images(images: &[InputFacts]) -> Inputs {
    Inputs {
        images: images.to_vec(),
        mask: None,
    }
}
