//! `pictor keys` and `pictor ledger`: the program itself, on the database of a gateway that runs.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection, Executor};

use super::harness::{GENERATIONS, Reply, TestGateway, send};

/// A request whose price is flat, $0.02 by its provider's list.
fn flat() -> Value {
    json!({ "model": "xai/grok-imagine-image", "prompt": "a red kite", "size": "1024x1024" })
}

async fn generate(gateway: &TestGateway, token: &str) -> Reply {
    send(
        gateway
            .anonymous(Method::POST, GENERATIONS)
            .bearer_auth(token)
            .json(&flat()),
    )
    .await
}

/// The rows of a table, cell by cell. No cell of these tests holds two spaces.
fn cells(table: &str) -> Vec<Vec<&str>> {
    let cells = |line| {
        str::split(line, "  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect()
    };
    table.lines().map(cells).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_with_terms_listed_and_revoked() {
    let gateway = TestGateway::start().await;
    gateway
        .pictor(&["ledger", "create-account", "team", "--postpaid", "--credit-limit", "5"])
        .await
        .ok();
    let made = gateway
        .pictor(&[
            "keys",
            "create",
            "--name",
            "jobs",
            "--account",
            "team",
            "--scope",
            "generate",
            "--budget-total",
            "0.03",
            "--budget-day",
            "$0.025",
            "--budget-month",
            "1",
            "--requests-per-minute",
            "600",
            "--concurrent",
            "2",
            "--model",
            "grok-imagine-image",
            "--provider",
            "xai",
            "--response-format",
            "url",
            "--expires",
            "2099-12-31",
            "--route",
            "{\"strategy\": \"cheapest\"}",
        ])
        .await;
    let token = made.ok().to_owned();
    let id = token
        .strip_prefix("pk_")
        .and_then(|rest| rest.split_once('.'))
        .expect("a key")
        .0;
    let key = gateway.get(&format!("/v1/keys/{id}")).await.ok();
    for (name, value) in [
        ("name", json!("jobs")),
        ("account_id", json!("team")),
        ("scopes", json!(["generate"])),
        (
            "budget",
            json!({ "total_usd": 0.03, "day_usd": 0.025, "month_usd": 1.0 }),
        ),
        ("rate_limit", json!({ "requests_per_minute": 600, "concurrent": 2 })),
        ("models", json!(["grok-imagine-image"])),
        ("providers", json!(["xai"])),
        ("response_format", json!("url")),
        ("route", json!({ "strategy": "cheapest" })),
        ("expires_at", json!("2099-12-31T00:00:00Z")),
    ] {
        assert_eq!(key[name], value, "{name}");
    }
    assert_eq!(generate(&gateway, &token).await.status, StatusCode::OK);
    generate(&gateway, &token).await.error(402, "BUDGET_EXCEEDED");
    let listed = gateway.pictor(&["keys", "list"]).await;
    let row = cells(listed.ok())
        .into_iter()
        .find(|row| row[0] == id)
        .expect("it is listed");
    assert_eq!(
        row[1..7],
        ["jobs", "team", &token[token.len() - 4..], "generate", "active", "$0.02"]
    );
    assert!(
        row[7].starts_with("$0.03 in all, ") && row[7].contains(" of $1 this month, "),
        "{row:?}"
    );
    gateway.pictor(&["keys", "revoke", id]).await.ok();
    let again = gateway.pictor(&["keys", "revoke", &token]).await;
    assert_eq!(again.failed(), format!("no working key has the id '{id}'"));
    let listed = gateway.pictor(&["keys", "list"]).await;
    let row = cells(listed.ok())
        .into_iter()
        .find(|row| row[0] == id)
        .expect("it is listed");
    assert_eq!(row[5], "revoked");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_tells_what_is_wrong_with_a_key() {
    let gateway = TestGateway::start().await;
    for (arguments, says) in [
        (&["--model", "gpt-image-1-mimi"][..], "Did you mean 'gpt-image-1-mini'?"),
        (&["--provider", "openia"], "did you mean 'openai'?"),
        (&["--account", "nobody"], "there is no 'nobody'"),
        (
            &["--budget-day", "0.0000001"],
            "'budget.day_usd' must have at most 6 decimals",
        ),
        (&["--budget-day=-1"], "'budget.day_usd' must not be negative"),
        (
            &["--concurrent", "0"],
            "'rate_limit.concurrent' must be a whole number from 1",
        ),
        (&["--expires", "2020-01-01"], "'expires_at' must be a time to come"),
        (&["--route", "{\"strategi\": 1}"], "Did you mean 'strategy'?"),
        (&["--provider", "x", "--concurrent", "0"], "; "),
    ] {
        let command: Vec<&str> = ["keys", "create"].iter().chain(arguments).copied().collect();
        let ran = gateway.pictor(&command).await;
        assert!(ran.failed().contains(says), "{arguments:?}: {}", ran.failed());
    }
    for arguments in [["--budget-day", "much"], ["--expires", "soon"], ["--route", "cheapest"]] {
        let command: Vec<&str> = ["keys", "create"].into_iter().chain(arguments).collect();
        let ran = gateway.pictor(&command).await;
        assert!(ran.misused().contains("it must be"), "{ran:?}");
    }
    let own = gateway
        .key
        .strip_prefix("pk_")
        .and_then(|rest| rest.split_once('.'))
        .expect("a key")
        .0;
    let refused = gateway.pictor(&["keys", "revoke", own]).await;
    assert!(refused.failed().contains("--force"), "{refused:?}");
    gateway.pictor(&["keys", "revoke", own, "--force"]).await.ok();
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_kept_from_the_command_line() {
    let gateway = TestGateway::start().await;
    let made = gateway.pictor(&["ledger", "create-account", "team", "--prepaid"]).await;
    assert_eq!(made.ok(), "team: prepaid, $0 available, $0 held");
    let again = gateway.pictor(&["ledger", "create-account", "team", "--prepaid"]).await;
    assert_eq!(again.failed(), "There is an account 'team' already.");
    gateway.pictor(&["ledger", "create-account", "none"]).await.misused();
    gateway
        .pictor(&["ledger", "create-account", "none", "--prepaid", "--postpaid"])
        .await
        .misused();
    let limited = gateway
        .pictor(&["ledger", "create-account", "none", "--prepaid", "--credit-limit", "1"])
        .await;
    assert!(limited.failed().contains("is for postpaid accounts"), "{limited:?}");

    let top_up = [
        "ledger",
        "top-up",
        "team",
        "0.05",
        "--note",
        "invoice 7",
        "--id",
        "invoice-7",
    ];
    assert_eq!(
        gateway.pictor(&top_up).await.ok(),
        "posted $0.05 to team as invoice-7\nteam: prepaid, $0.05 available, $0 held"
    );
    let again = gateway.pictor(&top_up).await;
    assert!(
        again
            .ok()
            .starts_with("posted $0.05 to team as invoice-7 (it was there before)\n"),
        "{again:?}"
    );
    let other = gateway
        .pictor(&["ledger", "top-up", "team", "0.06", "--id", "invoice-7"])
        .await;
    assert!(other.failed().contains("another posting"), "{other:?}");
    let token = gateway
        .pictor(&["keys", "create", "--account", "team"])
        .await
        .ok()
        .to_owned();
    let request_id = generate(&gateway, &token).await.id();
    let too_much = gateway.pictor(&["ledger", "refund", &request_id, "0.03"]).await;
    assert!(too_much.failed().contains("$0.02 is left to give back"), "{too_much:?}");
    let refund = gateway.pictor(&["ledger", "refund", &request_id, "0.02"]).await;
    assert!(
        refund.ok().ends_with("team: prepaid, $0.05 available, $0 held"),
        "{refund:?}"
    );
    let unknown = gateway.pictor(&["ledger", "refund", "req_nothing", "0.02"]).await;
    assert_eq!(unknown.failed(), "nothing was charged for a request 'req_nothing'");
    let adjusted = gateway
        .pictor(&["ledger", "adjust", "team", "-0.01", "--note", "typing mistake"])
        .await;
    assert!(
        adjusted.ok().starts_with("posted -$0.01 to team as post_"),
        "{adjusted:?}"
    );
    let below = gateway.pictor(&["ledger", "adjust", "team", "-1"]).await;
    assert_eq!(below.failed(), "Account 'team' can give $0.04 at the most, not $1.");

    let listed = gateway.pictor(&["ledger", "accounts"]).await;
    let rows = cells(listed.ok());
    let heads: Vec<&[&str]> = rows.iter().map(|row| &row[..5]).collect();
    assert_eq!(
        heads,
        [
            ["ID", "BILLING", "CREDIT LIMIT", "AVAILABLE", "HELD"],
            ["default", "postpaid", "none", "$0", "$0"],
            ["team", "prepaid", "$0", "$0.04", "$0"],
        ]
    );
    let shown = gateway.pictor(&["ledger", "show", "team"]).await;
    let rows = cells(shown.ok());
    assert_eq!(rows[0], ["team: prepaid, $0.04 available, $0 held"]);
    let mut kinds: Vec<&str> = rows[2..].iter().map(|row| row[1]).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["adjustment", "charge", "refund", "reserve", "top_up"]);
    let limited = gateway.pictor(&["ledger", "show", "team", "--limit", "2"]).await;
    assert_eq!(limited.ok().lines().count(), 4);
    let unknown = gateway.pictor(&["ledger", "show", "nobody"]).await;
    assert_eq!(unknown.failed(), "There is no account 'nobody'.");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_books_are_found() {
    let gateway = TestGateway::start().await;
    assert_eq!(
        gateway.pictor(&["ledger", "verify"]).await.ok(),
        "0 postings, books are right"
    );
    generate(&gateway, &gateway.key).await.ok();
    assert_eq!(
        gateway.pictor(&["ledger", "verify"]).await.ok(),
        "2 postings, books are right"
    );
    let mut connection = AnyConnection::connect(&gateway.database_url())
        .await
        .expect("the database can be reached");
    let mut tamper = async |statement: &'static str| {
        connection.execute(statement).await.expect("the database takes it");
    };
    tamper("UPDATE accounts SET available_micros = available_micros + 1").await;
    let ran = gateway.pictor(&["ledger", "verify"]).await;
    assert_eq!(ran.failed(), "1 discrepancies among 2 postings");
    assert_eq!(
        ran.wrote(),
        "default: not so that an account's available money is the sum of its entries"
    );
    tamper("UPDATE accounts SET available_micros = available_micros - 1").await;
    gateway.pictor(&["ledger", "verify"]).await.ok();
    gateway.finish().await;
}
