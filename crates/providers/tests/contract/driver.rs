//! What the driver does around every adapter: no connection, no room, no time, and jobs that are taken up again.

use std::time::{Duration, SystemTime};

use providers::{Driver, DriverConfig, Spool, SpoolLimits, protocols::PROTOCOLS};
use tokio::time::Instant;

use crate::{
    Handles,
    cases::{Kind, No},
    request, request_of,
    script::{IMAGE_BYTES, conversation, picture},
    scripted::Scripted,
    subjects::subject,
};

#[tokio::test]
async fn a_provider_that_refuses_connections_was_not_sent_anything() {
    for &(protocol, adapter) in PROTOCOLS {
        let server = Scripted::listen().await;
        let mut request = request(protocol, &server);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        drop(listener);
        request.endpoint.base_url = format!("http://{address}/v1").parse().expect("an address");
        let driver = Driver::new(DriverConfig::default()).expect("TLS is there");
        let scope = Spool::new(SpoolLimits::default()).scope();
        let deadline = Instant::now() + Duration::from_secs(60);
        let failure = driver
            .run(adapter, &request, &scope, deadline, &())
            .await
            .expect_err("nobody listens");
        assert_eq!((failure.kind, failure.spent), (Kind::NotSent, No), "{protocol}");
    }
}

#[tokio::test]
async fn a_full_spool_is_our_limit() {
    for &(protocol, adapter) in PROTOCOLS {
        let server = Scripted::listen().await;
        server.play(conversation(protocol, "success", &server).expect("a fixture"));
        let scope = Spool::new(SpoolLimits {
            total_bytes: 1000,
            ..SpoolLimits::default()
        })
        .scope();
        let driver = Driver::new(DriverConfig::default()).expect("TLS is there");
        // What a job made is asked for as long as there is time: room may come back.
        let deadline = Instant::now() + Duration::from_secs(3);
        let failure = driver
            .run(adapter, &request(protocol, &server), &scope, deadline, &())
            .await
            .expect_err("no room");
        assert_eq!(failure.kind, Kind::LimitReached, "{protocol}");
    }
}

#[tokio::test]
async fn jobs_are_taken_up_again_by_their_handle() {
    for &(protocol, adapter) in PROTOCOLS {
        if !(subject(protocol).is_job)("success_by_url") {
            continue;
        }
        let server = Scripted::listen().await;
        let script = conversation(protocol, "success_by_url", &server).expect("a fixture");
        server.play(script.clone());
        let spool = Spool::new(SpoolLimits::default());
        let driver = Driver::new(DriverConfig::default()).expect("TLS is there");
        let deadline = Instant::now() + Duration::from_secs(60);
        let handles = Handles::default();
        let request = request_of("success_by_url", protocol, &server);
        driver
            .run(adapter, &request, &spool.scope(), deadline, &handles)
            .await
            .expect("an image");
        let handles = handles.0.into_inner().expect("no panic held it");
        let [handle] = handles.as_slice() else {
            panic!("one handle, not {handles:?}")
        };
        // Everything but the submit.
        server.play(script.into_iter().skip(1).collect());
        let again = driver
            .resume(adapter, &request, handle, &spool.scope(), deadline)
            .await
            .expect("an image");
        assert!(again.images[0].blob.read_all().expect("readable") == picture(IMAGE_BYTES));
        assert!(again.upstream_id.is_some());
        server.finish();
        for bad in ["", "nonsense", "https://evil.example/1 https://evil.example/1 x"] {
            let failure = driver
                .resume(adapter, &request, bad, &spool.scope(), deadline)
                .await
                .expect_err("no handle");
            assert_eq!(failure.kind, Kind::JobLost);
        }
    }
}

#[tokio::test]
async fn a_deadline_that_has_passed_spends_nothing() {
    for &(protocol, adapter) in PROTOCOLS {
        let server = Scripted::listen().await;
        let driver = Driver::new(DriverConfig::default()).expect("TLS is there");
        let scope = Spool::new(SpoolLimits::default()).scope();
        let failure = driver
            .run(adapter, &request(protocol, &server), &scope, Instant::now(), &())
            .await
            .expect_err("no time");
        assert_eq!((failure.kind, failure.spent), (Kind::TimedOut, No));
        assert!(server.finish().is_empty());
    }
}

#[test]
fn waits_are_public_and_take_the_clock_as_an_argument() {
    let headers = [("retry-after", "3")]
        .map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value")))
        .into_iter()
        .collect();
    assert_eq!(
        providers::retry_after(&headers, SystemTime::UNIX_EPOCH),
        Some(Duration::from_secs(3))
    );
}
