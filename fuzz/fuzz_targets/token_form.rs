//! Any bytes as a urlencoded token form: never a panic.
#![no_main]

use countersign::web::form::parse_urlencoded;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let _ = parse_urlencoded(body);
});
