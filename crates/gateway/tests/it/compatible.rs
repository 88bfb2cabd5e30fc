//! Servers of one's own that speak OpenAI's protocol with differences: added by TOML alone, and used.

use gateway::settings::{ProviderSettings, Settings};
use imaging::ImageFormat;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use super::harness::{TestGateway, decoded, file, half_mask, plain, size_of};

/// LocalAI: no credential, its own path for edits, masks whose white is edited, one `image`.
const LOCALAI: &str = r#"
id = "localai"
name = "The server in the house"
protocol = "openai"
base_url = "http://127.0.0.1:8080/v1"
no_credential = true

[options]
auth = "none"
edits_path = "images/inpainting"
image_field = "image"
"#;

const PAINTER: &str = r#"
id = "house-painter"
name = "House Painter"
description = "Draws and repaints in the house."
creator = "house"
creator_name = "The House"
default_size = "512x512"

[parameters.step]
kind = "integer"
description = "Steps of drawing."
min = 1
max = 50

[[offers]]
provider = "localai"

[offers.common]
model = "stable-diffusion"
max_n = 4
sizes = { range = { min_edge_px = 64, max_edge_px = 1024, multiple_of = 8 } }

[offers.common.fields]
prompt = {}

[offers.modes.text-to-image]
constants = { response_format = "b64_json" }

[offers.modes.text-to-image.fields]
n = {}
size = { form = "wxh" }
step = {}

[offers.modes.image-edit]
sizes = {}
inputs = { max = 1, formats = ["png"], mask = "white" }

[offers.modes.image-edit.fields]
image = { form = "file" }
mask = { form = "file" }

[offers.pricing]
source = "our own electricity"
as_of = "2026-11-01"
"#;

const SKETCHER: &str = r#"
id = "house-sketcher"
name = "House Sketcher"
description = "Draws only, in one size."
creator = "house"
creator_name = "The House"
default_size = "256x256"

[[offers]]
provider = "localai"

[offers.common]
model = "tiny-diffusion"
sizes = { listed = ["256x256"] }
constants = { response_format = "url" }

[offers.common.fields]
prompt = {}
size = { form = "wxh" }

[offers.modes.text-to-image]

[offers.pricing]
source = "our own electricity"
as_of = "2026-11-01"
"#;

fn files() -> Vec<(&'static str, &'static str)> {
    vec![
        ("providers/localai.toml", LOCALAI),
        ("models/house-painter.toml", PAINTER),
        ("models/house-sketcher.toml", SKETCHER),
    ]
}

