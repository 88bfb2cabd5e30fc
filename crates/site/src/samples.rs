//! Code that calls a model, in every language, as it can be run against the reader's own installation.

use planner::mode::Mode;
use planner::view::ModelView;
use serde_json::Value;

use crate::highlight::Language;

/// The languages of samples, in the order of their tabs: value, name, how it is colored.
pub const LANGUAGES: [(&str, &str, Language); 4] = [
    ("curl", "cURL", Language::Shell),
    ("js", "JavaScript", Language::JavaScript),
    ("py", "Python", Language::Python),
    ("cli", "pictor", Language::Shell),
];

/// Name of the file that samples of edits read.
pub const INPUT_FILE: &str = "input.png";
/// Name of the mask that they read.
pub const MASK_FILE: &str = "mask.png";

/// One request of a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// What is asked.
    pub mode: Mode,
    /// The model.
    pub model: String,
    /// The prompt; an upscaler has none.
    pub prompt: Option<&'static str>,
    /// Whether a mask is sent.
    pub mask: bool,
    /// Parameters that OpenAI's SDKs know: name and text.
    pub known: Vec<(String, String)>,
    /// Other parameters.
    pub further: Vec<(String, Value)>,
}

impl Sample {
    /// What shows a model in one of its modes.
    #[must_use]
    pub fn of(view: &ModelView<'_>, mode: Mode) -> Self {
        let parameters = view.parameters();
        let takes = |name: &str| {
            parameters
                .iter()
                .find(|parameter| parameter.name == name && parameter.modes.contains(&mode))
        };
        let mut known = Vec::new();
        if mode != Mode::Upscale {
            if let Some(size) = size(view, mode) {
                known.push(("size".to_owned(), size));
            }
            let quality = takes("quality").and_then(|quality| {
                let medium = quality.values.iter().find(|value| *value == "medium");
                medium.or_else(|| quality.values.first()).and_then(Value::as_str)
            });
            known.extend(quality.map(|quality| ("quality".to_owned(), quality.to_owned())));
        }
        let needed = |name: &str| {
            let mut live = view
                .live_offers()
                .filter(|offer| offer.offer.modes.contains_key(&mode))
                .peekable();
            live.peek().is_some() && live.all(|offer| offer.offer.requires.iter().any(|required| required == name))
        };
        let mut further = Vec::new();
        for parameter in &parameters {
            if parameter.name != "mask" && needed(&parameter.name) {
                further.push((parameter.name.clone(), Value::from(example(&parameter.name))));
            }
        }
        if mode == Mode::Upscale && takes("scale_factor").is_some() {
            further.push(("scale_factor".to_owned(), Value::from(2)));
        }
        Self {
            mode,
            model: view.model.id.clone(),
            prompt: match mode {
                Mode::TextToImage => Some("A lighthouse on a rocky island at dusk"),
                Mode::ImageEdit => Some("A flock of white gulls in the sky"),
                Mode::Upscale => None,
            },
            mask: mode == Mode::ImageEdit && takes("mask").is_some(),
            known,
            further,
        }
    }

    /// The sample in the language of that value.
    #[must_use]
    pub fn text(&self, language: &str, address: &str) -> String {
        match (language, self.mode) {
            ("js", _) => self.javascript(address),
            ("py", _) => self.python(address),
            ("cli", _) => self.command(),
            (_, Mode::TextToImage) => self.curl_json(address),
            _ => self.curl_form(address),
        }
    }

    /// Every parameter but the files, as text.
    fn fields(&self) -> Vec<(String, String)> {
        let mut all = vec![("model".to_owned(), self.model.clone())];
        all.extend(self.prompt.map(|prompt| ("prompt".to_owned(), prompt.to_owned())));
        all.extend(self.known.clone());
        all.extend(self.further.iter().map(|(name, value)| (name.clone(), bare(value))));
        all
    }

    fn curl_json(&self, address: &str) -> String {
        let mut body = serde_json::Map::new();
        body.insert("model".to_owned(), Value::from(self.model.as_str()));
        body.extend(self.prompt.map(|prompt| ("prompt".to_owned(), Value::from(prompt))));
        body.extend(
            self.known
                .iter()
                .map(|(name, value)| (name.clone(), Value::from(value.as_str()))),
        );
        body.extend(self.further.iter().cloned());
        let body = serde_json::to_string_pretty(&body)
            .unwrap_or_default()
            .replace('\n', "\n  ");
        format!(
            "curl {address}/openai/v1/images/generations \\\n  -H \"Authorization: Bearer $PICTOR_API_KEY\" \\\n  -H \"Content-Type: application/json\" \\\n  -d '{body}'"
        )
    }

    fn curl_form(&self, address: &str) -> String {
        let mut lines = vec![
            format!("curl {address}/openai/v1/images/edits"),
            "-H \"Authorization: Bearer $PICTOR_API_KEY\"".to_owned(),
            format!("-F \"image[]=@{INPUT_FILE}\""),
        ];
        if self.mask {
            lines.push(format!("-F mask=@{MASK_FILE}"));
        }
        lines.extend(self.fields().into_iter().map(|(name, value)| {
            if value.contains(' ') {
                format!("-F \"{name}={value}\"")
            } else {
                format!("-F {name}={value}")
            }
        }));
        lines.join(" \\\n  ")
    }

