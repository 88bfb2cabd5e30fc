//! A caller's image request, read from JSON or form fields.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use crate::argument;
use crate::catalog::Catalog;
use crate::catalog::parameter::Parameter;
use crate::fault::{Fault, echo};
use crate::format::Format;
use crate::mode::Mode;
use crate::route::Route;
use crate::size::{Size, SizeArgument, SizeRequest, parse_aspect_ratio, parse_resolution, parse_size};

/// Images that one request may ask for, as the catalogue declares `n`.
pub const N_MAX: u32 = 10;
/// Longest webhook URL, in characters: what servers and proxies commonly take as one.
pub const WEBHOOK_URL_CHARS_MAX: usize = 2_048;

/// The end user, as it was first called, and the newer name of the same.
const USER: &str = "user";
const SAFETY_IDENTIFIER: &str = "safety_identifier";
/// Fields that are known and that no offer is sent, and why.
const REFUSED: [(&str, &str); 3] = [
    (
        "frame_count",
        "asks for a moving image, whose price is not published: Pictor makes still images only, so leave it out",
    ),
    (
        "frame_duration_ms",
        "is for moving images, whose price is not published: Pictor makes still images only, so leave it out",
    ),
    (
        "markup",
        "is not taken yet: draw the marks into the first image, or send a 'mask' whose transparent parts are edited",
    ),
];

/// How images are handed to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseFormat {
    /// A link.
    Url,
    /// The bytes as base64 text.
    B64Json,
    /// A link and the bytes.
    Both,
}

impl ResponseFormat {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Url, Self::B64Json, Self::Both];

    /// The name in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::B64Json => "b64_json",
            Self::Both => "both",
        }
    }

    /// The one with this name in the API.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    /// Whether images come as links.
    #[must_use]
    pub const fn has_links(self) -> bool {
        matches!(self, Self::Url | Self::Both)
    }

    /// Whether images come as bytes.
    #[must_use]
    pub const fn has_bytes(self) -> bool {
        matches!(self, Self::B64Json | Self::Both)
    }
}

/// Which endpoint was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// `/images/generations`.
    Generations,
    /// `/images/edits`.
    Edits,
}

/// A request as the caller meant it. Nothing has been looked up in the catalogue yet, apart from parameter aliases.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRequest {
    /// What is asked of the model.
    pub mode: Mode,
    /// The model's name as given; empty when it is missing.
    pub model: String,
    /// The prompt.
    pub prompt: Option<String>,
    /// Images wanted, at least 1.
    pub n: u32,
    /// Size, ratio and tier.
    pub size: SizeRequest,
    /// How images are handed over, when the caller says.
    pub response_format: Option<ResponseFormat>,
    /// The file format wanted.
    pub output_format: Option<Format>,
    /// Quality of lossy formats, 0 to 100. Zero means one: some clients count from zero.
    pub output_compression: Option<u8>,
    /// Whether the answer is a stream of events.
    pub stream: bool,
    /// Partial images wanted in a stream.
    pub partial_images: u32,
    /// Where the caller wants it to go.
    pub route: Option<Route>,
    /// Where the caller wants to be told of the end. A text yet: what may be called is not decided here.
    pub webhook_url: Option<String>,
    /// Every other argument, by canonical name; kept once, whoever is sent it.
    pub arguments: IndexMap<String, Arc<Value>>,
    /// Whether arguments came as form fields, where everything is text.
    pub from_form: bool,
    /// The caller's own spellings, by canonical name, where they are others.
    pub spellings: IndexMap<String, String>,
}

impl ImageRequest {
    /// The caller's own spelling of a parameter.
    #[must_use]
    pub fn spelling<'a>(&'a self, name: &'a str) -> &'a str {
        self.spellings.get(name).map_or(name, String::as_str)
    }
}

/// What an input image is, read from its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputFacts {
    /// File format.
    pub format: Format,
    /// Width.
    pub width_px: u32,
    /// Height.
    pub height_px: u32,
    /// Whether it has an alpha channel.
    pub has_alpha: bool,
    /// Whether it is one picture of gray, RGB or RGBA, eight bits each.
    pub is_plain: bool,
    /// Bytes of the file.
    pub size_bytes: u64,
}

impl InputFacts {
    /// Its size.
    #[must_use]
    pub const fn size(&self) -> Size {
        Size::new(self.width_px, self.height_px)
    }
}

