//! What goes to xAI, and what it says of the price.

use base64::{Engine, engine::general_purpose::STANDARD};
use planner::failure::Spent;
use providers::ProviderRequest;
use serde_json::{Value, json};

use super::{body, ran_by};
use crate::{
    PROMPT, play, request,
    script::{conversation, picture},
    scripted::{Exchange, Scripted},
    with_links,
};

/// What an edit with images of these sizes sends.
async fn edit(sizes_bytes: &[usize]) -> Value {
    let server = Scripted::listen().await;
    let script = conversation("xai", "success", &server).expect("a fixture");
    let edits = script.into_iter().map(|exchange| Exchange {
        request: exchange.request.replace("generations", "edits"),
        ..exchange
    });
    server.play(edits.collect());
    let (_, recorded) = ran_by("xai", &server, |server, spool| {
        let mut request: ProviderRequest = with_links(request("xai", server), spool, sizes_bytes);
        let images = request.native.fields.shift_remove("image_urls").expect("links");
        request.native.fields.insert("image".to_owned(), images);
        request
    })
    .await;
    body(&recorded[0])
}

fn link(size_bytes: usize) -> Value {
    let url = format!("data:image/png;base64,{}", STANDARD.encode(picture(size_bytes)));
    json!({"url": url, "type": "image_url"})
}

#[tokio::test]
async fn edits_are_json_with_one_image_or_a_list() {
    let model = "grok-imagine-image-2.0";
    assert_eq!(
        edit(&[300]).await,
        json!({"model": model, "prompt": PROMPT, "quality": "high", "image": link(300)})
    );
    assert_eq!(
        edit(&[300, 400]).await,
        json!({"model": model, "prompt": PROMPT, "quality": "high", "images": [link(300), link(400)]})
    );
}

#[tokio::test]
async fn the_price_and_the_changed_prompt_are_told() {
    let played = play("xai", "success_small").await.expect("a fixture");
    let finished = played.result.expect("an image");
    assert_eq!(finished.reported_cost_micros, Some(60_000));
    assert_eq!(finished.upstream_id.as_deref(), Some("0b1c-77"));
    assert_eq!(
        finished.images[0].revised_prompt.as_deref(),
        Some("A lighthouse, painted.")
    );
    let blocked = play("xai", "refused_output").await.expect("a fixture");
    let failure = blocked.result.expect_err("it is held back");
    assert_eq!(failure.spent, Spent::Yes);
    assert_eq!(failure.moderation.expect("a block").stage.as_deref(), Some("output"));
}
