-- The sources, payload formats and scopes of keys as rows instead of CHECK lists: one more sender
-- is one INSERT for each, not a new integration_keys.
CREATE TABLE sources (
  source TEXT PRIMARY KEY CHECK (source GLOB '[a-z]*' AND source NOT GLOB '*[^a-z0-9_]*'),
  -- 1 where keys of this source require a signature, whatever their payload format.
  always_signed INTEGER NOT NULL CHECK (always_signed IN (0, 1))
) STRICT, WITHOUT ROWID;

INSERT INTO sources (source, always_signed) VALUES
  ('custom', 0), ('woocommerce', 1), ('zapier', 0), ('make', 0), ('shopify', 0), ('square', 0),
  ('bigcommerce', 0), ('stripe_checkout', 0), ('squarespace', 0), ('wix', 0), ('webflow', 0),
  ('other', 0);

CREATE TABLE payload_formats (
  payload_format TEXT PRIMARY KEY
    CHECK (payload_format GLOB '[a-z]*' AND payload_format NOT GLOB '*[^a-z0-9_]*'),
  -- 1 where the sender signs the address of the webhook too.
  signs_address INTEGER NOT NULL CHECK (signs_address IN (0, 1))
) STRICT, WITHOUT ROWID;

INSERT INTO payload_formats (payload_format, signs_address) VALUES
  ('peptideclients', 0), ('woocommerce', 0), ('shopify', 0), ('square', 1), ('bigcommerce', 0),
  ('stripe_checkout', 0), ('squarespace', 0), ('wix', 0), ('webflow', 0);

CREATE TABLE scopes (
  scope TEXT PRIMARY KEY CHECK (scope GLOB '[a-z]*:[a-z]*' AND scope NOT GLOB '*[^a-z:]*'),
  -- Keys list their scopes in the order of these numbers.
  position INTEGER NOT NULL UNIQUE
) STRICT, WITHOUT ROWID;

INSERT INTO scopes (scope, position) VALUES
  ('orders:write', 1), ('orders:cancel', 2), ('payments:write', 3), ('payments:refund', 4),
  ('clients:write', 5);

-- integration_keys again, with the same columns, indexes and triggers, and references in place of
-- the three lists. Only its own rotated_from refers to it: in the new table that reference follows
-- the table's renaming, so no row ever lacks its parent.
PRAGMA defer_foreign_keys = on;

CREATE TABLE integration_keys_2 (
  key_id TEXT PRIMARY KEY CHECK (key_id GLOB 'key_*' AND length(key_id) = 30),
  -- The name of the key's KeyGate: hex of the first 12 bytes of key_hash.
  gate TEXT NOT NULL UNIQUE CHECK (length(gate) = 24 AND gate = substr(key_hash, 1, 24)),
  -- SHA-256 of the key, in hex. The key itself is stored nowhere.
  key_hash TEXT NOT NULL UNIQUE CHECK (length(key_hash) = 64),
  preview TEXT NOT NULL CHECK (length(preview) = 12),
  workspace_id TEXT NOT NULL REFERENCES workspaces (id),
  store_id TEXT NOT NULL,
  namespace TEXT NOT NULL CHECK (namespace GLOB 'ns_????????????????'),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
  source TEXT NOT NULL REFERENCES sources (source),
  payload_format TEXT NOT NULL REFERENCES payload_formats (payload_format),
  -- Space-separated, in the order of the table scopes, each at most once.
  scopes TEXT NOT NULL,
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
  -- The key that this one replaced, in the same namespace.
  rotated_from TEXT REFERENCES integration_keys_2 (key_id),
  -- The form that minted the key, so that a form that is sent twice mints one.
  form TEXT CHECK (length(form) = 20),
  -- The address of the webhook as registered with a sender that signs it too.
  notification_url TEXT CHECK (
    length(notification_url) <= 1100
    AND (notification_url GLOB 'https://?*' OR notification_url GLOB 'http://?*')),
  FOREIGN KEY (workspace_id, store_id) REFERENCES stores (workspace_id, id),
  CHECK (payload_format = 'peptideclients' OR require_signature = 1),
  CHECK ((status = 'revoked') = (revoked_at IS NOT NULL)),
  -- 1 to 3650 days.
  CHECK (expires_at IS NULL OR expires_at - created_at BETWEEN 86400000 AND 315360000000)
) STRICT;

INSERT INTO integration_keys_2 (key_id, gate, key_hash, preview, workspace_id, store_id, namespace,
  name, source, payload_format, scopes, rate_limit_per_minute, require_signature, capture_bodies,
  status, secrets, created_at, created_by, expires_at, revoked_at, rotated_from, form,
  notification_url)
SELECT key_id, gate, key_hash, preview, workspace_id, store_id, namespace,
  name, source, payload_format, scopes, rate_limit_per_minute, require_signature, capture_bodies,
  status, secrets, created_at, created_by, expires_at, revoked_at, rotated_from, form,
  notification_url
FROM integration_keys;

