//! `pictor keys`: works on the database itself, so it needs no running gateway.

mod terms;

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use jiff::Timestamp;
use planner::catalog::Catalog;
use planner::money::Micros;
use serde_json::{Map, Value, json};

use super::output::{say, table};
use super::{Failed, load};
use crate::auth;
use crate::clock::Clock;
use crate::database_url;
use crate::db::audit::Action;
use crate::db::keys::{KeyFilter, KeyUse, Revocation};
use crate::db::{DEFAULT_ACCOUNT, Database};
use crate::ledger::Period;
use crate::operator::keys::view::key_json;
use crate::operator::keys::{self, Surroundings, order};
use crate::operator::witness::Witness;
use terms::Terms;
pub(super) use terms::dollars;

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key. Its secret is shown once.
    Create(Box<CreateArguments>),
    /// List keys with what they have spent.
    List,
    /// Show all that is set for a key, as JSON.
    Show {
        /// The part between 'pk_' and the dot.
        id: String,
    },
    /// Change a key: what is not named stays.
    Change(Box<ChangeArguments>),
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
    #[command(flatten)]
    terms: Terms,
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

impl CreateArguments {
    fn fields(&self) -> Map<String, Value> {
        let names = self.scopes.iter().filter_map(ValueEnum::to_possible_value);
        let scopes: Vec<Value> = names.map(|name| json!(name.get_name())).collect();
        let mut fields = self.terms.fields();
        fields.insert("name".to_owned(), json!(self.name));
        fields.insert("account_id".to_owned(), json!(self.account));
        fields.insert("scopes".to_owned(), Value::Array(scopes));
        fields
    }
}

/// What becomes of a key.
#[derive(Debug, clap::Args)]
pub(super) struct ChangeArguments {
    /// The part between 'pk_' and the dot.
    id: String,
    /// Another name for people.
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    terms: Terms,
    /// What is set no more, as the API names it, such as 'expires_at' or 'rules.hours'; may be given several times.
    #[arg(long, value_name = "FIELD")]
    clear: Vec<String>,
}

impl ChangeArguments {
    fn fields(&self) -> Map<String, Value> {
        let mut fields = self.terms.fields();
        fields.extend(self.name.as_ref().map(|name| ("name".to_owned(), json!(name))));
        for field in &self.clear {
            match field.split_once('.') {
                None => {
                    fields.insert(field.clone(), Value::Null);
                }
                Some((outer, name)) => {
                    let object = fields.entry(outer).or_insert_with(|| json!({}));
                    object[name] = Value::Null;
                }
            }
        }
        fields
    }
}

/// Makes, lists, shows, changes or revokes.
pub(super) async fn run(command: Command, config: Option<PathBuf>) -> Result<(), Failed> {
    let (settings, catalog) = load(config)?;
    std::fs::create_dir_all(&settings.data_dir)?;
    let now = Clock::system().now();
    let database = Database::open(&database_url(&settings), now).await?;
    let done = match command {
        Command::Create(arguments) => create(&database, &catalog, &arguments, now).await,
        Command::List => list(&database, now).await,
        Command::Show { id } => show(&database, &id, now).await,
        Command::Change(arguments) => change(&database, &catalog, &arguments, now).await,
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

/// The public part of a key, of which more may have been copied.
fn public_part(id: &str) -> &str {
    id.trim_start_matches("pk_").split('.').next().unwrap_or_default()
}

fn told(used: &KeyUse, now: Timestamp) {
    let key = key_json(used, now);
    say(&serde_json::to_string_pretty(&key).unwrap_or_else(|_| key.to_string()));
}

async fn show(database: &Database, id: &str, now: Timestamp) -> Result<(), Failed> {
    let id = public_part(id);
    let used = database.key(id).await?;
    told(&used.ok_or_else(|| format!("no key has the id '{id}'"))?, now);
    Ok(())
}

async fn change(
    database: &Database,
    catalog: &Catalog,
    arguments: &ChangeArguments,
    now: Timestamp,
) -> Result<(), Failed> {
    let (id, fields) = (public_part(&arguments.id), arguments.fields());
    let change = keys::change(&fields, Surroundings { catalog, now }, Vec::new())?;
    let witness = Witness::of_command_line(now);
    let tell = |account_id: &str| witness.line(Action::KeyChange, Some(account_id), id, Value::Object(fields));
    let changed = database
        .change_key(id, |name, terms| change.apply(name, terms), tell)
        .await?;
    told(&changed.ok_or_else(|| format!("no key has the id '{id}'"))?, now);
    Ok(())
}

async fn revoke(database: &Database, id: &str, force: bool, now: Timestamp) -> Result<(), Failed> {
    let id = public_part(id);
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
