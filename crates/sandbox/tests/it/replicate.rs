//! The Replicate emulator: models, predictions, files, webhooks and prices.

mod files;
mod lists;

use super::harness::{Reply, World, data_url, distance, measure, pixels, plain, send};
use imaging::ImageFormat;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

fn api(world: &World, method: Method, path: &str) -> RequestBuilder {
    world
        .request(method, &format!("/replicate/v1{path}"))
        .bearer_auth(sandbox::REPLICATE_CREDENTIAL)
}

pub(crate) fn create(world: &World, slug: &str, body: &Value) -> RequestBuilder {
    api(world, Method::POST, &format!("/models/{slug}/predictions")).json(body)
}

/// A prediction that is waited for.
pub(crate) async fn predict(world: &World, slug: &str, input: Value) -> Value {
    let body = json!({ "input": input });
    let reply = send(create(world, slug, &body).header("prefer", "wait")).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{slug}: {}", reply.text());
    reply.json()
}

pub(crate) async fn get(world: &World, path: &str) -> Reply {
    send(api(world, Method::GET, path)).await
}

pub(crate) async fn fetch(world: &World, url: &Value) -> Reply {
    send(world.client.get(url.as_str().expect("a link"))).await
}

/// Waits for a prediction's end by its event stream.
async fn stream(world: &World, prediction: &Value) -> String {
    fetch(world, &prediction["urls"]["stream"]).await.text()
}

/// The events of a stream: names and data.
fn events(text: &str) -> Vec<(&str, &str)> {
    text.split("\n\n")
        .filter(|event| !event.is_empty())
        .map(|event| {
            let line = |name: &str| {
                let mut lines = event.lines();
                let found = lines.find_map(|line| line.strip_prefix(name));
                found.expect("events have all fields")
            };
            assert!(!line("id: ").is_empty());
            (line("event: "), line("data: "))
        })
        .collect()
}

fn picture() -> String {
    data_url("image/png", &plain((800, 600), [20, 90, 30, 255], ImageFormat::Png))
}

#[tokio::test]
async fn every_model_draws_its_shapes_and_formats() {
    let world = World::start().await;
    for (slug, ratio, format, expected) in [
        ("openai/gpt-image-1", "3:2", "png", (1536, 1024)),
        ("openai/gpt-image-1-mini", "1:1", "jpeg", (1024, 1024)),
        ("openai/gpt-image-1.5", "2:3", "webp", (1024, 1536)),
        ("openai/gpt-image-2", "16:9", "webp", (2048, 1152)),
        ("openai/gpt-image-2", "1152x1536", "png", (1152, 1536)),
        ("openai/gpt-image-2", "auto", "png", (1024, 1024)),
        ("openai/gpt-image-2.5-flare", "4:3", "jpeg", (1536, 1152)),
        ("openai/gpt-image-2.5-sunburst", "1:1", "png", (1024, 1024)),
        ("black-forest-labs/flux-schnell", "21:9", "webp", (1536, 640)),
        ("black-forest-labs/flux-schnell", "9:16", "jpg", (768, 1344)),
    ] {
        let mut input = json!({"prompt": "a fox in the snow", "aspect_ratio": ratio, "output_format": format,
                               "openai_api_key": "sk-mine"});
        if slug.starts_with("openai") {
            input["quality"] = json!("low");
        }
        let prediction = predict(&world, slug, input).await;
        assert_eq!(prediction["status"], "succeeded", "{slug}: {prediction}");
        assert_eq!(prediction["metrics"]["image_count"], 1);
        let link = prediction["output"][0].as_str().expect("a link");
        assert!(link.ends_with(&format!(".{format}")), "{link}");
        let file = fetch(&world, &prediction["output"][0]).await;
        let (width, height, kind) = measure(&file.body);
        assert_eq!((width, height), expected, "{slug} {ratio}");
        assert_eq!(file.header("content-type"), kind.mime_type());
    }
}

