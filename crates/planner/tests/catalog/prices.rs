//! Estimates and charges, against the price pages.

use planner::catalog::Catalog;
use planner::catalog::pricing::{Basis, Direction};
use planner::mode::Mode;
use planner::money::Micros;
use planner::price::charge::{Produced, charge};
use planner::price::estimate::Estimate;
use planner::resolve::Resolved;
use planner::size::Size;
use planner::usage::Usage;
use serde_json::json;

use crate::folder::{at, catalog, edit, generate, images, png};

const QUALITIES: [&str; 3] = ["low", "medium", "high"];
const SIZES: [&str; 3] = ["1024x1024", "1024x1536", "1536x1024"];

/// Millionths of a dollar by quality and size.
type Table = [[i64; 3]; 3];

/// Output tokens of the models before GPT Image 2, and of GPT Image 2, as published.
const TOKENS_FIXED: Table = [[272, 408, 400], [1056, 1584, 1568], [4160, 6240, 6208]];
const TOKENS_FREE: Table = [[196, 158, 158], [1756, 1372, 1372], [7024, 5488, 5488]];

const GPT_IMAGE_1: Table = [
    [11_000, 16_000, 16_000],
    [42_000, 63_000, 63_000],
    [167_000, 250_000, 250_000],
];
const MINI: Table = [
    [5_000, 6_000, 6_000],
    [11_000, 15_000, 15_000],
    [36_000, 52_000, 52_000],
];
const GPT_IMAGE_1_5: Table = [
    [9_000, 13_000, 13_000],
    [34_000, 50_000, 50_000],
    [133_000, 200_000, 200_000],
];
const GPT_IMAGE_1_5_FAL: Table = [
    [9_000, 13_000, 13_000],
    [34_000, 51_000, 50_000],
    [133_000, 200_000, 199_000],
];
const GPT_IMAGE_2: Table = [
    [6_000, 5_000, 5_000],
    [53_000, 41_000, 41_000],
    [211_000, 165_000, 165_000],
];

/// The same price for every size.
const fn flat(low: i64, medium: i64, high: i64) -> Table {
    [[low; 3], [medium; 3], [high; 3]]
}

/// A live offer: its printed prices, the tokens of its images, the millionths of a dollar of a token.
type Priced = (&'static str, &'static str, Option<Table>, Option<(Table, i64)>);

const PRICED: [Priced; 10] = [
    ("gpt-image-1", "openai", Some(GPT_IMAGE_1), Some((TOKENS_FIXED, 40))),
    ("gpt-image-1", "fal", Some(GPT_IMAGE_1), None),
    ("gpt-image-1-mini", "openai", Some(MINI), Some((TOKENS_FIXED, 8))),
    ("gpt-image-1-mini", "fal", Some(MINI), None),
    ("gpt-image-1.5", "openai", Some(GPT_IMAGE_1_5), Some((TOKENS_FIXED, 32))),
    ("gpt-image-1.5", "fal", Some(GPT_IMAGE_1_5_FAL), None),
    ("gpt-image-1.5", "replicate", Some(flat(13_000, 50_000, 136_000)), None),
    ("gpt-image-2", "openai", Some(GPT_IMAGE_2), Some((TOKENS_FREE, 30))),
    ("gpt-image-2", "fal", None, Some((TOKENS_FREE, 30))),
    ("gpt-image-2", "replicate", Some(flat(12_000, 47_000, 128_000)), None),
];

fn output_cost(estimate: &Estimate) -> i64 {
    let outputs = estimate
        .components
        .iter()
        .filter(|line| line.direction == Direction::Output);
    outputs.map(|line| line.total_cost.0).sum()
}

#[test]
fn an_image_is_estimated_at_its_printed_price_and_never_below_its_tokens() {
    let catalog = catalog();
    for (id, provider, printed, tokens) in PRICED {
        for (q, quality) in QUALITIES.iter().enumerate() {
            for (s, size) in SIZES.iter().enumerate() {
                let resolution =
                    generate(&catalog, id, json!({"quality": quality, "size": size})).expect("it is served");
                let estimate = &at(&resolution, provider).estimate;
                let printed = printed.map_or(0, |table| table[q][s]);
                let by_tokens = tokens.map_or(0, |(table, rate)| table[q][s] * rate);
                assert_eq!(
                    output_cost(estimate),
                    printed.max(by_tokens),
                    "{id} {provider} {quality} {size}"
                );
                assert!(
                    estimate.total.0 >= printed.max(by_tokens),
                    "{id} {provider} {quality} {size}"
                );
            }
        }
    }
}

