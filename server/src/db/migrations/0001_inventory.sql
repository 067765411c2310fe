-- Vehicles, their ECUs, and what they should and do run. Times are milliseconds since 1970.
CREATE TABLE vehicles (
    id                  TEXT PRIMARY KEY NOT NULL,
    state               TEXT NOT NULL CHECK (state IN ('active', 'revoked')),
    certificate_key_id  TEXT NOT NULL UNIQUE,
    registered_at       INTEGER NOT NULL,
    last_seen_at        INTEGER,
    manifest_sha256     BLOB
) STRICT;

-- Public keys only. A signing key is unique in the fleet; a sealing key is never a signing key.
CREATE TABLE ecus (
    serial           TEXT PRIMARY KEY NOT NULL,
    vehicle_id       TEXT NOT NULL REFERENCES vehicles (id),
    hardware_id      TEXT NOT NULL,
    is_primary       INTEGER NOT NULL CHECK (is_primary IN (0, 1)),
    signing_key_id   TEXT NOT NULL UNIQUE,
    signing_key_pem  TEXT NOT NULL,
    sealing_key_id   TEXT,
    sealing_key_pem  TEXT,
    require_sealed   INTEGER NOT NULL CHECK (require_sealed IN (0, 1))
) STRICT;
CREATE INDEX ecus_by_vehicle ON ecus (vehicle_id);
CREATE UNIQUE INDEX one_primary_per_vehicle ON ecus (vehicle_id) WHERE is_primary = 1;

CREATE TABLE assignments (
    serial           TEXT PRIMARY KEY NOT NULL REFERENCES ecus (serial),
    target           TEXT NOT NULL,
    length           INTEGER NOT NULL,
    sha256           BLOB NOT NULL,
    plain_sha256     BLOB NOT NULL,
    release_counter  INTEGER NOT NULL,
    key_box          BLOB,
    assigned_at      INTEGER NOT NULL,
    correlation_id   TEXT NOT NULL,
    confirmed_at     INTEGER
) STRICT;

-- The last accepted report of each ECU; the counter never falls.
CREATE TABLE reports (
    serial                     TEXT PRIMARY KEY NOT NULL REFERENCES ecus (serial),
    counter                    INTEGER NOT NULL,
    sha256                     BLOB NOT NULL,
    latest_time                INTEGER NOT NULL,
    received_at                INTEGER NOT NULL,
    installed_path             TEXT,
    installed_sha256           BLOB,
    installed_length           INTEGER,
    installed_release_counter  INTEGER,
    attacks                    TEXT NOT NULL
) STRICT;

-- Versions of Director metadata are reserved here before anything is signed and never fall.
CREATE TABLE director_versions (
    vehicle_id  TEXT PRIMARY KEY NOT NULL REFERENCES vehicles (id),
    version     INTEGER NOT NULL
) STRICT;

-- The current signed set of each vehicle.
CREATE TABLE director_sets (
    vehicle_id  TEXT PRIMARY KEY NOT NULL REFERENCES vehicles (id),
    version     INTEGER NOT NULL,
    decision    BLOB NOT NULL,
    timestamp   BLOB NOT NULL,
    issued_at   INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL
) STRICT;

-- Versioned documents of the last sets, so that a vehicle may finish a set that has just been replaced.
CREATE TABLE director_documents (
    vehicle_id  TEXT NOT NULL REFERENCES vehicles (id),
    name        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    bytes       BLOB NOT NULL,
    PRIMARY KEY (vehicle_id, name)
) STRICT;

-- Key boxes too large to lie inline.
CREATE TABLE key_boxes (
    vehicle_id  TEXT NOT NULL REFERENCES vehicles (id),
    sha256      BLOB NOT NULL,
    bytes       BLOB NOT NULL,
    PRIMARY KEY (vehicle_id, sha256)
) STRICT;

-- Decisions and anomalies, one row each.
CREATE TABLE events (
    id          INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    vehicle_id  TEXT NOT NULL,
    kind        TEXT NOT NULL,
    detail      TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_vehicle ON events (vehicle_id, id);

-- Operator tokens: the SHA-256 of the secret, never the secret.
CREATE TABLE tokens (
    id          TEXT PRIMARY KEY NOT NULL,
    name        TEXT NOT NULL,
    hash        BLOB NOT NULL,
    scopes      TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    revoked_at  INTEGER
) STRICT;