-- It names the table, so a renaming would fail while there is none.
DROP TRIGGER stores_with_live_keys_are_not_archived;
DROP TABLE integration_keys;
ALTER TABLE integration_keys_2 RENAME TO integration_keys;

-- Pages of a workspace's keys, newest first.
CREATE INDEX integration_keys_by_workspace ON integration_keys (workspace_id, created_at, key_id);

CREATE UNIQUE INDEX integration_keys_by_form ON integration_keys (form) WHERE form IS NOT NULL;

-- Which keys took the place of one.
CREATE INDEX integration_keys_by_rotated_from ON integration_keys (rotated_from)
WHERE rotated_from IS NOT NULL;

-- What expires soon.
CREATE INDEX integration_keys_by_expiry ON integration_keys (expires_at)
WHERE expires_at IS NOT NULL AND revoked_at IS NULL;

-- What pages ask of keys that are not revoked: how many point to each store, and the newest.
-- Covering, so that a count reads no row of the table.
CREATE INDEX integration_keys_live
ON integration_keys (workspace_id, created_at, store_id, status, expires_at)
WHERE status <> 'revoked';

-- Keys that do nothing until somebody acts: few, in a workspace of any size.
CREATE INDEX integration_keys_waiting ON integration_keys (workspace_id, created_at)
WHERE status = 'paused' OR secrets = '[]';

-- A key is pinned for ever: only its status, its secrets and its address ever change.
CREATE TRIGGER integration_keys_are_pinned
BEFORE UPDATE OF key_id, gate, key_hash, preview, workspace_id, store_id, namespace, source,
  payload_format, scopes, rate_limit_per_minute, require_signature, created_at, created_by,
  expires_at, rotated_from, form ON integration_keys
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

-- The scopes of a key are exactly the known ones among them, in their order.
CREATE TRIGGER integration_keys_have_known_scopes BEFORE INSERT ON integration_keys
WHEN NEW.scopes IS NOT (SELECT group_concat(scope, ' ') FROM (SELECT scope FROM scopes
  WHERE instr(' ' || NEW.scopes || ' ', ' ' || scope || ' ') ORDER BY position))
BEGIN
  SELECT RAISE(ABORT, 'a key has known scopes, each once, in their order');
END;

CREATE TRIGGER integration_keys_are_signed_where_their_source_is BEFORE INSERT ON integration_keys
WHEN NEW.require_signature = 0
  AND EXISTS (SELECT 1 FROM sources WHERE source = NEW.source AND always_signed = 1)
BEGIN
  SELECT RAISE(ABORT, 'keys of this source require a signature');
END;

-- A key takes the place of one of the same store and namespace only.
CREATE TRIGGER rotated_keys_keep_their_namespace BEFORE INSERT ON integration_keys
WHEN NEW.rotated_from IS NOT NULL AND NOT EXISTS (SELECT 1 FROM integration_keys
  WHERE key_id = NEW.rotated_from AND workspace_id = NEW.workspace_id AND store_id = NEW.store_id
    AND namespace = NEW.namespace)
BEGIN
  SELECT RAISE(ABORT, 'a rotated key keeps its store and namespace');
END;

CREATE TRIGGER only_signed_addresses_are_stored BEFORE INSERT ON integration_keys
WHEN NEW.notification_url IS NOT NULL AND NOT EXISTS (SELECT 1 FROM payload_formats
  WHERE payload_format = NEW.payload_format AND signs_address = 1)
BEGIN
  SELECT RAISE(ABORT, 'only keys of a sender that signs addresses have a notification URL');
END;

-- An address alone would turn away what the sender signs.
CREATE TRIGGER integration_keys_change_their_address_with_their_secret
BEFORE UPDATE OF notification_url ON integration_keys
WHEN OLD.notification_url IS NOT NEW.notification_url
  AND (NEW.notification_url IS NULL OR OLD.secrets = NEW.secrets OR NOT EXISTS (
    SELECT 1 FROM payload_formats
    WHERE payload_format = OLD.payload_format AND signs_address = 1))
BEGIN
  SELECT RAISE(ABORT, 'a notification URL changes only with the secret');
END;

CREATE TRIGGER archived_stores_get_no_keys BEFORE INSERT ON integration_keys
WHEN EXISTS (SELECT 1 FROM stores WHERE id = NEW.store_id AND archived_at IS NOT NULL)
BEGIN
  SELECT RAISE(ABORT, 'the store is archived');
END;

CREATE TRIGGER stores_with_live_keys_are_not_archived BEFORE UPDATE OF archived_at ON stores
WHEN OLD.archived_at IS NULL AND NEW.archived_at IS NOT NULL AND EXISTS (SELECT 1 FROM integration_keys
  WHERE workspace_id = OLD.workspace_id AND store_id = OLD.id AND status <> 'revoked'
    AND (expires_at IS NULL OR expires_at > NEW.archived_at))
BEGIN
  SELECT RAISE(ABORT, 'a live key points to this store');
END;
