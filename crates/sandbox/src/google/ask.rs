//! A body of `generateContent` to a checked request.

use super::errors;
use super::fields::{snake, words};
use super::models::{Model, Tier};
use crate::fields::Fields;
use crate::refused::Refused;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use bytes::Bytes;
use imaging::ImageFormat;
use serde_json::{Map, Value};

/// Input images of one call.
const MAX_IMAGES: usize = 14;
/// Types that are read.
const MIME_TYPES: [&str; 5] = ["image/png", "image/jpeg", "image/webp", "image/heic", "image/heif"];
const ROLES: [&str; 2] = ["user", "model"];
const CATEGORIES: [&str; 12] = [
    "HARM_CATEGORY_HARASSMENT",
    "HARM_CATEGORY_HATE_SPEECH",
    "HARM_CATEGORY_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_DANGEROUS_CONTENT",
    "HARM_CATEGORY_CIVIC_INTEGRITY",
    "HARM_CATEGORY_UNSPECIFIED",
    // Vertex AI only.
    "HARM_CATEGORY_IMAGE_HATE",
    "HARM_CATEGORY_IMAGE_DANGEROUS_CONTENT",
    "HARM_CATEGORY_IMAGE_HARASSMENT",
    "HARM_CATEGORY_IMAGE_SEXUALLY_EXPLICIT",
    "HARM_CATEGORY_JAILBREAK",
    "HARM_CATEGORY_TOXICITY",
];
/// How many of `CATEGORIES` the Gemini API knows.
const GEMINI_CATEGORIES: usize = 6;
const THRESHOLDS: [&str; 5] = [
    "BLOCK_LOW_AND_ABOVE",
    "BLOCK_MEDIUM_AND_ABOVE",
    "BLOCK_ONLY_HIGH",
    "BLOCK_NONE",
    "OFF",
];
const CONFIG: [&str; 13] = [
    "responseModalities",
    "imageConfig",
    "seed",
    "temperature",
    "topP",
    "topK",
    "candidateCount",
    "maxOutputTokens",
    "stopSequences",
    "presencePenalty",
    "frequencyPenalty",
    "thinkingConfig",
    "mediaResolution",
];

/// Which of the two surfaces is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    Gemini,
    Vertex,
}

/// A checked request, its images as they were sent.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(super) surface: Surface,
    pub(super) model: &'static Model,
    pub(super) prompt: String,
    /// Of all texts, the instruction too.
    pub(super) text_chars: usize,
    pub(super) images: Vec<Bytes>,
    /// None follows the first image, or is square.
    pub(super) ratio: Option<&'static str>,
    pub(super) tier: Tier,
    pub(super) format: ImageFormat,
    pub(super) quality: Option<u8>,
    pub(super) seed: Option<u64>,
    /// Whether an image may come at all.
    pub(super) draws: bool,
    pub(super) thought_tokens: u64,
    pub(super) shows_thoughts: bool,
    pub(super) searches: bool,
}

impl Ask {
    /// The prompt's text.
    pub(crate) fn prompt(&self) -> &str {
        &self.prompt
    }

    /// Checks a body.
    pub(crate) fn read(body: &Map<String, Value>, model: &'static Model, surface: Surface) -> Result<Self, Refused> {
        let root = Fields::new(body, words);
        let mut known = vec![
            "contents",
            "generationConfig",
            "safetySettings",
            "systemInstruction",
            "tools",
            "toolConfig",
        ];
        if surface == Surface::Vertex {
            known.push("labels");
        }
        root.only(&known)?;
        let mut turns = Turns::default();
        for (index, turn) in root.items("contents").iter().enumerate() {
            turns.add(Fields::of(turn, format!("contents[{index}]"), words)?, surface)?;
        }
        if turns.count == 0 {
            return Err(errors::field(
                "contents",
                "* GenerateContentRequest.contents: contents is not specified",
            ));
        }
        let prompt = turns.texts.join("\n");
        let images = std::mem::take(&mut turns.images);
        if let Some(instruction) = root.object("systemInstruction")? {
            turns.add(instruction, surface)?;
        }
        let text_chars = turns.texts.iter().map(|text| text.chars().count()).sum();
        check_safety(&root, surface)?;
        let searches = check_tools(&root, model)?;
        let empty = Map::new();
        let config = root.object("generationConfig")?.unwrap_or(Fields::new(&empty, words));
        let mut ask = Self {
            surface,
            model,
            prompt,
            text_chars,
            images,
            ratio: None,
            tier: model.tiers[0],
            format: ImageFormat::Png,
            quality: None,
            seed: None,
            draws: true,
            thought_tokens: if model.thinks { 180 } else { 0 },
            shows_thoughts: false,
            searches,
        };
        ask.read_config(&config)?;
        if let Some(image) = config.object("imageConfig")? {
            ask.read_image(&image, surface)?;
        }
        if let Some(thinking) = config.object("thinkingConfig")? {
            ask.read_thinking(&thinking)?;
        }
        Ok(ask)
    }

