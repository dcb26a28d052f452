//! The components that pages are built from. Each escapes the text that it takes; content that is
//! already markup is passed as [`maud::Markup`].

mod attributes;
mod buttons;
mod charts;
mod code;
mod dialogs;
mod feedback;
mod fields;
mod forms;
mod layers;
mod live;
mod navigation;
mod surfaces;
mod tables;
mod text;
mod time;

pub use attributes::Attributes;
pub use buttons::{Button, post_button};
pub use charts::{BarChart, Bucket, bar_chart, sparkline, sparkline_skeleton};
pub use code::{code_block, copy_button, copy_value, json_viewer, secret_field};
pub use dialogs::{Confirm, confirm};
pub use feedback::{Banner, Flash, Kind, banner, flash, inline_note, meter, skeleton, toasts};
pub use fields::{
    Choice, Field, Lock, RadioCard, checkbox, checkbox_group, field_id, fill_button,
    lockable_checkbox, radio_cards,
};
pub use forms::{actions, error_summary, form, hidden};
pub use layers::{CloseBy, Layer, drawer, modal, small_modal};
pub use live::{Live, live_tail, polled};
pub use navigation::{Tab, filter_bar, pagination, segmented, tabs};
pub use surfaces::{
    card, empty_state, keyvalue, link_card, link_cards, page_header, restricted_card, section,
    stat, stats,
};
pub use tables::{Column, cell, head_cell, table};
pub use text::{Status, chip, chips, kbd, money, mono, muted, source_label, status_badge};
pub use time::{TimeStyle, no_time, time};
