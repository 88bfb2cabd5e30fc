//! `pictor generate`, `pictor edit` and `pictor estimate`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use indicatif::{ProgressBar, ProgressStyle};
use planner::money::Micros;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Map, Value};

use super::Failed;
use super::client::{Gateway, Target};
use super::output::{say, table};

/// What generations and edits have in common.
#[derive(Debug, clap::Args)]
pub(super) struct Common {
    /// Model, or provider/model; the first one of the gateway's list when none is given.
    #[arg(long, short, env = "PICTOR_MODEL")]
    model: Option<String>,
    /// Images.
    #[arg(long, short, default_value_t = 1)]
    n: u32,
    /// WxH, W:H or auto.
    #[arg(long)]
    size: Option<String>,
    /// Ratio such as 16:9.
    #[arg(long)]
    aspect_ratio: Option<String>,
    /// Tier such as 1K.
    #[arg(long)]
    resolution: Option<String>,
    /// low, medium, high or auto.
    #[arg(long)]
    quality: Option<String>,
    /// png, jpeg, webp, avif or gif.
    #[arg(long)]
    output_format: Option<String>,
    /// Quality of lossy formats, 1 to 100.
    #[arg(long)]
    output_compression: Option<u32>,
    /// Any other parameter as name=value; the value is JSON, or text.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    further: Vec<String>,
    /// Where to save: a file name without extension, or a folder.
    #[arg(long, short, default_value = "image")]
    output: PathBuf,
    #[command(flatten)]
    target: Target,
}

/// A prompt and its parameters.
#[derive(Debug, clap::Args)]
pub(super) struct GenerateArguments {
    /// What the image shows.
    prompt: String,
    #[command(flatten)]
    common: Common,
}

/// A prompt, images and parameters.
#[derive(Debug, clap::Args)]
pub(super) struct EditArguments {
    /// What to change.
    prompt: String,
    /// Input image; may be given several times.
    #[arg(long, short, required = true)]
    image: Vec<PathBuf>,
    /// Mask: pixels with alpha 0 are edited.
    #[arg(long)]
    mask: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Common {
    /// The model asked for, or the first of the gateway's own list.
    async fn model(&self, gateway: &Gateway) -> Result<String, Failed> {
        if let Some(model) = &self.model {
            return Ok(model.clone());
        }
        let list = gateway.json(gateway.request(Method::GET, "/openai/v1/models")).await?;
        let first = list["data"][0]["id"].as_str().ok_or("the gateway has no models")?;
        Ok(first.to_owned())
    }

    fn fields(&self, model: &str, prompt: &str) -> Result<Map<String, Value>, Failed> {
        let mut fields = Map::new();
        fields.insert("model".to_owned(), Value::from(model));
        fields.insert("prompt".to_owned(), Value::from(prompt));
        fields.insert("n".to_owned(), Value::from(self.n));
        let texts = [
            ("size", &self.size),
            ("aspect_ratio", &self.aspect_ratio),
            ("resolution", &self.resolution),
            ("quality", &self.quality),
            ("output_format", &self.output_format),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                fields.insert(name.to_owned(), Value::from(value.as_str()));
            }
        }
        if let Some(value) = self.output_compression {
            fields.insert("output_compression".to_owned(), Value::from(value));
        }
        fields.extend(pairs(&self.further)?);
        Ok(fields)
    }
}

/// Reads parameters that are given as `name=value`.
pub(super) fn pairs(texts: &[String]) -> Result<Map<String, Value>, Failed> {
    let pair = |text: &String| {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| format!("'{text}' must look like name=value"))?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        Ok((name.to_owned(), value))
    };
    texts.iter().map(pair).collect()
}

/// Makes images and saves them.
pub(super) async fn generate(arguments: GenerateArguments) -> Result<(), Failed> {
    let GenerateArguments { prompt, common } = arguments;
    let gateway = Gateway::new(&common.target)?;
    let model = common.model(&gateway).await?;
    let request = gateway
        .request(Method::POST, "/openai/v1/images/generations")
        .json(&common.fields(&model, &prompt)?);
    let answer = waiting(&model, gateway.json(request)).await?;
    save(&gateway, &answer, &common.output).await
}

