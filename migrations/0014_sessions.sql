-- Sessions of the site: each acts for a key, whose account pays and whose scopes hold. Only a hash of its secret is stored.
CREATE TABLE sessions (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    key_id TEXT NOT NULL REFERENCES api_keys (id),
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE INDEX sessions_by_key ON sessions (key_id);
CREATE INDEX sessions_by_last_seen ON sessions (last_seen_at);

-- What visitors spend together in a day: those of one address, and all of them.
CREATE TABLE pools (
    id TEXT NOT NULL PRIMARY KEY,
    day_limit_micros BIGINT,
    concurrent_limit BIGINT,
    day BIGINT NOT NULL DEFAULT 0,
    day_used_micros BIGINT NOT NULL DEFAULT 0,
    open_count BIGINT NOT NULL DEFAULT 0
);

-- The pool of its address, for the key of a visitor's session; such keys count in the pool of all visitors, too.
ALTER TABLE key_limits ADD COLUMN address_pool TEXT;
CREATE INDEX key_limits_by_pool ON key_limits (address_pool);
