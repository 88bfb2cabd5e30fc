//! A key as it is shown: over HTTP and on the command line.

use jiff::Timestamp;
use planner::money::Micros;
use serde_json::{Value, json};

use crate::auth;
use crate::db::keys::KeyUse;
use crate::ledger::Period;

/// A key without its secret, with what it has spent.
pub(crate) fn key_json(used: &KeyUse, now: Timestamp) -> Value {
    let (key, terms) = (&used.key, &used.key.terms);
    let limits = &terms.limits;
    let dollars = |micros: i64| Micros(micros).as_json_dollars();
    let (day_micros, month_micros) = used.spent_in(Period::of(now));
    json!({
        "id": key.id,
        "object": "key",
        "name": key.name,
        "account_id": key.account_id,
        "scopes": auth::scopes_of(key).iter().map(|scope| scope.as_str()).collect::<Vec<_>>(),
        "last_four": key.last_four,
        "status": key.status(now).as_str(),
        "budget": {
            "total_usd": limits.total_micros.map(dollars),
            "day_usd": limits.day_micros.map(dollars),
            "month_usd": limits.month_micros.map(dollars),
        },
        "spent": {
            "total_usd": dollars(used.total_micros),
            "day_usd": dollars(day_micros),
            "month_usd": dollars(month_micros),
        },
        "rate_limit": { "requests_per_minute": limits.requests_per_minute, "concurrent": limits.concurrent },
        "models": terms.models,
        "providers": terms.providers,
        "rules": terms.rules,
        "route": terms.route.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok()),
        "response_format": terms.response_format,
        "log_retention_days": terms.log_retention_days,
        "media_ttl_s": terms.media_ttl_s,
        "expires_at": terms.expires_at.map(|time| time.to_string()),
        "created_at": key.created_at.to_string(),
        "revoked_at": key.revoked_at.map(|time| time.to_string()),
    })
}
