//! Every model of the fal emulator beside the GPT Image ones: sizes, inputs, refusals, forms of results and prices.

use super::harness::{Reply, World, data_url, distance, measure, pixels, plain, send};
use imaging::ImageFormat;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

async fn run(world: &World, endpoint: &str, body: &Value) -> Reply {
    let key = format!("Key {}", sandbox::FAL_CREDENTIAL);
    let request = world
        .request(Method::POST, &format!("/fal/run/{endpoint}"))
        .header("authorization", key);
    send(request.json(body)).await
}

async fn fetch(world: &World, url: &Value) -> Reply {
    send(world.client.get(url.as_str().expect("a link"))).await
}

fn picture(size_px: (u32, u32)) -> String {
    data_url("image/png", &plain(size_px, [200, 30, 30, 255], ImageFormat::Png))
}

/// The field of the links to input images, by the form of the endpoint's name.
fn with_inputs(endpoint: &str, mut body: Value) -> Value {
    let input = picture((96, 64));
    let one = [
        "kontext",
        "kontext/max",
        "reve/edit",
        "upscale/crisp",
        "crystal-upscaler",
        "qwen-image-edit",
        "flux-kontext/dev",
        "upscale/image",
        "clarity-upscaler",
    ];
    if one.iter().any(|end| endpoint.ends_with(end)) {
        body["image_url"] = json!(input);
    } else if endpoint.ends_with("reference-to-image") {
        body["reference_image_urls"] = json!([input]);
    } else if endpoint.ends_with("/edit") || endpoint.contains("-edit-") {
        body["image_urls"] = json!([input, picture((64, 64))]);
    }
    body
}

/// One endpoint each: fields of a good call, the size, format and price (USD 1e-6) that come of it, and a field that
/// is refused. The inputs of edits are 96x64 and 64x64, on the bill a megapixel each.
const FLUX: &str = r#"
fal-ai/flux/dev | {"image_size": "square"} | 512x512 jpeg | 25000 | {"acceleration": "turbo"}
fal-ai/flux/krea | {"image_size": {"width": 512, "height": 528}} | 512x528 jpeg | 25000 | {"acceleration": null}
fal-ai/flux-pro/v1.1 | {"image_size": "portrait_16_9"} | 576x1024 jpeg | 40000 | {"safety_tolerance": "7"}
fal-ai/flux-pro/v1.1-ultra | {} | 2752x1536 jpeg | 60000 | {"safety_tolerance": "7"}
fal-ai/flux-pro/kontext/text-to-image | {"aspect_ratio": "21:9"} | 1568x672 jpeg | 40000 | {"aspect_ratio": "3:1"}
fal-ai/flux-pro/kontext | {} | 1248x832 jpeg | 40000 | {"aspect_ratio": "3:1"}
fal-ai/flux-pro/kontext/max/text-to-image | {} | 1024x1024 jpeg | 80000 | {"safety_tolerance": "7"}
fal-ai/flux-pro/kontext/max | {"aspect_ratio": "9:16", "output_format": "png"} | 752x1392 png | 80000 | {"output_format": "gif"}
fal-ai/flux-2 | {"image_size": {"width": 1040, "height": 1024}} | 1040x1024 png | 24000 | {"acceleration": "turbo"}
fal-ai/flux-2/edit | {"output_format": "webp"} | 768x512 webp | 36000 | {"num_inference_steps": 3}
fal-ai/flux-2/flash | {"image_size": {"width": 512, "height": 528}} | 512x528 png | 5000 | {"image_size": "auto"}
fal-ai/flux-2/turbo | {"image_size": {"width": 512, "height": 528}} | 512x528 png | 8000 | {"output_format": "gif"}
fal-ai/flux-2/klein/4b | {} | 1024x768 png | 5000 | {"output_format": "gif"}
fal-ai/flux-2/klein/4b/edit | {} | 96x64 png | 30000 | {"output_format": "gif"}
fal-ai/flux-2/klein/9b | {"image_size": {"width": 512, "height": 528}} | 512x528 png | 6000 | {"output_format": "gif"}
fal-ai/flux-2/klein/9b/edit | {"image_size": {"width": 512, "height": 528}} | 512x528 png | 33000 | {"num_inference_steps": 9}
fal-ai/flux-2-pro | {"image_size": {"width": 1040, "height": 1024}} | 1040x1024 jpeg | 45000 | {"safety_tolerance": "6"}
fal-ai/flux-2-pro/edit | {"image_size": "auto"} | 96x64 jpeg | 60000 | {"output_format": "webp"}
fal-ai/flux-2-max | {"image_size": {"width": 1040, "height": 1024}} | 1040x1024 jpeg | 100000 | {"safety_tolerance": "6"}
fal-ai/flux-2-max/edit | {"image_size": "auto"} | 96x64 jpeg | 130000 | {"output_format": "webp"}
fal-ai/flux-kontext/dev | {} | 96x64 jpeg | 25000 | {"num_inference_steps": 9}
fal-ai/flux-2-flex | {"image_size": {"width": 512, "height": 528}} | 512x528 jpeg | 50000 | {"safety_tolerance": 2}
fal-ai/flux-2-flex/edit | {"image_size": {"width": 512, "height": 528}} | 512x528 jpeg | 150000 | {"image_size": "auto_2K"}
"#;

