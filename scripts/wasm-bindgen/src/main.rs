//! `tidegate-wasm-bindgen MODULE DIRECTORY`: makes the JavaScript of a compiled Worker, and the wasm
//! module that goes with it, with wasm-bindgen's own library.
//!
//! `wasm-bindgen-cli` does the same. It takes twice as long to compile, because it also runs tests in
//! browsers: an HTTP server, a client, TLS.

use std::process::ExitCode;

use wasm_bindgen_cli_support::Bindgen;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, directory] = arguments.as_slice() else {
        eprintln!("Usage: tidegate-wasm-bindgen MODULE DIRECTORY");
        return ExitCode::from(2);
    };
    let mut bindgen = Bindgen::new();
    let bindgen = match bindgen.module(true) {
        Ok(bindgen) => bindgen
            .input_path(module)
            .out_name("index")
            .typescript(false)
            // Both make a new instance of the module after a trap (src/entry.mjs).
            .reset_state_function(true)
            .force_enable_abort_handler(true),
        Err(error) => return failed(&error.to_string()),
    };
    match bindgen.generate(directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&format!("{error:#}")),
    }
}

fn failed(cause: &str) -> ExitCode {
    eprintln!("{cause}");
    ExitCode::FAILURE
}
