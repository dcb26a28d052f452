-- The console: sessions, invites, archived stores, rotated keys, and an audit log that also holds
-- what nobody who is signed in did.

-- A workspace always has an owner.
CREATE TRIGGER memberships_keep_an_owner_update BEFORE UPDATE OF role ON memberships
WHEN OLD.role = 'owner' AND NEW.role <> 'owner' AND NOT EXISTS (SELECT 1 FROM memberships
  WHERE workspace_id = OLD.workspace_id AND role = 'owner' AND user_id <> OLD.user_id)
BEGIN
  SELECT RAISE(ABORT, 'a workspace keeps an owner');
END;

CREATE TRIGGER memberships_keep_an_owner_delete BEFORE DELETE ON memberships
WHEN OLD.role = 'owner' AND NOT EXISTS (SELECT 1 FROM memberships
  WHERE workspace_id = OLD.workspace_id AND role = 'owner' AND user_id <> OLD.user_id)
BEGIN
  SELECT RAISE(ABORT, 'a workspace keeps an owner');
END;

-- A user at the console of one workspace.
CREATE TABLE sessions (
  -- SHA-256 of the token in the cookie, in hex. The token itself is kept nowhere.
  hash TEXT PRIMARY KEY CHECK (length(hash) = 64),
  workspace_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  -- When it was last used, to within some minutes; idle sessions end.
  seen_at INTEGER NOT NULL,
  -- When it ends in any case.
  expires_at INTEGER NOT NULL,
  address TEXT,
  user_agent TEXT CHECK (length(user_agent) <= 300),
  -- Whoever leaves the workspace is signed out of it.
  FOREIGN KEY (workspace_id, user_id) REFERENCES memberships (workspace_id, user_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id);

-- Which KeyGates push to which session, so that they can be told when it ends.
CREATE TABLE live_tails (
  session_hash TEXT NOT NULL REFERENCES sessions (hash) ON DELETE CASCADE,
  gate TEXT NOT NULL CHECK (length(gate) = 24),
  opened_at INTEGER NOT NULL,
  PRIMARY KEY (session_hash, gate)
) STRICT, WITHOUT ROWID;

-- Who may join a workspace, by a link that is shown once. An invite that was used or withdrawn is
-- gone; the audit log tells of it.
CREATE TABLE invites (
  id TEXT PRIMARY KEY CHECK (id GLOB 'inv_????????????????'),
  -- SHA-256 of the token in the link, in hex.
  hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64),
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  email TEXT NOT NULL CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 254),
  role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
  created_by TEXT NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  -- A new invite takes the place of an older one.
  UNIQUE (workspace_id, email)
) STRICT;

ALTER TABLE stores ADD COLUMN archived_at INTEGER;

CREATE TRIGGER stores_with_live_keys_are_not_archived BEFORE UPDATE OF archived_at ON stores
WHEN OLD.archived_at IS NULL AND NEW.archived_at IS NOT NULL AND EXISTS (SELECT 1 FROM integration_keys
  WHERE workspace_id = OLD.workspace_id AND store_id = OLD.id AND status <> 'revoked'
    AND (expires_at IS NULL OR expires_at > NEW.archived_at))
BEGIN
  SELECT RAISE(ABORT, 'a live key points to this store');
END;

CREATE TRIGGER archived_stores_get_no_keys BEFORE INSERT ON integration_keys
WHEN EXISTS (SELECT 1 FROM stores WHERE id = NEW.store_id AND archived_at IS NOT NULL)
BEGIN
  SELECT RAISE(ABORT, 'the store is archived');
END;

-- The key that this one takes the place of, in the same namespace.
ALTER TABLE integration_keys ADD COLUMN rotated_from TEXT REFERENCES integration_keys (key_id);

-- The form that minted the key, so that a form that is sent twice mints one.
ALTER TABLE integration_keys ADD COLUMN form TEXT CHECK (length(form) = 20);

CREATE UNIQUE INDEX integration_keys_by_form ON integration_keys (form) WHERE form IS NOT NULL;

-- Which keys took the place of one.
CREATE INDEX integration_keys_by_rotated_from ON integration_keys (rotated_from)
WHERE rotated_from IS NOT NULL;

-- What expires soon.
CREATE INDEX integration_keys_by_expiry ON integration_keys (expires_at)
WHERE expires_at IS NOT NULL AND revoked_at IS NULL;

DROP TRIGGER integration_keys_are_pinned;
CREATE TRIGGER integration_keys_are_pinned
BEFORE UPDATE OF key_id, gate, key_hash, preview, workspace_id, store_id, namespace, source,
  payload_format, scopes, rate_limit_per_minute, require_signature, created_at, created_by,
  expires_at, rotated_from, form ON integration_keys
BEGIN
  SELECT RAISE(ABORT, 'an integration key is pinned');
END;

-- A key takes the place of one of the same store and namespace only.
CREATE TRIGGER rotated_keys_keep_their_namespace BEFORE INSERT ON integration_keys
WHEN NEW.rotated_from IS NOT NULL AND NOT EXISTS (SELECT 1 FROM integration_keys
  WHERE key_id = NEW.rotated_from AND workspace_id = NEW.workspace_id AND store_id = NEW.store_id
    AND namespace = NEW.namespace)
BEGIN
  SELECT RAISE(ABORT, 'a rotated key keeps its store and namespace');
END;

-- The audit log again, with entries that no user made: a failed login, a key that expires.
CREATE TABLE audit_log_2 (
  id TEXT PRIMARY KEY CHECK (id GLOB 'aud_????????????????'),
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  at INTEGER NOT NULL,
  -- e.g. integration_key.created
  action TEXT NOT NULL CHECK (action GLOB '?*.?*'),
  -- Outlives the membership of whoever acted; NULL where nobody who was signed in did.
  user_id TEXT REFERENCES users (id),
  -- The API key that the user acted through; NULL at the console.
  api_key_id TEXT,
  -- The address that the request came from.
  address TEXT,
  -- What was acted on, e.g. a key id.
  subject TEXT NOT NULL,
  -- A JSON object of whatever else is worth knowing.
  detail TEXT NOT NULL CHECK (json_type(detail) = 'object')
) STRICT;

INSERT INTO audit_log_2
SELECT id, workspace_id, at, action, user_id, api_key_id, address, subject, detail FROM audit_log;

DROP TABLE audit_log;
ALTER TABLE audit_log_2 RENAME TO audit_log;

-- Pages of a workspace's log, newest first.
CREATE INDEX audit_log_by_workspace ON audit_log (workspace_id, at, id);

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
