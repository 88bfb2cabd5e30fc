//! How spans of the log are called in traces. They are named here and not where they are made, so that lines of the log stay
//! short.

use std::time::Duration;

use opentelemetry::trace::SpanKind;
use opentelemetry::{Key, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::OPERATION;

/// Names spans before they go out.
#[derive(Debug)]
pub(super) struct Named<E>(pub(super) E);

impl<E: SpanExporter> SpanExporter for Named<E> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(name);
        self.0.export(batch).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

/// A provider as the conventions call it.
pub(super) fn provider(id: &str) -> &str {
    match id {
        "gemini" => "gcp.gemini",
        "vertex" => "gcp.vertex_ai",
        "xai" => "x_ai",
        other => other,
    }
}

fn name(span: &mut SpanData) {
    match &*span.name {
        "request" => {
            span.span_kind = SpanKind::Server;
            let words = [text(span, "http.request.method"), text(span, "http.route")];
            let words: Vec<String> = words.into_iter().flatten().collect();
            if !words.is_empty() {
                span.name = words.join(" ").into();
            }
        }
        "attempt" => {
            span.span_kind = SpanKind::Client;
            for attribute in &mut span.attributes {
                match attribute.key.as_str() {
                    "provider.id" => {
                        let named = provider(&attribute.value.as_str()).to_owned();
                        *attribute = KeyValue::new("gen_ai.provider.name", named);
                    }
                    "model.native" => attribute.key = Key::from_static_str("gen_ai.request.model"),
                    "position" => attribute.key = Key::from_static_str("pictor.attempt.position"),
                    _ => {}
                }
            }
            let model = text(span, "gen_ai.request.model").unwrap_or_default();
            span.name = format!("{OPERATION} {model}").into();
        }
        "stage" => {
            if let Some(stage) = text(span, "stage") {
                span.name = stage.into();
            }
        }
        _ => {}
    }
}

/// The value of an attribute.
fn text(span: &SpanData, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key.as_str() == key)?;
    Some(found.value.as_str().into_owned())
}
