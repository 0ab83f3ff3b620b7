//! How a token is presented (RFC 6750 §2).

use super::{super::case::Elsewhere, Answer, Cases, Forge, Row};

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

    let mut in_query = |row: Row, what: &str, name: &str, headers: Vec<String>| {
        let mut case = super::case(what.into(), &row, headers);
        case.elsewhere = Some(Elsewhere::Query(format!("{name}={token}")));
        cases.0.push(case);
    };
    let row = Row("H03", "RFC 6750 §2", Answer::InvalidRequest);
    in_query(row, "the good token in the header and in the query", "access_token", vec![bearer.clone()]);
    for name in ["access_token", "token", "jwt", "bearer_token", "authorization"] {
        let row = Row("H04", "RFC 9700 §4.3.2", Answer::NoCredentials);
        in_query(row, &format!("the good token in the query as {name}"), name, vec![]);
    }
    let mut in_header = |name: &'static str, value: String, what: String| {
        let mut case = super::case(what, &Row("H04", "RFC 6750 §2", Answer::NoCredentials), vec![]);
        case.elsewhere = Some(Elsewhere::Header(name, value));
        cases.0.push(case);
    };
    for name in ["access_token", "token", "jwt", "Authorization", "session"] {
        in_header("Cookie", format!("{name}={token}"), format!("the good token in the cookie {name}"));
    }
    for name in ["X-Access-Token", "X-Auth-Token", "X-Authorization", "X-Api-Key", "Proxy-Authorization"] {
        let value = if name.ends_with("Authorization") { bearer.clone() } else { token.to_owned() };
        in_header(name, value, format!("the good token in {name}"));
    }
    for name in ["X-User", "X-Remote-User", "X-Forwarded-User"] {
        in_header(name, "admin".into(), format!("a name in {name} instead of a token"));
    }

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
