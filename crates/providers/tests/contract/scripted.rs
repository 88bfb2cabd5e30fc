//! A local provider that plays a script: real TCP, HTTP written by hand so that it can also be broken.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// One request that is expected, and what happens then.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    /// `POST /path?query`, or `GET cdn:/path` for the second host.
    pub(crate) request: String,
    /// The answer.
    pub(crate) answer: Answer,
}

/// What the server does.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// Answers.
    Reply {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// Promises the whole body, sends half of it and closes.
    Cut {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// Promises the whole body, sends half of it and then nothing more.
    Stall {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// Never answers.
    Hang,
    /// Closes without a word.
    Close,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// As in [`Exchange::request`].
    pub(crate) request: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Recorded {
    /// The first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Default)]
struct Shared {
    script: Vec<Exchange>,
    recorded: Vec<Recorded>,
    unexpected: Vec<String>,
}

/// Two hosts, one script.
pub(crate) struct Scripted {
    /// Address of the API.
    pub(crate) base: String,
    /// Address of the second host.
    pub(crate) cdn: String,
    shared: Arc<Mutex<Shared>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Scripted {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Scripted {
    /// Listens; the script comes with [`Scripted::play`], since it names the addresses.
    pub(crate) async fn listen() -> Self {
        let shared = Arc::new(Mutex::new(Shared::default()));
        let mut addresses = Vec::new();
        let mut tasks = Vec::new();
        for prefix in ["", "cdn:"] {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            addresses.push(format!("http://{}", listener.local_addr().expect("bound")));
            tasks.push(tokio::spawn(serve(listener, prefix, Arc::clone(&shared))));
        }
        let cdn = addresses.pop().expect("two hosts");
        let base = addresses.pop().expect("two hosts");
        Self {
            base,
            cdn,
            shared,
            tasks,
        }
    }

    /// Sets the script.
    pub(crate) fn play(&self, script: Vec<Exchange>) {
        self.shared.lock().expect("no panic holds it").script = script;
    }

    /// What came, after checking that it was the script, all of it and nothing else.
    pub(crate) fn finish(&self) -> Vec<Recorded> {
        let shared = self.shared.lock().expect("no panic holds it");
        assert!(
            shared.unexpected.is_empty(),
            "unexpected requests: {:?}",
            shared.unexpected
        );
        let left: Vec<&String> = shared.script.iter().map(|exchange| &exchange.request).collect();
        assert!(left.is_empty(), "requests that did not come: {left:?}");
        shared.recorded.clone()
    }
}

async fn serve(listener: TcpListener, prefix: &'static str, shared: Arc<Mutex<Shared>>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        connections.spawn(converse(stream, prefix, Arc::clone(&shared)));
    }
}

async fn converse(mut stream: TcpStream, prefix: &str, shared: Arc<Mutex<Shared>>) {
    let mut buffer = Vec::new();
    while let Some(recorded) = read_request(&mut stream, &mut buffer, prefix).await {
        let answer = {
            let mut shared = shared.lock().expect("no panic holds it");
            let found = shared
                .script
                .iter()
                .position(|exchange| exchange.request == recorded.request);
            let answer = found.map(|index| shared.script.remove(index).answer);
            if answer.is_none() {
                shared.unexpected.push(recorded.request.clone());
            }
            shared.recorded.push(recorded);
            answer
        };
        let stalls = matches!(answer, Some(Answer::Stall { .. }));
        let (status, headers, body, whole) = match answer {
            Some(Answer::Reply { status, headers, body }) => (status, headers, body, true),
            Some(Answer::Cut { status, headers, body } | Answer::Stall { status, headers, body }) => {
                (status, headers, body, false)
            }
            Some(Answer::Hang) => return std::future::pending().await,
            Some(Answer::Close) | None => return,
        };
        let mut head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let sent = if whole { &body[..] } else { &body[..body.len() / 2] };
        // The client may hang up first, as it does when an answer is too large.
        let written = async {
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(sent).await?;
            stream.flush().await
        };
        let sent = written.await.is_ok();
        if sent && stalls {
            return std::future::pending().await;
        }
        if !sent || !whole {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>, prefix: &str) -> Option<Recorded> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer[..end].to_vec()).expect("a head is ASCII");
    let mut lines = head.split("\r\n");
    let mut first = lines.next().expect("a request line").split(' ');
    let (method, path) = (first.next().expect("a method"), first.next().expect("a path"));
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut recorded = Recorded {
        request: format!("{method} {prefix}{path}"),
        headers,
        body: Vec::new(),
    };
    assert!(
        recorded.header("transfer-encoding").is_none(),
        "bodies have an exact length"
    );
    let length: usize = recorded
        .header("content-length")
        .map_or(0, |text| text.parse().expect("a number"));
    let body_start = end + 4;
    while buffer.len() < body_start + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    recorded.body = buffer[body_start..body_start + length].to_vec();
    buffer.drain(..body_start + length);
    Some(recorded)
}
