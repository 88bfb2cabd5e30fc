//! Faults in Replicate's own shapes.

use super::harness::{Reply, World, measure, send, stays_silent, try_send};
use imaging::ImageFormat;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

fn api(world: &World, method: Method, path: &str) -> RequestBuilder {
    world
        .request(method, &format!("/replicate/v1{path}"))
        .bearer_auth(sandbox::REPLICATE_CREDENTIAL)
}

fn predict(world: &World, prompt: &str) -> RequestBuilder {
    let input = json!({"prompt": prompt, "megapixels": "0.25", "output_format": "png"});
    let path = "/models/black-forest-labs/flux-schnell/predictions";
    let request = api(world, Method::POST, path).json(&json!({ "input": input }));
    request.header("prefer", "wait")
}

async fn billed(world: &World) -> i64 {
    world.bill("replicate").await["total_micros"].as_i64().expect("a sum")
}

async fn get(world: &World, prediction: &Value) -> Reply {
    let id = prediction["id"].as_str().expect("an id");
    send(api(world, Method::GET, &format!("/predictions/{id}"))).await
}

#[tokio::test]
async fn refusals_come_in_replicates_words() {
    let world = World::start().await;
    for (words, status, detail) in [
        (
            "status=429 retry-after=30",
            429,
            "Request was throttled. Expected available in 30 seconds.",
        ),
        (
            "status=429",
            429,
            "Request was throttled. Expected available in 1 second.",
        ),
        (
            "retry-after=2",
            429,
            "Request was throttled. Expected available in 2 seconds.",
        ),
        ("quota", 402, "You have insufficient credit to run this model."),
        ("status=402", 402, "You have insufficient credit to run this model."),
        ("status=401", 401, "You did not pass a valid authentication token"),
        ("status=403", 403, "You do not have permission"),
        ("status=404", 404, "The requested resource could not be found."),
        ("status=422", 422, "- input: is refused"),
        ("status=500", 500, "Something went wrong."),
        ("status=500 message=Bad_luck", 500, "Bad luck"),
        ("nonsense", 400, "unknown fault word 'nonsense'"),
    ] {
        let reply = send(predict(&world, &format!("x [[fault: {words}]]"))).await;
        assert_eq!(reply.status.as_u16(), status, "{words}");
        let body = reply.json();
        assert_eq!(body["status"], json!(status), "{words}");
        assert!(
            body["detail"].as_str().is_some_and(|text| text.contains(detail)),
            "{words}: {body}"
        );
    }
    let limited = send(predict(&world, "x [[fault: status=429 retry-after=30]]")).await;
    assert_eq!(limited.header("retry-after"), "30");
    for status in [502, 503, 520, 524] {
        let reply = send(predict(&world, &format!("x [[fault: status={status}]]"))).await;
        assert_eq!(reply.status.as_u16(), status);
        assert!(reply.header("content-type").starts_with("text/html"));
    }
    assert_eq!(billed(&world).await, 0);
    send(predict(&world, "x [[fault: status=500 billed]]")).await;
    assert_eq!(billed(&world).await, 3_000);
}

#[tokio::test]
async fn failures_are_predictions() {
    let world = World::start().await;
    for (words, error) in [
        ("failed", "Prediction interrupted; please retry (code: PA)"),
        ("moderation", "flagged as sensitive"),
        ("moderation stage=output", "(E005)"),
    ] {
        let reply = send(predict(&world, &format!("x [[fault: {words}]]"))).await;
        assert_eq!(reply.status, StatusCode::CREATED);
        let prediction = reply.json();
        assert_eq!(
            (&prediction["status"], &prediction["output"]),
            (&json!("failed"), &Value::Null)
        );
        assert!(
            prediction["error"].as_str().is_some_and(|text| text.contains(error)),
            "{prediction}"
        );
        assert!(prediction["completed_at"].is_string());
    }
    let empty = send(predict(&world, "x [[fault: empty]]")).await.json();
    assert_eq!((&empty["status"], &empty["output"]), (&json!("succeeded"), &json!([])));
    assert_eq!(billed(&world).await, 0);
    send(predict(&world, "x [[fault: failed billed]]")).await;
    assert_eq!(billed(&world).await, 3_000);
}

#[tokio::test]
async fn answers_can_be_spoiled() {
    let world = World::start().await;
    let reply = send(predict(&world, "x [[fault: garbage]]")).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert!(serde_json::from_slice::<Value>(&reply.body).is_err());
    assert!(try_send(predict(&world, "x [[fault: cut]]")).await.is_err());
    for words in ["hang", "stall"] {
        stays_silent(&world, predict(&world, &format!("x [[fault: {words}]]"))).await;
    }
    assert_eq!(billed(&world).await, 4 * 3_000);
}

#[tokio::test]
async fn files_can_be_large_or_gone() {
    let world = World::start().await;
    let link = |reply: &Reply| reply.json()["output"][0].as_str().expect("a link").to_owned();
    let reply = send(predict(&world, "x [[fault: huge=3MiB]]")).await;
    let file = send(world.client.get(link(&reply))).await;
    assert_eq!(file.body.len(), 3 * 1024 * 1024);
    assert_eq!(measure(&file.body), (512, 512, ImageFormat::Png));
    let reply = send(predict(&world, "x [[fault: media=404]]")).await;
    assert_eq!(send(world.client.get(link(&reply))).await.status, StatusCode::NOT_FOUND);
    let reply = send(predict(&world, "x [[fault: media=garbage]]")).await;
    let file = send(world.client.get(link(&reply))).await;
    assert_eq!(file.status, StatusCode::OK);
    assert!(imaging::inspect(std::io::Cursor::new(&file.body)).is_err());
}

#[tokio::test]
async fn polls_can_be_struck() {
    let world = World::start().await;
    let prompt = "x [[fault: at=status status=500 once]] [[fault: at=result status=429 once]]";
    let prediction = send(predict(&world, prompt)).await.json();
    assert_eq!(prediction["status"], "succeeded");
    assert_eq!(get(&world, &prediction).await.status.as_u16(), 500);
    assert_eq!(get(&world, &prediction).await.status.as_u16(), 429);
    assert_eq!(get(&world, &prediction).await.status, StatusCode::OK);
    world
        .fault(json!({"provider": "replicate", "fault": "at=status cut", "times": 1}))
        .await;
    let id = prediction["id"].as_str().expect("an id");
    let cut = api(&world, Method::GET, &format!("/predictions/{id}"));
    assert!(try_send(cut).await.is_err());
    assert_eq!(get(&world, &prediction).await.status, StatusCode::OK);
}
