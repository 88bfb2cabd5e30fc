//! `/app/sessions`: who is signed in, and ending that.

use axum::Extension;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;
use site::frame::Page;
use site::pages::desk::sessions::{self, Seat};

use super::super::elsewhere::see;
use super::sitting::Sitting;
use crate::auth::IDLE;
use crate::db::DatabaseError;
use crate::db::audit::Action;
use crate::http::envelope::RequestContext;
use crate::http::path::PathPart;
use crate::http::session::CallerAddress;
use crate::operator::witness::Witness;
use crate::problem::Problem;

/// Sessions that are shown: those used last.
const SEATS_MAX: i64 = 200;

/// The page.
pub(super) async fn show(sitting: Sitting) -> Response {
    let page = page(&sitting).await;
    sitting.answer(page)
}

async fn page(sitting: &Sitting) -> Result<Page, Problem> {
    sitting.require_admin()?;
    let generator = &sitting.state.generator;
    let since = generator.clock.now() - IDLE;
    let found = generator.database.signed_in_sessions(since, SEATS_MAX).await;
    let own = &sitting.session().id;
    let seats = found
        .map_err(|error| unread(&error))?
        .into_iter()
        .map(|(row, name, account)| Seat {
            is_own: row.id == *own,
            id: row.id,
            key: (row.key_id, name),
            account,
            began_at: row.created_at,
            seen_at: row.last_seen_at,
        });
    Ok(sessions::page(&sitting.desk, &seats.collect::<Vec<_>>()))
}

/// Ends a session.
pub(super) async fn end(
    sitting: Sitting,
    PathPart(id): PathPart,
    CallerAddress(address): CallerAddress,
    Extension(context): Extension<RequestContext>,
    request: Request,
) -> Response {
    let done = async {
        sitting.require_admin()?;
        sitting.form(request).await?;
        let id = id.replace('\0', "");
        let state = &sitting.state;
        let session = state.generator.database.session(&id).await;
        let absent = || Problem::invalid(StatusCode::NOT_FOUND, "There is no such session any more.");
        let session = session.map_err(|error| unread(&error))?.ok_or_else(absent)?;
        let who = &sitting.session().identity;
        let who = Some((who.key_id.as_str(), who.account_id.as_str()));
        let witness = Witness::of_key(who, Some(address), &context.id, state.generator.clock.now());
        let told = witness.line(
            Action::SessionEnd,
            None,
            &session.key_id,
            json!({ "began_at": session.created_at.to_string() }),
        );
        let ended = state.keyring.end_signed_in(&id, &told).await;
        if ended.map_err(|error| unread(&error))? {
            Ok(())
        } else {
            Err(absent())
        }
    };
    match done.await {
        Ok(()) => see("/app/sessions"),
        Err(problem) => sitting.refuse(&problem, None),
    }
}

fn unread(error: &DatabaseError) -> Problem {
    tracing::error!(error = %error, "sessions could not be read or ended");
    Problem::of_database(error)
}
