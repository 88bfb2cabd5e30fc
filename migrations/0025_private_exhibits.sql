-- Pictures of prompts of one's own are private until they are published, and are removed after the time of media; what an
-- operator took down by a report stays hidden. What was hidden otherwise cannot be told from what was never published.
UPDATE exhibits SET state = 'private' WHERE state = 'hidden' AND competition = 'own-prompt' AND prompt <> ''
    AND NOT EXISTS (SELECT 1 FROM exhibit_reports WHERE exhibit_reports.exhibit_id = exhibits.id AND exhibit_reports.state = 'upheld');
CREATE INDEX exhibits_by_state ON exhibits (state, created_at);
