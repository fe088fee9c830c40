//! Kept cases: each is small, has a name, and shows one defect that is mended, or one planted mutant.

use serde::{Deserialize, Serialize};
use tinytown_core::mutant::{self, Mutant};

use super::{Case, Outcome, minimise, play};

/// A kept case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regression {
    /// What it shows.
    pub title: String,
    /// With this mutant it breaks a promise; without, it breaks none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutant: Option<String>,
    /// Which promise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaks: Option<String>,
    /// The case.
    pub case: Case,
}

impl Regression {
    /// A case to be kept, as it is found.
    pub fn of(case: &Case, mutant: Option<Mutant>) -> Self {
        Self {
            title: mutant.map_or("say here what it shows", Mutant::sentence).to_owned(),
            mutant: mutant.map(|mutant| mutant.name().to_owned()),
            breaks: None,
            case: case.clone(),
        }
    }

    /// The smallest case for a mutant; none if no single case shows it.
    pub fn smallest(case: &Case, planted: Mutant) -> Option<Self> {
        mutant::plant(Some(planted));
        let small = minimise(case);
        let broken = play(&small, false).violation;
        mutant::plant(None);
        let breaks = Some(broken?.guarantee.to_owned());
        Some(Self { breaks, ..Self::of(&small, Some(planted)) })
    }

    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, with the line; a mutant that there is not.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        match &read.mutant {
            Some(name) if read.planted().is_none() => Err(format!("there is no mutant {name}")),
            _ => Ok(read),
        }
    }

    fn planted(&self) -> Option<Mutant> {
        Mutant::ALL.iter().find(|mutant| Some(mutant.name()) == self.mutant.as_deref()).copied()
    }

    /// As it is written.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("cases can be written")
    }

    /// A file's name for it, from the mutant's.
    pub fn file_name(&self) -> String {
        let name = self.mutant.as_deref().unwrap_or("Unnamed");
        let mut snake = String::new();
        for letter in name.chars() {
            if letter.is_uppercase() && !snake.is_empty() {
                snake.push('_');
            }
            snake.extend(letter.to_lowercase());
        }
        snake + ".toml"
    }

    /// Plays it with its mutant, and tells.
    pub fn play(&self) -> Outcome {
        mutant::plant(self.planted());
        let outcome = play(&self.case, true);
        mutant::plant(None);
        outcome
    }
}
