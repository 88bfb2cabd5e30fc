//! Stability AI: always a form, files as parts, and what is sent in the place of what a caller leaves out.

use indexmap::IndexMap;
use planner::{
    mode::Mode,
    native::{ImageForm, NativeRequest, NativeValue},
};
use providers::{InputImage, ProviderRequest};
use serde_json::json;

use super::{sent, sent_by};
use crate::{
    PROMPT, endpoint, request,
    script::{conversation, picture},
    scripted::{Exchange, Recorded, Scripted},
};

/// The parts of a form, each as it was sent.
fn parts(recorded: &Recorded) -> Vec<Vec<u8>> {
    let kind = recorded.header("content-type").expect("a type");
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").expect("a form");
    let mark = format!("--{boundary}\r\n").into_bytes();
    let starts: Vec<usize> = (0..recorded.body.len())
        .filter(|at| recorded.body[*at..].starts_with(&mark))
        .collect();
    let end = recorded.body.len() - format!("--{boundary}--\r\n").len();
    let ends = starts.iter().skip(1).copied().chain([end]);
    starts
        .iter()
        .zip(ends)
        .map(|(start, end)| recorded.body[start + mark.len()..end].to_vec())
        .collect()
}

fn part(head: &str, content: &[u8]) -> Vec<u8> {
    [
        format!("content-disposition: form-data; {head}\r\n\r\n").as_bytes(),
        content,
        b"\r\n",
    ]
    .concat()
}

#[tokio::test]
async fn a_text_is_a_form_and_bytes_are_asked_for() {
    let recorded = sent("stability", "success", |server, _| {
        let mut request = request("stability", server);
        for (name, value) in [
            ("seed", json!(7)),
            ("style_preset", json!(null)),
            ("strength", json!(0.35)),
        ] {
            request.native.fields.insert(name.to_owned(), NativeValue::Json(value));
        }
        request
    })
    .await;
    let expected = [
        part("name=\"prompt\"", PROMPT.as_bytes()),
        part("name=\"quality\"", b"high"),
        part("name=\"seed\"", b"7"),
        part("name=\"strength\"", b"0.35"),
    ];
    assert_eq!(parts(&recorded[0]), expected);
    assert_eq!(recorded[0].header("accept"), Some("image/*"));
}

#[tokio::test]
async fn image_and_mask_are_files() {
    let server = Scripted::listen().await;
    let script = conversation("stability", "success", &server).expect("a fixture");
    let edits = script.into_iter().map(|exchange| Exchange {
        request: exchange.request.replace("generate/core", "edit/inpaint"),
        ..exchange
    });
    server.play(edits.collect());
    let recorded = sent_by("stability", &server, |server, spool| {
        let scope = spool.scope();
        let image = |size_bytes: usize, kind: &str| InputImage {
            blob: scope.store(&picture(size_bytes)).expect("fits"),
            mime: format!("image/{kind}"),
            extension: kind.to_owned(),
        };
        ProviderRequest {
            endpoint: endpoint("stability", server),
            native: NativeRequest {
                model: "stable-image/edit/inpaint".to_owned(),
                mode: Mode::ImageEdit,
                fields: IndexMap::from([
                    ("image".to_owned(), NativeValue::Images(vec![0], ImageForm::File)),
                    ("mask".to_owned(), NativeValue::Mask(ImageForm::File)),
                    ("prompt".to_owned(), NativeValue::Json(PROMPT.into())),
                ]),
            },
            inputs: vec![image(70_000, "webp")],
            mask: Some(image(400, "png")),
        }
    })
    .await;
    let file = |name: &str, filename: &str, kind: &str, size_bytes: usize| {
        let head = format!("name=\"{name}\"; filename=\"{filename}\"\r\ncontent-type: image/{kind}");
        part(&head, &picture(size_bytes))
    };
    let expected = [
        file("image", "image-1.webp", "webp", 70_000),
        file("mask", "mask.png", "png", 400),
        part("name=\"prompt\"", PROMPT.as_bytes()),
    ];
    assert!(parts(&recorded[0]) == expected);
}

#[tokio::test]
async fn a_fallback_stands_in_for_what_is_absent_or_empty() {
    for (prompt, expected) in [(Some(PROMPT), PROMPT), (Some(" "), "as it is"), (None, "as it is")] {
        let recorded = sent("stability", "success", |server, _| {
            let mut request = request("stability", server);
            let fields = &mut request.native.fields;
            fields.clear();
            if let Some(prompt) = prompt {
                fields.insert("prompt".to_owned(), NativeValue::Json(prompt.into()));
            }
            fields.insert("prompt?".to_owned(), NativeValue::Json("as it is".into()));
            request
        })
        .await;
        let texts = parts(&recorded[0]);
        assert_eq!(texts, [part("name=\"prompt\"", expected.as_bytes())], "{prompt:?}");
    }
}

#[tokio::test]
async fn a_job_is_handed_in_as_json_and_fetched_as_bytes() {
    let recorded = sent("stability", "success_by_url", |server, _| {
        let mut request = request("stability", server);
        request.native.model = "stable-image/upscale/creative".to_owned();
        request
    })
    .await;
    let accepted: Vec<_> = recorded.iter().map(|request| request.header("accept")).collect();
    assert_eq!(accepted, [Some("application/json"), Some("image/*"), Some("image/*")]);
}
