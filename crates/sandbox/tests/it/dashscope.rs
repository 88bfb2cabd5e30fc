//! The DashScope emulator: models, sizes, tasks, errors, faults and prices.

use super::harness::{Reply, World, data_url, distance, measure, pixels, plain, send, stays_silent, try_send};
use imaging::ImageFormat;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

const AT_ONCE: &str = "/services/aigc/multimodal-generation/generation";
const AS_TASK: &str = "/services/aigc/image-generation/generation";

fn api(world: &World, method: Method, path: &str) -> RequestBuilder {
    world
        .request(method, &format!("/alibaba/api/v1{path}"))
        .bearer_auth(sandbox::DASHSCOPE_CREDENTIAL)
}

fn body(model: &str, prompt: &str, parameters: Value) -> Value {
    let messages = json!([{"role": "user", "content": [{"text": prompt}]}]);
    json!({"model": model, "input": {"messages": messages}, "parameters": parameters})
}

async fn generate(world: &World, body: &Value) -> Reply {
    send(api(world, Method::POST, AT_ONCE).json(body)).await
}

async fn submit(world: &World, body: &Value) -> Reply {
    let request = api(world, Method::POST, AS_TASK).header("x-dashscope-async", "enable");
    send(request.json(body)).await
}

async fn task(world: &World, id: &Value) -> Reply {
    let path = format!("/tasks/{}", id.as_str().expect("an id"));
    send(api(world, Method::GET, &path)).await
}

/// Asks until the task has ended.
async fn ended(world: &World, submitted: &Value) -> Value {
    loop {
        let told = task(world, &submitted["output"]["task_id"]).await.json();
        match told["output"]["task_status"].as_str() {
            Some("PENDING" | "RUNNING") => tokio::task::yield_now().await,
            _ => return told,
        }
    }
}

/// The links of all choices.
fn links(answer: &Value) -> Vec<String> {
    let choices = answer["output"]["choices"].as_array().expect("choices");
    let parts = choices.iter().flat_map(|choice| {
        assert_eq!(choice["finish_reason"], "stop");
        assert_eq!(choice["message"]["role"], "assistant");
        choice["message"]["content"].as_array().expect("parts")
    });
    parts
        .filter_map(|part| part["image"].as_str().map(str::to_owned))
        .collect()
}

async fn file(world: &World, link: &str) -> Reply {
    send(world.client.get(link)).await
}

async fn billed(world: &World) -> i64 {
    world.bill("alibaba").await["total_micros"].as_i64().expect("a sum")
}

#[tokio::test]
async fn every_family_draws_its_sizes() {
    let world = World::start().await;
    for (model, parameters, expected, count) in [
        ("qwen-image", json!({}), (1664, 928), 1),
        ("qwen-image-plus", json!({"size": "1328*1328", "n": 1}), (1328, 1328), 1),
        (
            "qwen-image-2.0",
            json!({"size": "768*512", "n": 2, "seed": 7}),
            (768, 512),
            2,
        ),
        ("qwen-image-3.0", json!({"size": "512*512"}), (512, 512), 1),
        ("wan2.7-image", json!({"size": "768*1024"}), (768, 1024), 4),
        ("z-image-turbo", json!({"size": "640*640"}), (640, 640), 1),
    ] {
        let reply = generate(&world, &body(model, "a red barn", parameters)).await;
        assert_eq!(reply.status, StatusCode::OK, "{model}: {}", reply.text());
        let answer = reply.json();
        assert!(answer["request_id"].is_string());
        let links = links(&answer);
        assert_eq!(links.len(), count, "{model}");
        for link in &links {
            let file = file(&world, link).await;
            assert_eq!(
                measure(&file.body),
                (expected.0, expected.1, ImageFormat::Png),
                "{model}"
            );
            assert_eq!(file.header("content-type"), "image/png");
        }
    }
}

#[tokio::test]
async fn usage_and_texts_differ_by_family() {
    let world = World::start().await;
    let usage = async |model: &str| {
        let answer = generate(&world, &body(model, "a barn", json!({"size": "800*800", "n": 1}))).await;
        answer.json()["usage"].clone()
    };
    assert_eq!(
        usage("qwen-image-2.0").await,
        json!({"width": 800, "height": 800, "image_count": 1})
    );
    assert_eq!(usage("qwen-image-3.0").await["output_image_type"], "1K");
    assert_eq!(
        usage("wan2.7-image").await,
        json!({"size": "800*800", "image_count": 1})
    );
    let text = async |extend: bool| {
        let parameters = json!({"size": "512*512", "prompt_extend": extend});
        let answer = generate(&world, &body("z-image-turbo", "a barn", parameters))
            .await
            .json();
        answer["output"]["choices"][0]["message"]["content"][1]["text"].clone()
    };
    assert_eq!(text(false).await, "a barn");
    assert!(
        text(true)
            .await
            .as_str()
            .is_some_and(|text| text.starts_with("a barn, "))
    );
}

