-- Ends of generations that callers want to be told of. A row is there from the beginning of its generation.

-- One is due when its generation has ended and next_at has come. While it is sent, next_at is when it is taken that the
-- sender is dead.
CREATE TABLE webhooks (
    generation_id TEXT NOT NULL PRIMARY KEY REFERENCES generations (id),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    url TEXT NOT NULL,
    state TEXT NOT NULL,
    tries BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    last_status BIGINT,
    last_error TEXT,
    created_at BIGINT NOT NULL
);
CREATE INDEX webhooks_by_state ON webhooks (state, next_at);
