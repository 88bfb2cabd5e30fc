use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::failure::{Failure, FailureKind};

/// Seconds after some instant.
fn at(second: u64) -> Timestamp {
    let start: Timestamp = "2026-07-01T00:00:00Z".parse().expect("an instant");
    start + Duration::from_secs(second)
}

fn failure(kind: FailureKind) -> Failure {
    Failure::new(kind, "")
}

/// One attempt from `start` to `end` seconds.
fn attempt(circuit: &mut Circuit, start: u64, end: u64, kind: Option<FailureKind>) -> Option<Change> {
    let failure = kind.map(failure);
    let report = Report {
        started_at: at(start),
        latency_ms: (end - start) * 1000,
        failure: failure.as_ref(),
    };
    circuit.record(&report, at(end))
}

fn ok(circuit: &mut Circuit, start: u64, end: u64) -> Option<Change> {
    attempt(circuit, start, end, None)
}

fn down(circuit: &mut Circuit, start: u64, end: u64) -> Option<Change> {
    attempt(circuit, start, end, Some(FailureKind::ServerError))
}

/// A circuit that opened at second 4, until second 14.
fn opened() -> Circuit {
    let mut circuit = Circuit::new();
    for second in 1..4 {
        assert_eq!(down(&mut circuit, second, second), None);
    }
    let opened = Change::Opened {
        until: at(14),
        cause: FailureKind::ServerError,
    };
    assert_eq!(down(&mut circuit, 4, 4), Some(opened));
    circuit
}

#[test]
fn failures_in_a_row_open_it_and_a_probe_closes_it() {
    let mut circuit = opened();
    assert_eq!(circuit.state(at(13)), CircuitState::Open { until: at(14) });
    assert_eq!(circuit.start(at(13)), Admission::LastResort);
    assert!(!circuit.view(at(13)).is_healthy());
    assert_eq!(circuit.state(at(14)), CircuitState::HalfOpen { probing: false });
    assert!(circuit.view(at(14)).is_healthy());
    assert_eq!(circuit.start(at(15)), Admission::Probe);
    assert_eq!(circuit.start(at(16)), Admission::LastResort, "one probe at a time");
    assert!(!circuit.view(at(16)).is_healthy());
    assert_eq!(ok(&mut circuit, 15, 20), Some(Change::Closed));
    let health = circuit.view(at(20));
    assert_eq!(
        (health.state, health.success_rate, health.samples),
        (CircuitState::Closed, Some(1.0), 1)
    );
    assert_eq!((health.latency_p50_ms, health.cause), (Some(5000), None));
}

#[test]
fn each_failed_probe_doubles_the_wait_up_to_its_bound() {
    let mut circuit = opened();
    let mut now = 14;
    for wait in [20, 40, 80, 160, 300, 300] {
        assert_eq!(circuit.start(at(now)), Admission::Probe);
        let again = Change::ProbeFailed {
            until: at(now + wait),
            cause: FailureKind::ServerError,
        };
        assert_eq!(down(&mut circuit, now, now), Some(again));
        now += wait;
    }
    // Whoever flaps is given up for longer; whoever was steady starts anew.
    ok(&mut circuit, now, now);
    let mut flapping = circuit.clone();
    for (circuit, start, length) in [(&mut flapping, now + 599, 300), (&mut circuit, now + 600, 10)] {
        for _ in 0..4 {
            down(circuit, start, start);
        }
        let until = at(start + length);
        assert_eq!(circuit.state(at(start)), CircuitState::Open { until });
    }
}

#[test]
fn one_call_with_its_retries_does_not_open_it() {
    let mut circuit = Circuit::new();
    for second in 0..=u64::from(crate::failure::RETRIES_MAX) {
        assert_eq!(down(&mut circuit, second, second), None);
    }
    assert_eq!(circuit.state(at(9)), CircuitState::Closed);
}

#[test]
fn half_of_many_failing_opens_it_too() {
    let mut circuit = Circuit::new();
    for second in 0..9 {
        let kind = (second % 2 == 0).then_some(FailureKind::TimedOut);
        assert_eq!(attempt(&mut circuit, second, second, kind), None, "{second}");
    }
    ok(&mut circuit, 9, 9);
    assert_eq!(circuit.view(at(9)).success_rate, Some(0.5));
    assert!(matches!(down(&mut circuit, 10, 10), Some(Change::Opened { .. })));
}