#[tokio::test]
async fn edits_show_their_first_input_and_follow_its_shape() {
    let world = World::start().await;
    let red = plain((800, 400), [200, 30, 30, 255], ImageFormat::Png);
    let content = json!([{"image": data_url("image/png", &red)}, {"text": "add a boat"}]);
    let mut request = body("qwen-image-edit", "x", Value::Null);
    request["input"]["messages"][0]["content"] = content;
    let answer = generate(&world, &request).await.json();
    let drawn = file(&world, &links(&answer)[0]).await;
    assert_eq!(measure(&drawn.body), (1456, 720, ImageFormat::Png));
    let plain_red = pixels(&plain((1456, 720), [200, 30, 30, 255], ImageFormat::Png));
    assert!(distance(&pixels(&drawn.body), &plain_red) < 90.0);
    let huge = vec![0; 10 * 1024 * 1024 + 1];
    for (image, word) in [
        (data_url("image/png", b"no image"), "cannot be opened"),
        (data_url("image/png", &huge), "10 MB"),
        ("https://example.org/a.png".to_owned(), "Unable to download"),
    ] {
        request["input"]["messages"][0]["content"][0]["image"] = json!(image);
        let reply = generate(&world, &request).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert!(reply.text().contains(word), "{}", reply.text());
    }
}

#[tokio::test]
async fn seeds_repeat_and_calls_differ() {
    let world = World::start().await;
    let draw = async |parameters: Value| {
        let answer = generate(&world, &body("qwen-image-2.0", "a lighthouse", parameters))
            .await
            .json();
        file(&world, &links(&answer)[0]).await.body
    };
    let seeded = json!({"size": "512*512", "seed": 11});
    let first = draw(seeded.clone()).await;
    assert_eq!(first, draw(seeded).await);
    let free = json!({"size": "512*512"});
    assert_ne!(draw(free.clone()).await, draw(free).await);
}

#[tokio::test]
async fn tasks_end_with_links_and_are_forgotten_after_a_day() {
    let world = World::start().await;
    let parameters = json!({"size": "768*768", "n": 2});
    let submitted = submit(&world, &body("wan2.7-image-pro", "a fox", parameters))
        .await
        .json();
    assert_eq!(submitted["output"]["task_status"], "PENDING");
    let told = ended(&world, &submitted).await;
    assert_eq!(told["output"]["task_status"], "SUCCEEDED", "{told}");
    assert_eq!(told["output"]["finished"], true);
    for time in ["submit_time", "scheduled_time", "end_time"] {
        assert!(
            told["output"][time].as_str().is_some_and(|text| text.len() == 23),
            "{told}"
        );
    }
    let links = links(&told);
    assert_eq!(links.len(), 2);
    assert_eq!(
        told["output"]["choices"].as_array().map(Vec::len),
        Some(2),
        "one an image"
    );
    assert_eq!(file(&world, &links[0]).await.status, StatusCode::OK);
    world.advance_clock(24 * 3_600).await;
    assert_eq!(file(&world, &links[0]).await.status, StatusCode::FORBIDDEN);
    let told = task(&world, &submitted["output"]["task_id"]).await.json();
    assert_eq!(told["output"]["task_status"], "UNKNOWN");
    let told = task(&world, &json!("nobody")).await.json();
    assert_eq!(told["output"], json!({"task_id": "nobody", "task_status": "UNKNOWN"}));
}

#[tokio::test]
async fn what_is_wrong_is_told_by_code() {
    let world = World::start().await;
    let good = || body("qwen-image-2.0", "a fox", json!({"size": "512*512"}));
    let mut top_level = good();
    top_level["messages"] = top_level["input"]["messages"].take();
    for (request, status, code) in [
        (top_level, 400, "InvalidParameter"),
        (
            body("qwen-image-2.0", "a fox", json!({"size": "1K"})),
            400,
            "InvalidParameter",
        ),
        (body("qwen-image-9", "a fox", json!({})), 404, "ModelNotFound"),
        (json!([1]), 400, "InvalidParameter"),
    ] {
        let reply = generate(&world, &request).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()["code"].as_str()),
            (status, Some(code))
        );
        assert!(reply.json()["request_id"].is_string() && reply.json()["message"].is_string());
    }
    let anonymous = world
        .request(Method::POST, &format!("/alibaba/api/v1{AT_ONCE}"))
        .json(&good());
    let reply = send(anonymous).await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()["code"].as_str()),
        (401, Some("InvalidApiKey"))
    );
    let as_task = submit(&world, &good()).await;
    assert_eq!(as_task.json()["message"], "url error, please check url!");
    let without = send(api(&world, Method::POST, AS_TASK).json(&body("wan2.7-image", "a", json!({})))).await;
    assert_eq!(
        without.json()["message"],
        "current user api does not support synchronous calls."
    );
    let with = api(&world, Method::POST, AT_ONCE).header("x-dashscope-async", "enable");
    assert_eq!(send(with.json(&good())).await.json()["code"], "AccessDenied");
    assert_eq!(billed(&world).await, 0);
}

