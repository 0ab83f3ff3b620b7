//! Whole seconds, each of which counts (RFC 7519 §2 and §4.1.4 to §4.1.6). All is further off than clocks
//! may be apart, whatever the leeway is.

use super::{Cases, Signer, invalid};
use crate::jwt::{MAX_LEEWAY, MAX_LIFETIME};
use serde_json::Value;

pub(super) fn signed(signer: &Signer<'_>, cases: &mut Cases) {
    let good = signer.forge.good;
    let (now, off) = (signer.forge.now.0, MAX_LEEWAY.as_secs() + 60);
    let at = |iat: u64, exp: u64| signer.sign(&good.claim("iat", iat).claim("exp", exp));

    let row = invalid("C01", "RFC 7519 §4.1.4");
    let past = |seconds: u64| now.saturating_sub(seconds);
    cases.token(&row, "expired two minutes ago", at(past(off + 60), past(off)));
    cases.token(&row, "expired an hour ago", at(past(3_700), past(3_600)));
    cases.token(&row, "expired before it was issued", at(now, past(off)));

    let row = invalid("C02", "RFC 7519 §2");
    for exp in [
        r#""9999999999""#,
        r#""never""#,
        "true",
        "[9999999999]",
        "-1",
        "-0",
        "0",
        "NaN",
        "Infinity",
        "0xffffffffff",
        "09999999999",
        "+9999999999",
        "1e400",
        "18446744073709551616",
        "",
    ] {
        let shown = if exp.is_empty() { "left empty" } else { exp };
        cases.token(&row, format!("exp {shown}"), signer.raw_claim("exp", exp));
    }
    let row = invalid("C03", "RFC 8725 §3.10");
    let forever = now.saturating_add(2 * MAX_LIFETIME.as_secs());
    cases.token(&row, "good for two days", at(now, forever));
    for exp in [1 << 53, 253_402_300_800, (1 << 63) - 1, 10_000_000_000_000_000_000] {
        cases.token(&row, format!("exp {exp}"), at(now, exp));
    }
    let row = invalid("C04", "RFC 7519 §4.1.4");
    for exp in [format!("{}.6", past(off)), format!("{}.0", past(off)), "1e1".into()] {
        cases.token(&row, format!("exp a fraction: {exp}"), signer.raw_claim("exp", &exp));
    }
    let later = now.saturating_add(off);
    let row = invalid("C06", "RFC 7519 §4.1.5");
    for nbf in [Value::from(later), "1".into(), Value::Null, true.into(), (-1).into(), 1.5.into()] {
        let what = if nbf == later { "nbf in two minutes".into() } else { format!("nbf {nbf}") };
        cases.token(&row, what, signer.sign(&good.claim("nbf", nbf)));
    }
    let row = invalid("C07", "RFC 8725 §3.10");
    cases.token(&row, "issued in two minutes", at(later, later.saturating_add(60)));
    for iat in [Value::from(past(60).to_string()), (-1).into(), 1.5.into()] {
        cases.token(&row, format!("iat {iat}"), signer.sign(&good.claim("iat", iat)));
    }
}
