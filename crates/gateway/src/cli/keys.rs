//! `pictor keys`: works on the database itself, so it needs no running gateway.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use planner::catalog::Catalog;
use planner::money::Micros;
use serde_json::{Map, Number, Value, json};

use super::output::{say, table};
use super::{Failed, load};
use crate::auth;
use crate::clock::Clock;
use crate::database_url;
use crate::db::audit::Action;
use crate::db::keys::{KeyFilter, KeyUse, Revocation};
use crate::db::{DEFAULT_ACCOUNT, Database};
use crate::ledger::Period;
use crate::operator::keys::{Surroundings, order};
use crate::operator::witness::Witness;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key. Its secret is shown once.
    Create(Box<CreateArguments>),
    /// List keys with what they have spent.
    List,
    /// Revoke a key: it stops working at once.
    Revoke {
        /// The part between 'pk_' and the dot.
        id: String,
        /// Also the last working key with the scope admin.
        #[arg(long)]
        force: bool,
    },
}

/// The key to make.
#[derive(Debug, clap::Args)]
pub(super) struct CreateArguments {
    /// Name for people.
    #[arg(long, default_value = "unnamed")]
    name: String,
    /// The account that pays.
    #[arg(long, default_value = DEFAULT_ACCOUNT)]
    account: String,
    /// What it may do; may be given several times.
    #[arg(long = "scope", value_enum, default_values = ["generate", "read"])]
    scopes: Vec<ScopeName>,
    /// How it gets images when a request does not say.
    #[arg(long, value_enum)]
    response_format: Option<FormatName>,
    /// Dollars that it may spend in all.
    #[arg(long, value_name = "USD", value_parser = dollars)]
    budget_total: Option<Number>,
    /// Dollars that it may spend on a day, in UTC.
    #[arg(long, value_name = "USD", value_parser = dollars)]
    budget_day: Option<Number>,
    /// Dollars that it may spend in a month, in UTC.
    #[arg(long, value_name = "USD", value_parser = dollars)]
    budget_month: Option<Number>,
    /// Requests in any minute.
    #[arg(long, value_name = "COUNT")]
    requests_per_minute: Option<i64>,
    /// Generations at one time.
    #[arg(long, value_name = "COUNT")]
    concurrent: Option<i64>,
    /// A model that it may use; may be given several times. All when none is given.
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,
    /// A provider that may serve it; may be given several times. All when none is given.
    #[arg(long = "provider", value_name = "PROVIDER")]
    providers: Vec<String>,
    /// How its requests are routed where they do not say, such as '{"strategy": "cheapest"}'.
    #[arg(long, value_name = "JSON", value_parser = object)]
    route: Option<Value>,
    /// When it ends: a time such as 2030-01-31T12:00:00Z, or the first day on which it works no more, in UTC.
    #[arg(long, value_name = "TIME", value_parser = time)]
    expires: Option<Timestamp>,
}

/// Scopes by name.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum ScopeName {
    /// Spend money.
    Generate,
    /// Read requests and balance.
    Read,
    /// Everything.
    Admin,
}

/// Response formats by name.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum FormatName {
    /// Links.
    Url,
    /// Base64 text.
    B64Json,
    /// Both.
    Both,
}

/// An amount of dollars, digit by digit.
pub(super) fn dollars(text: &str) -> Result<Number, String> {
    let amount: rust_decimal::Decimal = text
        .trim_start_matches('$')
        .parse()
        .map_err(|_| "it must be an amount of dollars such as 12.5")?;
    amount
        .normalize()
        .to_string()
        .parse()
        .map_err(|_| "it is too large".to_owned())
}

fn object(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("it must be a JSON object: {error}"))
}

fn time(text: &str) -> Result<Timestamp, String> {
    let midnight = || Some(text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp());
    text.parse()
        .ok()
        .or_else(midnight)
        .ok_or_else(|| "it must be a time such as 2030-01-31T12:00:00Z, or a day such as 2030-01-31".to_owned())
}

impl CreateArguments {
    /// The same as the body of `POST /v1/keys`, so that both are read by the same rules.
    fn fields(&self) -> Map<String, Value> {
        let word = |value: &dyn Fn() -> Option<clap::builder::PossibleValue>| {
            value().map_or(Value::Null, |value| Value::from(value.get_name()))
        };
        let scopes: Vec<Value> = self
            .scopes
            .iter()
            .map(|scope| word(&|| scope.to_possible_value()))
            .collect();
        let format = self.response_format.and_then(|format| format.to_possible_value());
        let fields = json!({
            "name": self.name,
            "account_id": self.account,
            "scopes": scopes,
            "response_format": word(&|| format.clone()),
            "budget": { "total_usd": self.budget_total, "day_usd": self.budget_day, "month_usd": self.budget_month },
            "rate_limit": { "requests_per_minute": self.requests_per_minute, "concurrent": self.concurrent },
            "models": self.models,
            "providers": self.providers,
            "route": self.route,
            "expires_at": self.expires.map(|time| time.to_string()),
        });
        match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
    }
}

