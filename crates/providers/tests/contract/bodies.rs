//! What is really sent: fields, order, images, headers.

mod ark;
mod bfl;
mod dashscope;
mod fireworks;
mod gemini;
mod runware;
mod xai;

mod openrouter;
mod stability;

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use indexmap::IndexMap;
use planner::{
    mode::Mode,
    native::{ImageForm, NativeRequest, NativeValue},
};
use providers::{Driver, DriverConfig, FinishedAttempt, InputImage, ProviderRequest, Spool, SpoolLimits, adapter};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use crate::{
    PROMPT, endpoint, request,
    script::{IMAGE_BYTES, conversation, picture},
    scripted::{Answer, Exchange, Recorded, Scripted},
    spoken, with_links,
};

async fn sent(protocol: &str, case: &str, make: impl FnOnce(&Scripted, &Spool) -> ProviderRequest) -> Vec<Recorded> {
    let server = Scripted::listen().await;
    server.play(conversation(protocol, case, &server).expect("a fixture"));
    sent_by(protocol, &server, make).await
}

async fn sent_by(
    protocol: &str,
    server: &Scripted,
    make: impl FnOnce(&Scripted, &Spool) -> ProviderRequest,
) -> Vec<Recorded> {
    ran_by(protocol, server, make).await.1
}

/// The same, with what came of it.
async fn ran_by(
    protocol: &str,
    server: &Scripted,
    make: impl FnOnce(&Scripted, &Spool) -> ProviderRequest,
) -> (FinishedAttempt, Vec<Recorded>) {
    let spool = Spool::new(SpoolLimits::default());
    let request = make(server, &spool);
    let driver = Driver::new(DriverConfig::default()).expect("TLS is there");
    let deadline = Instant::now() + Duration::from_secs(60);
    let adapter = adapter(spoken(protocol)).expect("a known protocol");
    let finished = driver
        .run(adapter, &request, &spool.scope(), deadline, &())
        .await
        .expect("an image");
    (finished, server.finish())
}

fn body(recorded: &Recorded) -> Value {
    assert_eq!(recorded.header("content-type"), Some("application/json"));
    serde_json::from_slice(&recorded.body).expect("JSON")
}

fn data_uri(size_bytes: usize) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(picture(size_bytes)))
}

#[tokio::test]
async fn openai_generations_are_json_with_the_model() {
    let recorded = sent("openai", "success", |server, _| {
        let mut request = request("openai", server);
        request
            .native
            .fields
            .insert("n".to_owned(), NativeValue::Json(json!(2)));
        request
            .native
            .fields
            .insert("absent".to_owned(), NativeValue::Json(Value::Null));
        request
            .endpoint
            .options
            .insert("organization".to_owned(), "org-1".to_owned());
        request
    })
    .await;
    assert_eq!(
        body(&recorded[0]),
        json!({"model": "gpt-image-2", "prompt": PROMPT, "quality": "high", "n": 2})
    );
    assert_eq!(recorded[0].header("openai-organization"), Some("org-1"));
    assert!(
        recorded[0]
            .header("user-agent")
            .is_some_and(|agent| agent.starts_with("pictor/"))
    );
}

#[tokio::test]
async fn openai_edits_are_a_form_with_real_files() {
    let server = Scripted::listen().await;
    let script = conversation("openai", "success", &server).expect("a fixture");
    let edits = script.into_iter().map(|exchange| Exchange {
        request: exchange.request.replace("generations", "edits"),
        ..exchange
    });
    server.play(edits.collect());
    let recorded = sent_by("openai", &server, |server, spool| {
        let scope = spool.scope();
        let image = |size_bytes: usize, kind: &str| InputImage {
            blob: scope.store(&picture(size_bytes)).expect("fits"),
            mime: format!("image/{kind}"),
            extension: kind.to_owned(),
        };
        ProviderRequest {
            endpoint: endpoint("openai", server),
            native: NativeRequest {
                model: "gpt-image-2".to_owned(),
                mode: Mode::ImageEdit,
                fields: IndexMap::from([
                    ("image[]".to_owned(), NativeValue::Images(vec![0, 1], ImageForm::File)),
                    ("mask".to_owned(), NativeValue::Mask(ImageForm::File)),
                    ("prompt".to_owned(), NativeValue::Json(PROMPT.into())),
                    ("n".to_owned(), NativeValue::Json(json!(1))),
                    ("absent".to_owned(), NativeValue::Json(Value::Null)),
                ]),
            },
            inputs: vec![image(70_000, "png"), image(300, "webp")],
            mask: Some(image(400, "png")),
        }
    })
    .await;
    let kind = recorded[0].header("content-type").expect("a type");
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").expect("a form");
    let part = |head: &str, content: &[u8]| {
        [
            format!("--{boundary}\r\ncontent-disposition: form-data; {head}\r\n\r\n").as_bytes(),
            content,
            b"\r\n",
        ]
        .concat()
    };
    let expected = [
        part("name=\"model\"", b"gpt-image-2"),
        part(
            "name=\"image[]\"; filename=\"image-1.png\"\r\ncontent-type: image/png",
            &picture(70_000),
        ),
        part(
            "name=\"image[]\"; filename=\"image-2.webp\"\r\ncontent-type: image/webp",
            &picture(300),
        ),
        part(
            "name=\"mask\"; filename=\"mask.png\"\r\ncontent-type: image/png",
            &picture(400),
        ),
        part("name=\"prompt\"", PROMPT.as_bytes()),
        part("name=\"n\"", b"1"),
        format!("--{boundary}--\r\n").into_bytes(),
    ]
    .concat();
    assert!(recorded[0].body == expected);
}

