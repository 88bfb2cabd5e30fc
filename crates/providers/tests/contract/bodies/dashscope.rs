//! What DashScope is sent.

use planner::native::{ImageForm, NativeValue};
use serde_json::json;

use super::{body, data_uri, sent};
use crate::{PROMPT, request, with_links};

#[tokio::test]
async fn images_and_prompt_become_a_message_and_all_else_parameters() {
    let recorded = sent("dashscope", "success", |server, spool| {
        let mut request = with_links(request("dashscope", server), spool, &[300, 400]);
        let fields = &mut request.native.fields;
        let images = fields.shift_remove("image_urls").expect("just added");
        fields.insert("image".to_owned(), images);
        fields.insert("size".to_owned(), NativeValue::Json("1024x768".into()));
        fields.insert("negative_prompt".to_owned(), NativeValue::Json("fog".into()));
        fields.insert("a.b".to_owned(), NativeValue::Json(json!(1)));
        fields.insert("X-DashScope-Async".to_owned(), NativeValue::Json(json!(false)));
        request
    })
    .await;
    let content = json!([{"image": data_uri(300)}, {"image": data_uri(400)}, {"text": PROMPT}]);
    assert_eq!(
        body(&recorded[0]),
        json!({
            "model": "qwen-image-2.0",
            "input": {"messages": [{"role": "user", "content": content}]},
            "parameters": {"quality": "high", "size": "1024*768", "negative_prompt": "fog", "a": {"b": 1}},
        })
    );
    assert_eq!(recorded[0].header("x-dashscope-async"), None);
}

#[tokio::test]
async fn a_task_is_asked_for_by_a_header() {
    let recorded = sent("dashscope", "success_by_url", |server, spool| {
        let mut request = with_links(request("dashscope", server), spool, &[300]);
        let fields = &mut request.native.fields;
        fields.shift_remove("image_urls");
        fields.insert("image".to_owned(), NativeValue::Image(0, ImageForm::Link));
        fields.insert("X-DashScope-Async".to_owned(), NativeValue::Json("enable".into()));
        request
    })
    .await;
    assert_eq!(recorded[0].header("x-dashscope-async"), Some("enable"));
    let sent = body(&recorded[0]);
    assert_eq!(
        sent["input"]["messages"][0]["content"],
        json!([{"image": data_uri(300)}, {"text": PROMPT}])
    );
    assert_eq!(sent["parameters"], json!({"quality": "high"}));
    assert_eq!(recorded[1].header("x-dashscope-async"), None);
}
