//! Tables. On narrow screens their cells are stacked.

use maud::{Markup, html};

use super::Attributes;

/// The head of a column.
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

    /// A column of numbers, which are aligned to the right.
    pub const fn numeric(label: &'a str) -> Self {
        Self { label, numeric: true, hidden: false, width: None }
    }

    /// A column without a visible head, for the buttons of a row.
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
                let alignment = if numeric { "num " } else { "" };
                Some(format!("{alignment}{}", width.unwrap_or_default()))
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

/// A table. `caption` describes it for assistive technology. `body` is rows of [`cell`]s and
/// [`head_cell`]s. `body_attributes` are set on the `tbody` (an id, `data-tail-rows`).
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

/// A cell under `column`. On narrow screens the column's label is shown beside the content.
pub fn cell(column: &Column<'_>, content: Markup) -> Markup {
    html! {
        td class=[column.cell_class()] data-label=[(!column.hidden).then_some(column.label)]
        { (content) }
    }
}

/// The cell that is the heading of its row.
pub fn head_cell(content: Markup) -> Markup {
    html! { th scope="row" { (content) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_carries_the_label_of_its_column() {
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
