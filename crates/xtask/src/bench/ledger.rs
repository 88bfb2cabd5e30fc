//! How fast books are kept and lists are read: the gateway's own benchmarks, with a PostgreSQL cluster that syncs every commit to the disk.

use crate::postgres::{self, Cluster, Durability};
use crate::{Outcome, debian, steps};

/// The variable by which the benchmark finds PostgreSQL.
const DATABASE_VARIABLE: &str = "PICTOR_BENCH_POSTGRES_URL";

pub(super) fn run(benchmark: &str) -> Outcome {
    debian::install(postgres::missing().as_slice())?;
    let cluster = Cluster::start(Durability::Full)?;
    let mut cargo = super::cargo();
    cargo
        .args(["bench", "-p", "gateway", "--bench", benchmark])
        .env(DATABASE_VARIABLE, cluster.url());
    steps::run(&mut cargo)
}