#[test]
fn callers_faults_and_safety_blocks_change_nothing_but_free_the_probe() {
    let neutral = [
        FailureKind::InvalidArgument,
        FailureKind::ContentPolicy,
        FailureKind::LimitReached,
    ];
    let mut circuit = Circuit::new();
    for kind in neutral.repeat(20) {
        assert_eq!(attempt(&mut circuit, 0, 0, Some(kind)), None);
    }
    assert_eq!(circuit.view(at(1)), OfferHealth::default());
    let mut circuit = opened();
    for (second, kind) in [20, 30, 40].into_iter().zip(neutral) {
        assert_eq!(circuit.start(at(second)), Admission::Probe);
        assert_eq!(circuit.start(at(second + 1)), Admission::LastResort);
        attempt(&mut circuit, second + 1, second + 2, Some(kind));
        assert_eq!(
            circuit.state(at(second + 2)),
            CircuitState::HalfOpen { probing: true },
            "another attempt frees nothing"
        );
        attempt(&mut circuit, second, second + 3, Some(kind));
        assert_eq!(circuit.state(at(second + 3)), CircuitState::HalfOpen { probing: false });
    }
}

#[test]
fn a_probe_that_never_reports_is_given_up() {
    let mut circuit = opened();
    assert_eq!(circuit.start(at(20)), Admission::Probe);
    assert_eq!(circuit.start(at(319)), Admission::LastResort);
    assert_eq!(circuit.start(at(320)), Admission::Probe);
}

#[test]
fn what_was_begun_before_the_outage_tells_nothing_of_its_end() {
    let mut circuit = opened();
    assert_eq!(ok(&mut circuit, 3, 6), None);
    assert_eq!(circuit.state(at(6)), CircuitState::Open { until: at(14) });
    // Nor do late failures of that time make it longer, even when they arrive after it.
    assert_eq!(down(&mut circuit, 3, 15), None);
    assert_eq!(circuit.state(at(15)), CircuitState::HalfOpen { probing: false });
    // A last resort that was begun after the opening and works is as good as a probe.
    let mut circuit = opened();
    assert_eq!(ok(&mut circuit, 5, 8), Some(Change::Closed));
}

#[test]
fn who_cannot_serve_us_is_out_at_once_and_for_long() {
    for kind in [
        FailureKind::BadCredential,
        FailureKind::QuotaExhausted,
        FailureKind::NotPermitted,
        FailureKind::ModelGone,
    ] {
        let mut circuit = Circuit::new();
        ok(&mut circuit, 0, 1);
        let until = at(2 + 900);
        let change = attempt(&mut circuit, 2, 2, Some(kind));
        assert_eq!(change, Some(Change::Opened { until, cause: kind }));
        assert_eq!(attempt(&mut circuit, 2, 3, Some(kind)), None, "one line in the log");
        assert!(!circuit.view(at(902)).is_healthy());
        assert_eq!(circuit.view(at(902)).cause, Some(kind));
        assert_eq!(circuit.start(at(903)), Admission::Probe);
        let change = attempt(&mut circuit, 903, 904, Some(kind));
        assert_eq!(
            change,
            Some(Change::ProbeFailed {
                until: at(1804),
                cause: kind
            })
        );
        assert_eq!(ok(&mut circuit, 1804, 1805), Some(Change::Closed));
    }
}

#[test]
fn a_rest_lasts_as_long_as_the_provider_asks() {
    let limited = |seconds| Failure {
        retry_after: Some(Duration::from_secs(seconds)),
        ..failure(FailureKind::RateLimited)
    };
    let mut circuit = Circuit::new();
    let mut record = |second, failure: Option<&Failure>| {
        let report = Report {
            started_at: at(second),
            latency_ms: 0,
            failure,
        };
        circuit.record(&report, at(second));
        circuit.clone()
    };
    record(0, Some(&limited(60)));
    // Neither a shorter wait nor a success that slips through ends it.
    record(1, Some(&limited(2)));
    let mut circuit = record(2, None);
    assert_eq!(circuit.resting_until(at(59)), Some(at(60)));
    let health = circuit.view(at(59));
    assert_eq!((health.state, health.is_healthy()), (CircuitState::Closed, false));
    assert_eq!(health.unhealthy_until(), Some(at(60)));
    assert_eq!(circuit.start(at(59)), Admission::LastResort);
    assert_eq!(circuit.start(at(60)), Admission::Normal);
    assert!(circuit.view(at(60)).is_healthy());
    // A header gone wrong does not switch an offer off.
    let mut circuit = Circuit::new();
    let report = Report {
        started_at: at(0),
        latency_ms: 0,
        failure: Some(&limited(1_000_000)),
    };
    circuit.record(&report, at(0));
    assert_eq!(circuit.resting_until(at(0)), Some(at(3600)));
}

