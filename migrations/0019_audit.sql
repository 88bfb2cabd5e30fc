-- What was done to sign-ins, keys, accounts and money: by whom, from where. Rows are only ever added.
CREATE TABLE audit (
    id TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    action TEXT NOT NULL,
    -- 'key' with the id of an API key and its account, or 'command_line' with the name of the machine's user.
    actor_type TEXT NOT NULL,
    actor_id TEXT,
    actor_account_id TEXT,
    address TEXT,
    request_id TEXT,
    -- Whose account it concerns, and what it was done to.
    account_id TEXT,
    target TEXT,
    -- What was ordered, as JSON without secrets.
    details TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (created_at, id);
