//! Introductions: somebody brings two of their comrades together.
//!
//! 1. The introducer asks each, in their conversation, with the other's name and some words. That is all that either learns.
//! 2. Whoever says yes makes an invite for the other and gives it to the introducer. Whoever says no gives nothing.
//! 3. Once both said yes, the introducer passes the newer invite on to the other, whose device accepts it; whoever made it
//!    confirms the first who answers, for they have said yes already.
//!
//! If one says no, the other hears nothing: they cannot tell that from no answer, and the invite that the introducer has is forgotten
//! there. The introducer learns what each answered, and could answer the invite in the other's place: codes are compared as
//! after any meeting.
//!
//! Nothing leaves because something arrived: what follows from mail is done at times that are drawn while something is under way.

#[cfg(test)]
mod tests;
pub(crate) mod word;

use komrade_crypto::{day_of, invite::Invite};
use komrade_social::Body;
use komrade_view::{
    Answer, ComradeId, ComradeState, Event, Introduction, IntroductionId, IntroductionView,
    InviteId, MAX_REASON_CHARS, Millis, Refusal,
};
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use zeroize::Zeroizing;

use self::word::Word;
use crate::{
    comrade::Comrade,
    invites::Wanted,
    limits,
    open::Open,
    own::SecretBytes,
    records::{self, Damaged},
    step::Step,
};

/// All that are under way here.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Introductions {
    made: Vec<Made>,
    asked: Vec<Asked>,
    /// When what follows from mail is done next.
    #[serde(skip)]
    duty_at: Option<Millis>,
}

/// One of one's own.
#[derive(Serialize, Deserialize)]
struct Made {
    id: ByteArray<16>,
    at: Millis,
    words: String,
    sides: [Side; 2],
    /// The invite of one went to the other.
    passed_on: bool,
}

/// One of the two.
#[derive(Serialize, Deserialize)]
struct Side {
    comrade: ComradeId,
    /// What they answered, and when.
    answer: Option<(bool, Millis)>,
    /// Theirs, until it is passed on or of no use.
    invite: Option<SecretBytes>,
}

/// One that a comrade offers.
#[derive(Serialize, Deserialize)]
struct Asked {
    by: ComradeId,
    id: ByteArray<16>,
    at: Millis,
    name: String,
    words: String,
    stage: Stage,
}

#[derive(Serialize, Deserialize)]
enum Stage {
    /// The person has not answered.
    New,
    /// They said yes, with this invite.
    Agreed(InviteId, Millis),
    /// The other said yes, too, and this is theirs.
    Passed(InviteId, SecretBytes),
    /// It led to this comrade.
    Met(ComradeId),
}

impl Introductions {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        records::decode(bytes)
    }

    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        records::encode(self)
    }

    /// Mail may bring something to do.
    fn is_under_way(&self) -> bool {
        let open = |made: &Made| !made.passed_on && !made.is_refused();
        let agreed = |asked: &Asked| matches!(asked.stage, Stage::Agreed(..) | Stage::Passed(..));
        self.made.iter().any(open) || self.asked.iter().any(agreed)
    }

    /// Whether an invite was made for one of them.
    pub(crate) fn has_invite(&self, id: InviteId) -> bool {
        self.asked.iter().any(|asked| asked.invite() == Some(id))
    }
}

impl Made {
    fn is_refused(&self) -> bool {
        let mut sides = self.sides.iter();
        sides.any(|side| side.answer.is_some_and(|(yes, _)| !yes))
    }

    /// To whom something is to be passed on, and what: the newer invite is good for longer.
    fn to_pass_on(&self) -> Option<(ComradeId, Invite)> {
        let [one, other] = &self.sides;
        let agreed = |side: &Side| side.answer.filter(|(yes, _)| *yes).map(|(_, at)| at);
        let (first, second) = (agreed(one)?, agreed(other)?);
        if self.passed_on {
            return None;
        }
        let (from, to) = match first <= second {
            true => (other, one),
            false => (one, other),
        };
        let invite = Invite::decode(&from.invite.as_ref()?.0).ok()?;
        Some((to.comrade, invite))
    }

    fn view(&self) -> IntroductionView {
        let [one, other] = &self.sides;
        let said = |side: &Side| (side.comrade, side.answer.map(|(yes, _)| yes));
        IntroductionView {
            id: IntroductionId(*self.id),
            at: self.at,
            words: self.words.clone(),
            what: Introduction::Own {
                pair: [said(one), said(other)],
                passed_on: self.passed_on,
            },
        }
    }
}

