-- Secrets of the gateway's own that others took the place of, and that still count until they end.
CREATE TABLE former_secrets (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (name, value)
);