#[tokio::test]
async fn fal_takes_small_images_inline_and_large_ones_by_upload() {
    let inline = sent("fal", "success", |server, spool| {
        let mut request = with_links(request("fal", server), spool, &[300, 400]);
        request
            .endpoint
            .options
            .insert("start_timeout_s".to_owned(), "90".to_owned());
        request
    })
    .await;
    let links = json!([data_uri(300), data_uri(400)]);
    assert_eq!(
        body(&inline[0]),
        json!({"prompt": PROMPT, "quality": "high", "image_urls": links})
    );
    assert_eq!(inline[0].header("x-fal-request-timeout"), Some("90"));
    assert_eq!(inline[0].header("accept"), Some("application/json"));

    let uploaded = sent("fal", "upload", |server, spool| {
        with_links(request("fal", server), spool, &[IMAGE_BYTES])
    })
    .await;
    assert_eq!(
        body(&uploaded[1]),
        json!({"content_type": "image/png", "file_name": "image-1.png"})
    );
    assert!(uploaded[2].body == picture(IMAGE_BYTES));
    assert_eq!(uploaded[2].header("content-type"), Some("image/png"));
    assert_eq!(
        uploaded[2].header("authorization"),
        None,
        "the signed address needs no credential"
    );
    assert_eq!(
        body(&uploaded[3])["image_urls"],
        json!(["https://v3.fal.media/files/1.png"])
    );
}

#[tokio::test]
async fn replicate_wraps_the_input_and_uploads_what_is_large() {
    let uploaded = sent("replicate", "upload", |server, spool| {
        with_links(request("replicate", server), spool, &[300, IMAGE_BYTES])
    })
    .await;
    let form = String::from_utf8_lossy(&uploaded[1].body).into_owned();
    assert!(form.contains("name=\"content\"; filename=\"image-2.png\"\r\ncontent-type: image/png\r\n"));
    let links = json!([data_uri(300), "https://api.replicate.com/v1/files/cnf"]);
    assert_eq!(
        body(&uploaded[2]),
        json!({"input": {"prompt": PROMPT, "quality": "high", "image_urls": links}})
    );
    assert_eq!(uploaded[2].header("prefer"), None);
}

#[tokio::test]
async fn replicate_runs_other_models_by_their_version_and_can_wait() {
    let server = Scripted::listen().await;
    let script = conversation("replicate", "success", &server).expect("a fixture");
    let by_version = script.into_iter().map(|exchange| Exchange {
        request: exchange.request.replace("/models/openai/gpt-image-2/", "/"),
        ..exchange
    });
    server.play(by_version.collect());
    let recorded = sent_by("replicate", &server, |server, _| {
        let mut request = request("replicate", server);
        request.native.model = "someone/model:0123abcd".to_owned();
        request
            .native
            .fields
            .insert("key".to_owned(), NativeValue::Secret("callers-key".to_owned()));
        request.endpoint.options.insert("wait_s".to_owned(), "600".to_owned());
        request
    })
    .await;
    let sent = body(&recorded[0]);
    assert_eq!(sent["version"], "someone/model:0123abcd");
    assert_eq!(sent["input"]["key"], "callers-key");
    assert_eq!(recorded[0].header("prefer"), Some("wait=60"));
}

#[tokio::test]
async fn a_finished_job_is_not_polled_and_files_of_the_api_get_the_credential() {
    let server = Scripted::listen().await;
    let own = format!("{}/replicate/v1/files/f1", server.base);
    let mut script = conversation("replicate", "success_by_url", &server).expect("a fixture");
    script.truncate(1);
    let Answer::Reply { body, .. } = &mut script[0].answer else {
        panic!("an answer")
    };
    let mut prediction: HashMap<String, Value> = serde_json::from_slice(body).expect("JSON");
    prediction.insert("status".to_owned(), "succeeded".into());
    prediction.insert("output".to_owned(), json!([own]));
    *body = serde_json::to_vec(&prediction).expect("JSON");
    script.push(Exchange {
        request: "GET /replicate/v1/files/f1".to_owned(),
        answer: Answer::Reply {
            status: 200,
            headers: Vec::new(),
            body: picture(IMAGE_BYTES),
        },
    });
    server.play(script);
    let recorded = sent_by("replicate", &server, |server, _| request("replicate", server)).await;
    assert_eq!(recorded.len(), 2);
    assert!(recorded[1].header("authorization").is_some());
}
