//! The guarded client against redirects, private addresses and files that are too large.

use std::time::Duration;

use bytes::Bytes;
use providers::{FetchError, FetchLimits, GuardConfig, GuardedClient, Spool, SpoolLimits};
use reqwest::{Url, header::HeaderMap};
use tokio::time::Instant;

use crate::{
    script::{IMAGE_BYTES, picture},
    scripted::{Answer, Exchange, Scripted},
};

fn client(allowed: &[&str]) -> GuardedClient {
    GuardedClient::new(GuardConfig {
        allowed_hosts: allowed.iter().map(|host| (*host).to_owned()).collect(),
        ..GuardConfig::default()
    })
    .expect("TLS is there")
}

fn reply(request: &str, status: u16, location: Option<&str>) -> Exchange {
    let headers = location.map(|url| ("location".to_owned(), url.to_owned()));
    let body = if status == 200 {
        picture(IMAGE_BYTES)
    } else {
        Vec::new()
    };
    let answer = Answer::Reply {
        status,
        headers: headers.into_iter().collect(),
        body,
    };
    Exchange {
        request: request.to_owned(),
        answer,
    }
}

async fn fetch(client: &GuardedClient, url: &str) -> Result<u64, FetchError> {
    let limits = FetchLimits {
        size_bytes: 10_000,
        deadline: Instant::now() + Duration::from_secs(30),
    };
    let scope = Spool::new(SpoolLimits::default()).scope();
    client
        .fetch(&Url::parse(url).expect("an address"), &scope, limits)
        .await
        .map(|fetched| fetched.blob.len())
}

