//! The sizes of the models' pages: their tables, the flexible range, ratios and tiers.

use serde_json::{Value, json};

use super::super::harness::{GENERATIONS, TestGateway, send, size_of};
use super::{FULL, MINI, RATIOS, generated, model};

#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_the_size_tables_holds() {
    let gateway = TestGateway::start().await;
    let mini = [
        (127, "1024x1536", "2:3"),
        (133, "1536x1024", "3:2"),
        (139, "1024x1024", "1:1"),
    ];
    let full = [
        (131, "1024x1536", "2:3", false),
        (137, "1536x1024", "3:2", false),
        (143, "1024x1024", "1:1", false),
        (149, "836x1254", "2:3", true),
        (155, "1254x836", "3:2", true),
    ];
    let mini: Vec<_> = mini
        .into_iter()
        .map(|(line, size, ratio)| (line, size, ratio, false))
        .collect();
    for ((file, id), rows) in [(MINI, mini), (FULL, full.to_vec())] {
        let model = model(&gateway, id).await;
        let table = model["sizes"].as_array().expect("a table");
        assert_eq!(table.len(), rows.len(), "{file}: {table:?}");
        for ((line, size, ratio, derived), row) in rows.into_iter().zip(table) {
            // A derived size of this model lies in its exact range where it can, else it is a label.
            let nominal = derived;
            let expected = json!({ "size": size, "aspect_ratio": ratio, "resolution": "1K", "nominal": nominal });
            assert_eq!(row, &expected, "{file}:{line}");
        }
        // 000:112 and 001:116: any size from 1024 to 1536 pixels a side.
        let range = &model["size_range"];
        assert_eq!(
            (&range["min_edge_px"], &range["max_edge_px"], &range["exact"]),
            (&json!(1024), &json!(1536), &json!(true)),
            "{file}"
        );
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_and_its_ratio_and_tier_give_the_same_image() {
    let gateway = TestGateway::start().await;
    // 000:127-144 and 001:131-148, at the offers that make these very sizes.
    for id in ["openai/gpt-image-1-mini", "fal/gpt-image-1.5", "openai/gpt-image-1.5"] {
        for (size, ratio) in [("1024x1536", "2:3"), ("1536x1024", "3:2"), ("1024x1024", "1:1")] {
            for fields in [
                json!({ "size": size }),
                json!({ "aspect_ratio": ratio, "resolution": "1K" }),
                json!({ "size": ratio, "resolution": "1k" }),
            ] {
                let mut body = fields.clone();
                body["model"] = json!(id);
                let answer = generated(&gateway, body).await;
                let (width, height) = size_of(&gateway.image(&answer, 0).await);
                assert_eq!(format!("{width}x{height}"), size, "{id} {fields}");
                assert_eq!(answer["metadata"]["adjustments"], json!([]), "{id} {fields}");
            }
        }
    }
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_size_of_the_flexible_range_comes_out_exactly() {
    let gateway = TestGateway::start().await;
    // 000:110-116 and 001:114-120: the corners, an odd size, and one that is derived; measured.
    for id in [
        "openai/gpt-image-1-mini",
        "fal/gpt-image-1-mini",
        "openai/gpt-image-1.5",
        "fal/gpt-image-1.5",
        "replicate/gpt-image-1.5",
    ] {
        for size in ["1024x1024", "1536x1536", "1024x1536", "1536x1024", "1111x1303"] {
            let answer = generated(&gateway, json!({ "model": id, "size": size })).await;
            let (width, height) = size_of(&gateway.image(&answer, 0).await);
            assert_eq!(format!("{width}x{height}"), size, "{id}");
            assert_eq!(answer["size"], size, "{id}");
        }
    }
    gateway.finish().await;
}

async fn told(gateway: &TestGateway, fields: Value) -> Vec<(String, Value, Value, String)> {
    let mut body = json!({ "model": "ratios", "prompt": "dunes" });
    body.as_object_mut()
        .expect("an object")
        .extend(fields.as_object().cloned().expect("an object"));
    let request = gateway.request(reqwest::Method::POST, &format!("{GENERATIONS}?dryRun=true"));
    let estimate = send(request.json(&body)).await.ok();
    let adjustments = estimate["adjustments"].as_array().cloned().expect("a list");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let told = |one: Value| {
        (
            text(&one["parameter"]),
            one["requested"].clone(),
            one["used"].clone(),
            text(&one["reason"]),
        )
    };
    adjustments.into_iter().map(told).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ratios_and_tiers_go_to_the_nearest_and_a_size_goes_first() {
    let gateway = TestGateway::with_catalog(&[("models/test/ratios.toml", RATIOS)], |_| {}).await;
    let nearest = |parameter: &str, requested: &str, used: &str| {
        vec![(
            parameter.to_owned(),
            json!(requested),
            json!(used),
            "nearest".to_owned(),
        )]
    };
    // 000:158-160 and 001:174-176.
    assert_eq!(
        told(&gateway, json!({ "aspect_ratio": "7:1" })).await,
        nearest("aspect_ratio", "7:1", "8:1")
    );
    // 000:161 and 001:177: the tiers in K as they are, in any case of letters.
    for tier in ["0.5K", "1K", "2K", "4K", "4k"] {
        assert_eq!(told(&gateway, json!({ "resolution": tier })).await, [], "{tier}");
    }
    // 000:162 and 001:178: the megapixels mean 0.5K and 1K, which are the same scale.
    for tier in ["0.25", "1"] {
        assert_eq!(told(&gateway, json!({ "resolution": tier })).await, [], "{tier}");
    }
    // 000:163 and 001:179.
    assert_eq!(
        told(&gateway, json!({ "resolution": "8K" })).await,
        nearest("resolution", "8K", "4K")
    );
    assert_eq!(
        told(&gateway, json!({ "resolution": "1.2K" })).await,
        nearest("resolution", "1.2K", "1K")
    );
    // 000:146-154 and 001:162-170: pixels, shape, scale.
    assert_eq!(told(&gateway, json!({ "size": "1365x768" })).await, []);
    assert_eq!(
        told(&gateway, json!({ "aspect_ratio": "16:9", "resolution": "2K" })).await,
        []
    );
    assert_eq!(told(&gateway, json!({ "size": "16:9" })).await, []);
    // 000:155-156 and 001:171-172: the size wins, and what it overrules is told.
    let overruled = told(
        &gateway,
        json!({ "size": "1024x1024", "aspect_ratio": "16:9", "resolution": "4K" }),
    )
    .await;
    let gone = |parameter: &str, requested: &str| {
        (
            parameter.to_owned(),
            json!(requested),
            Value::Null,
            "overridden".to_owned(),
        )
    };
    assert_eq!(overruled, [gone("aspect_ratio", "16:9"), gone("resolution", "4K")]);
    gateway.finish().await;
}