impl Asked {
    /// The one of one's own that was made for it.
    fn invite(&self) -> Option<InviteId> {
        match self.stage {
            Stage::Agreed(invite, _) | Stage::Passed(invite, _) => Some(invite),
            Stage::New | Stage::Met(_) => None,
        }
    }

    fn view(&self) -> IntroductionView {
        let (by, name) = (self.by, self.name.clone());
        let what = match self.stage {
            Stage::New => Introduction::Asked { by, name },
            Stage::Agreed(_, since) => Introduction::Agreed { by, name, since },
            Stage::Passed(..) => {
                let since = self.at;
                Introduction::Agreed { by, name, since }
            }
            Stage::Met(comrade) => Introduction::Met { by, name, comrade },
        };
        IntroductionView {
            id: IntroductionId(*self.id),
            at: self.at,
            words: self.words.clone(),
            what,
        }
    }
}

impl Open {
    // --- what the person does --------------------------------------------------------------------

    /// Asks two comrades whether they would meet.
    pub(crate) fn introduce(
        &mut self,
        step: &mut Step,
        pair: [ComradeId; 2],
        words: String,
    ) -> Result<Answer, Refusal> {
        if words.chars().count() > MAX_REASON_CHARS || pair[0] == pair[1] {
            return Err(Refusal::OutOfBounds);
        }
        let mut names = Vec::new();
        for id in pair {
            let record = self.comrades.get(&id).map(|it| &it.record);
            let record = record.filter(|it| !it.removed).ok_or(Refusal::Unknown)?;
            if !record.is_met() {
                return Err(Refusal::NotConfirmed);
            }
            names.push(record.name.clone());
        }
        let made = &mut self.introductions.made;
        // What is over makes room.
        if made.len() >= limits::MAX_INTRODUCTIONS {
            made.retain(|it| !it.passed_on && !it.is_refused());
        }
        if made.len() >= limits::MAX_INTRODUCTIONS {
            return Err(Refusal::TooManyIntroductions);
        }
        let id: [u8; 16] = step.draw();
        let side = |comrade| Side {
            comrade,
            answer: None,
            invite: None,
        };
        made.push(Made {
            id: ByteArray::new(id),
            at: step.now,
            words: words.clone(),
            sides: pair.map(side),
            passed_on: false,
        });
        names.reverse();
        for (comrade, name) in pair.into_iter().zip(names) {
            let words = words.clone();
            self.speak_up(step, comrade);
            self.introduction_tell(step, comrade, &id, &Word::Offer { name, words });
        }
        self.note_introductions(step);
        Ok(Answer::Done)
    }

    /// Says yes or no.
    pub(crate) fn answer_introduction(
        &mut self,
        step: &mut Step,
        by: ComradeId,
        id: IntroductionId,
        accept: bool,
    ) -> Result<Answer, Refusal> {
        let is = |it: &Asked| it.by == by && *it.id == id.0;
        let mut all = self.introductions.asked.iter();
        let asked = all.find(|it| is(it)).ok_or(Refusal::Unknown)?;
        if !matches!(asked.stage, Stage::New) {
            return Err(Refusal::Over);
        }
        let word = match accept {
            false => {
                self.introductions.asked.retain(|it| !is(it));
                Word::Answer(None)
            }
            true => {
                let wanted = Wanted {
                    with_relay: false,
                    days: limits::MAX_INVITE_DAYS,
                    offer: None,
                };
                let (invite, made, _) = self.draw_invite(step, &wanted)?;
                for asked in &mut self.introductions.asked {
                    if is(asked) {
                        asked.stage = Stage::Agreed(invite, step.now);
                    }
                }
                Word::Answer(Some(Box::new(made)))
            }
        };
        self.speak_up(step, by);
        self.introduction_tell(step, by, &id.0, &word);
        self.note_introductions(step);
        Ok(Answer::Done)
    }

