-- Finding requests among a million: by what they have in common, newest first, and by words of prompts that are kept.

DROP INDEX generations_by_time;
CREATE INDEX generations_by_time ON generations (account_id, created_at, id);
CREATE INDEX generations_by_moment ON generations (created_at, id);
CREATE INDEX generations_by_model ON generations (model, created_at, id);
CREATE INDEX generations_by_key ON generations (key_id, created_at, id);
CREATE INDEX generations_by_provider ON generations (provider, created_at, id) WHERE provider IS NOT NULL;
CREATE INDEX generations_by_code ON generations (error_code, created_at, id) WHERE error_code IS NOT NULL;
CREATE INDEX generations_by_user ON generations (end_user, created_at, id) WHERE end_user IS NOT NULL;
CREATE INDEX generations_by_trace ON generations (trace_id, created_at, id) WHERE trace_id IS NOT NULL;
CREATE INDEX generations_by_trouble ON generations (status, created_at, id) WHERE status IN ('upstream_failure', 'rejected', 'cancelled');
DROP INDEX generations_by_client_request_id;
CREATE INDEX generations_by_client_request_id ON generations (client_request_id, created_at, id) WHERE client_request_id IS NOT NULL;
DROP INDEX generations_by_session;
CREATE INDEX generations_by_session ON generations (session_id, created_at, id) WHERE session_id IS NOT NULL;
DROP INDEX generations_by_idempotency_key;
CREATE INDEX generations_by_idempotency_key ON generations (idempotency_key, created_at, id) WHERE idempotency_key IS NOT NULL;

-- The words of a prompt that is kept, each once; it goes with the prompt.
CREATE TABLE request_words (
    word TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    generation_id TEXT NOT NULL,
    PRIMARY KEY (word, created_at, generation_id)
);
CREATE INDEX request_words_by_generation ON request_words (generation_id);
CREATE INDEX media_by_end ON media (expires_at, id);
DROP INDEX media_by_expiry;
