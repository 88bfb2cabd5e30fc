//! The arena, described.

use serde_json::{Value, json};

use super::answers::{Has, answer, made};
use super::reference;
use crate::arena::demo::VOTES_MAX;
use crate::arena::reports::REASON_CHARS_MAX;
use crate::arena::reports::{JUDGE_CHARS_MAX, POINT_CHARS_MAX, POINTS_MAX};
use crate::arena::sheet::OUTCOMES;
use crate::arena::suggestions::PROMPT_CHARS_MAX;

/// What anything here may be refused for: a pair, a request or a place that is not there, or that was voted on already.
const HAS: &[Has] = &[Has::Name, Has::State];
/// The same of what takes a body.
const TAKES: &[Has] = &[Has::Body, Has::Name, Has::State];

fn created(description: &str, schema: &str) -> Value {
    made(description, schema, TAKES)
}

fn taking(schema: &Value) -> Value {
    json!({ "required": true, "content": { "application/json": { "schema": schema } } })
}

/// A parameter of the path.
fn id(name: &str, what: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" }, "description": what })
}

/// A parameter of the query.
fn query(name: &str, what: &str) -> Value {
    json!({ "name": name, "in": "query", "schema": { "type": "string" }, "description": what })
}

fn object(required: &[&str], properties: &Value) -> Value {
    json!({ "type": "object", "required": required, "properties": properties, "additionalProperties": false })
}

/// The field that tells people apart who use one key.
fn voter() -> Value {
    json!({ "type": ["string", "null"], "maxLength": 200, "description": "Who votes, where one key votes for several people: any name by which they are told apart. Only a hash of it is kept." })
}

/// Its paths.
pub(super) fn paths() -> Value {
    let text = json!({ "type": "string" });
    let voter = voter();
    let outcomes: Vec<&str> = OUTCOMES.iter().map(|(name, _)| *name).collect();
    json!({
        "/v1/arena/competitions": { "get": { "operationId": "listCompetitions", "summary": "Competitions, with the models that take part and how many entries each has.",
            "responses": answer("Every competition.", "CompetitionList", HAS) } },
        "/v1/arena/battles": { "post": { "operationId": "createBattle", "summary": "Hand out a pair of pictures, without names, to vote on.",
            "requestBody": taking(&object(&[], &json!({ "competition": { "type": ["string", "null"], "description": "Only from this competition." }, "voter": voter }))),
            "responses": created("The pair. It can be voted on for two hours.", "Battle") } },
        "/v1/arena/votes": { "post": { "operationId": "vote", "summary": "Vote on a pair, once; the answer names both models.",
            "requestBody": taking(&object(&["battle", "vote"], &json!({ "battle": text, "vote": { "enum": outcomes }, "voter": voter,
                "decided_ms": { "type": "integer", "minimum": 0, "description": "From both pictures seen to the vote." } }))),
            "responses": created("The pair, named.", "ArenaVote") } },
        "/v1/arena/votes/{battle}": { "delete": { "operationId": "takeVoteBack", "summary": "Take a vote back. The pair cannot be voted on again.",
            "parameters": [id("battle", "The pair."), query("voter", "Who voted, where a name was given then.")], "responses": answer("The pair, named.", "ArenaVote", HAS) } },
        "/v1/arena/leaderboard": { "get": { "operationId": "leaderboard", "summary": "Ratings with intervals and rank ranges, and how far to trust them.",
            "parameters": [query("board", "overall (by default), mode:<mode>, category:<category> or competition:<id>.")], "responses": answer("The board.", "Leaderboard", HAS) } },
        "/v1/arena/entries": { "post": { "operationId": "createEntry", "summary": "Hang the image of a completed request as an entry of a competition.",
            "description": "For keys with the scope admin. 'pictor arena run' makes entries of every model.",
            "requestBody": taking(&object(&["competition", "request_id"], &json!({ "competition": text, "request_id": text, "account_id": { "type": "string", "description": "Whose request it is; the key's own account by default." } }))),
            "responses": created("The entry; one that hangs already is told as it is.", "Exhibit") } },
        "/v1/arena/voters": { "get": { "operationId": "listVoters", "summary": "Voters whose votes were set aside, and why.", "description": "For keys with the scope admin.",
            "responses": answer("Voters.", "ArenaVoterList", HAS) } },
        "/v1/arena/voters/{id}": { "patch": { "operationId": "changeVoter", "summary": "Take the votes of a voter back in, or set them aside again.", "description": "For keys with the scope admin.",
            "parameters": [id("id", "The voter.")], "requestBody": taking(&object(&["counts"], &json!({ "counts": { "type": "boolean" } }))),
            "responses": answer("The voter.", "ArenaVoter", TAKES) } },
        "/v1/arena/suggestions": {
            "get": { "operationId": "listSuggestions", "summary": "Prompts that people suggested for competitions.", "description": "For keys with the scope admin.",
                "parameters": [{ "name": "state", "in": "query", "schema": { "enum": ["waiting", "taken", "left"] }, "description": "Waiting ones by default." }],
                "responses": answer("Suggestions, the newest first.", "SuggestionList", HAS) },
            "post": { "operationId": "suggest", "summary": "Suggest a prompt for a competition.",
                "requestBody": taking(&object(&["prompt"], &json!({ "prompt": { "type": "string", "minLength": 1, "maxLength": PROMPT_CHARS_MAX }, "voter": voter }))),
                "responses": created("The suggestion.", "Suggestion") } },
        "/v1/arena/suggestions/{id}": { "patch": { "operationId": "changeSuggestion", "summary": "Take or leave a suggestion.", "description": "For keys with the scope admin.",
            "parameters": [id("id", "The suggestion.")], "requestBody": taking(&object(&["state"], &json!({ "state": { "enum": ["waiting", "taken", "left"] } }))),
            "responses": answer("The suggestion.", "Suggestion", TAKES) } },
        "/v1/arena/demo": { "post": { "operationId": "demonstrate", "summary": "Draw votes without preference, so that a fresh board shows how it works. Where no provider is real.",
            "description": "For keys with the scope admin.",
            "requestBody": taking(&object(&[], &json!({ "votes": { "type": ["integer", "null"], "minimum": 1, "maximum": VOTES_MAX } }))),
            "responses": created("How many were added.", "ArenaDemo") } },
    })
}

