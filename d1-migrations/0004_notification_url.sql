-- The address of a webhook as it is registered with a sender that signs it too. It may never change
-- except together with the secret: an address alone would turn away what the sender signs.
ALTER TABLE integration_keys ADD COLUMN notification_url TEXT CHECK (
  length(notification_url) <= 1100
  AND (notification_url GLOB 'https://?*' OR notification_url GLOB 'http://?*'));

CREATE TRIGGER only_square_signs_an_address_insert BEFORE INSERT ON integration_keys
WHEN NEW.payload_format <> 'square' AND NEW.notification_url IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'only keys of Square have a notification URL');
END;

CREATE TRIGGER integration_keys_change_their_address_with_their_secret
BEFORE UPDATE OF notification_url ON integration_keys
WHEN OLD.notification_url IS NOT NEW.notification_url
  AND (OLD.payload_format <> 'square' OR NEW.notification_url IS NULL OR OLD.secrets = NEW.secrets)
BEGIN
  SELECT RAISE(ABORT, 'a notification URL changes only with the secret');
END;
