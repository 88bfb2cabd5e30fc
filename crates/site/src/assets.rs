//! Style, scripts, fonts and the mark: in the program, named by what they hold.

/// One file. Its path changes with its bytes, so that whoever has it may keep it for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asset {
    /// The name by which pages call it, such as `site.css`.
    pub name: &'static str,
    /// Where it is served.
    pub path: &'static str,
    /// Its type.
    pub content_type: &'static str,
    /// Its bytes.
    pub plain: &'static [u8],
    /// The same, compressed by gzip, where that is smaller.
    pub gzip: Option<&'static [u8]>,
    /// The same, compressed by brotli, where that is smaller.
    pub brotli: Option<&'static [u8]>,
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The asset that is served at `path`.
#[must_use]
pub fn at(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// The path of the asset of that name; an empty one when there is none.
#[must_use]
pub fn href(name: &str) -> &'static str {
    ASSETS
        .iter()
        .find(|asset| asset.name == name)
        .map_or("", |asset| asset.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_font_of_the_style_sheet_is_served() {
        let css = at(href("site.css")).expect("the style sheet");
        let text = std::str::from_utf8(css.plain).expect("text");
        let named: Vec<&str> = text
            .split("url(")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .collect();
        assert_eq!(named.len(), 4, "{named:?}");
        for name in named {
            assert!(at(&format!("/assets/{name}")).is_some(), "{name}");
        }
        assert!(css.brotli.expect("compressed").len() < css.gzip.expect("compressed").len());
    }

    #[test]
    fn the_drawing_for_link_previews_is_a_png_as_large_as_pages_say() {
        let drawing = at(href("preview.png")).expect("the drawing");
        assert_eq!(
            (drawing.content_type, &drawing.plain[1..4]),
            ("image/png", b"PNG".as_slice())
        );
        // Width and height of a PNG's header.
        let (width_px, height_px) = crate::frame::PREVIEW_PX;
        assert_eq!(drawing.plain[16..20], width_px.to_be_bytes());
        assert_eq!(drawing.plain[20..24], height_px.to_be_bytes());
        assert!(drawing.plain.len() < 200_000, "{}", drawing.plain.len());
    }

    #[test]
    fn no_script_is_above_ten_kilobytes() {
        for asset in ASSETS
            .iter()
            .filter(|asset| asset.content_type.starts_with("text/javascript"))
        {
            assert!(asset.plain.len() <= 10_000, "{}: {}", asset.name, asset.plain.len());
        }
    }

    /// The page with the most scripts, as ARCHITECTURE.md tells its weight.
    #[test]
    fn scripts_of_the_playground_weigh_what_is_told() {
        let mut found = vec![href("site.js"), href("playground.js")];
        let mut place = 0;
        while place < found.len() {
            let module = at(found[place]).expect("an asset");
            let text = std::str::from_utf8(module.plain).expect("text");
            for name in text
                .split("from \"./")
                .skip(1)
                .filter_map(|rest| rest.split('"').next())
            {
                let own = at(&format!("/assets/{name}")).expect("a module").path;
                if !found.contains(&own) {
                    found.push(own);
                }
            }
            place += 1;
        }
        assert_eq!(found.len(), 12, "{found:?}");
        let all: Vec<&Asset> = found.iter().filter_map(|path| at(path)).collect();
        let plain: usize = all.iter().map(|asset| asset.plain.len()).sum();
        let sent: usize = all.iter().map(|asset| asset.brotli.unwrap_or(asset.plain).len()).sum();
        assert!(plain < 44_000 && sent < 18_000, "{plain} {sent}");
    }
}
