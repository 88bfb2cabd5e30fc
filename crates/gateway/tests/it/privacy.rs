//! What the gateway keeps is its owner's alone: files, and what callers write into texts.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::harness::{GENERATIONS, Site, TestGateway, send};

/// Everything in a folder, itself included, with its permissions.
fn permissions(folder: &Path) -> Vec<(PathBuf, u32)> {
    let mut found = vec![(folder.to_owned(), mode(folder))];
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(permissions(&path));
        } else {
            found.push((path.clone(), mode(&path)));
        }
    }
    found
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn open_up(folder: &Path) {
    for (path, _) in permissions(folder) {
        let mode = if path.is_dir() { 0o755 } else { 0o644 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("our own file");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_may_read_what_is_kept() {
    let site = Site::new().await;
    let process = site.serve(&[]).await;
    let body =
        json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes", "quality": "low", "response_format": "url" });
    send(process.request(Method::POST, GENERATIONS).json(&body)).await.ok();
    let closed = |when: &str| {
        for (path, mode) in permissions(&site.data_dir()) {
            assert_eq!(mode & 0o077, 0, "{when}: {} is {mode:o}", path.display());
        }
    };
    closed("from the start");
    process.stop().await;
    open_up(&site.data_dir());
    let doctor = site.pictor(&["doctor"]).await;
    doctor.failed();
    assert!(
        doctor.wrote().contains("others on this machine may read"),
        "{}",
        doctor.wrote()
    );
    let process = site.serve(&[]).await;
    closed("after another start");
    process.stop().await;
    assert!(site.pictor(&["doctor"]).await.wrote().contains("by its owner alone"));
    site.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_callers_write_does_not_steer_a_terminal() {
    let gateway = TestGateway::embedded().await;
    let user = "\u{1b}]0;owned\u{7}\u{9b}2J\rforged\u{202e}";
    gateway
        .generate(json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "user": user, "response_format": "b64_json" }))
        .await
        .ok();
    let shown = gateway.pictor(&["usage", "--by", "user", "--key", &gateway.key]).await;
    let steering = |letter: &char| letter.is_control() && *letter != '\n' || *letter == '\u{202e}';
    assert_eq!(shown.ok().chars().find(steering), None, "{:?}", shown.ok());
    assert!(shown.ok().contains("\\u{1b}]0;owned"), "{}", shown.ok());
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_names_its_host_once() {
    let gateway = TestGateway::embedded().await;
    let address = gateway.base.strip_prefix("http://").expect("an address").to_owned();
    for (head, status) in [
        ("GET /healthz HTTP/1.1\r\nhost: a\r\n", "200"),
        ("GET /healthz HTTP/1.1\r\n", "400"),
        ("GET /healthz HTTP/1.1\r\nhost: a\r\nhost: b\r\n", "400"),
        ("GET /healthz HTTP/1.1\r\nhost: a\r\nHost: a\r\n", "400"),
        ("GET /healthz HTTP/1.0\r\n", "200"),
    ] {
        let mut stream = TcpStream::connect(&address).await.expect("the gateway listens");
        let request = format!("{head}connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("it answers");
        let told = answer.split(' ').nth(1);
        assert_eq!(told, Some(status), "{head}: {answer}");
        assert!(
            status == "200" || answer.contains("exactly one 'Host' header"),
            "{answer}"
        );
    }
    gateway.finish().await;
}
