//! Vertex AI's emulator: tokens of a service account, Gemini models in a region, Imagen.

use super::harness::{Reply, World, distance, from_base64, measure, pixels, plain, send};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use imaging::{Bitmap, ImageFormat, encode};
use reqwest::{Method, RequestBuilder, StatusCode};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

const RED: [u8; 4] = [220, 20, 20, 255];
const IMAGEN: &str = "imagen-4.0-generate-001";

fn at(world: &World, region: &str, call: &str) -> RequestBuilder {
    let path = format!("/vertex/v1/projects/p/locations/{region}/publishers/google/models/{call}");
    world.request(Method::POST, &path)
}

async fn predict(world: &World, model: &str, instance: Value, parameters: Value) -> Reply {
    let asked = json!({"instances": [instance], "parameters": parameters});
    let request = at(world, "us-central1", &format!("{model}:predict"));
    send(request.bearer_auth(sandbox::VERTEX_CREDENTIAL).json(&asked)).await
}

fn pictures(reply: &Reply) -> Vec<Vec<u8>> {
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let answer = reply.json();
    let predictions = answer["predictions"].as_array().cloned().unwrap_or_default();
    predictions
        .iter()
        .map(|one| from_base64(&one["bytesBase64Encoded"]))
        .collect()
}

/// The sandbox's account as its file says.
async fn account(world: &World) -> Value {
    send(world.request(Method::GET, "/vertex/service-account.json"))
        .await
        .json()
}

/// An assertion of the account with some claims changed.
fn assertion(account: &Value, change: impl FnOnce(&mut Value)) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("after 1970")
        .as_secs();
    let mut claims = json!({
        "iss": account["client_email"], "aud": account["token_uri"], "iat": now, "exp": now + 3600,
        "scope": "https://www.googleapis.com/auth/cloud-platform",
    });
    change(&mut claims);
    let signed = format!("{}.{}", part(&json!({"alg": "RS256", "typ": "JWT"})), part(&claims));
    let pem: String = account["private_key"]
        .as_str()
        .expect("a key")
        .lines()
        .filter(|line| !line.starts_with('-'))
        .collect();
    let key = RsaKeyPair::from_pkcs8(&STANDARD.decode(pem).expect("base64")).expect("a key");
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(
        &RSA_PKCS1_SHA256,
        &SystemRandom::new(),
        signed.as_bytes(),
        &mut signature,
    )
    .expect("it signs");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

async fn ask_token(world: &World, assertion: &str) -> Reply {
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", grant)
        .append_pair("assertion", assertion)
        .finish();
    let request = world.request(Method::POST, "/vertex/oauth2/token");
    send(
        request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form),
    )
    .await
}

