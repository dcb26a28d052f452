//! WooCommerce. Being written.
