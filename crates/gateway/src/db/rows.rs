//! Many rows in few statements.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::DatabaseError;
use super::link::{Link, Value};

/// Rows of one statement, largest first. Few different counts, so that prepared statements are used again.
const COUNTS: [usize; 5] = [32, 8, 4, 2, 1];

/// A row that is there already is an error.
pub(super) const ALL_NEW: &str = "";
/// A row that is there already stays as it is.
pub(super) const IF_NEW: &str = "ON CONFLICT DO NOTHING";

/// The value whose name stands in a column.
///
/// # Errors
/// [`DatabaseError::Content`] for a name of none.
pub(super) fn word<T: Copy>(
    row: &AnyRow,
    column: &'static str,
    all: &[T],
    name: impl Fn(T) -> &'static str,
) -> Result<T, DatabaseError> {
    let text: String = row.try_get(column)?;
    let found = all.iter().copied().find(|one| name(*one) == text);
    found.ok_or(DatabaseError::Content(column))
}

/// Inserts `rows` into `table`, whose `columns` are separated by commas. `conflict` is the statement's end, such as
/// [`ALL_NEW`].
///
/// # Errors
/// [`DatabaseError`]; some of the rows may then be there, so this belongs into a transaction.
pub(super) async fn insert<T, const WIDTH: usize>(
    link: &mut Link,
    table: &str,
    columns: &str,
    conflict: &str,
    rows: &[T],
    values: impl for<'q> Fn(&'q T) -> [Value<'q>; WIDTH],
) -> Result<(), DatabaseError> {
    let mut rest = rows;
    while !rest.is_empty() {
        let count = COUNTS.into_iter().find(|count| *count <= rest.len()).unwrap_or(1);
        let (now, later) = rest.split_at(count);
        let sql = format!(
            "INSERT INTO {table} ({columns}) VALUES {} {conflict}",
            places(WIDTH, count)
        );
        let values: Vec<Value<'_>> = now.iter().flat_map(&values).collect();
        link.execute(&sql, &values).await?;
        rest = later;
    }
    Ok(())
}

/// The same for rows that meet a condition, which knows their values as `column1` and so on. Values after those of `columns`
/// are for the condition alone.
///
/// # Errors
/// As for [`insert`].
pub(super) async fn insert_where<T, const WIDTH: usize>(
    link: &mut Link,
    (table, columns, condition): (&str, &str, &str),
    conflict: &str,
    rows: &[T],
    values: impl for<'q> Fn(&'q T) -> [Value<'q>; WIDTH],
) -> Result<(), DatabaseError> {
    let count = columns.split(',').count();
    let names: Vec<String> = (1..=count).map(|column| format!("column{column}")).collect();
    for row in rows {
        let sql = format!(
            "INSERT INTO {table} ({columns}) SELECT {} FROM (VALUES {}) AS new_rows WHERE {condition} {conflict}",
            names.join(", "),
            places(WIDTH, 1)
        );
        link.execute(&sql, &values(row)).await?;
    }
    Ok(())
}

/// `($1, $2), ($3, $4)` for two rows of two columns.
pub(super) fn places(width: usize, count: usize) -> String {
    let row = |row: usize| {
        let numbers: Vec<String> = (1..=width).map(|column| format!("${}", row * width + column)).collect();
        format!("({})", numbers.join(", "))
    };
    (0..count).map(row).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn places_are_numbered_through() {
        assert_eq!(super::places(2, 2), "($1, $2), ($3, $4)");
    }
}
