-- Which of a provider's credentials handed a job in, by its name: only that one's account knows the job. Absent where there is one
-- alone, and where an older program noted the job.
ALTER TABLE attempts ADD COLUMN credential TEXT;