#[tokio::test]
async fn a_prediction_tells_all_about_itself() {
    let world = World::start().await;
    let input = json!({"prompt": "abcdefgh", "openai_api_key": "sk-mine", "quality": "low"});
    let prediction = predict(&world, "openai/gpt-image-1", input).await;
    let id = prediction["id"].as_str().expect("an id");
    assert_eq!(id.len(), 26);
    assert_eq!(prediction["model"], "openai/gpt-image-1");
    assert_eq!(prediction["version"], "hidden");
    assert_eq!(
        prediction["input"],
        json!({"prompt": "abcdefgh", "openai_api_key": "[REDACTED]", "quality": "low"})
    );
    assert_eq!(
        (&prediction["error"], &prediction["data_removed"]),
        (&Value::Null, &json!(false))
    );
    assert_eq!(
        prediction["logs"],
        "Input text token count: 2\nInput image token count: 0\nOutput token count: 272\n"
    );
    for time in ["created_at", "started_at", "completed_at", "deadline"] {
        assert!(
            prediction[time].as_str().is_some_and(|time| time.ends_with('Z')),
            "{time}"
        );
    }
    assert!(prediction["metrics"]["predict_time"].is_f64());
    let base_url = world.sandbox.base_url();
    assert_eq!(
        prediction["urls"]["get"],
        format!("{base_url}/replicate/v1/predictions/{id}")
    );
    let again = get(&world, &format!("/predictions/{id}")).await;
    assert_eq!((again.status, again.json()), (StatusCode::OK, prediction));
}

#[tokio::test]
async fn seeds_repeat_and_outputs_differ() {
    let world = World::start().await;
    let slug = "black-forest-labs/flux-schnell";
    let input = |seed: Value| json!({"prompt": "a lighthouse", "seed": seed, "num_outputs": 2, "megapixels": "0.25", "output_format": "png"});
    let first = predict(&world, slug, input(Value::Null)).await;
    let logs = first["logs"].as_str().expect("logs");
    let seed = logs
        .lines()
        .find_map(|line| line.strip_prefix("Using seed: "))
        .expect("the seed is told");
    let seed: i64 = seed.parse().expect("a number");
    assert!(logs.contains("100%|"));
    let again = predict(&world, slug, input(json!(seed))).await;
    let other = predict(&world, slug, input(Value::Null)).await;
    let file = async |prediction: &Value, at: usize| fetch(&world, &prediction["output"][at]).await.body;
    let (one, two) = (file(&first, 0).await, file(&first, 1).await);
    assert_eq!(
        (one.clone(), two.clone()),
        (file(&again, 0).await, file(&again, 1).await)
    );
    assert!(distance(&pixels(&one), &pixels(&two)) > 2.0);
    assert_ne!(one, file(&other, 0).await);
    assert_eq!(measure(&one).0, 512);
}

#[tokio::test]
async fn states_follow_each_other() {
    let world = World::start().await;
    let body = json!({"input": {"prompt": "a [[fault: delay=2s]]", "num_outputs": 2, "megapixels": "0.25"}});
    let created = send(create(&world, "black-forest-labs/flux-schnell", &body)).await;
    assert_eq!(created.status, StatusCode::CREATED);
    let created = created.json();
    assert_eq!(
        (&created["status"], &created["output"]),
        (&json!("starting"), &Value::Null)
    );
    assert!(created.get("metrics").is_none());
    let id = created["id"].as_str().expect("an id");
    let path = format!("/predictions/{id}");
    assert_eq!(get(&world, &path).await.json()["status"], "starting");
    // The stream ends with the prediction; polling meanwhile must pass through "processing".
    let (text, seen) = tokio::join!(stream(&world, &created), async {
        loop {
            let status = get(&world, &path).await.json()["status"].clone();
            if status != "starting" {
                break status;
            }
        }
    });
    assert_eq!(seen, "processing");
    let done = get(&world, &path).await.json();
    assert_eq!(done["status"], "succeeded");
    let expected = [
        ("output", done["output"][0].as_str().expect("a link")),
        ("output", done["output"][1].as_str().expect("a link")),
        ("done", "{}"),
    ];
    assert_eq!(events(&text), expected);
}

