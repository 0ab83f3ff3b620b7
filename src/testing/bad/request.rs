//! How a token is presented (RFC 6750 §2).

use super::{Answer, Cases, Forge, Row};

pub(super) fn good(forge: &Forge<'_>, cases: &mut Cases) {
    let row = Row("H05", "RFC 9110 §11.1", Answer::Accepted);
    for scheme in ["bearer", "BEARER"] {
        cases.headers(&row, format!("the scheme is spelled {scheme}"), [format!("{scheme} {}", forge.text)]);
    }
}

pub(super) fn by_anybody(forge: &Forge<'_>, cases: &mut Cases) {
    let token = forge.text;
    let none = Row("H01", "RFC 6750 §3", Answer::NoCredentials);
    cases.headers(&none, "no credentials", []);

    let twice = Row("H02", "RFC 6750 §3.1", Answer::InvalidRequest);
    let bearer = format!("Bearer {token}");
    cases.headers(&twice, "the good token twice", [bearer.clone(), bearer.clone()]);
    cases.headers(&twice, "the good token and another", [bearer.clone(), format!("{bearer}x")]);
    cases.headers(&twice, "the good token and a password", [bearer.clone(), "Basic YTpi".into()]);

    let mut in_query = |row: Row, what: &str, headers: Vec<String>| {
        let mut case = super::case(what.into(), &row, headers);
        case.query = Some(format!("access_token={token}"));
        cases.0.push(case);
    };
    let row = Row("H03", "RFC 6750 §2", Answer::InvalidRequest);
    in_query(row, "the good token in the header and in the query", vec![bearer.clone()]);
    let row = Row("H04", "RFC 9700 §4.3.2", Answer::NoCredentials);
    in_query(row, "the good token in the query", vec![]);

    let row = Row("H06", "RFC 6750 §2.1", Answer::Unauthorized);
    for value in
        ["Bearer", "Bearer t", "Bearer t t", "Bearer t,u", "Bearer ,", "Basic YTpi", "Negotiate", "t"]
    {
        cases.headers(&row, format!("the header is {value:?}"), [value.to_owned()]);
    }
    cases.headers(&row, "the good token without a scheme", [token.to_owned()]);
    for scheme in ["Basic", "Token", "JWT", "Bearer:", "Bearer,", "DPoP"] {
        cases.headers(&row, format!("the good token by the scheme {scheme}"), [format!("{scheme} {token}")]);
    }
    let row = Row("H06", "RFC 6750 §2.1", Answer::InvalidToken);
    cases.headers(&row, "the good token twice in a header", [format!("{bearer} {token}")]);
    cases.headers(&row, "the good token and another in a header", [format!("{bearer}, Bearer x")]);
    cases.headers(&row, "the good token in quotes", [format!("Bearer \"{token}\"")]);
    cases.headers(&row, "the good token as a parameter", [format!("Bearer token={token}")]);
}
