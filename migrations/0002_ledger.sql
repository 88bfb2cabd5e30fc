-- Accounts, the double-entry ledger, keys with budgets, and what the request log needs beside them.

-- What an account may still spend is its available money; what calls under way may cost is held. A postpaid account goes
-- below zero, down to its credit limit if it has one; a prepaid one has the limit 0.
ALTER TABLE accounts ADD COLUMN available_micros BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN held_micros BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN credit_limit_micros BIGINT;
ALTER TABLE accounts ADD COLUMN log_retention_days BIGINT;
ALTER TABLE accounts ADD COLUMN media_ttl_s BIGINT;
ALTER TABLE accounts ADD COLUMN stores_payloads BIGINT NOT NULL DEFAULT 0;

-- Movements of money: rows are only ever added. The id is made before the call, so each is posted at most once.
CREATE TABLE postings (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    key_id TEXT,
    generation_id TEXT,
    note TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX postings_by_account ON postings (account_id, created_at, id);
CREATE INDEX postings_by_generation ON postings (generation_id);

-- The amounts of a posting, one for each book. They sum to zero.
CREATE TABLE entries (
    posting_id TEXT NOT NULL REFERENCES postings (id),
    book TEXT NOT NULL,
    amount_micros BIGINT NOT NULL,
    PRIMARY KEY (posting_id, book)
);

-- What is held for a generation. Days are counted from 1970, months are 12 times the year plus the month from 0.
CREATE TABLE reservations (
    generation_id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    key_id TEXT NOT NULL REFERENCES api_keys (id),
    amount_micros BIGINT NOT NULL,
    day BIGINT NOT NULL,
    month BIGINT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX reservations_by_state ON reservations (state, expires_at);

ALTER TABLE api_keys ADD COLUMN models TEXT NOT NULL DEFAULT '[]';
ALTER TABLE api_keys ADD COLUMN providers TEXT NOT NULL DEFAULT '[]';
ALTER TABLE api_keys ADD COLUMN route TEXT;
ALTER TABLE api_keys ADD COLUMN expires_at BIGINT;

-- Limits of a key and how far they are used; what is held counts as used. One row, so that one statement can check and add.
CREATE TABLE key_limits (
    key_id TEXT NOT NULL PRIMARY KEY REFERENCES api_keys (id),
    total_limit_micros BIGINT,
    day_limit_micros BIGINT,
    month_limit_micros BIGINT,
    concurrent_limit BIGINT,
    requests_per_minute BIGINT,
    total_used_micros BIGINT NOT NULL DEFAULT 0,
    day BIGINT NOT NULL DEFAULT 0,
    day_used_micros BIGINT NOT NULL DEFAULT 0,
    month BIGINT NOT NULL DEFAULT 0,
    month_used_micros BIGINT NOT NULL DEFAULT 0,
    open_count BIGINT NOT NULL DEFAULT 0,
    -- When the key's requests, evenly spread, would be due: requests are taken while this is less than a minute ahead.
    next_request_at BIGINT NOT NULL DEFAULT 0
);

ALTER TABLE generations ADD COLUMN provider TEXT;
ALTER TABLE generations ADD COLUMN markup_micros BIGINT NOT NULL DEFAULT 0;
ALTER TABLE generations ADD COLUMN payloads_purged_at BIGINT;
CREATE INDEX generations_by_time ON generations (account_id, created_at);
CREATE INDEX generations_by_session ON generations (account_id, session_id);
ALTER TABLE attempts ADD COLUMN cost_micros BIGINT;

-- What was asked and answered, for accounts that keep it. Without images and without secrets.
CREATE TABLE payloads (
    generation_id TEXT NOT NULL PRIMARY KEY,
    request TEXT NOT NULL,
    response TEXT
);

-- What was charged before there was a ledger.
INSERT INTO key_limits (key_id, total_used_micros)
    SELECT id, COALESCE((SELECT SUM(cost_micros) FROM generations WHERE key_id = api_keys.id AND status = 'completed'), 0) FROM api_keys;
INSERT INTO postings (id, kind, account_id, key_id, generation_id, created_at)
    SELECT id || '/charge', 'charge', account_id, key_id, id, COALESCE(finished_at, created_at) FROM generations WHERE status = 'completed';
INSERT INTO entries (posting_id, book, amount_micros)
    SELECT id || '/charge', 'available', -COALESCE(cost_micros, 0) FROM generations WHERE status = 'completed';
INSERT INTO entries (posting_id, book, amount_micros)
    SELECT id || '/charge', 'usage', COALESCE(cost_micros, 0) FROM generations WHERE status = 'completed';
UPDATE accounts SET available_micros =
    -COALESCE((SELECT SUM(cost_micros) FROM generations WHERE account_id = accounts.id AND status = 'completed'), 0);