#[tokio::test]
async fn waiting_ends_with_the_time_asked_for() {
    let world = World::start().await;
    let body = json!({"input": {"prompt": "a [[fault: delay=3s]]", "megapixels": "0.25"}});
    let request = || create(&world, "black-forest-labs/flux-schnell", &body);
    let reply = send(request().header("prefer", "wait=2")).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    // Official clients stop asking at any other status.
    assert_eq!(reply.json()["status"], "starting");
    let reply = send(request().header("prefer", "wait=60")).await;
    assert_eq!(
        (reply.status, &reply.json()["status"]),
        (StatusCode::CREATED, &json!("succeeded"))
    );
}

#[tokio::test]
async fn predictions_can_be_canceled() {
    let world = World::start().await;
    let body = json!({"input": {"prompt": "a [[fault: delay=900s]]"}});
    let created = send(create(&world, "black-forest-labs/flux-schnell", &body))
        .await
        .json();
    let id = created["id"].as_str().expect("an id");
    let cancel = |id: &str| api(&world, Method::POST, &format!("/predictions/{id}/cancel"));
    let canceled = send(cancel(id)).await;
    assert_eq!(
        (canceled.status, &canceled.json()["status"]),
        (StatusCode::OK, &json!("canceled"))
    );
    assert_eq!(send(cancel(id)).await.json()["status"], "canceled");
    assert_eq!(send(cancel("nobody")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        events(&stream(&world, &created).await),
        [("done", r#"{"reason":"canceled"}"#)]
    );

    let request = create(&world, "black-forest-labs/flux-schnell", &body).header("cancel-after", "1s");
    let late = send(request).await.json();
    stream(&world, &late).await;
    let path = format!("/predictions/{}", late["id"].as_str().expect("an id"));
    let late = get(&world, &path).await.json();
    assert_eq!(late["status"], "aborted", "it had not begun");
    assert!(late["deadline"].is_string());
    assert!(late.get("started_at").is_none());
    let nonsense = create(&world, "black-forest-labs/flux-schnell", &body).header("cancel-after", "soon");
    assert_eq!(send(nonsense).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(world.bill("replicate").await["entries"], json!([]));
}

#[tokio::test]
async fn invalid_input_is_told_field_by_field() {
    let world = World::start().await;
    let body = json!({"input": {"number_of_images": 0, "quality": "best"}});
    let reply = send(create(&world, "openai/gpt-image-1.5", &body)).await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    let problems = [
        ("input", "required", "prompt is required"),
        (
            "input.number_of_images",
            "number_gte",
            "Must be greater than or equal to 1",
        ),
        (
            "input.quality",
            "enum",
            r#"input.quality must be one of the following: "low", "medium", "high", "auto""#,
        ),
    ];
    let lines: String = problems
        .iter()
        .map(|(field, _, text)| format!("- {field}: {text}\n"))
        .collect();
    let fields: Vec<Value> = problems
        .iter()
        .map(|(field, kind, text)| json!({"type": kind, "field": field, "description": text}))
        .collect();
    assert_eq!(
        reply.json(),
        json!({"title": "Input validation failed", "detail": lines, "status": 422, "invalid_fields": fields})
    );
    let keyless = json!({"input": {"prompt": "a"}});
    for slug in ["openai/gpt-image-1", "openai/gpt-image-1-mini"] {
        let reply = send(create(&world, slug, &keyless)).await;
        assert_eq!(
            reply.json()["detail"],
            "- input: openai_api_key is required\n",
            "{slug}"
        );
    }
    let broken = api(&world, Method::POST, "/models/openai/gpt-image-2/predictions").body("{");
    assert_eq!(send(broken).await.status, StatusCode::BAD_REQUEST);
    let hook = json!({"input": {"prompt": "a"}, "webhook": "ftp://x/"});
    assert_eq!(
        send(create(&world, "openai/gpt-image-2", &hook)).await.json()["title"],
        "Invalid webhook"
    );
}

#[tokio::test]
async fn models_refuse_in_openais_words() {
    let world = World::start().await;
    for (slug, input, error) in [
        (
            "openai/gpt-image-2",
            json!({"prompt": "a", "background": "transparent"}),
            "Transparent background",
        ),
        (
            "openai/gpt-image-1.5",
            json!({"prompt": "a", "background": "transparent", "output_format": "jpeg"}),
            "Transparent background",
        ),
        (
            "openai/gpt-image-1",
            json!({"prompt": "a", "openai_api_key": "nonsense"}),
            "Incorrect API key",
        ),
        (
            "openai/gpt-image-2",
            json!({"prompt": "a", "input_images": ["https://example.org/a.png"]}),
            "no other hosts",
        ),
        (
            "openai/gpt-image-2",
            json!({"prompt": "a", "input_images": ["data:;base64,AAAA"]}),
            "Invalid image file",
        ),
    ] {
        let prediction = predict(&world, slug, input).await;
        assert_eq!(
            (&prediction["status"], &prediction["output"]),
            (&json!("failed"), &Value::Null)
        );
        assert!(
            prediction["error"].as_str().is_some_and(|text| text.contains(error)),
            "{prediction}"
        );
    }
    let input = json!({"prompt": "a cat", "background": "transparent", "output_format": "png", "quality": "low"});
    let prediction = predict(&world, "openai/gpt-image-2.5-flare", input).await;
    let file = fetch(&world, &prediction["output"][0]).await;
    assert!(pixels(&file.body).has_transparency());
}

#[tokio::test]
async fn the_bill_follows_the_published_prices() {
    let world = World::start().await;
    let cases = [
        (
            "openai/gpt-image-1",
            json!({"prompt": "a", "quality": "high", "openai_api_key": "sk-mine"}),
            0,
        ),
        (
            "openai/gpt-image-1.5",
            json!({"prompt": "a", "quality": "low", "number_of_images": 2}),
            26_000,
        ),
        (
            "openai/gpt-image-1.5",
            json!({"prompt": "a", "quality": "low", "openai_api_key": "sk-mine"}),
            0,
        ),
        (
            "openai/gpt-image-2",
            json!({"prompt": "a", "quality": "medium", "aspect_ratio": "16:9"}),
            47_000,
        ),
        ("openai/gpt-image-2", json!({"prompt": "a"}), 128_000),
        (
            "openai/gpt-image-2.5-sunburst",
            json!({"prompt": "a", "quality": "max"}),
            500_000,
        ),
        ("openai/gpt-image-2.5-flare", json!({"prompt": "a"}), 250_000),
        (
            "black-forest-labs/flux-schnell",
            json!({"prompt": "a", "num_outputs": 4, "megapixels": "0.25"}),
            12_000,
        ),
    ];
    for (slug, input, _) in &cases {
        let prediction = predict(&world, slug, input.clone()).await;
        assert_eq!(prediction["status"], "succeeded", "{prediction}");
    }
    let bill = world.bill("replicate").await;
    let entries = bill["entries"].as_array().expect("entries");
    assert_eq!(entries.len(), cases.len());
    for (entry, (slug, _, micros)) in entries.iter().zip(&cases) {
        assert_eq!((&entry["model"], &entry["micros"]), (&json!(slug), &json!(micros)));
    }
}

#[tokio::test]
async fn tokens_are_asked_for() {
    let world = World::start().await;
    for (path, method) in [
        ("/account", Method::GET),
        ("/predictions", Method::GET),
        ("/predictions", Method::POST),
        ("/models/openai/gpt-image-2", Method::GET),
        ("/models/openai/gpt-image-2/predictions", Method::POST),
        ("/files", Method::POST),
        ("/webhooks/default/secret", Method::GET),
    ] {
        let request = || world.request(method.clone(), &format!("/replicate/v1{path}"));
        for request in [
            request(),
            request().bearer_auth("r8_invalid"),
            request().bearer_auth("sk-x"),
        ] {
            let reply = send(request).await;
            assert_eq!(
                (reply.status.as_u16(), reply.json()),
                (
                    401,
                    json!({"title": "Unauthenticated", "detail": "You did not pass a valid authentication token", "status": 401})
                ),
                "{path}"
            );
        }
    }
    let old = world
        .request(Method::GET, "/replicate/v1/account")
        .header("authorization", "Token r8_sandbox");
    assert_eq!(send(old).await.status, StatusCode::OK);
    let lost = get(&world, "/deployments").await;
    assert_eq!((lost.status.as_u16(), &lost.json()["status"]), (404, &json!(404)));
}
