-- Charters leave the row that every commit writes.

CREATE TABLE charter (
    mission INTEGER PRIMARY KEY,
    record  TEXT NOT NULL
) STRICT;

INSERT INTO charter (mission, record) SELECT seq, charter FROM mission;

ALTER TABLE mission DROP COLUMN charter;
