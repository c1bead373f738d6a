-- Who the machine was and how it was set while the run was measured, in words, as a JSON object; empty: it said nothing.
ALTER TABLE evaluations ADD COLUMN machine TEXT NOT NULL DEFAULT '';
