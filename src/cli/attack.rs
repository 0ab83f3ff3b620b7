//! `countersign attack …`: the kit against a server that runs.

use super::{Failure, keys, print, settings};
use clap::Args;
use countersign::{
    clock::{Clock, SystemClock},
    testing::{Case, Kit, Reply, Report},
};
use reqwest::{
    Client, Method, Url,
    header::{
        AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
        WWW_AUTHENTICATE,
    },
    redirect,
};
use rocket::figment::Figment;
use std::{
    io::{self, IsTerminal, Read, Write},
    net::IpAddr,
    time::Duration,
};
use zeroize::Zeroizing;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How many may take longer before the rest is left alone.
const MOST_LATE: u32 = 3;
/// The longest key set that is read, in bytes.
const MAX_KEYS: usize = 256 * 1024;

#[derive(Args)]
pub(super) struct Arguments {
    /// The protected route, such as http://127.0.0.1:8000/me.
    url: Url,
    /// A good access token: its answer is the control, and bad ones are made from it.
    #[arg(
        long,
        value_name = "TOKEN",
        required_unless_present = "token_stdin",
        conflicts_with = "token_stdin"
    )]
    token: Option<String>,
    /// Reads the good token from standard input, where `ps` does not show it.
    #[arg(long)]
    token_stdin: bool,
    /// The method of the route.
    #[arg(long, default_value = "GET", value_name = "METHOD", value_parser = method)]
    method: Method,
    /// A header of every request, such as `Content-Type: application/json`; may be repeated.
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The body of every request.
    #[arg(long, value_name = "TEXT", default_value = "")]
    body: String,
    /// Where the issuer has its public keys, to try them as secrets.
    #[arg(long, value_name = "URL")]
    jwks: Option<Url>,
    /// Also signs bad tokens with the keys of this server's own settings, which signed the good one.
    #[arg(long)]
    sign: bool,
    /// With --sign: a role that the route wants, and that the good token has.
    #[arg(long, requires = "sign", value_name = "ROLE")]
    role: Option<String>,
    /// With --sign: a scope that the route wants, and that the good token has.
    #[arg(long, requires = "sign", value_name = "SCOPE")]
    scope: Option<String>,
    /// Allows a server on another machine. Ask its owner first.
    #[arg(long)]
    allow_remote: bool,
    /// Prints a JSON object.
    #[arg(long)]
    json: bool,
}

fn method(text: &str) -> Result<Method, String> {
    text.to_uppercase().parse().map_err(|_| "not a method of HTTP".into())
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("must be NAME: VALUE")?;
    let name = name.trim().parse().map_err(|_| "not the name of a header")?;
    let value = value.trim().parse().map_err(|_| "not the value of a header")?;
    match name {
        AUTHORIZATION => Err("the tokens are what is tried".into()),
        CONTENT_LENGTH | HOST | TRANSFER_ENCODING => Err("this one is the client's own".into()),
        name => Ok((name, value)),
    }
}

pub(super) async fn run(arguments: Arguments, figment: &Figment) -> Result<(), Failure> {
    arguments.check(&arguments.url, "URL")?;
    let target = Target::new(&arguments)?;
    let kit = arguments.kit(figment, &target).await?;
    let cases: Vec<_> = kit.cases().collect();
    let mut report = Report::on(format!("{} {}", arguments.method, arguments.url));
    let mut progress = Progress::of(cases.len());
    let mut late = 0;
    for (at, case) in cases.iter().enumerate() {
        let reply = match target.ask(case).await? {
            Ok(reply) => Some(reply),
            Err(error) => {
                late += u32::from(error.is_timeout());
                None
            }
        };
        let right = report.note(case, reply);
        progress.at(at + 1, report.wrong().len());
        // If the plain good token does not pass, no refusal says anything.
        if at == 0 && !right || late == MOST_LATE {
            break;
        }
    }
    progress.end();
    if arguments.json {
        print(&format!("{:#}", as_json(&report, arguments.sign)))?;
    } else {
        print(&report.to_string())?;
        if !arguments.sign && report.asked() == cases.len() {
            print("not tried without the keys (--sign): what is rightly signed and wrong in what it says")?;
        }
    }
    if late == MOST_LATE {
        return Err(Failure::Failed(format!(
            "{late} requests had no answer within {} s",
            PATIENCE.as_secs()
        )));
    }
    match report.wrong().len() {
        0 => Ok(()),
        1 => Err(Failure::Failed("an answer is wrong".into())),
        wrong => Err(Failure::Failed(format!("{wrong} answers are wrong"))),
    }
}

