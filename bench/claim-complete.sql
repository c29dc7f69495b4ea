-- One cycle in two transactions, for pgbench -M prepared: what claim-routine-job and complete-routine-job write.
-- A line @file.NAME stands for that statement of crates/store, its $1, $2, ... for what follows on the line.
-- Columns that are empty in every row are written as NULL, for pgbench's variables cannot be.
-- Ids are numbers that grow with time and that no two clients share; agents' are as long and grow as well.
\set seq (:seq + 1) % 62500
BEGIN;
SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now \gset
@job.NEXT :now
\gset job_
\set id :now * 4000000 + :client_id * 62500 + :seq
\set token greatest(:now, :job_fencing_token + 1)
\set expires :now + 3600000
\set attempts :job_attempts + 1
@job.WRITE :job_name, :job_kind, :job_interval_ms, :job_payload, :job_priority, :job_max_attempts, :job_created_by, :job_created_at, :held, :job_next_run_at, NULL, :attempts, :token, :id, :holder, :principal, :now, :expires, NULL, :now, :ok, :summary, :now, :job_fencing_token, :job_state
;
@journal.APPEND :id, :now, :principal, :role, :tool, :job_name, :audited, :audited, :request, :hash
;
COMMIT;
\set claimed_at :now
\set claim :id
\set seq (:seq + 1) % 62500
BEGIN;
SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now \gset
@job.LOAD :job_name
\gset was_
\set id :now * 4000000 + :client_id * 62500 + :seq
@job.WRITE :was_name, :was_kind, :was_interval_ms, :was_payload, :was_priority, :was_max_attempts, :was_created_by, :was_created_at, :ready, :now, NULL, 0, :was_fencing_token, NULL, NULL, NULL, NULL, NULL, NULL, :now, :ok, :summary, :now, :was_fencing_token, :was_state
;
@run.APPEND :claim, :was_name, :was_kind, :was_attempts, :was_fencing_token, :principal, :holder, :claimed_at, :now, :ok, :ok, :summary
;
@journal.APPEND :id, :now, :principal, :role, :tool, :was_name, :audited, :audited, :request, :hash
;
COMMIT;
