//! The Runware emulator: tasks, sizes, inputs, jobs, errors, faults and costs.

use super::harness::{
    Reply, World, data_url, distance, from_base64, measure, pixels, plain, send, stays_silent, try_send,
};
use imaging::ImageFormat;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

fn api(world: &World, tasks: &Value) -> RequestBuilder {
    world
        .request(Method::POST, "/runware/v1")
        .bearer_auth(sandbox::RUNWARE_CREDENTIAL)
        .json(tasks)
}

fn uuid(number: u32) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

fn task(number: u32, model: &str, prompt: &str, more: &Value) -> Value {
    let mut task = json!({
        "taskType": "imageInference", "taskUUID": uuid(number), "model": model, "positivePrompt": prompt,
        "width": 512, "height": 512,
    });
    for (name, value) in more.as_object().expect("an object") {
        task[name] = value.clone();
    }
    task
}

async fn run(world: &World, task: Value) -> Reply {
    send(api(world, &json!([task]))).await
}

fn error(reply: &Reply) -> (u16, String) {
    let code = reply.json()["errors"][0]["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (reply.status.as_u16(), code)
}

async fn file(world: &World, url: &Value) -> Reply {
    send(world.client.get(url.as_str().expect("a link"))).await
}

async fn billed(world: &World) -> i64 {
    world.bill("runware").await["total_micros"].as_i64().expect("a sum")
}

#[tokio::test]
async fn images_come_as_links_base64_or_data_uris() {
    let world = World::start().await;
    let reply = run(
        &world,
        task(1, "runware:101@1", "a fox", &json!({"numberResults": 2, "height": 256})),
    )
    .await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let data = reply.json()["data"].clone();
    assert_eq!(data.as_array().map(Vec::len), Some(2));
    for entry in data.as_array().into_iter().flatten() {
        assert_eq!(
            (&entry["taskType"], &entry["taskUUID"]),
            (&json!("imageInference"), &json!(uuid(1)))
        );
        assert!(entry["seed"].is_u64() && entry.get("cost").is_none() && entry.get("NSFWContent").is_none());
        let file = file(&world, &entry["imageURL"]).await;
        assert_eq!(measure(&file.body), (512, 256, ImageFormat::Jpeg));
        assert_eq!(file.header("content-type"), "image/jpeg");
    }
    world.advance_clock(7 * 24 * 3_600).await;
    assert_eq!(file(&world, &data[0]["imageURL"]).await.status, StatusCode::FORBIDDEN);
    let more = json!({"outputType": "base64Data", "outputFormat": "PNG", "checkNSFW": true});
    let answer = run(&world, task(2, "runware:100@1", "a fox", &more)).await.json();
    let bytes = from_base64(&answer["data"][0]["imageBase64Data"]);
    assert_eq!(measure(&bytes), (512, 512, ImageFormat::Png));
    assert_eq!(answer["data"][0]["NSFWContent"], false);
    let more = json!({"outputType": "dataURI", "outputFormat": "WEBP"});
    let answer = run(&world, task(3, "runware:100@1", "a fox", &more)).await.json();
    let uri = answer["data"][0]["imageDataURI"].as_str().expect("a text").to_owned();
    let bytes = from_base64(&json!(uri.strip_prefix("data:image/webp;base64,").expect("its type")));
    assert_eq!(measure(&bytes).2, ImageFormat::Webp);
}

#[tokio::test]
async fn a_list_of_tasks_has_one_answer() {
    let world = World::start().await;
    let tasks = json!([
        {"taskType": "authentication", "apiKey": "sandbox-key"},
        task(1, "runware:101@1", "a fox", &json!({})),
        task(2, "runware:9@9", "a fox", &json!({})),
        task(1, "runware:101@1", "a fox", &json!({})),
    ]);
    let reply = send(world.request(Method::POST, "/runware/v1").json(&tasks)).await;
    assert_eq!(reply.status, StatusCode::OK, "one of them went well");
    let answer = reply.json();
    assert_eq!(answer["data"][0], json!({"taskType": "authentication"}));
    assert_eq!(answer["data"][1]["taskUUID"], uuid(1));
    assert_eq!(answer["errors"][0]["code"], "invalidModel");
    assert_eq!(answer["errors"][0]["taskUUID"], uuid(2));
    assert_eq!(answer["errors"][1]["code"], "conflictTaskUUID");
}

#[tokio::test]
async fn jobs_are_asked_for_by_their_uuid() {
    let world = World::start().await;
    let more = json!({"deliveryMethod": "async", "includeCost": true, "numberResults": 2});
    let acknowledged = run(&world, task(1, "runware:101@1", "a fox", &more)).await.json();
    assert_eq!(
        acknowledged,
        json!({"data": [{"taskType": "imageInference", "taskUUID": uuid(1)}]})
    );
    let ask = |number: u32| json!({"taskType": "getResponse", "taskUUID": uuid(number)});
    let told = loop {
        let told = run(&world, ask(1)).await.json();
        match told["data"][0]["status"].as_str() {
            Some("processing") => tokio::task::yield_now().await,
            _ => break told,
        }
    };
    assert_eq!(told["data"].as_array().map(Vec::len), Some(2));
    assert_eq!(told["data"][1]["status"], "success");
    assert_eq!(file(&world, &told["data"][1]["imageURL"]).await.status, StatusCode::OK);
    assert_eq!(error(&run(&world, ask(2)).await), (400, "invalidTaskUUID".to_owned()));
    let struck = "a fox [[fault: failed]] [[fault: at=status status=429 once]]";
    run(
        &world,
        task(3, "runware:101@1", struck, &json!({"deliveryMethod": "async"})),
    )
    .await;
    assert_eq!(error(&run(&world, ask(3)).await), (429, "rateLimitExceeded".to_owned()));
    let told = loop {
        let told = run(&world, ask(3)).await;
        assert_eq!(told.status, StatusCode::OK);
        if told.json()["data"][0]["status"] != "processing" {
            break told.json();
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(
        (&told["errors"][0]["code"], &told["errors"][0]["status"]),
        (&json!("timeoutProvider"), &json!("error"))
    );
}

#[tokio::test]
async fn edits_show_their_inputs_and_keep_what_the_mask_covers() {
    let world = World::start().await;
    let red = plain((512, 512), [200, 30, 30, 255], ImageFormat::Png);
    let same = pixels(&red);
    let drawn = async |number: u32, model: &str, size: u32, more: &Value| {
        let mut more = more.clone();
        more["outputFormat"] = json!("PNG");
        (more["width"], more["height"]) = (json!(size), json!(size));
        let reply = run(&world, task(number, model, "a boat", &more)).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        file(&world, &reply.json()["data"][0]["imageURL"]).await.body
    };
    let seed_image = data_url("image/png", &red);
    let black = plain((512, 512), [0, 0, 0, 255], ImageFormat::Png);
    let white = plain((512, 512), [255, 255, 255, 255], ImageFormat::Png);
    let masked =
        |mask: &[u8]| json!({"seedImage": seed_image, "maskImage": data_url("image/png", mask), "strength": 1.0});
    let kept = drawn(1, "runware:101@1", 512, &masked(&black)).await;
    let painted = drawn(2, "runware:101@1", 512, &masked(&white)).await;
    assert!(distance(&pixels(&kept), &same) < distance(&pixels(&painted), &same) / 4.0);
    let upload = json!({"taskType": "imageUpload", "taskUUID": uuid(9), "image": seed_image});
    let uploaded = run(&world, upload).await.json()["data"][0]["imageUUID"].clone();
    let by_uuid = drawn(
        3,
        "runware:101@1",
        512,
        &json!({"seedImage": uploaded, "strength": 0.1}),
    )
    .await;
    assert!(distance(&pixels(&by_uuid), &same) < 60.0);
    let bare = seed_image.split_once(',').expect("base64").1;
    let references = json!({"referenceImages": [bare, seed_image], "providerSettings": {"openai": {"quality": "low"}}});
    assert_eq!(measure(&drawn(4, "openai:4@1", 1024, &references).await).0, 1024);
    let bad = ["nonsense", "https://example.org/a.png", "data:image/png;base64,AAAA"];
    for (number, bad) in (5..).zip(bad) {
        let reply = run(
            &world,
            task(number, "runware:101@1", "a boat", &json!({"seedImage": bad})),
        )
        .await;
        assert_eq!(error(&reply), (400, "invalidSeedImage".to_owned()), "{bad}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_by_parameter() {
    let world = World::start().await;
    for (given, expected) in [
        (json!({"taskType": "imageInference"}), "missingTaskUUID"),
        (json!({"taskUUID": uuid(1)}), "missingTaskType"),
        (json!({"taskType": "dance", "taskUUID": uuid(1)}), "invalidTaskType"),
        (
            json!({"taskType": "imageInference", "taskUUID": "1"}),
            "invalidTaskUUID",
        ),
        (
            json!({"taskType": "imageInference", "taskUUID": uuid(1)}),
            "missingModel",
        ),
        (task(1, "openai:4@1", "a fox", &json!({})), "invalidWidth"),
        (
            task(2, "runware:101@1", "a fox", &json!({"prompt": "x"})),
            "unsupportedParameter",
        ),
    ] {
        assert_eq!(error(&run(&world, given).await), (400, expected.to_owned()));
    }
    for body in [json!({}), json!([]), json!([1])] {
        assert_eq!(
            error(&send(api(&world, &body)).await),
            (400, "invalidRequest".to_owned())
        );
    }
    let anonymous = world.request(Method::POST, "/runware/v1");
    let reply = send(anonymous.json(&json!([task(3, "runware:101@1", "a fox", &json!({}))]))).await;
    assert_eq!(error(&reply), (401, "invalidApiKey".to_owned()));
    assert_eq!(reply.json()["errors"][0]["taskType"], "authentication");
    assert_eq!(billed(&world).await, 0);
}

#[tokio::test]
async fn faults_come_in_its_own_dress() {
    let world = World::start().await;
    let mut number = 0;
    let mut faulty = async |words: &str| {
        number += 1;
        let prompt = format!("a fox [[fault: {words}]]");
        run(&world, task(number, "runware:101@1", &prompt, &json!({}))).await
    };
    for (words, status, code) in [
        ("status=429", 429, "rateLimitExceeded"),
        ("quota", 402, "insufficientCredits"),
        ("status=401", 401, "invalidApiKey"),
        ("status=403", 403, "forbidden"),
        ("status=404", 404, "invalidModel"),
        ("status=500", 500, "internalServerError"),
        ("failed", 500, "timeoutProvider"),
        ("moderation", 400, "invalidProviderContent"),
        ("moderation stage=output", 200, "invalidProviderContent"),
        ("nonsense", 400, "invalidRequest"),
    ] {
        assert_eq!(error(&faulty(words).await), (status, code.to_owned()), "{words}");
    }
    assert_eq!(faulty("status=429 retry-after=7").await.header("retry-after"), "7");
    assert!(
        faulty("status=502")
            .await
            .header("content-type")
            .starts_with("text/html")
    );
    assert_eq!(faulty("empty").await.json(), json!({"data": []}));
    assert_eq!(billed(&world).await, 0);
    faulty("status=500 billed").await;
    assert_eq!(billed(&world).await, 262, "a stand-in by pixels");
    let gone = faulty("media=404").await.json();
    assert_eq!(
        file(&world, &gone["data"][0]["imageURL"]).await.status,
        StatusCode::NOT_FOUND
    );
    let huge = faulty("huge=3MiB").await.json();
    assert_eq!(
        file(&world, &huge["data"][0]["imageURL"]).await.body.len(),
        3 * 1024 * 1024
    );
    let garbage = faulty("garbage").await;
    assert!(serde_json::from_slice::<Value>(&garbage.body).is_err());
    let spoiled = |number: u32, words: &str| {
        let prompt = format!("a fox [[fault: {words}]]");
        api(&world, &json!([task(number, "runware:101@1", &prompt, &json!({}))]))
    };
    assert!(try_send(spoiled(100, "cut")).await.is_err());
    stays_silent(&world, spoiled(101, "hang")).await;
}

#[tokio::test]
async fn costs_are_told_and_billed_alike() {
    let world = World::start().await;
    for (number, quality, size, micros) in [
        (1, "low", (1024, 1024), 9_000),
        (2, "medium", (1536, 1024), 50_000),
        (3, "high", (1024, 1536), 200_000),
    ] {
        let more = json!({
            "width": size.0, "height": size.1, "includeCost": true, "numberResults": 2,
            "providerSettings": {"openai": {"quality": quality}},
        });
        let before = billed(&world).await;
        let answer = run(&world, task(number, "openai:4@1", "a secret garden", &more))
            .await
            .json();
        let charged = billed(&world).await - before;
        // Four tokens of text.
        assert_eq!(charged, 2 * micros + 20, "{quality}");
        let costs = answer["data"].as_array().expect("entries").iter();
        let told: f64 = costs.filter_map(|entry| entry["cost"].as_f64()).sum();
        assert!((told * 1e6 - charged as f64).abs() < 0.5, "{answer}");
    }
    let calls = world.calls("runware").await;
    assert_eq!(calls[0]["model"], "openai:4@1");
    assert_eq!(calls[0]["body"]["numberResults"], 2);
    assert!(!json!(calls).to_string().contains("secret garden"));
}
