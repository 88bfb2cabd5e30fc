//! The least of an HTTP client: one call over one connection, the answer counted and only its beginning kept.

use crate::Outcome;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What of an answer's body is kept; a JSON answer without images is far smaller.
const KEPT_BYTES: usize = 64 * 1024;
/// An answer that is not there by then never comes.
const TIMEOUT: Duration = Duration::from_secs(120);
const CHUNK_BYTES: usize = 64 * 1024;

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body_bytes: u64,
    /// The first part of the body.
    pub(super) beginning: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub(super) fn json(&self) -> Outcome<serde_json::Value> {
        serde_json::from_slice(&self.beginning).map_err(|error| format!("the answer is not JSON: {error}"))
    }

    /// The answer itself, if it is a success.
    pub(super) fn success(self) -> Outcome<Self> {
        if self.status == 200 {
            return Ok(self);
        }
        Err(format!(
            "HTTP {}: {}",
            self.status,
            String::from_utf8_lossy(&self.beginning)
        ))
    }
}

/// Sends JSON.
pub(super) fn post(url: &str, key: &str, body: &serde_json::Value) -> Outcome<Answer> {
    let body = body.to_string();
    let head = format!(
        "authorization: Bearer {key}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    call("POST", url, &(head + &body))
}

/// Fetches a file.
pub(super) fn get(url: &str) -> Outcome<Answer> {
    call("GET", url, "\r\n")
}

fn call(method: &str, url: &str, rest: &str) -> Outcome<Answer> {
    let inside = url
        .strip_prefix("http://")
        .ok_or_else(|| format!("{url} is not a plain HTTP address"))?;
    let (host, path) = inside.split_once('/').unwrap_or((inside, ""));
    let told = |error: std::io::Error| format!("{method} {url}: {error}");
    let mut stream = TcpStream::connect(host).map_err(told)?;
    stream.set_read_timeout(Some(TIMEOUT)).map_err(told)?;
    let request = format!("{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{rest}");
    stream.write_all(request.as_bytes()).map_err(told)?;
    read(&mut BufReader::new(stream)).map_err(told)
}

fn read(stream: &mut impl BufRead) -> std::io::Result<Answer> {
    let bad = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let status = line
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| bad("no status line"))?;
    let (mut is_chunked, mut length) = (false, None);
    loop {
        line.clear();
        stream.read_line(&mut line)?;
        let header = line.trim_end().to_ascii_lowercase();
        match header.split_once(':') {
            None => break,
            Some(("transfer-encoding", value)) => is_chunked = value.contains("chunked"),
            Some(("content-length", value)) => length = value.trim().parse::<u64>().ok(),
            Some(_) => {}
        }
    }
    let mut answer = Answer {
        status,
        body_bytes: 0,
        beginning: Vec::new(),
    };
    if is_chunked {
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            let size = u64::from_str_radix(line.trim(), 16).map_err(|_| bad("no size of a chunk"))?;
            take(stream, &mut answer, Some(size))?;
            stream.read_line(&mut line)?;
            if size == 0 {
                return Ok(answer);
            }
        }
    }
    take(stream, &mut answer, length)?;
    Ok(answer)
}

/// Reads as many bytes, or to the end.
fn take(stream: &mut impl BufRead, answer: &mut Answer, length: Option<u64>) -> std::io::Result<()> {
    let mut left = length.unwrap_or(u64::MAX);
    let mut chunk = vec![0; CHUNK_BYTES];
    while left > 0 {
        let wanted = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let count = stream.read(&mut chunk[..wanted])?;
        if count == 0 {
            if length.is_some() {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            break;
        }
        let room = KEPT_BYTES.saturating_sub(answer.beginning.len()).min(count);
        answer.beginning.extend_from_slice(&chunk[..room]);
        answer.body_bytes += count as u64;
        left -= count as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(text: &str) -> std::io::Result<Answer> {
        read(&mut text.as_bytes())
    }

    #[test]
    fn bodies_are_read_by_length_chunks_or_end() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello trailing",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nhello",
        ] {
            let answer = answer(text).expect("a whole answer");
            assert_eq!(
                (answer.status, answer.body_bytes, answer.beginning.as_slice()),
                (200, 5, b"hello".as_slice())
            );
        }
    }

    #[test]
    fn a_cut_body_is_an_error() {
        assert!(answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").is_err());
    }

    #[test]
    fn a_refusal_tells_its_text() {
        let refused = answer("HTTP/1.1 400 Bad Request\r\n\r\nno such model")
            .expect("a whole answer")
            .success();
        assert_eq!(refused.expect_err("a refusal"), "HTTP 400: no such model");
    }
}
