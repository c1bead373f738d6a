-- What a reason rests on: a JSON object of the figures that were compared; empty when the detail says all.
ALTER TABLE verdict_reasons ADD COLUMN evidence TEXT NOT NULL DEFAULT '';

-- A KPI's figure in each repetition, by index, as a JSON array; empty for a KPI that is computed once. Comparisons and
-- intervals rest on these, never on inferences of several processes thrown together.
ALTER TABLE kpis ADD COLUMN repetitions TEXT NOT NULL DEFAULT '';

-- The latencies of a repetition as an HdrHistogram (V2, compressed, nanoseconds): small, and kept for ever, while the raw record
-- of a large repetition goes after its time. Percentiles over several repetitions or runs come from merging these.
CREATE TABLE latency_histograms (
  run        TEXT NOT NULL REFERENCES evaluations (run) ON DELETE CASCADE,
  repetition INTEGER NOT NULL,
  histogram  BLOB NOT NULL,
  invocations_per_value INTEGER NOT NULL,  -- more than 1: each value is the mean of a block of so many inferences
  PRIMARY KEY (run, repetition)
) STRICT, WITHOUT ROWID;

-- Where a run's time went, in order: the waterfall.
CREATE TABLE stage_times (
  run        TEXT NOT NULL REFERENCES runs (id),
  lease      INTEGER NOT NULL,           -- 0: the coordinator's own stages
  position   INTEGER NOT NULL,
  stage      TEXT NOT NULL,
  repetition INTEGER,                    -- NULL: of the whole lease
  seconds    REAL NOT NULL,
  bytes      INTEGER,
  energy_j   REAL,
  PRIMARY KEY (run, lease, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE budgets (
  run     TEXT NOT NULL REFERENCES evaluations (run) ON DELETE CASCADE,
  kpi     TEXT NOT NULL,
  bound   TEXT NOT NULL CHECK (bound IN ('max', 'min')),
  limit_value REAL NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('met', 'missed', 'undecidable')),
  detail  TEXT NOT NULL,
  PRIMARY KEY (run, kpi, bound)
) STRICT, WITHOUT ROWID;

-- What may be averaged, compared, plotted as a trend or taken as a baseline: dashboards read these and not the tables.
CREATE VIEW valid_runs AS
  SELECT runs.*, evaluations.runtime FROM runs JOIN evaluations ON evaluations.run = runs.id
  WHERE evaluations.verdict = 'valid' AND runs.state = 'done';
CREATE VIEW valid_kpis AS
  SELECT kpis.* FROM kpis JOIN valid_runs ON valid_runs.id = kpis.run WHERE kpis.value IS NOT NULL;
