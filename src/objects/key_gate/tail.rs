//! Live tails: the WebSockets that follow this key's log. They hibernate: while nothing happens,
//! the object leaves memory and the platform retains each socket with its ticket.
//!
//! A message leaves only after its log row is durable. The row is written first, in the same turn,
//! and the platform's output gate delays everything that an object sends, on a WebSocket as in a
//! response, until the writes before it are confirmed (workerd, `api/web-socket.c++`:
//! `WebSocket::send` waits for the output lock). If the write fails, the object is reset and the
//! message never leaves.

use serde_json::json;
use worker::State;
use worker::js_sys::Reflect;
use worker::wasm_bindgen::JsValue;
use worker::worker_sys::ext::WebSocketExt;
use worker::worker_sys::web_sys::{Request, Response, ResponseInit, WebSocket};
use worker::worker_sys::{WebSocketPair, WebSocketRequestResponsePair};

use super::KeyGate;
use crate::platform::incoming::header;
use crate::{Error, Result, internal};
use tidegate_core::api::procedures::requests::RequestOut;
use tidegate_core::domain::key::KeyRecord;
use tidegate_core::domain::log::LogEntry;
use tidegate_core::domain::rejection::{Code, Rejection};
use tidegate_core::domain::time::Timestamp;
use tidegate_core::protocol::key_gate::LoggedRequest;
use tidegate_core::protocol::tail::{
    CLOSED_EXPIRED, CLOSED_OUTDATED, CLOSED_SIGNED_OUT, HEADER, MAX_OPEN, PING, PONG, TailTicket,
};

/// The open tails. They are read from the platform once per wake, so a key that nobody watches pays
/// nothing per request.
#[derive(Debug, Default)]
pub struct Tails(Vec<Tail>);

#[derive(Debug)]
struct Tail {
    socket: WebSocket,
    ticket: TailTicket,
}

/// The text message for a log entry: the request as the APIs list it. The page fetches the rendered
/// row from the console.
fn message(request: &LoggedRequest) -> String {
    let request = RequestOut::from(request.clone());
    json!({ "type": "request", "request": request }).to_string()
}

impl Tails {
    /// The tails that the platform retained while the object slept.
    pub fn restore(state: &State) -> Self {
        let sockets = state.as_raw().get_websockets().unwrap_or_default();
        let mut tails = Self::default();
        for socket in sockets.into_iter().filter(is_open) {
            let ticket = socket.deserialize_attachment().unwrap_or_default().as_string();
            match ticket.as_deref().and_then(TailTicket::from_text) {
                Some(ticket) => tails.0.push(Tail { socket, ticket }),
                None => close(&socket, CLOSED_OUTDATED, "outdated"),
            }
        }
        tails
    }

    /// Pushes a log entry to every live tail whose filter matches it. A row may be pushed again:
    /// the row of a request when the Worker repeats the call, and the row of counted refusals while
    /// the count grows. The page recognises a repeated row by its id. A failed send is ignored: the
    /// socket is gone or closing.
    pub fn push(&self, record: &KeyRecord, entry: &LogEntry) {
        if self.0.is_empty() {
            return;
        }
        let request = LoggedRequest::of(record.key_hash.gate(), entry);
        let mut text = None;
        for tail in self.0.iter().filter(|tail| tail.ticket.filter.matches(&request)) {
            let text = text.get_or_insert_with(|| message(&request));
            let _ = tail.socket.send_with_str(text);
        }
    }

    /// When the next tail expires.
    pub fn next_expiry(&self) -> Option<Timestamp> {
        self.0.iter().map(|tail| tail.ticket.expires_at()).min()
    }

    /// Closes the expired tails.
    pub fn close_expired(&mut self, now: Timestamp) {
        self.close_matching(CLOSED_EXPIRED, "expired", |ticket| ticket.expires_at() <= now);
    }

    /// Closes the tails of a session, or all if none is given. Returns how many were closed.
    pub fn close_signed_out(&mut self, session: Option<&str>) -> u32 {
        self.close_matching(CLOSED_SIGNED_OUT, "signed out", |ticket| {
            session.is_none_or(|session| session == ticket.session)
        })
    }

    fn close_matching(
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

/// Closes a socket. An error means that the socket is gone already, so it is ignored.
fn close(socket: &WebSocket, code: u16, reason: &str) {
    let _ = socket.close_with_code_and_reason(code, reason);
}

impl KeyGate {
    /// Opens the live tail that a request asks for. The Worker has authorised the request.
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
                return Err(Error::from(Rejection::new(
                    Code::RateLimited,
                    format!("{MAX_OPEN} pages follow this key already. Close one."),
                )));
            }
            let (client, socket) = accept(&self.state, &ticket)?;
            key_state.tails.0.push(Tail { socket, ticket: ticket.clone() });
            Ok(client)
        })??;
        self.arm(ticket.expires_at()).await;
        switching_protocols(&client).map_err(|error| worker::Error::from(error).into())
    }

    /// Removes a tail whose socket was closed by the page or broke.
    pub(super) fn tail_ended(&self, socket: &WebSocket) {
        // The page waits for the close frame in reply to its own.
        let _ = socket.close();
        let _ = self.with(|key_state| key_state.tails.0.retain(|tail| tail.socket != *socket));
    }
}

/// Makes a pair of sockets: the page's end, and this object's end, which hibernates.
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
    accepted().map_err(|error| worker::Error::from(error).into())
}

/// The 101 response with the page's end of the pair.
fn switching_protocols(client: &WebSocket) -> std::result::Result<Response, JsValue> {
    let init = ResponseInit::new();
    init.set_status(101);
    Reflect::set(&init, &"webSocket".into(), client)?;
    Response::new_with_opt_str_and_init(None, &init)
}
