//! The rows of the hosted pages of three models, found on our pages of them: facts, not words.
//!
//! Lines are those of the files that hold the hosted pages: 000 and 001 are API pages, 002 and 003 model pages.

use reqwest::Method;

use super::harness::{TestGateway, send};

/// A fact: where it stands, the page here, and the text that says the same.
type Fact = (&'static str, &'static str, &'static [&'static str]);

const MINI: &str = "/models/openai/gpt-image-1-mini";
const FULL: &str = "/models/openai/gpt-image-1.5";
const FIRST: &str = "/models/openai/gpt-image-1";

/// Every row that holds.
const FACTS: [Fact; 45] = [
    ("000:5, base URL", MINI, &["/openai/v1</dd>"]),
    ("000:6, model id", MINI, &["<dd class=\"mono\">gpt-image-1-mini</dd>"]),
    ("000:9, text to image", MINI, &["POST /images/generations"]),
    (
        "000:47, prompt",
        MINI,
        &["<tr id=\"p-prompt\">", "string, <b>required</b>"],
    ),
    (
        "000:53, quality",
        MINI,
        &["<tr id=\"p-quality\">", ">high</li>", ">low</li>", ">medium</li>"],
    ),
    (
        "000:67, size",
        MINI,
        &[
            "<tr id=\"p-size\">",
            ">1024x1024</li>",
            ">1536x1024</li>",
            ">1024x1536</li>",
        ],
    ),
    (
        "000:79, aspect_ratio",
        MINI,
        &["<tr id=\"p-aspect_ratio\">", ">2:3</li>", ">1:1</li>", ">3:2</li>"],
    ),
    ("000:91, resolution", MINI, &["<tr id=\"p-resolution\">", ">1K</li>"]),
    (
        "000:105, flexible sizes",
        MINI,
        &["Flexible", "<b>Custom</b>: any from 1024 to 1536 px a side", "\"WxH\""],
    ),
    (
        "000:111, 1K with its sizes",
        MINI,
        &["1K <span class=\"hint\">3 sizes</span>"],
    ),
    ("000:117, 1024 × 1536", MINI, &["1024 × 1536", "\"2:3\" and \"1K\""]),
    ("000:123, 1536 × 1024", MINI, &["1536 × 1024", "\"3:2\" and \"1K\""]),
    ("000:129, 1024 × 1024", MINI, &["1024 × 1024", "\"1:1\" and \"1K\""]),
    (
        "000:137, how sizes work",
        MINI,
        &["Shape and scale at once", "The shape alone", "The scale alone"],
    ),
    (
        "000:149, how matching works",
        MINI,
        &[
            "7:1 becomes 8:1 where 4:1 and 8:1 exist",
            "0.5K, 1K, 2K, 4K or megapixels such as 0.25 or 1",
        ],
    ),
    (
        "000:163, response_format",
        MINI,
        &["<tr id=\"p-response_format\">", ">url</li>", ">b64_json</li>"],
    ),
    (
        "000:173, output_format",
        MINI,
        &[
            "<tr id=\"p-output_format\">",
            ">png</li>",
            ">jpeg</li>",
            ">gif</li>",
            ">webp</li>",
            ">avif</li>",
        ],
    ),
    (
        "000:186, output_compression",
        MINI,
        &["<tr id=\"p-output_compression\">"],
    ),
    ("000:191, n", MINI, &["<tr id=\"p-n\">", "Default <code>1</code>"]),
    (
        "000:204, background",
        MINI,
        &["<tr id=\"p-background\">", ">opaque</li>", ">transparent</li>"],
    ),
    (
        "000:214, sync_mode of fal",
        MINI,
        &["<tr id=\"p-sync_mode\">", "<span class=\"hint\">fal only</span>"],
    ),
    (
        "000:222, moderation of openai",
        MINI,
        &["<tr id=\"p-moderation\">", ">low</li>"],
    ),
    ("000:229, user of openai", MINI, &["<tr id=\"p-user\">"]),
    (
        "000:240, what is done with parameters",
        MINI,
        &["passthrough", "renamed", "converted", "emulated"],
    ),
    (
        "000:270, unknown parameters",
        MINI,
        &["Parameters that Pictor does not know are handed to the provider as they are"],
    ),
    ("001:1, name", FULL, &[">GPT Image 1.5</h1>"]),
    ("001:2, kind", FULL, &["Image generation and editing model"]),
    (
        "001:69, nominal sizes",
        FULL,
        &["\"1254x836\"", "\"836x1254\"", "measured on arrival"],
    ),
    (
        "001:124, 1K with its sizes",
        FULL,
        &["1K <span class=\"hint\">5 sizes</span>"],
    ),
    (
        "001:206, output_compression of replicate",
        FULL,
        &["<code>90</code> at Replicate"],
    ),
    (
        "001:240, input_fidelity",
        FULL,
        &["<tr id=\"p-input_fidelity\">", ">high</li>", ">low</li>"],
    ),
    ("001:270, partial_images", FULL, &["<tr id=\"p-partial_images\">"]),
    ("001:275, stream", FULL, &["<tr id=\"p-stream\">"]),
    (
        "001:290, openai_api_key of replicate",
        FULL,
        &["<tr id=\"p-openai_api_key\">", "secret"],
    ),
    ("001:295, user_id of replicate", FULL, &["<tr id=\"p-user_id\">"]),
    (
        "002:4, providers",
        MINI,
        &["fal/gpt-image-1-mini", "openai/gpt-image-1-mini"],
    ),
    (
        "002:5, starting price",
        MINI,
        &["$0.005<span class=\"sr\"> estimated</span></span> an image at OpenAI"],
    ),
    ("002:11, tokens and images", MINI, &["One image", "A million tokens"]),
    ("002:47, editing", MINI, &["POST /images/edits"]),
    (
        "002:101, overview, strengths, limitations",
        MINI,
        &[
            "id=\"about\"",
            "<h3>Strengths</h3>",
            "<h3>Limitations</h3>",
            "<h3>Technical background</h3>",
            "<h3>Best for</h3>",
        ],
    ),
    (
        "002:95, questions",
        MINI,
        &[
            "What does GPT Image 1 Mini cost?",
            "How do I call GPT Image 1 Mini?",
            "Which providers serve it?",
            "How large can pictures be?",
        ],
    ),
    (
        "003:4, starting price",
        FIRST,
        &["$0.011<span class=\"sr\"> estimated</span></span> an image at"],
    ),
    ("003:5, providers", FIRST, &["fal/gpt-image-1", "openai/gpt-image-1"]),
    ("003:15, input images", FIRST, &["up to 16 inputs and a mask"]),
    ("003:90, questions", FIRST, &["What does GPT Image 1 cost?"]),
];

