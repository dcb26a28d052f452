//! One file per sender: its payload, and a pure conversion to the domain's types.

pub mod woocommerce;
