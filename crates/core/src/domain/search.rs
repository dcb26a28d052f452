//! Searching orders by one text that a person types.

use super::id::OrderId;

/// A search text: an order's number or id, or its client's name, e-mail address or id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderSearch {
    text: String,
    lower: String,
}

/// The fields of an order that a search looks at.
#[derive(Clone, Copy, Debug, Default)]
pub struct SearchedFields<'a> {
    pub number: Option<&'a str>,
    pub external_id: Option<&'a str>,
    pub client_email: Option<&'a str>,
    pub client_name: Option<&'a str>,
    pub client_external_id: Option<&'a str>,
}

impl OrderSearch {
    /// `None` if the text is empty, spaces and a leading `#` aside.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_filled = !without_hash(text).is_empty();
        is_filled.then(|| Self { text: text.to_owned(), lower: text.to_lowercase() })
    }

    /// The search text as an order's public id, if it is one.
    pub fn order_id(&self) -> Option<OrderId> {
        OrderId::parse(&self.lower)
    }

    /// The external ids to look up: the text as typed, and without the `#` that people write before
    /// a number.
    pub fn external_ids(&self) -> impl Iterator<Item = &str> {
        let bare = without_hash(&self.text);
        [self.text.as_str(), bare].into_iter().take(if bare == self.text { 1 } else { 2 })
    }

    /// Whether the text is exactly this external id.
    pub fn is_external_id(&self, external_id: Option<&str>) -> bool {
        external_id.is_some_and(|id| self.external_ids().any(|text| text == id))
    }

    /// Whether the search matches an order: by its number, its external id, or a part of its
    /// client's e-mail address, name or external id.
    pub fn matches(&self, order: SearchedFields<'_>) -> bool {
        let SearchedFields { number, external_id, client_email, client_name, client_external_id } =
            order;
        let bare = |text: &str| without_hash(text).to_lowercase();
        number.is_some_and(|number| bare(number) == without_hash(&self.lower))
            || self.is_external_id(external_id)
            || [client_email, client_name, client_external_id]
                .into_iter()
                .flatten()
                .any(|text| text.to_lowercase().contains(&self.lower))
    }
}

fn without_hash(text: &str) -> &str {
    text.strip_prefix('#').unwrap_or(text).trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{SequenceId, StoreId};
    use crate::domain::time::Timestamp;

    const ORDER: SearchedFields<'_> = SearchedFields {
        number: Some("WC-1002"),
        external_id: Some("Ab15"),
        client_email: Some("Zoe@Example.com"),
        client_name: Some("ZOË Müller"),
        client_external_id: Some("cust-7"),
    };

    #[test]
    fn an_order_is_found_by_what_people_type() {
        for (text, found) in [
            ("WC-1002", true),
            (" #wc-1002 ", true),
            ("# WC-1002", true),
            ("WC-100", false),
            ("1002", false),
            ("Ab15", true),
            ("#Ab15", true),
            ("ab15", false),
            ("zoe@example", true),
            ("zoë mü", true),
            ("Cust", true),
            ("nobody", false),
        ] {
            let search = OrderSearch::parse(text).unwrap();
            assert_eq!(search.matches(ORDER), found, "{text}");
        }
        let number = SearchedFields { number: Some("#9"), ..SearchedFields::default() };
        assert!(OrderSearch::parse("9").unwrap().matches(number));
        assert!(!OrderSearch::parse("9").unwrap().matches(SearchedFields::default()));
    }

    #[test]
    fn an_empty_text_is_no_search() {
        for text in ["", "  ", "#", " # "] {
            assert_eq!(OrderSearch::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_public_id_is_recognised_in_any_case_and_between_spaces() {
        let row = SequenceId::at(Timestamp::from_millis(1_795_000_000_000));
        let id = OrderId::new(StoreId::from_random([3; 10]), row);
        let text = id.to_string();
        for typed in [text.clone(), text.to_uppercase(), format!(" {text}\n")] {
            assert_eq!(OrderSearch::parse(&typed).unwrap().order_id(), Some(id));
        }
        assert_eq!(OrderSearch::parse("ord_x").unwrap().order_id(), None);
    }

    #[test]
    fn an_external_id_is_looked_up_as_typed_and_without_its_hash() {
        let ids = |text: &str| {
            let search = OrderSearch::parse(text).unwrap();
            search.external_ids().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(ids(" 15 "), ["15"]);
        assert_eq!(ids("#15"), ["#15", "15"]);
    }
}