#[test]
fn offers_are_told_apart_by_provider_and_model() {
    let mut health = Health::new();
    let lost = failure(FailureKind::NotSent);
    for second in 0..4 {
        let report = Report {
            started_at: at(second),
            latency_ms: 5,
            failure: Some(&lost),
        };
        health.record("fal", "flux", &report, at(second));
    }
    let fine = Report {
        started_at: at(0),
        latency_ms: 1200,
        failure: None,
    };
    health.record("fal", "fast-flux", &fine, at(4));
    assert!(!health.of("fal", "flux", at(5)).is_healthy());
    assert!(health.of("fal", "fast-flux", at(5)).is_healthy());
    assert_eq!(health.of("openai", "flux", at(5)), OfferHealth::default());
    assert_eq!(health.start("openai", "flux", at(5)), Admission::Normal);
    assert_eq!(health.start("fal", "flux", at(5)), Admission::LastResort);
    let told = serde_json::to_value(health.view(at(5))).expect("plain data");
    assert_eq!(
        told,
        serde_json::json!([
            { "provider": "fal", "native_model": "fast-flux", "state": "closed", "resting_until": null,
              "success_rate": 1.0, "latency_p50_ms": 1200, "samples": 1, "successes": 1 },
            { "provider": "fal", "native_model": "flux", "state": "open", "until": "2026-07-01T00:00:13Z",
              "resting_until": null, "success_rate": 0.0, "latency_p50_ms": null, "samples": 4, "successes": 0 },
        ])
    );
}

const KINDS: [Option<FailureKind>; 6] = [
    None,
    Some(FailureKind::ServerError),
    Some(FailureKind::RateLimited),
    Some(FailureKind::BadCredential),
    Some(FailureKind::ContentPolicy),
    Some(FailureKind::NotSent),
];

proptest! {
    /// Attempts that overlap in any way, with a clock that may jump back.
    #[test]
    fn no_history_breaks_a_circuit(
        events in prop::collection::vec((0_usize..6, 0_u64..5000, 0_u64..400, prop::option::of(0_u64..9999)), 0..200),
        later in 0_u64..20_000,
    ) {
        let mut circuit = Circuit::new();
        for (kind, start, length, wait) in events {
            circuit.start(at(start));
            let failure = KINDS[kind].map(|kind| Failure { retry_after: wait.map(Duration::from_secs), ..failure(kind) });
            let report = Report { started_at: at(start), latency_ms: length * 1000, failure: failure.as_ref() };
            let before = circuit.state(at(start + length));
            let change = circuit.record(&report, at(start + length));
            let after = circuit.view(at(start + length));
            match change {
                Some(Change::Closed) => prop_assert!(before != CircuitState::Closed && after.state == CircuitState::Closed),
                Some(Change::Opened { until, .. } | Change::ProbeFailed { until, .. }) => {
                    prop_assert_eq!(after.state, CircuitState::Open { until });
                }
                None => {}
            }
            if report.failure.is_some_and(|failure| failure.kind == FailureKind::ContentPolicy) {
                prop_assert_eq!(change, None);
            }
            prop_assert!(after.success_rate.is_none_or(|rate| (0.0..=1.0).contains(&rate)));
            prop_assert!(after.successes <= after.samples && after.samples <= 32);
            prop_assert_eq!(after.latency_p50_ms.is_some(), after.successes > 0);
            prop_assert_eq!(after.cause.is_some(), after.state != CircuitState::Closed);
        }
        // Whatever happened, an offer is probed at last and one success makes it healthy.
        let end = 5400 + 3600 + later;
        if circuit.state(at(end)) != CircuitState::Closed {
            prop_assert_eq!(circuit.start(at(end)), Admission::Probe);
            prop_assert_eq!(ok(&mut circuit, end, end + 1), Some(Change::Closed));
        }
        prop_assert!(circuit.view(at(end + 1)).is_healthy());
    }
}
