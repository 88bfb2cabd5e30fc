//! Requests as files: `GET /v1/requests?format=csv|ndjson`, and `pictor requests --export`.

use std::process::{Command, Output};

use futures_util::future::join_all;
use gateway::auth::Scope;
use gateway::db::DEFAULT_ACCOUNT;
use gateway::db::generations::{Durable, EndOfGeneration, NewGeneration, Status};
use gateway::ids::request_id;
use jiff::{SignedDuration, Timestamp};
use planner::money::Micros;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Reply, TestGateway, micros, send, until};

/// The columns of a table, in order.
const COLUMNS: &str = "id,created_at,model,modality,provider,endpoint,status,cost,cost_micros,currency,duration_ms,key_id,error_code,\
     error_message,session_id,trace_id,user,client_request_id,idempotency_key,request_size_bytes,response_size_bytes,object";

/// A refused request as the gateway notes it, made at `created_at` for `user`.
pub(crate) fn refused(gateway: &TestGateway, created_at: Timestamp, user: &str) -> (NewGeneration, EndOfGeneration) {
    let key_id = gateway.key.trim_start_matches("pk_").split('.').next().expect("an id");
    let start = NewGeneration {
        id: request_id(created_at),
        account_id: DEFAULT_ACCOUNT.to_owned(),
        key_id: key_id.to_owned(),
        client_request_id: None,
        session_id: None,
        trace_id: None,
        end_user: Some(user.to_owned()),
        endpoint: "/openai/v1/images/generations".to_owned(),
        model: "mock-image".to_owned(),
        estimate_micros: 0,
        adjustments: "[]".to_owned(),
        plan: "[]".to_owned(),
        request_size_bytes: 1,
        created_at,
        images: 1,
        durable: Durable::default(),
    };
    let end = EndOfGeneration {
        policy: None,
        status: Status::Rejected,
        model: None,
        provider: None,
        cost_micros: None,
        markup_micros: 0,
        cost_basis: None,
        cost_components: "[]".to_owned(),
        adjustments: "[]".to_owned(),
        error_code: Some("INVALID_REQUEST".to_owned()),
        error_message: Some("'n' must be 1 to 10".to_owned()),
        response_size_bytes: None,
        finished_at: created_at,
        answer: None,
        frees_claim: false,
    };
    (start, end)
}

/// Notes `count` refused requests, ten of each second, each of a user of its own. Gives their ids, those of the newest
/// second first.
pub(crate) async fn many(gateway: &TestGateway, count: i64) -> Vec<String> {
    let rows = (0..count).map(|place| {
        let at = gateway
            .clock
            .now()
            .checked_sub(SignedDuration::from_secs(place / 10))
            .expect("a time");
        refused(gateway, at, &format!("user-{place}"))
    });
    let rows: Vec<_> = rows.collect();
    let ids = rows.iter().map(|(start, _)| start.id.clone()).collect();
    let noted = rows
        .into_iter()
        .map(|(start, end)| gateway.database.reject_generation(start, end));
    for result in join_all(noted).await {
        result.expect("a row is stored");
    }
    // So many at once may still be on their way to the database.
    let written = async || {
        let usage = gateway.get("/v1/usage").await.ok();
        (usage["totals"]["requests"].as_i64() >= Some(count)).then_some(())
    };
    until("every row is written", written).await;
    ids
}

/// A table's lines by the names of their columns.
fn table(reply: &Reply) -> Vec<Value> {
    let mut reader = csv::Reader::from_reader(&reply.body[..]);
    reader
        .deserialize()
        .map(|line| line.expect("a line of as many cells as there are heads"))
        .collect::<Vec<std::collections::BTreeMap<String, String>>>()
        .into_iter()
        .map(|line| json!(line))
        .collect()
}

fn lines(reply: &Reply) -> Vec<Value> {
    let text = reply.text();
    text.lines()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect()
}

fn sorted(mut texts: Vec<String>) -> Vec<String> {
    texts.sort();
    texts
}

