//! The rows of the five hosted pages, found on ours: facts, not words.

use std::collections::BTreeMap;

use regex::Regex;
use reqwest::Method;
use serde::Deserialize;

use super::harness::{TestGateway, send};

/// The rows and where they stand.
const ROWS: &str = include_str!("seed_pages/rows.toml");
/// The page of the endpoint that draws from text.
const REFERENCE: &str = "/docs/api/generate-images";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rows {
    parameter: Vec<Parameter>,
    size: Vec<Size>,
    text: Vec<Text>,
    reference: Vec<Reference>,
    gone: Vec<Gone>,
}

/// A row of a model's table of parameters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameter {
    page: String,
    at: String,
    name: String,
    r#type: String,
    modes: String,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    says: Vec<String>,
}

/// A row of a model's table of sizes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Size {
    page: String,
    at: String,
    size: String,
    aspect_ratio: String,
    resolution: String,
}

/// A fact that stands somewhere on a page, as HTML.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    page: String,
    at: String,
    says: Vec<String>,
}

/// A parameter in the reference of the endpoint.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reference {
    at: String,
    name: String,
    badge: String,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    says: Vec<String>,
}

/// A row that no longer holds.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Gone {
    at: String,
    why: String,
}

/// What is told without its marks.
fn plain(html: &str) -> String {
    let tags = Regex::new("<[^>]+>").expect("a pattern");
    let blanks = Regex::new(r"\s+").expect("a pattern");
    let text = tags
        .replace_all(html, " ")
        .replace("&#39;", "'")
        .replace("&quot;", "\"");
    blanks.replace_all(&text, " ").into_owned()
}

/// What stands between `begin` and the next `end`.
fn between<'a>(html: &'a str, begin: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = html.split_once(begin)?;
    rest.split_once(end).map(|(inside, _)| inside)
}

/// What of `wanted` a part of a page lacks, each as it is told.
fn lacking(part: Option<&str>, values: &[String], says: &[String]) -> Vec<String> {
    let Some(part) = part else {
        return vec!["the row".to_owned()];
    };
    let text = plain(part);
    let values = values.iter().filter(|value| !part.contains(&format!(">{value}</li>")));
    let says = says.iter().filter(|said| !text.contains(said.as_str()));
    values.chain(says).cloned().collect()
}

#[tokio::test]
async fn every_row_of_the_hosted_pages_stands_on_ours_but_those_that_no_longer_hold() {
    let rows: Rows = toml::from_str(ROWS).expect("rows");
    let gateway = TestGateway::embedded().await;
    let mut pages = BTreeMap::new();
    let told = rows.parameter.iter().map(|row| &row.page);
    for page in told.chain(rows.text.iter().map(|row| &row.page)) {
        if !pages.contains_key(page) {
            pages.insert(page.clone(), send(gateway.anonymous(Method::GET, page)).await.text());
        }
    }
    let mut missing = Vec::new();
    for row in &rows.parameter {
        let begin = format!("<tr id=\"p-{}\">", row.name);
        let part = between(&pages[&row.page], &begin, "</tr>");
        let says = [row.says.clone(), vec![row.r#type.clone(), row.modes.clone()]].concat();
        missing.extend(
            lacking(part, &row.values, &says)
                .iter()
                .map(|what| format!("{} {}: {what}", row.at, row.name)),
        );
    }
    for row in &rows.size {
        let cells = [
            format!("<td class=\"nowrap\">{}</td>", row.size),
            format!("<td class=\"mono nowrap\">\"{}\"</td>", row.size.replace(" × ", "x")),
            format!("\"{}\" and \"{}\"</td>", row.aspect_ratio, row.resolution),
        ];
        if !pages[&row.page]
            .split("<tr>")
            .any(|tr| cells.iter().all(|cell| tr.contains(cell)))
        {
            missing.push(format!("{} {}", row.at, row.size));
        }
    }
    for row in &rows.text {
        let page = &pages[&row.page];
        let text = plain(page);
        let absent = row
            .says
            .iter()
            .filter(|said| !page.contains(said.as_str()) && !text.contains(said.as_str()));
        missing.extend(absent.map(|said| format!("{}: {said}", row.at)));
    }
    for row in &rows.reference {
        let part = between(&pages[REFERENCE], &format!("<div id=\"b-{}\">", row.name), "</dd>");
        let says = [row.says.clone(), vec![row.badge.clone()]].concat();
        missing.extend(
            lacking(part, &row.values, &says)
                .iter()
                .map(|what| format!("{} {}: {what}", row.at, row.name)),
        );
    }
    assert!(missing.is_empty(), "{missing:#?}");
    for row in &rows.gone {
        assert!(
            !row.at.is_empty() && !row.why.is_empty(),
            "a row that is gone has a reason"
        );
    }
    gateway.finish().await;
}