#[tokio::test]
async fn what_is_not_public_https_is_refused_before_connecting() {
    let client = client(&[]);
    for (url, expected) in [
        ("http://example.com/a.png", "NotHttps"),
        ("ftp://example.com/a.png", "NotHttps"),
        ("https://user@example.com/", "Userinfo"),
        ("https://user:pw@example.com/", "Userinfo"),
        ("https://example.com:22/", "Port"),
        ("https://127.0.0.1/", "PrivateAddress"),
        ("https://2130706433/", "PrivateAddress"),
        ("https://[::ffff:169.254.169.254]/", "PrivateAddress"),
        ("https://[fd00::1]/", "PrivateAddress"),
        ("https://169.254.169.254/latest/meta-data", "PrivateAddress"),
    ] {
        let error = fetch(&client, url).await.expect_err("refused");
        assert!(format!("{error:?}").starts_with(expected), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn a_name_is_judged_by_the_address_it_leads_to() {
    let error = fetch(&client(&[]), "https://localhost:8443/")
        .await
        .expect_err("refused");
    assert!(matches!(error, FetchError::PrivateAddress), "{error:?}");
    let post = client(&[])
        .post(
            &Url::parse("https://localhost/").expect("an address"),
            HeaderMap::new(),
            Bytes::new(),
            Instant::now() + Duration::from_secs(30),
        )
        .await;
    assert!(matches!(post, Err(FetchError::PrivateAddress)), "{post:?}");
}

#[test]
fn webhooks_go_to_public_names() {
    let judge = |allowed: &[&str], url: &str| client(allowed).check_named(&Url::parse(url).expect("an address"));
    for url in [
        "https://example.com/hook",
        "https://example.com:8443/",
        "https://xn--bcher-kva.example/",
    ] {
        assert!(judge(&[], url).is_ok(), "{url}");
    }
    for url in ["https://8.8.8.8/", "https://134744072/", "https://[2606:4700::1111]/"] {
        assert!(matches!(judge(&[], url), Err(FetchError::NotAName)), "{url}");
    }
    for url in [
        "https://localhost/",
        "https://a.localhost/",
        "https://127.0.0.1/",
        "https://[::ffff:10.0.0.1]/",
    ] {
        assert!(matches!(judge(&[], url), Err(FetchError::PrivateAddress)), "{url}");
    }
    assert!(matches!(judge(&[], "http://example.com/"), Err(FetchError::NotHttps)));
    assert!(matches!(
        judge(&[], "https://user@example.com/"),
        Err(FetchError::Userinfo)
    ));
    assert!(matches!(judge(&[], "https://example.com:22/"), Err(FetchError::Port)));
    assert!(judge(&["127.0.0.1"], "http://127.0.0.1:9999/").is_ok());
}

#[tokio::test]
async fn an_allowed_host_is_fetched_and_every_hop_is_judged() {
    let server = Scripted::listen().await;
    let url = |path: &str| format!("{}{path}", server.base);
    let client = client(&["127.0.0.1"]);
    server.play(vec![
        reply("GET /a", 302, Some("/b?x=1")),
        reply("GET /b?x=1", 301, Some(&url("/c"))),
        reply("GET /c", 200, None),
        reply("GET /private", 302, Some("https://127.0.0.2/")),
        reply("GET /plain", 302, Some("http://example.com/")),
        reply("GET /loop", 302, Some("/loop")),
        reply("GET /gone", 404, None),
        reply("GET /nowhere", 302, None),
    ]);
    assert_eq!(fetch(&client, &url("/a")).await.expect("an image"), IMAGE_BYTES as u64);
    assert!(matches!(
        fetch(&client, &url("/private")).await,
        Err(FetchError::PrivateAddress)
    ));
    assert!(matches!(
        fetch(&client, &url("/plain")).await,
        Err(FetchError::NotHttps)
    ));
    assert!(matches!(
        fetch(&client, &url("/loop")).await,
        Err(FetchError::TooManyRedirects)
    ));
    assert!(matches!(
        fetch(&client, &url("/gone")).await,
        Err(FetchError::Status(404))
    ));
    assert!(matches!(
        fetch(&client, &url("/nowhere")).await,
        Err(FetchError::Status(302))
    ));
    for recorded in server.finish() {
        assert!(recorded.header("authorization").is_none() && recorded.header("cookie").is_none());
    }
}

#[tokio::test]
async fn five_redirects_are_followed_and_a_sixth_is_not() {
    let server = Scripted::listen().await;
    let hops = |last: usize| (0..last).map(|hop| reply(&format!("GET /{hop}"), 302, Some(&format!("/{}", hop + 1))));
    server.play(hops(5).chain([reply("GET /5", 200, None)]).collect());
    assert!(
        fetch(&client(&["127.0.0.1"]), &format!("{}/0", server.base))
            .await
            .is_ok()
    );
    server.play(hops(6).collect());
    let error = fetch(&client(&["127.0.0.1"]), &format!("{}/0", server.base))
        .await
        .expect_err("too many");
    assert!(matches!(error, FetchError::TooManyRedirects), "{error:?}");
    server.finish();
}

#[tokio::test]
async fn size_and_time_are_bounded() {
    let server = Scripted::listen().await;
    let client = client(&["127.0.0.1"]);
    server.play(vec![
        Exchange {
            request: "GET /large".to_owned(),
            answer: Answer::Reply {
                status: 200,
                headers: Vec::new(),
                body: vec![0; 10_001],
            },
        },
        Exchange {
            request: "GET /slow".to_owned(),
            answer: Answer::Hang,
        },
        Exchange {
            request: "GET /cut".to_owned(),
            answer: Answer::Cut {
                status: 200,
                headers: Vec::new(),
                body: vec![0; 9000],
            },
        },
    ]);
    let url = |path: &str| format!("{}{path}", server.base);
    assert!(matches!(
        fetch(&client, &url("/large")).await,
        Err(FetchError::TooLarge { size_bytes: 10_000 })
    ));
    assert!(matches!(
        fetch(&client, &url("/cut")).await,
        Err(FetchError::Unreachable)
    ));
    let limits = FetchLimits {
        size_bytes: 10_000,
        deadline: Instant::now() + Duration::from_millis(300),
    };
    let scope = Spool::new(SpoolLimits::default()).scope();
    let slow = client
        .fetch(&Url::parse(&url("/slow")).expect("an address"), &scope, limits)
        .await;
    assert!(matches!(slow, Err(FetchError::TimedOut)), "{slow:?}");
}

#[tokio::test]
async fn webhooks_are_posted_without_following_redirects() {
    let server = Scripted::listen().await;
    server.play(vec![reply("POST /hook", 302, Some("/other"))]);
    let headers = [("webhook-id", "1")]
        .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
        .into_iter()
        .collect::<HeaderMap>();
    let url = Url::parse(&format!("{}/hook", server.base)).expect("an address");
    let deadline = Instant::now() + Duration::from_secs(30);
    let status = client(&["127.0.0.1"])
        .post(&url, headers, Bytes::from_static(b"{}"), deadline)
        .await
        .expect("an answer");
    assert_eq!(status, 302);
    let recorded = server.finish();
    assert_eq!(recorded[0].body, b"{}");
    assert_eq!(recorded[0].header("webhook-id"), Some("1"));
}
