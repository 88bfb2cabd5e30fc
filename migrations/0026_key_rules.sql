-- What a key may ask for beyond models and providers, how long what it asks and gets is kept, and what the operator's policy said
-- of a request. All of it may be absent, so that programs that do not know it go on.

-- Sizes, formats, qualities, hours and regions, as JSON.
ALTER TABLE api_keys ADD COLUMN rules TEXT;
-- NULL: as the account says. 0: nothing is kept but what was done and what it cost.
ALTER TABLE api_keys ADD COLUMN log_retention_days BIGINT;
ALTER TABLE api_keys ADD COLUMN media_ttl_s BIGINT;
-- What denied it, and why, as JSON: for admins.
ALTER TABLE generations ADD COLUMN policy TEXT;