    /// Forgets one: nothing more comes of it here.
    pub(crate) fn end_introduction(
        &mut self,
        step: &mut Step,
        by: Option<ComradeId>,
        id: IntroductionId,
    ) -> Result<Answer, Refusal> {
        let all = &mut self.introductions;
        let before = all.made.len() + all.asked.len();
        let mut unused = Vec::new();
        match by {
            None => all.made.retain(|it| *it.id != id.0),
            Some(by) => all.asked.retain(|it| {
                let is = it.by == by && *it.id == id.0;
                unused.extend(it.invite().filter(|_| is));
                !is
            }),
        }
        if all.made.len() + all.asked.len() == before {
            return Err(Refusal::Unknown);
        }
        for invite in unused {
            let _ = self.end_invite(step, invite);
        }
        self.note_introductions(step);
        Ok(Answer::Done)
    }

    // --- what comes ------------------------------------------------------------------------------

    /// A comrade said something of an introduction. Nothing leaves because of it.
    pub(crate) fn introduction_heard(
        &mut self,
        step: &mut Step,
        comrade: ComradeId,
        content: &[u8],
    ) {
        let is_met = self
            .comrades
            .get(&comrade)
            .is_some_and(|it| it.record.is_met());
        let Ok(Some((id, word))) = Word::decode(content) else {
            return;
        };
        if !is_met {
            return;
        }
        let all = &mut self.introductions;
        match word {
            Word::Offer { name, words } => {
                let is_theirs = |it: &Asked| it.by == comrade;
                if all.asked.iter().any(|it| is_theirs(it) && *it.id == id) {
                    return;
                }
                let is_full = |asked: &[Asked]| asked.len() >= limits::MAX_INTRODUCTIONS;
                let is_one_full = |asked: &[Asked]| {
                    let theirs = asked.iter().filter(|it| is_theirs(it));
                    theirs.count() >= limits::MAX_INTRODUCTIONS_EACH
                };
                // What is over makes room.
                let (full, one_full) = (is_full(&all.asked), is_one_full(&all.asked));
                let before = all.asked.len();
                all.asked.retain(|it| {
                    let is_over = matches!(it.stage, Stage::Met(_));
                    !is_over || !(full || (one_full && is_theirs(it)))
                });
                if is_full(&all.asked) || is_one_full(&all.asked) {
                    if all.asked.len() < before {
                        self.note_introductions(step);
                    }
                    return;
                }
                all.asked.push(Asked {
                    by: comrade,
                    id: ByteArray::new(id),
                    at: step.now,
                    name,
                    words,
                    stage: Stage::New,
                });
            }
            Word::Answer(invite) => {
                let Some(made) = all.made.iter_mut().find(|it| *it.id == id) else {
                    return;
                };
                let mut sides = made.sides.iter_mut();
                let side = sides.find(|it| it.comrade == comrade && it.answer.is_none());
                let Some(side) = side else { return };
                side.answer = Some((invite.is_some(), step.now));
                side.invite = invite.map(|it| SecretBytes(it.encode().to_vec()));
                // It would lead to whoever does not want to be met, or to nobody.
                if made.is_refused() {
                    made.sides.iter_mut().for_each(|side| side.invite = None);
                }
            }
            Word::Meet(theirs) => {
                let mut asked = all.asked.iter_mut();
                let asked = asked.find(|it| it.by == comrade && *it.id == id);
                let Some(asked) = asked else { return };
                let Stage::Agreed(invite, _) = asked.stage else {
                    return;
                };
                asked.stage = Stage::Passed(invite, SecretBytes(theirs.encode().to_vec()));
            }
        }
        self.note_introductions(step);
    }

    // --- what follows, at drawn times ------------------------------------------------------------

    /// The vault has just opened, or something is under way.
    pub(crate) fn draw_introductions(&mut self, step: &mut Step) {
        self.introductions.duty_at = match self.introductions.is_under_way() {
            true => Some(self.draw_duty_time(step)),
            false => None,
        };
    }

    /// When [`Open::mind_introductions`] has something to do.
    pub(crate) fn next_introduction(&self) -> Option<Millis> {
        self.introductions.duty_at
    }

    pub(crate) fn mind_introductions(&mut self, step: &mut Step) {
        let is_due = self.introductions.duty_at.is_some_and(|at| at <= step.now);
        if !is_due || !step.has_room() {
            return;
        }
        if !self.clock.is_doubted() {
            self.end_introductions(step);
            self.pass_on_introductions(step);
            self.meet_introduced(step);
        }
        self.draw_introductions(step);
    }

