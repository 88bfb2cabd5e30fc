//! Generations: sizes, formats, usage, bill and headers.

use super::harness::{World, distance, measure, pixels, send};
use imaging::ImageFormat;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn every_size_and_format_comes_out_exactly() {
    let world = World::start().await;
    for (model, size, format) in [
        ("gpt-image-1", "1024x1024", ImageFormat::Png),
        ("gpt-image-1-mini", "1536x1024", ImageFormat::Jpeg),
        ("gpt-image-1.5", "1024x1536", ImageFormat::Webp),
        ("gpt-image-2", "1536x864", ImageFormat::Png),
        ("gpt-image-2.5-flare", "1280x720", ImageFormat::Jpeg),
    ] {
        let body = json!({
            "model": model, "prompt": "a lake", "size": size, "quality": "low", "output_format": format.name(),
        });
        let reply = world.generate(body).await;
        let (width_px, height_px, measured) = measure(&reply.image(0));
        assert_eq!(format!("{width_px}x{height_px}"), size, "{model}");
        assert_eq!(measured, format, "{model}");
        let answer = reply.json();
        assert_eq!(answer["size"], size);
        assert_eq!(answer["output_format"], format.name());
        assert_eq!(answer["quality"], "low");
        assert_eq!(answer["background"], "opaque");
        assert!(answer["created"].as_i64().is_some_and(|at| at > 1_700_000_000));
    }
}

#[tokio::test]
async fn auto_is_square_and_medium() {
    let world = World::start().await;
    let body = json!({"model": "gpt-image-1.5", "prompt": "a lake", "size": "auto", "quality": "auto"});
    let reply = world.generate(body).await;
    assert_eq!(measure(&reply.image(0)), (1024, 1024, ImageFormat::Png));
    assert_eq!(reply.json()["quality"], "medium");
    assert_eq!(reply.json()["usage"]["output_tokens"], 1_056);
}

#[tokio::test]
async fn a_transparent_background_is_transparent() {
    let world = World::start().await;
    for format in ["png", "webp"] {
        let body = json!({
            "model": "gpt-image-1", "prompt": "a cat", "quality": "low", "background": "transparent", "output_format": format,
        });
        let reply = world.generate(body).await;
        assert_eq!(reply.json()["background"], "transparent");
        let picture = pixels(&reply.image(0));
        let alphas: Vec<u8> = picture.rgba().chunks_exact(4).map(|px| px[3]).collect();
        assert!(alphas.contains(&0) && alphas.contains(&255), "{format}");
    }
    let opaque = json!({"model": "gpt-image-1", "prompt": "a cat", "quality": "low"});
    let reply = world.generate(opaque).await;
    assert!(!pixels(&reply.image(0)).has_transparency());
}

#[tokio::test]
async fn the_same_prompt_gives_other_pictures() {
    let world = World::start().await;
    let body = json!({"model": "gpt-image-1", "prompt": "a lake", "quality": "low", "n": 2});
    let first = world.generate(body.clone()).await;
    let second = world.generate(body).await;
    let pictures: Vec<_> = [first.image(0), first.image(1), second.image(0)]
        .iter()
        .map(|bytes| pixels(bytes))
        .collect();
    assert!(distance(&pictures[0], &pictures[1]) > 1.0);
    assert!(distance(&pictures[0], &pictures[2]) > 1.0);
}

#[tokio::test]
async fn compression_makes_smaller_files() {
    let world = World::start().await;
    let mut sizes_bytes = Vec::new();
    for compression in [10, 100] {
        let body = json!({
            "model": "gpt-image-1", "prompt": "a forest", "quality": "low",
            "output_format": "jpeg", "output_compression": compression,
        });
        sizes_bytes.push(world.generate(body).await.image(0).len());
    }
    assert!(sizes_bytes[0] * 2 < sizes_bytes[1], "{sizes_bytes:?}");
}

