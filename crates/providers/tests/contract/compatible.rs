//! Servers that speak OpenAI's protocol with differences: each is the one adapter with other options.

use planner::{
    failure::FailureKind,
    mode::Mode,
    native::{ImageForm, NativeValue},
};
use providers::{Driver, DriverConfig, FinishedAttempt, ProviderRequest, Spool, SpoolLimits, adapter};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use crate::{
    PROMPT, request,
    script::{CREDENTIAL, SMALL_BYTES, picture},
    scripted::{Answer, Exchange, Recorded, Scripted},
    with_links,
};

fn reply(request: &str, status: u16, kind: &str, body: Vec<u8>) -> Exchange {
    Exchange {
        request: request.to_owned(),
        answer: Answer::Reply {
            status,
            headers: vec![("content-type".to_owned(), kind.to_owned())],
            body,
        },
    }
}

fn json_reply(request: &str, status: u16, body: &Value) -> Exchange {
    reply(request, status, "application/json", body.to_string().into_bytes())
}

fn an_image() -> Value {
    json!({"created": 1, "data": [{"b64_json": base64(), "url": null, "revised_prompt": null}]})
}

fn base64() -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    STANDARD.encode(picture(SMALL_BYTES))
}

fn with_options(mut request: ProviderRequest, options: &[(&str, &str)]) -> ProviderRequest {
    for (name, value) in options {
        request.endpoint.options.insert((*name).to_owned(), (*value).to_owned());
    }
    request
}

/// The same images as files of an edit in the field `image[]`.
fn with_files(request: ProviderRequest, spool: &Spool, count: usize) -> ProviderRequest {
    let mut request = with_links(request, spool, &vec![300; count]);
    request.native.fields.shift_remove("image_urls");
    let files = NativeValue::Images((0..count).collect(), ImageForm::File);
    request.native.fields.insert("image[]".to_owned(), files);
    request.native.mode = Mode::ImageEdit;
    request
}

async fn run(
    script: Vec<Exchange>,
    make: impl FnOnce(&Scripted, &Spool) -> ProviderRequest,
) -> (Result<FinishedAttempt, planner::failure::Failure>, Vec<Recorded>) {
    let server = Scripted::listen().await;
    server.play(script);
    let spool = Spool::new(SpoolLimits::default());
    let request = make(&server, &spool);
    let driver = Driver::new(DriverConfig::default()).expect("TLS is there");
    let deadline = Instant::now() + Duration::from_secs(60);
    let adapter = adapter("openai").expect("a known protocol");
    let result = driver.run(adapter, &request, &spool.scope(), deadline, &()).await;
    (result, server.finish())
}

#[tokio::test]
async fn a_deployment_names_the_model_in_its_path_and_takes_a_key_alone() {
    let options = [
        ("auth_header", "api-key"),
        ("api_version", "2025-04-01-preview"),
        ("generations_path", "openai/deployments/{model}/images/generations"),
        ("edits_path", "openai/deployments/{model}/images/edits"),
        ("send_model", "false"),
    ];
    let path = "/openai/v1/openai/deployments/gpt-image-2/images";
    let generations = format!("POST {path}/generations?api-version=2025-04-01-preview");
    let (result, recorded) = run(vec![json_reply(&generations, 200, &an_image())], |server, _| {
        with_options(request("openai", server), &options)
    })
    .await;
    assert_eq!(result.expect("an image").images.len(), 1);
    assert_eq!(recorded[0].header("api-key"), Some(CREDENTIAL));
    assert_eq!(recorded[0].header("authorization"), None);
    let sent: Value = serde_json::from_slice(&recorded[0].body).expect("JSON");
    assert_eq!(sent, json!({"prompt": PROMPT, "quality": "high"}));

    let edits = format!("POST {path}/edits?api-version=2025-04-01-preview");
    let (result, recorded) = run(vec![json_reply(&edits, 200, &an_image())], |server, spool| {
        with_options(with_files(request("openai", server), spool, 1), &options)
    })
    .await;
    result.expect("an image");
    let form = String::from_utf8_lossy(&recorded[0].body).into_owned();
    assert!(form.contains("name=\"image[]\"") && !form.contains("name=\"model\""));
}