    /// Those that are over by time, or whose comrades are gone.
    pub(crate) fn end_introductions(&mut self, step: &mut Step) {
        let comrades = &self.comrades;
        let is_there = |id: &ComradeId| comrades.get(id).is_some_and(|it| !it.record.removed);
        let old = step.now.saturating_sub(limits::INTRODUCTION_LIFE);
        let all = &mut self.introductions;
        let before = all.made.len() + all.asked.len();
        all.made.retain(|made| {
            let mut sides = made.sides.iter();
            made.at > old && sides.all(|side| is_there(&side.comrade))
        });
        let mut unused = Vec::new();
        all.asked.retain(|asked| {
            let is_kept = asked.at > old && is_there(&asked.by);
            unused.extend(asked.invite().filter(|_| !is_kept));
            is_kept
        });
        if all.made.len() + all.asked.len() != before {
            self.note_introductions(step);
        }
        for invite in unused {
            let _ = self.end_invite(step, invite);
        }
    }

    /// Both said yes: gives one the invite of the other.
    fn pass_on_introductions(&mut self, step: &mut Step) {
        let mut due = Vec::new();
        for made in &mut self.introductions.made {
            let Some((to, invite)) = made.to_pass_on() else {
                continue;
            };
            made.passed_on = true;
            step.touched.introductions = true;
            step.show.introductions = true;
            made.sides.iter_mut().for_each(|side| side.invite = None);
            // One that has expired meanwhile leads nowhere.
            if day_of(step.now) <= u32::from(invite.last_day) {
                due.push((to, *made.id, invite));
            }
        }
        for (to, id, invite) in due {
            self.introduction_tell(step, to, &id, &Word::Meet(Box::new(invite)));
        }
    }

    /// Accepts invites of those who said yes, too, and confirms whoever accepted one's own.
    fn meet_introduced(&mut self, step: &mut Step) {
        let mut steps = Vec::new();
        for (at, asked) in self.introductions.asked.iter().enumerate() {
            match &asked.stage {
                Stage::Passed(own, theirs) => {
                    steps.push((at, *own, Invite::decode(&theirs.0).ok()));
                }
                Stage::Agreed(own, _) => steps.push((at, *own, None)),
                Stage::New | Stage::Met(_) => {}
            }
        }
        for (at, own, theirs) in steps {
            let met = match theirs {
                Some(invite) => {
                    let accepted = self.accept_read(step, None, &invite);
                    let _ = self.end_invite(step, own);
                    match accepted {
                        Ok(Answer::Comrade(id)) => Some(id),
                        _ => self.answered_by(own),
                    }
                }
                None => self.answered_by(own),
            };
            let Some(met) = met else { continue };
            let record = self.comrades.get(&met).map(|it| &it.record);
            // Somebody else has it, too: that is for the person to judge.
            if record.is_some_and(|it| it.state == ComradeState::Asking) {
                let _ = self.confirm(step, met);
            }
            if let Some(asked) = self.introductions.asked.get_mut(at) {
                asked.stage = Stage::Met(met);
            }
            self.note_introductions(step);
        }
    }

    /// Who answered an invite made here: whoever carries no warning, if there are more.
    fn answered_by(&self, invite: InviteId) -> Option<ComradeId> {
        let all = self.comrades.iter();
        let answered =
            all.filter(|(_, it)| it.record.answered == Some(invite) && !it.record.removed);
        let carries_warning =
            |(_, it): &(&ComradeId, &Comrade)| it.record.state == ComradeState::AskingAgain;
        answered.min_by_key(carries_warning).map(|(id, _)| *id)
    }

    fn introduction_tell(
        &mut self,
        step: &mut Step,
        comrade: ComradeId,
        id: &[u8; 16],
        word: &Word,
    ) {
        let content = word.encode(id);
        self.write_operation(step, comrade, Body::Introduction { content }, None);
    }

    fn note_introductions(&mut self, step: &mut Step) {
        step.show.introductions = true;
        step.touched.introductions = true;
        if self.introductions.duty_at.is_none() {
            self.draw_introductions(step);
        }
    }

    /// All of them, the newest first.
    pub(crate) fn introductions_event(&self) -> Event {
        let made = self.introductions.made.iter().map(Made::view);
        let asked = self.introductions.asked.iter().map(Asked::view);
        let mut all: Vec<IntroductionView> = made.chain(asked).collect();
        all.sort_by_key(|it| (std::cmp::Reverse(it.at), it.id));
        Event::Introductions(all)
    }
}
