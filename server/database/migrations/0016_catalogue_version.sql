-- What the catalogue answers from has changed whenever this text has. No two changes ever give the same one, not even
-- one that is rolled back or one in another database: so a process may keep what it read under it.
CREATE TABLE catalogue_version (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    version TEXT NOT NULL
) {strict};
