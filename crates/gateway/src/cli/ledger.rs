//! `pictor ledger`: works on the database itself, so it needs no running gateway.

mod reconcile;

use std::path::PathBuf;

use clap::Subcommand;
use jiff::Timestamp;
use planner::catalog::Catalog;
use planner::money::Micros;
use serde_json::{Map, Number, Value, json};

use super::keys::dollars;
use super::output::{say, table};
use super::{Failed, load};
use crate::clock::Clock;
use crate::database_url;
use crate::db::Database;
use crate::db::accounts::AccountRow;
use crate::ledger::Kind;
use crate::operator::witness::Witness;
use crate::operator::{accounts, postings};

/// What to do with accounts and their money.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Check every rule of the books.
    Verify,
    /// Hold what a provider says that it billed against the books, by day and model, and list what differs.
    Reconcile(reconcile::Arguments),
    /// List accounts with what they have.
    Accounts,
    /// Make an account.
    #[command(group = clap::ArgGroup::new("billing").required(true))]
    CreateAccount {
        /// Its id: letters, digits, '-', '_' and '.'.
        id: String,
        /// It spends what is paid in.
        #[arg(long, group = "billing")]
        prepaid: bool,
        /// It may owe.
        #[arg(long, group = "billing")]
        postpaid: bool,
        /// Dollars that a postpaid account may owe; without limit when absent.
        #[arg(long, value_name = "USD", value_parser = dollars)]
        credit_limit: Option<Number>,
    },
    /// Pay in.
    TopUp {
        /// Whom.
        account: String,
        /// How much.
        #[arg(value_name = "USD", value_parser = dollars, allow_negative_numbers = true)]
        amount: Number,
        #[command(flatten)]
        more: PostingArguments,
    },
    /// Correct what an account has; a negative amount takes away.
    Adjust {
        /// Whose.
        account: String,
        /// By how much.
        #[arg(value_name = "USD", value_parser = dollars, allow_negative_numbers = true)]
        amount: Number,
        #[command(flatten)]
        more: PostingArguments,
    },
    /// Give back what a request cost, or a part of it.
    Refund {
        /// The request's id.
        request_id: String,
        /// How much.
        #[arg(value_name = "USD", value_parser = dollars, allow_negative_numbers = true)]
        amount: Number,
        #[command(flatten)]
        more: PostingArguments,
    },
    /// Show an account and its newest postings.
    Show {
        /// Which.
        account: String,
        /// How many postings.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
    },
}

/// What every posting may have.
#[derive(Debug, clap::Args)]
pub(super) struct PostingArguments {
    /// A remark.
    #[arg(long)]
    note: Option<String>,
    /// An id of your own: the same one moves money once.
    #[arg(long)]
    id: Option<String>,
}

/// Checks, shows, makes or moves.
pub(super) async fn run(command: Command, config: Option<PathBuf>) -> Result<(), Failed> {
    let (settings, catalog) = load(config)?;
    std::fs::create_dir_all(&settings.data_dir)?;
    let now = Clock::system().now();
    let database = Database::open(&database_url(&settings), now).await?;
    let reported_factor = settings.limits.reported_cost_factor;
    let done = carry_out(&database, &catalog, command, now, reported_factor).await;
    database.close().await;
    done
}

async fn carry_out(
    database: &Database,
    catalog: &Catalog,
    command: Command,
    now: Timestamp,
    reported_factor: i64,
) -> Result<(), Failed> {
    match command {
        Command::Verify => verify(database, now, reported_factor).await,
        Command::Reconcile(arguments) => reconcile::run(database, catalog, &arguments).await,
        Command::Accounts => list(database).await,
        Command::CreateAccount {
            id,
            prepaid,
            postpaid: _,
            credit_limit,
        } => {
            let billing_type = if prepaid { "prepaid" } else { "postpaid" };
            let mut given = fields(json!({ "id": id, "billing_type": billing_type }));
            if let Some(limit) = credit_limit {
                given.insert("credit_limit_usd".to_owned(), Value::Number(limit));
            }
            let account = accounts::create(database, &given, Vec::new(), now, &Witness::of_command_line(now)).await?;
            say(&summary(&account));
            Ok(())
        }
        Command::TopUp { account, amount, more } => {
            let given = json!({ "kind": Kind::TopUp.as_str(), "amount_usd": amount });
            post(database, &account, given, &more, now).await
        }
        Command::Adjust { account, amount, more } => {
            let given = json!({ "kind": Kind::Adjustment.as_str(), "amount_usd": amount });
            post(database, &account, given, &more, now).await
        }
        Command::Refund {
            request_id,
            amount,
            more,
        } => {
            let account = database.charged_account(&request_id).await?;
            let account = account.ok_or_else(|| format!("nothing was charged for a request '{request_id}'"))?;
            let given = json!({ "kind": Kind::Refund.as_str(), "amount_usd": amount, "request_id": request_id });
            post(database, &account, given, &more, now).await
        }
        Command::Show { account, limit } => show(database, &account, limit).await,
    }
}