const GOOGLE: &str = r#"
fal-ai/gemini-25-flash-image | {"aspect_ratio": "21:9"} | 1536x672 png | 39000 | {"aspect_ratio": "auto"}
fal-ai/gemini-25-flash-image/edit | {"output_format": "jpeg"} | 1248x832 jpeg | 39000 | {"aspect_ratio": "3:1"}
fal-ai/nano-banana-pro | {"aspect_ratio": "2:3", "resolution": "2K"} | 1696x2528 png | 150000 | {"resolution": "0.5K"}
fal-ai/nano-banana-pro/edit | {"aspect_ratio": "4:5"} | 928x1152 png | 150000 | {"resolution": "1k"}
fal-ai/nano-banana-2 | {"aspect_ratio": "1:8", "resolution": "0.5K"} | 192x1536 png | 60000 | {"aspect_ratio": "3:1"}
fal-ai/nano-banana-2/edit | {"resolution": "0.5K"} | 632x424 png | 60000 | {"thinking_level": "low"}
google/nano-banana-2-lite | {"aspect_ratio": "5:4"} | 1152x928 png | 42000 | {"aspect_ratio": "3:1"}
google/nano-banana-lite/edit | {} | 1264x848 png | 42000 | {"thinking_level": "low"}
fal-ai/imagen4/preview | {"aspect_ratio": "3:4", "resolution": "2K"} | 1792x2560 png | 40000 | {"resolution": "0.5K"}
fal-ai/imagen4/preview/fast | {"output_format": "webp"} | 1024x1024 webp | 20000 | {"aspect_ratio": "3:2"}
fal-ai/imagen4/preview/ultra | {"aspect_ratio": "16:9"} | 1408x768 png | 60000 | {"safety_tolerance": "7"}
"#;

