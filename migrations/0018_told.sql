-- What happened, so that it can be told: what each provider said, and where a request's time went.

-- What a failure says to the caller, and the part of the provider's answer that only admins see: redacted and bounded.
ALTER TABLE attempts ADD COLUMN message TEXT;
ALTER TABLE attempts ADD COLUMN excerpt TEXT;
-- The stages of the request as JSON: when each began and how long it took, in microseconds since the request came in.
ALTER TABLE generations ADD COLUMN timings TEXT NOT NULL DEFAULT '[]';
