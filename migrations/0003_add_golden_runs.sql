-- A golden run is the coordinator's own: it compares its device with itself. The digest of the golden model that it ran; NULL for
-- a user's run.
ALTER TABLE runs ADD COLUMN golden TEXT;
CREATE INDEX runs_golden ON runs (device, sequence, state) WHERE golden IS NOT NULL;

-- What a device did last.
CREATE INDEX leases_of_device ON leases (device, id);

-- What the device's golden runs say of the run, as JSON; empty: it made none.
ALTER TABLE evaluations ADD COLUMN golden TEXT NOT NULL DEFAULT '';
-- NULL: the same as the verdict. A golden run that is valid but for a drift stays in the history that later ones are compared
-- with: else a device that changed for good would be compared with what it was for ever.
ALTER TABLE evaluations ADD COLUMN verdict_without_drift TEXT
  CHECK (verdict_without_drift IN ('valid', 'degraded', 'inconclusive', 'invalid'));

-- The value over the median of the device's golden runs; NULL: there is none to relate it to.
ALTER TABLE kpis ADD COLUMN relative REAL;

-- Golden runs are in no average, trend or baseline.
DROP VIEW valid_kpis;
DROP VIEW valid_runs;
CREATE VIEW valid_runs AS
  SELECT runs.*, evaluations.runtime FROM runs JOIN evaluations ON evaluations.run = runs.id
  WHERE evaluations.verdict = 'valid' AND runs.state = 'done' AND runs.golden IS NULL;
CREATE VIEW valid_kpis AS
  SELECT kpis.* FROM kpis JOIN valid_runs ON valid_runs.id = kpis.run WHERE kpis.value IS NOT NULL;
