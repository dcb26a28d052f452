//! Plays the code of the version before against this code, in both directions. `golden/` holds the
//! messages as that code wrote them: they never change while it may still run.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::key_gate::{self, GateCommand, GateResult, Ingest};
use super::store_ledger::{LedgerCommand, LedgerReply};
use super::{
    Unreadable, VERSION, decode_command, decode_reply, encode_command, encode_reply, frame,
};

/// The messages of a golden file.
fn golden(file: &str) -> Vec<Value> {
    serde_json::from_str(file).unwrap()
}

/// Whether a reader of `before` finds in `after` all that it looks for. It does not look at members
/// that it does not know, and takes a missing one for null.
fn reads(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            before.iter().all(|(name, value)| reads(value, after.get(name).unwrap_or(&Value::Null)))
        }
        (Value::Array(before), Value::Array(after)) => {
            before.len() == after.len() && before.iter().zip(after).all(|(a, b)| reads(a, b))
        }
        (before, after) => before == after,
    }
}

fn message_of(frame: &[u8]) -> Value {
    frame::decode::<Value>(frame).unwrap().0
}

/// A command of the older code is understood, and what this code makes of it the older code reads.
fn exchanges_commands<T: DeserializeOwned + Serialize>(file: &str) {
    for before in golden(file) {
        let older = frame::encode(&before, b"body").unwrap();
        let received = decode_command::<T>(&older).unwrap_or_else(|_| panic!("{before}"));
        assert_eq!((received.body, received.reads), (&b"body"[..], 0));
        let after = message_of(&encode_command(&received.command, b"body").unwrap());
        assert!(reads(&before, &after), "{before}\n{after}");
        assert_eq!(after["reads"], VERSION);
    }
}

#[test]
fn commands_are_understood_by_the_version_before_and_from_it() {
    exchanges_commands::<GateCommand>(include_str!("golden/gate_commands.json"));
    exchanges_commands::<LedgerCommand>(include_str!("golden/ledger_commands.json"));
    exchanges_commands::<Ingest>(include_str!("golden/ingests.json"));
}

#[test]
fn a_key_gates_replies_are_understood_by_the_version_before_and_from_it() {
    for before in golden(include_str!("golden/gate_replies.json")) {
        let older = frame::encode(&before, &[]).unwrap();
        let reply = key_gate::decode_reply(&older).unwrap_or_else(|_| panic!("{before}"));
        // Code that says nothing about what it reads gets what it knows: no envelope.
        let after = message_of(&key_gate::encode_reply(&reply, 0).unwrap());
        assert!(reads(&before, &after), "{before}\n{after}");
        // And whoever reads versions gets one.
        let newer = key_gate::encode_reply(&reply, VERSION).unwrap();
        assert_eq!(message_of(&newer)["v"], VERSION);
        assert!(reads(&before, &message_of(&newer)["message"]));
        let read = key_gate::decode_reply(&newer).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), after);
    }
}

#[test]
fn a_ledgers_replies_are_understood_by_the_version_before_and_from_it() {
    for before in golden(include_str!("golden/ledger_replies.json")) {
        let older = frame::encode(&before, b"{}").unwrap();
        let (reply, body) = decode_reply::<LedgerReply>(&older).unwrap();
        assert_eq!(body, b"{}");
        let after = message_of(&encode_reply(&reply, body).unwrap());
        assert!(reads(&before, &after), "{before}\n{after}");
    }
}

#[test]
fn a_message_of_a_version_that_this_code_does_not_read_is_refused_as_such() {
    let refused = Some(Unreadable::OtherVersion);
    for v in [VERSION - 1, VERSION + 1] {
        let command =
            frame::encode(&serde_json::json!({ "v": v, "message": "stats" }), &[]).unwrap();
        assert_eq!(decode_command::<GateCommand>(&command).err(), refused);
        let reply = serde_json::json!({ "v": v, "message": { "Ok": "installed" } });
        let reply = frame::encode(&reply, &[]).unwrap();
        assert_eq!(key_gate::decode_reply(&reply).err(), refused);
        assert_eq!(decode_reply::<GateResult>(&reply).err(), refused);
    }
    assert_eq!(key_gate::decode_reply(b"nothing").err(), Some(Unreadable::Malformed));
}
