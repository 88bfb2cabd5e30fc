//! A provider and a request for the tests beside the adapters.

use planner::mode::Mode;
use planner::native::{NativeRequest, NativeValue};

use super::{Credential, ProviderRequest, UpstreamAccess};

/// The provider `test` at this address.
pub(crate) fn access(base_url: &str, credential: &str, options: &[(&str, &str)]) -> UpstreamAccess {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    UpstreamAccess {
        provider: "test".to_owned(),
        base_url: base_url.parse().expect("an address"),
        credential: Credential::new(credential),
        options: options.iter().map(owned).collect(),
    }
}

/// A request of these fields for a picture, without inputs.
pub(crate) fn request(endpoint: UpstreamAccess, model: &str, fields: Vec<(&str, NativeValue)>) -> ProviderRequest {
    ProviderRequest {
        endpoint,
        native: NativeRequest {
            model: model.to_owned(),
            mode: Mode::TextToImage,
            fields: fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        },
        inputs: Vec::new(),
        mask: None,
    }
}

/// The same with a text in each of these fields.
pub(crate) fn named(endpoint: UpstreamAccess, model: &str, fields: &[&'static str]) -> ProviderRequest {
    let text = |name: &&'static str| (*name, NativeValue::Json("x".into()));
    request(endpoint, model, fields.iter().map(text).collect())
}
