-- What waits, by account and host: the next ones of each are found however many wait behind them.
CREATE INDEX webhooks_by_host ON webhooks (state, account_id, host, next_at, generation_id);