#[test]
fn every_live_offer_of_the_standard_models_is_priced_here_or_is_free_to_this_account() {
    let catalog = catalog();
    let standard =
        |id: &str| PRICED.iter().any(|(known, ..)| *known == id) || matches!(id, "flux.1-schnell" | "mock-image");
    let unpriced: Vec<(&str, &str)> = catalog
        .models()
        .filter(|model| standard(&model.id))
        .flat_map(|model| {
            model
                .live_offers()
                .map(|offer| (model.id.as_str(), offer.provider.as_str()))
        })
        .filter(|pair| !PRICED.iter().any(|(id, provider, ..)| pair == &(*id, *provider)))
        .collect();
    let expected = [
        ("gpt-image-1-mini", "replicate"),
        ("flux.1-schnell", "fal"),
        ("flux.1-schnell", "replicate"),
        ("flux.1-schnell", "runware"),
        ("gpt-image-1", "replicate"),
        ("mock-image", "mock"),
    ];
    assert_eq!(unpriced, expected);
    for (id, provider, micros) in [
        ("gpt-image-1", "replicate", 0),
        ("gpt-image-1-mini", "replicate", 0),
        ("flux.1-schnell", "fal", 3_000),
        ("flux.1-schnell", "replicate", 3_000),
        ("mock-image", "mock", 0),
    ] {
        let resolution = generate(&catalog, id, json!({"openai_api_key": "sk-caller"})).expect("it is served");
        assert_eq!(
            at(&resolution, provider).estimate.total,
            Micros(micros),
            "{id} {provider}"
        );
    }
}

#[test]
fn free_sizes_cost_their_published_tokens() {
    let catalog = catalog();
    for (size, tokens) in [
        ("1024x768", [134, 1204, 4815]),
        ("1536x864", [120, 1078, 4312]),
        ("2048x2048", [397, 3568, 14_272]),
        ("2560x1440", [205, 1843, 7370]),
        ("3840x2160", [371, 3336, 13_342]),
    ] {
        for (q, quality) in QUALITIES.iter().enumerate() {
            let resolution =
                generate(&catalog, "gpt-image-2", json!({"quality": quality, "size": size})).expect("it is served");
            for provider in ["openai", "fal"] {
                let resolved = at(&resolution, provider);
                assert_eq!(resolved.work.size.map(|size| size.to_string()).as_deref(), Some(size));
                assert_eq!(
                    output_cost(&resolved.estimate),
                    tokens[q] * 30,
                    "{provider} {quality} {size}"
                );
            }
        }
    }
}

#[test]
fn what_the_provider_chooses_is_estimated_at_the_dearest() {
    let catalog = catalog();
    for (id, provider, ..) in PRICED {
        let auto = generate(&catalog, id, json!({"quality": "auto", "size": "auto"})).expect("it is served");
        let auto = at(&auto, provider).estimate.total;
        for quality in QUALITIES {
            for size in SIZES {
                let named = generate(&catalog, id, json!({"quality": quality, "size": size})).expect("it is served");
                // Only an offer that takes `auto` may choose; another makes the default square.
                if !at(&named, provider)
                    .offer
                    .in_mode(Mode::TextToImage)
                    .expect("its mode")
                    .sizes
                    .auto
                    && size != "1024x1024"
                {
                    continue;
                }
                assert!(
                    at(&named, provider).estimate.total <= auto,
                    "{id} {provider} {quality} {size}"
                );
            }
        }
    }
}

#[test]
fn fal_rounds_each_call_up_to_a_cent_where_its_page_says_so() {
    let catalog = catalog();
    for (id, fields, micros) in [
        ("gpt-image-1", json!({"quality": "low"}), 20_000),
        (
            "gpt-image-1",
            json!({"quality": "high", "size": "1536x1024", "n": 4}),
            1_010_000,
        ),
        ("gpt-image-1-mini", json!({"quality": "low"}), 10_000),
        (
            "gpt-image-1-mini",
            json!({"quality": "low", "size": "1024x1536", "n": 2}),
            20_000,
        ),
        // Calls of 4, 4 and 1: .024, .024 and .006, each rounded.
        (
            "gpt-image-1-mini",
            json!({"quality": "low", "size": "1024x1536", "n": 9}),
            70_000,
        ),
    ] {
        let resolution = generate(&catalog, id, fields.clone()).expect("it is served");
        assert_eq!(at(&resolution, "fal").estimate.total, Micros(micros), "{id} {fields}");
    }
}

