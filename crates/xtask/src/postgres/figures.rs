//! What a cluster tells of itself, for benchmarks.

use super::programs::Programs;
use super::{Cluster, folder};
use crate::{Outcome, environment};
use std::path::Path;

/// Ticks of the processor's time in `/proc`, in milliseconds: a hundredth of a second on every Linux of today.
const TICK_MS: f64 = 10.0;

impl Cluster {
    /// The numbers of the one row that a query gives.
    ///
    /// # Errors
    /// The query fails, or gives something else.
    pub(crate) fn figures(&self, sql: &str) -> Outcome<Vec<f64>> {
        let programs = Programs::find().ok_or("PostgreSQL is gone")?;
        let mut psql = programs.command("psql");
        psql.args([
            "--no-psqlrc",
            "--tuples-only",
            "--no-align",
            "--field-separator= ",
            "--command",
            sql,
        ]);
        let output = environment::clear(psql.arg(self.url())).current_dir("/").output();
        let output = output.map_err(|error| format!("cannot start psql: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let figures: Option<Vec<f64>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
        let figures = figures.filter(|figures| output.status.success() && !figures.is_empty());
        figures.ok_or_else(|| format!("psql: {text}{}", String::from_utf8_lossy(&output.stderr)))
    }

    /// Milliseconds that the processor worked for the server since it started, in all its processes, those that have ended too.
    ///
    /// # Errors
    /// It does not run, or this is no Linux.
    pub(crate) fn processor_ms(&self) -> Outcome<f64> {
        let mut sum = 0.0;
        for process in self.processes()? {
            // One that ended a moment ago is counted by its parent.
            if let Ok(stat) = std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat")) {
                sum += ticks(&stat).ok_or("a process tells no time")?;
            }
        }
        if sum <= 0.0 {
            return Err(format!(
                "{} names no process of this machine",
                folder::data(&self.folder).display()
            ));
        }
        Ok(sum * TICK_MS)
    }
}

/// The time of a process and of its children that have ended, in ticks.
fn ticks(stat: &str) -> Option<f64> {
    // The name stands in brackets and may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let times = fields.get(11..15)?.iter().map(|field| field.parse::<f64>().ok());
    times.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_that_of_a_process_and_of_its_ended_children() {
        let stat = "7 (post ) gres) S 1 2 3 4 5 6 7 8 9 10 100 20 3 4 20 0 1 0 99";
        assert_eq!(ticks(stat), Some(127.0));
        assert_eq!(ticks("7 (x) S 1"), None);
    }
}