const OTHERS: &str = r#"
fal-ai/bytedance/seedream/v3/text-to-image | {"image_size": "square"} | 512x512 png | 30000 | {"image_size": "auto"}
fal-ai/bytedance/seedream/v4/text-to-image | {"image_size": "landscape_16_9"} | 1280x720 png | 30000 | {"image_size": "auto_3K"}
fal-ai/bytedance/seedream/v4/edit | {"image_size": {"width": 100, "height": 100}} | 960x960 png | 30000 | {"enhance_prompt_mode": "slow"}
fal-ai/bytedance/seedream/v4.5/text-to-image | {"image_size": "landscape_16_9"} | 2560x1440 png | 40000 | {"image_size": "auto"}
fal-ai/bytedance/seedream/v4.5/edit | {"image_size": "landscape_16_9"} | 2560x1440 png | 40000 | {"image_size": "auto_3K"}
fal-ai/bytedance/seedream/v5/lite/text-to-image | {"image_size": {"width": 100, "height": 100}} | 1920x1920 png | 35000 | {"image_size": "auto_4K"}
fal-ai/bytedance/seedream/v5/lite/edit | {} | 2508x1672 png | 35000 | {"image_size": "auto"}
fal-ai/ideogram/v3 | {"image_size": "portrait_4_3"} | 768x1024 png | 60000 | {"style": "FICTION"}
fal-ai/ideogram/v3 | {"rendering_speed": "TURBO"} | 1024x1024 png | 30000 | {"rendering_speed": "FAST"}
fal-ai/ideogram/v3 | {"rendering_speed": "QUALITY"} | 1024x1024 png | 90000 | {"rendering_speed": "low"}
fal-ai/recraft/v3/text-to-image | {"colors": [{"r": 1}]} | 1024x1024 webp | 40000 | {"style": "oil"}
fal-ai/reve/text-to-image | {} | 1248x832 png | 40000 | {"aspect_ratio": "3:1"}
fal-ai/reve/edit | {"output_format": "jpeg"} | 96x64 jpeg | 40000 | {"output_format": "gif"}
fal-ai/vidu/q2/text-to-image | {"aspect_ratio": "1:1"} | 1080x1080 png | 100000 | {"aspect_ratio": "3:1"}
fal-ai/vidu/q2/reference-to-image | {"aspect_ratio": "9:16"} | 1080x1920 png | 100000 | {"aspect_ratio": "3:1"}
fal-ai/hidream-i1-full | {"image_size": "landscape_16_9"} | 1024x576 jpeg | 50000 | {"output_format": "webp"}
fal-ai/z-image/turbo | {"image_size": "square"} | 512x512 png | 5000 | {"acceleration": "max"}
fal-ai/recraft/upscale/crisp | {} | 384x256 png | 4000 | {"image_url": 7}
fal-ai/qwen-image | {"image_size": "landscape_16_9"} | 1024x576 png | 20000 | {"image_size": {"width": 256, "height": 512}}
fal-ai/qwen-image-edit | {"image_size": {"width": 1040, "height": 1024}} | 1040x1024 png | 60000 | {"num_inference_steps": 1}
fal-ai/qwen-image-edit-2509 | {} | 96x64 png | 30000 | {"output_format": "webp"}
fal-ai/qwen-image-edit-2511 | {"output_format": "webp"} | 96x64 webp | 30000 | {"output_format": "gif"}
fal-ai/qwen-image-2/pro/text-to-image | {"enable_prompt_expansion": false} | 1024x1024 png | 75000 | {"enable_prompt_expansion": "perhaps"}
fal-ai/qwen-image-2/pro/edit | {"image_size": "square"} | 512x512 png | 75000 | {"image_size": "auto"}
fal-ai/wan/v2.7/text-to-image | {} | 1024x1024 png | 30000 | {"num_images": 6}
fal-ai/wan/v2.7/edit | {"image_size": "square"} | 512x512 png | 30000 | {"output_format": "gif"}
fal-ai/wan/v2.7/pro/text-to-image | {"output_format": "webp"} | 1024x1024 webp | 75000 | {"output_format": "gif"}
fal-ai/wan/v2.7/pro/edit | {} | 1024x1024 png | 75000 | {"enable_prompt_expansion": "perhaps"}
fal-ai/hunyuan-image/v3/text-to-image | {"image_size": "square"} | 512x512 png | 100000 | {"guidance_scale": 21}
fal-ai/sana/v1.5/4.8b | {"image_size": {"width": 1040, "height": 1024}} | 1040x1024 png | 20000 | {"image_size": "auto"}
fal-ai/bytedance/dreamina/v3.1/text-to-image | {"image_size": "square"} | 512x512 png | 30000 | {"enhance_prompt": "perhaps"}
krea/v2/large/text-to-image | {"aspect_ratio": "2.35:1"} | 1568x672 png | 60000 | {"creativity": "wild"}
krea/v2/medium/text-to-image | {"creativity": "raw"} | 1024x1024 png | 30000 | {"aspect_ratio": "3:4"}
fal-ai/recraft/v4/text-to-image | {"background_color": {"r": 1}} | 1024x1024 webp | 40000 | {"image_size": "auto"}
fal-ai/recraft/v4/pro/text-to-image | {"image_size": "portrait_4_3"} | 768x1024 webp | 250000 | {"colors": 7}
ideogram/v4 | {"rendering_speed": "TURBO", "image_size": {"width": 2048, "height": 2048}} | 2048x2048 jpeg | 30000 | {"rendering_speed": "FAST"}
xai/grok-imagine-image | {"aspect_ratio": "2:1", "resolution": "2k"} | 2880x1440 jpeg | 20000 | {"resolution": "4k"}
fal-ai/seedvr/upscale/image | {"upscale_factor": 4} | 384x256 jpeg | 1000 | {"upscale_mode": "much"}
fal-ai/topaz/upscale/image | {} | 192x128 jpeg | 80000 | {"face_enhancement": "perhaps"}
fal-ai/clarity-upscaler | {"upscale_factor": 3} | 288x192 png | 30000 | {"creativity": 2}
clarityai/crystal-upscaler | {"scale_factor": 2.5} | 240x160 jpeg | 16000 | {"output_format": "webp"}
"#;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("the table has JSON")
}

