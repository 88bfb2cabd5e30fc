-- Processes that are alive: each counts its beat up, and others see whether it goes on.
CREATE TABLE processes (
    owner TEXT NOT NULL PRIMARY KEY,
    beat BIGINT NOT NULL
);
