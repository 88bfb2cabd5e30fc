//! `pictor arena`: entries of competitions, a demonstration, boards, and what is behind them.

mod entries;
mod judge;

use std::path::PathBuf;

use reqwest::Method;
use serde_json::{Value, json};

use super::Failed;
use super::client::{Gateway, Target};
use super::keys::dollars;
use super::output::{say, table};

/// What is wanted of the arena.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make the entries of competitions that are missing, within a budget. Begun again, it goes on where it stopped.
    Run(RunArguments),
    /// Fill boards and gallery from the sandbox, with votes of nobody, where no provider is real.
    Demo(DemoArguments),
    /// Show a board.
    Leaderboard(BoardArguments),
    /// Hand out a pair to vote on, as JSON.
    Battles(BattleArguments),
    /// Write a board as JSON.
    Export(BoardArguments),
    /// Ask a model of your own what speaks for and against each entry: an opinion, never a vote.
    Judge(judge::JudgeArguments),
    /// List voters who were set aside, and why.
    Voters(VoterArguments),
}

/// Which entries, and for how much.
#[derive(Debug, clap::Args)]
pub(super) struct RunArguments {
    /// Competition; may be given several times; all when none is given.
    #[arg(long)]
    competition: Vec<String>,
    /// Model; may be given several times; all that take part when none is given.
    #[arg(long)]
    model: Vec<String>,
    /// Entries of each model in each competition.
    #[arg(long, default_value_t = 1)]
    entries: u64,
    /// What all of it may cost in US dollars; it stops before it would cost more.
    #[arg(long, value_parser = dollars)]
    budget: serde_json::Number,
    #[command(flatten)]
    target: Target,
}

/// Where the demonstration is made.
#[derive(Debug, clap::Args)]
pub(super) struct DemoArguments {
    #[command(flatten)]
    target: Target,
}

/// Which board.
#[derive(Debug, clap::Args)]
pub(super) struct BoardArguments {
    /// overall, mode:<mode>, category:<category> or competition:<id>.
    #[arg(long, default_value = "overall")]
    board: String,
    /// Where to write it; standard output when absent.
    #[arg(long, short)]
    output: Option<PathBuf>,
    #[command(flatten)]
    target: Target,
}

/// Of which competition.
#[derive(Debug, clap::Args)]
pub(super) struct BattleArguments {
    /// Competition; any when absent.
    #[arg(long)]
    competition: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// Which voters.
#[derive(Debug, clap::Args)]
pub(super) struct VoterArguments {
    /// Take the votes of this voter back in.
    #[arg(long)]
    restore: Option<String>,
    #[command(flatten)]
    target: Target,
}

/// Does what is wanted.
pub(super) async fn run(command: Command) -> Result<(), Failed> {
    match command {
        Command::Run(arguments) => entries::make(arguments).await,
        Command::Demo(arguments) => entries::demo(arguments).await,
        Command::Judge(arguments) => judge::judge(arguments).await,
        Command::Leaderboard(arguments) => leaderboard(arguments).await,
        Command::Export(arguments) => export(arguments).await,
        Command::Battles(arguments) => {
            let gateway = Gateway::new(&arguments.target)?;
            let body = arguments
                .competition
                .map_or_else(|| json!({}), |id| json!({ "competition": id }));
            let request = gateway.request(Method::POST, "/v1/arena/battles").json(&body);
            say(&serde_json::to_string_pretty(&gateway.json(request).await?)?);
            Ok(())
        }
        Command::Voters(arguments) => voters(arguments).await,
    }
}

async fn board(arguments: &BoardArguments) -> Result<Value, Failed> {
    let gateway = Gateway::new(&arguments.target)?;
    let board: String = url::form_urlencoded::byte_serialize(arguments.board.as_bytes()).collect();
    let request = gateway.request(Method::GET, &format!("/v1/arena/leaderboard?board={board}"));
    gateway.json(request).await
}

async fn leaderboard(arguments: BoardArguments) -> Result<(), Failed> {
    let board = board(&arguments).await?;
    let mut rows = vec![
        ["RANK", "MODEL", "RATING", "INTERVAL", "VOTES"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    for row in board["data"].as_array().into_iter().flatten() {
        let (best, worst) = (&row["rank"]["best"], &row["rank"]["worst"]);
        let number = |value: &Value| value.as_f64().map_or_else(String::new, |number| format!("{number:.0}"));
        rows.push(vec![
            if best == worst {
                best.to_string()
            } else {
                format!("{best}-{worst}")
            },
            row["model"].as_str().unwrap_or_default().to_owned(),
            number(&row["rating"]),
            format!("{}-{}", number(&row["interval"][0]), number(&row["interval"][1])),
            row["votes"].to_string(),
        ]);
    }
    table(&rows);
    for row in board["waiting"].as_array().into_iter().flatten() {
        say(&format!(
            "waits for votes: {} ({})",
            row["model"].as_str().unwrap_or_default(),
            row["votes"]
        ));
    }
    if board["sandbox"] == Value::Bool(true) {
        say("votes on the sandbox's pictures: they say nothing of the models");
    }
    Ok(())
}

async fn export(arguments: BoardArguments) -> Result<(), Failed> {
    let text = serde_json::to_string_pretty(&board(&arguments).await?)?;
    match &arguments.output {
        None => say(&text),
        Some(path) => {
            std::fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
    }
    Ok(())
}

async fn voters(arguments: VoterArguments) -> Result<(), Failed> {
    let gateway = Gateway::new(&arguments.target)?;
    if let Some(id) = &arguments.restore {
        let request = gateway.request(Method::PATCH, &format!("/v1/arena/voters/{id}"));
        gateway.json(request.json(&json!({ "counts": true }))).await?;
        say(&format!("the votes of {id} count again"));
        return Ok(());
    }
    let answer = gateway.json(gateway.request(Method::GET, "/v1/arena/voters")).await?;
    let mut rows = vec![
        ["VOTER", "WHY", "VOTES", "COUNTS AGAIN"]
            .map(ToOwned::to_owned)
            .to_vec(),
    ];
    for row in answer["data"].as_array().into_iter().flatten() {
        rows.push(vec![
            row["id"].as_str().unwrap_or_default().to_owned(),
            row["detail"].as_str().unwrap_or_default().to_owned(),
            row["votes"].to_string(),
            row["restored_at"].as_str().unwrap_or("no").to_owned(),
        ]);
    }
    table(&rows);
    Ok(())
}
