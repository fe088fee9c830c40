//! Which mission a user means by the beginning of its id.

use tinytown_core::id::MissionId;
use tinytown_core::mission::Mission;
use tinytown_store::records::load_mission;
use tinytown_store::{Archive, MissionRow};

use crate::failure::{ExitCode, Failure};

/// Fewer characters are more likely a mistake than a mission.
const SHORTEST: usize = 4;

/// The mission whose id begins so.
pub(crate) async fn mission(archive: &dyn Archive, prefix: &str) -> Result<MissionId, Failure> {
    // A whole id needs no list; whether it exists, the next read says.
    if let Ok(id) = prefix.parse() {
        return Ok(id);
    }
    let prefix = check(prefix)?;
    let rows = archive.missions(true).await?;
    choose(&prefix, &rows)
}

/// That mission, whole.
pub(crate) async fn loaded(archive: &dyn Archive, prefix: &str) -> Result<Mission, Failure> {
    let id = mission(archive, prefix).await?;
    Ok(load_mission(&archive.mission(id).await?)?)
}

fn check(prefix: &str) -> Result<String, Failure> {
    let prefix = prefix.trim().to_ascii_lowercase();
    if prefix.chars().count() >= SHORTEST {
        return Ok(prefix);
    }
    let message = format!("{prefix:?} is too short to name a mission");
    let hint = format!("give at least {SHORTEST} characters of its id; tt mission list --all shows them");
    Err(Failure::new(ExitCode::Usage, message).hint(hint))
}

fn choose(prefix: &str, rows: &[MissionRow]) -> Result<MissionId, Failure> {
    let found: Vec<MissionId> =
        rows.iter().map(|row| row.id).filter(|id| id.to_string().starts_with(prefix)).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(unknown(prefix)),
        several => {
            let names: Vec<String> = several.iter().map(ToString::to_string).collect();
            let message = format!("{prefix:?} could be any of {}", names.join(", "));
            Err(Failure::new(ExitCode::Ambiguous, message).hint("give more characters of the id"))
        }
    }
}

/// There is no such mission.
pub(crate) fn unknown(prefix: &str) -> Failure {
    let message = format!("no mission {prefix:?} in this town");
    Failure::new(ExitCode::NotFound, message).hint("see all missions with: tt mission list --all")
}

#[cfg(test)]
mod tests {
    use super::*;
    use tinytown_store::Record;

    fn row(id: &str) -> MissionRow {
        let record = || Record(String::new());
        let id = id.parse().expect("an id");
        MissionRow { id, version: 1, unfinished: true, charter: record(), head: record() }
    }

    fn chosen(prefix: &str) -> Result<String, (ExitCode, String)> {
        let rows = [
            row("abcd1234-0000-4000-8000-000000000001"),
            row("abcd9999-0000-4000-8000-000000000002"),
            row("ffff0000-0000-4000-8000-000000000003"),
        ];
        let chosen = check(prefix).and_then(|prefix| choose(&prefix, &rows));
        chosen.map(|id| id.to_string()).map_err(|failure| (failure.code(), failure.message().to_owned()))
    }

    #[test]
    fn an_unambiguous_beginning_names_a_mission() {
        assert_eq!(chosen("ffff"), Ok("ffff0000-0000-4000-8000-000000000003".to_owned()));
        assert_eq!(chosen("ABCD1"), Ok("abcd1234-0000-4000-8000-000000000001".to_owned()));
        assert_eq!(chosen("abcd1234-00"), Ok("abcd1234-0000-4000-8000-000000000001".to_owned()));
    }

    #[test]
    fn an_ambiguous_beginning_lists_the_candidates() {
        let (code, message) = chosen("abcd").expect_err("two begin so");
        assert_eq!(code, ExitCode::Ambiguous);
        assert!(message.contains("abcd1234-0000") && message.contains("abcd9999-0000"), "{message}");
    }

    #[test]
    fn too_short_is_a_matter_of_usage_and_unknown_is_not_found() {
        assert_eq!(chosen("abc").expect_err("short").0, ExitCode::Usage);
        assert_eq!(chosen("").expect_err("short").0, ExitCode::Usage);
        assert_eq!(chosen("0000").expect_err("none").0, ExitCode::NotFound);
        assert_eq!(chosen("%%%%").expect_err("none").0, ExitCode::NotFound);
    }
}