/// Edits images and saves the results.
pub(super) async fn edit(arguments: EditArguments) -> Result<(), Failed> {
    let EditArguments {
        prompt,
        image,
        mask,
        common,
    } = arguments;
    let gateway = Gateway::new(&common.target)?;
    let model = common.model(&gateway).await?;
    let mut form = Form::new();
    for (name, value) in common.fields(&model, &prompt)? {
        form = form.text(
            name,
            value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned),
        );
    }
    for path in &image {
        form = form.part("image[]", part(path)?);
    }
    if let Some(path) = &mask {
        form = form.part("mask", part(path)?);
    }
    let request = gateway.request(Method::POST, "/openai/v1/images/edits").multipart(form);
    let answer = waiting(&model, gateway.json(request)).await?;
    save(&gateway, &answer, &common.output).await
}

/// Tells what a generation would cost, at every provider.
pub(super) async fn estimate(arguments: GenerateArguments) -> Result<(), Failed> {
    let GenerateArguments { prompt, common } = arguments;
    let gateway = Gateway::new(&common.target)?;
    let model = common.model(&gateway).await?;
    let request = gateway
        .request(Method::POST, "/openai/v1/images/generations?dryRun=true")
        .json(&common.fields(&model, &prompt)?);
    let answer = gateway.json(request).await?;
    let mut rows = vec![vec!["PROVIDER".to_owned(), "AT MOST".to_owned()]];
    for candidate in answer["candidates"].as_array().into_iter().flatten() {
        let price = Micros(candidate["total_cost_micros"].as_i64().unwrap_or(0));
        rows.push(vec![
            candidate["provider"].as_str().unwrap_or_default().to_owned(),
            price.to_string(),
        ]);
    }
    table(&rows);
    adjustments(&answer["adjustments"]);
    Ok(())
}

fn part(path: &Path) -> Result<Part, Failed> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    let name = path
        .file_name()
        .map_or_else(|| "image".to_owned(), |name| name.to_string_lossy().into_owned());
    Ok(Part::bytes(bytes).file_name(name))
}

/// Turns a wheel while `work` runs, when a person watches.
async fn waiting<T>(model: &str, work: impl Future<Output = T>) -> T {
    let wheel = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        wheel.set_style(style);
    }
    wheel.set_message(format!("waiting for {model}"));
    wheel.enable_steady_tick(Duration::from_millis(120));
    let result = work.await;
    wheel.finish_and_clear();
    result
}

/// Saves every image under the extension of its own format.
async fn save(gateway: &Gateway, answer: &Value, output: &Path) -> Result<(), Failed> {
    let images = answer["data"].as_array().ok_or("the answer has no images")?;
    let stem = if output.is_dir() {
        output.join("image")
    } else {
        without_image_extension(output)
    };
    for (index, image) in images.iter().enumerate() {
        let bytes = match (&image["url"], &image["b64_json"]) {
            (Value::String(link), _) => gateway.bytes(link).await?,
            (_, Value::String(text)) => base64::engine::general_purpose::STANDARD.decode(text)?,
            _ => return Err("an image has neither a link nor bytes".into()),
        };
        let format = imaging::ImageFormat::sniff(&bytes).ok_or("an image is of no known format")?;
        let number = if images.len() > 1 {
            format!("-{}", index + 1)
        } else {
            String::new()
        };
        let path = PathBuf::from(format!("{}{number}.{}", stem.display(), format.extension()));
        std::fs::write(&path, bytes).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        say(&format!(
            "{}  {}",
            path.display(),
            answer["metadata"]["images"][index]["size"].as_str().unwrap_or_default()
        ));
    }
    let metadata = &answer["metadata"];
    let sandbox = if metadata["sandbox"] == Value::Bool(true) {
        ", in the sandbox"
    } else {
        ""
    };
    say(&format!(
        "{} by {}{sandbox}, ${}",
        answer["id"].as_str().unwrap_or_default(),
        metadata["provider_name"].as_str().unwrap_or_default(),
        metadata["cost"]
    ));
    adjustments(&metadata["adjustments"]);
    Ok(())
}

/// The path without the extension of an image; any other dot belongs to the name.
fn without_image_extension(path: &Path) -> PathBuf {
    let is_image = path
        .extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| extension.parse::<imaging::ImageFormat>().is_ok());
    if is_image {
        path.with_extension("")
    } else {
        path.to_path_buf()
    }
}

fn adjustments(list: &Value) {
    for change in list.as_array().into_iter().flatten() {
        let used = if change["used"].is_null() {
            "nothing".to_owned()
        } else {
            change["used"].to_string()
        };
        say(&format!(
            "note: {} {} became {used} ({})",
            change["parameter"].as_str().unwrap_or_default(),
            change["requested"],
            change["reason"].as_str().unwrap_or_default()
        ));
    }
}