    fn read_config(&mut self, config: &Fields<'_>) -> Result<(), Refused> {
        config.only(&CONFIG)?;
        self.seed = config
            .integer("seed", i64::from(i32::MIN), i64::from(i32::MAX))?
            .map(|seed| seed.cast_unsigned());
        config.number("temperature", 0.0, 2.0)?;
        config.number("topP", 0.0, 1.0)?;
        config.number("topK", 1.0, 64.0)?;
        config.integer("maxOutputTokens", 1, 65_536)?;
        if config.integer("candidateCount", 1, 8)?.is_some_and(|count| count > 1) {
            return Err(errors::invalid("Multiple candidates is not enabled for this model"));
        }
        let mut wanted = Vec::new();
        for (index, modality) in config.items("responseModalities").iter().enumerate() {
            let name = modality.as_str().map(str::to_ascii_uppercase);
            match name.as_deref() {
                Some("TEXT") => wanted.push("TEXT"),
                Some("IMAGE") => wanted.push("IMAGE"),
                _ => {
                    let path = format!("{}[{index}]", snake(&config.path("responseModalities")));
                    return Err(errors::value(&path, "GenerationConfig.Modality", modality));
                }
            }
        }
        self.draws = wanted.is_empty() || wanted.contains(&"IMAGE");
        Ok(())
    }

    fn read_image(&mut self, image: &Fields<'_>, surface: Surface) -> Result<(), Refused> {
        let mut known = vec!["aspectRatio", "imageSize"];
        if surface == Surface::Vertex {
            known.extend(["personGeneration", "prominentPeople", "imageOutputOptions"]);
        }
        image.only(&known)?;
        let ratios: Vec<&'static str> = self.model.shapes.iter().map(|(name, _)| *name).collect();
        self.ratio = image.choice("aspectRatio", &ratios)?;
        let tiers = self.model.tiers;
        let names: Vec<&'static str> = tiers.iter().map(|tier| tier.name).collect();
        if let Some(name) = image.choice("imageSize", &names)? {
            self.tier = tiers.iter().copied().find(|tier| tier.name == name).unwrap_or(tiers[0]);
        }
        image.choice("personGeneration", &["ALLOW_ALL", "ALLOW_ADULT", "ALLOW_NONE"])?;
        if let Some(options) = image.object("imageOutputOptions")? {
            options.only(&["mimeType", "compressionQuality"])?;
            if options.choice("mimeType", &["image/png", "image/jpeg"])? == Some("image/jpeg") {
                self.format = ImageFormat::Jpeg;
            }
            let quality = options.integer("compressionQuality", 0, 100)?;
            self.quality = quality.and_then(|quality| u8::try_from(quality.max(1)).ok());
        }
        Ok(())
    }

    fn read_thinking(&mut self, thinking: &Fields<'_>) -> Result<(), Refused> {
        thinking.only(&["includeThoughts", "thinkingBudget", "thinkingLevel"])?;
        if !self.model.thinks {
            return Err(errors::invalid("Thinking is not supported by this model."));
        }
        self.shows_thoughts = thinking.flag("includeThoughts")?.unwrap_or(false);
        let budget = thinking.integer("thinkingBudget", -1, 32_768)?;
        let level = thinking.choice("thinkingLevel", &["MINIMAL", "LOW", "MEDIUM", "HIGH"])?;
        self.thought_tokens = match (level, budget) {
            (Some(_), Some(_)) => {
                return Err(errors::invalid(
                    "You can only set one of thinking budget and thinking level.",
                ));
            }
            (Some("MINIMAL"), _) | (_, Some(0)) => 0,
            (Some("LOW"), _) => 60,
            (Some("HIGH"), _) => 420,
            _ => self.thought_tokens,
        };
        Ok(())
    }
}

