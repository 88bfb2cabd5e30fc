//! Models that no emulator knows work at once in the default sandbox, at every provider, by their TOML alone.

use std::fs;
use std::path::{Path, PathBuf};

use imaging::ImageFormat;
use serde_json::{Value, json};
use toml::Table;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::harness::{TestGateway, catalog, plain};

/// What the ids of models and of their offers end in here: nobody has ever heard of them.
const NEW: &str = "-next";

/// A model of the catalogue under a name of its own, with one offer, for a native model that is as new.
struct NewModel {
    provider: String,
    mode: &'static str,
    id: String,
    file: String,
}

fn toml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the catalogue") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            toml_files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// For each provider and mode the first model of the catalogue that anybody may call there.
fn new_models() -> Vec<NewModel> {
    let mut paths = Vec::new();
    toml_files(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog/models"),
        &mut paths,
    );
    paths.sort();
    let models: Vec<Table> = paths
        .iter()
        .map(|path| fs::read_to_string(path).expect("a model").parse().expect("TOML"))
        .collect();
    let mut found = Vec::new();
    for provider in catalog().providers().filter(|provider| !provider.sandbox_only) {
        for mode in ["text-to-image", "image-edit"] {
            let model = models.iter().find_map(|model| renewed(model, &provider.id, mode));
            found.extend(model);
        }
    }
    found
}

fn renewed(model: &Table, provider: &str, mode: &'static str) -> Option<NewModel> {
    let offer = model.get("offers")?.as_array()?.iter().find(|offer| {
        let is_open = ["requires", "retired", "sunset"]
            .iter()
            .all(|name| offer.get(name).is_none());
        is_open && offer["provider"].as_str() == Some(provider) && offer["modes"].get(mode).is_some()
    })?;
    let mut offer = offer.as_table()?.clone();
    let renew = |table: Option<&mut toml::Value>| {
        if let Some(id) = table.and_then(|table| table.get_mut("model")) {
            *id = format!("{}{NEW}", id.as_str().expect("an id")).into();
        }
    };
    renew(offer.get_mut("common"));
    for (_, fields) in offer.get_mut("modes")?.as_table_mut()? {
        renew(Some(fields));
    }
    let mut file = model.clone();
    let id = format!("{}-{provider}-{mode}", file["id"].as_str()?);
    file.insert("id".to_owned(), id.clone().into());
    file.insert("offers".to_owned(), vec![offer].into());
    for name in ["aliases", "successor", "alternative_names", "featured"] {
        file.remove(name);
    }
    Some(NewModel {
        provider: provider.to_owned(),
        mode,
        id,
        file: toml::to_string(&file).expect("TOML again"),
    })
}

/// The files that CONTRIBUTING gives as examples, by the names that it gives them.
fn examples() -> Vec<(String, String)> {
    let guide = include_str!("../../../../CONTRIBUTING.md");
    let blocks = guide.split("```toml\n").collect::<Vec<_>>();
    let named = blocks.windows(2).filter_map(|pair| {
        let name = pair[0].rsplit('`').find(|word| word.ends_with(".toml"))?;
        let name = name.strip_prefix("catalog/")?;
        let text = pair[1].split("```").next()?;
        Some((name.to_owned(), text.to_owned()))
    });
    named.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_of_the_guide_add_a_model_and_a_provider() {
    let examples = examples();
    assert_eq!(examples.len(), 2, "a model and a provider");
    let mut files: Vec<(&str, String)> = examples
        .iter()
        .map(|(name, text)| (name.as_str(), text.clone()))
        .collect();
    // The model at the provider, as offers name it.
    let moved = examples[0]
        .1
        .replace("dream-1", "dream-2")
        .replace("provider = \"fal\"", "provider = \"dreamland\"");
    files.push(("models/acme/dream-2.toml", moved));
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let gateway = TestGateway::embedded_with_catalog(&files).await;
    for (model, provider) in [("dream-1", "fal"), ("dream-2", "dreamland")] {
        let body = json!({"model": model, "prompt": "a lighthouse at dusk", "aspect_ratio": "16:9", "seed": 7});
        let answer = gateway.generate(body).await.ok();
        assert_eq!(answer["metadata"]["provider"], provider);
        assert_eq!(answer["metadata"]["cost"], 0.03);
        gateway.image(&answer, 0).await;
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_model_s_file_is_enough_at_every_provider() {
    let models = new_models();
    let providers = catalog().providers().filter(|provider| !provider.sandbox_only).count();
    assert!(
        models.len() >= providers,
        "{} models at {providers} providers",
        models.len()
    );
    let names: Vec<String> = models.iter().map(|model| format!("models/{}.toml", model.id)).collect();
    let files: Vec<(&str, &str)> = names
        .iter()
        .zip(&models)
        .map(|(name, model)| (name.as_str(), model.file.as_str()))
        .collect();
    let gateway = TestGateway::embedded_with_catalog(&files).await;
    let image = STANDARD.encode(plain((512, 512), [40, 90, 160, 255], ImageFormat::Png));
    let image = format!("data:image/png;base64,{image}");
    let mut refused = Vec::new();
    for model in &models {
        let body = json!({"model": model.id, "prompt": "a lighthouse at dusk", "response_format": "b64_json"});
        let reply = if model.mode == "image-edit" {
            let mut body = body;
            body["images"] = json!([{ "image_url": image }]);
            gateway.edit_json(body).await
        } else {
            gateway.generate(body).await
        };
        if !reply.status.is_success() {
            refused.push(format!("{} at {}: {}", model.id, model.provider, reply.text()));
            continue;
        }
        let answer: Value = reply.ok();
        assert_eq!(answer["metadata"]["sandbox"], true, "{}", model.id);
        gateway.image(&answer, 0).await;
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    gateway.finish().await;
}
