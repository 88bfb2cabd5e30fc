//! Every model of the Replicate emulator once: exact sizes, formats, prices, inputs that are used, and refusals.

mod cases;

use super::harness::{World, data_url, measure, pixels, plain, send};
use super::replicate::{create, fetch, get, predict};
use cases::{CASES, Case};
use imaging::{Bitmap, ImageFormat};
use reqwest::StatusCode;
use serde_json::{Value, json};

fn picture(rgba: [u8; 4]) -> String {
    data_url("image/png", &plain((300, 200), rgba, ImageFormat::Png))
}

impl Case {
    /// The whole input, with this picture.
    fn input(&self, picture: &str) -> Value {
        let text = self.input.replace("PICTURE", picture);
        let mut input: Value = serde_json::from_str(&text).expect("the case is JSON");
        input["prompt"] = json!("a harbor at dusk");
        input
    }

    /// The links of an output, whose form must be that of the model.
    fn links<'v>(&self, output: &'v Value) -> Vec<&'v Value> {
        match self.listed {
            None => vec![output],
            Some(count) => {
                let links = output.as_array().expect("a list of links");
                assert_eq!(links.len(), count, "{}", self.slug);
                links.iter().collect()
            }
        }
    }
}

#[tokio::test]
async fn every_model_makes_what_its_schema_says() {
    let world = World::start().await;
    let picture = picture([30, 60, 200, 255]);
    for case in CASES {
        let slug = case.slug;
        let prediction = predict(&world, slug, case.input(&picture)).await;
        assert_eq!(prediction["status"], "succeeded", "{slug}: {}", prediction["error"]);
        let links = case.links(&prediction["output"]);
        assert_eq!(prediction["metrics"]["image_count"], json!(links.len()), "{slug}");
        for link in links {
            assert!(
                link.as_str().is_some_and(|link| link.ends_with(case.ending)),
                "{slug}: {link}"
            );
            let file = fetch(&world, link).await;
            let (width, height, format) = measure(&file.body);
            assert_eq!((width, height), case.size_px, "{slug}");
            assert_eq!(file.header("content-type"), format.mime_type());
        }
    }
    let bill = world.bill("replicate").await;
    let entries = bill["entries"].as_array().expect("entries");
    assert_eq!(entries.len(), CASES.len());
    for (entry, case) in entries.iter().zip(CASES) {
        assert_eq!(
            (&entry["model"], &entry["micros"]),
            (&json!(case.slug), &json!(case.micros))
        );
    }
}

#[tokio::test]
async fn every_model_refuses_what_its_schema_does_not_have() {
    let world = World::start().await;
    let picture = picture([30, 60, 200, 255]);
    for case in CASES {
        let (field, value) = case.wrong;
        let mut input = case.input(&picture);
        input[field] = json!(value);
        let reply = send(create(&world, case.slug, &json!({ "input": input }))).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", case.slug);
        let problems = reply.json()["invalid_fields"].clone();
        assert_eq!(problems.as_array().map(Vec::len), Some(1), "{}: {problems}", case.slug);
        assert_eq!(problems[0]["field"], format!("input.{field}"));
        let kind = if field == "image" { "format" } else { "enum" };
        assert_eq!(problems[0]["type"], kind, "{}", case.slug);
    }
    assert_eq!(world.bill("replicate").await["entries"], json!([]));
}

#[tokio::test]
async fn required_inputs_are_asked_for() {
    let world = World::start().await;
    let models = get(&world, "/models").await.json();
    let models = models["results"].as_array().expect("a list").clone();
    assert_eq!(models.len(), CASES.len());
    for model in models {
        let slug = format!(
            "{}/{}",
            model["owner"].as_str().expect("an owner"),
            model["name"].as_str().expect("a name")
        );
        let required = &model["latest_version"]["openapi_schema"]["components"]["schemas"]["Input"]["required"];
        let reply = send(create(&world, &slug, &json!({"input": {}}))).await;
        let names = required.as_array().expect("a list").iter();
        let lines: String = names
            .map(|name| format!("- input: {} is required\n", name.as_str().expect("a name")))
            .collect();
        assert_eq!(reply.json()["detail"], json!(lines), "{slug}");
    }
}

