//! What the program takes of memory for what callers send, measured from outside.
#![cfg(target_os = "linux")]

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::harness::{GENERATIONS, Process, Site};

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

/// Nearly as many values as may be (three each), each of which takes many times its text.
fn heavy() -> Value {
    let items: Vec<Value> = (0..3_200).map(|_| json!({ "a": {} })).collect();
    json!({ "model": "bfl/flux.2-pro", "prompt": "dunes", "n": IMAGES, "more": items })
}

/// A provider that takes whatever comes and never answers. Tells of each body that came whole.
async fn silent() -> (String, UnboundedReceiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
    let address = listener.local_addr().expect("it listens");
    let (told, heard) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let told = told.clone();
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                let mut is_whole = false;
                while stream.read_buf(&mut bytes).await.is_ok_and(|count| count > 0) {
                    if !is_whole && bytes.ends_with(b"}") && bytes.len() > 20_000 {
                        is_whole = true;
                        told.send(()).ok();
                    }
                }
            });
        }
    });
    (format!("http://{address}"), heard)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_field_is_held_once_however_many_calls_have_it() {
    let (url, mut heard) = silent().await;
    let site = Site::new().await;
    let mut gateway = site.serve(&[("PICTOR_BFL_BASE_URL", &url)]).await;
    let before = memory(&gateway, "VmRSS");
    let calls: Vec<_> = (0..REQUESTS)
        .map(|_| tokio::spawn(gateway.request(Method::POST, GENERATIONS).json(&heavy()).send()))
        .collect();
    for _ in 0..REQUESTS * IMAGES {
        heard.recv().await.expect("every call comes to the provider");
    }
    let grown = memory(&gateway, "VmRSS").saturating_sub(before);
    let most = EACH_BYTES * REQUESTS as u64;
    assert!(grown < most, "{REQUESTS} requests take {} KiB", grown / 1024);
    gateway.kill();
    gateway.ended().await;
    calls.iter().for_each(|call| call.abort());
    site.abandon().await;
}
