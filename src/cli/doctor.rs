//! `countersign doctor`: what a start would find wrong, without starting.

use super::{Failure, print};
use countersign::{
    clock::{Clock, SystemClock},
    config::{Database, KeyPlace, Problem, Settings},
    keys::{KeysError, Keystore},
    store::{Finding, Severity, StoreError, Stores},
};

/// One thing that was looked at.
struct Examined {
    what: String,
    /// What there is to say about it; nothing is good.
    findings: Vec<Finding>,
}

/// `warnings` is what the environment is to be warned of.
pub(super) async fn run(settings: &Settings, warnings: &[Problem], json: bool) -> Result<(), Failure> {
    let warnings = [warnings, &settings.warnings()].concat();
    let examined = examine(settings, &warnings).await;
    if json {
        let all: Vec<_> = examined.iter().map(as_json).collect();
        print(&format!("{:#}", serde_json::Value::from(all)))?;
    } else {
        examined.iter().flat_map(as_lines).try_for_each(|line| print(&line))?;
    }
    let refused = examined.iter().flat_map(|one| &one.findings).any(|one| one.severity == Severity::Refusal);
    if refused { Err(Failure::Failed("the server would not start".into())) } else { Ok(()) }
}

async fn examine(settings: &Settings, warnings: &[Problem]) -> Vec<Examined> {
    let leeway = settings.access.leeway;
    let what = match &settings.database {
        Database::Sqlite(path) => format!("SQLite in {}", path.display()),
        Database::Postgres(url) => url.to_string(),
        _ => "memory, gone with the process".into(),
    };
    // The first start makes the file; a doctor does not.
    let unmade = Stores::unmade(settings);
    let is_unmade = unmade.is_some();
    let findings = match unmade {
        Some(findings) => findings,
        None => match Stores::open_database(settings).await {
            // Opening may have taken long, so the time is taken only now.
            Ok(stores) => checked(stores.checkup(SystemClock.now(), leeway).await).unwrap_or_else(refusal),
            Err(error) => vec![Finding::refusal(format!("cannot be used: {}", error.causes()))],
        },
    };
    let mut examined = vec![Examined { what, findings }];
    if let Some(url) = &settings.redis {
        let findings = match Stores::open_redis(settings).await {
            Ok(Some(store)) => checked(store.checkup(SystemClock.now(), leeway).await),
            Ok(None) => Ok(vec![]),
            Err(error) => Err(Failure::Failed(format!("cannot be used: {}", error.causes()))),
        };
        let findings = findings.unwrap_or_else(refusal);
        examined.push(Examined { what: url.to_string(), findings });
    }
    examined.extend(examine_keys(settings, is_unmade).await);
    if !warnings.is_empty() {
        let findings = warnings.iter().map(|warning| Finding::warning(warning.to_string())).collect();
        examined.push(Examined { what: "settings".into(), findings });
    }
    examined
}

/// `None` if the settings give the key itself, or what is wrong has been said.
async fn examine_keys(settings: &Settings, is_unmade: bool) -> Option<Examined> {
    let keystore = match (&settings.keys.place, &settings.database) {
        (KeyPlace::File { .. }, _) => Keystore::in_file(settings)?,
        (KeyPlace::Database { .. }, Database::Sqlite(path)) if is_unmade => {
            let missing = refusal(Failure::failed(&KeysError::Missing(path.display().to_string())));
            let findings = if settings.keys.place.is_made() { vec![] } else { missing };
            return Some(Examined { what: "keys in the database".into(), findings });
        }
        (KeyPlace::Database { .. }, _) => {
            Keystore::of(settings, &Stores::open_database(settings).await.ok()?).ok()??
        }
        _ => return None,
    };
    let mut findings = match keystore.load().await {
        Ok(None) if !settings.keys.place.is_made() => {
            refusal(Failure::failed(&KeysError::Missing(keystore.name().to_owned())))
        }
        Ok(_) => vec![],
        Err(error) => refusal(Failure::failed(&error)),
    };
    findings.extend(keystore.findings());
    Some(Examined { what: format!("keys in {}", keystore.name()), findings })
}

fn checked(findings: Result<Vec<Finding>, StoreError>) -> Result<Vec<Finding>, Failure> {
    findings.map_err(|error| Failure::failed(&error))
}

fn refusal(failure: Failure) -> Vec<Finding> {
    let (Failure::Refused(text) | Failure::Failed(text)) = failure;
    vec![Finding::refusal(text)]
}

fn as_lines(examined: &Examined) -> Vec<String> {
    if examined.findings.is_empty() {
        return vec![format!("ok       {}", examined.what)];
    }
    let line = |finding: &Finding| match finding.severity {
        Severity::Warning => format!("warning  {}: {finding}", examined.what),
        Severity::Refusal => format!("refused  {}: {finding}", examined.what),
    };
    examined.findings.iter().map(line).collect()
}

fn as_json(examined: &Examined) -> serde_json::Value {
    let finding = |finding: &Finding| {
        let severity = match finding.severity {
            Severity::Warning => "warning",
            Severity::Refusal => "refusal",
        };
        serde_json::json!({ "severity": severity, "text": finding.text })
    };
    let findings: Vec<_> = examined.findings.iter().map(finding).collect();
    serde_json::json!({ "what": examined.what, "findings": findings })
}
