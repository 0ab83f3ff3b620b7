//! Tokens made from a structure, most of them nearly right, and an oracle that looks at the structure
//! and not at the text: what is accepted is exactly what one of our keys signed by its own algorithm
//! and every rule of its header and claims holds for (RFC 7515, RFC 7519, RFC 8725, RFC 9068).
#![no_main]

use countersign_fuzz::token::{Case, keys};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let case = Case::make(data);
    let token = case.token();
    let verified = keys().tokens.verify(&token, case.now);
    match (&verified, case.claims_if_good()) {
        (Ok(claims), Some(good)) => good.assert_read_back(claims),
        (Err(_), None) => {}
        (Ok(_), None) => panic!("accepted, and should not be: {}", case.describe()),
        (Err(error), Some(_)) => panic!("refused ({error}), and should not be: {}", case.describe()),
    }
    // A signature that is dear is remembered, and that must change nothing.
    if verified.is_ok() {
        assert_eq!(keys().tokens.verify(&token, case.now), verified);
    }
});