#[tokio::test]
async fn faults_come_in_its_own_dress() {
    let world = World::start().await;
    let faulty = async |words: &str| {
        let prompt = format!("a fox [[fault: {words}]]");
        generate(&world, &body("qwen-image-2.0", &prompt, json!({"size": "512*512"}))).await
    };
    for (words, status, code) in [
        ("status=429 retry-after=7", 429, "Throttling.RateQuota"),
        ("status=429 quota", 429, "insufficient_quota"),
        ("quota", 400, "Arrearage"),
        ("status=401", 401, "InvalidApiKey"),
        ("status=403", 403, "AccessDenied.Unpurchased"),
        ("status=404", 404, "ModelNotFound"),
        ("status=500", 500, "InternalError.Algo"),
        ("failed", 500, "InternalError.Algo"),
        ("moderation", 400, "DataInspectionFailed"),
        ("moderation stage=output", 200, "DataInspectionFailed"),
        ("nonsense", 400, "InvalidParameter"),
    ] {
        let reply = faulty(words).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()["code"].as_str()),
            (status, Some(code)),
            "{words}"
        );
        assert!(reply.json().get("output").is_none());
    }
    assert_eq!(faulty("status=429 retry-after=7").await.header("retry-after"), "7");
    assert!(
        faulty("status=502")
            .await
            .header("content-type")
            .starts_with("text/html")
    );
    assert!(links(&faulty("empty").await.json()).is_empty());
    assert_eq!(billed(&world).await, 0);
    faulty("status=500 billed").await;
    faulty("moderation stage=output billed").await;
    assert_eq!(billed(&world).await, 2 * 35_000);
    let link = links(&faulty("media=404").await.json()).remove(0);
    assert_eq!(file(&world, &link).await.status, StatusCode::NOT_FOUND);
    let link = links(&faulty("huge=3MiB").await.json()).remove(0);
    assert_eq!(file(&world, &link).await.body.len(), 3 * 1024 * 1024);
}

#[tokio::test]
async fn answers_can_be_spoiled_and_are_charged() {
    let world = World::start().await;
    let request = |words: &str| {
        let prompt = format!("a fox [[fault: {words}]]");
        api(&world, Method::POST, AT_ONCE).json(&body("qwen-image-2.0", &prompt, json!({"size": "512*512"})))
    };
    let reply = send(request("garbage")).await;
    assert!(serde_json::from_slice::<Value>(&reply.body).is_err());
    assert!(try_send(request("cut")).await.is_err());
    stays_silent(&world, request("hang")).await;
    assert_eq!(billed(&world).await, 3 * 35_000);
}

#[tokio::test]
async fn tasks_fail_inside_a_success_and_polls_can_be_struck() {
    let world = World::start().await;
    let submitted = async |words: &str| {
        let prompt = format!("a fox {words}");
        submit(
            &world,
            &body("wan2.7-image", &prompt, json!({"size": "768*768", "n": 1})),
        )
        .await
        .json()
    };
    for (words, code) in [
        ("[[fault: failed]]", "InternalError.Algo"),
        ("[[fault: moderation]]", "DataInspectionFailed"),
    ] {
        let told = ended(&world, &submitted(words).await).await;
        assert_eq!(told["output"]["task_status"], "FAILED");
        assert_eq!(told["output"]["code"], code);
        assert!(told.get("usage").is_none());
    }
    let struck = submitted("[[fault: at=status status=500 once]]").await;
    let id = &struck["output"]["task_id"];
    assert_eq!(task(&world, id).await.status.as_u16(), 500);
    assert_eq!(ended(&world, &struck).await["output"]["task_status"], "SUCCEEDED");
    assert_eq!(billed(&world).await, 0, "the price of this model is not known");
    assert_eq!(world.bill("alibaba").await["entries"][0]["images"], 1);
}

#[tokio::test]
async fn prices_are_by_image_and_the_log_holds_no_prompt() {
    let world = World::start().await;
    for (model, size, n, micros) in [
        ("qwen-image-2.0", "512*512", 2, 70_000),
        ("qwen-image-2.0-pro", "512*512", 1, 75_000),
        ("qwen-image-3.0", "1024*1024", 1, 30_000),
        ("qwen-image-3.0", "1040*1024", 1, 60_000),
    ] {
        let before = billed(&world).await;
        generate(&world, &body(model, "a secret garden", json!({"size": size, "n": n}))).await;
        assert_eq!(billed(&world).await - before, micros, "{model} {size}");
    }
    let calls = world.calls("alibaba").await;
    assert_eq!(calls[0]["model"], "qwen-image-2.0");
    assert_eq!(calls[0]["body"]["parameters"]["size"], "512*512");
    assert!(!json!(calls).to_string().contains("secret garden"));
}
