-- What pages ask of keys that are not revoked: how many point to each store, and the newest.
-- Covering, so that a count reads no row of the table.
CREATE INDEX integration_keys_live
ON integration_keys (workspace_id, created_at, store_id, status, expires_at)
WHERE status <> 'revoked';

-- Keys that do nothing until somebody acts: few, in a workspace of any size.
CREATE INDEX integration_keys_waiting ON integration_keys (workspace_id, created_at)
WHERE status = 'paused' OR secrets = '[]';