    fn javascript(&self, address: &str) -> String {
        let is_edit = self.mode != Mode::TextToImage;
        let mut arguments = vec![format!("model: {},", quoted(&self.model))];
        if is_edit {
            let file =
                |name: &str| format!("await toFile(fs.createReadStream(\"{name}\"), null, {{ type: \"image/png\" }}),");
            arguments.push(format!("image: {}", file(INPUT_FILE)));
            if self.mask {
                arguments.push(format!("mask: {}", file(MASK_FILE)));
            }
        }
        let rest = self.prompt.map(|prompt| ("prompt", prompt.to_owned())).into_iter();
        arguments.extend(rest.map(|(name, value)| format!("{name}: {},", quoted(&value))));
        arguments.extend(
            self.known
                .iter()
                .map(|(name, value)| format!("{name}: {},", quoted(value))),
        );
        arguments.extend(self.further.iter().map(|(name, value)| format!("{name}: {value},")));
        let imports = if is_edit {
            "import fs from \"node:fs\";\nimport OpenAI, { toFile } from \"openai\";"
        } else {
            "import OpenAI from \"openai\";"
        };
        let method = if is_edit { "edit" } else { "generate" };
        format!(
            "{imports}\nconst client = new OpenAI({{\n  baseURL: \"{address}/openai/v1\",\n  apiKey: process.env.PICTOR_API_KEY,\n}});\nconst answer = await client.images.{method}({{\n  {}\n}});\nconsole.log(answer.data[0].url);",
            arguments.join("\n  ")
        )
    }

    fn python(&self, address: &str) -> String {
        let is_edit = self.mode != Mode::TextToImage;
        let mut arguments = vec![format!("model={},", quoted(&self.model))];
        if is_edit {
            arguments.push(format!("image=open(\"{INPUT_FILE}\", \"rb\"),"));
            if self.mask {
                arguments.push(format!("mask=open(\"{MASK_FILE}\", \"rb\"),"));
            }
        }
        // The SDK insists on a prompt.
        arguments.push(format!("prompt={},", quoted(self.prompt.unwrap_or_default())));
        arguments.extend(
            self.known
                .iter()
                .map(|(name, value)| format!("{name}={},", quoted(value))),
        );
        if !self.further.is_empty() {
            let further: serde_json::Map<String, Value> = self.further.iter().cloned().collect();
            arguments.push(format!(
                "extra_body={},",
                Value::Object(further).to_string().replace("\":", "\": ")
            ));
        }
        let method = if is_edit { "edit" } else { "generate" };
        format!(
            "import os\nfrom openai import OpenAI\nclient = OpenAI(base_url=\"{address}/openai/v1\", api_key=os.environ[\"PICTOR_API_KEY\"])\nanswer = client.images.{method}(\n    {}\n)\nprint(answer.data[0].url)",
            arguments.join("\n    ")
        )
    }

    fn command(&self) -> String {
        let is_edit = self.mode != Mode::TextToImage;
        let command = if is_edit { "edit" } else { "generate" };
        let mut lines = vec![format!("pictor {command} {}", quoted(self.prompt.unwrap_or_default()))];
        if is_edit {
            let mask = if self.mask {
                format!(" --mask {MASK_FILE}")
            } else {
                String::new()
            };
            lines.push(format!("--image {INPUT_FILE}{mask}"));
        }
        let mut options = format!("--model {}", self.model);
        for (name, value) in &self.known {
            options.push_str(&format!(" --{} {value}", name.replace('_', "-")));
        }
        lines.push(options);
        for (name, value) in &self.further {
            let value = bare(value);
            let pair = format!("{name}={value}");
            lines.push(if pair.contains(' ') {
                format!("--set {}", quoted(&pair))
            } else {
                format!("--set {pair}")
            });
        }
        lines.push(format!("--output {}", if is_edit { "edited" } else { "image" }));
        lines.join(" \\\n  ")
    }
}

/// A size that shows a shape, where the model has sizes in that mode.
fn size(view: &ModelView<'_>, mode: Mode) -> Option<String> {
    use planner::size::SizeSupport;
    let mut supports = view.live_offers().flat_map(|offer| {
        offer
            .modes
            .iter()
            .filter(|(own, _)| *own == mode)
            .map(|(_, mode)| &mode.sizes.support)
    });
    if supports.all(|support| matches!(support, SizeSupport::Fixed)) {
        return None;
    }
    const WIDE: &str = "1536x1024";
    let sizes = view.sizes();
    let is_listed = sizes.iter().any(|row| row.size.to_string() == WIDE && !row.nominal);
    let wide = WIDE
        .parse()
        .ok()
        .filter(|size| view.range().is_some_and(|range| range.allows(*size)));
    if is_listed || wide.is_some() {
        return Some(WIDE.to_owned());
    }
    Some(view.model.sizes().default.to_string())
}

/// A value for a parameter that a sample cannot do without.
const fn example(_name: &str) -> &'static str {
    "the sky"
}

fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// A text in double quotes, as all four languages read it.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
