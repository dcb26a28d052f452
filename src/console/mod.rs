//! The console: view models in, markup out. No I/O, no clock; tested natively.
