-- Where a request was to go: the candidates in order, each with its estimate, fit, chance and reason, as JSON.
ALTER TABLE generations ADD COLUMN plan TEXT NOT NULL DEFAULT '[]';
