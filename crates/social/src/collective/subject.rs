//! What is proposed: the content of a proposal, of which fields 1 and 2 are the kind and the reason.

use std::fmt;

use komrade_crypto::identity::PersonId;

use super::{
    body::{name_of, read_persons},
    constitution::Constitution,
};
use crate::{
    OperationError,
    cbor::{Map, Writer, exactly, number},
};

/// The longest question, in bytes.
pub const MAX_QUESTION_BYTES: usize = 1_000;
/// The longest option, in bytes.
pub const MAX_OPTION_BYTES: usize = 200;
/// The most options of a free decision; the fewest are 2.
pub const MAX_OPTIONS: usize = 16;

const ADMIT: u64 = 1;
const REMOVE: u64 = 2;
const AMEND: u64 = 3;
const REST: u64 = 4;
const EMPOWER: u64 = 5;
const RECALL: u64 = 6;
const DECIDE: u64 = 7;
const SPLIT: u64 = 8;
const DISSOLVE: u64 = 9;

/// What is proposed.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// Admits a person, who enters by accepting.
    Admit {
        /// Whom.
        person: PersonId,
        /// What the proposer calls them: 1 to [`MAX_NAME_CHARS`](crate::MAX_NAME_CHARS) characters.
        name: String,
    },
    /// Removes a member.
    Remove {
        /// Whom.
        person: PersonId,
    },
    /// Replaces the constitution.
    Amend {
        /// By what.
        constitution: Box<Constitution>,
    },
    /// Lets a member rest: they read, do not count, and return by themselves.
    Rest {
        /// Whom.
        person: PersonId,
    },
    /// Gives a member a role.
    Empower {
        /// The role's number.
        role: u8,
        /// Whom.
        person: PersonId,
    },
    /// Takes a role from a member.
    Recall {
        /// The role's number.
        role: u8,
        /// From whom.
        person: PersonId,
    },
    /// A free decision, which changes nothing here but says what was decided.
    Decide {
        /// The question, at most [`MAX_QUESTION_BYTES`].
        question: String,
        /// 2 to [`MAX_OPTIONS`] answers of at most [`MAX_OPTION_BYTES`].
        options: Vec<String>,
    },
    /// Lets some members go on by themselves, in a collective that they found. It needs the ballot of each of them besides.
    Split {
        /// Who leaves, in rising order.
        persons: Vec<PersonId>,
    },
    /// Ends the collective.
    Dissolve,
    /// What only a newer version knows.
    Unknown {
        /// Its number.
        kind: u64,
    },
}

impl Subject {
    /// The persons whom it is about.
    pub fn persons(&self) -> &[PersonId] {
        match self {
            Self::Admit { person, .. }
            | Self::Remove { person }
            | Self::Rest { person }
            | Self::Empower { person, .. }
            | Self::Recall { person, .. } => std::slice::from_ref(person),
            Self::Split { persons } => persons,
            _ => &[],
        }
    }

    /// Those of them who have no vote on it. Whoever is to go by a split has: nobody is sent away by it.
    pub(super) fn without(&self) -> &[PersonId] {
        match self {
            Self::Split { .. } => &[],
            _ => self.persons(),
        }
    }

    /// Those without whose own ballot in favour it is not carried.
    pub(super) fn consenting(&self) -> &[PersonId] {
        match self {
            Self::Split { persons } => persons,
            _ => &[],
        }
    }

    pub(super) fn kind(&self) -> u64 {
        match self {
            Self::Admit { .. } => ADMIT,
            Self::Remove { .. } => REMOVE,
            Self::Amend { .. } => AMEND,
            Self::Rest { .. } => REST,
            Self::Empower { .. } => EMPOWER,
            Self::Recall { .. } => RECALL,
            Self::Decide { .. } => DECIDE,
            Self::Split { .. } => SPLIT,
            Self::Dissolve => DISSOLVE,
            Self::Unknown { kind } => *kind,
        }
    }

    /// Fields 3 and 4 of the content.
    pub(super) fn write(&self, to: &mut Writer) {
        match self {
            Self::Admit { person, name } => {
                to.number(3);
                to.bytes(&person.0);
                to.number(4);
                to.text(name);
            }
            Self::Remove { person } | Self::Rest { person } => {
                to.number(3);
                to.bytes(&person.0);
            }
            Self::Amend { constitution } => {
                to.number(3);
                constitution.write(to);
            }
            Self::Empower { role, person } | Self::Recall { role, person } => {
                to.number(3);
                to.bytes(&person.0);
                to.number(4);
                to.number((*role).into());
            }
            Self::Decide { question, options } => {
                to.number(3);
                to.text(question);
                to.number(4);
                to.array(options.len());
                options.iter().for_each(|option| to.text(option));
            }
            Self::Split { persons } => {
                to.number(3);
                to.array(persons.len());
                persons.iter().for_each(|person| to.bytes(&person.0));
            }
            Self::Dissolve | Self::Unknown { .. } => {}
        }
    }

    pub(super) fn fields(&self) -> usize {
        match self {
            Self::Admit { .. }
            | Self::Empower { .. }
            | Self::Recall { .. }
            | Self::Decide { .. } => 2,
            Self::Dissolve | Self::Unknown { .. } => 0,
            _ => 1,
        }
    }

    pub(super) fn read(kind: u64, from: &mut Map) -> Result<Self, OperationError> {
        let person = |from: &mut Map| from.required(3, |value| exactly(&value).map(PersonId));
        let role = |from: &mut Map| from.required(4, |value| number(&value)?.try_into().ok());
        Ok(match kind {
            ADMIT => Self::Admit {
                person: person(from)?,
                name: from.text(4)?,
            },
            REMOVE => Self::Remove {
                person: person(from)?,
            },
            AMEND => Self::Amend {
                constitution: Box::new(Constitution::read(from.map(3)?)?),
            },
            REST => Self::Rest {
                person: person(from)?,
            },
            EMPOWER => Self::Empower {
                person: person(from)?,
                role: role(from)?,
            },
            RECALL => Self::Recall {
                person: person(from)?,
                role: role(from)?,
            },
            DECIDE => Self::Decide {
                question: from.text(3)?,
                options: from.required(4, |value| {
                    let options = value.into_array().ok()?;
                    options.into_iter().map(|o| o.into_text().ok()).collect()
                })?,
            },
            SPLIT => Self::Split {
                persons: read_persons(from, 3)?,
            },
            DISSOLVE => Self::Dissolve,
            kind => Self::Unknown { kind },
        })
    }

    pub(super) fn check(&self) -> Result<(), OperationError> {
        match self {
            Self::Decide { question, options } => {
                let good = |option: &String| (1..=MAX_OPTION_BYTES).contains(&option.len());
                if question.len() > MAX_QUESTION_BYTES {
                    Err(OperationError::TextTooLong(question.len()))
                } else if !(2..=MAX_OPTIONS).contains(&options.len()) || !options.iter().all(good) {
                    Err(OperationError::TooMany(4))
                } else {
                    Ok(())
                }
            }
            Self::Admit { name, .. } => name_of(name),
            Self::Split { persons } if !persons.is_sorted_by(|a, b| a < b) => {
                Err(OperationError::BadField(3))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Subject(kind {}, [redacted])", self.kind())
    }
}
