//! Tables, which become stacked rows on narrow screens.

use maud::{Markup, html};

use super::Attributes;

/// A column's head.
#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    label: &'a str,
    numeric: bool,
    hidden: bool,
    width: Option<&'static str>,
}

impl<'a> Column<'a> {
    pub const fn new(label: &'a str) -> Self {
        Self { label, numeric: false, hidden: false, width: None }
    }

    /// Numbers, which stand at the right.
    pub const fn numeric(label: &'a str) -> Self {
        Self { label, numeric: true, hidden: false, width: None }
    }

    /// A column that needs no visible head, such as the actions'.
    pub const fn hidden(label: &'a str) -> Self {
        Self { label, numeric: false, hidden: true, width: None }
    }

    const fn cell_class(&self) -> Option<&'static str> {
        match (self.numeric, self.hidden) {
            (true, _) => Some("num"),
            (false, true) => Some("actions-cell"),
            (false, false) => None,
        }
    }

    fn classes(&self) -> Option<String> {
        match (self.numeric, self.width) {
            (false, None) => None,
            (numeric, width) => {
                let number = if numeric { "num " } else { "" };
                Some(format!("{number}{}", width.unwrap_or_default()))
            }
        }
    }

    /// A fixed width, for cells that load later: `w-2` to `w-12`.
    #[must_use]
    pub const fn width(mut self, class: &'static str) -> Self {
        self.width = Some(class);
        self
    }
}

/// A table; `caption` tells assistive technology what it holds. `body` are rows of [`cell`]s and
/// [`head_cell`]s, and `body_attributes` belong to the `tbody` (an id, `data-tail-rows`).
pub fn table(
    caption: &str,
    columns: &[Column<'_>],
    body_attributes: &Attributes,
    body: Markup,
) -> Markup {
    html! {
        div.table-frame.wide[columns.len() > 5] {
            table {
                caption.visually-hidden { (caption) }
                thead {
                    tr {
                        @for column in columns {
                            th class=[column.classes()] scope="col" {
                                @if column.hidden {
                                    span.visually-hidden { (column.label) }
                                } @else {
                                    (column.label)
                                }
                            }
                        }
                    }
                }
                (body_attributes.element("tbody", body))
            }
        }
    }
}

/// A cell under `column`; on narrow screens the column's label stands beside its content.
pub fn cell(column: &Column<'_>, content: Markup) -> Markup {
    html! {
        td class=[column.cell_class()] data-label=[(!column.hidden).then_some(column.label)]
        { (content) }
    }
}

/// The cell that names its row.
pub fn head_cell(content: Markup) -> Markup {
    html! { th scope="row" { (content) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_can_stand_alone_with_its_label() {
        const STATUS: Column<'_> = Column::new("Status");
        const ACTIONS: Column<'_> = Column::hidden("Actions");
        let body = html! { tr { (cell(&STATUS, html! { "ok" })) (cell(&ACTIONS, html! {})) } };
        let markup = table("Keys", &[STATUS, ACTIONS], &Attributes::new().set("id", "rows"), body);
        let markup = markup.into_string();
        assert!(markup.contains("<caption class=\"visually-hidden\">Keys</caption>"), "{markup}");
        assert!(markup.contains("<tbody id=\"rows\">"), "{markup}");
        assert!(markup.contains("data-label=\"Status\">ok</td>"), "{markup}");
        assert!(markup.contains("<span class=\"visually-hidden\">Actions</span>"), "{markup}");
    }
}
