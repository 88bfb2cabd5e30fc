//! Parsing, precedence and counting of faults.

use super::*;

fn take(book: &FaultBook, provider: Provider, prompt: &str) -> Faults {
    book.take(JobCall::Submit, provider, "gpt-image-1", prompt)
}

#[test]
fn switches_are_read_and_stripped() {
    let prompt = "a [[fault: status=429 retry-after=1.5]] red fox [[fault: huge=2KiB media=404]]";
    let faults = take(&FaultBook::default(), Provider::Openai, prompt);
    let refusal = faults.refusal.expect("a status was asked for");
    assert_eq!(refusal.status, Some(429));
    assert_eq!(refusal.retry_after, Some(Duration::from_millis(1_500)));
    assert_eq!(faults.file, Some(FileFault::Padded(2_048)));
    assert_eq!(faults.media, Some(MediaFault::Status(404)));
    assert_eq!(strip(prompt), "a red fox");
    assert_eq!(strip("no end [[fault: status=429"), "no end [[fault: status=429");
}

#[test]
fn provider_and_model_restrict() {
    let book = FaultBook::default();
    let prompt = "x [[fault: hang provider=fal]]";
    assert!(!take(&book, Provider::Openai, prompt).hang);
    assert!(take(&book, Provider::Fal, prompt).hang);
    assert!(!take(&book, Provider::Openai, "x [[fault: hang model=other]]").hang);
}

#[test]
fn once_and_times_count_per_prompt() {
    let book = FaultBook::default();
    let prompt = "x [[fault: failed once]]";
    assert!(take(&book, Provider::Openai, prompt).failed);
    assert!(!take(&book, Provider::Fal, prompt).failed);
    assert!(take(&book, Provider::Openai, "y [[fault: failed once]]").failed);
    let twice = "[[fault: failed times=2]]";
    let struck = (0..4).filter(|_| take(&book, Provider::Mock, twice).failed);
    assert_eq!(struck.count(), 2);
}

#[test]
fn stages_of_a_job_are_apart() {
    let book = FaultBook::default();
    let prompt = "x [[fault: status=500 at=status]] [[fault: garbage at=result]]";
    assert_eq!(take(&book, Provider::Fal, prompt), Faults::default());
    let status = book.take(JobCall::Status, Provider::Fal, "m", prompt);
    assert_eq!(status.refusal.and_then(|refusal| refusal.status), Some(500));
    let result = book.take(JobCall::Result, Provider::Fal, "m", prompt);
    assert_eq!(result.body, Some(BodyFault::Garbage));
}

#[test]
fn mistakes_are_told() {
    for (prompt, part) in [
        ("[[fault: stauts=429]]", "unknown fault word 'stauts'"),
        ("[[fault: status=200]]", "400 to 599"),
        ("[[fault: delay=soon]]", "not a time"),
        ("[[fault: delay=-1s]]", "not a time"),
        ("[[fault: huge=1GiB]]", "not a size"),
        ("[[fault: huge=600MiB]]", "512MiB"),
        ("[[fault: moderation stage=late]]", "input or output"),
    ] {
        let refusal = take(&FaultBook::default(), Provider::Openai, prompt).refusal;
        let refusal = refusal.expect("a mistake is a refusal");
        assert_eq!(refusal.status, Some(400));
        let message = refusal.message.expect("the text says what is wrong");
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn queued_faults_strike_in_order_and_run_out() {
    let book = FaultBook::default();
    let order = |value: Value| serde_json::from_value(value).expect("an order");
    let pushed = book
        .push(order(
            json!({"provider": "openai", "fault": {"status": 429, "retry-after": 2}, "times": 1}),
        ))
        .and_then(|_| book.push(order(json!({"fault": "moderation=output", "times": 1}))));
    pushed.expect("both orders are right");
    assert_eq!(book.list().len(), 2);
    let first = take(&book, Provider::Openai, "x");
    assert_eq!(first.refusal.and_then(|refusal| refusal.status), Some(429));
    assert_eq!(take(&book, Provider::Openai, "x").moderation, Some(Moderation::Output));
    assert_eq!(take(&book, Provider::Openai, "x"), Faults::default());
    assert!(book.list().is_empty());
    let bad = book.push(order(json!({"provider": "acme", "fault": "hang"})));
    assert_eq!(bad, Err("no provider 'acme' here".to_owned()));
}
