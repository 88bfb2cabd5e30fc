//! What Fireworks is sent, and what its headers mean.

use planner::{
    failure::FailureKind,
    native::{ImageForm, NativeValue},
};
use providers::{Driver, DriverConfig, Spool, SpoolLimits, adapter};
use serde_json::json;
use tokio::time::{Duration, Instant};

use super::{body, data_uri, sent};
use crate::{
    PROMPT, request, request_of,
    script::conversation,
    scripted::{Answer, Scripted},
    with_links,
};

#[tokio::test]
async fn an_image_is_asked_for_by_its_type() {
    let plain = sent("fireworks", "success", |server, _| request("fireworks", server)).await;
    assert_eq!(plain[0].header("accept"), Some("image/*"));
    assert_eq!(body(&plain[0]), json!({"prompt": PROMPT, "quality": "high"}));
    let typed = sent("fireworks", "success", |server, _| {
        let mut request = request("fireworks", server);
        let fields = &mut request.native.fields;
        fields.insert("Accept".to_owned(), NativeValue::Json("image/png".into()));
        fields.insert(
            "size".to_owned(),
            NativeValue::Json(json!({"width": 1024, "height": 768})),
        );
        request
    })
    .await;
    assert_eq!(typed[0].header("accept"), Some("image/png"));
    assert_eq!(
        body(&typed[0]),
        json!({"prompt": PROMPT, "quality": "high", "width": 1024, "height": 768})
    );
}

#[tokio::test]
async fn a_job_is_asked_for_by_its_id() {
    let recorded = sent("fireworks", "success_by_url", |server, spool| {
        let request = request_of("success_by_url", "fireworks", server);
        let mut request = with_links(request, spool, &[300]);
        let fields = &mut request.native.fields;
        fields.shift_remove("image_urls");
        fields.insert("input_image".to_owned(), NativeValue::Image(0, ImageForm::Link));
        request
    })
    .await;
    let expected = json!({"prompt": PROMPT, "quality": "high", "input_image": data_uri(300)});
    assert_eq!(body(&recorded[0]), expected);
    assert_eq!(body(&recorded[1]), json!({"id": "7b1c"}));
}

#[tokio::test]
async fn a_withheld_image_is_a_refusal() {
    let server = Scripted::listen().await;
    let mut script = conversation("fireworks", "success", &server).expect("a fixture");
    let Answer::Reply { headers, .. } = &mut script[0].answer else {
        panic!("an answer")
    };
    headers.push(("finish-reason".to_owned(), "CONTENT_FILTERED".to_owned()));
    server.play(script);
    let scope = Spool::new(SpoolLimits::default()).scope();
    let driver = Driver::new(DriverConfig::default()).expect("TLS is there");
    let adapter = adapter("fireworks").expect("a known protocol");
    let deadline = Instant::now() + Duration::from_secs(60);
    let failure = driver
        .run(adapter, &request("fireworks", &server), &scope, deadline, &())
        .await
        .expect_err("it was withheld");
    assert_eq!(failure.kind, FailureKind::ContentPolicy);
    let stage = failure.moderation.and_then(|moderation| moderation.stage);
    assert_eq!(stage.as_deref(), Some("output"));
}
