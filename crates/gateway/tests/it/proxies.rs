//! Machines that reach the world only through a proxy.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gateway::settings::{ProviderSettings, SandboxUse};
use imaging::ImageFormat;
use providers::OutboundProxy;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::harness::{TestGateway, plain};

/// First lines of the requests that a proxy got.
type Seen = Arc<Mutex<Vec<String>>>;

/// A proxy that answers everything itself with one image.
async fn proxy() -> (OutboundProxy, Seen) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let image = STANDARD.encode(plain((1024, 1024), [90, 120, 200, 255], ImageFormat::Png));
    let body = json!({ "created": 1, "data": [{ "b64_json": image }] }).to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            answer(stream, &body, &noted).await;
        }
    });
    let proxy = OutboundProxy::new(&format!("http://{address}"), None).expect("the address of a proxy");
    (proxy, seen)
}

async fn answer(mut stream: TcpStream, body: &str, seen: &Seen) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).await.unwrap_or(0);
        request.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let told = text
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next()?.parse().ok());
        let rest = text.split_once("\r\n\r\n").map(|(_, rest)| rest.len());
        if count == 0 || rest.is_some_and(|rest| rest >= told.unwrap_or(0)) {
            break;
        }
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    seen.lock()
        .expect("nobody panicked")
        .extend(text.lines().next().map(ToOwned::to_owned));
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    // Whoever hangs up early has seen enough.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body.as_bytes()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_are_called_through_the_proxy_and_private_names_by_nobody() {
    let (proxy, seen) = proxy().await;
    let gateway = TestGateway::embedded_with(|settings| {
        settings.outbound_proxy = Some(proxy);
        settings.sandbox = SandboxUse::Auto;
        let openai = ProviderSettings {
            credential: Some("sk-test".to_owned()),
            base_url: Some("http://images.provider.example/v1".to_owned()),
            ..ProviderSettings::default()
        };
        settings.providers.insert("openai".to_owned(), openai);
    })
    .await;
    let body = json!({ "model": "openai/gpt-image-1.5", "prompt": "dunes", "size": "1024x1024", "quality": "low" });
    gateway.generate(body).await.ok();
    let lines = seen.lock().expect("nobody panicked").clone();
    assert_eq!(
        lines,
        ["POST http://images.provider.example/v1/images/generations HTTP/1.1"]
    );
    let edit = json!({ "model": "openai/gpt-image-1.5", "prompt": "dunes", "images": [{ "image_url": "https://localhost/x.png" }] });
    let error = gateway.edit_json(edit).await.fault("image_url");
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|text| text.contains("public address")),
        "{error}"
    );
    assert_eq!(
        seen.lock().expect("nobody panicked").len(),
        1,
        "the name was judged before the proxy heard of it"
    );
    gateway.finish().await;
}