#[tokio::test]
async fn usage_follows_the_tables_and_the_bill_the_usage() {
    let world = World::start().await;
    // Prompt of 9 characters: 3 text tokens. USD 1e-6 = tokens x USD per million.
    for (model, size, quality, n, output_tokens, micros) in [
        ("gpt-image-1", "1024x1024", "low", 1, 272, 15 + 10_880),
        ("gpt-image-1", "1024x1536", "high", 1, 6_240, 15 + 249_600),
        ("gpt-image-1-mini", "1536x1024", "medium", 1, 1_568, 6 + 12_544),
        ("gpt-image-1.5", "1024x1024", "high", 1, 4_160, 15 + 133_120),
        ("gpt-image-1.5", "1536x1024", "low", 3, 1_200, 15 + 38_400),
        ("gpt-image-2", "1024x1024", "high", 1, 7_024, 15 + 210_720),
        ("gpt-image-2", "2048x2048", "low", 1, 397, 15 + 11_910),
        ("gpt-image-2.5-sunburst", "1536x1024", "xhigh", 1, 2_459, 15 + 73_770),
    ] {
        let body = json!({"model": model, "prompt": "nine char", "size": size, "quality": quality, "n": n});
        let reply = world.generate(body).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let answer = reply.json();
        assert_eq!(answer["data"].as_array().map(Vec::len), Some(n));
        let usage = &answer["usage"];
        assert_eq!(usage["output_tokens"], output_tokens, "{model} {size} {quality}");
        assert_eq!(usage["input_tokens"], 3);
        assert_eq!(usage["total_tokens"], output_tokens + 3);
        assert_eq!(
            usage["input_tokens_details"],
            json!({"text_tokens": 3, "image_tokens": 0})
        );
        let bill = world.bill("openai").await;
        let entries = bill["entries"].as_array().expect("entries");
        let last = entries.last().expect("a charge");
        assert_eq!(last["micros"], micros, "{model} {size} {quality}");
        assert_eq!(last["images"], n);
        assert_eq!(last["call_id"], reply.header("x-request-id"));
        assert!(!bill.to_string().contains("nine char"));
    }
    let bill = world.bill("openai").await;
    let sum: i64 = bill["entries"]
        .as_array()
        .map(|entries| entries.iter().filter_map(|entry| entry["micros"].as_i64()).sum())
        .expect("entries");
    assert_eq!(bill["total_micros"], sum);
    assert_eq!(world.bill("fal").await["total_micros"], 0);
}

#[tokio::test]
async fn output_details_come_with_later_models_only() {
    let world = World::start().await;
    for (model, expected) in [
        ("gpt-image-1", Value::Null),
        ("gpt-image-1.5", json!({"image_tokens": 272, "text_tokens": 0})),
    ] {
        let body = json!({"model": model, "prompt": "x", "quality": "low"});
        let answer = world.generate(body).await.json();
        assert_eq!(answer["usage"]["output_tokens_details"], expected, "{model}");
    }
}

#[tokio::test]
async fn every_answer_has_the_services_headers() {
    let world = World::start().await;
    let reply = world
        .generate(json!({"model": "gpt-image-1", "prompt": "x", "quality": "low"}))
        .await;
    assert!(reply.header("x-request-id").starts_with("req_"));
    assert!(reply.header("openai-processing-ms").parse::<u64>().is_ok());
    assert_eq!(reply.header("x-ratelimit-remaining-requests"), "9999");
    assert_eq!(reply.header("x-ratelimit-limit-input-images"), "5000");
    assert!(reply.header("x-ratelimit-reset-requests").ends_with('s'));
    let error = world.generate(json!({})).await;
    assert!(error.header("x-request-id").starts_with("req_"));
    assert_eq!(error.header("x-ratelimit-remaining-requests"), "9998");
}

#[tokio::test]
async fn models_are_listed_with_their_end() {
    let world = World::start().await;
    let list = send(world.openai(Method::GET, "/models")).await.json();
    let models = list["data"].as_array().expect("a list");
    let ids: Vec<_> = models.iter().filter_map(|model| model["id"].as_str()).collect();
    for id in [
        "gpt-image-1",
        "gpt-image-1-mini",
        "gpt-image-1.5",
        "gpt-image-2",
        "gpt-image-2.5-flare",
    ] {
        assert!(ids.contains(&id), "{id}");
    }
    let one = send(world.openai(Method::GET, "/models/gpt-image-1")).await.json();
    assert_eq!(one["shutdown_date"], "2026-10-23");
    let two = send(world.openai(Method::GET, "/models/gpt-image-2")).await.json();
    assert_eq!(two["shutdown_date"], Value::Null);
    let gone = send(world.openai(Method::GET, "/models/dall-e-3")).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert_eq!(gone.json()["error"]["code"], "model_not_found");
}
