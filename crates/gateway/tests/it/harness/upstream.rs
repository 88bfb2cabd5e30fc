//! The providers of a gateway as a test sees them: their addresses, faults, calls and bills.

use std::collections::BTreeMap;

use gateway::settings::ProviderSettings;
use planner::catalog::provider::Provider;
use reqwest::{StatusCode, Url};
use serde_json::Value;

use super::{TestGateway, catalog, try_send};

impl TestGateway {
    /// Orders a fault of the providers.
    pub(crate) async fn fault(&self, order: Value) {
        let reply = try_send(self.client.post(self.sandbox_url("/_sandbox/faults")).json(&order)).await;
        let reply = reply.expect("the sandbox answers");
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    }

    /// What the providers would have charged, call by call.
    pub(crate) async fn bill(&self) -> Vec<Value> {
        let bill = self.control("/_sandbox/bill").await;
        bill["entries"].as_array().cloned().expect("a list of charges")
    }

    /// The sum of the bill in millionths of a dollar.
    pub(crate) async fn billed_micros(&self) -> i64 {
        self.control("/_sandbox/bill").await["total_micros"]
            .as_i64()
            .expect("a sum")
    }

    /// Calls that the providers got, whatever came of them.
    pub(crate) async fn upstream_calls(&self) -> Vec<Value> {
        let calls = self.control("/_sandbox/calls").await;
        calls["calls"].as_array().cloned().expect("a list of calls")
    }

    async fn control(&self, path: &str) -> Value {
        let reply = try_send(self.client.get(self.sandbox_url(path)))
            .await
            .expect("the sandbox answers");
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        reply.json()
    }

    /// A path of the providers' sandbox as a URL.
    pub(crate) fn sandbox_url(&self, path: &str) -> String {
        let base = self
            .sandbox_base
            .as_ref()
            .expect("only a gateway with providers of its own has a sandbox to look into");
        format!("{base}{path}")
    }

    /// Where a provider is called.
    pub(crate) fn upstream_address(&self, provider: &str) -> Url {
        let running = self.running.as_ref().expect("it runs");
        let upstream = running.upstreams.get(provider).expect("a provider of the catalogue");
        let access = upstream.access.as_ref().expect("one that is on");
        access.endpoint().base_url.clone()
    }
}

/// Settings that make every provider real and lead it to a sandbox.
pub(crate) fn providers(sandbox: &str) -> BTreeMap<String, ProviderSettings> {
    let catalog = catalog();
    let emulated = catalog.providers().filter(|provider| !provider.sandbox_only);
    let settings = |provider: &Provider| {
        let options = provider.sandbox_options.iter();
        Some(ProviderSettings {
            credential: Some(provider.sandbox_credential.clone()),
            base_url: Some(format!("{sandbox}{}", provider.sandbox_path.as_ref()?)),
            options: options
                .map(|(name, path)| (name.clone(), format!("{sandbox}{path}")))
                .collect(),
            ..ProviderSettings::default()
        })
    };
    emulated
        .filter_map(|provider| Some((provider.id.clone(), settings(provider)?)))
        .collect()
}
