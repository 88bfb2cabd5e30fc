-- What people report of pictures on show: the operator looks at it. One person reports a picture once.
CREATE TABLE exhibit_reports (
    id TEXT NOT NULL PRIMARY KEY,
    exhibit_id TEXT NOT NULL REFERENCES exhibits (id),
    reporter TEXT NOT NULL,
    reason TEXT NOT NULL,
    -- waiting, upheld, dismissed
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX exhibit_reports_once ON exhibit_reports (exhibit_id, reporter);
CREATE INDEX exhibit_reports_by_state ON exhibit_reports (state, created_at);
CREATE INDEX exhibit_reports_by_reporter ON exhibit_reports (reporter, created_at);

-- What a model of the operator's says of a picture: a machine's opinion, never a vote.
CREATE TABLE exhibit_opinions (
    exhibit_id TEXT NOT NULL PRIMARY KEY REFERENCES exhibits (id),
    judge TEXT NOT NULL,
    -- Lists of texts, as JSON.
    plus TEXT NOT NULL,
    minus TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