fn ids(told: &[Value]) -> Vec<String> {
    told.iter()
        .map(|line| line["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_says_what_the_list_says_and_no_cell_is_a_formula() {
    let gateway = TestGateway::start().await;
    let mut price = 0;
    for user in [
        "=HYPERLINK(\"http://x\")",
        "+1",
        "-1",
        "@SUM(A1)",
        "\tx",
        "plain, \"quoted\"\r\nand more",
    ] {
        gateway.clock.advance_s(1);
        let body = json!({ "model": "fal/gpt-image-1-mini", "prompt": "dunes", "quality": "low", "size": "1024x1024", "response_format": "b64_json", "user": user });
        price = micros(&gateway.generate(body).await.ok()["metadata"]["cost"]);
    }
    assert!(price > 0);
    gateway.clock.advance_s(1);
    gateway
        .generate(json!({ "model": "mock-image", "prompt": "dunes", "n": 0 }))
        .await
        .fault("n");
    let reply = gateway.get("/v1/requests?format=csv").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert_eq!(
        reply.header("content-disposition"),
        "attachment; filename=\"pictor-requests-2026-08-15.csv\""
    );
    assert_eq!(reply.text().lines().next(), Some(COLUMNS));
    let told = table(&reply);
    let listed = gateway.get("/v1/requests").await.ok()["data"]
        .as_array()
        .cloned()
        .expect("a list");
    assert_eq!((told.len(), listed.len()), (7, 7));
    for (line, request) in told.iter().zip(&listed) {
        for (name, value) in request.as_object().expect("an object") {
            let cell = line[name].as_str().expect("a cell");
            assert!(
                !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']),
                "{name}: {cell}"
            );
            match value {
                Value::Null => assert_eq!(cell, "", "{name}"),
                Value::String(text) if cell.starts_with('\'') && !text.starts_with('\'') => {
                    assert_eq!(&cell[1..], text, "{name}");
                }
                Value::String(text) => assert_eq!(cell, text, "{name}"),
                number => assert_eq!(cell.parse::<f64>().ok(), number.as_f64(), "{name}"),
            }
        }
    }
    assert_eq!(
        (&told[1]["provider"], &told[1]["cost"]),
        (&json!("fal"), &json!(Micros(price).dollars().to_string()))
    );
    assert_eq!(
        (&told[1]["cost_micros"], &told[0]["cost_micros"]),
        (&json!(price.to_string()), &json!(""))
    );
    assert_eq!(told[6]["user"], "'=HYPERLINK(\"http://x\")");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_holds_every_request_once_and_the_newest_first() {
    let gateway = TestGateway::embedded().await;
    // More than are read at a time.
    let made = many(&gateway, 1_203).await;
    let reply = gateway.get("/v1/requests?format=ndjson").await;
    assert_eq!(reply.header("content-type"), "application/x-ndjson");
    assert!(reply.header("content-disposition").ends_with(".ndjson\""));
    let told = lines(&reply);
    assert_eq!(sorted(ids(&told)), sorted(made.clone()));
    let times: Vec<&str> = told
        .iter()
        .map(|line| line["created_at"].as_str().expect("a time"))
        .collect();
    assert!(times.is_sorted_by(|one, next| one >= next), "the newest first");
    assert_eq!(told[0]["object"], "request");
    assert_eq!(
        (&told[0]["provider"], &told[0]["cost_micros"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(ids(&table(&gateway.get("/v1/requests?format=csv").await)), ids(&told));
    let some = lines(&gateway.get("/v1/requests?format=ndjson&limit=701").await);
    assert_eq!(ids(&some), ids(&told)[..701]);
    let rest = format!("/v1/requests?format=ndjson&starting_after={}", ids(&told)[700]);
    assert_eq!(ids(&lines(&gateway.get(&rest).await)), ids(&told)[701..]);
    let one = lines(&gateway.get("/v1/requests?format=ndjson&user=user-7").await);
    assert_eq!(ids(&one), [made[7].clone()]);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_a_file_too() {
    let gateway = TestGateway::embedded().await;
    assert_eq!(
        gateway.get("/v1/requests?format=csv").await.text(),
        format!("{COLUMNS}\r\n")
    );
    let lines = gateway.get("/v1/requests?format=ndjson").await;
    assert_eq!((lines.status, lines.text().as_str()), (StatusCode::OK, ""));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_can_be_asked_for_by_its_type() {
    let gateway = TestGateway::embedded().await;
    many(&gateway, 1).await;
    for (accept, answered) in [
        ("text/csv", "text/csv; charset=utf-8; header=present"),
        (
            "Text/CSV; q=0.9, application/json",
            "text/csv; charset=utf-8; header=present",
        ),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/json, text/csv", "application/json"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
        ("image/png", "application/json"),
    ] {
        let reply = send(gateway.request(Method::GET, "/v1/requests").header("accept", accept)).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (StatusCode::OK, answered),
            "{accept}"
        );
    }
    let named = gateway
        .request(Method::GET, "/v1/requests?format=json")
        .header("accept", "text/csv");
    assert_eq!(
        send(named).await.ok()["object"],
        "list",
        "the query is the stronger word"
    );
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_for_keys_that_may_read() {
    let gateway = TestGateway::embedded().await;
    let key = gateway.new_key(&[Scope::Generate], None).await.token;
    let request = gateway.anonymous(Method::GET, "/v1/requests?format=csv");
    send(request.bearer_auth(key)).await.error(403, "PERMISSION_DENIED");
    send(gateway.anonymous(Method::GET, "/v1/requests?format=csv"))
        .await
        .error(401, "AUTHENTICATION_FAILED");
    gateway.finish().await;
}

/// Runs `pictor` against the gateway.
pub(crate) async fn pictor(gateway: &TestGateway, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pictor"));
    command
        .args(arguments)
        .env_clear()
        .env("PICTOR_URL", &gateway.base)
        .env("PICTOR_API_KEY", &gateway.key)
        .env("NO_PROXY", "127.0.0.1")
        .current_dir(&gateway.data_dir);
    let ran = tokio::task::spawn_blocking(move || command.output()).await;
    ran.expect("it does not panic").expect("the binary runs")
}

/// What it wrote, as it ended well.
pub(crate) fn written(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_filters_sums_up_and_exports() {
    let gateway = TestGateway::embedded().await;
    let made = many(&gateway, 25).await;
    let generated = gateway
        .generate(json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "user": "somebody", "response_format": "b64_json" }))
        .await
        .id();
    let listed = written(&pictor(&gateway, &["requests"]).await);
    assert_eq!(listed.lines().count(), 21, "heads and a page: {listed}");
    let summed = written(
        &pictor(
            &gateway,
            &["requests", "--limit", "3", "--error", "INVALID_REQUEST", "--summary"],
        )
        .await,
    );
    assert_eq!(
        (summed.lines().count(), summed.lines().last()),
        (5, Some("25 requests, $0")),
        "{summed}"
    );
    for (arguments, found) in [
        (&["--user", "somebody"][..], vec![&generated]),
        (
            &[
                "--status",
                "completed",
                "--model",
                "mock-image",
                "--since",
                "2026-08-15",
                "--until",
                "2026-08-15",
            ],
            vec![&generated],
        ),
        (&["--user", "user-4"], vec![&made[4]]),
        (&["--provider", "fal"], vec![]),
        (&["--session", "none"], vec![]),
        (&["--key-id", "none"], vec![]),
        (&["--since", "2026-08-16"], vec![]),
    ] {
        let all = [&["requests"], arguments].concat();
        let told = written(&pictor(&gateway, &all).await);
        let told: Vec<&str> = told
            .lines()
            .skip(1)
            .map(|line| line.split(' ').next().expect("an id"))
            .collect();
        assert_eq!(told, found, "{arguments:?}");
    }
    let exported = written(&pictor(&gateway, &["requests", "--export", "ndjson"]).await);
    assert_eq!(exported, gateway.get("/v1/requests?format=ndjson").await.text());
    assert_eq!(exported.lines().count(), 26);
    let exported = written(&pictor(&gateway, &["requests", "--export", "csv", "--limit", "2"]).await);
    assert_eq!(exported, gateway.get("/v1/requests?format=csv&limit=2").await.text());
    let shown = written(&pictor(&gateway, &["requests", &generated, "--json"]).await);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["id"], generated);
    let refused = pictor(&gateway, &["requests", "--status", "done", "--export", "csv"]).await;
    assert!(!refused.status.success() && refused.stdout.is_empty());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("'status' cannot be 'done'"));
    gateway.finish().await;
}