fn fields(given: Value) -> Map<String, Value> {
    match given {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

async fn verify(database: &Database, now: Timestamp, reported_factor: i64) -> Result<(), Failed> {
    let verified = database.verify_ledger(now, reported_factor).await?;
    if verified.discrepancies.is_empty() {
        say(&format!("{} postings, books are right", verified.postings));
        return Ok(());
    }
    for wrong in &verified.discrepancies {
        say(&format!("{}: not so that {}", wrong.id, wrong.rule));
    }
    let count = verified.discrepancies.len();
    Err(format!("{count} discrepancies among {} postings", verified.postings).into())
}

async fn list(database: &Database) -> Result<(), Failed> {
    let heads = ["ID", "BILLING", "CREDIT LIMIT", "AVAILABLE", "HELD", "CREATED"];
    let mut rows = vec![heads.map(ToOwned::to_owned).to_vec()];
    for account in database.accounts((None, None), i64::MAX).await? {
        let limit = account.credit_limit_micros;
        rows.push(vec![
            account.id,
            account.billing.as_str().to_owned(),
            limit.map_or_else(|| "none".to_owned(), |limit| Micros(limit).to_string()),
            signed(account.available_micros),
            signed(account.held_micros),
            account.created_at.strftime("%F %T").to_string(),
        ]);
    }
    table(&rows);
    Ok(())
}

async fn post(
    database: &Database,
    account: &str,
    given: Value,
    more: &PostingArguments,
    now: Timestamp,
) -> Result<(), Failed> {
    let mut given = fields(given);
    for (name, value) in [("note", &more.note), ("id", &more.id)] {
        if let Some(value) = value {
            given.insert(name.to_owned(), Value::from(value.as_str()));
        }
    }
    let (posting, was_there) = postings::post(
        database,
        account,
        &given,
        None,
        Vec::new(),
        now,
        &Witness::of_command_line(now),
    )
    .await?;
    let when = if was_there { " (it was there before)" } else { "" };
    say(&format!(
        "posted {} to {account} as {}{when}",
        signed(posting.available_micros()),
        posting.id
    ));
    say(&summary(&accounts::found(database, account).await?));
    Ok(())
}

async fn show(database: &Database, account: &str, limit: u32) -> Result<(), Failed> {
    let account = accounts::found(database, account).await?;
    say(&summary(&account));
    let mut rows = vec![
        ["CREATED", "KIND", "AVAILABLE", "REQUEST", "NOTE", "ID"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    for posting in database.postings(&account.id, None, i64::from(limit)).await? {
        let amount = signed(posting.available_micros());
        rows.push(vec![
            posting.created_at.strftime("%F %T").to_string(),
            posting.kind,
            amount,
            posting.generation_id.unwrap_or_else(|| "-".to_owned()),
            posting.note.unwrap_or_else(|| "-".to_owned()),
            posting.id,
        ]);
    }
    table(&rows);
    Ok(())
}

fn summary(account: &AccountRow) -> String {
    format!(
        "{}: {}, {} available, {} held",
        account.id,
        account.billing.as_str(),
        signed(account.available_micros),
        signed(account.held_micros)
    )
}

/// An amount with its sign before the dollar.
fn signed(micros: i64) -> String {
    if micros < 0 {
        format!("-{}", Micros(-micros))
    } else {
        Micros(micros).to_string()
    }
}
