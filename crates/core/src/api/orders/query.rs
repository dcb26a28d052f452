//! The query parameters of `GET /v1/orders`.

use crate::domain::id::{SequenceId, StoreId};
use crate::domain::key::Source;
use crate::domain::order::OrderStatus;
use crate::domain::rejection::{Code, Rejection};
use crate::domain::time::Timestamp;
use crate::protocol::store_ledger::OrderFilter;

/// The most orders of a page.
const MAX_LIMIT: u32 = 100;
/// The number of orders of a page, unless the query sets another limit.
const DEFAULT_LIMIT: u32 = 50;

/// The parameters of a list of orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderQuery {
    /// `None` for the workspace's only store.
    pub store: Option<StoreId>,
    pub filter: OrderFilter,
}

impl OrderQuery {
    /// Reads a query string. A parameter that is unknown, given twice or malformed is an error: if
    /// a filter were ignored, the list would not be the one that was asked for.
    pub fn parse(query: &str) -> Result<Self, Rejection> {
        let mut parsed = Self {
            store: None,
            filter: OrderFilter { limit: DEFAULT_LIMIT, ..OrderFilter::default() },
        };
        let mut seen: Vec<String> = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode(value)
                .ok_or_else(|| invalid(name, "must be percent-encoded UTF-8"))?;
            if seen.iter().any(|known| known == name) {
                return Err(invalid(name, "must not be given twice"));
            }
            seen.push(name.to_owned());
            let filter = &mut parsed.filter;
            match name {
                "store_id" => {
                    let id = StoreId::parse(&value);
                    parsed.store = Some(id.ok_or_else(|| invalid(name, "must be a store's id"))?);
                }
                "source" => {
                    let source = Source::parse(&value);
                    filter.source = Some(source.ok_or_else(|| invalid(name, "must be a source"))?);
                }
                "status" => {
                    let status = OrderStatus::parse(&value);
                    let status =
                        status.ok_or_else(|| invalid(name, "must be an order's status"))?;
                    filter.status = Some(status);
                }
                "external_id" if !value.is_empty() => filter.external_id = Some(value),
                "placed_from" => filter.placed_from = Some(time(name, &value)?),
                "placed_to" => filter.placed_to = Some(time(name, &value)?),
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                    filter.limit = limit.ok_or_else(|| invalid(name, "must be 1 to 100"))?;
                }
                "cursor" => {
                    let row = value.parse().ok().and_then(SequenceId::from_i64);
                    let row = row.ok_or_else(|| {
                        invalid(name, "must be the next_cursor of an earlier page")
                    })?;
                    filter.before = Some(row.as_i64());
                }
                _ => return Err(invalid(name, "is not a parameter of this list")),
            }
        }
        Ok(parsed)
    }
}

fn time(name: &str, value: &str) -> Result<Timestamp, Rejection> {
    Timestamp::parse_rfc3339(value)
        .ok_or_else(|| invalid(name, "must be an RFC 3339 time, its + written as %2B"))
}

fn invalid(name: &str, detail: &str) -> Rejection {
    Rejection::new(Code::InvalidQuery, format!("The query parameter {name} {detail}."))
}

/// Decodes percent-encoding (RFC 3986 §2.1), and `+` as a space, as in forms.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let mut byte = [0];
                hex::decode_to_slice([*high, *low], &mut byte).ok()?;
                bytes.extend(byte);
                after
            }
            (b'%', _) => return None,
            (b'+', _) => {
                bytes.push(b' ');
                after
            }
            _ => {
                bytes.push(*first);
                after
            }
        };
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read() {
        let query = OrderQuery::parse(
            "status=on_hold&source=woocommerce&limit=2&cursor=7&placed_from=2026-11-22T10:00:00%2B01:00",
        )
        .unwrap();
        assert_eq!(query.store, None);
        assert_eq!(query.filter.status, Some(OrderStatus::OnHold));
        assert_eq!(query.filter.source, Some(Source::WooCommerce));
        assert_eq!(query.filter.limit, 2);
        assert_eq!(query.filter.before, Some(7));
        assert_eq!(query.filter.placed_from, Timestamp::parse_rfc3339("2026-11-22T09:00:00Z"));
        assert_eq!(OrderQuery::parse("").unwrap().filter.limit, 50);
        let id = OrderQuery::parse("external_id=a%2Fb+%C3%A9").unwrap().filter.external_id;
        assert_eq!(id.as_deref(), Some("a/b é"));
    }

    #[test]
    fn an_unknown_repeated_or_malformed_parameter_is_refused() {
        for query in [
            "state=pending",
            "status=shipped",
            "status",
            "source=",
            "limit=0",
            "limit=101",
            "limit=x",
            "cursor=-1",
            "placed_to=yesterday",
            "store_id=x",
            "external_id=",
            "external_id=%zz",
            "external_id=%ff",
            "external_id=%",
            "limit=1&limit=2",
        ] {
            let code = OrderQuery::parse(query).map_err(|rejection| rejection.code);
            assert_eq!(code, Err(Code::InvalidQuery), "{query}");
        }
    }
}
