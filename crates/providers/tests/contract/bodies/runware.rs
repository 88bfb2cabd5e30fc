//! What Runware is sent, and what it reports.

use planner::native::{ImageForm, NativeValue};
use providers::{Driver, DriverConfig, Spool, SpoolLimits, adapter};
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use super::{body, data_uri, sent};
use crate::{request, script::conversation, scripted::Scripted, with_links};

fn is_uuid_v4(value: &Value) -> bool {
    let parts: Vec<&str> = value.as_str().unwrap_or_default().split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && parts[2].starts_with('4') && parts[3].starts_with(['8', '9', 'a', 'b'])
}

#[tokio::test]
async fn the_body_is_a_list_of_one_task() {
    let recorded = sent("runware", "success", |server, spool| {
        let mut request = with_links(request("runware", server), spool, &[300]);
        let fields = &mut request.native.fields;
        fields.shift_remove("image_urls");
        fields.insert("seedImage".to_owned(), NativeValue::Image(0, ImageForm::Link));
        fields.insert(
            "size".to_owned(),
            NativeValue::Json(json!({"width": 1024, "height": 768})),
        );
        let quality = NativeValue::Json("low".into());
        fields.insert("providerSettings.openai.quality".to_owned(), quality);
        fields.insert("includeCost".to_owned(), NativeValue::Json(json!(false)));
        fields.insert("taskUUID".to_owned(), NativeValue::Json("mine".into()));
        fields.insert("taskType".to_owned(), NativeValue::Json("videoInference".into()));
        request
    })
    .await;
    assert_eq!(recorded[0].request, "POST /runware/v1");
    let mut sent = body(&recorded[0]);
    assert!(is_uuid_v4(&sent[0]["taskUUID"]), "{sent}");
    sent[0]["taskUUID"] = json!("");
    let expected = json!([{
        "taskType": "imageInference", "taskUUID": "", "model": "runware:101@1", "includeCost": true,
        "prompt": crate::PROMPT, "quality": "high", "seedImage": data_uri(300), "width": 1024, "height": 768,
        "providerSettings": {"openai": {"quality": "low"}},
    }]);
    assert_eq!(sent, expected);
}

#[tokio::test]
async fn a_job_is_asked_for_by_the_uuid_that_was_sent() {
    let recorded = sent("runware", "success_by_url", |server, _| {
        let mut request = request("runware", server);
        let fields = &mut request.native.fields;
        fields.insert("deliveryMethod".to_owned(), NativeValue::Json("async".into()));
        fields.insert("taskType".to_owned(), NativeValue::Json("imageUpscale".into()));
        request
    })
    .await;
    let submitted = body(&recorded[0]);
    assert_eq!(submitted[0]["taskType"], "imageUpscale");
    for poll in &recorded[1..3] {
        let expected = json!([{"taskType": "getResponse", "taskUUID": submitted[0]["taskUUID"]}]);
        assert_eq!(body(poll), expected);
    }
}

#[tokio::test]
async fn costs_are_reported_for_all_images() {
    let server = Scripted::listen().await;
    server.play(conversation("runware", "several_images", &server).expect("a fixture"));
    let scope = Spool::new(SpoolLimits::default()).scope();
    let driver = Driver::new(DriverConfig::default()).expect("TLS is there");
    let adapter = adapter("runware").expect("a known protocol");
    let deadline = Instant::now() + Duration::from_secs(60);
    let finished = driver
        .run(adapter, &request("runware", &server), &scope, deadline, &())
        .await
        .expect("images");
    assert_eq!((finished.images.len(), finished.reported_cost_micros), (3, Some(3900)));
    server.finish();
}
