-- Pictures on show: entries of competitions, and what owners publish. Kept until they are taken down.
CREATE TABLE exhibits (
    id TEXT NOT NULL PRIMARY KEY,
    -- NULL: published beside any competition.
    competition TEXT,
    model TEXT NOT NULL,
    provider TEXT NOT NULL,
    prompt TEXT NOT NULL,
    -- What was asked beside the prompt, as JSON.
    settings TEXT NOT NULL,
    cost_micros BIGINT,
    duration_ms BIGINT,
    width_px BIGINT NOT NULL,
    height_px BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    path TEXT NOT NULL,
    -- 1: the sandbox drew it. Its votes are never counted with others.
    sandbox BIGINT NOT NULL,
    -- shown, waiting, hidden
    state TEXT NOT NULL,
    account_id TEXT NOT NULL,
    generation_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX exhibits_by_generation ON exhibits (generation_id, position);
CREATE INDEX exhibits_by_age ON exhibits (sandbox, state, created_at);
CREATE INDEX exhibits_by_model ON exhibits (model, state);

-- Pairs that were handed out. The names of their pictures say nothing.
CREATE TABLE arena_battles (
    id TEXT NOT NULL PRIMARY KEY,
    competition TEXT NOT NULL,
    left_exhibit TEXT NOT NULL REFERENCES exhibits (id),
    right_exhibit TEXT NOT NULL REFERENCES exhibits (id),
    left_picture TEXT NOT NULL,
    right_picture TEXT NOT NULL,
    voter TEXT NOT NULL,
    address TEXT,
    sandbox BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX arena_battles_by_left ON arena_battles (left_picture);
CREATE UNIQUE INDEX arena_battles_by_right ON arena_battles (right_picture);
CREATE INDEX arena_battles_by_voter ON arena_battles (voter, created_at);
CREATE INDEX arena_battles_by_address ON arena_battles (address, created_at);
CREATE INDEX arena_battles_by_age ON arena_battles (created_at);

-- Rows are only ever added: a vote, and that it was taken back.
CREATE TABLE arena_votes (
    id TEXT NOT NULL PRIMARY KEY,
    battle_id TEXT NOT NULL,
    -- vote, taken_back
    kind TEXT NOT NULL,
    competition TEXT NOT NULL,
    left_model TEXT NOT NULL,
    right_model TEXT NOT NULL,
    -- left, right, as_good, both_bad
    outcome TEXT NOT NULL,
    voter TEXT NOT NULL,
    address TEXT,
    decided_ms BIGINT,
    sandbox BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX arena_votes_by_battle ON arena_votes (battle_id, kind);
CREATE INDEX arena_votes_by_world ON arena_votes (sandbox, id);
CREATE INDEX arena_votes_by_voter ON arena_votes (voter, created_at);

-- Voters whose votes do not count, and why. One that was taken back in stays so.
CREATE TABLE arena_aside (
    voter TEXT NOT NULL PRIMARY KEY,
    sandbox BIGINT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    votes BIGINT NOT NULL,
    found_at BIGINT NOT NULL,
    restored_at BIGINT
);
