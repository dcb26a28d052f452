//! Live tails: the sockets that follow this key's log. They hibernate: while nothing happens the
//! object leaves memory and the platform keeps them, each with its ticket.
//!
//! A message leaves only after its log row is durable: the row is written first, in the same turn,
//! and the platform's output gate holds whatever an object sends, on a WebSocket as in a response,
//! until the writes before it are confirmed (workerd, `api/web-socket.c++`: `WebSocket::send` waits
//! for the output lock). Where the write fails, the object is reset and the message never leaves.

use serde_json::json;
use worker::js_sys::Reflect;
use worker::wasm_bindgen::JsValue;
use worker::worker_sys::ext::WebSocketExt;
use worker::worker_sys::web_sys::{Request, Response, ResponseInit, WebSocket};
use worker::worker_sys::{WebSocketPair, WebSocketRequestResponsePair};
use worker::{Error, State};

use super::KeyGate;
use crate::console::pages::key_log;
use crate::domain::id::UserId;
use crate::domain::key::KeyRecord;
use crate::domain::log::LogEntry;
use crate::domain::rejection::{Code, Rejection};
use crate::domain::time::Timestamp;
use crate::edge::incoming::header;
use crate::edge::{Result, internal};
use crate::protocol::key_gate::LoggedRequest;
use crate::protocol::tail::{
    CLOSED_EXPIRED, CLOSED_OUTDATED, CLOSED_SIGNED_OUT, HEADER, MAX_OPEN, PING, PONG, TailTicket,
};

/// The tails that are open, as far as memory knows: learned from the platform at each wake, so that
/// a key that nobody watches pays one look per wake and nothing per request.
#[derive(Debug, Default)]
pub struct Tails(Vec<Tail>);

#[derive(Debug)]
struct Tail {
    socket: WebSocket,
    ticket: TailTicket,
}

/// The text message for an entry. This is the one place that says what is in it.
pub fn message(key_id: &str, request: &LoggedRequest) -> String {
    let html = key_log::row(key_id, request).into_string();
    json!({ "type": "request", "request": request.to_api_json(), "html": html }).to_string()
}

impl Tails {
    /// The tails that the platform kept while the object slept.
    pub fn learn(state: &State) -> Self {
        let sockets = state.as_raw().get_websockets().unwrap_or_default();
        let mut tails = Self::default();
        for socket in sockets.into_iter().filter(is_open) {
            let kept = socket.deserialize_attachment().unwrap_or_default().as_string();
            match kept.as_deref().and_then(TailTicket::from_text) {
                Some(ticket) => tails.0.push(Tail { socket, ticket }),
                None => close(&socket, CLOSED_OUTDATED, "outdated"),
            }
        }
        tails
    }

    /// Sends an entry to those that asked for such. The page tells a repeated row by its id: the row
    /// of a request is written again where the Worker repeats it, and that of counted refusals while
    /// their count grows. A failed send changes nothing: its socket is gone, or closing.
    pub fn push(&self, record: &KeyRecord, entry: &LogEntry) {
        if self.0.is_empty() {
            return;
        }
        let request = LoggedRequest::of(record.key_hash.gate(), entry);
        let mut text = None;
        for tail in self.0.iter().filter(|tail| tail.ticket.filter.matches(&request)) {
            let text = text.get_or_insert_with(|| message(record.key_id.as_str(), &request));
            let _ = tail.socket.send_with_str(text);
        }
    }

    /// When the next tail has lived long enough.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.0.iter().map(|tail| tail.ticket.expires_at()).min()
    }

    /// Closes those that have lived long enough.
    pub fn close_expired(&mut self, now: Timestamp) {
        self.close_those(CLOSED_EXPIRED, "expired", |ticket| ticket.expires_at() <= now);
    }

    /// Closes those of a session and of a user, or of either where only one is named, or all; says
    /// how many.
    pub fn sign_out(&mut self, session: Option<&str>, user: Option<UserId>) -> u32 {
        self.close_those(CLOSED_SIGNED_OUT, "signed out", |ticket| {
            session.is_none_or(|session| session == ticket.session)
                && user.is_none_or(|user| user == ticket.user_id)
        })
    }

    fn close_those(
        &mut self,
        code: u16,
        reason: &str,
        matches: impl Fn(&TailTicket) -> bool,
    ) -> u32 {
        let mut closed = 0;
        self.0.retain(|tail| {
            let matches = matches(&tail.ticket);
            if matches {
                close(&tail.socket, code, reason);
                closed += 1;
            }
            !matches
        });
        closed
    }

    fn forget_closed(&mut self) {
        self.0.retain(|tail| is_open(&tail.socket));
    }
}

fn is_open(socket: &WebSocket) -> bool {
    socket.ready_state() == WebSocket::OPEN
}

/// One that is gone already needs no closing.
fn close(socket: &WebSocket, code: u16, reason: &str) {
    let _ = socket.close_with_code_and_reason(code, reason);
}

impl KeyGate {
    /// Takes the socket that a request asks for, which the Worker has let through.
    pub(super) async fn open_tail(&self, request: &Request) -> Result<Response> {
        self.ready().await?;
        let ticket = header(request, HEADER)?;
        let ticket = ticket
            .as_deref()
            .and_then(TailTicket::from_text)
            .ok_or_else(|| internal("a tail without a ticket"))?;
        let client = self.with(|key_state| {
            key_state.tails.forget_closed();
            if key_state.tails.0.len() >= MAX_OPEN {
                return Err(Rejection::new(
                    Code::RateLimited,
                    format!("{MAX_OPEN} pages follow this key already. Close one."),
                ));
            }
            let (client, socket) = accept(&self.state, &ticket)?;
            key_state.tails.0.push(Tail { socket, ticket: ticket.clone() });
            Ok(client)
        })??;
        self.arm(ticket.expires_at()).await;
        switching_to(&client).map_err(|error| Error::from(error).into())
    }

    /// A socket was closed by the page, or broke.
    pub(super) fn tail_ended(&self, socket: &WebSocket) {
        // The page waits for its close to be answered.
        let _ = socket.close();
        let _ = self.with(|key_state| key_state.tails.0.retain(|tail| tail.socket != *socket));
    }
}

/// A new pair of sockets: the page's end, and this object's, which hibernates.
fn accept(state: &State, ticket: &TailTicket) -> Result<(WebSocket, WebSocket)> {
    let text =
        ticket.to_text().map_err(|_| internal("a ticket that is too long for its socket"))?;
    let accepted = || {
        let mut pair = WebSocketPair::new()?;
        let (client, socket) = (pair.client()?, pair.server()?);
        let state = state.as_raw();
        state.accept_websocket(&socket)?;
        socket.serialize_attachment(JsValue::from_str(&text))?;
        state.set_websocket_auto_response(&WebSocketRequestResponsePair::new(PING, PONG)?)?;
        Ok::<_, JsValue>((client, socket))
    };
    accepted().map_err(|error| Error::from(error).into())
}

/// 101 with the page's end of the pair.
fn switching_to(client: &WebSocket) -> std::result::Result<Response, JsValue> {
    let init = ResponseInit::new();
    init.set_status(101);
    Reflect::set(&init, &"webSocket".into(), client)?;
    Response::new_with_opt_str_and_init(None, &init)
}
