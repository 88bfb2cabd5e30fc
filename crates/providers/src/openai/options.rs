//! What sets a compatible server apart from OpenAI, read from the provider's options.

use planner::{failure::Failure, mode::Mode};
use reqwest::{
    Url,
    header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue},
};

use crate::adapter::{ProviderRequest, UpstreamAccess, misconfigured};

/// Options that become headers.
const HEADER_OPTIONS: [(&str, HeaderName); 2] = [
    ("organization", HeaderName::from_static("openai-organization")),
    ("project", HeaderName::from_static("openai-project")),
];
/// Where the credential stands when it stands alone and nothing else is said.
const KEY_HEADER: &str = "api-key";

/// The options, checked.
#[derive(Debug)]
pub(super) struct Options {
    auth: Auth,
    api_version: Option<String>,
    generations_path: String,
    edits_path: String,
    /// Whether the body names the model.
    pub(super) send_model: bool,
    image_field: ImageField,
}

#[derive(Debug, PartialEq, Eq)]
enum Auth {
    Bearer,
    Header(HeaderName),
    None,
}

#[derive(Debug, PartialEq, Eq)]
enum ImageField {
    AsDeclared,
    ByCount,
    Named(String),
}

impl Options {
    /// Reads them.
    ///
    /// # Errors
    /// A [`Failure`] that names the option whose value means nothing.
    pub(super) fn read(endpoint: &UpstreamAccess) -> Result<Self, Failure> {
        let option = |name: &str| endpoint.options.get(name).map(String::as_str);
        let path = |name: &str, default: &str| option(name).unwrap_or(default).to_owned();
        let auth = match (option("auth"), option("auth_header")) {
            (Some("none"), _) => Auth::None,
            (Some("bearer"), _) | (None, None) => Auth::Bearer,
            (Some("header") | None, name) => Auth::Header(
                HeaderName::from_bytes(name.unwrap_or(KEY_HEADER).as_bytes())
                    .map_err(|_| misconfigured("the provider's option `auth_header` is no name of a header"))?,
            ),
            (Some(_), _) => {
                return Err(misconfigured(
                    "the provider's option `auth` is neither bearer, header nor none",
                ));
            }
        };
        let send_model = match option("send_model") {
            None | Some("true") => true,
            Some("false") => false,
            Some(_) => {
                return Err(misconfigured(
                    "the provider's option `send_model` is neither true nor false",
                ));
            }
        };
        Ok(Self {
            auth,
            api_version: option("api_version").map(str::to_owned),
            generations_path: path("generations_path", "images/generations"),
            edits_path: path("edits_path", "images/edits"),
            send_model,
            image_field: match option("image_field") {
                None | Some("as_declared") => ImageField::AsDeclared,
                Some("by_count") => ImageField::ByCount,
                Some(name) => ImageField::Named(name.to_owned()),
            },
        })
    }

    /// Where the request goes.
    pub(super) fn url(&self, request: &ProviderRequest) -> Result<Url, Failure> {
        let path = match request.native.mode {
            Mode::TextToImage => &self.generations_path,
            Mode::ImageEdit | Mode::Upscale => &self.edits_path,
        };
        let mut url = request.endpoint.url(&path.replace("{model}", &request.native.model))?;
        if let Some(version) = &self.api_version {
            url.query_pairs_mut().append_pair("api-version", version);
        }
        Ok(url)
    }

    /// The credential and what else stands in headers.
    pub(super) fn headers(&self, endpoint: &UpstreamAccess) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        match &self.auth {
            Auth::Bearer => {
                headers.insert(AUTHORIZATION, endpoint.authorization("Bearer")?);
            }
            Auth::Header(name) => {
                headers.insert(name.clone(), endpoint.key()?);
            }
            Auth::None => {}
        }
        for (option, header) in HEADER_OPTIONS {
            let value = endpoint
                .options
                .get(option)
                .and_then(|value| HeaderValue::from_str(value).ok());
            if let Some(value) = value {
                headers.insert(header, value);
            }
        }
        Ok(headers)
    }

    /// The name of a file's field that the catalogue calls `declared`, when there are `count` files.
    pub(super) fn image_name<'a>(&'a self, declared: &'a str, count: usize) -> &'a str {
        if !matches!(declared, "image" | "image[]") {
            return declared;
        }
        match &self.image_field {
            ImageField::AsDeclared => declared,
            ImageField::ByCount if count == 1 => "image",
            ImageField::ByCount => "image[]",
            ImageField::Named(name) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::sample;

    fn read(pairs: &[(&str, &str)]) -> Result<Options, Failure> {
        Options::read(&sample::access("https://a.example/v1", "secret", pairs))
    }

    #[test]
    fn the_credential_goes_where_the_options_say() {
        let named = |name: &'static str| Auth::Header(HeaderName::from_static(name));
        for (pairs, auth) in [
            (&[][..], Auth::Bearer),
            (&[("auth", "bearer"), ("auth_header", "x-key")], Auth::Bearer),
            (&[("auth_header", "X-Key")], named("x-key")),
            (&[("auth", "header")], named("api-key")),
            (&[("auth", "none")], Auth::None),
        ] {
            assert_eq!(read(pairs).expect("good options").auth, auth, "{pairs:?}");
        }
    }

    #[test]
    fn options_that_mean_nothing_are_named() {
        for (name, value) in [("auth", "basic"), ("auth_header", "a b"), ("send_model", "no")] {
            let failure = read(&[(name, value)]).expect_err("no such value");
            assert!(failure.message.contains(name), "{}", failure.message);
        }
    }

    #[test]
    fn files_are_named_by_their_number() {
        let named = |option: Option<&str>, declared: &'static str, count| {
            let pairs: Vec<_> = option.into_iter().map(|value| ("image_field", value)).collect();
            read(&pairs)
                .expect("good options")
                .image_name(declared, count)
                .to_owned()
        };
        assert_eq!(named(None, "image[]", 1), "image[]");
        assert_eq!(named(Some("by_count"), "image[]", 1), "image");
        assert_eq!(named(Some("by_count"), "image", 2), "image[]");
        assert_eq!(named(Some("files"), "image", 2), "files");
        assert_eq!(named(Some("by_count"), "mask", 1), "mask");
    }
}
