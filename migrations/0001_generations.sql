-- Times are microseconds since 1970 in UTC, money is millionths of a US dollar, lists and objects are JSON text.

CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    billing_type TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    last_four TEXT NOT NULL,
    scopes TEXT NOT NULL,
    response_format TEXT,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE TABLE generations (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    key_id TEXT NOT NULL REFERENCES api_keys (id),
    client_request_id TEXT,
    session_id TEXT,
    trace_id TEXT,
    end_user TEXT,
    endpoint TEXT NOT NULL,
    model TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    estimate_micros BIGINT NOT NULL,
    cost_micros BIGINT,
    cost_basis TEXT,
    cost_components TEXT NOT NULL,
    adjustments TEXT NOT NULL,
    error_code TEXT,
    error_message TEXT,
    request_size_bytes BIGINT NOT NULL,
    response_size_bytes BIGINT
);
CREATE INDEX generations_by_account ON generations (account_id, id);
CREATE INDEX generations_by_client_request_id ON generations (account_id, client_request_id);

CREATE TABLE attempts (
    generation_id TEXT NOT NULL REFERENCES generations (id),
    position BIGINT NOT NULL,
    provider TEXT NOT NULL,
    model TEXT NOT NULL,
    outcome TEXT NOT NULL,
    code TEXT,
    spent TEXT NOT NULL,
    http_status BIGINT,
    upstream_id TEXT,
    started_at BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    PRIMARY KEY (generation_id, position)
);

CREATE TABLE media (
    id TEXT NOT NULL PRIMARY KEY,
    generation_id TEXT NOT NULL REFERENCES generations (id),
    position BIGINT NOT NULL,
    path TEXT NOT NULL,
    format TEXT NOT NULL,
    width_px BIGINT NOT NULL,
    height_px BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX media_by_generation ON media (generation_id, position);
CREATE INDEX media_by_expiry ON media (expires_at);

-- Secrets that the gateway makes for itself once.
CREATE TABLE own_secrets (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
