//! Many rows in few statements.

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, AnyConnection, AssertSqlSafe};

use super::DatabaseError;

/// Rows of one statement, largest first. Few different counts, so that prepared statements are used again.
const COUNTS: [usize; 3] = [32, 8, 1];

/// A row that is there already is an error.
pub(super) const ALL_NEW: &str = "";

/// A statement with the values of one row yet to be bound.
pub(super) type Bound<'q> = Query<'q, Any, AnyArguments>;

/// Inserts `rows` into `table`, whose `columns` are separated by commas. `conflict` is the statement's end, such as
/// [`ALL_NEW`].
///
/// # Errors
/// [`DatabaseError`]; some of the rows may then be there, so this belongs into a transaction.
pub(super) async fn insert<T>(
    connection: &mut AnyConnection,
    table: &str,
    columns: &str,
    conflict: &str,
    rows: &[T],
    bind: impl for<'q> Fn(Bound<'q>, &'q T) -> Bound<'q>,
) -> Result<(), DatabaseError> {
    let width = columns.split(',').count();
    let mut rest = rows;
    while !rest.is_empty() {
        let count = COUNTS.into_iter().find(|count| *count <= rest.len()).unwrap_or(1);
        let (now, later) = rest.split_at(count);
        let sql = format!(
            "INSERT INTO {table} ({columns}) VALUES {} {conflict}",
            places(width, count)
        );
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for row in now {
            query = bind(query, row);
        }
        query.execute(&mut *connection).await?;
        rest = later;
    }
    Ok(())
}

/// `($1, $2), ($3, $4)` for two rows of two columns.
fn places(width: usize, count: usize) -> String {
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