/// Runs every row: once as it is, once with the refused field.
async fn check(table: &str) {
    let world = World::start().await;
    let rows: Vec<Vec<&str>> = table.trim().lines().map(|row| row.split(" | ").collect()).collect();
    for row in &rows {
        let [endpoint, fields, made, _, refused] = row[..] else {
            panic!("five columns: {row:?}");
        };
        let mut body = with_inputs(endpoint, parsed(fields));
        body["prompt"] = json!("a lighthouse in the evening");
        let reply = run(&world, endpoint, &body).await;
        assert_eq!(reply.status, StatusCode::OK, "{endpoint}: {}", reply.text());
        let answer = reply.json();
        let image = answer.get("image").unwrap_or(&answer["images"][0]);
        let file = fetch(&world, &image["url"]).await;
        assert_eq!(file.status, StatusCode::OK, "{endpoint}");
        let (width, height, format) = measure(&file.body);
        assert_eq!(format!("{width}x{height} {}", format.name()), made, "{endpoint}");
        assert_eq!(image["content_type"], format.mime_type(), "{endpoint}");
        for (name, value) in [
            ("width", json!(width)),
            ("height", json!(height)),
            ("file_size", json!(file.body.len())),
        ] {
            assert!(image.get(name).is_none_or(|told| *told == value), "{endpoint}: {name}");
        }
        let refused = parsed(refused);
        let (field, value) = refused.as_object().and_then(|one| one.iter().next()).expect("a field");
        body[field] = value.clone();
        let refusal = run(&world, endpoint, &body).await;
        assert_eq!(refusal.status, StatusCode::UNPROCESSABLE_ENTITY, "{endpoint}: {field}");
        let details = refusal.json();
        assert_eq!(
            details["detail"][0]["loc"],
            json!(["body", field]),
            "{endpoint}: {details}"
        );
        assert_eq!(
            details["detail"].as_array().map(Vec::len),
            Some(1),
            "{endpoint}: {details}"
        );
    }
    let bill = world.bill("fal").await;
    let entries = bill["entries"].as_array().expect("entries");
    assert_eq!(entries.len(), rows.len(), "refusals cost nothing");
    for (entry, row) in entries.iter().zip(&rows) {
        assert_eq!(entry["model"], row[0]);
        assert_eq!(entry["micros"].to_string(), row[3], "{}", row[0]);
    }
}