/// Makes, lists or revokes.
pub(super) async fn run(command: Command, config: Option<PathBuf>) -> Result<(), Failed> {
    let (settings, catalog) = load(config)?;
    std::fs::create_dir_all(&settings.data_dir)?;
    let now = Clock::system().now();
    let database = Database::open(&database_url(&settings), now).await?;
    let done = match command {
        Command::Create(arguments) => create(&database, &catalog, &arguments, now).await,
        Command::List => list(&database, now).await,
        Command::Revoke { id, force } => revoke(&database, &id, force, now).await,
    };
    database.close().await;
    done
}

async fn create(
    database: &Database,
    catalog: &Catalog,
    arguments: &CreateArguments,
    now: Timestamp,
) -> Result<(), Failed> {
    let around = Surroundings { catalog, now };
    let order = order(database, &arguments.fields(), &arguments.account, around, Vec::new()).await?;
    let key = auth::mint(order, now);
    let details = Value::Object(arguments.fields());
    let witness = Witness::of_command_line(now);
    let told = witness.line(Action::KeyCreate, Some(&key.row.account_id), &key.row.id, details);
    database.insert_key(&key.row, Some(&told)).await?;
    say(&key.token);
    Ok(())
}

async fn revoke(database: &Database, id: &str, force: bool, now: Timestamp) -> Result<(), Failed> {
    let id = id.trim_start_matches("pk_").split('.').next().unwrap_or_default();
    let account_id = database.key(id).await?.map(|used| used.key.account_id);
    let details = json!({ "force": force });
    let told = Witness::of_command_line(now).line(Action::KeyRevoke, account_id.as_deref(), id, details);
    let revocation = match force {
        true if database.revoke_key(id, now, Some(&told)).await? => Revocation::Done,
        true => Revocation::Already,
        false => database.revoke_key_but_last_admin(id, now, Some(&told)).await?,
    };
    match revocation {
        Revocation::Done => say(&format!("revoked {id}")),
        Revocation::Already => return Err(format!("no working key has the id '{id}'").into()),
        Revocation::LastAdmin => {
            return Err(
                "it is the last working key with the scope admin; make another one first, or add --force".into(),
            );
        }
    }
    Ok(())
}

async fn list(database: &Database, now: Timestamp) -> Result<(), Failed> {
    let heads = [
        "ID",
        "NAME",
        "ACCOUNT",
        "LAST FOUR",
        "SCOPES",
        "STATUS",
        "SPENT",
        "BUDGET",
        "CREATED",
    ];
    let mut rows = vec![heads.map(ToOwned::to_owned).to_vec()];
    for used in database.keys(&KeyFilter::default(), i64::MAX).await? {
        let (spent, budget) = (Micros(used.total_micros).to_string(), budget(&used, now));
        let key = used.key;
        let status = key.status(now).as_str().to_owned();
        rows.push(vec![
            key.id,
            key.name,
            key.account_id,
            key.last_four,
            key.scopes,
            status,
            spent,
            budget,
            key.created_at.strftime("%F %T").to_string(),
        ]);
    }
    table(&rows);
    Ok(())
}

/// Budgets of a key with what is used of those of a period.
fn budget(used: &KeyUse, now: Timestamp) -> String {
    let limits = &used.key.terms.limits;
    let (day, month) = used.spent_in(Period::of(now));
    let of = |limit: Option<i64>, text: &dyn Fn(Micros) -> String| limit.map(|limit| text(Micros(limit)));
    let told: Vec<String> = [
        of(limits.total_micros, &|limit| format!("{limit} in all")),
        of(limits.month_micros, &|limit| {
            format!("{} of {limit} this month", Micros(month))
        }),
        of(limits.day_micros, &|limit| format!("{} of {limit} today", Micros(day))),
    ]
    .into_iter()
    .flatten()
    .collect();
    if told.is_empty() {
        "-".to_owned()
    } else {
        told.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_times_are_read_as_people_write_them() {
        for (text, number) in [
            ("5", "5"),
            ("0.10", "0.1"),
            ("$12.345678", "12.345678"),
            (".5", "0.5"),
            ("-3", "-3"),
        ] {
            assert_eq!(dollars(text).map(|number| number.to_string()), Ok(number.to_owned()));
        }
        for text in ["", "five", "1,5", "1e400"] {
            assert!(dollars(text).is_err(), "{text}");
        }
        let day = time("2030-01-31").expect("a day");
        assert_eq!(day, time("2030-01-31T00:00:00Z").expect("a time"));
        assert_eq!(time("2030-01-31T01:00:00+01:00"), Ok(day));
        assert!(time("tomorrow").is_err());
    }
}
