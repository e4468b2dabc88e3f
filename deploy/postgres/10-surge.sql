-- A pooler cannot pass on how long a statement may take, so the database says it.
ALTER DATABASE surge SET statement_timeout = '15s';
-- A transaction that somebody forgot must not keep rows locked.
ALTER DATABASE surge SET idle_in_transaction_session_timeout = '60s';
