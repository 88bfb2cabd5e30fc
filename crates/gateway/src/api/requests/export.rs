//! Requests as a file, read from the database piece by piece while it is sent.

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use planner::money::Micros;
use serde_json::{Value, json};

use super::internal;
use super::query::{Format, Query};
use crate::db::generations::{Cursor, Filter, GenerationRow};
use crate::db::{Database, DatabaseError};
use crate::http::state::AppState;
use crate::problem::Problem;
use crate::request_view::listed;

/// Requests read at a time: half a megabyte of text, and few enough statements for a million of them.
const PIECE_ROWS: i64 = 500;

/// The columns of a file, by the fields of a line.
const COLUMNS: [&str; 22] = [
    "id",
    "created_at",
    "model",
    "modality",
    "provider",
    "endpoint",
    "status",
    "cost",
    "cost_micros",
    "currency",
    "duration_ms",
    "key_id",
    "error_code",
    "error_message",
    "session_id",
    "trace_id",
    "user",
    "client_request_id",
    "idempotency_key",
    "request_size_bytes",
    "response_size_bytes",
    "object",
];

/// What is still to be sent.
struct Export {
    database: Database,
    account_id: String,
    filter: Filter,
    format: Format,
    /// Requests that may still follow; `None`: all.
    left: Option<i64>,
    begun: bool,
    ended: bool,
    piece_rows: i64,
}

/// The answer: its first piece is read before it begins, so that what fails at once is an error like any other.
pub(super) async fn answer(state: &AppState, asked: Query, format: Format) -> Result<Response, Problem> {
    let mut export = Export {
        database: state.generator.database.clone(),
        account_id: asked.account_id,
        left: asked.paging.limit_given(),
        filter: asked.filter,
        format,
        begun: false,
        ended: false,
        piece_rows: PIECE_ROWS,
    };
    let first = export.piece().await.map_err(|error| internal(&error))?;
    let day = state.generator.clock.now().strftime("%F");
    let (kind, extension) = match format {
        Format::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
        Format::NdJson => ("application/x-ndjson", "ndjson"),
    };
    let mut response = Response::new(Body::from_stream(export.pieces(first)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    let name = format!("attachment; filename=\"pictor-requests-{day}.{extension}\"");
    if let Ok(value) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

impl Export {
    /// `first` and all that follow. Nothing is read before it is wanted, and nothing more once the stream is dropped.
    fn pieces(self, first: Option<Bytes>) -> impl Stream<Item = Result<Bytes, DatabaseError>> + Send {
        stream::try_unfold((self, first), |(mut export, ready)| async move {
            let piece = match ready {
                Some(piece) => Some(piece),
                // The answer has begun: all that is left is to break it off, so that nobody takes it for whole.
                None => export.piece().await.inspect_err(|error| {
                    tracing::error!(error = %error, "an export of requests broke off");
                })?,
            };
            Ok(piece.map(|piece| (piece, (export, None))))
        })
    }

    /// The next piece; `None` at the end.
    async fn piece(&mut self) -> Result<Option<Bytes>, DatabaseError> {
        if self.ended {
            return Ok(None);
        }
        let wanted = self.left.map_or(self.piece_rows, |left| left.min(self.piece_rows));
        let rows = self
            .database
            .generations(&self.account_id, &self.filter, wanted)
            .await?;
        let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
        self.left = self.left.map(|left| left - count);
        self.ended = count < wanted || self.left == Some(0);
        self.filter.starting_after = rows.last().map(Cursor::at);
        let text = match self.format {
            Format::Csv => table(&rows, !self.begun)?,
            Format::NdJson => lines(&rows),
        };
        self.begun = true;
        Ok((!text.is_empty()).then(|| text.into()))
    }
}

/// A request as a line tells it: as in the list, and who made it.
fn line(row: &GenerationRow) -> Value {
    let mut told = listed(row);
    told["provider"] = json!(row.provider);
    told["cost_micros"] = json!(row.cost_micros);
    told
}

fn lines(rows: &[GenerationRow]) -> Vec<u8> {
    rows.iter()
        .map(|row| format!("{}\n", line(row)))
        .collect::<String>()
        .into_bytes()
}

fn table(rows: &[GenerationRow], with_heads: bool) -> Result<Vec<u8>, DatabaseError> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let unwritable = |_| DatabaseError::Content("generations");
    if with_heads {
        writer.write_record(COLUMNS).map_err(unwritable)?;
    }
    for row in rows {
        let told = line(row);
        writer
            .write_record(COLUMNS.map(|name| cell(name, &told[name], row)))
            .map_err(unwritable)?;
    }
    writer.into_inner().map_err(|_| DatabaseError::Content("generations"))
}

fn cell(name: &str, value: &Value, row: &GenerationRow) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => harmless(text),
        // As a decimal: spreadsheets and people stumble over 1e-6.
        _ if name == "cost" => Micros(row.cost_micros.unwrap_or(0)).dollars().to_string(),
        other => other.to_string(),
    }
}

