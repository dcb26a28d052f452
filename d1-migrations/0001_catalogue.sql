-- The catalogue: who may write where. Times are milliseconds since the Unix epoch, UTC.
-- STRICT: a column holds its type or nothing. Ids: see src/domain/id.rs.

CREATE TABLE workspaces (
  id TEXT PRIMARY KEY CHECK (id GLOB 'wks_????????????????'),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE stores (
  id TEXT PRIMARY KEY CHECK (id GLOB 'sto_????????????????'),
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  created_at INTEGER NOT NULL,
  -- Lets keys refer to a store together with its workspace.
  UNIQUE (workspace_id, id)
) STRICT;

CREATE TABLE users (
  id TEXT PRIMARY KEY CHECK (id GLOB 'usr_????????????????'),
  email TEXT NOT NULL UNIQUE CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
  -- A PHC string of Argon2id.
  password_hash TEXT NOT NULL CHECK (password_hash GLOB '$argon2id$*'),
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE memberships (
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  user_id TEXT NOT NULL REFERENCES users (id),
  role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
  created_at INTEGER NOT NULL,
  PRIMARY KEY (workspace_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE integration_keys (
  key_id TEXT PRIMARY KEY CHECK (key_id GLOB 'key_*' AND length(key_id) = 30),
  -- The name of the key's KeyGate: hex of the first 12 bytes of key_hash.
  gate TEXT NOT NULL UNIQUE CHECK (length(gate) = 24 AND gate = substr(key_hash, 1, 24)),
  -- SHA-256 of the key, in hex. The key itself is kept nowhere.
  key_hash TEXT NOT NULL UNIQUE CHECK (length(key_hash) = 64),
  preview TEXT NOT NULL CHECK (length(preview) = 12),
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  store_id TEXT NOT NULL,
  namespace TEXT NOT NULL CHECK (namespace GLOB 'ns_????????????????'),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  source TEXT NOT NULL CHECK (source IN ('custom', 'woocommerce', 'zapier', 'make', 'shopify',
    'square', 'bigcommerce', 'stripe_checkout', 'squarespace', 'wix', 'webflow', 'other')),
  payload_format TEXT NOT NULL CHECK (payload_format IN ('peptideclients', 'woocommerce', 'shopify',
    'square', 'bigcommerce', 'stripe_checkout', 'squarespace', 'wix', 'webflow')),
  -- Space-separated, in the order of this list, each at most once.
  scopes TEXT NOT NULL CHECK (
    scopes <> ''
    AND scopes = trim(
      iif(instr(' ' || scopes || ' ', ' orders:write '), 'orders:write ', '')
      || iif(instr(' ' || scopes || ' ', ' orders:cancel '), 'orders:cancel ', '')
      || iif(instr(' ' || scopes || ' ', ' payments:write '), 'payments:write ', '')
      || iif(instr(' ' || scopes || ' ', ' payments:refund '), 'payments:refund ', '')
      || iif(instr(' ' || scopes || ' ', ' clients:write '), 'clients:write ', ''))),
  rate_limit_per_minute INTEGER NOT NULL CHECK (rate_limit_per_minute BETWEEN 1 AND 6000),
  require_signature INTEGER NOT NULL CHECK (require_signature IN (0, 1)),
  capture_bodies INTEGER NOT NULL CHECK (capture_bodies IN (0, 1)),
  status TEXT NOT NULL CHECK (status IN ('active', 'paused', 'revoked')),
  -- JSON array of {sealed, valid_until}, newest first; empty while the key awaits its secret.
  secrets TEXT NOT NULL CHECK (json_type(secrets) = 'array'),
  created_at INTEGER NOT NULL,
  created_by TEXT NOT NULL REFERENCES users (id),
  expires_at INTEGER,
  revoked_at INTEGER,
  FOREIGN KEY (workspace_id, store_id) REFERENCES stores (workspace_id, id),
  CHECK (source <> 'woocommerce' OR require_signature = 1),
  CHECK (payload_format = 'peptideclients' OR require_signature = 1),
  CHECK ((status = 'revoked') = (revoked_at IS NOT NULL)),
  -- 1 to 3650 days.
  CHECK (expires_at IS NULL OR expires_at - created_at BETWEEN 86400000 AND 315360000000)
) STRICT;

-- Pages of a workspace's keys, newest first.
CREATE INDEX integration_keys_by_workspace ON integration_keys (workspace_id, created_at, key_id);

-- A key is pinned for ever: only its status and its secrets ever change.
CREATE TRIGGER integration_keys_are_pinned
BEFORE UPDATE OF key_id, gate, key_hash, preview, workspace_id, store_id, namespace, source,
  payload_format, scopes, rate_limit_per_minute, require_signature, created_at, created_by,
  expires_at ON integration_keys
BEGIN
  SELECT RAISE(ABORT, 'an integration key is pinned');
END;

-- INSERT OR REPLACE would go round the trigger above: it updates without saying so.
CREATE TRIGGER integration_keys_are_not_replaced BEFORE INSERT ON integration_keys
WHEN EXISTS (SELECT 1 FROM integration_keys
  WHERE key_id = NEW.key_id OR gate = NEW.gate OR key_hash = NEW.key_hash)
BEGIN
  SELECT RAISE(ABORT, 'an integration key is pinned');
END;

-- Its KeyGate would go on without it, and nobody could revoke it any more.
CREATE TRIGGER integration_keys_are_not_deleted BEFORE DELETE ON integration_keys
BEGIN
  SELECT RAISE(ABORT, 'an integration key is revoked, not deleted');
END;

CREATE TRIGGER integration_keys_stay_revoked
BEFORE UPDATE OF status ON integration_keys
WHEN OLD.status = 'revoked' AND NEW.status <> 'revoked'
BEGIN
  SELECT RAISE(ABORT, 'a revoked integration key stays revoked');
END;

CREATE TABLE api_keys (
  id TEXT PRIMARY KEY CHECK (id GLOB 'api_????????????????'),
  secret_hash TEXT NOT NULL UNIQUE CHECK (length(secret_hash) = 64),
  preview TEXT NOT NULL CHECK (length(preview) = 12),
  workspace_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  created_at INTEGER NOT NULL,
  revoked_at INTEGER,
  -- Whoever leaves the workspace takes the keys along.
  FOREIGN KEY (workspace_id, user_id) REFERENCES memberships (workspace_id, user_id) ON DELETE CASCADE
) STRICT;

CREATE TABLE audit_log (
  id TEXT PRIMARY KEY CHECK (id GLOB 'aud_????????????????'),
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  at INTEGER NOT NULL,
  -- e.g. integration_key.created
  action TEXT NOT NULL CHECK (action GLOB '?*.?*'),
  -- Outlives the membership of whoever acted.
  user_id TEXT NOT NULL REFERENCES users (id),
  api_key_id TEXT,
  -- The address that the request came from.
  address TEXT,
  -- What was acted on, e.g. a key id.
  subject TEXT NOT NULL,
  -- A JSON object of whatever else is worth knowing.
  detail TEXT NOT NULL CHECK (json_type(detail) = 'object')
) STRICT;

CREATE INDEX audit_log_by_workspace ON audit_log (workspace_id, at);

CREATE TRIGGER audit_log_is_append_only_update BEFORE UPDATE ON audit_log
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- An entry that is written twice stands as it was first; INSERT OR REPLACE would rewrite it.
CREATE TRIGGER audit_log_is_append_only_insert BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)
BEGIN
  SELECT RAISE(IGNORE);
END;

CREATE TRIGGER audit_log_is_append_only_delete BEFORE DELETE ON audit_log
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;
