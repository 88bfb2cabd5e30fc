-- To which host a webhook goes: one that lets senders wait gets a few at a time. Older ones count as one host's.
ALTER TABLE webhooks ADD COLUMN host TEXT NOT NULL DEFAULT '';
