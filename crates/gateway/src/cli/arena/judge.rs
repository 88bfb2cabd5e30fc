//! Asking a model of the operator's own what speaks for and against each entry. It is a machine's opinion, and never a vote.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::super::Failed;
use super::super::client::{Gateway, Target};
use super::super::output::say;
use crate::arena::reports::{POINT_CHARS_MAX, POINTS_MAX};

/// Longest answer of a judge: models that run at home are slow.
const TIMEOUT: Duration = Duration::from_secs(300);
/// Most points for or against a picture that are asked for.
const POINTS: usize = 3;

/// Who judges, and what.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct JudgeArguments {
    /// Base of an OpenAI-compatible API with chat completions, such as http://127.0.0.1:11434/v1.
    #[arg(long, env = "PICTOR_JUDGE_URL")]
    judge_url: String,
    /// A model there that sees pictures.
    #[arg(long, env = "PICTOR_JUDGE_MODEL")]
    judge_model: String,
    /// Its key, where it takes one.
    #[arg(long, env = "PICTOR_JUDGE_KEY", hide_env_values = true)]
    judge_key: Option<String>,
    /// Only entries of this competition.
    #[arg(long)]
    competition: Option<String>,
    /// Also pictures of which something is said already.
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    target: Target,
}

/// Asks about every picture on show.
pub(super) async fn judge(arguments: JudgeArguments) -> Result<(), Failed> {
    let gateway = Gateway::new(&arguments.target)?;
    let http = Client::builder().timeout(TIMEOUT).build()?;
    let competition = arguments.competition.as_deref().filter(|id| !id.is_empty());
    let filter = competition.map_or_else(String::new, |id| {
        let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        format!("&competition={id}")
    });
    let (mut judged, mut skipped, mut seen) = (0_usize, 0_usize, 0_usize);
    loop {
        let path = format!("/v1/arena/exhibits?skip={seen}{filter}");
        let page = gateway.json(gateway.request(Method::GET, &path)).await?;
        let rows = page["data"].as_array().cloned().unwrap_or_default();
        if rows.is_empty() {
            break;
        }
        seen += rows.len();
        for row in rows {
            if !row["opinion"].is_null() && !arguments.again {
                skipped += 1;
                continue;
            }
            let id = row["id"].as_str().unwrap_or_default();
            let picture = gateway.bytes(&format!("{}/gallery/{id}.webp", gateway.url())).await?;
            let prompt = row["prompt"].as_str().unwrap_or_default();
            let said = ask(&http, &arguments, prompt, &picture).await?;
            let Some((plus, minus)) = points(&said) else {
                say(&format!(
                    "{id}: the judge gave no points in the form that was asked for"
                ));
                continue;
            };
            let opinion = json!({ "judge": arguments.judge_model, "plus": plus, "minus": minus });
            let path = format!("/v1/arena/exhibits/{id}/opinion");
            gateway.json(gateway.request(Method::PUT, &path).json(&opinion)).await?;
            judged += 1;
        }
    }
    say(&format!(
        "{judged} pictures judged by {}, {skipped} were judged before",
        arguments.judge_model
    ));
    Ok(())
}

/// What the judge says of a picture.
async fn ask(http: &Client, arguments: &JudgeArguments, prompt: &str, picture: &[u8]) -> Result<String, Failed> {
    let task = format!(
        "A picture was made from this order: {prompt:?}. Look at it and say what speaks for it and what against it, as an answer to that order: at most {POINTS} short points each, only what can be seen. Answer with nothing but JSON of the form {{\"plus\": [\"...\"], \"minus\": [\"...\"]}}."
    );
    let image = format!("data:image/webp;base64,{}", STANDARD.encode(picture));
    let body = json!({ "model": arguments.judge_model, "temperature": 0, "messages": [{ "role": "user", "content": [
        { "type": "text", "text": task }, { "type": "image_url", "image_url": { "url": image } } ] }] });
    let url = format!("{}/chat/completions", arguments.judge_url.trim_end_matches('/'));
    let mut request = http.post(&url).json(&body);
    if let Some(key) = &arguments.judge_key {
        request = request.bearer_auth(key);
    }
    let response = request.send().await?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("the judge at {url} answers {status}").into());
    }
    let answer: Value = response.json().await?;
    let said = answer["choices"][0]["message"]["content"].as_str();
    Ok(said.unwrap_or_default().to_owned())
}

/// The points of an answer, which may stand in other words.
fn points(said: &str) -> Option<(Vec<String>, Vec<String>)> {
    let object = said.get(said.find('{')?..=said.rfind('}')?)?;
    let object: Value = serde_json::from_str(object).ok()?;
    let list = |name: &str| -> Vec<String> {
        let points = object[name].as_array().into_iter().flatten();
        points
            .filter_map(Value::as_str)
            .map(|point| point.trim().chars().take(POINT_CHARS_MAX).collect::<String>())
            .filter(|point| !point.is_empty())
            .take(POINTS_MAX)
            .collect()
    };
    let (plus, minus) = (list("plus"), list("minus"));
    (!plus.is_empty() || !minus.is_empty()).then_some((plus, minus))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_found_in_whatever_stands_around_them() {
        let said = "Of course:\n```json\n{\"plus\": [\"clear light\", \" \"], \"minus\": [\"six fingers\"]}\n```";
        let found = points(said).expect("points");
        assert_eq!(found, (vec!["clear light".to_owned()], vec!["six fingers".to_owned()]));
        assert_eq!(points("I like it."), None);
        assert_eq!(points("} {"), None);
        assert_eq!(points("{\"plus\": []}"), None);
    }
}