#[tokio::test]
async fn a_service_account_gets_tokens_that_last_an_hour() {
    let world = World::start().await;
    let account = account(&world).await;
    assert_eq!(account["type"], "service_account");
    let reply = ask_token(&world, &assertion(&account, |_| {})).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let answer = reply.json();
    assert_eq!(
        (answer["expires_in"].as_i64(), answer["token_type"].as_str()),
        (Some(3599), Some("Bearer"))
    );
    let token = answer["access_token"].as_str().expect("a token");
    let asked = json!({"contents": [{"role": "user", "parts": [{"text": "a lake"}]}], "labels": {"team": "art"},
        "generationConfig": {"imageConfig": {"imageOutputOptions": {"mimeType": "image/jpeg", "compressionQuality": 70}}}});
    let request = || {
        at(&world, "global", "gemini-3-pro-image:generateContent")
            .bearer_auth(token)
            .json(&asked)
    };
    let reply = send(request()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let part = &reply.json()["candidates"][0]["content"]["parts"][0]["inlineData"];
    assert_eq!(part["mimeType"], "image/jpeg");
    assert_eq!(measure(&from_base64(&part["data"])).2, ImageFormat::Jpeg);
    assert_eq!(world.bill("vertex").await["entries"][0]["model"], "gemini-3-pro-image");
    world.advance_clock(3601).await;
    let late = send(request()).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    assert_eq!(late.json()["error"]["details"][0]["reason"], "ACCESS_TOKEN_EXPIRED");
}

#[tokio::test]
async fn bad_assertions_get_no_token() {
    let world = World::start().await;
    let account = account(&world).await;
    let good = assertion(&account, |_| {});
    let (signed, _) = good.rsplit_once('.').expect("a signature");
    for (assertion, why) in [
        (format!("{signed}.AAAA"), "Invalid JWT Signature."),
        ("nonsense".to_owned(), "malformed"),
        (
            assertion(&account, |claims| claims["iss"] = json!("somebody@else.example")),
            "account not found",
        ),
        (
            assertion(&account, |claims| {
                claims["aud"] = json!("https://elsewhere.example/token");
            }),
            "audience",
        ),
        (assertion(&account, |claims| claims["scope"] = json!("email")), "scope"),
        (assertion(&account, |claims| claims["exp"] = json!(1)), "short-lived"),
        (
            assertion(&account, |claims| {
                claims["exp"] = json!(claims["iat"].as_i64().unwrap_or(0) + 7200);
            }),
            "short-lived",
        ),
    ] {
        let reply = ask_token(&world, &assertion).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{why}");
        let answer = reply.json();
        assert_eq!(answer["error"], "invalid_grant");
        assert!(
            answer["error_description"]
                .as_str()
                .is_some_and(|text| text.contains(why)),
            "{answer}"
        );
    }
    let google = assertion(&account, |claims| {
        claims["aud"] = json!("https://oauth2.googleapis.com/token");
    });
    assert_eq!(ask_token(&world, &google).await.status, StatusCode::OK);
    let other = send(
        world
            .request(Method::POST, "/vertex/oauth2/token")
            .body("grant_type=password"),
    )
    .await;
    assert_eq!(other.json()["error"], "unsupported_grant_type");
}

#[tokio::test]
async fn tokens_are_checked() {
    let world = World::start().await;
    let asked = json!({"instances": [{"prompt": "x"}]});
    let request = || at(&world, "us-central1", &format!("{IMAGEN}:predict")).json(&asked);
    for (request, reason) in [
        (request(), "CREDENTIALS_MISSING"),
        (request().header("x-goog-api-key", "AIzaSandbox"), "CREDENTIALS_MISSING"),
        (request().bearer_auth("ya29.other"), "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
    ] {
        let reply = send(request).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
        assert_eq!(reply.json()["error"]["details"][0]["reason"], reason);
    }
}

#[tokio::test]
async fn imagen_draws_for_a_price_each() {
    let world = World::start().await;
    let parameters = json!({"sampleCount": 2, "aspectRatio": "16:9", "sampleImageSize": "2K", "enhancePrompt": true,
        "outputOptions": {"mimeType": "image/jpeg", "compressionQuality": 60}, "personGeneration": "ALLOW_ADULT", "safetySetting": "BLOCK_ONLY_HIGH"});
    let reply = predict(&world, IMAGEN, json!({"prompt": "a lake"}), parameters).await;
    let images = pictures(&reply);
    assert_eq!(images.len(), 2);
    assert!(images[0] != images[1]);
    assert_eq!(measure(&images[0]), (2816, 1536, ImageFormat::Jpeg));
    assert!(
        reply.json()["predictions"][0]["prompt"]
            .as_str()
            .is_some_and(|prompt| prompt.starts_with("a lake"))
    );
    assert_eq!(world.bill("vertex").await["total_micros"], 80_000);
    let seeded = json!({"sampleCount": 1, "seed": 5, "addWatermark": false});
    let first = predict(
        &world,
        "imagen-4.0-fast-generate-001",
        json!({"prompt": "x"}),
        seeded.clone(),
    )
    .await;
    let second = predict(&world, "imagen-4.0-fast-generate-001", json!({"prompt": "x"}), seeded).await;
    assert!(pictures(&first) == pictures(&second));
    assert_eq!(world.bill("vertex").await["total_micros"], 120_000);
    let shown = world.calls("vertex").await[0]["body"].to_string();
    assert!(!shown.contains("a lake"), "{shown}");
}

#[tokio::test]
async fn imagen_edits_where_the_mask_is_white() {
    let world = World::start().await;
    let size_px = (256, 256);
    let image = plain(size_px, RED, ImageFormat::Png);
    let rgba = (0..256 * 256)
        .flat_map(|at| if at % 256 < 128 { [255; 4] } else { [0, 0, 0, 255] })
        .collect();
    let mask = Bitmap::new(256, 256, rgba).expect("right size");
    let mask = encode(&mask, ImageFormat::Png, None).expect("a mask encodes");
    let reference = |kind: &str, bytes: &[u8]| json!({"referenceType": kind, "referenceId": 1, "referenceImage": {"bytesBase64Encoded": STANDARD.encode(bytes)}});
    let mut masked = reference("REFERENCE_TYPE_MASK", &mask);
    masked["maskImageConfig"] = json!({"maskMode": "MASK_MODE_USER_PROVIDED", "dilation": 0.01});
    let instance = json!({"prompt": "a boat", "referenceImages": [reference("REFERENCE_TYPE_RAW", &image), masked]});
    let parameters =
        json!({"editMode": "EDIT_MODE_INPAINT_INSERTION", "sampleCount": 1, "editConfig": {"baseSteps": 35}});
    let reply = predict(&world, "imagen-3.0-capability-001", instance, parameters).await;
    let edited = pixels(&pictures(&reply)[0]);
    let before = pixels(&image);
    let half = |bitmap: &Bitmap, left: bool| {
        let rows = bitmap.rgba().chunks_exact(256 * 4);
        let kept = rows.flat_map(|row| if left { &row[..400] } else { &row[624..1000] });
        let width = if left { 100 } else { 94 };
        Bitmap::new(width, 256, kept.copied().collect()).expect("right size")
    };
    assert!(
        distance(&half(&before, true), &half(&edited, true)) > 20.0,
        "the white half is painted over"
    );
    assert!(
        distance(&half(&before, false), &half(&edited, false)) < 5.0,
        "the black half stays"
    );
}

#[tokio::test]
async fn every_rule_of_imagen_has_its_error() {
    let world = World::start().await;
    let prompt = || json!({"prompt": "x"});
    for (model, instance, parameters, field) in [
        (IMAGEN, json!({"prompt": ""}), json!({}), "instances[0].prompt"),
        (IMAGEN, json!({"prompt": "x", "image": {}}), json!({}), "instances[0]"),
        (IMAGEN, prompt(), json!({"n": 2}), "parameters"),
        (IMAGEN, prompt(), json!({"sampleCount": 5}), "parameters.sample_count"),
        (
            IMAGEN,
            prompt(),
            json!({"aspectRatio": "3:2"}),
            "parameters.aspect_ratio",
        ),
        (IMAGEN, prompt(), json!({"seed": 1}), "parameters.seed"),
        (
            IMAGEN,
            prompt(),
            json!({"negativePrompt": "dogs"}),
            "parameters.negative_prompt",
        ),
        (
            IMAGEN,
            prompt(),
            json!({"outputOptions": {"mimeType": "image/webp"}}),
            "parameters.output_options.mime_type",
        ),
        (
            IMAGEN,
            prompt(),
            json!({"editMode": "EDIT_MODE_OUTPAINT"}),
            "parameters.edit_mode",
        ),
        (
            "imagen-4.0-fast-generate-001",
            prompt(),
            json!({"sampleImageSize": "2K"}),
            "parameters.sample_image_size",
        ),
        (
            "imagen-3.0-capability-001",
            prompt(),
            json!({}),
            "instances[0].reference_images",
        ),
    ] {
        let reply = predict(&world, model, instance, parameters.clone()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{parameters}");
        let error = reply.json()["error"].clone();
        assert_eq!(error["details"][0]["fieldViolations"][0]["field"], field, "{error}");
    }
    let gone = predict(&world, "imagen-2", prompt(), json!({})).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    let global = at(&world, "global", &format!("{IMAGEN}:predict")).bearer_auth(sandbox::VERTEX_CREDENTIAL);
    let reply = send(global.json(&json!({"instances": [prompt()]}))).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND, "Imagen is not served there");
    assert_eq!(world.bill("vertex").await["entries"], json!([]));
}

#[tokio::test]
async fn filtered_images_are_told_or_go_missing() {
    let world = World::start().await;
    let input = predict(&world, IMAGEN, json!({"prompt": "x [[fault: moderation]]"}), json!({})).await;
    assert_eq!(input.status, StatusCode::BAD_REQUEST);
    assert!(input.text().contains("Responsible AI"));
    let prompt = || json!({"prompt": "x [[fault: moderation stage=output]]"});
    let silent = predict(&world, IMAGEN, prompt(), json!({})).await;
    assert_eq!((silent.status, silent.text().as_str()), (StatusCode::OK, "{}"));
    let told = predict(&world, IMAGEN, prompt(), json!({"includeRaiReason": true})).await;
    assert!(
        told.json()["predictions"][0]["raiFilteredReason"]
            .as_str()
            .is_some_and(|why| why.contains("39322892"))
    );
    let empty = predict(&world, IMAGEN, json!({"prompt": "x [[fault: empty]]"}), json!({})).await;
    assert_eq!(empty.text(), "{}");
    for (words, status) in [
        ("status=429", 429),
        ("quota", 429),
        ("status=503", 503),
        ("failed", 500),
    ] {
        let prompt = json!({"prompt": format!("x [[fault: {words}]]")});
        assert_eq!(predict(&world, IMAGEN, prompt, json!({})).await.status.as_u16(), status);
    }
    assert_eq!(world.bill("vertex").await["entries"], json!([]));
}
