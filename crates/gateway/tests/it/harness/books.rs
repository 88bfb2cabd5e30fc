//! What must be true of the database, the media folder and the providers' bill after any test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gateway::db::Database;
use gateway::db::arena::{ExhibitFilter, ExhibitState};
use gateway::db::generations::{AttemptOutcome, Filter, GenerationRow, Status};
use gateway::ledger::REPORTED_COST_FACTOR;
use jiff::Timestamp;
use planner::failure::Spent;
use serde_json::Value;

/// More rows than any test makes.
const ALL: i64 = 1_000_000;
const FINAL_STATES: [&str; 4] = ["completed", "upstream_failure", "rejected", "cancelled"];

/// Checks the books, and that every file has a row.
pub(super) async fn check(database: &Database, data_dir: &Path, bill: Option<&[Value]>) {
    let named = check_rows(database, data_dir, bill).await;
    let mut named = named;
    named.extend(on_show(database, data_dir).await);
    let mut found = BTreeSet::new();
    collect(&data_dir.join("media"), &mut found);
    assert_eq!(found, named, "every file has a row, and every row a file");
}

/// The files of pictures on show, whoever drew them and whether they are seen or not.
async fn on_show(database: &Database, data_dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for sandbox in [true, false] {
        for state in ExhibitState::ALL {
            let filter = ExhibitFilter {
                sandbox,
                state: Some(state),
                ..ExhibitFilter::default()
            };
            let hung = database.exhibits(&filter, 0, ALL).await.expect("exhibits can be read");
            let kept = hung.into_iter().filter(|row| !row.is_removed());
            files.extend(kept.map(|row| data_dir.join("media").join(row.path)));
        }
    }
    files
}

/// Checks the books. Returns the files that have a row.
pub(super) async fn check_rows(database: &Database, data_dir: &Path, bill: Option<&[Value]>) -> BTreeSet<PathBuf> {
    let mut generations = Vec::new();
    for account in database
        .accounts((None, None), ALL)
        .await
        .expect("accounts can be read")
    {
        let of_it = database.generations(&account.id, &Filter::default(), ALL).await;
        generations.extend(of_it.expect("generations can be read"));
    }
    let mut maybe_billed: BTreeMap<String, usize> = BTreeMap::new();
    for generation in &generations {
        check_generation(database, generation, &mut maybe_billed).await;
    }
    let named = check_media(database, data_dir, &generations).await;
    check_ledger(database).await;
    if let Some(bill) = bill {
        let mut billed: BTreeMap<String, usize> = BTreeMap::new();
        for entry in bill {
            *billed
                .entry(entry["provider"].as_str().expect("a provider").to_owned())
                .or_default() += 1;
        }
        for (provider, calls) in billed {
            let told = maybe_billed.get(&provider).copied().unwrap_or(0);
            assert!(
                calls <= told,
                "{provider} charged {calls} calls; {told} attempts say that they were or may have been spent"
            );
        }
    }
    named
}

async fn check_generation(database: &Database, generation: &GenerationRow, maybe_billed: &mut BTreeMap<String, usize>) {
    let id = &generation.start.id;
    assert!(
        FINAL_STATES.contains(&generation.status.as_str()),
        "{id} was left {}",
        generation.status.as_str()
    );
    let finished = generation
        .finished_at
        .expect("a generation in a final state has an end");
    assert!(finished >= generation.start.created_at, "{id} ended before it began");
    let completed = generation.status == Status::Completed;
    // The operator may charge what was held for a generation that was lost with its process.
    let is_lost = generation.error_code.as_deref() == Some("OUTCOME_UNKNOWN");
    assert!(
        generation.cost_micros.is_some() == completed || is_lost,
        "{id}: only completed generations are charged"
    );
    assert_eq!(
        generation.error_code.is_none(),
        completed,
        "{id}: what is not completed says why"
    );
    let attempts = database.attempts_of(id).await.expect("attempts can be read");
    for (attempt, position) in attempts.iter().zip(0..) {
        assert_eq!(attempt.position, position, "{id}: attempts are numbered");
        assert_eq!(
            attempt.code.is_none(),
            attempt.outcome == AttemptOutcome::Succeeded,
            "{id}: a failed attempt says why"
        );
        if attempt.spent != Spent::No {
            *maybe_billed.entry(attempt.provider.clone()).or_default() += 1;
        }
    }
    let succeeded = attempts
        .iter()
        .any(|attempt| attempt.outcome == AttemptOutcome::Succeeded);
    assert_eq!(
        succeeded, completed,
        "{id}: completed is what some attempt succeeded at"
    );
    let lines: Vec<Value> = serde_json::from_str(&generation.cost_components).expect("components are a list");
    let sum: i64 = lines
        .iter()
        .map(|line| line["total_cost"].as_i64().expect("a line has an amount"))
        .sum();
    // A provider that rounds a call up, or tells its price as one figure, makes the charge larger than its lines.
    assert!(
        generation.cost_micros.unwrap_or(0) >= sum,
        "{id}: the charge covers its lines"
    );
}

/// With the time after every test, no reservation may be open.
async fn check_ledger(database: &Database) {
    let verified = database
        .verify_ledger(Timestamp::MAX, REPORTED_COST_FACTOR)
        .await
        .expect("the ledger can be read");
    assert_eq!(verified.discrepancies, [], "the books are right");
}

async fn check_media(database: &Database, data_dir: &Path, generations: &[GenerationRow]) -> BTreeSet<PathBuf> {
    let rows = database
        .expired_media(Timestamp::MAX, ALL)
        .await
        .expect("media can be read");
    let known: BTreeSet<&str> = generations
        .iter()
        .map(|generation| generation.start.id.as_str())
        .collect();
    let (mut named, mut places) = (BTreeSet::new(), BTreeSet::new());
    for row in rows {
        assert!(
            known.contains(row.generation_id.as_str()),
            "{} has a generation",
            row.id
        );
        let file = data_dir.join("media").join(&row.path);
        let bytes = std::fs::read(&file).unwrap_or_else(|error| panic!("{} has its file: {error}", row.id));
        assert_eq!(
            bytes.len() as i64,
            row.size_bytes,
            "{} has the size that its row tells",
            row.id
        );
        let info = super::info(&bytes);
        let measured = (
            i64::from(info.width_px),
            i64::from(info.height_px),
            info.format.to_string(),
        );
        assert_eq!(
            measured,
            (row.width_px, row.height_px, row.format),
            "{} is what its row tells",
            row.id
        );
        assert!(
            places.insert((row.generation_id.clone(), row.position)),
            "{}: an image is stored once",
            row.generation_id
        );
        named.insert(file);
    }
    named
}

fn collect(folder: &Path, into: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the media folder can be read") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, into);
        } else {
            into.insert(path);
        }
    }
}
