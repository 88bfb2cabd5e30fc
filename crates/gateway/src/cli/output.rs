//! Writing to the terminal.

use std::io::Write as _;

use planner::fault::harmless;
use serde_json::Value;

/// Lines to standard output. A closed pipe is no error: whoever read it has seen enough.
pub(super) fn say(lines: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", visible(lines));
    let _ = out.flush();
}

/// Bytes to standard output. Returns whether anybody still reads them.
pub(super) fn write(bytes: &[u8]) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).is_ok()
}

/// An error to standard error.
pub(super) fn complain(message: &str) {
    let _ = writeln!(std::io::stderr(), "error: {}", visible(message));
}

/// The text as a terminal may show it. What callers and providers wrote could move the cursor, change colours or hide what
/// follows: such characters stand as their escapes. Lines stay lines.
fn visible(text: &str) -> String {
    text.split('\n').map(harmless).collect::<Vec<_>>().join("\n")
}

/// Rows as aligned columns, the first row being the heads.
pub(super) fn table(rows: &[Vec<String>]) {
    // A cell that breaks its line would pass for a row.
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| harmless(cell)).collect())
        .collect();
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            rows.iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:width$}"))
            .collect();
        say(cells.join("  ").trim_end());
    }
}

/// An amount for people; `-` when there is none.
pub(super) fn dollars(amount: &Value) -> String {
    amount
        .as_f64()
        .map_or_else(|| "-".to_owned(), |amount| format!("${amount}"))
}
