-- SQLite's schema 1 as it was.

CREATE TABLE town (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    id            TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    incarnation   INTEGER NOT NULL,
    version       INTEGER NOT NULL DEFAULT 0,
    lease_epoch   INTEGER NOT NULL DEFAULT 0,
    lease_counter INTEGER NOT NULL DEFAULT 0,
    lease_holder  TEXT
) STRICT;

CREATE TABLE town_record (
    key    TEXT PRIMARY KEY,
    record TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE mission (
    seq        INTEGER PRIMARY KEY,
    id         TEXT    NOT NULL UNIQUE,
    version    INTEGER NOT NULL,
    unfinished INTEGER NOT NULL,
    charter    TEXT    NOT NULL,
    head       TEXT    NOT NULL
) STRICT;

CREATE INDEX mission_unfinished ON mission (seq) WHERE unfinished = 1;

CREATE TABLE mission_record (
    mission INTEGER NOT NULL,
    key     TEXT    NOT NULL,
    record  TEXT    NOT NULL,
    PRIMARY KEY (mission, key)
) STRICT, WITHOUT ROWID;

-- `scope` is a mission's `seq`, or 0 for the town.
CREATE TABLE step (
    scope  INTEGER NOT NULL,
    number INTEGER NOT NULL,
    record TEXT    NOT NULL,
    PRIMARY KEY (scope, number)
) STRICT, WITHOUT ROWID;

-- An input waits while it has no answer; then its row remembers its name for a day.
-- AUTOINCREMENT, here and below: a position is never used again.
CREATE TABLE input (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    op          TEXT    NOT NULL UNIQUE,
    input       TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    answer      TEXT,
    answered_at INTEGER
) STRICT;

CREATE INDEX input_waiting ON input (id) WHERE answer IS NULL;

CREATE TABLE mail (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    box      TEXT NOT NULL,
    key      TEXT NOT NULL,
    record   TEXT NOT NULL,
    UNIQUE (box, key)
) STRICT;

CREATE INDEX mail_order ON mail (box, position);

CREATE TABLE effect (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    op       TEXT NOT NULL UNIQUE,
    record   TEXT NOT NULL
) STRICT;

CREATE TABLE beat (
    agent      TEXT PRIMARY KEY,
    generation INTEGER NOT NULL,
    counter    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE commit_memo (
    seq     INTEGER PRIMARY KEY,
    op      TEXT    NOT NULL UNIQUE,
    at      INTEGER NOT NULL,
    town    INTEGER NOT NULL,
    mission INTEGER NOT NULL
) STRICT;

-- `reply` is one of held, released, refused; the other columns say which fence or which lease.
CREATE TABLE lease_memo (
    seq         INTEGER PRIMARY KEY,
    op          TEXT    NOT NULL UNIQUE,
    at          INTEGER NOT NULL,
    reply       TEXT    NOT NULL,
    incarnation INTEGER NOT NULL,
    epoch       INTEGER NOT NULL,
    counter     INTEGER NOT NULL,
    holder      TEXT
) STRICT;

CREATE TABLE blob (
    sha256 TEXT NOT NULL UNIQUE,
    text   TEXT NOT NULL
) STRICT;
