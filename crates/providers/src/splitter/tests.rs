//! The splitter against the JSON parser and against broken texts.

use std::io::{Read as _, Seek as _, SeekFrom};

use ::base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE},
};
use futures_util::TryStreamExt as _;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::spool::{STREAM_CHUNK_BYTES, Spool, SpoolLimits};

const LIMITS: SplitLimits = SplitLimits::of_answer(1 << 20);

fn scope() -> SpoolScope {
    Spool::new(SpoolLimits::default()).scope()
}

fn split_with(limits: SplitLimits, text: &[u8], sizes: &[usize]) -> Result<Document, SplitError> {
    split_in(&scope(), limits, text, sizes)
}

fn split_in(scope: &SpoolScope, limits: SplitLimits, text: &[u8], sizes: &[usize]) -> Result<Document, SplitError> {
    let mut splitter = Splitter::new(scope.clone(), limits);
    let mut rest = text;
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = sizes.next().map_or(rest.len(), |size| (*size).clamp(1, rest.len()));
        let (piece, tail) = rest.split_at(size);
        splitter.push(piece)?;
        rest = tail;
    }
    splitter.finish()
}

fn split(text: &str) -> Result<Document, SplitError> {
    split_with(LIMITS, text.as_bytes(), &[])
}

fn noise(size_bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..size_bytes).map(|_| next()).collect()
}

fn bytes_of(document: &Document, value: &Value) -> Vec<u8> {
    document
        .image(value)
        .expect("an image")
        .expect("an image")
        .read_all()
        .expect("readable")
        .to_vec()
}

/// From memory it is the text that came, from a file or another alphabet one that is made anew.
#[tokio::test]
async fn a_blob_goes_out_as_base64_whatever_text_it_came_as() {
    for size_bytes in [10_000, 10_001, 10_002, STREAM_CHUNK_BYTES * 4, 700_001] {
        let image = noise(size_bytes);
        let standard = STANDARD.encode(&image);
        let lines = format!("{}\\n{}", &standard[..9_001], &standard[9_001..]);
        for text in [
            STANDARD_NO_PAD.encode(&image),
            URL_SAFE.encode(&image),
            lines,
            standard.clone(),
        ] {
            for pieces in [&[][..], &[1_000], &[4_099, 7, 65_536]] {
                for memory_per_generation_bytes in [1 << 20, 300_000] {
                    let limits = SpoolLimits {
                        memory_per_generation_bytes,
                        ..SpoolLimits::default()
                    };
                    let scope = Spool::new(limits).scope();
                    let document = split_in(&scope, LIMITS, format!("[\"{text}\"]").as_bytes(), pieces).expect("valid");
                    let blob = document.image(&document.json[0]).expect("an image").expect("an image");
                    assert!(blob.read_all().expect("readable") == image);
                    let sent: Vec<_> = crate::base64_stream(&blob).try_collect().await.expect("readable");
                    assert!(sent.concat() == standard.as_bytes());
                    let mut part = [0; 100];
                    let mut reader = blob.reader();
                    reader.seek(SeekFrom::Start(7_777)).expect("inside");
                    reader.read_exact(&mut part).expect("inside");
                    assert_eq!(part[..], image[7_777..7_877]);
                }
            }
        }
    }
}

#[test]
fn a_blob_becomes_a_handle_that_only_its_document_reads() {
    let image = noise(10_000);
    let text = format!(
        r#"{{"created": 1, "data": [{{"b64_json": "{}"}}], "n": "short"}}"#,
        STANDARD.encode(&image)
    );
    let document = split(&text).expect("valid");
    let value = &document.json["data"][0]["b64_json"];
    assert!(value.as_str().expect("a handle").len() < 100);
    assert_eq!(
        document.blob(value).expect("a blob").read_all().expect("readable"),
        image
    );
    assert_eq!(bytes_of(&document, value), image);
    assert!(document.blob(&document.json["n"]).is_none());
    let other = split(&text).expect("valid");
    assert!(other.blob(value).is_none(), "handles of another document mean nothing");
}

#[test]
fn all_spellings_of_base64_are_read() {
    let image = noise(9_001);
    let plain = STANDARD.encode(&image);
    let broken_lines: String = plain
        .as_bytes()
        .chunks(76)
        .map(|line| format!("{}\\r\\n", std::str::from_utf8(line).expect("ASCII")))
        .collect();
    let spellings = [
        plain.clone(),
        plain.replace('/', "\\/"),
        plain.replace('+', "\\u002b").replace('=', "\\u003D"),
        STANDARD_NO_PAD.encode(&image),
        URL_SAFE.encode(&image),
        broken_lines,
        format!("data:image/png;base64,{plain}"),
        format!("data:image\\/png;charset=x;base64,{plain}"),
    ];
    for spelling in spellings {
        for sizes in [&[1][..], &[4095, 2, 7], &[65_536]] {
            let text = format!("[\"{spelling}\"]");
            let document = split_with(LIMITS, text.as_bytes(), sizes).expect("valid");
            assert!(document.blob(&document.json[0]).is_some(), "{}", &spelling[..40]);
            assert_eq!(bytes_of(&document, &document.json[0]), image);
        }
    }
    let document = split(&format!("[\"data:image/WebP;base64,{plain}\"]")).expect("valid");
    assert_eq!(document.blob_mime(&document.json[0]), Some("image/webp"));
}

