//! Connections that nothing comes of: silent ones, slow ones, too many of them.

use std::time::Duration;

use futures_util::future::join_all;
use gateway::settings::Settings;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, interval, timeout};

use super::hang_up::until_kept;
use super::harness::{GENERATIONS, TestGateway, small, until, with as and};

/// Longer than any limit in these tests.
const PATIENCE: Duration = Duration::from_secs(20);

async fn connected(gateway: &TestGateway, first: &str) -> TcpStream {
    let address = gateway.base.strip_prefix("http://").expect("an address");
    let mut stream = TcpStream::connect(address).await.expect("the gateway listens");
    stream.write_all(first.as_bytes()).await.expect("the gateway reads");
    stream
}

/// What comes until the other side closes.
async fn until_closed(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is an end too.
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    let _ = read.expect("the connection is closed");
    String::from_utf8_lossy(&answer).into_owned()
}

/// Whether an answer comes on a connection that stays open.
async fn is_answered(stream: &mut TcpStream) -> bool {
    let request = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut answer = [0; 1024];
    let asked = async {
        stream.write_all(request.as_bytes()).await.ok()?;
        stream.read(&mut answer).await.ok()
    };
    let read = timeout(PATIENCE, asked).await.expect("an answer or an end");
    read.is_some_and(|bytes| answer[..bytes].starts_with(b"HTTP/1.1 200"))
}

