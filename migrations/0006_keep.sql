-- What is needed to finish a generation with no more images than were asked for, and to hand an answer to whom it did not reach.

-- Images that were asked for; 0 where nobody noted it.
ALTER TABLE generations ADD COLUMN images BIGINT NOT NULL DEFAULT 0;
-- The counter of the SDK's retry that took the answer as its own; 0 while none has.
ALTER TABLE generations ADD COLUMN adopted_by BIGINT NOT NULL DEFAULT 0;
-- When the connection broke on which the caller waited for the answer, or got it.
ALTER TABLE generations ADD COLUMN broken_at BIGINT;
-- The call that made an image, and what its charge is found by.
ALTER TABLE media ADD COLUMN made TEXT;
CREATE INDEX media_by_path ON media (path);