#[test]
fn short_images_are_read_from_the_text() {
    let image = noise(300);
    let base64 = STANDARD.encode(&image);
    let document = split(
        &json!([
            base64,
            format!("data:image/png;base64,{base64}"),
            "https://a.b/c",
            7,
            "no!"
        ])
        .to_string(),
    )
    .expect("valid");
    assert!(document.blob(&document.json[0]).is_none());
    assert_eq!(bytes_of(&document, &document.json[0]), image);
    assert_eq!(bytes_of(&document, &document.json[1]), image);
    assert!(document.image(&document.json[2]).expect("an address").is_none());
    assert!(document.image(&document.json[3]).expect("a number").is_none());
    assert!(matches!(
        document.image(&document.json[4]),
        Err(DocumentError::BadBase64)
    ));
}

#[test]
fn long_text_stays_text() {
    let prose = "A red fox, asleep. \"Quoted\"\n ".repeat(400);
    let document = split(&json!({ "prose": prose }).to_string()).expect("valid");
    assert_eq!(document.json["prose"], prose);
    assert!(document.blob(&document.json["prose"]).is_none());
}

#[test]
fn every_bound_is_kept() {
    let limits = SplitLimits {
        text_bytes: 100,
        ..SplitLimits::of_answer(5000)
    };
    let long = json!({ "a": "x y ".repeat(50) }).to_string();
    assert!(matches!(
        split_with(limits, long.as_bytes(), &[]),
        Err(SplitError::TextTooLong { text_bytes: 100 })
    ));
    let image = json!([STANDARD.encode(noise(6000))]).to_string();
    assert!(matches!(
        split_with(limits, image.as_bytes(), &[9]),
        Err(SplitError::BlobTooLong { blob_bytes: 5000 })
    ));
    let (open, close) = ("[".repeat(DEPTH + 1), "]".repeat(DEPTH + 1));
    assert!(matches!(
        split(&format!("{open}{close}")),
        Err(SplitError::TooDeep { depth: DEPTH })
    ));
    assert!(split(&format!("{}{}", &open[1..], &close[1..])).is_ok());
    let tiny = Spool::new(SpoolLimits {
        total_bytes: 1000,
        ..SpoolLimits::default()
    });
    let mut splitter = Splitter::new(tiny.scope(), LIMITS);
    assert!(matches!(
        splitter.push(image.as_bytes()),
        Err(SplitError::Spool(SpoolError::Full { .. }))
    ));
}

#[test]
fn broken_texts_are_told_apart() {
    let base64 = STANDARD.encode(noise(9000));
    for cut in [
        "",
        "{",
        "{\"a\"",
        "[\"abc",
        &format!("[\"{base64}"),
        &format!("[\"{base64}\""),
    ] {
        assert!(matches!(split(cut), Err(SplitError::Cut)), "{:.20}", cut);
    }
    for syntax in ["<html>", "{]", "[1] x", "[\"\\q\"]", "nul"] {
        let error = split(syntax).expect_err("broken");
        assert!(
            matches!(error, SplitError::Syntax(_) | SplitError::Cut),
            "{syntax}: {error}"
        );
    }
    for bad in [
        format!("[\"{base64}!\"]"),
        format!("[\"{}AB==\"]", &base64[..8001]),
        format!("[\"{}==AAAA\"]", &base64[..8002]),
        format!("[\"{}A=BB\"]", &base64[..8002]),
        format!("[\"{}A=BBBBBB\"]", &base64[..8002]),
        format!("[\"{}A\"]", &base64[..8000]),
        format!("[\"{base64}\\q\"]"),
        format!("[\"{base64}\\u00ff\"]"),
    ] {
        assert!(
            matches!(split(&bad), Err(SplitError::BadBase64)),
            "{}",
            &bad[bad.len() - 12..]
        );
    }
}