#[tokio::test]
async fn every_flux_endpoint_has_its_sizes_prices_and_refusals() {
    check(FLUX).await;
}

#[tokio::test]
async fn every_google_endpoint_has_its_sizes_prices_and_refusals() {
    check(GOOGLE).await;
}

#[tokio::test]
async fn every_other_endpoint_has_its_sizes_prices_and_refusals() {
    check(OTHERS).await;
}

#[tokio::test]
async fn what_is_required_is_told() {
    let world = World::start().await;
    for (endpoint, missing) in [
        ("fal-ai/flux-pro/kontext", vec!["prompt", "image_url"]),
        ("fal-ai/flux-2-pro/edit", vec!["prompt", "image_urls"]),
        (
            "fal-ai/vidu/q2/reference-to-image",
            vec!["prompt", "reference_image_urls"],
        ),
        ("fal-ai/nano-banana-2", vec!["prompt"]),
        ("clarityai/crystal-upscaler", vec!["image_url"]),
    ] {
        let reply = run(&world, endpoint, &json!({})).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{endpoint}");
        let details = reply.json();
        let details = details["detail"].as_array().expect("a list");
        let told: Vec<&str> = details.iter().filter_map(|detail| detail["loc"][1].as_str()).collect();
        assert_eq!(told, missing, "{endpoint}");
        assert!(details.iter().all(|detail| detail["type"] == "missing"));
    }
    let long = json!({"prompt": "a".repeat(1_501)});
    let reply = run(&world, "fal-ai/vidu/q2/text-to-image", &long).await;
    assert_eq!(reply.json()["detail"][0]["type"], "string_too_long");
}

#[tokio::test]
async fn results_have_the_form_of_their_endpoint() {
    let world = World::start().await;
    for (endpoint, fields, names, file) in [
        (
            "fal-ai/flux/dev",
            json!({"image_size": "square"}),
            vec!["has_nsfw_concepts", "images", "prompt", "seed", "timings"],
            vec!["content_type", "height", "url", "width"],
        ),
        (
            "fal-ai/flux-2-pro",
            json!({"image_size": "square"}),
            vec!["images", "seed"],
            vec!["content_type", "file_name", "file_size", "height", "url", "width"],
        ),
        (
            "fal-ai/nano-banana-2",
            json!({"resolution": "0.5K"}),
            vec!["description", "images"],
            vec!["content_type", "file_name", "file_size", "height", "url", "width"],
        ),
        (
            "fal-ai/ideogram/v3",
            json!({"image_size": "square"}),
            vec!["images", "seed"],
            vec!["content_type", "file_name", "file_size", "url"],
        ),
        (
            "fal-ai/vidu/q2/text-to-image",
            json!({"aspect_ratio": "1:1"}),
            vec!["image"],
            vec!["content_type", "file_name", "file_size", "height", "url", "width"],
        ),
    ] {
        let mut body = fields;
        body["prompt"] = json!("a fox");
        let answer = run(&world, endpoint, &body).await.json();
        let keys = |value: &Value| -> Vec<String> {
            let mut keys: Vec<String> = value.as_object().expect("an object").keys().cloned().collect();
            keys.sort();
            keys
        };
        assert_eq!(keys(&answer), names, "{endpoint}");
        let image = answer.get("image").unwrap_or(&answer["images"][0]);
        assert_eq!(keys(image), file, "{endpoint}");
    }
}

