//! The binary: arguments, configuration, logging, then one front end. No logic lives here.

fn main() {}