/// The images of an edit.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inputs {
    /// Input images in the caller's order.
    pub images: Vec<InputFacts>,
    /// The mask.
    pub mask: Option<InputFacts>,
}

/// Reads a request. Fields at fault are left at their default, so that the rest can be checked too and all faults be told together.
#[must_use]
pub fn parse(
    endpoint: Endpoint,
    fields: &Map<String, Value>,
    from_form: bool,
    catalog: &Catalog,
) -> (ImageRequest, Vec<Fault>) {
    let mut reader = Reader {
        catalog,
        fields: IndexMap::new(),
        spellings: IndexMap::new(),
        from_form,
        faults: Vec::new(),
    };
    for (name, value) in fields {
        reader.take(catalog.canonical_parameter(name), name, value);
    }
    reader.refuse(endpoint);
    let model = reader.text("model").unwrap_or_default();
    let prompt = reader.text("prompt");
    let n = reader.whole("n").unwrap_or(1);
    let size = reader.size();
    let response_format = reader
        .checked("response_format")
        .and_then(|value| serde_json::from_value(value).ok());
    let output_format = reader
        .checked("output_format")
        .and_then(|value| Format::ALL.into_iter().find(|format| value == format.as_str()));
    let output_compression = reader
        .whole("output_compression")
        .and_then(|value| u8::try_from(value).ok());
    let stream = reader.checked("stream").and_then(|value| value.as_bool());
    let partial_images = reader.whole("partial_images").unwrap_or(0);
    let route = reader.route();
    let webhook_url = reader.webhook_url();
    let Reader {
        fields,
        spellings,
        faults,
        ..
    } = reader;
    let arguments: IndexMap<String, Arc<Value>> = fields
        .into_iter()
        .map(|(name, value)| (name, Arc::new(value)))
        .collect();
    let mode = match endpoint {
        Endpoint::Generations => Mode::TextToImage,
        Endpoint::Edits if arguments.contains_key("scale_factor") || only_enlarges(catalog, &model) => Mode::Upscale,
        Endpoint::Edits => Mode::ImageEdit,
    };
    let request = ImageRequest {
        mode,
        model,
        prompt,
        n,
        size,
        response_format,
        output_format,
        output_compression,
        stream: stream.unwrap_or(false),
        partial_images,
        route,
        webhook_url,
        arguments,
        from_form,
        spellings,
    };
    (request, faults)
}

/// Whether a model can do nothing but enlarge, so that this is what is meant.
fn only_enlarges(catalog: &Catalog, name: &str) -> bool {
    catalog
        .named(name)
        .is_some_and(|(_, model)| model.modes() == [Mode::Upscale])
}

/// Whether a value is how a client says "not set": null, or a blank text, which no parameter means anything by. An argument is
/// worth something by what is sent, not by its name being there. A blank prompt is told of as such.
fn is_absent(canonical: &str, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => canonical != "prompt" && text.trim().is_empty(),
        _ => false,
    }
}