#[tokio::test]
async fn several_outputs_differ_and_a_seed_repeats_them() {
    let world = World::start().await;
    let body = json!({"prompt": "a harbor", "num_images": 2, "seed": 9, "image_size": "square"});
    let id = "fal-ai/ideogram/v3";
    let files = async || {
        let answer = run(&world, id, &body).await.json();
        assert_eq!(answer["seed"], 9);
        let images = answer["images"].as_array().expect("a list").clone();
        let mut files = Vec::new();
        for image in &images {
            files.push(fetch(&world, &image["url"]).await.body);
        }
        files
    };
    let (first, again) = (files().await, files().await);
    assert_eq!(first, again);
    assert_eq!(first.len(), 2);
    assert!(distance(&pixels(&first[0]), &pixels(&first[1])) > 2.0);
    let too_many = json!({"prompt": "a", "num_images": 9});
    assert_eq!(
        run(&world, id, &too_many).await.json()["detail"][0]["ctx"],
        json!({"le": 8})
    );
    // Where there is no such field, one picture comes and nothing is refused.
    let single = json!({"prompt": "a", "num_images": 3, "image_size": "square"});
    let answer = run(&world, "fal-ai/flux-2-pro", &single).await.json();
    assert_eq!(answer["images"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn edits_show_their_input_and_upscalers_keep_it() {
    let world = World::start().await;
    let color = |rgba| data_url("image/png", &plain((96, 64), rgba, ImageFormat::Png));
    let edited = async |input: String| {
        let body = json!({"prompt": "a boat", "image_urls": [input], "seed": 1});
        let answer = run(&world, "fal-ai/flux-2/klein/4b/edit", &body).await.json();
        pixels(&fetch(&world, &answer["images"][0]["url"]).await.body)
    };
    let (red, blue) = (
        edited(color([200, 30, 30, 255])).await,
        edited(color([30, 30, 200, 255])).await,
    );
    assert!(distance(&red, &blue) > 20.0);
    let body = json!({"image_url": color([200, 30, 30, 255]), "sync_mode": true});
    let answer = run(&world, "fal-ai/recraft/upscale/crisp", &body).await.json();
    let url = answer["image"]["url"].as_str().expect("a data URL");
    let (_, data) = url.split_once(',').expect("a data URL");
    let large = pixels(&super::harness::from_base64(&json!(data)));
    assert_eq!((large.width_px(), large.height_px()), (384, 256));
    assert_eq!(&large.rgba()[..4], &[200, 30, 30, 255]);
}

#[tokio::test]
async fn inputs_that_do_not_fit_are_refused_at_their_place() {
    let world = World::start().await;
    let jpeg = data_url("image/jpeg", &plain((64, 64), [1, 2, 3, 255], ImageFormat::Jpeg));
    let reply = run(&world, "fal-ai/recraft/upscale/crisp", &json!({"image_url": jpeg})).await;
    assert_eq!(reply.json()["detail"][0]["type"], "unsupported_image_format");
    let huge = json!({"image_url": picture((96, 64)), "scale_factor": 200});
    let reply = run(&world, "clarityai/crystal-upscaler", &huge).await;
    assert_eq!(reply.json()["detail"][0]["loc"], json!(["body", "scale_factor"]));
    assert_eq!(reply.json()["detail"][0]["type"], "image_too_large");
    // Of twelve images the last ten are used; the place told is that in the caller's list.
    let mut links = vec![picture((64, 64)); 12];
    links[0] = "https://example.org/unused.png".to_owned();
    links[11] = "https://example.org/used.png".to_owned();
    let body = json!({"prompt": "a", "image_urls": links});
    let reply = run(&world, "fal-ai/bytedance/seedream/v4/edit", &body).await;
    assert_eq!(reply.json()["detail"][0]["loc"], json!(["body", "image_urls", 11]));
    assert_eq!(reply.json()["detail"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_vector_style_gives_an_svg_at_twice_the_price() {
    let world = World::start().await;
    let body = json!({"prompt": "a kite", "image_size": "square", "style": "vector_illustration/line_art"});
    let answer = run(&world, "fal-ai/recraft/v3/text-to-image", &body).await.json();
    let image = &answer["images"][0];
    assert_eq!(image["content_type"], "image/svg+xml");
    let file = fetch(&world, &image["url"]).await;
    assert_eq!(file.header("content-type"), "image/svg+xml");
    assert!(file.text().starts_with("<svg ") && file.text().contains("width=\"512\""));
    assert_eq!(world.bill("fal").await["total_micros"], 80_000);
}
