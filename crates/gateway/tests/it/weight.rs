//! What the program takes of memory for what callers send, measured from outside.

use reqwest::Method;
use serde_json::{Value, json};

use super::harness::{GENERATIONS, Process, Site, until};

/// Heavy requests at one time.
const REQUESTS: usize = 8;
/// Images of each; every one is a call of its own.
const IMAGES: usize = 10;
/// What one may take beside its own size, in bytes: some times its value as it stands in memory.
const EACH_BYTES: u64 = 8 << 20;

/// A figure of the process in bytes.
fn memory(process: &Process, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).expect("a process that runs");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.expect("a figure") * 1024
}

/// Nearly as many values as may be, each of which takes many times its text.
fn heavy() -> Value {
    let items: Vec<Value> = (0..4_900).map(|_| json!({ "a": {} })).collect();
    json!({ "model": "fal/flux.2-pro", "prompt": "dunes", "n": IMAGES, "more": items })
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_large_field_is_held_once_however_many_calls_have_it() {
    let site = Site::new().await;
    let mut gateway = site.serve(&[]).await;
    gateway
        .generation(&json!({ "model": "fal/flux.2-pro", "prompt": "dunes" }), "warm")
        .send()
        .await
        .expect("an answer");
    site.fault(json!({ "fault": { "delay": "300s" } })).await;
    let (before, called) = (memory(&gateway, "VmRSS"), site.submits().await);
    let calls: Vec<_> = (0..REQUESTS)
        .map(|_| tokio::spawn(gateway.request(Method::POST, GENERATIONS).json(&heavy()).send()))
        .collect();
    until("every call is with the provider", async || {
        (site.submits().await >= called + REQUESTS * IMAGES).then_some(())
    })
    .await;
    let grown = memory(&gateway, "VmRSS").saturating_sub(before);
    let most = EACH_BYTES * REQUESTS as u64;
    assert!(grown < most, "{REQUESTS} requests take {} KiB", grown / 1024);
    gateway.kill();
    gateway.ended().await;
    calls.iter().for_each(|call| call.abort());
    site.abandon().await;
}
