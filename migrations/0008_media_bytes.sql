-- Bytes that an account's stored images may take; NULL: only the gateway's own limit holds.
ALTER TABLE accounts ADD COLUMN media_bytes BIGINT;