impl Arguments {
    /// Loopback, unless it is said that it need not be.
    fn check(&self, url: &Url, name: &str) -> Result<(), Failure> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Failure::Refused(format!("{name}: must begin with http:// or https://")));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Failure::Refused(format!("{name}: a user or a password has no place in it")));
        }
        let host = url.host_str().unwrap_or_default();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let is_loopback = address.map_or(host == "localhost", |address| address.to_canonical().is_loopback());
        if is_loopback || self.allow_remote {
            return Ok(());
        }
        Err(Failure::Refused(format!(
            "{name}: {host} is another machine; --allow-remote allows it, if its owner does"
        )))
    }

    async fn kit(&self, figment: &Figment, target: &Target<'_>) -> Result<Kit, Failure> {
        let token = match &self.token {
            Some(token) => Zeroizing::new(token.clone()),
            None => {
                let mut text = Zeroizing::new(String::new());
                let read = io::stdin().take(1 << 16).read_to_string(&mut text);
                read.map_err(|_| Failure::Refused("standard input: no text".into()))?;
                text
            }
        };
        let refused = |error| Failure::Refused(format!("the token: {error}"));
        // As it stands in a header, or as it was answered.
        let token = token.trim();
        let token = token.strip_prefix("Bearer ").unwrap_or(token);
        let mut kit = Kit::from_token(token, SystemClock.now()).map_err(refused)?;
        if let Some(jwks) = &self.jwks {
            self.check(jwks, "--jwks")?;
            let refused = |error| Failure::Refused(format!("--jwks: {error}"));
            kit = kit.with_published(&target.fetch(jwks).await?).map_err(refused)?;
        }
        if self.sign {
            let ring = keys::ring(&settings(figment)?).await?;
            kit = kit.with_ring(&ring).map_err(|error| Failure::Refused(format!("--sign: {error}")))?;
        }
        kit = self.role.iter().fold(kit, |kit, role| kit.with_role(role));
        Ok(self.scope.iter().fold(kit, |kit, scope| kit.with_scope(scope)))
    }
}

/// What the requests go to.
struct Target<'a> {
    client: Client,
    arguments: &'a Arguments,
}

impl<'a> Target<'a> {
    fn new(arguments: &'a Arguments) -> Result<Self, Failure> {
        let client = Client::builder()
            .user_agent(concat!("countersign-attack/", env!("CARGO_PKG_VERSION")))
            .default_headers(arguments.headers.iter().cloned().collect::<HeaderMap>())
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE);
        // A machine that trusts nobody can still be asked by plain HTTP.
        let is_plain = [Some(&arguments.url), arguments.jwks.as_ref()]
            .iter()
            .flatten()
            .all(|url| url.scheme() == "http");
        let client = if is_plain { client.tls_certs_only([]) } else { client };
        Ok(Self { client: client.build().map_err(|error| Failure::failed(&error))?, arguments })
    }

    /// What this case is answered, or why it is not; fails if nobody is there.
    async fn ask(&self, case: &Case) -> Result<Result<Reply, reqwest::Error>, Failure> {
        let Arguments { url, method, body, .. } = self.arguments;
        let mut url = url.clone();
        if let Some(query) = case.query() {
            let before = url.query().map(|before| format!("{before}&")).unwrap_or_default();
            url.set_query(Some(&format!("{before}{query}")));
        }
        let mut request = self.client.request(method.clone(), url).body(body.clone());
        for value in case.authorization() {
            let value = HeaderValue::from_bytes(value.as_bytes());
            let mut value = value.map_err(|_| Failure::Failed(format!("{case:?} cannot be sent")))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Some((name, value)) = case.header() {
            request = request.header(name, value);
        }
        let again = request.try_clone();
        let response = match (request.send().await, again) {
            (Err(error), _) if error.is_connect() => return Err(Failure::failed(&error.without_url())),
            // A server may close a connection that it has kept, just as it is used again.
            (Err(error), Some(again)) if !error.is_timeout() => again.send().await,
            (response, _) => response,
        };
        let response = match response {
            Ok(response) => response,
            Err(error) => return Ok(Err(error)),
        };
        let challenges = response.headers().get_all(WWW_AUTHENTICATE).iter();
        let challenges = challenges.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        let reply = Reply { status: response.status().as_u16(), challenges: challenges.collect() };
        Ok(Ok(reply))
    }

    async fn fetch(&self, url: &Url) -> Result<String, Failure> {
        let answered = async {
            let mut response = self.client.get(url.clone()).send().await?.error_for_status()?;
            let mut body = vec![];
            while let Some(chunk) = response.chunk().await?.filter(|_| body.len() <= MAX_KEYS) {
                body.extend_from_slice(&chunk);
            }
            Ok::<_, reqwest::Error>(body)
        };
        let body = answered.await.map_err(|error| Failure::failed(&error.without_url()))?;
        String::from_utf8(body).map_err(|_| Failure::Failed("--jwks: the answer is no text".into()))
    }
}

/// How far it is, on a terminal.
struct Progress {
    all: usize,
    shown: bool,
}

impl Progress {
    fn of(all: usize) -> Self {
        Self { all, shown: io::stderr().is_terminal() }
    }

    fn at(&mut self, done: usize, wrong: usize) {
        if self.shown {
            // Whoever is not shown it is still told the end.
            let _ = write!(io::stderr(), "\r{done} of {} asked, {wrong} wrong", self.all);
        }
    }

    fn end(&self) {
        if self.shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn as_json(report: &Report, signed: bool) -> serde_json::Value {
    let wrong = report.wrong().iter().map(|wrong| {
        serde_json::json!({
            "sent": wrong.case.what(),
            "row": wrong.case.row(),
            "rule": wrong.case.rule(),
            "expected": wrong.case.answer().to_string(),
            "got": wrong.reply.as_ref().map(Reply::to_string),
            "let_in": wrong.let_in(),
        })
    });
    serde_json::json!({ "asked": report.asked(), "signed": signed, "wrong": wrong.collect::<Vec<_>>() })
}
