//! A body of `predict` to a checked request.

use crate::fields::Fields;
use crate::google::{errors, snake, words};
use crate::refused::Refused;
use crate::tables::{self, Models};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use imaging::ImageFormat;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// What a model can do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    pub(super) id: &'static str,
    /// USD 1e-6 for each image.
    pub(super) price_micros: i64,
    /// Whether it makes 2K.
    #[serde(default)]
    large: bool,
    /// Whether it takes a negative prompt: the older ones do.
    #[serde(default)]
    negative: bool,
    /// Whether it edits rather than draws.
    #[serde(default)]
    edits: bool,
}

static MODELS: LazyLock<Models<Model>> = LazyLock::new(|| tables::read(include_str!("../../../data/imagen.toml")));

/// Shapes and their sizes at 1K, in pixels; 2K has twice the edges.
const SHAPES: &[(&str, (u32, u32))] = &[
    ("1:1", (1024, 1024)),
    ("3:4", (896, 1280)),
    ("4:3", (1280, 896)),
    ("9:16", (768, 1408)),
    ("16:9", (1408, 768)),
];
const PARAMETERS: [&str; 17] = [
    "sampleCount",
    "aspectRatio",
    "sampleImageSize",
    "seed",
    "negativePrompt",
    "enhancePrompt",
    "language",
    "personGeneration",
    "safetySetting",
    "addWatermark",
    "includeRaiReason",
    "includeSafetyAttributes",
    "outputOptions",
    "editMode",
    "editConfig",
    "guidanceScale",
    "mode",
];
const EDIT_MODES: [&str; 8] = [
    "EDIT_MODE_DEFAULT",
    "EDIT_MODE_INPAINT_INSERTION",
    "EDIT_MODE_INPAINT_REMOVAL",
    "EDIT_MODE_OUTPAINT",
    "EDIT_MODE_CONTROLLED_EDITING",
    "EDIT_MODE_STYLE",
    "EDIT_MODE_BGSWAP",
    "EDIT_MODE_PRODUCT_IMAGE",
];
const LANGUAGES: [&str; 9] = ["auto", "en", "ja", "ko", "hi", "zh", "zh-CN", "pt", "es"];
/// A checked request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(super) model: &'static Model,
    pub(super) prompt: String,
    pub(super) images: Vec<Bytes>,
    pub(super) mask: Option<Bytes>,
    pub(super) count: u32,
    pub(super) shape_px: (u32, u32),
    pub(super) format: ImageFormat,
    pub(super) quality: Option<u8>,
    pub(super) seed: Option<u64>,
    pub(super) enhances: bool,
    pub(super) tells_filtered: bool,
}

impl Ask {
    /// The prompt's text.
    pub(crate) fn prompt(&self) -> &str {
        &self.prompt
    }

    /// Checks a body.
    pub(crate) fn read(body: &Map<String, Value>, id: &str) -> Result<Self, Refused> {
        let edits = body
            .get("instances")
            .is_some_and(|instances| !instances[0]["referenceImages"].is_null());
        let model = MODELS
            .known(id)
            .or_else(|| MODELS.stranger(id, |stand_in| stand_in.edits == edits))
            .ok_or_else(|| errors::no_model(id, "predict"))?;
        let root = Fields::new(body, words);
        root.only(&["instances", "parameters", "labels"])?;
        let [instance] = root.items("instances") else {
            return Err(errors::field("instances", "Exactly one instance is required."));
        };
        let instance = Fields::of(instance, "instances[0]".to_owned(), words)?;
        instance.only(&["prompt", "referenceImages"])?;
        let empty = Map::new();
        let parameters = root.object("parameters")?.unwrap_or(Fields::new(&empty, words));
        parameters.only(&PARAMETERS)?;
        let prompt = instance.text("prompt")?.unwrap_or_default();
        if prompt.is_empty() && !model.edits {
            return Err(errors::field("instances[0].prompt", "Text prompt must not be empty."));
        }
        let mut ask = Self {
            model,
            prompt: prompt.to_owned(),
            images: Vec::new(),
            mask: None,
            count: 1,
            shape_px: SHAPES[0].1,
            format: ImageFormat::Png,
            quality: None,
            seed: None,
            enhances: parameters.flag("enhancePrompt")?.unwrap_or(false),
            tells_filtered: parameters.flag("includeRaiReason")?.unwrap_or(false),
        };
        ask.read_references(&instance)?;
        ask.read_parameters(&parameters)?;
        Ok(ask)
    }

