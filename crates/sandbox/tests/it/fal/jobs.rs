//! Jobs of fal's queue, their webhooks and results.

use super::super::harness::{World, send};
use super::super::hooks::Hooks;
use super::{ask, fal, fetch, picture, run, states, submit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[tokio::test]
async fn a_job_goes_from_queue_to_result() {
    let world = World::start().await;
    let body = json!({"prompt": "a [[fault: delay=2s]]", "quality": "low", "image_urls": [picture()]});
    let job = submit(&world, "openai/gpt-image-2.5/flare/edit", body).await;
    let id = job["request_id"].as_str().expect("an id");
    let url = format!(
        "{}/fal/queue/openai/gpt-image-2.5/requests/{id}",
        world.sandbox.base_url()
    );
    assert_eq!(job["response_url"], url);
    assert_eq!(job["status_url"], format!("{url}/status"));
    assert_eq!(job["cancel_url"], format!("{url}/cancel"));
    assert_eq!(job["status"], "IN_QUEUE");
    let early = ask(&world, Method::GET, &job["status_url"]).await;
    assert_eq!(
        (early.status, &early.json()["status"]),
        (StatusCode::ACCEPTED, &json!("IN_QUEUE"))
    );
    assert_eq!(early.json()["queue_position"], 0);
    let early = ask(&world, Method::GET, &job["response_url"]).await;
    assert_eq!(early.status, StatusCode::BAD_REQUEST);
    assert_eq!(early.json()["detail"], "Request is still in progress");

    let states = states(&world, &job).await;
    let names: Vec<&str> = states.iter().filter_map(|state| state["status"].as_str()).collect();
    assert_eq!(names, ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]);
    let last = &states[2];
    assert!(
        last["metrics"]["inference_time"]
            .as_f64()
            .is_some_and(|time| time >= 1.0)
    );
    assert!(last.get("error").is_none());
    assert_eq!(last["logs"][0]["source"], "USER");
    let done = ask(&world, Method::GET, &job["status_url"]).await;
    assert_eq!((done.status, &done.json()["logs"]), (StatusCode::OK, &Value::Null));

    let result = ask(&world, Method::GET, &job["response_url"]).await;
    assert_eq!(result.status, StatusCode::OK);
    assert_eq!(result.header("x-fal-request-id"), id);
    assert_eq!(result.header("x-fal-billable-units"), "1");
    let also = ask(&world, Method::GET, &json!(format!("{url}/response"))).await;
    assert_eq!(also.body, result.body);
    assert_eq!(
        fetch(&world, &result.json()["images"][0]["url"]).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn requests_belong_to_their_app() {
    let world = World::start().await;
    let body = json!({"prompt": "a", "image_urls": [picture()], "quality": "low"});
    let job = submit(&world, "openai/gpt-image-2/edit", body).await;
    let id = job["request_id"].as_str().expect("an id");
    let get = async |path: String| send(fal(&world, Method::GET, &path)).await.status.as_u16();
    assert_eq!(get(format!("/queue/openai/gpt-image-2/edit/requests/{id}")).await, 405);
    assert_eq!(get(format!("/queue/fal-ai/flux/requests/{id}")).await, 404);
    assert_eq!(
        get("/queue/openai/gpt-image-2/requests/nobody/status".to_owned()).await,
        404
    );
    assert_eq!(get("/queue/openai/gpt-image-2".to_owned()).await, 405);
    assert_eq!(
        get(format!("/queue/openai/gpt-image-2/requests/{id}/cancel")).await,
        405
    );
    assert_eq!(get("/nowhere".to_owned()).await, 404);
    let reply = run(&world, "openai/gpt-image-9", json!({"prompt": "a"})).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(reply.json()["detail"], "Application \"openai/gpt-image-9\" not found");
}

#[tokio::test]
async fn jobs_can_be_cancelled_until_they_end() {
    let world = World::start().await;
    let job = submit(
        &world,
        "fal-ai/flux/schnell",
        json!({"prompt": "a [[fault: delay=900s]]"}),
    )
    .await;
    let reply = ask(&world, Method::PUT, &job["cancel_url"]).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(reply.json(), json!({"status": "CANCELLATION_REQUESTED"}));
    let states = states(&world, &job).await;
    let last = states.last().expect("an end");
    assert_eq!(last["status"], "COMPLETED");
    assert_eq!(last["error_type"], "client_cancelled");
    let result = ask(&world, Method::GET, &job["response_url"]).await;
    assert_eq!(result.status.as_u16(), 499);
    assert_eq!(result.header("x-fal-error-type"), "client_cancelled");
    let again = ask(&world, Method::PUT, &job["cancel_url"]).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
    assert_eq!(again.json(), json!({"status": "ALREADY_COMPLETED"}));
    let nobody = fal(&world, Method::PUT, "/queue/fal-ai/flux/requests/nobody/cancel");
    let nobody = send(nobody).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
    assert_eq!(nobody.json(), json!({"status": "NOT_FOUND"}));
    assert_eq!(world.bill("fal").await["total_micros"], 0);
}

#[tokio::test]
async fn webhooks_are_signed_and_repeated() {
    let world = World::start().await;
    let mut hooks = Hooks::start(&[500]).await;
    for (prompt, status) in [("a", "OK"), ("a [[fault: moderation]]", "ERROR")] {
        let path = format!("/queue/fal-ai/flux/schnell?fal_webhook={}", hooks.url);
        let request = fal(&world, Method::POST, &path).json(&json!({"prompt": prompt, "image_size": "square"}));
        let job = send(request).await.json();
        let first = hooks.next().await;
        let message = if status == "OK" {
            let second = hooks.next().await;
            assert_eq!(first.body, second.body, "after a failure it comes again");
            second
        } else {
            first
        };
        let body = message.json();
        assert_eq!(body["request_id"], job["request_id"]);
        assert_eq!(body["status"], status);
        if status == "OK" {
            assert_eq!(body["payload"]["images"][0]["width"], 512);
        } else {
            assert_eq!(body["error"], "Invalid status code: 422");
            assert_eq!(body["payload"]["detail"][0]["type"], "content_policy_violation");
        }
        let keys = send(world.request(Method::GET, "/fal/rest/.well-known/jwks.json"))
            .await
            .json();
        let x = URL_SAFE_NO_PAD.decode(keys["keys"][0]["x"].as_str().expect("a key"));
        let x: [u8; 32] = x.expect("base64").try_into().expect("32 bytes");
        let key = VerifyingKey::from_bytes(&x).expect("a point on the curve");
        let signed = format!(
            "{}\n{}\n{}\n{}",
            message.header("x-fal-webhook-request-id"),
            message.header("x-fal-webhook-user-id"),
            message.header("x-fal-webhook-timestamp"),
            hex::encode(Sha256::digest(&message.body)),
        );
        let signature = hex::decode(message.header("x-fal-webhook-signature")).expect("hex");
        let signature = Signature::from_slice(&signature).expect("64 bytes");
        key.verify_strict(signed.as_bytes(), &signature)
            .expect("the signature is right");
    }
    let request = fal(&world, Method::POST, "/queue/fal-ai/flux/schnell?fal_webhook=ftp://x/");
    assert_eq!(
        send(request.json(&json!({"prompt": "a"}))).await.status,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn results_are_kept_as_long_as_asked_for() {
    let world = World::start().await;
    let body = json!({"prompt": "a", "image_size": "square"});
    let request = || fal(&world, Method::POST, "/run/fal-ai/flux/schnell").json(&body);
    let lifetime = r#"{"expiration_duration_seconds": 600}"#;
    let short = send(request().header("x-fal-object-lifecycle-preference", lifetime))
        .await
        .json();
    let usual = send(request()).await.json();
    world.advance_clock(601).await;
    let status = async |answer: &Value| fetch(&world, &answer["images"][0]["url"]).await.status;
    assert_eq!(status(&short).await, StatusCode::FORBIDDEN);
    assert_eq!(status(&usual).await, StatusCode::OK);
    world.advance_clock(7 * 24 * 3_600).await;
    assert_eq!(status(&usual).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_callers_own_start_limit_ends_a_wait() {
    let world = World::start().await;
    let request = |limit: &str, prompt: &str| {
        fal(&world, Method::POST, "/run/fal-ai/flux/schnell")
            .header("x-fal-request-timeout", limit)
            .json(&json!({"prompt": prompt, "image_size": "square"}))
    };
    let late = send(request("1.1", "a [[fault: delay=900s]]")).await;
    assert_eq!(late.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(late.header("x-fal-error-type"), "request_timeout");
    assert_eq!(late.header("x-fal-request-timeout-type"), "user");
    assert_eq!(late.json()["error_type"], "request_timeout");
    assert_eq!(send(request("30", "a")).await.status, StatusCode::OK);
    assert_eq!(send(request("0.5", "a")).await.status, StatusCode::BAD_REQUEST);
}