#[test]
fn memory_stays_bounded_while_a_large_image_arrives() {
    let spool = Spool::new(SpoolLimits::default());
    let limits = SplitLimits::of_answer(64 << 20);
    let mut splitter = Splitter::new(spool.scope(), limits);
    let piece = STANDARD.encode(noise(48 * 1024));
    splitter.push(b"{\"image\": \"").expect("valid");
    for _ in 0..200 {
        splitter.push(piece.as_bytes()).expect("valid");
        assert!(spool.used().memory <= crate::spool::MEMORY_PER_GENERATION_BYTES);
    }
    splitter.push(b"\"}").expect("valid");
    let document = splitter.finish().expect("valid");
    let blob = document.blob(&document.json["image"]).expect("a blob");
    assert!(!blob.in_memory());
    assert_eq!(blob.len(), 200 * 48 * 1024);
    assert_eq!(spool.used().memory, 0);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        ("[ -~]{0,40}", 0..300_usize).prop_map(|(part, times)| Value::from(format!("{part}, ").repeat(times))),
    ];
    leaf.prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..6)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn equals_the_json_parser_for_any_chunking(
        json in any_json(),
        pretty in any::<bool>(),
        sizes in prop::collection::vec(1..5000_usize, 1..8),
    ) {
        let text = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) }.expect("JSON");
        let parsed: Value = serde_json::from_str(&text).expect("JSON");
        let document = split_with(LIMITS, text.as_bytes(), &sizes).expect("valid");
        prop_assert_eq!(document.json, parsed);
    }

    #[test]
    fn blobs_of_any_size_come_back(
        image in prop::collection::vec(any::<u8>(), 3073..20_000),
        url_safe in any::<bool>(),
        sizes in prop::collection::vec(1..6000_usize, 1..8),
    ) {
        let base64 = if url_safe { URL_SAFE.encode(&image) } else { STANDARD.encode(&image) };
        let text = format!("{{\"before\": [1], \"image\": \"{base64}\", \"after\": \"x\"}}");
        let document = split_with(LIMITS, text.as_bytes(), &sizes).expect("valid");
        prop_assert!(document.blob(&document.json["image"]).is_some());
        prop_assert_eq!(bytes_of(&document, &document.json["image"]), image);
        prop_assert_eq!(&document.json["after"], "x");
    }

    #[test]
    fn any_bytes_are_judged_like_the_json_parser_does(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(&b"{}[]\",:\\ue10 "[..])], 0..400),
        sizes in prop::collection::vec(1..50_usize, 1..8),
    ) {
        let ours = split_with(LIMITS, &bytes, &sizes);
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(json) => prop_assert_eq!(ours.expect("valid").json, json),
            Err(_) => prop_assert!(ours.is_err()),
        }
    }

    #[test]
    fn any_long_string_never_panics(
        raw in prop::collection::vec(prop::sample::select(&b"ABCabc012+/-_=\\nur/\" ,"[..]), 4000..9000),
        sizes in prop::collection::vec(1..5000_usize, 1..8),
    ) {
        let text = [b"[\"", raw.as_slice(), b"\"]"].concat();
        let _ = split_with(LIMITS, &text, &sizes);
    }
}

#[test]
fn a_document_has_no_more_values_than_allowed() {
    let limits = SplitLimits { nodes: 10, ..LIMITS };
    let list = |count: usize| json!(vec![1; count]).to_string();
    assert!(split_with(limits, list(10).as_bytes(), &[3]).is_ok());
    assert!(matches!(
        split_with(limits, list(11).as_bytes(), &[3]),
        Err(SplitError::TooMany { nodes: 10 })
    ));
    let text = json!({ "a": ",{[:".repeat(20) }).to_string();
    assert!(split_with(limits, text.as_bytes(), &[]).is_ok(), "text is no value");
}

#[test]
fn bare_base64_is_an_image_only_in_fields_for_images() {
    let image = noise(10_000);
    let base64 = STANDARD.encode(&image);
    let text = json!({ "prompt": base64, "image": [base64, base64], "more": { "prompt": base64 } }).to_string();
    for size in [1, 7, text.len()] {
        let mut splitter = Splitter::new(scope(), LIMITS).bare_only_in(|name| name == "image");
        for piece in text.as_bytes().chunks(size) {
            splitter.push(piece).expect("valid");
        }
        let document = splitter.finish().expect("valid");
        assert_eq!(document.json["prompt"], base64);
        assert_eq!(document.json["more"]["prompt"], base64);
        assert_eq!(bytes_of(&document, &document.json["image"][1]), image);
    }
}

#[test]
fn data_uris_are_read_in_any_legal_spelling() {
    let image = noise(10_000);
    let escaped = STANDARD
        .encode(&image)
        .replace('+', "%2B")
        .replace('/', "%2f")
        .replace('=', "%3D");
    for (prefix, base64) in [
        ("data:image/png;base64,", STANDARD.encode(&image)),
        ("DATA:Image/PNG;Base64,", STANDARD.encode(&image)),
        ("data:;base64,", URL_SAFE.encode(&image)),
        ("data:image/png;charset=utf-8; base64,", STANDARD_NO_PAD.encode(&image)),
        ("data:image/png;name=a.png;base64,", escaped),
    ] {
        let text = json!({ "any": format!("{prefix}{base64}") }).to_string();
        let mut splitter = Splitter::new(scope(), LIMITS).bare_only_in(|_| false);
        for piece in text.as_bytes().chunks(5) {
            splitter.push(piece).expect("valid");
        }
        let document = splitter.finish().expect("valid");
        assert_eq!(bytes_of(&document, &document.json["any"]), image, "{prefix}");
    }
}

#[test]
fn a_byte_order_mark_says_nothing() {
    assert_eq!(split("\u{feff}{\"a\": 1}").expect("valid").json, json!({ "a": 1 }));
}