    fn read_references(&mut self, instance: &Fields<'_>) -> Result<(), Refused> {
        let references = instance.items("referenceImages");
        if references.is_empty() == self.model.edits {
            let need = if self.model.edits { "needs" } else { "does not take" };
            let message = format!("{} {need} reference images.", self.model.id);
            return Err(errors::field("instances[0].reference_images", message));
        }
        for (index, reference) in references.iter().enumerate() {
            let reference = Fields::of(reference, format!("instances[0].reference_images[{index}]"), words)?;
            reference.only(&["referenceType", "referenceId", "referenceImage", "maskImageConfig"])?;
            reference.integer("referenceId", 0, 100)?;
            let bytes = match reference.object("referenceImage")? {
                Some(image) => Some(read_bytes(&image)?),
                None => None,
            };
            let kinds = ["REFERENCE_TYPE_RAW", "REFERENCE_TYPE_MASK"];
            match (reference.choice("referenceType", &kinds)?, bytes) {
                (Some("REFERENCE_TYPE_RAW"), Some(bytes)) => self.images.push(bytes),
                (Some("REFERENCE_TYPE_MASK"), Some(bytes)) => {
                    let config = reference.object("maskImageConfig")?;
                    let config = config.ok_or_else(|| missing(&reference, "maskImageConfig"))?;
                    config.only(&["maskMode", "dilation"])?;
                    config.number("dilation", 0.0, 1.0)?;
                    if config.choice("maskMode", &["MASK_MODE_USER_PROVIDED"])?.is_none() {
                        return Err(missing(&config, "maskMode"));
                    }
                    self.mask = Some(bytes);
                }
                (Some(_), None) => return Err(missing(&reference, "referenceImage")),
                (None | Some(_), _) => return Err(missing(&reference, "referenceType")),
            }
        }
        Ok(())
    }

    fn read_parameters(&mut self, parameters: &Fields<'_>) -> Result<(), Refused> {
        let count = parameters.integer("sampleCount", 1, 4)?.unwrap_or(4);
        self.count = u32::try_from(count).unwrap_or(4);
        let names: Vec<&'static str> = SHAPES.iter().map(|(name, _)| *name).collect();
        let ratio = parameters.choice("aspectRatio", &names)?.unwrap_or("1:1");
        let shape = SHAPES.iter().find(|(name, _)| *name == ratio);
        self.shape_px = shape.map_or(SHAPES[0].1, |(_, size_px)| *size_px);
        let sizes: &[&'static str] = if self.model.large { &["1K", "2K"] } else { &["1K"] };
        if parameters.choice("sampleImageSize", sizes)? == Some("2K") {
            self.shape_px = (self.shape_px.0 * 2, self.shape_px.1 * 2);
        }
        let marked = parameters.flag("addWatermark")?.unwrap_or(true);
        let seed = parameters.integer("seed", 0, i64::from(u32::MAX))?;
        if seed.is_some() && marked {
            return Err(errors::field(
                "parameters.seed",
                "Seed is not supported when watermark is enabled.",
            ));
        }
        self.seed = seed.map(i64::cast_unsigned);
        if parameters.text("negativePrompt")?.is_some() && !self.model.negative {
            let message = "negativePrompt is not supported by this model.";
            return Err(errors::field("parameters.negative_prompt", message));
        }
        parameters.choice("language", &LANGUAGES)?;
        parameters.any_case("personGeneration", &["dont_allow", "allow_adult", "allow_all"])?;
        let settings = [
            "block_low_and_above",
            "block_medium_and_above",
            "block_only_high",
            "block_none",
        ];
        parameters.any_case("safetySetting", &settings)?;
        parameters.flag("includeSafetyAttributes")?;
        if let Some(options) = parameters.object("outputOptions")? {
            options.only(&["mimeType", "compressionQuality"])?;
            if options.choice("mimeType", &["image/png", "image/jpeg"])? == Some("image/jpeg") {
                self.format = ImageFormat::Jpeg;
            }
            let quality = options.integer("compressionQuality", 0, 100)?;
            self.quality = quality.and_then(|quality| u8::try_from(quality.max(1)).ok());
        }
        let edit = parameters.choice("editMode", &EDIT_MODES)?;
        parameters.number("guidanceScale", 0.0, 500.0)?;
        if let Some(config) = parameters.object("editConfig")? {
            config.only(&["baseSteps"])?;
            config.integer("baseSteps", 1, 75)?;
        }
        if edit.is_some() && !self.model.edits {
            return Err(errors::field(
                "parameters.edit_mode",
                "editMode is not supported by this model.",
            ));
        }
        Ok(())
    }
}

fn missing(fields: &Fields<'_>, name: &str) -> Refused {
    let path = snake(&fields.path(name));
    let message = format!("{path} is required.");
    errors::field(&path, message)
}

fn read_bytes(image: &Fields<'_>) -> Result<Bytes, Refused> {
    image.only(&["bytesBase64Encoded", "mimeType"])?;
    let path = snake(&image.path("bytesBase64Encoded"));
    let text = image.text("bytesBase64Encoded")?.unwrap_or_default();
    match STANDARD.decode(text) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes.into()),
        _ => Err(errors::field(&path, format!("{path}: base64 decoding failed."))),
    }
}
