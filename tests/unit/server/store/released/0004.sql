-- Rows of a database of schema version 4, one of each kind.
INSERT INTO devices VALUES ('board-1', 'onnxruntime', 1700000000000, '@DEVICE@');
INSERT INTO jobs VALUES (3, 'j-3', 'key-3', '@SPEC@', 'running', 1700000001000, 0);
INSERT INTO runs VALUES (7, 'r-7', 'j-3', 'board-1', 'onnxruntime', 0, 'running', 2, 12, NULL, '{}', 'device', 'loading',
                         'board was silent', '0.1.0', 0, 0, NULL);
INSERT INTO leases VALUES (11, 'r-7', 'board-1', 1700000002000, 1700000003000, 1700000003500, 'expired');
INSERT INTO leases VALUES (12, 'r-7', 'board-1', 1700000004000, 1700000005000, NULL, NULL);
INSERT INTO measurements VALUES ('r-7', 0, 12, x'01', NULL, NULL);
INSERT INTO evaluations VALUES ('r-7', 'valid', 'onnxruntime 1.30.0', '{"threads":"1"}',
                                '{"near_runs":["r-5"],"history":4,"drifting":false}', NULL, '{"kernel":"6.1.0-25"}');
INSERT INTO verdict_reasons VALUES ('r-7', 0, 'FEW_REPETITIONS', '1 of 1', '{"repetitions":1}');
INSERT INTO kpis VALUES ('r-7', 'latency_p50', 0.001, 's', 0.0009, 0.0011, 0.95, NULL, '[0.0009,0.001,0.0011]', 1.5);
INSERT INTO kpis VALUES ('r-7', 'accuracy_top1', NULL, '1', NULL, NULL, NULL, 'no_labels', '', NULL);
INSERT INTO latency_histograms VALUES ('r-7', 0, x'01', 1);
INSERT INTO stage_times VALUES ('r-7', 12, 0, 'transferring', NULL, 0.5, 1000, NULL);
INSERT INTO budgets VALUES ('r-7', 'latency_p99', 'max', 0.02, 'met', 'below');
INSERT INTO recipes VALUES ('key', '{}');
INSERT INTO events VALUES (1, 1700000000000, 'r-7', 'granted', 'lease 12');
