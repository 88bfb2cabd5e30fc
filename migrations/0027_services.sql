-- How providers were served, from when on: by emulators of the sandbox, or in truth. What was drawn is no figure of a provider's.
CREATE TABLE services (
    provider TEXT NOT NULL,
    since BIGINT NOT NULL,
    sandbox BIGINT NOT NULL,
    PRIMARY KEY (provider, since)
);