/// Rows that no longer hold, and why.
const GONE: [(&str, &str); 6] = [
    (
        "000:169, response_format defaults to url",
        "an item carries both unless somebody says otherwise",
    ),
    (
        "001:2, AI Image Editing Model",
        "the model draws from text too: the label says both",
    ),
    ("002:5, $0.005 through fal", "fal charges more; the price is OpenAI's"),
    (
        "002:73, rank and rating",
        "ratings are of the votes of this installation, which has none yet",
    ),
    (
        "002:99, images up to 1536x1536",
        "the model makes three sizes; any other is cropped and resampled from them",
    ),
    ("003:14, up to 10 input images", "OpenAI documents 16"),
];

#[tokio::test]
async fn every_row_of_the_hosted_pages_stands_on_ours_but_those_that_no_longer_hold() {
    let gateway = TestGateway::embedded().await;
    let mut missing = Vec::new();
    for path in [MINI, FULL, FIRST] {
        let html = send(gateway.anonymous(Method::GET, path)).await.text();
        for (row, _, texts) in FACTS.iter().filter(|(_, own, _)| *own == path) {
            for text in texts.iter().filter(|text| !html.contains(**text)) {
                missing.push(format!("{row}: {text}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(GONE.iter().all(|(row, why)| !row.is_empty() && !why.is_empty()));
    gateway.finish().await;
}