/// A text that no spreadsheet takes for a formula: callers choose some of them.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::auth::{self, KeyOrder, Scope};
    use crate::db::DEFAULT_ACCOUNT;
    use crate::db::generations::{Durable, EndOfGeneration, NewGeneration, Status};
    use crate::db::keys::KeyTerms;
    use crate::ids::request_id;

    async fn refuse(database: &Database, key_id: &str, at: Timestamp) {
        let start = NewGeneration {
            id: request_id(at),
            account_id: DEFAULT_ACCOUNT.to_owned(),
            key_id: key_id.to_owned(),
            client_request_id: None,
            session_id: None,
            trace_id: None,
            end_user: None,
            endpoint: "/openai/v1/images/generations".to_owned(),
            model: "a-model".to_owned(),
            estimate_micros: 0,
            adjustments: "[]".to_owned(),
            plan: "[]".to_owned(),
            request_size_bytes: 0,
            created_at: at,
            images: 1,
            durable: Durable::default(),
        };
        let end = EndOfGeneration {
            policy: None,
            status: Status::Rejected,
            model: None,
            provider: None,
            cost_micros: None,
            markup_micros: 0,
            cost_basis: None,
            cost_components: "[]".to_owned(),
            adjustments: "[]".to_owned(),
            error_code: None,
            error_message: None,
            response_size_bytes: None,
            finished_at: at,
            answer: None,
            frees_claim: false,
        };
        database.reject_generation(start, end).await.expect("a row is stored");
    }

    #[tokio::test]
    async fn rows_are_read_as_they_are_wanted_and_no_sooner() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("test.db").display());
        let now: Timestamp = "2026-08-15T12:00:00Z".parse().expect("a time");
        let ago = |seconds| now.checked_sub(SignedDuration::from_secs(seconds)).expect("a time");
        let database = Database::open(&url, now).await.expect("a database");
        let order = KeyOrder {
            account_id: DEFAULT_ACCOUNT.to_owned(),
            name: "test".to_owned(),
            scopes: vec![Scope::Read],
            terms: KeyTerms::default(),
        };
        let key = auth::create(&database, order, now).await.expect("a key").row.id;
        for seconds in 0..5 {
            refuse(&database, &key, ago(seconds)).await;
        }
        let mut export = Export {
            database: database.clone(),
            account_id: DEFAULT_ACCOUNT.to_owned(),
            filter: Filter::default(),
            format: Format::NdJson,
            left: None,
            begun: false,
            ended: false,
            piece_rows: 2,
        };
        let first = export.piece().await.expect("rows can be read");
        let mut pieces = Box::pin(export.pieces(first));
        let count = |piece: &Bytes| piece.iter().filter(|byte| **byte == b'\n').count();
        let one = pieces.try_next().await.expect("rows can be read").expect("a piece");
        assert_eq!(count(&one), 2);
        // What is noted now and is older than all the others is still met: nothing was read ahead.
        refuse(&database, &key, ago(60)).await;
        let rest: Vec<Bytes> = pieces.try_collect().await.expect("rows can be read");
        assert_eq!(rest.iter().map(count).collect::<Vec<_>>(), [2, 2]);
        database.close().await;
    }

    #[test]
    fn what_a_spreadsheet_would_work_out_begins_with_an_apostrophe() {
        for text in ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\nx"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for text in ["", "x=1", "'quoted", "1", "é"] {
            assert_eq!(harmless(text), text);
        }
    }
}
