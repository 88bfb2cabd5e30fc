//! Who looks at a page: the theme that was chosen, and the address by which this installation was reached.

use axum::http::{HeaderMap, header};
use site::frame::{Theme, Visit};

use super::cookie;
use super::state::AppState;
use crate::upstreams::Service;

/// Longest host name with its port.
const HOST_CHARS_MAX: usize = 260;

/// The visit that a request makes.
pub(crate) fn of(state: &AppState, headers: &HeaderMap) -> Visit {
    let upstreams = &state.generator.upstreams;
    let is_real = |service: &Service| matches!(service, Service::Real { .. });
    Visit {
        address: address(state, headers),
        theme: theme(headers),
        is_signed_in: cookie::is_signed_in(headers),
        sandbox: !upstreams.iter().any(|upstream| is_real(&upstream.service))
            && upstreams.iter().any(|upstream| upstream.service == Service::Sandbox),
        version: env!("CARGO_PKG_VERSION"),
    }
}

/// The operator's address, else that by which the reader came, else the one that is listened on.
fn address(state: &AppState, headers: &HeaderMap) -> String {
    if let Some(public) = state.shelf.public_url() {
        return public.to_owned();
    }
    let own = state.shelf.own_url();
    let scheme = own.split("://").next().unwrap_or("http");
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    host.filter(|host| is_host(host))
        .map_or_else(|| own.to_owned(), |host| format!("{scheme}://{host}"))
}

/// Whether a text can be nothing but a host with or without a port: it is shown in pages and samples.
fn is_host(text: &str) -> bool {
    let is_sign = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '.' | '-' | ':' | '[' | ']');
    !text.is_empty() && text.len() <= HOST_CHARS_MAX && text.chars().all(is_sign)
}

fn theme(headers: &HeaderMap) -> Option<Theme> {
    cookie::values(headers, "theme").find_map(Theme::parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_host_is_shown() {
        for good in ["localhost", "127.0.0.1:8484", "images.example.com", "[::1]:8484"] {
            assert!(is_host(good), "{good}");
        }
        for bad in ["", "a b", "x\"y", "evil.example/<script>", "a@b", &"a".repeat(300)] {
            assert!(!is_host(bad), "{bad}");
        }
    }

    #[test]
    fn the_theme_is_read_from_its_cookie_alone() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            "a=b; theme=dark; other=light".parse().expect("a header"),
        );
        assert_eq!(theme(&headers), Some(Theme::Dark));
        headers.insert(header::COOKIE, "theme=pink".parse().expect("a header"));
        assert_eq!(theme(&headers), None);
    }
}
