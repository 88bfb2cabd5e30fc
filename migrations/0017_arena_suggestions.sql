-- Prompts that visitors would like to see in a competition.
CREATE TABLE arena_suggestions (
    id TEXT NOT NULL PRIMARY KEY,
    prompt TEXT NOT NULL,
    voter TEXT NOT NULL,
    -- waiting, taken, left
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX arena_suggestions_by_voter ON arena_suggestions (voter, created_at);
CREATE INDEX arena_suggestions_by_state ON arena_suggestions (state, created_at);
