//! `/app/sign-in`: with an API key.

use crate::frame::{Page, Section};
use crate::html::{Html, escape};

/// Where one signs in to get to `next`.
#[must_use]
pub fn path(next: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("next", next);
    format!("/app/sign-in?{}", query.finish())
}

/// A path of this site that may follow a sign-in; the desk for any other.
#[must_use]
pub fn own_path(next: &str) -> &str {
    let is_own = ["/app", "/playground"].iter().any(|own| {
        next.strip_prefix(own)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    });
    let is_plain = !next.contains(['\\', '\r', '\n']) && !next.contains("//");
    if is_own && is_plain { next } else { "/app" }
}

/// The form; `fault` says why the last one was refused.
#[must_use]
pub fn page(next: &str, fault: Option<&str>) -> Page {
    let told = fault.map_or_else(String::new, |fault| {
        format!("<p class=\"banner fail\" role=\"alert\">{}</p>\n", escape(fault))
    });
    let main = format!(
        "<div class=\"wrap\"><header class=\"pagehead\"><h1>Sign in</h1><p class=\"lede\">With an API key that may read: it shows its own account. One with the scope admin shows all of them.</p></header>\n{told}<form class=\"signin\" action=\"/app/sign-in\" method=\"post\"><input type=\"hidden\" name=\"next\" value=\"{}\"><div class=\"field\"><label for=\"key\">API key</label><input id=\"key\" name=\"key\" type=\"password\" class=\"mono\" placeholder=\"pk_…\" autocomplete=\"current-password\" required></div><button class=\"btn main\" type=\"submit\">Sign in</button></form>\n<p class=\"hint under\">A fresh installation writes its first key to <code>first-key</code> in its data folder. The session ends when you sign out, or after 12 hours without use; the key itself is not stored in the browser.</p></div>",
        escape(own_path(next))
    );
    Page {
        description: "The operator’s desk of this installation.".to_owned(),
        ..Page::new(Section::None, "/app/sign-in", "Sign in", Html(main))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_nowhere_else() {
        for own in ["/app", "/app/requests?model=x", "/playground?models=a"] {
            assert_eq!(own_path(own), own);
        }
        for other in [
            "",
            "https://evil.example",
            "//evil.example",
            "/app//evil",
            "/apple",
            "/app\\..",
            "/models",
        ] {
            assert_eq!(own_path(other), "/app", "{other}");
        }
    }
}