#[test]
fn the_fidelity_that_a_provider_takes_by_itself_is_priced() {
    let catalog = catalog();
    let tokens = |provider: &str, fields| -> i64 {
        let resolution = edit(&catalog, "gpt-image-1", fields, &images(&[png(1024, 1024)])).expect("it is served");
        let line = at(&resolution, provider).estimate.components.iter().find(|line| {
            line.direction == Direction::Input && line.metric == planner::catalog::pricing::Metric::TokenImage
        });
        line.expect("inputs are priced")
            .quantity
            .try_into()
            .expect("a small number")
    };
    for (provider, unsaid) in [("openai", 194), ("fal", 4354)] {
        assert_eq!(tokens(provider, json!({})), unsaid, "{provider}");
        assert_eq!(tokens(provider, json!({"input_fidelity": "low"})), 194, "{provider}");
        assert_eq!(tokens(provider, json!({"input_fidelity": "high"})), 4354, "{provider}");
    }
}

/// Calls with this usage for each image must cost no more than was estimated.
fn assert_charge_within(resolved: &Resolved<'_>, usage: Usage, what: &str) {
    let mut total = Micros::ZERO;
    for images in &resolved.work.calls {
        let output_image_tokens = usage.output_image_tokens * u64::from(*images);
        let produced = Produced {
            sizes: vec![],
            usage: Some(Usage {
                output_image_tokens,
                ..usage
            }),
            reported: None,
        };
        let work = planner::price::estimate::Work {
            calls: vec![*images],
            ..resolved.work.clone()
        };
        let charged = charge(&resolved.offer.pricing, &work, &produced);
        assert_eq!(charged.basis, Basis::Usage);
        total = total + charged.total;
    }
    assert!(total > Micros::ZERO, "{what} cost nothing");
    assert!(
        total <= resolved.estimate.total,
        "{what}: {total} is above {}",
        resolved.estimate.total
    );
}

/// Offers that are charged by reported tokens.
fn by_usage() -> impl Iterator<Item = (&'static str, Table)> {
    PRICED
        .into_iter()
        .filter(|(_, provider, ..)| *provider == "openai")
        .filter_map(|(id, _, _, tokens)| Some((id, tokens?.0)))
}

#[test]
fn what_tokens_come_to_is_never_above_the_estimate() {
    let catalog = catalog();
    let prompt = "A red bicycle leans on a wall in the rain, seen from below";
    for (id, table) in by_usage() {
        for (q, quality) in QUALITIES.iter().enumerate() {
            for (s, size) in SIZES.iter().enumerate() {
                for n in [1, 3, 10] {
                    let fields = json!({"prompt": prompt, "quality": quality, "size": size, "n": n});
                    let resolution = generate(&catalog, id, fields).expect("it is served");
                    let usage = Usage {
                        // At the worst a token for each byte.
                        input_text_tokens: prompt.len() as u64,
                        output_image_tokens: u64::try_from(table[q][s]).expect("not negative"),
                        ..Usage::default()
                    };
                    assert_charge_within(
                        at(&resolution, "openai"),
                        usage,
                        &format!("{id} {quality} {size} n={n}"),
                    );
                }
            }
        }
    }
}

#[test]
fn what_the_tokens_of_inputs_come_to_is_never_above_the_estimate() {
    let catalog = catalog();
    // Tokens at low and at high fidelity by the published rule, and those that were seen with GPT Image 2.
    let inputs = [
        ((1024, 1024), [194, 4354, 1024]),
        ((1536, 1024), [323, 6563, 1536]),
        ((3000, 1000), [452, 6692, 1536]),
    ];
    for (id, table) in by_usage() {
        for (fidelity, column) in [
            (json!({"input_fidelity": "low"}), 0),
            (json!({"input_fidelity": "high"}), 1),
        ] {
            let column = match id {
                "gpt-image-1-mini" => 0,
                "gpt-image-2" => 2,
                _ => column,
            };
            let sizes: Vec<_> = inputs
                .iter()
                .map(|((width_px, height_px), _)| png(*width_px, *height_px))
                .collect();
            let mut fields = json!({"quality": "medium", "size": "1024x1024"});
            fields["input_fidelity"] = fidelity["input_fidelity"].clone();
            let resolution = edit(&catalog, id, fields, &images(&sizes)).expect("it is served");
            let usage = Usage {
                input_text_tokens: 13 + 32,
                input_image_tokens: inputs.iter().map(|(_, tokens)| tokens[column]).sum(),
                output_image_tokens: u64::try_from(table[1][0]).expect("not negative"),
                ..Usage::default()
            };
            assert_charge_within(at(&resolution, "openai"), usage, &format!("{id} {fidelity}"));
        }
    }
}