#[tokio::test]
async fn a_server_without_keys_is_sent_none() {
    let generations = "POST /openai/v1/images/generations";
    let (result, recorded) = run(vec![json_reply(generations, 200, &an_image())], |server, _| {
        with_options(request("openai", server), &[("auth", "none")])
    })
    .await;
    result.expect("an image");
    let headers = format!("{:?}", recorded[0].headers);
    assert!(!headers.contains(CREDENTIAL), "{headers}");
}

#[tokio::test]
async fn files_are_named_by_their_number_where_asked() {
    for (count, name) in [(1, "name=\"image\""), (2, "name=\"image[]\"")] {
        let edits = "POST /openai/v1/images/edits";
        let (result, recorded) = run(vec![json_reply(edits, 200, &an_image())], |server, spool| {
            with_options(
                with_files(request("openai", server), spool, count),
                &[("image_field", "by_count")],
            )
        })
        .await;
        result.expect("an image");
        let form = String::from_utf8_lossy(&recorded[0].body).into_owned();
        assert_eq!(form.matches(name).count(), count, "{form}");
        assert_eq!(form.matches("filename=").count(), count);
    }
}

#[tokio::test]
async fn images_come_in_every_form_that_servers_use() {
    let generations = "POST /openai/v1/images/generations";
    let uri = format!("data:image/png;base64,{}", base64());
    for item in [
        json!({"b64_json": base64()}),
        json!({"b64_json": uri}),
        json!({"url": uri}),
        json!({"b64_json": "", "url": uri}),
    ] {
        let script = vec![json_reply(generations, 200, &json!({"data": [item]}))];
        let (result, _) = run(script, |server, _| request("openai", server)).await;
        let finished = result.expect("an image");
        assert!(
            finished.images[0].blob.read_all().expect("readable") == picture(SMALL_BYTES),
            "{item}"
        );
    }
    let script = vec![
        json_reply(
            generations,
            200,
            &json!({"data": [{"url": "/generated-images/b6411.png"}]}),
        ),
        reply(
            "GET /generated-images/b6411.png",
            200,
            "image/png",
            picture(SMALL_BYTES),
        ),
    ];
    let (result, recorded) = run(script, |server, _| request("openai", server)).await;
    assert!(result.expect("an image").images[0].blob.read_all().expect("readable") == picture(SMALL_BYTES));
    assert_eq!(recorded[1].header("authorization"), None);
}

#[tokio::test]
async fn successes_without_an_image_are_failures() {
    let generations = "POST /openai/v1/images/generations";
    let page = b"<html><body>Sign in</body></html>".to_vec();
    let answer = |body: Value| json_reply(generations, 200, &body);
    for (answer, kind) in [
        (
            answer(json!({"error": {"message": "out of memory", "code": 500}})),
            FailureKind::ServerError,
        ),
        (answer(json!({"error": "out of memory"})), FailureKind::ServerError),
        (answer(json!({"created": 1, "data": []})), FailureKind::EmptyAnswer),
        (answer(json!({"created": 1, "data": null})), FailureKind::EmptyAnswer),
        (
            answer(json!({"data": [{"b64_json": null, "url": null}]})),
            FailureKind::EmptyAnswer,
        ),
        (answer(json!(["image"])), FailureKind::UnreadableAnswer),
        (
            reply(generations, 200, "text/html", page),
            FailureKind::UnreadableAnswer,
        ),
    ] {
        let shown = format!("{answer:?}");
        let (result, _) = run(vec![answer], |server, _| request("openai", server)).await;
        assert_eq!(result.expect_err("no image").kind, kind, "{shown}");
    }
}

#[tokio::test]
async fn refusals_of_python_servers_name_the_argument() {
    let generations = "POST /openai/v1/images/generations";
    let detail =
        json!({"detail": [{"loc": ["body", "quality"], "msg": "Input should be 'low'", "type": "literal_error"}]});
    let (result, _) = run(vec![json_reply(generations, 422, &detail)], |server, _| {
        request("openai", server)
    })
    .await;
    let failure = result.expect_err("refused");
    assert_eq!(failure.kind, FailureKind::InvalidArgument);
    assert_eq!(failure.param.as_deref(), Some("quality"));
    assert_eq!(failure.message, "Input should be 'low'");
}
