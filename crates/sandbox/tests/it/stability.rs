//! The Stability AI emulator: services, jobs, prices and faults.

mod rules;

use super::harness::{Reply, World, distance, file, from_base64, left_half_mask, measure, pixels, plain, send};
use imaging::{Bitmap, ImageFormat, encode};
use reqwest::multipart::{Form, Part};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

const RED: [u8; 4] = [200, 20, 20, 255];
const BLUE: [u8; 4] = [20, 20, 200, 255];

fn api(world: &World, method: Method, path: &str) -> RequestBuilder {
    world
        .request(method, &format!("/stability/v2beta{path}"))
        .bearer_auth(sandbox::STABILITY_CREDENTIAL)
}

fn form(fields: &[(&'static str, &str)]) -> Form {
    fields
        .iter()
        .fold(Form::new(), |form, (name, value)| form.text(*name, (*value).to_owned()))
}

async fn call(world: &World, service: &str, form: Form) -> Reply {
    let request = api(world, Method::POST, &format!("/stable-image/{service}"));
    send(request.header("accept", "image/*").multipart(form)).await
}

fn png(size_px: (u32, u32), rgba: [u8; 4]) -> Part {
    file(plain(size_px, rgba, ImageFormat::Png), "image/png")
}

/// White on the left, black on the right.
fn white_left(size_px: (u32, u32)) -> Part {
    let rgba = (0..size_px.1)
        .flat_map(|_| 0..size_px.0)
        .flat_map(|x| if x < size_px.0 / 2 { [255; 4] } else { [0, 0, 0, 255] })
        .collect();
    let mask = Bitmap::new(size_px.0, size_px.1, rgba).expect("right size");
    file(
        encode(&mask, ImageFormat::Png, None).expect("a mask encodes"),
        "image/png",
    )
}

fn refused(reply: &Reply, status: u16, name: &str, errors: &Value) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text());
    let error = reply.json();
    assert_eq!((&error["name"], &error["errors"]), (&json!(name), errors));
    assert!(error["id"].as_str().is_some_and(|id| !id.is_empty()));
}

async fn total_micros(world: &World) -> i64 {
    world.bill("stability").await["total_micros"].as_i64().expect("a sum")
}

/// Asks for a job until it ends.
async fn result(world: &World, id: &str) -> Reply {
    loop {
        let reply = send(api(world, Method::GET, &format!("/results/{id}")).header("accept", "image/*")).await;
        if reply.status != StatusCode::ACCEPTED {
            return reply;
        }
        assert_eq!(reply.json(), json!({"id": id, "status": "in-progress"}));
        tokio::task::yield_now().await;
    }
}