async fn with(change: impl FnOnce(&mut Settings)) -> TestGateway {
    TestGateway::with(|settings| {
        settings.limits.header_s = 1;
        change(settings);
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_says_nothing_or_half_a_word_is_closed() {
    let gateway = with(|settings| settings.limits.idle_connection_s = 1).await;
    let began = Instant::now();
    let firsts = [
        "",
        "PRI * HT",
        "GET /healthz HTTP/1.1\r\nhos",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    let closed = firsts.map(async |first| until_closed(&mut connected(&gateway, first).await).await);
    futures_util::future::join_all(closed).await;
    assert!(began.elapsed() >= Duration::from_millis(900), "each has its second");
    assert!(is_answered(&mut connected(&gateway, "").await).await);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_has_its_share_of_connections() {
    let gateway = with(|settings| {
        settings.trusted_proxies = Vec::new();
        settings.limits.connections_per_address = 3;
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = connected(&gateway, "").await;
        assert!(is_answered(&mut stream).await);
        held.push(stream);
    }
    assert!(
        !is_answered(&mut connected(&gateway, "").await).await,
        "a fourth is closed"
    );
    drop(held);
    // The places are given back.
    let answered = async { while !is_answered(&mut connected(&gateway, "").await).await {} };
    timeout(PATIENCE, answered).await.expect("a place is free again");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_all_places_are_taken_the_silent_go_first_and_health_is_told_all_the_same() {
    let gateway = with(|settings| {
        settings.limits.connections = 3;
        settings.limits.header_s = 60;
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(connected(&gateway, "").await);
    }
    let mut held = Vec::new();
    for _ in 0..3 {
        let mut stream = connected(&gateway, "").await;
        assert!(
            is_answered(&mut stream).await,
            "who speaks takes the place of who is silent"
        );
        held.push(stream);
    }
    for stream in &mut silent {
        assert_eq!(until_closed(stream).await, "");
    }
    assert!(is_answered(&mut connected(&gateway, "").await).await, "health is told");
    let request = "GET /v1/balance HTTP/1.1\r\nhost: x\r\n\r\n";
    let answer = until_closed(&mut connected(&gateway, request).await).await;
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("OVERLOADED"),
        "{answer}"
    );
    drop(held);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_taken_is_cut_and_its_image_kept() {
    let gateway = with(|settings| {
        let limits = &mut settings.limits;
        (limits.transfer_grace_s, limits.transfer_window_s) = (0, 1);
    })
    .await;
    let body = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes [[fault: huge=16MiB]]", "quality": "low",
        "response_format": "b64_json" })
    .to_string();
    let address = gateway.base.strip_prefix("http://").expect("an address");
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(16 << 10).expect("a small buffer");
    let mut stream = socket
        .connect(address.parse().expect("an address"))
        .await
        .expect("the gateway listens");
    let head = format!(
        "POST {GENERATIONS} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nx-request-id: unread\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        gateway.key,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("the gateway reads");
    until_kept(&gateway, "unread").await;
    // What was under way may still be read, but not the whole of it.
    let read = until_closed(&mut stream).await;
    assert!(
        read.starts_with("HTTP/1.1 200") && read.len() < 16 << 20,
        "{} bytes",
        read.len()
    );
    gateway.finish().await;
}

/// Callers who hardly read, and what the pipes to them hold: far less than an image.
const CROWD: usize = 32;
const PIPE_BYTES: usize = 16 << 10;
/// What one of them reads in a second. The least speed is 16 KiB.
const RATES: [usize; 5] = [0, 0, 512, 4 << 10, 8 << 10];
/// So many ordinary callers are answered, one after the other, before the last of them is cut.
const ANSWERED_BESIDE: usize = 2;

/// Asks for images on a connection that ends with the answer.
async fn asked(gateway: &TestGateway, id: &str, body: &Value) -> DuplexStream {
    let mut pipe = gateway.piped(PIPE_BYTES);
    let body = body.to_string();
    let head = format!(
        "POST {GENERATIONS} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer {}\r\nx-request-id: {id}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        gateway.key,
        body.len()
    );
    pipe.write_all(head.as_bytes()).await.expect("the gateway reads");
    pipe
}

/// Reads so many bytes a second until the other side has enough of it. Returns how many there were.
async fn read_slowly(mut pipe: DuplexStream, rate: usize) -> usize {
    const STEPS: usize = 10;
    let mut steps = interval(Duration::from_secs(1) / STEPS as u32);
    let (mut piece, mut read) = (vec![0; (rate / STEPS).max(1)], 0);
    loop {
        steps.tick().await;
        // Who reads nothing only learns of the end by writing.
        let got = if rate == 0 {
            pipe.write_all(b"\r\n").await.map(|()| 1)
        } else {
            pipe.read(&mut piece).await
        };
        match got {
            Ok(0) | Err(_) => return read,
            Ok(bytes) => read += bytes,
        }
    }
}

/// An ordinary caller gets an answer.
async fn ordinary(gateway: &TestGateway, place: usize) {
    let body = and(
        small("openai/gpt-image-1-mini"),
        json!({ "response_format": "b64_json" }),
    );
    let mut pipe = asked(gateway, &format!("ordinary-{place}"), &body).await;
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, pipe.read_to_end(&mut answer)).await;
    read.expect("an answer").expect("the whole of it");
    assert!(
        answer.starts_with(b"HTTP/1.1 200"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_that_hardly_reads_keeps_nobody_waiting_and_is_cut() {
    let gateway = with(|settings| {
        let limits = &mut settings.limits;
        (limits.transfer_grace_s, limits.transfer_window_s) = (1, 4);
    })
    .await;
    let body = json!({ "model": "openai/gpt-image-1-mini", "prompt": "dunes [[fault: huge=2MiB]]", "quality": "low",
        "response_format": "b64_json" });
    let pipes = join_all((0..CROWD).map(|place| {
        let (gateway, body) = (&gateway, &body);
        async move { asked(gateway, &format!("slow-{place}"), body).await }
    }))
    .await;
    // Every one of them has its image, and waits for nobody but itself.
    until("the crowd's images", async || {
        (gateway.bill().await.len() >= CROWD).then_some(())
    })
    .await;
    let slow = pipes.into_iter().enumerate();
    let slow = slow.map(|(place, pipe)| tokio::spawn(read_slowly(pipe, RATES[place % RATES.len()])));
    let slow: Vec<_> = slow.collect();
    let mut answered = 0;
    while slow.iter().any(|reader| !reader.is_finished()) {
        ordinary(&gateway, answered).await;
        answered += 1;
    }
    assert!(answered >= ANSWERED_BESIDE, "{answered} answers beside a crowd");
    for reader in slow {
        let read = reader.await.expect("it reads to its end");
        assert!(read < 1 << 20, "{read} bytes");
    }
    for place in 0..CROWD {
        until_kept(&gateway, &format!("slow-{place}")).await;
    }
    gateway.finish().await;
}