#[derive(Default)]
struct Turns {
    count: usize,
    texts: Vec<String>,
    images: Vec<Bytes>,
}

impl Turns {
    fn add(&mut self, turn: Fields<'_>, surface: Surface) -> Result<(), Refused> {
        turn.only(&["role", "parts"])?;
        let role = turn.text("role")?;
        let is_instruction = turn.place() == "systemInstruction";
        if !is_instruction && !role.map_or(surface == Surface::Gemini, |role| ROLES.contains(&role)) {
            return Err(errors::invalid("Please use a valid role: user, model."));
        }
        self.count += 1;
        let parts = turn.items("parts");
        if parts.is_empty() {
            return Err(errors::field(
                &snake(&turn.path("parts")),
                format!("{}: must not be empty.", snake(&turn.path("parts"))),
            ));
        }
        for (index, part) in parts.iter().enumerate() {
            self.part(Fields::of(part, format!("{}[{index}]", turn.path("parts")), words)?)?;
        }
        Ok(())
    }

    fn part(&mut self, part: Fields<'_>) -> Result<(), Refused> {
        part.only(&[
            "text",
            "inlineData",
            "fileData",
            "thought",
            "thoughtSignature",
            "mediaResolution",
        ])?;
        if part.get("fileData").is_some() {
            return Err(errors::invalid("Cannot fetch content from the provided URL."));
        }
        match (part.text("text")?, part.object("inlineData")?) {
            (Some(text), None) => self.texts.push(text.to_owned()),
            (None, Some(data)) => self.image(&data)?,
            _ => {
                let path = snake(&part.path("data"));
                let message = format!("{path}: exactly one of the data fields must be set.");
                return Err(errors::field(&path, message));
            }
        }
        Ok(())
    }

    fn image(&mut self, data: &Fields<'_>) -> Result<(), Refused> {
        data.only(&["mimeType", "data", "displayName"])?;
        let mime = data.text("mimeType")?.unwrap_or_default();
        if !MIME_TYPES.contains(&mime) {
            let path = snake(&data.path("mimeType"));
            return Err(errors::field(&path, format!("Unsupported MIME type: {mime}")));
        }
        let text = data.text("data")?.unwrap_or_default();
        let bytes = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).map_err(|_| {
            let path = snake(&data.path("data"));
            errors::field(
                &path,
                format!("Invalid value at '{path}' (TYPE_BYTES), Base64 decoding failed"),
            )
        })?;
        if self.images.len() == MAX_IMAGES {
            let message = format!("The number of images exceeds the limit of {MAX_IMAGES}.");
            return Err(errors::invalid(message));
        }
        self.images.push(bytes.into());
        Ok(())
    }
}

fn check_safety(root: &Fields<'_>, surface: Surface) -> Result<(), Refused> {
    let known = match surface {
        Surface::Gemini => &CATEGORIES[..GEMINI_CATEGORIES],
        Surface::Vertex => &CATEGORIES,
    };
    for (index, setting) in root.items("safetySettings").iter().enumerate() {
        let setting = Fields::of(setting, format!("safety_settings[{index}]"), words)?;
        setting.only(&["category", "threshold", "method"])?;
        setting.choice("category", known)?;
        setting.choice("threshold", &THRESHOLDS)?;
    }
    Ok(())
}

/// Whether the web may be searched.
fn check_tools(root: &Fields<'_>, model: &Model) -> Result<bool, Refused> {
    let mut searches = false;
    for (index, tool) in root.items("tools").iter().enumerate() {
        let tool = Fields::of(tool, format!("tools[{index}]"), words)?;
        tool.only(&["googleSearch"])?;
        if !model.thinks {
            return Err(errors::invalid("Search as tool is not enabled for this model"));
        }
        searches = tool.object("googleSearch")?.is_some();
    }
    Ok(searches)
}
