//! Traces and metrics for a collector, over OTLP, by the conventions for calls of generative models. Nothing of it is there
//! unless the operator names a collector.

mod names;
mod sender;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::http::HeaderMap;
use opentelemetry::metrics::{Histogram, Meter, MeterProvider as _};
use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::{Status, TraceContextExt as _, TracerProvider as _};
use opentelemetry::{KeyValue, Value};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use planner::failure::Failure;
use planner::usage::Usage;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::registry::LookupSpan;

use crate::ids::random_text;
use crate::outcome::code_of;
use crate::settings::Settings;
use names::Named;
use sender::Sender;

/// What a call to a provider does, in the words of the conventions.
const OPERATION: &str = "generate_content";
/// Upper bounds in seconds, those of `/metrics`.
const SECONDS: [f64; 14] = [
    0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 150.0, 300.0,
];
/// Upper bounds in tokens, as the conventions advise.
const TOKENS: [f64; 14] = [
    1.0,
    4.0,
    16.0,
    64.0,
    256.0,
    1024.0,
    4096.0,
    16384.0,
    65536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
    67_108_864.0,
];
/// How long the collector may take for one batch.
const BATCH_WITHIN: Duration = Duration::from_secs(10);
/// Letters by which a collector tells replicas apart.
const INSTANCE_CHARS: usize = 12;

/// What is measured; absent while nobody asks for it.
static MEASURED: OnceLock<Measured> = OnceLock::new();

struct Measured {
    operation_time: Histogram<f64>,
    tokens: Histogram<u64>,
    request_time: Histogram<f64>,
}

impl Measured {
    fn new(meter: &Meter) -> Self {
        let seconds = |name: &'static str| {
            let histogram = meter.f64_histogram(name).with_unit("s");
            histogram.with_boundaries(SECONDS.to_vec()).build()
        };
        let tokens = meter.u64_histogram("gen_ai.client.token.usage").with_unit("{token}");
        Self {
            operation_time: seconds("gen_ai.client.operation.duration"),
            tokens: tokens.with_boundaries(TOKENS.to_vec()).build(),
            request_time: seconds("http.server.request.duration"),
        }
    }
}

/// The way to the collector.
pub(crate) struct Telemetry {
    traces: SdkTracerProvider,
    metrics: SdkMeterProvider,
}

impl Telemetry {
    /// What the settings ask for; `None` when they name no collector. Within the runtime that is to send.
    ///
    /// # Errors
    /// The address cannot be used.
    pub(crate) fn start(settings: &Settings) -> Result<Option<Self>, ExporterBuildError> {
        let Some(base) = settings.otlp_endpoint.as_deref().filter(|base| !base.is_empty()) else {
            return Ok(None);
        };
        let base = base.trim_end_matches('/');
        let sender = Arc::new(Sender::new(BATCH_WITHIN));
        let headers: HashMap<String, String> = settings.otlp_headers.clone().into_iter().collect();
        let spans = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}/v1/traces"))
            .with_timeout(BATCH_WITHIN)
            .with_shared_http_client(sender.clone())
            .with_headers(headers.clone())
            .build()?;
        let figures = MetricExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}/v1/metrics"))
            .with_timeout(BATCH_WITHIN)
            .with_shared_http_client(sender)
            .with_headers(headers)
            .build()?;
        let resource = Resource::builder()
            .with_service_name("pictor")
            .with_attributes([
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
                KeyValue::new("service.instance.id", random_text(INSTANCE_CHARS)),
            ])
            .build();
        // Who called first has decided whether the trace is kept; of what begins here a share is.
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(settings.otlp_trace_ratio)));
        let traces = SdkTracerProvider::builder()
            .with_resource(resource.clone())
            .with_sampler(sampler)
            .with_batch_exporter(Named(spans))
            .build();
        let metrics = SdkMeterProvider::builder()
            .with_resource(resource)
            .with_periodic_exporter(figures)
            .build();
        // One process has one gateway that asks for it; a second would share the first's.
        let _ = MEASURED.set(Measured::new(&metrics.meter("pictor")));
        Ok(Some(Self { traces, metrics }))
    }

    /// What turns spans of the log into spans of traces: our own, without details.
    pub(crate) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        let own = Targets::new()
            .with_target("gateway", LevelFilter::INFO)
            .with_target("providers", LevelFilter::INFO);
        tracing_opentelemetry::layer()
            .with_tracer(self.traces.tracer("pictor"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(own)
    }

    /// Sends what is left, and ends.
    pub(crate) async fn finish(self) {
        // Its threads wait for this runtime, so that none of the runtime's own may wait for them.
        let ended = tokio::task::spawn_blocking(move || {
            // What a collector does not take is lost, which has been told.
            let _ = self.traces.shutdown();
            let _ = self.metrics.shutdown();
        });
        let _ = ended.await;
    }
}

