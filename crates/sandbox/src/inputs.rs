//! Input images given by URL: `data:` URLs and files of this sandbox itself; nothing else is ever fetched.

use crate::core::Core;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use bytes::Bytes;

/// One input image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub(crate) bytes: Bytes,
    /// As told by the URL or the store; may be wrong or empty.
    pub(crate) content_type: String,
}

/// Why an input could not be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("not a data URL with base64 data")]
    BadDataUrl,
    #[error("the sandbox reaches no other hosts")]
    OtherHost,
    #[error("no such file, or it has expired")]
    Missing,
    #[error("neither an http(s) nor a data URL")]
    NotAUrl,
}

/// Loads an input. Files of this sandbox are found by the path segment after `/media/` or `/files/`.
pub(crate) fn load(core: &Core, url: &str) -> Result<Loaded, LoadError> {
    if let Some(rest) = strip_scheme(url, "data:") {
        return parse_data_url(rest).ok_or(LoadError::BadDataUrl);
    }
    if strip_scheme(url, "http://").is_none() && strip_scheme(url, "https://").is_none() {
        return Err(LoadError::NotAUrl);
    }
    let path = core.own_path(url).ok_or(LoadError::OtherHost)?;
    let id = media_id(path).ok_or(LoadError::Missing)?;
    let item = core.media.get(id, core.now()).map_err(|_| LoadError::Missing)?;
    if item.fault.is_some() {
        return Err(LoadError::Missing);
    }
    Ok(Loaded {
        bytes: item.bytes,
        content_type: item.content_type,
    })
}

fn strip_scheme<'u>(url: &'u str, scheme: &str) -> Option<&'u str> {
    let head = url.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then(|| &url[scheme.len()..])
}

/// What stands after `data:`. Base64 of either alphabet is taken, padded or not in the end.
fn parse_data_url(rest: &str) -> Option<Loaded> {
    let (head, data) = rest.split_once(',')?;
    let kind = head.strip_suffix(";base64")?;
    let data = data.trim();
    let bytes = STANDARD.decode(data).or_else(|_| URL_SAFE.decode(data));
    Some(Loaded {
        bytes: bytes.ok()?.into(),
        content_type: kind.split(';').next().unwrap_or_default().to_owned(),
    })
}

fn media_id(path: &str) -> Option<&str> {
    let mut segments = path.split('/');
    segments.find(|segment| matches!(*segment, "media" | "files"))?;
    // Between the mark and the id a path may have folders; the id is the first long one.
    let id = segments.find(|segment| segment.len() >= 16)?;
    id.split('.').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::NewMedia;
    use std::time::Duration;

    fn core() -> Core {
        Core::new("http://127.0.0.1:9".to_owned(), None, false)
    }

    #[test]
    fn data_urls_are_decoded() {
        let loaded = load(&core(), "data:image/png;charset=x;base64,AAEC").expect("it is base64");
        assert_eq!(loaded.content_type, "image/png");
        assert_eq!(loaded.bytes.as_ref(), [0, 1, 2]);
        assert_eq!(load(&core(), "data:image/png;base64,%%"), Err(LoadError::BadDataUrl));
        assert_eq!(load(&core(), "data:nothing"), Err(LoadError::BadDataUrl));
    }

    #[test]
    fn only_own_files_are_reached() {
        let core = core();
        let id = core.media.put(
            NewMedia {
                bytes: Bytes::from_static(b"png"),
                content_type: "image/png".to_owned(),
                ttl: Duration::from_secs(9),
                fault: None,
            },
            core.now(),
        );
        let own = format!("http://localhost:9/fal/media/files/a/{id}.png?x=1");
        assert_eq!(
            load(&core, &own).map(|loaded| loaded.bytes),
            Ok(Bytes::from_static(b"png"))
        );
        for (url, error) in [
            (format!("http://localhost:8/fal/media/{id}"), LoadError::OtherHost),
            (format!("https://localhost:9/fal/media/{id}"), LoadError::OtherHost),
            (format!("http://example.org/fal/media/{id}"), LoadError::OtherHost),
            ("http://127.0.0.1:9/fal/media/nope".to_owned(), LoadError::Missing),
            ("file:///etc/passwd".to_owned(), LoadError::NotAUrl),
        ] {
            assert_eq!(load(&core, &url), Err(error), "{url}");
        }
    }
}
