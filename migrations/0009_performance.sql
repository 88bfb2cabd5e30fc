-- How calls went in the last days is read by the time at which they began.
CREATE INDEX attempts_by_start ON attempts (started_at);