struct Reader<'a> {
    catalog: &'a Catalog,
    fields: IndexMap<String, Value>,
    spellings: IndexMap<String, String>,
    from_form: bool,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn take(&mut self, canonical: &str, given: &str, value: &Value) {
        if is_absent(canonical, value) {
            return;
        }
        if canonical == USER && given == SAFETY_IDENTIFIER && value.as_str() != Some("") {
            // OpenAI's newer name goes before the older one, whichever comes first.
            self.fields.insert(canonical.to_owned(), value.clone());
            self.spellings.insert(canonical.to_owned(), given.to_owned());
            return;
        }
        if canonical == USER && self.spelling(USER) == SAFETY_IDENTIFIER {
            return;
        }
        match self.fields.get(canonical) {
            Some(other) if other != value => {
                self.faults.push(Fault::new(
                    given,
                    format!("'{given}' and another spelling of '{canonical}' have different values; send one of them"),
                ));
            }
            Some(_) => {}
            None => {
                self.fields.insert(canonical.to_owned(), value.clone());
                if canonical != given {
                    self.spellings.insert(canonical.to_owned(), given.to_owned());
                }
            }
        }
    }

    fn spelling<'n>(&'n self, name: &'n str) -> &'n str {
        self.spellings.get(name).map_or(name, String::as_str)
    }

    /// Fields that are known and not taken here: passing them on would change what the caller means.
    fn refuse(&mut self, endpoint: Endpoint) {
        for (name, why) in REFUSED {
            if self.fields.shift_remove(name).is_some() {
                self.faults.push(Fault::new(name, format!("'{name}' {why}")));
            }
        }
        for name in ["image", "images", "mask"] {
            if endpoint == Endpoint::Generations && self.fields.shift_remove(name).is_some() {
                let message = format!("'{name}' is for edits: send it to /openai/v1/images/edits");
                self.faults.push(Fault::new(name, message));
            }
        }
    }

    /// Takes a field out, in its own type and within its bounds.
    fn checked(&mut self, name: &str) -> Option<Value> {
        let value = self.fields.shift_remove(name)?;
        let undeclared = Parameter::default();
        let parameter = self.catalog.standard_parameter(name).unwrap_or(&undeclared);
        let value = argument::typed(parameter, &value, self.from_form);
        let spelling = self.spelling(name);
        match argument::fault(spelling, parameter, &value, "") {
            Some(fault) => {
                self.faults.push(fault);
                None
            }
            None => Some(value),
        }
    }

    fn text(&mut self, name: &str) -> Option<String> {
        match self.checked(name)? {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    fn whole(&mut self, name: &str) -> Option<u32> {
        self.checked(name)?
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
    }

    fn route(&mut self) -> Option<Route> {
        let value = match self.fields.shift_remove("route")? {
            Value::String(text) if self.from_form => match serde_json::from_str(&text) {
                Ok(Value::Null) => return None,
                Ok(value) => value,
                Err(error) => {
                    let message = format!("'route' is not JSON: {error}");
                    self.faults.push(Fault::new("route", message));
                    return None;
                }
            },
            value => value,
        };
        let (route, faults) = Route::parse(&value, self.catalog);
        self.faults.extend(faults);
        Some(route)
    }

    fn webhook_url(&mut self) -> Option<String> {
        let url = self.text("webhook_url")?;
        let chars = url.chars().count();
        if chars > WEBHOOK_URL_CHARS_MAX {
            let message = format!("'webhook_url' has {chars} characters; at most {WEBHOOK_URL_CHARS_MAX} are taken");
            self.faults.push(Fault::new("webhook_url", message));
            return None;
        }
        Some(url)
    }

    fn size(&mut self) -> SizeRequest {
        // A bare number is a megapixel tier: `"resolution": 1`.
        if let Some(megapixels) = self.fields.get("resolution").and_then(Value::as_f64) {
            let text = Value::String(format!("{megapixels:.3}"));
            self.fields.insert("resolution".to_owned(), text);
        }
        let size = self.parsed("size", parse_size);
        let size = self.edges(size);
        let aspect_ratio = self.parsed("aspect_ratio", parse_aspect_ratio);
        let resolution = self.parsed("resolution", parse_resolution);
        let request = SizeRequest {
            size,
            aspect_ratio,
            resolution,
        };
        if let Some(conflict) = request.conflicts() {
            self.faults.push(Fault::new("aspect_ratio", conflict.to_string()));
        }
        request
    }

    /// `size` as `width` and `height` spell it, or as it is.
    fn edges(&mut self, size: Option<SizeArgument>) -> Option<SizeArgument> {
        let given = ["width", "height"].map(|name| self.fields.contains_key(name));
        let [width_px, height_px] = ["width", "height"].map(|name| self.whole(name));
        if let Some(place) = given.iter().position(|given| !given) {
            if given.contains(&true) {
                let [missing, alone] = if place == 0 {
                    ["width", "height"]
                } else {
                    ["height", "width"]
                };
                let message = format!("'{alone}' came without '{missing}': send both, or 'size' such as '1536x1024'");
                self.faults.push(Fault::new(alone, message));
            }
            return size;
        }
        let edges = Size::new(width_px?, height_px?);
        if let Some(size) = size.filter(|size| *size != SizeArgument::Exact(edges)) {
            let message = format!(
                "'width' and 'height' say {edges} and 'size' says {size}; they are two spellings of one parameter: send one of them"
            );
            self.faults.push(Fault::new("size", message));
        }
        Some(SizeArgument::Exact(edges))
    }

    fn parsed<T, E: std::fmt::Display>(&mut self, name: &str, parse: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let given = self.text(name)?;
        match parse(&given) {
            Ok(value) => Some(value),
            Err(error) => {
                self.faults
                    .push(Fault::new(name, format!("'{name}' is {}: {error}", echo(&given))));
                None
            }
        }
    }
}