/// The paths of pictures on show, and of what is said of them.
pub(super) fn exhibit_paths() -> Value {
    let text = json!({ "type": "string" });
    let voter = voter();
    let points = json!({ "type": "array", "maxItems": POINTS_MAX, "items": { "type": "string", "minLength": 1, "maxLength": POINT_CHARS_MAX } });
    let mut reported = created("The report.", "ArenaReport");
    reported["200"] = answer(
        "One person's second report of a picture changes nothing: the first.",
        "ArenaReport",
        TAKES,
    )["200"]
        .take();
    json!({
        "/v1/arena/exhibits": {
            "get": { "operationId": "listExhibits", "summary": "Pictures on show, the newest first, 100 at a time.",
                "parameters": [query("model", "By this model."), query("competition", "Of this competition."),
                    { "name": "state", "in": "query", "schema": { "enum": ["shown", "waiting", "hidden", "private"] }, "description": "Others than shown ones are told to operators." },
                    { "name": "skip", "in": "query", "schema": { "type": "integer", "minimum": 0 }, "description": "How many to leave out." }],
                "responses": answer("Pictures.", "ExhibitList", HAS) },
            "post": { "operationId": "publish", "summary": "Publish an image of one's own request in the gallery. What visitors publish waits for the operator.",
                "requestBody": taking(&object(&["request_id", "prompt"], &json!({ "request_id": text, "position": { "type": "integer", "minimum": 0, "maximum": 99 },
                    "prompt": { "type": "string", "description": "What was asked, as it is to be shown." }, "settings": { "type": "object", "description": "What was asked beside it." } }))),
                "responses": created("The picture.", "Exhibit") } },
        "/v1/arena/exhibits/{id}": { "patch": { "operationId": "changeExhibit", "summary": "Hide a picture of one's own, or as operator any; operators show them again.",
            "parameters": [id("id", "The picture.")], "requestBody": taking(&object(&["state"], &json!({ "state": { "enum": ["shown", "hidden"] } }))),
            "responses": answer("The picture.", "Exhibit", TAKES) },
            "delete": { "operationId": "deleteExhibit", "summary": "Remove a picture of one's own, or as operator any, for good. Votes on it still count.",
                "parameters": [id("id", "The picture.")], "responses": answer("It is removed.", "DeletedExhibit", HAS) } },
        "/v1/arena/exhibits/{id}/reports": { "post": { "operationId": "reportExhibit", "summary": "Report a picture on show to the operator.",
            "parameters": [id("id", "The picture.")],
            "requestBody": taking(&object(&["reason"], &json!({ "reason": { "type": "string", "minLength": 1, "maxLength": REASON_CHARS_MAX }, "voter": voter }))),
            "responses": reported } },
        "/v1/arena/exhibits/{id}/opinion": {
            "put": { "operationId": "putOpinion", "summary": "Keep what a model of the operator's says of a picture: a machine's opinion, never a vote.", "description": "For keys with the scope admin. 'pictor arena judge' asks such a model.",
                "parameters": [id("id", "The picture.")],
                "requestBody": taking(&object(&["judge"], &json!({ "judge": { "type": "string", "maxLength": JUDGE_CHARS_MAX, "description": "The model whose opinion it is." }, "plus": points, "minus": points }))),
                "responses": answer("The opinion.", "ArenaOpinion", TAKES) },
            "delete": { "operationId": "deleteOpinion", "summary": "Forget what was said of a picture.", "description": "For keys with the scope admin.",
                "parameters": [id("id", "The picture.")], "responses": answer("It is forgotten.", "DeletedOpinion", HAS) } },
        "/v1/arena/reports": { "get": { "operationId": "listReports", "summary": "Reports of pictures on show.", "description": "For keys with the scope admin.",
            "parameters": [{ "name": "state", "in": "query", "schema": { "enum": ["waiting", "upheld", "dismissed"] }, "description": "Waiting ones by default." }],
            "responses": answer("Reports, the newest first.", "ArenaReportList", HAS) } },
        "/v1/arena/reports/{id}": { "patch": { "operationId": "changeReport", "summary": "Uphold a report, which takes its picture down, or dismiss it; others that wait on the same picture are answered alike.", "description": "For keys with the scope admin.",
            "parameters": [id("id", "The report.")], "requestBody": taking(&object(&["state"], &json!({ "state": { "enum": ["upheld", "dismissed"] } }))),
            "responses": answer("The report.", "ArenaReport", TAKES) } },
    })
}