/// Leads the provider to an emulator of such a server.
fn at(path: &'static str) -> impl FnOnce(&mut Settings) {
    move |settings| {
        let openai = settings.providers["openai"].base_url.clone().expect("an address");
        let sandbox = openai.trim_end_matches("/openai/v1");
        settings.providers.insert(
            "localai".to_owned(),
            ProviderSettings {
                base_url: Some(format!("{sandbox}{path}")),
                ..ProviderSettings::default()
            },
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_two_models_is_added_by_three_files() {
    let gateway = TestGateway::with_catalog(&files(), at("/localai/v1")).await;
    let models = gateway.get("/openai/v1/models").await.ok();
    let own: Vec<&Value> = models["data"]
        .as_array()
        .expect("models")
        .iter()
        .filter(|one| one["creator"] == "house")
        .collect();
    assert_eq!(own.len(), 2);
    assert!(own.iter().all(|one| one["available"] == true && one["free"] == true));
    let body = json!({ "model": "house-painter", "prompt": "a barn", "n": 2, "size": "300x200", "output_format": "webp", "step": 8,
        "response_format": "b64_json" });
    let answer = gateway.generate(body).await.ok();
    assert_eq!(size_of(&gateway.image(&answer, 1).await), (304, 200));
    assert_eq!(
        (&answer["output_format"], &answer["metadata"]["cost"]),
        (&json!("webp"), &json!(0.0))
    );
    assert!(answer["metadata"]["sandbox"].is_null(), "to the gateway it is real");
    let link = gateway
        .generate(json!({ "model": "house-sketcher", "prompt": "a barn", "aspect_ratio": "16:9" }))
        .await
        .ok();
    assert_eq!(size_of(&gateway.image(&link, 0).await), (256, 256));
    // It draws only.
    let form = Form::new().text("model", "house-sketcher").text("prompt", "night");
    gateway
        .edit(form.part("image", file(plain((64, 64), [9, 9, 9, 255], ImageFormat::Png))))
        .await
        .fault("model");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mask_is_turned_to_what_the_server_reads() {
    let gateway = TestGateway::with_catalog(&files(), at("/localai/v1")).await;
    let red = plain((512, 512), [220, 20, 20, 255], ImageFormat::Png);
    let form = Form::new()
        .text("model", "house-painter")
        .text("prompt", "a boat")
        .text("response_format", "b64_json");
    let form = form
        .part("image", file(red.clone()))
        .part("mask", file(half_mask((512, 512))));
    let answer = gateway.edit(form).await.ok();
    // The server's own size.
    assert_eq!(answer["size"], "512x512");
    let (before, after) = (decoded(&red), decoded(&gateway.image(&answer, 0).await));
    let changed = |columns: std::ops::Range<usize>| {
        let rows = before.rgba().chunks(512 * 4).zip(after.rgba().chunks(512 * 4));
        let differs = |(a, b): (&[u8], &[u8])| {
            columns
                .clone()
                .filter(|x| a[x * 4..x * 4 + 3] != b[x * 4..x * 4 + 3])
                .count()
        };
        rows.map(differs).sum::<usize>()
    };
    let (left, right) = (changed(0..230), changed(282..512));
    assert!(
        left > 8 * right,
        "{left} pixels changed where the mask is clear, {right} where it is not"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn azure_wants_its_own_header_path_and_version() {
    let azure = r#"
id = "azure"
name = "Azure OpenAI"
protocol = "openai"
base_url = "https://resource.openai.azure.com"
credential_variable = "PICTOR_AZURE_API_KEY"

[options]
auth_header = "api-key"
api_version = "2025-04-01-preview"
generations_path = "openai/deployments/{model}/images/generations"
edits_path = "openai/deployments/{model}/images/edits"
send_model = "false"
"#;
    let model = r#"
id = "our-deployment"
name = "Our deployment"
description = "GPT Image 1.5 on our own resource."
creator = "openai"
creator_name = "OpenAI"

[[offers]]
provider = "azure"

[offers.common]
model = "gpt-image-1.5"
max_n = 10
sizes = { listed = ["1024x1024", "1536x1024", "1024x1536"], auto = true }

[offers.common.fields]
prompt = {}
n = {}
size = { form = "wxh" }
quality = { values = ["low", "medium", "high", "auto"] }

[offers.modes.text-to-image]

[offers.pricing]
source = "our contract"
as_of = "2026-11-01"
components = [{ type = "output", metric = "image", unit_price = "0.02" }]
"#;
    let files = [("providers/azure.toml", azure), ("models/our-deployment.toml", model)];
    let gateway = TestGateway::with_catalog(&files, |settings| {
        let openai = settings.providers["openai"].base_url.clone().expect("an address");
        let sandbox = openai.trim_end_matches("/openai/v1");
        let own = ProviderSettings {
            credential: Some("azure-key".to_owned()),
            base_url: Some(format!("{sandbox}/azure")),
            ..ProviderSettings::default()
        };
        settings.providers.insert("azure".to_owned(), own);
    })
    .await;
    let body = json!({ "model": "our-deployment", "prompt": "a barn", "quality": "low", "size": "1536x1024", "response_format": "b64_json" });
    let answer = gateway.generate(body).await.ok();
    assert_eq!(size_of(&gateway.image(&answer, 0).await), (1536, 1024));
    assert_eq!(answer["metadata"]["cost"], 0.02);
    gateway.finish().await;
}
