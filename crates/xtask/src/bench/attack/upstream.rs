//! A provider that answers every call with one fixed picture, and a receiver of webhooks that never answers.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::Outcome;
use crate::bench::path::picture;

/// The address for the settings.
pub(in crate::bench) fn start(picture_bytes: usize) -> Outcome<String> {
    let base64 = STANDARD.encode(picture::of(picture_bytes));
    let usage = json!({ "input_tokens": 9, "output_tokens": 272, "total_tokens": 281,
        "input_tokens_details": { "text_tokens": 9, "image_tokens": 0 } });
    let body = json!({ "created": 1, "data": [{ "b64_json": base64 }], "usage": usage }).to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let answer: Arc<str> = (head + &body).into();
    let port = listen(move |stream| serve(stream, &answer))?;
    Ok(format!("http://127.0.0.1:{port}/v1"))
}

/// The address of a receiver that takes connections and says nothing.
pub(super) fn silent_receiver() -> Outcome<String> {
    let port = listen(|mut stream| {
        let mut piece = [0; 4096];
        while stream.read(&mut piece).is_ok_and(|count| count > 0) {}
    })?;
    Ok(format!("http://localhost:{port}/hook"))
}

fn listen(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Outcome<u16> {
    let told = |error: std::io::Error| format!("cannot listen on loopback: {error}");
    let listener = TcpListener::bind("127.0.0.1:0").map_err(told)?;
    let port = listener.local_addr().map_err(told)?.port();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = Arc::clone(&serve);
            std::thread::spawn(move || serve(stream));
        }
    });
    Ok(port)
}

/// Answers each request on a connection once all of it has come.
fn serve(mut stream: TcpStream, answer: &str) {
    let mut bytes = Vec::new();
    let mut piece = [0; 16 << 10];
    while let Ok(count) = stream.read(&mut piece) {
        if count == 0 {
            return;
        }
        bytes.extend_from_slice(&piece[..count]);
        while let Some(length) = request_bytes(&bytes) {
            bytes.drain(..length);
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}

/// The bytes of a request with an exact length, when it is there to its end.
fn request_bytes(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    (bytes.len() >= end + length).then_some(end + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_ends_where_its_length_says() {
        let request = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
        assert_eq!(request_bytes(request), Some(request.len()));
        assert_eq!(request_bytes(&request[..request.len() - 1]), None);
        assert_eq!(request_bytes(b"GET / HTTP/1.1\r\n\r\nmore"), Some(18));
    }
}