/// Makes a request's span part of its caller's trace. Tells the trace, if there is one.
pub(crate) fn join(span: &Span, headers: &HeaderMap) -> Option<String> {
    let given = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    let parent = given.span().span_context().clone();
    if parent.is_valid() {
        // Without a collector there is no such span to be joined.
        let _ = span.set_parent(given);
    }
    let own = span.context().span().span_context().trace_id();
    let known = [own, parent.trace_id()];
    let trace = known
        .into_iter()
        .find(|id| *id != opentelemetry::trace::TraceId::INVALID);
    trace.map(|id| id.to_string())
}

/// The current span as a header of calls that are made in it: `traceparent` of W3C. Nothing without a collector: providers
/// need not know of it.
pub(crate) fn parent_of_calls() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let own = span.span_context();
    own.is_valid().then(|| {
        format!(
            "00-{}-{}-{:02x}",
            own.trace_id(),
            own.span_id(),
            own.trace_flags().to_u8()
        )
    })
}

/// An answered request.
pub(crate) struct Answered<'a> {
    pub(crate) method: &'a str,
    pub(crate) route: Option<&'a str>,
    pub(crate) status: u16,
    pub(crate) request_id: &'a str,
    pub(crate) model: Option<&'a str>,
    pub(crate) provider: Option<&'a str>,
    pub(crate) cost_micros: Option<i64>,
    pub(crate) error_code: Option<&'static str>,
    pub(crate) took: Duration,
}

/// Tells of an answered request.
pub(crate) fn answered(span: &Span, answer: &Answered<'_>) {
    let Some(measured) = MEASURED.get() else { return };
    // Callers make methods up; a collector keeps a series for each.
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let method = METHODS
        .into_iter()
        .find(|known| *known == answer.method)
        .unwrap_or("_OTHER");
    let mut attributes = vec![
        KeyValue::new("http.request.method", method),
        KeyValue::new("http.response.status_code", i64::from(answer.status)),
    ];
    attributes.extend(answer.route.map(|route| KeyValue::new("http.route", route.to_owned())));
    attributes.extend(answer.error_code.map(|code| KeyValue::new("error.type", code)));
    measured.request_time.record(answer.took.as_secs_f64(), &attributes);
    for attribute in attributes {
        span.set_attribute(attribute.key, attribute.value);
    }
    span.set_attribute("pictor.request.id", answer.request_id.to_owned());
    let texts = [
        ("gen_ai.request.model", answer.model),
        ("pictor.provider", answer.provider),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            span.set_attribute(name, text.to_owned());
        }
    }
    if let Some(cost) = answer.cost_micros {
        span.set_attribute("pictor.cost_micros", cost);
    }
    if answer.status >= 500 {
        span.set_status(Status::error(answer.error_code.unwrap_or_default()));
    }
}

/// Tells of a call of a model at a provider that is over: the provider's own id of it and what it used, or why it failed.
pub(crate) fn called(
    span: &Span,
    (provider, model): (&str, &str),
    end: &Result<(Option<&str>, Option<Usage>), &Failure>,
    took: Duration,
) {
    let Some(measured) = MEASURED.get() else { return };
    let mut attributes = vec![
        KeyValue::new("gen_ai.operation.name", OPERATION),
        KeyValue::new("gen_ai.provider.name", names::provider(provider).to_owned()),
        KeyValue::new("gen_ai.request.model", model.to_owned()),
    ];
    let (upstream_id, usage) = end.as_ref().map_or((None, None), |end| *end);
    let set = |name: &'static str, value: Value| span.set_attribute(name, value);
    set("gen_ai.operation.name", OPERATION.into());
    set("gen_ai.output.type", "image".into());
    if let Some(id) = upstream_id {
        set("gen_ai.response.id", id.to_owned().into());
    }
    if let Some(usage) = usage {
        let counts = [
            ("input", "gen_ai.usage.input_tokens", usage.input_tokens()),
            ("output", "gen_ai.usage.output_tokens", usage.output_tokens()),
        ];
        for (kind, name, count) in counts {
            set(name, i64::try_from(count).unwrap_or(i64::MAX).into());
            let of_kind = [KeyValue::new("gen_ai.token.type", kind)];
            measured
                .tokens
                .record(count, &[attributes.as_slice(), &of_kind].concat());
        }
    }
    if let Err(failure) = end {
        let code = code_of(failure.kind);
        set("error.type", code.into());
        span.set_status(Status::error(code));
        attributes.push(KeyValue::new("error.type", code));
    }
    measured.operation_time.record(took.as_secs_f64(), &attributes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_from_what_callers_send() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", axum::http::HeaderValue::from_static(text));
            join(&Span::none(), &headers)
        };
        let trace = "0af7651916cd43dd8448eb211c80319c";
        assert_eq!(
            of("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").as_deref(),
            Some(trace)
        );
        for wrong in [
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "0af7651916cd43dd8448eb211c80319c",
            "00-<script>-b7ad6b7169203331-01",
            "",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        assert_eq!(join(&Span::none(), &HeaderMap::new()), None);
        assert_eq!(parent_of_calls(), None, "without a collector nobody is told");
    }
}
