-- Times that end in _wall_ms are milliseconds since the Unix epoch, UTC. A digest is 64 lower-case hex characters and names
-- a blob of the artifact store.

-- A device and the agent that speaks for it. A row stays when the agent goes away: jobs may be submitted for it meanwhile.
CREATE TABLE devices (
  id                TEXT PRIMARY KEY,
  driver            TEXT NOT NULL,
  last_seen_wall_ms INTEGER NOT NULL,
  record            TEXT NOT NULL  -- everything that the agent said, as JSON
) STRICT;

CREATE TABLE jobs (
  sequence          INTEGER PRIMARY KEY,  -- submit order
  id                TEXT NOT NULL UNIQUE,
  idempotency_key   TEXT UNIQUE,          -- NULL: none was given
  spec              TEXT NOT NULL,        -- JSON
  state             TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
  submitted_wall_ms INTEGER NOT NULL,
  finished_wall_ms  INTEGER NOT NULL      -- 0: not yet
) STRICT;

-- The jobs that a start takes up again are few among many that ended.
CREATE INDEX jobs_running ON jobs (sequence) WHERE state = 'running';

-- One variant on one device.
CREATE TABLE runs (
  sequence         INTEGER PRIMARY KEY,  -- the number in the id: only grows, gives the order within a job
  id               TEXT NOT NULL UNIQUE,
  job              TEXT NOT NULL REFERENCES jobs (id),
  device           TEXT NOT NULL REFERENCES devices (id),
  driver           TEXT NOT NULL,        -- the device's when the job was submitted
  variant          INTEGER NOT NULL,     -- index into the spec's variants
  state            TEXT NOT NULL CHECK (state IN ('preparing', 'queued', 'running', 'evaluating',
                                                  'done', 'failed', 'cancelled', 'lost')),
  attempts         INTEGER NOT NULL,
  lease            INTEGER NOT NULL,     -- the current one; 0: none
  prepared         TEXT,                 -- JSON; NULL until prepared
  plan             TEXT NOT NULL,        -- what the last assignment said, to the letter
  failure_class    TEXT CHECK (failure_class IN ('job', 'device', 'farm')),
  failure_stage    TEXT,
  failure_message  TEXT,
  agent_version    TEXT NOT NULL,
  finished_wall_ms INTEGER NOT NULL,     -- 0: not yet
  cancel_requested INTEGER NOT NULL CHECK (cancel_requested IN (0, 1)),  -- acknowledged; its agent has yet to follow
  CHECK ((failure_class IS NULL) = (failure_stage IS NULL) AND (failure_class IS NULL) = (failure_message IS NULL))
) STRICT;

CREATE INDEX runs_of_job ON runs (job);

-- A device granted to a run until a deadline. The id is the fencing number: it is never used twice.
CREATE TABLE leases (
  id               INTEGER PRIMARY KEY,
  run              TEXT NOT NULL REFERENCES runs (id),
  device           TEXT NOT NULL REFERENCES devices (id),
  granted_wall_ms  INTEGER NOT NULL,
  deadline_wall_ms INTEGER NOT NULL,
  ended_wall_ms    INTEGER,
  end_reason       TEXT,                 -- reported, expired, cancelled, superseded
  CHECK ((ended_wall_ms IS NULL) = (end_reason IS NULL))
) STRICT;

-- Whatever goes wrong above, no board is measured by two runs at once and no run measured on two boards.
CREATE UNIQUE INDEX leases_open_of_device ON leases (device) WHERE ended_wall_ms IS NULL;
CREATE UNIQUE INDEX leases_open_of_run ON leases (run) WHERE ended_wall_ms IS NULL;

-- What a repetition measured, raw: small records in the row, large ones in the artifact store.
CREATE TABLE measurements (
  run           TEXT NOT NULL REFERENCES runs (id),
  repetition    INTEGER NOT NULL,
  lease         INTEGER NOT NULL REFERENCES leases (id),
  record        BLOB,
  record_digest TEXT,
  predictions   TEXT,                    -- digest; NULL: none were kept
  PRIMARY KEY (run, repetition),
  CHECK ((record IS NULL) <> (record_digest IS NULL))
) STRICT, WITHOUT ROWID;

-- What was concluded from a run's measurements. All of it can be computed again from them.
CREATE TABLE evaluations (
  run     TEXT PRIMARY KEY REFERENCES runs (id),
  verdict TEXT NOT NULL CHECK (verdict IN ('valid', 'degraded', 'inconclusive', 'invalid')),
  runtime TEXT NOT NULL,
  options TEXT NOT NULL                  -- what the driver used, as a JSON object
) STRICT, WITHOUT ROWID;

CREATE TABLE verdict_reasons (
  run      TEXT NOT NULL REFERENCES evaluations (run) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  code     TEXT NOT NULL,
  detail   TEXT NOT NULL,
  PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

-- A value, or the reason why there is none: never zero for what a device cannot give.
CREATE TABLE kpis (
  run        TEXT NOT NULL REFERENCES evaluations (run) ON DELETE CASCADE,
  name       TEXT NOT NULL,
  value      REAL,
  unit       TEXT NOT NULL,
  lower      REAL,
  upper      REAL,
  confidence REAL,
  missing    TEXT,
  PRIMARY KEY (run, name),
  CHECK ((value IS NULL) <> (missing IS NULL)),
  CHECK ((lower IS NULL) = (upper IS NULL) AND (lower IS NULL) = (confidence IS NULL))
) STRICT, WITHOUT ROWID;

-- What preparation made of an input, by the key of everything that decides it.
CREATE TABLE recipes (
  key     TEXT PRIMARY KEY,
  content TEXT NOT NULL                  -- JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  sequence INTEGER PRIMARY KEY,
  wall_ms  INTEGER NOT NULL,
  subject  TEXT NOT NULL,                -- id of a job, run or device
  kind     TEXT NOT NULL,
  detail   TEXT NOT NULL
) STRICT;