/// Its schemas.
pub(super) fn schemas() -> Value {
    let text = json!({ "type": "string" });
    let maybe = json!({ "type": ["string", "null"] });
    let time = json!({ "type": "string", "format": "date-time" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let flag = json!({ "type": "boolean", "description": "Whether the sandbox drew the pictures: then votes say nothing of the models." });
    let list = |of: &str| json!({ "type": "object", "required": ["object", "data"], "properties": { "object": { "const": "list" }, "data": { "type": "array", "items": reference(of) } } });
    let bounds = json!({ "type": ["array", "null"], "items": { "type": "number" }, "minItems": 2, "maxItems": 2 });
    let record = json!({ "type": "object", "description": "The left one's against the right one, or a model's against all.", "required": ["won", "lost", "as_good", "both_bad"],
        "properties": { "won": count, "lost": count, "as_good": count, "both_bad": count } });
    let hidden = json!({ "type": "object", "required": ["url"], "properties": { "url": { "type": "string", "description": "Where the picture is, under a name that tells nothing." } } });
    let named = json!({ "type": "object", "required": ["model", "name", "provider"], "properties": { "model": text, "name": text, "provider": text,
        "cost": { "type": ["number", "null"] }, "duration_ms": { "type": ["integer", "null"] }, "rating": { "type": ["number", "null"] }, "interval": bounds } });
    let standing = json!({ "type": "object", "required": ["model", "name", "rank", "rating", "interval", "votes", "record"], "properties": {
        "model": text, "name": text,
        "rank": { "type": "object", "required": ["rank", "best", "worst"], "properties": { "rank": count, "best": count, "worst": count },
            "description": "Its place, and the places that it may hold: right for all models at once at the stated confidence." },
        "rating": { "type": "number", "description": "Elo points; the mean of the rated models is 1100." }, "interval": bounds, "interval_resampled": bounds, "votes": count, "record": record } });
    json!({
        "CompetitionList": list("Competition"),
        "Competition": { "type": "object", "required": ["id", "object", "name", "mode", "prompt", "size", "models"], "properties": {
            "id": text, "object": { "const": "competition" }, "name": text, "mode": { "enum": ["text-to-image", "image-edit"] },
            "categories": { "type": "array", "items": text }, "prompt": text, "source_url": maybe, "size": text, "settings": { "type": "object" },
            "boards": { "type": "array", "items": text },
            "models": { "type": "array", "items": { "type": "object", "required": ["model", "entries"], "properties": { "model": text, "entries": count } } } } },
        "Battle": { "type": "object", "required": ["id", "object", "competition", "prompt", "left", "right"], "properties": {
            "id": text, "object": { "const": "battle" }, "competition": text, "prompt": text, "source_url": maybe, "left": hidden, "right": hidden, "sandbox": flag, "created_at": time } },
        "ArenaVote": { "type": "object", "required": ["object", "battle", "vote", "taken_back", "left", "right", "record"], "properties": {
            "object": { "const": "vote" }, "battle": text, "competition": text, "vote": maybe, "taken_back": { "type": "boolean" }, "left": named, "right": named, "record": record } },
        "Leaderboard": { "type": "object", "required": ["object", "board", "sandbox", "method", "votes", "trust", "data", "waiting"], "properties": {
            "object": { "const": "leaderboard" }, "board": text, "sandbox": flag, "method": { "type": "object" }, "votes": { "type": "object" },
            "trust": { "type": "object", "description": "The left side's share with its band of chance, triples of models that fit no order, votes that do not count." },
            "data": { "type": "array", "items": standing },
            "waiting": { "type": "array", "description": "Models with too few votes for a rank.", "items": { "type": "object", "properties": { "model": text, "name": text, "votes": count } } },
            "history": { "type": "array", "items": { "type": "object", "properties": { "day": { "type": "string", "format": "date" }, "ratings": { "type": "object" } } } } } },
        "ExhibitList": { "type": "object", "required": ["object", "total", "data"], "properties": { "object": { "const": "list" }, "total": count, "data": { "type": "array", "items": reference("Exhibit") } } },
        "Exhibit": { "type": "object", "required": ["id", "object", "model", "name", "provider", "prompt", "state", "sandbox", "created_at"], "properties": {
            "id": text, "object": { "const": "exhibit" }, "competition": maybe, "model": text, "name": text, "provider": text, "prompt": text, "settings": { "type": "object" },
            "cost": { "type": ["number", "null"] }, "duration_ms": { "type": ["integer", "null"] }, "size": text, "state": { "enum": ["shown", "waiting", "hidden", "private"], "description": "private: of a visitor's own prompt, and not published." }, "sandbox": flag, "request_id": text, "created_at": time,
            "opinion": { "description": "What a machine says of it, in lists.", "anyOf": [reference("ArenaOpinion"), { "type": "null" }] } } },
        "ArenaReportList": list("ArenaReport"),
        "ArenaReport": { "type": "object", "required": ["id", "object", "exhibit_id", "reporter", "reason", "state", "created_at"], "properties": {
            "id": text, "object": { "const": "arena.report" }, "exhibit_id": text, "reporter": text, "reason": text, "state": { "enum": ["waiting", "upheld", "dismissed"] }, "created_at": time,
            "exhibit": { "description": "The picture, in lists.", "anyOf": [reference("Exhibit"), { "type": "null" }] } } },
        "ArenaOpinion": { "type": "object", "description": "A machine's opinion. It counts for nothing.", "required": ["exhibit", "object", "judge", "plus", "minus", "created_at"], "properties": {
            "exhibit": text, "object": { "const": "arena.opinion" }, "judge": text, "plus": { "type": "array", "items": text }, "minus": { "type": "array", "items": text }, "created_at": time } },
        "DeletedExhibit": { "type": "object", "required": ["id", "object", "deleted"], "properties": { "id": text, "object": { "const": "exhibit" }, "deleted": { "const": true } } },
        "DeletedOpinion": { "type": "object", "required": ["exhibit", "object", "deleted"], "properties": { "exhibit": text, "object": { "const": "arena.opinion" }, "deleted": { "const": true } } },
        "ArenaVoterList": list("ArenaVoter"),
        "ArenaVoter": { "type": "object", "required": ["id", "object", "reason", "detail", "votes", "found_at", "restored_at"], "properties": {
            "id": text, "object": { "const": "arena.voter" }, "reason": { "enum": ["one_side", "too_fast", "one_model", "ring"] }, "detail": text, "votes": count, "found_at": time,
            "restored_at": { "type": ["string", "null"], "format": "date-time" } } },
        "SuggestionList": list("Suggestion"),
        "Suggestion": { "type": "object", "required": ["id", "object", "state"], "properties": {
            "id": text, "object": { "const": "arena.suggestion" }, "prompt": text, "state": { "enum": ["waiting", "taken", "left"] }, "created_at": time } },
        "ArenaDemo": { "type": "object", "required": ["object", "votes"], "properties": { "object": { "const": "arena.demo" }, "votes": count } },
    })
}
