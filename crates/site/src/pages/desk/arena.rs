//! `/app/arena`: what waits for the operator: pictures that visitors publish, reports, suggestions, and voters who were set aside.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Desk, Place, brief, table, told_fault};
use crate::frame::Page;
use crate::html::{escape, status};
use crate::told::{list, number, text};
use crate::words;

/// What the page shows, as the API answers it.
#[derive(Debug)]
pub struct Shown<'a> {
    /// Who looks.
    pub desk: &'a Desk,
    /// Pictures that wait.
    pub exhibits: &'a Value,
    /// Reports that wait, each with its picture.
    pub reports: &'a Value,
    /// Prompts that wait.
    pub suggestions: &'a Value,
    /// Voters who were set aside.
    pub voters: &'a Value,
    /// Why a form was refused.
    pub fault: Option<&'a str>,
}

/// A button that sets something: its words, and the field that it sends.
type Answer = (&'static str, &'static str, &'static str);

/// The page.
#[must_use]
pub fn page(shown: &Shown<'_>) -> Page {
    let desk = shown.desk;
    let mut out = String::new();
    told_fault(&mut out, shown.fault);
    section(
        &mut out,
        "Pictures that wait",
        "Visitors published them. They are seen by nobody until you let them in.",
        &pictures(desk, list(shown.exhibits, "data")),
    );
    section(
        &mut out,
        "Reports",
        "Upheld, a report takes its picture down; others that wait on the same picture are answered alike.",
        &reports(desk, list(shown.reports, "data")),
    );
    section(
        &mut out,
        "Suggested prompts",
        "A competition is made by writing its file; taken or left, the suggestion waits no more.",
        &suggestions(desk, list(shown.suggestions, "data")),
    );
    section(
        &mut out,
        "Voters set aside",
        "Their votes are not counted and not deleted. Who was taken back in is not set aside anew.",
        &voters(desk, list(shown.voters, "data")),
    );
    desk.page(
        Place::Arena,
        "Arena",
        "<a class=\"btn sm\" href=\"/leaderboard\">Board</a><a class=\"btn sm\" href=\"/docs/arena\">How it works</a>",
        &out,
    )
}

fn section(out: &mut String, title: &str, hint: &str, rows: &str) {
    let inner = if rows.is_empty() {
        "<p class=\"dim\">None.</p>"
    } else {
        rows
    };
    let _ = writeln!(
        out,
        "<section class=\"stack\"><h2 class=\"h3\">{title}</h2><p class=\"hint\">{hint}</p>{inner}</section>"
    );
}

/// The forms that answer about one thing.
fn answers(desk: &Desk, path: &str, about: &str, choices: &[Answer]) -> String {
    let form = |(words, name, value): &Answer| {
        let inner = format!(
            "<input type=\"hidden\" name=\"{name}\" value=\"{value}\"><button class=\"btn sm\" type=\"submit\">{words}<span class=\"sr\">: {}</span></button>",
            escape(about)
        );
        desk.form(path, "", &inner)
    };
    format!(
        "<div class=\"row tight\">{}</div>",
        choices.iter().map(form).collect::<String>()
    )
}

/// The form that removes a picture for good.
fn removal(desk: &Desk, exhibit: &Value) -> String {
    let path = format!("/app/arena/exhibits/{}/removed", text(exhibit, "id"));
    let button = format!(
        "<button class=\"btn sm bare\" type=\"submit\">Remove for good<span class=\"sr\">: {}</span></button>",
        escape(text(exhibit, "prompt"))
    );
    desk.form(&path, "", &button)
}

/// A picture as it lies, whatever its state: the desk alone may see what is not on show.
fn thumb(exhibit: &Value) -> String {
    format!(
        "<img class=\"thumb\" src=\"/app/arena/pictures/{}.webp\" alt=\"\" width=\"96\" height=\"96\" loading=\"lazy\" decoding=\"async\">",
        escape(text(exhibit, "id"))
    )
}

fn pictures(desk: &Desk, rows: &[Value]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let row = |exhibit: &Value| {
        let path = format!("/app/arena/exhibits/{}", text(exhibit, "id"));
        format!(
            "<tr><td>{}</td><th scope=\"row\" class=\"wrapped\">{}</th><td>{}</td><td class=\"num\">{}</td><td>{}</td></tr>\n",
            thumb(exhibit),
            escape(text(exhibit, "prompt")),
            escape(text(exhibit, "name")),
            brief(exhibit, "created_at"),
            answers(
                desk,
                &path,
                text(exhibit, "prompt"),
                &[("Show", "state", "shown"), ("Leave out", "state", "hidden")]
            ) + &removal(desk, exhibit)
        )
    };
    table(
        "Pictures that wait",
        &[
            ("Picture", false),
            ("Prompt", false),
            ("Model", false),
            ("Published", false),
            ("Answer", false),
        ],
        &rows.iter().map(row).collect::<String>(),
    )
}

fn reports(desk: &Desk, rows: &[Value]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let row = |report: &Value| {
        let exhibit = &report["exhibit"];
        let path = format!("/app/arena/reports/{}", text(report, "id"));
        format!(
            "<tr><td>{}</td><th scope=\"row\" class=\"wrapped\">{}</th><td class=\"wrapped\">{}</td><td class=\"num\">{}</td><td>{}</td></tr>\n",
            thumb(exhibit),
            escape(text(report, "reason")),
            escape(text(exhibit, "prompt")),
            brief(report, "created_at"),
            answers(
                desk,
                &path,
                text(report, "reason"),
                &[("Take down", "state", "upheld"), ("Dismiss", "state", "dismissed")]
            ) + &removal(desk, exhibit)
        )
    };
    table(
        "Reports",
        &[
            ("Picture", false),
            ("What is wrong", false),
            ("Prompt", false),
            ("Reported", false),
            ("Answer", false),
        ],
        &rows.iter().map(row).collect::<String>(),
    )
}

fn suggestions(desk: &Desk, rows: &[Value]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let row = |one: &Value| {
        let path = format!("/app/arena/suggestions/{}", text(one, "id"));
        format!(
            "<tr><th scope=\"row\" class=\"wrapped\">{}</th><td class=\"num\">{}</td><td>{}</td></tr>\n",
            escape(text(one, "prompt")),
            brief(one, "created_at"),
            answers(
                desk,
                &path,
                text(one, "prompt"),
                &[("Take", "state", "taken"), ("Leave", "state", "left")]
            )
        )
    };
    table(
        "Suggested prompts",
        &[("Prompt", false), ("Suggested", false), ("Answer", false)],
        &rows.iter().map(row).collect::<String>(),
    )
}

fn voters(desk: &Desk, rows: &[Value]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let row = |voter: &Value| {
        let id = text(voter, "id");
        let counts = !voter["restored_at"].is_null();
        let (state, answer): (_, Answer) = if counts {
            (status("ok", "counted again"), ("Set aside", "counts", "false"))
        } else {
            (status("warn", "not counted"), ("Count again", "counts", "true"))
        };
        format!(
            "<tr><th scope=\"row\" class=\"mono\">{}</th><td class=\"wrapped\">{}</td><td class=\"n\">{}</td><td class=\"num\">{}</td><td>{state}</td><td>{}</td></tr>\n",
            escape(id),
            escape(text(voter, "detail")),
            words::number(number(voter, "votes")),
            brief(voter, "found_at"),
            answers(desk, &format!("/app/arena/voters/{id}"), id, &[answer])
        )
    };
    table(
        "Voters set aside",
        &[
            ("Voter", false),
            ("Why", false),
            ("Votes", true),
            ("Found", false),
            ("State", false),
            ("Answer", false),
        ],
        &rows.iter().map(row).collect::<String>(),
    )
}