#[test]
fn cached_tokens_have_their_own_price() {
    let catalog = catalog();
    // Dollars of a million tokens: text and cached text, image and cached image.
    for (id, [text, cached_text, image, cached_image]) in [
        ("gpt-image-1", [5_000, 1_250, 10_000, 2_500]),
        ("gpt-image-1-mini", [2_000, 200, 2_500, 250]),
        ("gpt-image-1.5", [5_000, 1_250, 8_000, 2_000]),
        ("gpt-image-2", [5_000, 1_250, 8_000, 2_000]),
    ] {
        let resolution = generate(&catalog, id, json!({})).expect("it is served");
        let resolved = at(&resolution, "openai");
        let cost = |usage: Usage| {
            let produced = Produced {
                sizes: vec![],
                usage: Some(usage),
                reported: None,
            };
            charge(&resolved.offer.pricing, &resolved.work, &produced).total
        };
        let usage = Usage {
            input_text_tokens: 3000,
            cached_text_tokens: 1000,
            ..Usage::default()
        };
        assert_eq!(cost(usage), Micros(2 * text + cached_text), "{id}");
        let usage = Usage {
            input_image_tokens: 3000,
            cached_image_tokens: 1000,
            ..Usage::default()
        };
        assert_eq!(cost(usage), Micros(2 * image + cached_image), "{id}");
    }
}

#[test]
fn text_that_a_model_writes_is_charged() {
    let catalog = catalog();
    for id in ["gpt-image-1.5", "gpt-image-2"] {
        let resolution = generate(&catalog, id, json!({})).expect("it is served");
        let resolved = at(&resolution, "openai");
        let usage = Usage {
            output_text_tokens: 1000,
            ..Usage::default()
        };
        let produced = Produced {
            sizes: vec![],
            usage: Some(usage),
            reported: None,
        };
        assert_eq!(
            charge(&resolved.offer.pricing, &resolved.work, &produced).total,
            Micros(10_000),
            "{id}"
        );
    }
}

/// Offers that report nothing: the table for the measured output gives exactly what was estimated.
#[test]
fn flat_prices_are_charged_as_estimated() {
    let catalog = catalog();
    let check = |catalog: &Catalog, id: &str, provider: &str, quality: &str, size: &str| {
        let resolution =
            generate(catalog, id, json!({"quality": quality, "size": size, "n": 3})).expect("it is served");
        let resolved = at(&resolution, provider);
        let measured: Size = resolved.work.size.expect("a size was asked for");
        let produced = Produced {
            sizes: vec![measured; 3],
            usage: None,
            reported: None,
        };
        let charged = charge(&resolved.offer.pricing, &resolved.work, &produced);
        assert_eq!(charged.basis, Basis::Table);
        assert_eq!(
            charged.total, resolved.estimate.total,
            "{id} {provider} {quality} {size}"
        );
    };
    for (id, provider, ..) in PRICED.into_iter().filter(|(_, provider, ..)| *provider != "openai") {
        for quality in QUALITIES {
            for size in SIZES {
                check(&catalog, id, provider, quality, size);
            }
        }
    }
}

#[test]
fn a_smaller_picture_from_flux_at_fal_is_a_megapixel_still() {
    let catalog = catalog();
    for (size, sent) in [
        ("512x512", "512x512"),
        ("1024x1024", "1024x1024"),
        ("4096x4096", "1024x1024"),
        ("1920x1080", "1392x752"),
    ] {
        let resolution = generate(&catalog, "flux.1-schnell", json!({"size": size})).expect("it is served");
        let resolved = at(&resolution, "fal");
        assert_eq!(resolved.work.size.map(|size| size.to_string()).as_deref(), Some(sent));
        assert_eq!(resolved.estimate.total, Micros(3_000), "{size}");
    }
}
