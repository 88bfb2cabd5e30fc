//! Versions, lists and their pages.

use super::super::harness::{World, send};
use super::{api, create, get};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

#[tokio::test]
async fn versions_and_lists() {
    let world = World::start().await;
    let model = get(&world, "/models/openai/gpt-image-2").await.json();
    let version = &model["latest_version"];
    let id = version["id"].as_str().expect("an id");
    let schemas = &version["openapi_schema"]["components"]["schemas"];
    assert_eq!(schemas["Input"]["required"], json!(["prompt"]));
    assert!(
        schemas["aspect_ratio"]["enum"]
            .as_array()
            .is_some_and(|ratios| ratios.len() == 18)
    );
    let of_model = get(&world, &format!("/models/openai/gpt-image-2/versions/{id}")).await;
    assert_eq!(&of_model.json(), version);
    assert_eq!(
        get(&world, "/models/openai/gpt-image-2/versions").await.json()["results"][0],
        *version
    );
    assert_eq!(
        get(&world, "/models").await.json()["results"].as_array().map(Vec::len),
        Some(42)
    );
    assert_eq!(
        get(&world, "/models/openai/dall-e-3").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(get(&world, "/account").await.json()["username"], "sandbox");

    let mut ids = Vec::new();
    for version in [
        "openai/gpt-image-2".to_owned(),
        format!("openai/gpt-image-2:{id}"),
        id.to_owned(),
    ] {
        let body = json!({"version": version, "input": {"prompt": "a", "quality": "low"}});
        let request = api(&world, Method::POST, "/predictions")
            .json(&body)
            .header("prefer", "wait");
        let prediction = send(request).await.json();
        assert_eq!(prediction["status"], "succeeded", "{prediction}");
        assert_eq!(prediction["version"], id);
        ids.push(prediction["id"].clone());
    }
    let list = get(&world, "/predictions").await.json();
    let listed: Vec<Value> = list["results"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["id"].clone())
        .collect();
    ids.reverse();
    assert_eq!(listed, ids);
    assert_eq!(list["next"], Value::Null);
    for (body, title) in [
        (
            json!({"version": "0".repeat(64), "input": {}}),
            "Invalid version or not permitted",
        ),
        (json!({"input": {}}), "Input validation failed"),
    ] {
        let reply = send(api(&world, Method::POST, "/predictions").json(&body)).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["title"]), (422, &json!(title)));
    }
}

#[tokio::test]
async fn long_lists_have_pages() {
    let world = World::start().await;
    let body = json!({"input": {"prompt": "a [[fault: failed]]"}});
    for _ in 0..101 {
        send(create(&world, "black-forest-labs/flux-schnell", &body)).await;
    }
    let first = get(&world, "/predictions").await.json();
    assert_eq!(first["results"].as_array().map(Vec::len), Some(100));
    let request = world.client.get(first["next"].as_str().expect("another page"));
    let second = send(request.bearer_auth(sandbox::REPLICATE_CREDENTIAL)).await.json();
    assert_eq!(second["results"].as_array().map(Vec::len), Some(1));
    assert_eq!(second["next"], Value::Null);
}
