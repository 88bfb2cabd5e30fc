-- What is needed to finish a generation whose process died, and to answer again what was answered before.

-- The process that works on it, and until when it is taken to be alive unless it says so again.
ALTER TABLE generations ADD COLUMN lease_owner TEXT;
ALTER TABLE generations ADD COLUMN lease_until BIGINT NOT NULL DEFAULT 0;
ALTER TABLE generations ADD COLUMN deadline_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX generations_by_lease ON generations (status, lease_until);

ALTER TABLE generations ADD COLUMN idempotency_key TEXT;
ALTER TABLE generations ADD COLUMN request_hash TEXT;
ALTER TABLE generations ADD COLUMN response_format TEXT;
-- The answer's status and its body without the images; an error's body whole.
ALTER TABLE generations ADD COLUMN answer_status BIGINT;
ALTER TABLE generations ADD COLUMN answer TEXT;
ALTER TABLE generations ADD COLUMN delivered_at BIGINT;
CREATE INDEX generations_by_hash ON generations (key_id, request_hash);
CREATE INDEX generations_by_idempotency_key ON generations (account_id, idempotency_key);

-- Where the provider's job is found again, and what is needed to finish it.
ALTER TABLE attempts ADD COLUMN handle TEXT;
ALTER TABLE attempts ADD COLUMN facts TEXT;

-- Which generation answers for a key that a caller gave. Those that may have been paid for without an answer are counted.
CREATE TABLE idempotency_keys (
    key_id TEXT NOT NULL REFERENCES api_keys (id),
    idempotency_key TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    generation_id TEXT NOT NULL,
    unknown_outcomes BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (key_id, idempotency_key)
);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
CREATE INDEX idempotency_keys_by_generation ON idempotency_keys (generation_id);
