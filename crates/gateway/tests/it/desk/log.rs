//! The desk's log, one request of it, usage, and sessions.

use gateway::auth::Scope;
use reqwest::StatusCode;
use serde_json::json;

use super::super::harness::{TestGateway, file, noise};
use super::super::payloads::keep_payloads;
use super::super::sessions::{form, signed_in};
use super::{audited, id_of, page, token};

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_asked_again_as_it_was_and_explained_on_its_page() {
    let gateway = TestGateway::embedded().await;
    keep_payloads(&gateway).await;
    let admin = signed_in(&gateway, &gateway.key).await;
    let edit = reqwest::multipart::Form::new()
        .text("model", "gpt-image-1.5")
        .text("prompt", "gulls o\u{2019}er it's sea")
        .text("quality", "low")
        .text("response_format", "url")
        .part("image", file(noise((64, 64))));
    let made = gateway.edit(edit).await;
    made.ok();
    let path = format!("/app/requests/{}", made.id());
    let told = page(&gateway, &path, &admin).await.text();
    for part in [
        "image[]=@input.png",
        "quality=low",
        "Its input images are not kept",
        "explain=1",
    ] {
        assert!(told.contains(part), "no {part}: {told}");
    }
    let code = told
        .split("The call again as curl")
        .nth(1)
        .and_then(|rest| rest.split("</pre>").next());
    let code = code.expect("code");
    assert!(!code.contains("application/json"), "{code}");
    assert!(!told.contains("texts of this request are not kept"), "{told}");
    // Where it would go, on the page itself.
    let told = page(&gateway, &format!("{path}?explain=1"), &admin).await.text();
    assert!(told.contains("Where it would go now</h4>"), "{told}");
    let table = told.split("Where it would go now</h4>").nth(1).expect("a table");
    assert!(table.contains(">1.</td>") && table.contains("$0."), "{table}");
    let other = super::super::requests::other_account(&gateway, &[Scope::Read]).await;
    let reader = signed_in(&gateway, &other).await;
    let hidden = page(&gateway, &format!("{path}?explain=1"), &reader).await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_picture_of_a_request_can_be_published() {
    let gateway = TestGateway::embedded().await;
    let admin = signed_in(&gateway, &gateway.key).await;
    let token = token(&gateway, &admin).await;
    let two = json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64", "n": 2, "response_format": "url" });
    let made = gateway.generate(two).await;
    made.ok();
    let path = format!("/app/requests/{}", made.id());
    let told = page(&gateway, &path, &admin).await.text();
    assert!(told.contains("Picture 2 of 2"), "{told}");
    let fields = [("form_token", token.as_str()), ("prompt", "dunes"), ("position", "1")];
    let hung = form(&gateway, &format!("{path}/publish"), &admin, &fields).await;
    assert_eq!(hung.status, StatusCode::SEE_OTHER, "{}", hung.text());
    let id = hung.header("location").trim_start_matches("/gallery/").to_owned();
    let exhibit = gateway.database.exhibit(&id).await.expect("the database answers");
    assert_eq!(exhibit.map(|exhibit| exhibit.position), Some(1));
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_searched_by_days_and_keeps_the_account() {
    let gateway = TestGateway::embedded().await;
    let today = gateway.clock.now().to_string()[..10].to_owned();
    gateway
        .generate(json!({ "model": "mock-image", "prompt": "dunes", "size": "64x64" }))
        .await
        .ok();
    let admin = signed_in(&gateway, &gateway.key).await;
    let rows = |text: &str| text.matches("data-request=").count();
    let shown = page(&gateway, &format!("/app/requests?from={today}&to={today}"), &admin)
        .await
        .text();
    assert_eq!(rows(&shown), 1);
    assert!(
        shown.contains(&format!("type=\"date\" name=\"to\" value=\"{today}\"")),
        "{shown}"
    );
    let before = page(&gateway, "/app/requests?to=2020-01-01", &admin).await.text();
    assert_eq!(rows(&before), 0);
    // A period that is chosen takes the place of the days.
    assert!(
        !before.contains("days=7&amp;to=") && !before.contains("to=2020-01-01&amp;days=7"),
        "{before}"
    );
    let usage = page(&gateway, "/app/usage?totals=1&account=default", &admin)
        .await
        .text();
    assert!(usage.contains("model=mock-image&amp;account=default"), "{usage}");
    let settings = page(&gateway, "/app/settings", &admin).await.text();
    assert!(!settings.contains("takes effect with the next start"), "{settings}");
    gateway.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_who_is_signed_in_and_ends_it() {
    let gateway = TestGateway::embedded().await;
    let admin = signed_in(&gateway, &gateway.key).await;
    let lost = signed_in(&gateway, &gateway.key).await;
    let told = page(&gateway, "/app/sessions", &admin).await.text();
    assert!(told.contains("this one"), "{told}");
    let path = told.split("action=\"/app/sessions/").nth(1).expect("a button");
    let path = format!("/app/sessions/{}", path.split('"').next().expect("its end"));
    let token = token(&gateway, &admin).await;
    let refused = form(&gateway, &path, &admin, &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert_eq!(page(&gateway, "/app", &lost).await.status, StatusCode::OK);
    let ended = form(&gateway, &path, &admin, &[("form_token", &token)]).await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER, "{}", ended.text());
    let shut_out = form(&gateway, "/app/sign-out", &lost, &[("form_token", &token)]).await;
    assert_ne!(shut_out.status, StatusCode::SEE_OTHER);
    assert!(
        !page(&gateway, "/app/sessions", &admin)
            .await
            .text()
            .contains("action=\"/app/sessions/")
    );
    let again = form(&gateway, &path, &admin, &[("form_token", &token)]).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    let line = &audited(&gateway, "session_end").await[0];
    assert_eq!(line["target"], json!(id_of(&gateway.key)));
    gateway.finish().await;
}