/// The mean of red and of blue, 0 to 255.
fn red_and_blue(bitmap: &Bitmap) -> (f64, f64) {
    let count = (bitmap.rgba().len() / 4) as f64;
    let mean = |channel: usize| {
        let values = bitmap.rgba().iter().skip(channel).step_by(4);
        values.map(|value| f64::from(*value)).sum::<f64>() / count
    };
    (mean(0), mean(2))
}

#[tokio::test]
async fn edits_and_upscales_show_their_input() {
    let world = World::start().await;
    for (slug, field, more) in [
        ("black-forest-labs/flux-dev", "image", json!({"prompt_strength": 0.2})),
        ("black-forest-labs/flux-kontext-pro", "input_image", json!({})),
        (
            "black-forest-labs/flux-2-klein-4b",
            "images",
            json!({"output_megapixels": "0.25"}),
        ),
        ("google/nano-banana-2", "image_input", json!({})),
        ("google/upscaler", "image", json!({})),
    ] {
        let mut reds = Vec::new();
        for rgba in [[220, 30, 30, 255], [30, 30, 220, 255]] {
            let mut input = more.clone();
            input["prompt"] = json!("add a bird");
            let is_list = matches!(field, "images" | "image_input");
            input[field] = if is_list {
                json!([picture(rgba)])
            } else {
                json!(picture(rgba))
            };
            let prediction = predict(&world, slug, input).await;
            let output = &prediction["output"];
            let link = if output.is_array() { &output[0] } else { output };
            let (red, blue) = red_and_blue(&pixels(&fetch(&world, link).await.body));
            reds.push(red - blue);
        }
        assert!(reds[0] > reds[1] + 60.0, "{slug}: {reds:?}");
    }
}

#[tokio::test]
async fn strength_decides_how_much_is_left() {
    let world = World::start().await;
    let mut blues = Vec::new();
    for strength in [0.1, 0.95] {
        let input = json!({"prompt": "a red barn", "image": picture([20, 20, 230, 255]), "prompt_strength": strength,
                           "seed": 7, "output_format": "png"});
        let prediction = predict(&world, "black-forest-labs/flux-krea-dev", input).await;
        let file = fetch(&world, &prediction["output"][0]).await;
        blues.push(red_and_blue(&pixels(&file.body)).1);
    }
    assert!(blues[0] > blues[1] + 30.0, "{blues:?}");
}

#[tokio::test]
async fn more_pictures_than_a_model_takes_fail() {
    let world = World::start().await;
    let small = data_url("image/png", &plain((8, 8), [9, 9, 9, 255], ImageFormat::Png));
    for (slug, input, error) in [
        (
            "black-forest-labs/flux-2-dev",
            json!({"prompt": "a", "input_images": vec![&small; 5]}),
            "at most 4",
        ),
        (
            "google/nano-banana-pro",
            json!({"prompt": "a", "image_input": vec![&small; 15]}),
            "at most 14",
        ),
        (
            "bytedance/seedream-4.5",
            json!({"prompt": "a", "image_input": vec![&small; 14], "max_images": 2,
                   "sequential_image_generation": "auto"}),
            "cannot exceed 15",
        ),
        (
            "google/upscaler",
            json!({"image": data_url("image/png", &plain((1100, 1000), [9, 9, 9, 255], ImageFormat::Png)),
                   "upscale_factor": "x4"}),
            "4400x4000",
        ),
    ] {
        let prediction = predict(&world, slug, input).await;
        assert_eq!(
            (&prediction["status"], &prediction["output"]),
            (&json!("failed"), &Value::Null)
        );
        let told = prediction["error"].as_str();
        assert!(told.is_some_and(|text| text.contains(error)), "{slug}: {told:?}");
    }
    assert_eq!(world.bill("replicate").await["entries"], json!([]));
}

#[tokio::test]
async fn faults_strike_models_with_one_link_too() {
    let world = World::start().await;
    let prediction = predict(&world, "google/imagen-4-fast", json!({"prompt": "a [[fault: empty]]"})).await;
    assert_eq!(
        (&prediction["status"], &prediction["output"]),
        (&json!("succeeded"), &Value::Null)
    );
    world
        .fault(json!({"provider": "replicate", "fault": "huge=2MiB", "times": 1}))
        .await;
    let input = json!({"image": picture([9, 99, 9, 255])});
    let prediction = predict(&world, "google/upscaler", input).await;
    let file = fetch(&world, &prediction["output"]).await;
    assert_eq!(measure(&file.body).0, 600);
    assert!(file.body.len() > 2_000_000, "{}", file.body.len());
}