/// Begins a creative upscale and gives the id of its job.
async fn begin(world: &World, prompt: &str) -> String {
    let form = form(&[("prompt", prompt)]).part("image", png((256, 128), RED));
    let request = api(world, Method::POST, "/stable-image/upscale/creative");
    let reply = send(request.multipart(form)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn generations_have_their_shape_format_and_price() {
    let world = World::start().await;
    for (service, fields, expected, format, micros) in [
        (
            "generate/core",
            vec![("style_preset", "anime")],
            (1536, 1536),
            ImageFormat::Png,
            30_000,
        ),
        (
            "generate/ultra",
            vec![("aspect_ratio", "16:9"), ("output_format", "webp")],
            (1344, 768),
            ImageFormat::Webp,
            80_000,
        ),
        (
            "generate/sd3",
            vec![("output_format", "jpeg")],
            (1024, 1024),
            ImageFormat::Jpeg,
            65_000,
        ),
        (
            "generate/sd3",
            vec![("model", "sd3.5-large-turbo"), ("cfg_scale", "1")],
            (1024, 1024),
            ImageFormat::Png,
            40_000,
        ),
        (
            "generate/sd3",
            vec![("model", "sd3.5-medium"), ("mode", "text-to-image")],
            (1024, 1024),
            ImageFormat::Png,
            35_000,
        ),
        (
            "generate/sd3",
            vec![("model", "sd3.5-flash"), ("aspect_ratio", "9:21")],
            (640, 1536),
            ImageFormat::Png,
            25_000,
        ),
    ] {
        let before = total_micros(&world).await;
        let reply = call(
            &world,
            service,
            form(&fields).text("prompt", "a lake").text("seed", "7"),
        )
        .await;
        assert_eq!(reply.status, StatusCode::OK, "{service}: {}", reply.text());
        let (width, height, measured) = measure(&reply.body);
        assert_eq!(((width, height), measured), (expected, format), "{service} {fields:?}");
        assert_eq!(reply.header("content-type"), format.mime_type());
        assert_eq!((reply.header("finish-reason"), reply.header("seed")), ("SUCCESS", "7"));
        assert!(!reply.header("x-request-id").is_empty());
        assert_eq!(total_micros(&world).await - before, micros, "{service}");
    }
    let bill = world.bill("stability").await;
    assert_eq!(bill["entries"][0]["model"], "stable-image/generate/core");
    assert_eq!(bill["entries"][3]["model"], "sd3.5-large-turbo");
    assert!(!bill.to_string().contains("a lake"));
}

#[tokio::test]
async fn json_holds_the_image_in_base64() {
    let world = World::start().await;
    let request = api(&world, Method::POST, "/stable-image/generate/sd3").header("accept", "application/json");
    let reply = send(request.multipart(form(&[("prompt", "a lake"), ("seed", "9")]))).await;
    assert_eq!(reply.header("content-type"), "application/json; type=image/png");
    assert_eq!(reply.header("finish-reason"), "");
    let answer = reply.json();
    assert_eq!(
        (&answer["finish_reason"], &answer["seed"]),
        (&json!("SUCCESS"), &json!(9))
    );
    assert_eq!(measure(&from_base64(&answer["image"])), (1024, 1024, ImageFormat::Png));
    let request = api(&world, Method::POST, "/stable-image/generate/sd3").header("accept", "text/html");
    let reply = send(request.multipart(form(&[("prompt", "a lake")]))).await;
    refused(
        &reply,
        400,
        "bad_request",
        &json!(["accept: must be image/* or application/json"]),
    );
}

#[tokio::test]
async fn a_seed_repeats_a_picture_and_none_does_not() {
    let world = World::start().await;
    let draw = async |seed: &str| {
        let form = form(&[("prompt", "a lake"), ("seed", seed)]);
        pixels(&call(&world, "generate/sd3", form).await.body)
    };
    let (first, again, other) = (draw("5").await, draw("5").await, draw("0").await);
    assert_eq!(first.rgba(), again.rgba());
    assert!(distance(&first, &other) > 1.0);
}

#[tokio::test]
async fn a_variation_begins_with_its_image() {
    let world = World::start().await;
    let vary = async |rgba: [u8; 4]| {
        let form = form(&[
            ("prompt", "a lake"),
            ("strength", "0.3"),
            ("mode", "image-to-image"),
            ("seed", "5"),
        ]);
        let reply = call(&world, "generate/sd3", form.part("image", png((640, 640), rgba))).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        pixels(&reply.body)
    };
    assert!(distance(&vary(RED).await, &vary(BLUE).await) > 20.0);
}

#[tokio::test]
async fn a_mask_is_white_where_to_paint() {
    let world = World::start().await;
    let size_px = (640, 320);
    let half = |picture: &Bitmap, left: bool| {
        let rows = picture.rgba().chunks_exact(size_px.0 as usize * 4);
        let pixels: Vec<[u8; 3]> = rows
            .flat_map(|row| {
                let (before, after) = row.split_at(row.len() / 2);
                if left { before } else { after }.chunks_exact(4)
            })
            .map(|px| [px[0], px[1], px[2]])
            .collect();
        pixels
    };
    let untouched = |pixels: &[[u8; 3]]| pixels.iter().all(|px| *px == [RED[0], RED[1], RED[2]]);
    for (service, fields) in [
        ("edit/inpaint", vec![("prompt", "a lake"), ("grow_mask", "0")]),
        ("edit/erase", vec![]),
    ] {
        let masked = form(&fields)
            .part("image", png(size_px, RED))
            .part("mask", white_left(size_px));
        let reply = call(&world, service, masked).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let picture = pixels(&reply.body);
        assert_eq!((picture.width_px(), picture.height_px()), size_px);
        assert!(!untouched(&half(&picture, true)), "{service} paints the white half");
        assert!(untouched(&half(&picture, false)), "{service} keeps the black half");
    }
    // Without a mask, the holes of the image are it.
    let holes = form(&[("prompt", "a lake")]).part("image", file(left_half_mask(size_px), "image/png"));
    let picture = pixels(&call(&world, "edit/inpaint", holes).await.body);
    assert!(
        half(&picture, false).iter().all(|px| *px == [0; 3]) && !half(&picture, true).iter().all(|px| *px == [0; 3])
    );
    assert_eq!(total_micros(&world).await, 3 * 50_000);
}

#[tokio::test]
async fn outpainting_adds_a_border() {
    let world = World::start().await;
    let wider = form(&[("left", "64"), ("down", "32"), ("prompt", "a lake")]).part("image", png((256, 128), RED));
    let picture = pixels(&call(&world, "edit/outpaint", wider).await.body);
    assert_eq!((picture.width_px(), picture.height_px()), (320, 160));
    let pixel = |x: usize, y: usize| picture.rgba()[(y * 320 + x) * 4..][..3].to_vec();
    assert_eq!(pixel(200, 60), RED[..3]);
    assert_ne!(pixel(10, 150), RED[..3]);
    let nowhere = form(&[("left", "0")]).part("image", png((256, 128), RED));
    let errors = json!(["left, right, up, down: at least one must be greater than 0"]);
    refused(
        &call(&world, "edit/outpaint", nowhere).await,
        400,
        "bad_request",
        &errors,
    );
}

#[tokio::test]
async fn upscalers_enlarge_what_they_are_given() {
    let world = World::start().await;
    let fast = call(&world, "upscale/fast", Form::new().part("image", png((200, 100), RED))).await;
    assert_eq!(measure(&fast.body), (800, 400, ImageFormat::Png));
    let conservative = form(&[("prompt", "a lake"), ("output_format", "jpeg"), ("creativity", "0.2")]);
    let conservative = call(
        &world,
        "upscale/conservative",
        conservative.part("image", png((128, 64), RED)),
    )
    .await;
    assert_eq!(measure(&conservative.body), (2896, 1448, ImageFormat::Jpeg));
    assert_eq!(total_micros(&world).await, 20_000 + 400_000);
    let red = pixels(&fast.body);
    assert!(distance(&red, &pixels(&plain((800, 400), RED, ImageFormat::Png))) < 2.0);
}

#[tokio::test]
async fn the_creative_upscaler_keeps_a_job() {
    let world = World::start().await;
    let id = begin(&world, "a lake").await;
    assert_eq!(id.len(), 64);
    let done = result(&world, &id).await;
    assert_eq!(measure(&done.body), (2896, 1448, ImageFormat::Png));
    assert_eq!(done.header("finish-reason"), "SUCCESS");
    let old_path = format!("/stable-image/upscale/creative/result/{id}");
    let as_json = send(api(&world, Method::GET, &old_path).header("accept", "application/json")).await;
    assert_eq!(from_base64(&as_json.json()["image"]), done.body.to_vec());
    assert_eq!(total_micros(&world).await, 600_000);
    let gone = json!(["id: the generation either does not exist or has expired."]);
    let foreign = world.request(Method::GET, &format!("/stability/v2beta/results/{id}"));
    refused(
        &send(foreign.bearer_auth("sk-somebody-else")).await,
        404,
        "generation_not_found",
        &gone,
    );
    world.advance_clock(24 * 3_600).await;
    refused(&result(&world, &id).await, 404, "generation_not_found", &gone);
    refused(&result(&world, "nothing").await, 404, "generation_not_found", &gone);
}

#[tokio::test]
async fn faults_wear_stabilitys_dress() {
    let world = World::start().await;
    let strike = async |words: &str| {
        let prompt = format!("a fox [[fault: {words}]]");
        call(&world, "generate/sd3", form(&[("prompt", &prompt)])).await
    };
    for (words, status, name) in [
        ("quota", 402, "payment_required"),
        ("status=401", 401, "unauthorized"),
        ("status=403", 403, "forbidden"),
        ("status=404", 404, "not_found"),
        ("status=429", 429, "rate_limit_exceeded"),
        ("status=500", 500, "internal_error"),
        ("failed", 500, "internal_error"),
        ("moderation", 403, "content_moderation"),
    ] {
        let reply = strike(words).await;
        assert_eq!(reply.status.as_u16(), status, "{words}");
        assert_eq!(reply.json()["name"], name, "{words}");
    }
    assert_eq!(strike("status=429 retry-after=2.5").await.header("retry-after"), "3");
    assert!(
        strike("status=502")
            .await
            .header("content-type")
            .starts_with("text/html")
    );
    let empty = strike("empty").await;
    assert_eq!((empty.status, empty.body.len()), (StatusCode::OK, 0));
    assert_eq!(total_micros(&world).await, 0);
    let filtered = strike("moderation stage=output").await;
    assert_eq!(filtered.header("finish-reason"), "CONTENT_FILTERED");
    assert_eq!(measure(&filtered.body), (1024, 1024, ImageFormat::Png));
    assert_eq!(strike("garbage").await.status, StatusCode::OK);
    assert_eq!(
        strike("status=500 billed").await.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    assert_eq!(total_micros(&world).await, 3 * 65_000);
    assert_eq!(measure(&strike("huge=3MiB").await.body).2, ImageFormat::Png);
    let calls = Value::from(world.calls("stability").await).to_string();
    assert!(calls.contains("sd3.5-large") && !calls.contains("a fox"));
}

#[tokio::test]
async fn jobs_fail_at_every_call() {
    let world = World::start().await;
    let failed = result(&world, &begin(&world, "a fox [[fault: failed]]").await).await;
    assert_eq!(
        (failed.status.as_u16(), failed.json()["name"].clone()),
        (500, json!("internal_error"))
    );
    let filtered = result(&world, &begin(&world, "a fox [[fault: moderation stage=output]]").await).await;
    assert_eq!(filtered.header("finish-reason"), "CONTENT_FILTERED");
    let id = begin(&world, "a fox [[fault: at=result status=503 once]]").await;
    assert_eq!(result(&world, &id).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(result(&world, &id).await.status, StatusCode::OK);
    let early = form(&[("prompt", "a fox [[fault: moderation]]")]).part("image", png((256, 128), RED));
    let early = call(&world, "upscale/creative", early).await;
    assert_eq!(
        (early.status.as_u16(), early.json()["name"].clone()),
        (403, json!("content_moderation"))
    );
    let slow = begin(
        &world,
        "a fox [[fault: delay=60s]] [[fault: at=status status=429 once]]",
    )
    .await;
    let path = format!("/results/{slow}");
    assert_eq!(
        send(api(&world, Method::GET, &path)).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(send(api(&world, Method::GET, &path)).await.status, StatusCode::ACCEPTED);
}
